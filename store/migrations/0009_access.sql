-- Who may ask, what a request reaches, and the doors to what is kept apart. Functions with their owner's rights are for
-- the roles that store/grants.sql names; there they also get their search path, and the policies of tables stand there.

-- Who may ask the API. A token is shown once; only its SHA-256 is kept.
CREATE TABLE token (
  token_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash bytea NOT NULL,
  label text, -- whose it is, for people
  role text NOT NULL CHECK (role IN ('customer', 'crew', 'dispatcher', 'supervisor', 'admin')),
  rights text[] NOT NULL DEFAULT '{read,write,reveal}', -- store.base.access.Right
  station text, -- crew: the station it works for
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  CONSTRAINT token_station CHECK (station IS NULL OR role = 'crew'),
  CONSTRAINT token_rights CHECK (rights <@ '{read,write,reveal}' AND rights <> '{}'),
  -- Usage: the API finds a token by its hash
  CONSTRAINT token_hash UNIQUE (hash)
);

CREATE TABLE token_home (
  token_id integer NOT NULL REFERENCES token,
  home_id integer NOT NULL REFERENCES home,
  resident text, -- whose token it is (residence); NULL: of the resident when it was made
  from_at timestamptz, -- nothing older is reached; NULL: no such bound
  from_day date, -- the local day of that
  PRIMARY KEY (token_id, home_id),
  CONSTRAINT token_home_from CHECK ((from_at IS NULL) = (from_day IS NULL))
);

-- Every change and every look at a person's data through the API, written in the transaction that made it.
CREATE TABLE audit (
  audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  actor text NOT NULL, -- who asked: a token or a person of the identity provider
  role text NOT NULL,
  address text, -- from where
  action text NOT NULL, -- method and route
  target jsonb NOT NULL, -- which home, ticket, …: the parameters of the route
  detail jsonb NOT NULL DEFAULT '{}'
);

-- Usage: what happened in a span of time
CREATE INDEX audit_at ON audit (at);

CREATE FUNCTION refuse_rewriting_audit() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only ever added to' USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Usage: nobody, not even the owner by mistake, rewrites the log
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_audit();

-- Forms of the customer page that were sent, so that none is taken twice. The key is random and stands in the form
-- alone; here is its SHA-256, so that this does not tell who sent what.
CREATE TABLE form_sent (
  key bytea PRIMARY KEY,
  at timestamptz NOT NULL,
  number text NOT NULL -- of the ticket that came of it
);

-- Usage: old ones are forgotten
CREATE INDEX form_sent_at ON form_sent (at);

-- The identity of complainants. The desk cannot read this schema.
CREATE SCHEMA identity;
REVOKE ALL ON SCHEMA identity FROM PUBLIC;

CREATE TABLE identity.complainant (
  ticket_id bigint PRIMARY KEY REFERENCES ticket,
  name text,
  phone text,
  home_id integer REFERENCES home,
  kept_at timestamptz NOT NULL,
  CONSTRAINT complainant_known CHECK (num_nonnulls(name, phone, home_id) > 0)
);

-- Usage: the cases of a home
CREATE INDEX complainant_home ON identity.complainant (home_id) WHERE home_id IS NOT NULL;

-- Every try to see who made a complaint, whatever came of it.
CREATE TABLE identity.reveal (
  reveal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  ticket_id bigint NOT NULL REFERENCES ticket,
  actor text NOT NULL,
  role text NOT NULL,
  station text,
  reason text NOT NULL,
  outcome text NOT NULL -- domain.cases.Reveal
);

-- Usage: who looked at a case
CREATE INDEX reveal_ticket ON identity.reveal (ticket_id);

CREATE FUNCTION identity.refuse_rewriting() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION '%.% is only ever added to', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Usage: nobody, not even the owner by mistake, takes away who said what
CREATE TRIGGER complainant_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON identity.complainant
FOR EACH STATEMENT EXECUTE FUNCTION identity.refuse_rewriting();
-- Usage: nobody takes away who looked
CREATE TRIGGER reveal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON identity.reveal
FOR EACH STATEMENT EXECUTE FUNCTION identity.refuse_rewriting();

-- The way in: the account that takes a case down may leave the identity here, and cannot read it again. Of a complainant
-- who wants to stay unknown nothing is kept.
CREATE FUNCTION identity.keep(of_ticket bigint, name text, phone text, home integer, at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM case_file AS c WHERE c.ticket_id = of_ticket AND NOT c.anonymous) THEN
    RAISE EXCEPTION 'no case of that ticket, or an anonymous one' USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO identity.complainant (ticket_id, name, phone, home_id, kept_at) VALUES (of_ticket, name, phone, home, at);
END
$$;

-- The way out: checks, writes down that somebody looked, and tells. A refusal is an answer, not an error, so that it is
-- written down as well. Nobody of the station complained about is ever told, whatever their role.
CREATE FUNCTION identity.reveal(
  of_ticket bigint, actor text, actor_role text, actor_station text, reason text, at timestamptz
)
RETURNS TABLE (outcome text, name text, phone text, home text)
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
  file record;
  said text;
BEGIN
  SELECT c.about_station INTO file FROM case_file AS c WHERE c.ticket_id = of_ticket;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'no_case', NULL::text, NULL::text, NULL::text;
    RETURN;
  END IF;
  said := CASE
    WHEN actor_station IS NOT NULL AND actor_station IS NOT DISTINCT FROM file.about_station THEN 'own_station'
    WHEN actor_role IS NULL OR actor_role NOT IN ('supervisor', 'admin') THEN 'role'
    WHEN length(btrim(coalesce(reason, ''))) < 10 THEN 'no_reason'
    WHEN NOT EXISTS (SELECT FROM identity.complainant AS k WHERE k.ticket_id = of_ticket) THEN 'unknown'
    ELSE 'shown'
  END;
  INSERT INTO identity.reveal (at, ticket_id, actor, role, station, reason, outcome)
  VALUES (at, of_ticket, actor, coalesce(actor_role, ''), actor_station, coalesce(reason, ''), said);
  RETURN QUERY
    SELECT said, k.name, k.phone, h.code
    FROM (SELECT) AS once
    LEFT JOIN identity.complainant AS k ON k.ticket_id = of_ticket AND said = 'shown'
    LEFT JOIN home AS h ON h.home_id = k.home_id;
END
$$;

-- Which rows a request reaches. It says in its transaction for what it asks (store/base/access.py): `hearth.everywhere`,
-- `hearth.station` or `hearth.homes`; beside the homes, in the same order, since when each is reached (`hearth.since`),
-- and from which whole local day on (`hearth.days`). Where nothing is said, nothing is reached.
CREATE FUNCTION reach_everywhere() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(current_setting('hearth.everywhere', true) = 'on', false);

CREATE FUNCTION reach_station() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('hearth.station', true), '');

CREATE FUNCTION reach_homes() RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('hearth.homes', true), '')::integer[];

CREATE FUNCTION reach_since(of_home integer) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (nullif(current_setting('hearth.since', true), '')::timestamptz[])[array_position(reach_homes(), of_home)];

CREATE FUNCTION reach_day(of_home integer) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (nullif(current_setting('hearth.days', true), '')::date[])[array_position(reach_homes(), of_home)];

-- The complaints and reports of the homes that a request reaches. The home of a complainant stands behind its door alone;
-- this tells a home of its own and names nobody: where no homes are reached, as by the desk, there are none.
CREATE FUNCTION reach_cases() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
AS $$
  SELECT coalesce(array_agg(k.ticket_id), '{}') FROM identity.complainant AS k
  WHERE k.home_id = ANY (reach_homes()) AND k.kept_at >= reach_since(k.home_id)
$$;

-- The tickets of flags that are reached: such a ticket may be older than the tenancy, and is then told without what is.
CREATE FUNCTION reach_flagged() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
AS $$
  SELECT coalesce(array_agg(f.ticket_id), '{}') FROM flag AS f
  WHERE f.home_id = ANY (reach_homes()) AND f.cold_since >= reach_since(f.home_id)
$$;

-- The outages of a reached home alone that were not over before it was.
CREATE FUNCTION reach_outages() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
AS $$
  SELECT coalesce(array_agg(a.outage_id), '{}') FROM outage_area AS a JOIN outage AS o USING (outage_id)
  WHERE a.home_id = ANY (reach_homes())
    AND coalesce(least(o.restored_at, o.cancelled_at), 'infinity') > reach_since(a.home_id)
$$;

-- The readings of a point while its sensor was there, if the home is reached. Readings themselves have no row-level
-- security, which TimescaleDB's columnstore does not go with: the API's role reads them through this door only.
-- EXECUTE plans for the values at hand, so chunks out of the span are not even looked at. A season of a home is 121
-- chunks: dear enough by the planner's reckoning to compile its plan, which takes ten times as long as reading it. And a
-- page of readings comes from the index, a page's work for a page: statistics that have not caught up with a table (after
-- an import, or a fast replay) otherwise make PostgreSQL read and sort the whole span for each page.
CREATE FUNCTION point_readings(of_point integer, start timestamptz, until timestamptz, most bigint)
RETURNS TABLE (
  measured_at timestamptz, received_at timestamptz, temperature real, humidity real, battery real, quality smallint,
  self_timed boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
SET jit = off SET enable_sort = off SET enable_bitmapscan = off
AS $$
DECLARE
  place record;
BEGIN
  SELECT
    p.sensor_id, p.valid_to,
    greatest(p.valid_from, CASE WHEN NOT reach_everywhere() THEN reach_since(p.home_id) END) AS valid_from
  INTO place FROM point AS p
  WHERE p.point_id = of_point AND (
    reach_everywhere() OR reach_since(p.home_id) IS NOT NULL OR EXISTS (
      SELECT FROM home AS h JOIN building_place AS b USING (building_id)
      WHERE h.home_id = p.home_id AND b.station = reach_station()
    )
  );
  IF FOUND THEN
    RETURN QUERY EXECUTE
      'SELECT measured_at, received_at, temperature, humidity, battery, quality, self_timed FROM reading '
      'WHERE sensor_id = $1 AND measured_at >= $2 AND measured_at < $3 ORDER BY measured_at LIMIT $4'
    USING place.sensor_id, greatest(start, place.valid_from), least(until, place.valid_to), most;
  END IF;
END
$$;

-- What the living sensors of a home said at an instant; of the homes that the caller reaches.
CREATE FUNCTION heard_beside(of_home integer, instant timestamptz, hold_intervals double precision)
RETURNS TABLE (sensor_id integer, sensor text, room text, room_kind text, celsius real)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT q.sensor_id, s.code, q.room, q.room_kind, r.temperature + q.offset_k
  FROM point_judged AS q
  JOIN sensor AS s USING (sensor_id)
  CROSS JOIN LATERAL (
    SELECT x.temperature FROM reading AS x
    WHERE x.sensor_id = q.sensor_id AND is_good(x.quality) AND x.measured_at <= instant
      AND x.measured_at > instant - make_interval(secs => hold_intervals * q.interval_s)
      AND coalesce(x.measured_at >= q.valid_from, true)
    ORDER BY x.measured_at DESC LIMIT 1
  ) AS r
  WHERE q.home_id = of_home AND q.room_kind <> 'out'
    AND coalesce(q.valid_from <= instant, true) AND coalesce(q.valid_to > instant, true)
    AND (
      (pg_has_role(session_user, 'hearth_watch', 'MEMBER') AND current_setting('role') <> 'hearth_api') OR reach_everywhere()
      OR of_home = ANY (reach_homes()) OR EXISTS (
        SELECT FROM home AS h JOIN building_place AS b USING (building_id)
        WHERE h.home_id = of_home AND b.station = reach_station()
      )
    )
$$;

-- A cold ticket that is opened by hand takes the lock of judging first: a flag of that moment joins it.
CREATE FUNCTION lock_home(home integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  PERFORM FROM home_state AS s WHERE s.home_id = home FOR NO KEY UPDATE;
END
$$;

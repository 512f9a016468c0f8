-- Who reaches which rows. A request says in its transaction whom it serves (store/access.py): `hearth.everywhere`,
-- `hearth.station` or `hearth.homes`. Where nothing is said, nothing is reached. The policies are in store/grants.sql.

CREATE FUNCTION reach_everywhere() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(current_setting('hearth.everywhere', true) = 'on', false);

CREATE FUNCTION reach_station() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('hearth.station', true), '');

CREATE FUNCTION reach_homes() RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('hearth.homes', true), '')::integer[];

-- The readings of a point while its sensor was there, if the home is reached. Readings themselves have no row-level
-- security, which TimescaleDB's columnstore does not go with: the API's role reads them through this door only.
-- EXECUTE plans for the values at hand, so chunks out of the span are not even looked at.
CREATE FUNCTION point_readings(of_point integer, start timestamptz, until timestamptz, most bigint)
RETURNS TABLE (
  measured_at timestamptz, received_at timestamptz, temperature real, humidity real, battery real, quality smallint,
  self_timed boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
AS $$
DECLARE
  place record;
BEGIN
  SELECT p.sensor_id, p.valid_from, p.valid_to INTO place FROM point AS p
  WHERE p.point_id = of_point AND (
    reach_everywhere() OR p.home_id = ANY (reach_homes()) OR EXISTS (
      SELECT FROM home AS h
      JOIN building AS b USING (building_id)
      JOIN substation AS u USING (substation_id)
      WHERE h.home_id = p.home_id AND u.station = reach_station()
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

-- A function with its owner's rights must not find tables that a caller has put in the way.
DO $$
BEGIN
  EXECUTE format(
    'ALTER FUNCTION point_readings(integer, timestamptz, timestamptz, bigint) SET search_path = %I, pg_temp',
    current_schema()
  );
END
$$;

ALTER TABLE token
  ADD COLUMN label text, -- whose it is, for people
  ADD COLUMN rights text[] NOT NULL DEFAULT '{read,write,reveal}', -- store.access.Right
  ADD CONSTRAINT token_rights CHECK (rights <@ '{read,write,reveal}' AND rights <> '{}');

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

-- Complaints and reports of wrongdoing: what they are about, and how they are followed up. Who made them is kept apart,
-- in a schema that the desk cannot read. The home of a complainant is no column here, and not on the ticket either: it
-- would tell the station complained about who it was.

CREATE TABLE case_file (
  ticket_id bigint PRIMARY KEY REFERENCES ticket, -- of class complaint or report
  subject text NOT NULL, -- domain.cases.Subject
  channel text NOT NULL, -- domain.cases.Channel
  about_station text, -- the station it is about; NULL: the company
  text text NOT NULL CHECK (length(text) BETWEEN 1 AND 4000), -- what happened, without the name of who says so
  anonymous boolean NOT NULL, -- who it was is not kept at all
  opened_at timestamptz NOT NULL,
  opened_by text NOT NULL,
  escalated_at timestamptz, -- taken up to the company's management
  supervised_at timestamptz, -- its progress is watched from above
  published_at timestamptz, -- what came of it was made known
  example_at timestamptz -- closed, and others may learn from it
);

-- Usage: the cases of a station
CREATE INDEX case_file_station ON case_file (about_station, ticket_id);

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

-- The way in: whoever takes a case down may leave the identity here, and cannot read it again. Of who wants to stay
-- unknown nothing is kept.
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

-- Functions with their owner's rights are for whom store/grants.sql names, and find no tables put in their way.
DO $$
BEGIN
  EXECUTE format(
    'ALTER FUNCTION identity.reveal(bigint, text, text, text, text, timestamptz) SET search_path = %I, pg_temp',
    current_schema()
  );
  EXECUTE format(
    'ALTER FUNCTION identity.keep(bigint, text, text, integer, timestamptz) SET search_path = %I, pg_temp',
    current_schema()
  );
END
$$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA identity FROM PUBLIC;

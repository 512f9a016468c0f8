-- What customers do by themselves: complain and follow it, and send a form once.

-- The complaints and reports of the homes that a request reaches. Whose a case is stands behind its door alone; this
-- tells a home of its own and names nobody: where no homes are reached, as by the desk, there are none.
CREATE FUNCTION reach_cases() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
AS $$
  SELECT coalesce(array_agg(k.ticket_id), '{}') FROM identity.complainant AS k WHERE k.home_id = ANY (reach_homes())
$$;

-- Usage: the cases of a home
CREATE INDEX complainant_home ON identity.complainant (home_id) WHERE home_id IS NOT NULL;

-- A function with its owner's rights must not find tables that a caller has put in the way.
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION reach_cases() SET search_path = %I, pg_temp', current_schema());
END
$$;

-- Forms of the customer page that were sent, so that none is taken twice. The key is random and stands in the form
-- alone; here is its SHA-256, so that this does not tell who sent what.
CREATE TABLE form_sent (
  key bytea PRIMARY KEY,
  at timestamptz NOT NULL,
  number text NOT NULL -- of the ticket that came of it
);

-- Usage: old ones are forgotten
CREATE INDEX form_sent_at ON form_sent (at);

-- A home with an open flag has an open ticket, nothing closes without what it needs, and numbers have no gaps.

-- How far the numbers that people see have been given. Whoever takes some keeps the row locked until the transaction is
-- over: what is rolled back has taken none. So numbers are taken last: whoever has some waits for no home and no ticket.
CREATE TABLE numbering (
  kind text PRIMARY KEY, -- store.numbers.Kind
  last bigint NOT NULL,
  gaps_until bigint NOT NULL -- up to here numbers came from a sequence, which leaves out what was rolled back
) WITH (fillfactor = 10);

INSERT INTO numbering (kind, last, gaps_until)
SELECT n.kind, n.last, n.last
FROM (
  SELECT 'ticket' AS kind, coalesce(max(ticket_id), 0) AS last FROM ticket
  UNION ALL SELECT 'flag', coalesce(max(flag_id), 0) FROM flag
  UNION ALL SELECT 'incident', coalesce(max(incident_id), 0) FROM incident
  UNION ALL SELECT 'outage', coalesce(max(outage_id), 0) FROM outage
  UNION ALL SELECT 'measurement', coalesce(max(measurement_id), 0) FROM measurement
) AS n;

-- Take so many numbers, which follow each other, and return the first; or (less than none) give back the last ones.
CREATE FUNCTION take_numbers(of_kind text, many bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER AS $$
  UPDATE numbering SET last = last + many WHERE kind = of_kind RETURNING last - many + 1
$$;

-- A number as people see it: eight digits, or more once there are more.
CREATE FUNCTION number_text(letter text, number bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN letter || lpad(number::text, greatest(8, length(number::text)), '0');

-- Many at once are numbered by whoever inserts them: the default is for one.
ALTER TABLE ticket
  ALTER COLUMN ticket_id DROP IDENTITY,
  ALTER COLUMN ticket_id SET DEFAULT take_numbers('ticket', 1),
  ALTER COLUMN number SET EXPRESSION AS (number_text('T', ticket_id));
ALTER TABLE flag
  ALTER COLUMN flag_id DROP IDENTITY,
  ALTER COLUMN flag_id SET DEFAULT take_numbers('flag', 1);
ALTER TABLE incident
  ALTER COLUMN incident_id DROP IDENTITY,
  ALTER COLUMN incident_id SET DEFAULT take_numbers('incident', 1),
  ALTER COLUMN number SET EXPRESSION AS (number_text('I', incident_id));
ALTER TABLE outage
  ALTER COLUMN outage_id DROP IDENTITY,
  ALTER COLUMN outage_id SET DEFAULT take_numbers('outage', 1),
  ALTER COLUMN number SET EXPRESSION AS (number_text('O', outage_id));
ALTER TABLE measurement
  ALTER COLUMN measurement_id DROP IDENTITY,
  ALTER COLUMN measurement_id SET DEFAULT take_numbers('measurement', 1),
  ALTER COLUMN number SET EXPRESSION AS (number_text('M', measurement_id));

-- What closing a ticket still needs: domain.tickets.missing, word for word; a test goes through all that there is.
CREATE FUNCTION closing_needs(
  class text, source text, retrospective boolean, flagged boolean, done boolean, proof text, replied boolean,
  call_back_asked boolean, called_back boolean, responsibility text, paid boolean, confirmed boolean
) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_remove(
  CASE WHEN retrospective OR source IN ('device', 'incident') THEN ARRAY[CASE WHEN flagged THEN 'proof' END] ELSE ARRAY[
    CASE WHEN NOT done THEN 'done' END,
    CASE WHEN flagged OR (class = 'cold' AND proof IS NULL) THEN 'proof' END,
    CASE WHEN NOT replied THEN 'reply' END,
    CASE WHEN call_back_asked AND NOT called_back AND proof IS DISTINCT FROM 'withdrawn' THEN 'call_back' END,
    CASE WHEN (paid OR coalesce(responsibility = 'user', false)) AND NOT confirmed THEN 'confirmation' END
  ] END,
  NULL
);

-- What there is of what closing needs, ticket by ticket: domain.tickets.Standing.
CREATE VIEW ticket_standing WITH (security_invoker = true) AS
SELECT
  t.ticket_id, t.class AS ticket_class, t.source, t.retrospective,
  EXISTS (SELECT FROM flag AS f WHERE f.ticket_id = t.ticket_id AND f.cleared_at IS NULL) AS flagged,
  t.done_at IS NOT NULL AS done, t.proof, t.replied_at IS NOT NULL AS replied,
  EXISTS (
    SELECT FROM clock AS c WHERE c.ticket_id = t.ticket_id AND c.round = t.round AND c.name = 'call_back'
  ) AS call_back_asked,
  t.called_back_at IS NOT NULL AS called_back, t.responsibility, t.paid, t.confirmation IS NOT NULL AS confirmed
FROM ticket AS t;

CREATE FUNCTION ticket_needs(of_ticket bigint) RETURNS text[]
LANGUAGE sql STABLE AS $$
  SELECT closing_needs(
    s.ticket_class, s.source, s.retrospective, s.flagged, s.done, s.proof, s.replied, s.call_back_asked, s.called_back,
    s.responsibility, s.paid, s.confirmed
  )
  FROM ticket_standing AS s WHERE s.ticket_id = of_ticket
$$;

-- Both sides are looked at when the transaction ends, whatever it wrote in which order; row-level security of the
-- caller does not hide anything from them. A snapshot from before a lock was waited for would not see what another
-- transaction has done meanwhile: only READ COMMITTED looks anew.
CREATE FUNCTION check_closed_ticket() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  needs text[];
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'tickets close at READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  IF (SELECT t.state = 'closed' FROM ticket AS t WHERE t.ticket_id = NEW.ticket_id) THEN
    needs := ticket_needs(NEW.ticket_id);
    IF cardinality(needs) > 0 THEN
      RAISE EXCEPTION 'ticket % may not be closed (ticket_closed_for_good): it still needs %',
        NEW.ticket_id, array_to_string(needs, ', ')
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_closed_for_good', TABLE = 'ticket';
    END IF;
  END IF;
  RETURN NULL;
END
$$;

-- The ticket stays locked: it cannot be closed by somebody else between this and the commit.
CREATE FUNCTION check_flag_ticket() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  t record;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'flags open at READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  SELECT k.state, k.class, k.home_id IS DISTINCT FROM f.home_id AS elsewhere, f.cleared_at INTO t
  FROM flag AS f JOIN ticket AS k USING (ticket_id) WHERE f.flag_id = NEW.flag_id
  FOR SHARE OF k;
  IF t.class <> 'cold' OR t.elsewhere OR (t.cleared_at IS NULL AND t.state = 'closed') THEN
    RAISE EXCEPTION 'flag % needs an open ticket for cold of its home (flag_has_ticket)', NEW.flag_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'flag_has_ticket', TABLE = 'flag';
  END IF;
  RETURN NULL;
END
$$;

DO $$
DECLARE
  signature text;
BEGIN
  FOREACH signature IN ARRAY ARRAY[
    'take_numbers(text, bigint)', 'ticket_needs(bigint)', 'check_closed_ticket()', 'check_flag_ticket()'
  ] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', signature, current_schema());
  END LOOP;
END
$$;

ALTER TABLE ticket DROP CONSTRAINT ticket_closed_for_good;
CREATE CONSTRAINT TRIGGER ticket_closed_for_good AFTER INSERT OR UPDATE ON ticket
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'closed') EXECUTE FUNCTION check_closed_ticket();
CREATE CONSTRAINT TRIGGER flag_has_ticket AFTER INSERT ON flag
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_flag_ticket();
CREATE CONSTRAINT TRIGGER flag_keeps_ticket AFTER UPDATE ON flag
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (
    (OLD.ticket_id, OLD.home_id) IS DISTINCT FROM (NEW.ticket_id, NEW.home_id)
    OR (OLD.cleared_at IS NOT NULL AND NEW.cleared_at IS NULL)
  )
  EXECUTE FUNCTION check_flag_ticket();
ALTER TABLE ticket ENABLE ALWAYS TRIGGER ticket_closed_for_good;
ALTER TABLE flag ENABLE ALWAYS TRIGGER flag_has_ticket;
ALTER TABLE flag ENABLE ALWAYS TRIGGER flag_keeps_ticket;

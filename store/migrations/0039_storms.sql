-- What else a storm of flags did row by row: listeners are told of the rows of a statement at once, and what has to be
-- looked at for each row is found by index, also where a session's plan is older than the rows.

CREATE FUNCTION tell_flags() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO live_event (kind, what, subject_id, class, home_id, station)
  SELECT
    'flag', CASE WHEN n.cleared_at IS NULL THEN 'raised' ELSE 'found' END, n.flag_id, 'cold', n.home_id, u.station
  FROM written AS n JOIN home AS h USING (home_id) JOIN building AS b USING (building_id)
  JOIN substation AS u USING (substation_id)
  ORDER BY n.flag_id;
  IF FOUND THEN
    PERFORM pg_notify('hearth_live', '');
  END IF;
  RETURN NULL;
END
$$;

-- A change is told by each row: those that only get colder do not fire.
CREATE OR REPLACE FUNCTION tell_flag() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO live_event (kind, what, subject_id, class, home_id, station)
  SELECT
    'flag',
    CASE
      WHEN NEW.clear_reason = 'withdrawn' AND OLD.clear_reason IS DISTINCT FROM 'withdrawn' THEN 'withdrawn'
      WHEN NEW.cleared_at IS NOT NULL AND OLD.cleared_at IS NULL THEN 'cleared'
      WHEN NEW.severity > OLD.severity THEN 'worsened'
      WHEN NEW.suspended_at IS NOT NULL AND OLD.suspended_at IS NULL THEN 'suspended'
      WHEN NEW.suspended_at IS NULL AND OLD.suspended_at IS NOT NULL THEN 'resumed'
      ELSE 'corrected'
    END,
    NEW.flag_id, 'cold', NEW.home_id, u.station
  FROM home AS h JOIN building AS b USING (building_id) JOIN substation AS u USING (substation_id)
  WHERE h.home_id = NEW.home_id;
  PERFORM pg_notify('hearth_live', '');
  RETURN NULL;
END
$$;

CREATE FUNCTION tell_ticket_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO live_event (kind, what, subject_id, seq, class, home_id, station)
  SELECT 'ticket', n.kind, n.ticket_id, n.seq, t.class, t.home_id, t.station
  FROM written AS n JOIN ticket AS t USING (ticket_id)
  ORDER BY n.event_id;
  IF FOUND THEN
    PERFORM pg_notify('hearth_live', '');
  END IF;
  RETURN NULL;
END
$$;

DROP TRIGGER flag_told ON flag;
CREATE TRIGGER flag_told AFTER INSERT ON flag REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION tell_flags();
DROP TRIGGER ticket_event_told ON ticket_event;
CREATE TRIGGER ticket_event_told AFTER INSERT ON ticket_event REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION tell_ticket_events();
DROP FUNCTION tell_ticket_event();

-- As with journal_hash (0038): it calls what is STABLE, and is part of the statement then.
ALTER FUNCTION ticket_event_hash(bytea, bigint, integer, timestamptz, text, text, text, jsonb) STABLE;

-- The ticket is locked by the one who adds events.
CREATE OR REPLACE FUNCTION chain_event() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
  last integer;
  previous bytea;
BEGIN
  SELECT e.seq, e.hash INTO last, previous FROM ticket_event AS e
  WHERE e.ticket_id = NEW.ticket_id ORDER BY e.seq DESC LIMIT 1;
  NEW.seq := coalesce(last, 0) + 1;
  NEW.hash := ticket_event_hash(
    coalesce(previous, ''), NEW.ticket_id, NEW.seq, NEW.at, NEW.kind, NEW.actor, NEW.state, NEW.data
  );
  RETURN NEW;
END
$$;

-- A plan is made once a session. One from when a table was empty or a statement of one row, or of ten thousand, has to
-- be good for the other, too: rows are looked up by index, one by one.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY[
    'tell_flag', 'tell_flags', 'tell_ticket_events', 'chain_event', 'check_flag_ticket', 'check_closed_ticket'
  ] LOOP
    EXECUTE format('ALTER FUNCTION %I() SET search_path = %I, pg_temp', name, current_schema());
    EXECUTE format('ALTER FUNCTION %I() SET enable_seqscan = off', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['tell_flags', 'tell_ticket_events'] LOOP
    EXECUTE format(
      'ALTER FUNCTION %I() SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off', name
    );
  END LOOP;
END
$$;

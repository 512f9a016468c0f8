-- What happens to flags, tickets and incidents, for those who listen to the API at that moment or come back to it.

-- Rows are only ever added, and deleted after a day. Nothing refers to them and they refer to nothing by key.
CREATE TABLE live_event (
  live_event_id bigint GENERATED ALWAYS AS IDENTITY, -- in the order of writing, not of committing
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(), -- who wrote it: a snapshot says whether that was to be seen then
  at timestamptz NOT NULL DEFAULT now(),
  kind text NOT NULL CHECK (kind IN ('flag', 'ticket', 'incident')), -- store.figures.live_feed.FeedKind
  what text NOT NULL, -- of a flag or an incident: as below; of a ticket: domain.tickets.EventKind
  subject_id bigint NOT NULL, -- flag_id, ticket_id or incident_id
  seq integer, -- of the ticket's event
  class text NOT NULL, -- of the ticket: what may be about a crew is not for a crew
  home_id integer,
  station text, -- whose crew it is for
  -- Usage: listeners read what a snapshot had not seen
  PRIMARY KEY (xid, live_event_id)
);

-- Usage: listeners that come back to one home
CREATE INDEX live_event_home ON live_event (home_id, xid) WHERE home_id IS NOT NULL;
-- Usage: watch deletes the oldest
CREATE INDEX live_event_at ON live_event (at);

-- One row. A listener that has seen less than this cannot be told all that it missed.
CREATE TABLE live_forgotten (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  upto xid8 NOT NULL DEFAULT '0'
);

INSERT INTO live_forgotten DEFAULT VALUES;

-- With their owner's rights: an account that changes a flag need not be able to write here, and cannot write what did not
-- happen. A transaction sends one notification, however many there were: equal ones are folded. What is new is told of the
-- rows of a statement at once; a plan from when a table was empty has to be good for a storm of flags, too, so rows are
-- looked up by index.
CREATE FUNCTION tell_flags() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
BEGIN
  INSERT INTO live_event (kind, what, subject_id, class, home_id, station)
  SELECT
    'flag', CASE WHEN n.cleared_at IS NULL THEN 'raised' ELSE 'found' END, n.flag_id, 'cold', n.home_id, b.station
  FROM written AS n JOIN home AS h USING (home_id) JOIN building_place AS b USING (building_id)
  ORDER BY n.flag_id;
  IF FOUND THEN
    PERFORM pg_notify('hearth_live', '');
  END IF;
  RETURN NULL;
END
$$;

-- A change is told by each row: those that only get colder do not fire.
CREATE FUNCTION tell_flag() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET enable_seqscan = off AS $$
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
    NEW.flag_id, 'cold', NEW.home_id, b.station
  FROM home AS h JOIN building_place AS b USING (building_id)
  WHERE h.home_id = NEW.home_id;
  PERFORM pg_notify('hearth_live', '');
  RETURN NULL;
END
$$;

CREATE FUNCTION tell_ticket_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
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

CREATE FUNCTION tell_incident() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO live_event (kind, what, subject_id, class, station)
  SELECT
    'incident',
    CASE
      WHEN TG_OP = 'INSERT' THEN 'opened'
      WHEN NEW.closed_at IS NOT NULL AND OLD.closed_at IS NULL THEN 'closed'
      WHEN NEW.recovering_since IS NOT NULL THEN 'recovering'
      ELSE 'relapsed'
    END,
    NEW.incident_id, t.class, NEW.station
  FROM ticket AS t WHERE t.ticket_id = NEW.ticket_id;
  PERFORM pg_notify('hearth_live', '');
  RETURN NULL;
END
$$;

CREATE TRIGGER flag_told AFTER INSERT ON flag REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION tell_flags();
-- A flag whose lowest temperature alone has changed is not told: that comes with every colder reading.
CREATE TRIGGER flag_change_told AFTER UPDATE ON flag FOR EACH ROW
  WHEN (
    (OLD.severity, OLD.suspended_at IS NULL, OLD.cleared_at, OLD.clear_reason, OLD.cold_since)
    IS DISTINCT FROM
    (NEW.severity, NEW.suspended_at IS NULL, NEW.cleared_at, NEW.clear_reason, NEW.cold_since)
  )
  EXECUTE FUNCTION tell_flag();
CREATE TRIGGER ticket_event_told AFTER INSERT ON ticket_event REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION tell_ticket_events();
CREATE TRIGGER incident_told AFTER INSERT ON incident FOR EACH ROW EXECUTE FUNCTION tell_incident();
CREATE TRIGGER incident_change_told AFTER UPDATE ON incident FOR EACH ROW
  WHEN (
    (OLD.closed_at IS NULL, OLD.recovering_since IS NULL)
    IS DISTINCT FROM (NEW.closed_at IS NULL, NEW.recovering_since IS NULL)
  )
  EXECUTE FUNCTION tell_incident();

-- Flags of cold homes, and what binds tickets to them: a home with an open flag has an open ticket, and nothing closes
-- without what it needs.

CREATE TABLE flag (
  flag_id bigint PRIMARY KEY DEFAULT take_numbers('flag', 1), -- many at once are numbered by their writer
  home_id integer NOT NULL REFERENCES home,
  source text NOT NULL DEFAULT 'sensor' CHECK (source IN ('sensor', 'measurement')),
  severity smallint NOT NULL CHECK (severity IN (1, 2)), -- domain.states.Severity
  cold_since timestamptz NOT NULL, -- when the breach began, in event time
  confirmed_at timestamptz NOT NULL, -- when it had lasted long enough, in event time
  raised_at timestamptz NOT NULL, -- when the system could know
  severe_at timestamptz,
  suspended_at timestamptz, -- set while the window is closed and the home still under the day limit
  cleared_at timestamptz,
  clear_reason text,
  lowest real NOT NULL, -- °C
  limit_celsius real NOT NULL, -- the limit that was broken first
  policy text NOT NULL, -- name@valid_from of the version that judged
  why jsonb NOT NULL,
  ticket_id bigint NOT NULL REFERENCES ticket, -- every flag has its ticket
  CONSTRAINT flag_cleared CHECK ((cleared_at IS NULL) = (clear_reason IS NULL)),
  CONSTRAINT flag_clear_reason CHECK (
    clear_reason IN (
      'recovered', 'out_of_season', 'heat_stopped', 'no_policy', 'withdrawn', 'taken_over', 'measured', 'sensor_out'
    )
  ),
  CONSTRAINT flag_severe CHECK ((severity_name(severity) = 'severe') = (severe_at IS NOT NULL)),
  -- Usage: a flag says exactly what was judged
  CONSTRAINT flag_exact CHECK (
    lowest = judged_celsius(lowest, 0) AND limit_celsius = judged_celsius(limit_celsius, 0)
  )
);

-- Usage: a home has one open flag at most, whichever worker judges it
CREATE UNIQUE INDEX flag_one_open ON flag (home_id) WHERE cleared_at IS NULL;
-- Usage: a cold spell is flagged once by each that can tell; a home's flags in order
CREATE UNIQUE INDEX flag_one_per_spell ON flag (home_id, cold_since, source)
WHERE clear_reason IS DISTINCT FROM 'withdrawn';
-- Usage: a home's flags, newest first; what re-judging compares
CREATE INDEX flag_home ON flag (home_id, flag_id);
-- Usage: the flags of a ticket
CREATE INDEX flag_ticket ON flag (ticket_id);
-- Usage: the newest flags
CREATE INDEX flag_raised ON flag (raised_at);

CREATE TRIGGER flag_stays BEFORE DELETE OR TRUNCATE ON flag FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE flag ENABLE ALWAYS TRIGGER flag_stays;

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

-- What there is of what closing needs, ticket by ticket: domain.tickets.TicketStanding.
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

-- Both sides, the closed ticket and the open flag, are looked at when the transaction ends, whatever it wrote in which
-- order; row-level security of the caller does not hide anything from them. A snapshot from before a lock was waited for
-- would not see what another transaction has done meanwhile: only READ COMMITTED takes a new one.
CREATE FUNCTION check_closed_ticket() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET enable_seqscan = off AS $$
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
LANGUAGE plpgsql SECURITY DEFINER SET enable_seqscan = off AS $$
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

-- Usage: nothing closes without its proof, an answer to the user, and the user's confirmation where the user is to pay or
-- to blame. What is merged or void needs nothing more
CREATE CONSTRAINT TRIGGER ticket_closed_for_good AFTER INSERT OR UPDATE ON ticket
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (NEW.state = 'closed' AND NEW.ending IS NULL) EXECUTE FUNCTION check_closed_ticket();
-- Usage: an open flag has an open ticket
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
ALTER TABLE flag
  ENABLE ALWAYS TRIGGER flag_has_ticket,
  ENABLE ALWAYS TRIGGER flag_keeps_ticket;

-- Tickets that end without work: merged into another one, or void, opened by mistake. Their record stays; no figure
-- counts them.
-- A ticket with a flag is no mistake, whether the flag is open or not: late data may open it again. One is merged into a
-- ticket of the same place that is worked on: what is merged points to what was open then, so there are no circles.
-- Row-level security of the caller hides nothing from this.
CREATE FUNCTION check_ending() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF EXISTS (SELECT FROM flag AS f WHERE f.ticket_id = NEW.ticket_id) THEN
    RAISE EXCEPTION 'ticket % has a flag and cannot be %', NEW.ticket_id, NEW.ending
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_ending_flag', TABLE = 'ticket';
  END IF;
  IF NEW.merged_into IS NOT NULL THEN
    PERFORM FROM ticket AS t
    WHERE t.ticket_id = NEW.merged_into AND t.state <> 'closed' AND t.source NOT IN ('device', 'incident')
      AND t.class NOT IN ('complaint', 'report')
      AND (t.home_id, t.building_id, t.substation_id)
        IS NOT DISTINCT FROM (NEW.home_id, NEW.building_id, NEW.substation_id)
    FOR SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'ticket % cannot be merged into %', NEW.ticket_id, NEW.merged_into
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_merged_into_open', TABLE = 'ticket';
    END IF;
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER ticket_ends BEFORE UPDATE ON ticket FOR EACH ROW
  WHEN (
    NEW.ending IS NOT NULL AND (OLD.ending, OLD.merged_into) IS DISTINCT FROM (NEW.ending, NEW.merged_into)
  )
  EXECUTE FUNCTION check_ending();
CREATE TRIGGER ticket_is_not_born_ended BEFORE INSERT ON ticket FOR EACH ROW
  WHEN (NEW.ending IS NOT NULL) EXECUTE FUNCTION refuse_change();
ALTER TABLE ticket
  ENABLE ALWAYS TRIGGER ticket_ends,
  ENABLE ALWAYS TRIGGER ticket_is_not_born_ended;

-- A storm of cold homes, ten thousand flags at six in the morning, is written a thousand at a time. What its triggers do is
-- done once for a statement, and at a cost for each row that does not grow with their number.
--
-- A plan of a trigger is made once a session: often for a statement that has changed no row at all, in tables that were
-- empty. And the connections that store readings have joins other than nested loops switched off. So what has to be looked
-- up, and in which order, is said by the form of a query, never left to estimates: subqueries for each row, in which one
-- index alone can be used, and joins of the rows of a statement with themselves that cannot be nested loops.

-- The next clock of a ticket ---------------------------------------------------------------------------------------------

-- Clocks that are added: what is kept of a ticket stays right unless one of them runs out earlier. No clock is looked up.
CREATE FUNCTION add_next_clock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO ticket_next AS n (ticket_id, due_at, clock)
  SELECT DISTINCT ON (w.ticket_id) w.ticket_id, w.due_at, w.name
  FROM written AS w
  WHERE w.met_at IS NULL AND w.void_at IS NULL AND w.due_at IS NOT NULL
  ORDER BY w.ticket_id, w.due_at, w.name
  ON CONFLICT (ticket_id) DO UPDATE SET due_at = excluded.due_at, clock = excluded.clock
  WHERE (excluded.due_at, excluded.clock) < (n.due_at, n.clock);
  RETURN NULL;
END
$$;

-- Clocks that change: those of their tickets are looked up. OFFSET 0: all of a ticket's, by its key; those that run would be
-- sought along the index of their due times, past the clocks of every other ticket.
CREATE OR REPLACE FUNCTION keep_next_clock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
BEGIN
  WITH next AS MATERIALIZED (
    SELECT w.ticket_id, c.due_at, c.clock
    FROM (SELECT DISTINCT x.ticket_id FROM written AS x) AS w
    LEFT JOIN LATERAL (
      SELECT x.due_at, x.name AS clock
      FROM (SELECT y.* FROM clock AS y WHERE y.ticket_id = w.ticket_id OFFSET 0) AS x
      WHERE x.met_at IS NULL AND x.void_at IS NULL AND x.due_at IS NOT NULL
      ORDER BY x.due_at, x.name LIMIT 1
    ) AS c ON true
  ), stopped AS (
    DELETE FROM ticket_next AS n USING next AS x WHERE n.ticket_id = x.ticket_id AND x.due_at IS NULL
  )
  INSERT INTO ticket_next AS n (ticket_id, due_at, clock)
  SELECT x.ticket_id, x.due_at, x.clock FROM next AS x WHERE x.due_at IS NOT NULL ORDER BY x.ticket_id
  ON CONFLICT (ticket_id) DO UPDATE SET due_at = excluded.due_at, clock = excluded.clock
  WHERE (n.due_at, n.clock) IS DISTINCT FROM (excluded.due_at, excluded.clock);
  RETURN NULL;
END
$$;

DROP TRIGGER clock_added_next ON clock;
CREATE TRIGGER clock_added_next AFTER INSERT ON clock REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION add_next_clock();
ALTER TABLE clock ENABLE ALWAYS TRIGGER clock_added_next;

-- Tickets of rows --------------------------------------------------------------------------------------------------------

-- A ticket is never deleted (ticket_stays) and keeps its number (ticket_origin_stays), so of a foreign key to it there is
-- one thing to check: that the ticket is there when the row is written. A foreign key does that row by row, eleven times for
-- a flag; these do it for a statement.
CREATE FUNCTION check_tickets() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET enable_seqscan = off SET jit = off AS $$
DECLARE
  missing bigint;
BEGIN
  SELECT w.ticket_id INTO missing
  FROM (SELECT DISTINCT x.ticket_id FROM written AS x WHERE x.ticket_id IS NOT NULL) AS w
  WHERE (SELECT t.ticket_id FROM ticket AS t WHERE t.ticket_id = w.ticket_id) IS NULL
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'there is no ticket % for a row of % (%)', missing, TG_TABLE_NAME, TG_NAME
      USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END
$$;

ALTER TABLE clock DROP CONSTRAINT clock_ticket_id_fkey;
ALTER TABLE outbox DROP CONSTRAINT outbox_ticket_id_fkey;
ALTER TABLE ticket_event DROP CONSTRAINT ticket_event_ticket_id_fkey;
-- It is written by triggers alone, for tickets that have a clock.
ALTER TABLE ticket_next DROP CONSTRAINT ticket_next_ticket_id_fkey;
-- flag_has_ticket looks for it, and its home is that of the flag.
ALTER TABLE flag DROP CONSTRAINT flag_ticket_id_fkey, DROP CONSTRAINT flag_home_id_fkey;

CREATE TRIGGER clock_has_ticket AFTER INSERT ON clock REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION check_tickets();
CREATE TRIGGER outbox_has_ticket AFTER INSERT ON outbox REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION check_tickets();
CREATE TRIGGER ticket_event_has_ticket AFTER INSERT ON ticket_event REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION check_tickets();
CREATE TRIGGER clock_ticket_stays BEFORE UPDATE OF ticket_id ON clock FOR EACH ROW
  WHEN (OLD.ticket_id <> NEW.ticket_id) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER outbox_ticket_stays BEFORE UPDATE OF ticket_id ON outbox FOR EACH ROW
  WHEN (OLD.ticket_id IS DISTINCT FROM NEW.ticket_id) EXECUTE FUNCTION refuse_change();
ALTER TABLE clock ENABLE ALWAYS TRIGGER clock_has_ticket, ENABLE ALWAYS TRIGGER clock_ticket_stays;
ALTER TABLE outbox ENABLE ALWAYS TRIGGER outbox_has_ticket, ENABLE ALWAYS TRIGGER outbox_ticket_stays;
ALTER TABLE ticket_event ENABLE ALWAYS TRIGGER ticket_event_has_ticket;

-- New flags are looked at when they are written: the ticket is written before, and one that closes afterwards in the same
-- transaction is looked at when it ends (ticket_closed_for_good). The tickets stay locked: they cannot be closed by somebody
-- else between this and the commit.
CREATE FUNCTION check_new_flags() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET enable_seqscan = off SET jit = off AS $$
DECLARE
  wrong bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'flags open at READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  PERFORM FROM ticket AS t WHERE t.ticket_id = ANY (ARRAY(SELECT DISTINCT x.ticket_id FROM written AS x))
  ORDER BY t.ticket_id FOR SHARE;
  SELECT w.flag_id INTO wrong
  FROM written AS w
  WHERE (
    SELECT t.class = 'cold' AND t.home_id = w.home_id AND (w.cleared_at IS NOT NULL OR t.state <> 'closed')
    FROM ticket AS t WHERE t.ticket_id = w.ticket_id
  ) IS NOT TRUE
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'flag % needs an open ticket for cold of its home (flag_has_ticket)', wrong
      USING ERRCODE = 'check_violation', CONSTRAINT = 'flag_has_ticket', TABLE = 'flag';
  END IF;
  RETURN NULL;
END
$$;

DROP TRIGGER flag_has_ticket ON flag;
CREATE TRIGGER flag_has_ticket AFTER INSERT ON flag REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION check_new_flags();
ALTER TABLE flag ENABLE ALWAYS TRIGGER flag_has_ticket;

-- What changes of a flag's ticket, home or end is still looked at when the transaction ends, row by row: it is rare.
CREATE OR REPLACE FUNCTION check_flag_ticket() RETURNS trigger
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
  IF NOT FOUND OR t.class <> 'cold' OR t.elsewhere OR (t.cleared_at IS NULL AND t.state = 'closed') THEN
    RAISE EXCEPTION 'flag % needs an open ticket for cold of its home (flag_has_ticket)', NEW.flag_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'flag_has_ticket', TABLE = 'flag';
  END IF;
  RETURN NULL;
END
$$;

-- Events of tickets are told as before; their tickets are looked up one by one.
CREATE OR REPLACE FUNCTION tell_ticket_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET enable_seqscan = off SET jit = off AS $$
BEGIN
  INSERT INTO live_event (kind, what, subject_id, seq, class, home_id, station)
  SELECT 'ticket', n.kind, n.ticket_id, n.seq, t.class, t.home_id, t.station
  FROM written AS n
  CROSS JOIN LATERAL (
    SELECT x.class, x.home_id, x.station FROM ticket AS x WHERE x.ticket_id = n.ticket_id OFFSET 0
  ) AS t
  ORDER BY n.event_id;
  IF FOUND THEN
    PERFORM pg_notify('hearth_live', '');
  END IF;
  RETURN NULL;
END
$$;

-- What changes of flags ---------------------------------------------------------------------------------------------------

-- Told once a statement: at 21:00 ten thousand flags are suspended.
CREATE FUNCTION tell_flag_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET enable_seqscan = off SET enable_nestloop = off SET enable_hashjoin = on SET enable_mergejoin = on SET jit = off
AS $$
BEGIN
  INSERT INTO live_event (kind, what, subject_id, class, home_id, station)
  SELECT
    'flag',
    CASE
      WHEN n.clear_reason = 'withdrawn' AND o.clear_reason IS DISTINCT FROM 'withdrawn' THEN 'withdrawn'
      WHEN n.cleared_at IS NOT NULL AND o.cleared_at IS NULL THEN 'cleared'
      WHEN n.severity > o.severity THEN 'worsened'
      WHEN n.suspended_at IS NOT NULL AND o.suspended_at IS NULL THEN 'suspended'
      WHEN n.suspended_at IS NULL AND o.suspended_at IS NOT NULL THEN 'resumed'
      ELSE 'corrected'
    END,
    n.flag_id, 'cold', n.home_id,
    (SELECT u.station FROM substation AS u WHERE u.substation_id = (
      SELECT b.substation_id FROM building AS b WHERE b.building_id = (
        SELECT h.building_id FROM home AS h WHERE h.home_id = n.home_id
      )
    ))
  FROM written AS n JOIN before AS o USING (flag_id)
  WHERE (o.severity, o.suspended_at IS NULL, o.cleared_at, o.clear_reason, o.cold_since)
    IS DISTINCT FROM (n.severity, n.suspended_at IS NULL, n.cleared_at, n.clear_reason, n.cold_since)
  ORDER BY n.flag_id;
  IF FOUND THEN
    PERFORM pg_notify('hearth_live', '');
  END IF;
  RETURN NULL;
END
$$;

DROP TRIGGER flag_change_told ON flag;
DROP FUNCTION tell_flag();
-- A flag whose lowest temperature alone has changed is not told: that comes with every colder reading.
CREATE TRIGGER flag_change_told AFTER UPDATE ON flag REFERENCING OLD TABLE AS before NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION tell_flag_changes();

-- The journal of what is new ---------------------------------------------------------------------------------------------

-- Rows of flag, ticket and clock are never deleted and keep their keys, so a new row has no entry before it, and none is
-- looked for. The hash is that of journal_hash: texts, whole numbers, truths and instants have the same text in json as in
-- jsonb, and take half the time. What has a fraction is made jsonb first.
CREATE FUNCTION journal_new_clocks() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' SET jit = off AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
  us CONSTANT bigint := extract(epoch FROM moment) * 1000000;
  account CONSTANT text := session_user;
BEGIN
  INSERT INTO journal (relation, key, form, at, writer, hash)
  SELECT
    'clock', jsonb_build_array(n.ticket_id, n.round, n.name), 1, moment, account,
    sha256(convert_to(json_build_array(
      'clock', json_build_array(n.ticket_id, n.round, n.name), 1, us, account,
      json_build_array(n.started_at, n.due_at, n.warn_at, n.warned_at, n.met_at, n.breached_at, n.void_at)
    )::text, 'UTF8'))
  FROM written AS n;
  RETURN NULL;
END
$$;

CREATE FUNCTION journal_new_tickets() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' SET jit = off AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
  us CONSTANT bigint := extract(epoch FROM moment) * 1000000;
  account CONSTANT text := session_user;
BEGIN
  INSERT INTO journal (relation, key, form, at, writer, hash)
  SELECT
    'ticket', jsonb_build_array(n.ticket_id), 1, moment, account,
    sha256(convert_to(json_build_array(
      'ticket', json_build_array(n.ticket_id), 1, us, account,
      json_build_array(
        n.class, n.state, n.priority, n.source, n.home_id, n.building_id, n.substation_id, n.station, n.responsible,
        n.appointment_at, n.description, n.responsibility, n.paid, n.confirmation, n.follows, n.round, n.opened_at,
        n.closed_at, n.retrospective, n.done_at, n.proven_at, n.proof, n.replied_at, n.called_back_at
      )
    )::text, 'UTF8'))
  FROM written AS n;
  RETURN NULL;
END
$$;

CREATE FUNCTION journal_new_flags() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' SET extra_float_digits = 1 SET jit = off AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
  us CONSTANT bigint := extract(epoch FROM moment) * 1000000;
  account CONSTANT text := session_user;
BEGIN
  INSERT INTO journal (relation, key, form, at, writer, hash)
  SELECT
    'flag', jsonb_build_array(n.flag_id), CASE WHEN n.cleared_at IS NULL THEN 1 ELSE 2 END, moment, account,
    sha256(convert_to(CASE WHEN n.cleared_at IS NULL THEN
      json_build_array(
        'flag', json_build_array(n.flag_id), 1, us, account,
        json_build_array(
          n.home_id, n.severity, n.cold_since, n.confirmed_at, n.raised_at, n.severe_at, n.suspended_at, n.cleared_at,
          n.clear_reason, to_jsonb(n.limit_celsius), n.policy, n.why, n.ticket_id, n.source
        )
      )
    ELSE
      json_build_array(
        'flag', json_build_array(n.flag_id), 2, us, account,
        json_build_array(
          n.home_id, n.severity, n.cold_since, n.confirmed_at, n.raised_at, n.severe_at, n.suspended_at, n.cleared_at,
          n.clear_reason, to_jsonb(n.limit_celsius), n.policy, n.why, n.ticket_id, n.source, to_jsonb(n.lowest)
        )
      )
    END::text, 'UTF8'))
  FROM written AS n;
  RETURN NULL;
END
$$;

DROP TRIGGER journal_added ON clock;
DROP TRIGGER journal_added ON ticket;
DROP TRIGGER journal_added ON flag;
CREATE TRIGGER journal_added AFTER INSERT ON clock REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION journal_new_clocks();
CREATE TRIGGER journal_added AFTER INSERT ON ticket REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION journal_new_tickets();
CREATE TRIGGER journal_added AFTER INSERT ON flag REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION journal_new_flags();
ALTER TABLE clock ENABLE ALWAYS TRIGGER journal_added;
ALTER TABLE ticket ENABLE ALWAYS TRIGGER journal_added;
ALTER TABLE flag ENABLE ALWAYS TRIGGER journal_added;

-- The journal of changes joins the rows of a statement as they were with what they are: never in a nested loop, also on
-- connections that have nothing else.
DO $$
DECLARE
  line record;
BEGIN
  FOR line IN
    SELECT DISTINCT p.oid::regprocedure AS name
    FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid WHERE t.tgname = 'journal_changed'
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET enable_hashjoin = on', line.name);
    EXECUTE format('ALTER FUNCTION %s SET enable_mergejoin = on', line.name);
  END LOOP;
END
$$;

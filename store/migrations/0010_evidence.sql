-- Evidence under seals: the events of tickets in their chains, the journal in which each change of evidence leaves a hash,
-- and digests of days of readings.

-- Seals: a chain that is cut off at its end, or a ticket that is gone with all of its events, breaks one.
CREATE TABLE chain_seal (
  chain_seal_id bigint PRIMARY KEY, -- without gaps
  at timestamptz NOT NULL,
  upto bigint NOT NULL, -- event_id: all events up to here are under a seal
  events bigint NOT NULL, -- under this seal
  digest bytea NOT NULL, -- SHA-256 of their hashes in the order of event_id
  hash bytea NOT NULL, -- SHA-256 of the hash of the seal before and of this row
  entries_upto bigint, -- journal_id: all entries up to here are under a seal; NULL: a seal over events alone
  entries bigint, -- under this seal
  entries_digest bytea, -- SHA-256 of their hashes in the order of journal_id
  key_id text,
  signature bytea, -- of the number and the hash, by that key; NULL: there was none
  CONSTRAINT chain_seal_entries CHECK (num_nulls(entries_upto, entries, entries_digest) IN (0, 3)),
  CONSTRAINT chain_seal_signed CHECK ((key_id IS NULL) = (signature IS NULL))
);

-- Usage: the seal that an event lies under. A seal may be over the journal alone
CREATE INDEX chain_seal_upto ON chain_seal (upto, chain_seal_id);

CREATE TRIGGER chain_seal_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON chain_seal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE chain_seal ENABLE ALWAYS TRIGGER chain_seal_stays;

-- One row. Up to where the next seal goes, once every transaction is over that might still add events below.
CREATE TABLE chain_next (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  upto bigint NOT NULL DEFAULT 0,
  entries_upto bigint NOT NULL DEFAULT 0,
  settled_from xid8 -- transactions from here on have begun later
);

INSERT INTO chain_next DEFAULT VALUES;

-- The keys whose signatures seals bear. Old ones stay listed.
CREATE TABLE seal_key (
  seal_key_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key_id text NOT NULL, -- the beginning of the SHA-256 of the key
  public_key bytea NOT NULL CHECK (length(public_key) = 32), -- Ed25519
  since timestamptz NOT NULL, -- first used
  -- Usage: signatures name keys by it
  CONSTRAINT seal_key_id_once UNIQUE (key_id)
);

-- The hashes of the events under a seal, in their order, so that a dossier can prove that an event is one of them. They
-- tell nothing of what was said; row-level security would show a user those of the own home alone.
CREATE FUNCTION sealed_hashes(of_seal bigint) RETURNS bytea[]
LANGUAGE sql STABLE SECURITY DEFINER
AS $$
  SELECT array_agg(e.hash ORDER BY e.event_id)
  FROM chain_seal AS s
  JOIN ticket_event AS e ON e.event_id <= s.upto
    AND e.event_id > coalesce((SELECT p.upto FROM chain_seal AS p WHERE p.chain_seal_id = s.chain_seal_id - 1), 0)
  WHERE s.chain_seal_id = of_seal
$$;

-- Digests of the readings of a UTC day, some sensors at a time. They are made once the day is over and settled.
CREATE TABLE reading_day (
  reading_day_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('reading', 'substation_reading')),
  day date NOT NULL, -- of measured_at
  low integer NOT NULL, -- sensors from here
  high integer NOT NULL, -- to here
  readings bigint NOT NULL,
  sensors bytea NOT NULL, -- of each that spoke: sensor_id, count, the beginning of its digest (store/evidence/reading_digests.py)
  digest bytea NOT NULL, -- SHA-256 of the digests of the sensors
  -- Usage: a stretch of a day is sealed once; the check goes along the days
  CONSTRAINT reading_day_once UNIQUE (kind, day, low)
);

-- What was stored, or completed, when its day was settled already: such readings are in no digest of a day.
CREATE TABLE reading_late (
  reading_late_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('reading', 'substation_reading')),
  day date NOT NULL,
  readings integer NOT NULL,
  told bytea NOT NULL, -- as they are now (store/evidence/reading_digests.py)
  was bytea NOT NULL -- those of them that had been there, as they were
);

-- Usage: what came late for a day
CREATE INDEX reading_late_day ON reading_late (kind, day);

-- How far the days of a kind are sealed.
CREATE TABLE reading_frontier (
  kind text PRIMARY KEY CHECK (kind IN ('reading', 'substation_reading')),
  begins date, -- the first day that is sealed; NULL: nothing is yet
  upto date, -- what is stored for days before this one is late
  settled_from xid8, -- transactions from here on know that
  day date, -- sealed next
  after integer NOT NULL DEFAULT -1 -- sensors of that day up to here are sealed
);

INSERT INTO reading_frontier (kind) VALUES ('reading'), ('substation_reading');

-- The journal: one entry for each version of a row that is evidence. Rows are only ever added.
CREATE TABLE journal (
  journal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- in the order of writing, not of committing
  relation text NOT NULL,
  key jsonb NOT NULL, -- an array of the row's key, which begins with a number
  form smallint NOT NULL, -- the columns that the hash is of; 0: none, the row is open again and no evidence for now
  at timestamptz NOT NULL,
  writer text NOT NULL, -- the account that wrote it
  hash bytea NOT NULL -- of the entry before of that row, and of this one
);

-- Usage: the last entry of a row; the check goes along a table and its entries by their keys
CREATE INDEX journal_of_row ON journal (relation, key, journal_id);

-- `previous` is empty for the first entry of a row. jsonb has one text for one value; an instant is its µs. It calls what is
-- STABLE: declared as more than that, it would be called for each row, not be part of the statement.
CREATE FUNCTION journal_hash(
  previous bytea, relation text, key jsonb, form smallint, at timestamptz, writer text, said jsonb
) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(previous || convert_to(
  jsonb_build_array(relation, key, form, (extract(epoch FROM at) * 1000000)::bigint, writer, said)::text, 'UTF8'
));

-- What is evidence: from which state on, and of which columns. The first form that holds is the row's.
-- store/evidence/journal.py says the same once more for the check.
CREATE TEMP TABLE sealed (of text, relation text, key text[], form integer, holds text, columns text[]) ON COMMIT DROP;

INSERT INTO sealed VALUES
  -- The lowest temperature of an open flag changes with every colder reading.
  ('flag', 'flag', '{flag_id}', 1, '@.cleared_at IS NULL',
    '{home_id,severity,cold_since,confirmed_at,raised_at,severe_at,suspended_at,cleared_at,clear_reason,limit_celsius,policy,why,ticket_id,source}'),
  ('flag', 'flag', '{flag_id}', 2, 'true',
    '{home_id,severity,cold_since,confirmed_at,raised_at,severe_at,suspended_at,cleared_at,clear_reason,limit_celsius,policy,why,ticket_id,source,lowest}'),
  ('clock', 'clock', '{ticket_id,round,name}', 1, 'true',
    '{started_at,due_at,warn_at,warned_at,met_at,breached_at,void_at}'),
  ('ticket', 'ticket', '{ticket_id}', 1, 'true',
    '{class,state,priority,source,home_id,building_id,substation_id,station,responsible,appointment_at,description,responsibility,paid,confirmation,follows,round,opened_at,closed_at,retrospective,done_at,proven_at,proof,replied_at,called_back_at}'),
  ('device_job', 'device_job', '{device_job_id}', 1, 'true',
    '{sensor_id,reason,ticket_id,opened_at,closed_at,close_reason}'),
  ('ledger', 'ledger', '{home_id,day}', 1, '@.closed',
    '{compliant_us,cold_us,severe_us,unknown_us,not_judged_us,shortfall_us,heat,deficit,lowest,policy}'),
  ('measurement', 'measurement', '{measurement_id}', 1, 'true',
    '{home_id,room,room_kind,measured_at,celsius,instrument,measurer,signature,corrects,reason,recorded_at,recorded_by,filed_late,state,limit_celsius,policy}'),
  ('outage', 'outage', '{outage_id}', 1, 'true',
    '{kind,stops_heating,reason,begins_at,expected_end,explanation,announced_at,late_at,restored_at,cancelled_at}'),
  ('outage_event', 'outage_event', '{outage_id,seq}', 1, 'true', '{at,kind,actor,data}'),
  ('incident', 'incident', '{incident_id}', 1, 'true',
    '{kind,substation_id,building_id,station,ticket_id,why,opened_at,closed_at,close_reason,merged_into}'),
  ('incident_ticket', 'incident_ticket', '{incident_id,ticket_id}', 1, 'true',
    '{joined_at,left_at,left_reason,dispatched_at}'),
  ('case_file', 'case_file', '{ticket_id}', 1, 'true',
    '{subject,channel,about_station,text,anonymous,opened_at,opened_by,escalated_at,supervised_at,published_at,example_at}'),
  ('message', 'message', '{message_id}', 1, '@.finished_at IS NOT NULL',
    '{key,addressee_id,notices,subject,body,created_at,state,attempts,unsure,finished_at,reason,detail}'),
  ('notice', 'notice', '{notice_id}', 1, '@.message_id IS NOT NULL', '{outbox_id,addressee_id,message_id}'),
  ('audit', 'audit', '{audit_id}', 1, 'true', '{at,actor,role,address,action,target,detail}'),
  ('identity.reveal', 'reveal', '{reveal_id}', 1, 'true', '{at,ticket_id,actor,role,station,reason,outcome}'),
  ('reading_day', 'reading_day', '{reading_day_id}', 1, 'true', '{kind,day,low,high,readings,sensors,digest}'),
  ('reading_late', 'reading_late', '{reading_late_id}', 1, 'true', '{kind,day,readings,told,was}'),
  ('seal_key', 'seal_key', '{seal_key_id}', 1, 'true', '{key_id,public_key,since}');

-- The journal is written once for a statement, however many rows it writes: a storm of flags opens ten thousand clocks at
-- once. Each relation has a function of its own, whose statements are planned once a session and for any number of rows:
-- so no join of the rows with themselves in a nested loop, and no reading of the whole journal, as would do for a single
-- row and a short journal. The text of a value must not depend on the session.
--
-- With the owner's rights: an account that changes a row need not be able to write here, and cannot write what did not
-- happen. The rows are locked by the change, so entries of a row follow each other. A row whose key was changed has no
-- entry, and is found by that. What has a form 0 now (a day of the ledger that is counted again, a message that is tried
-- again) is said to be no evidence for now; other rows never stop being it. The triggers write whatever the session's
-- replication role.
DO $$
DECLARE
  line record;
BEGIN
  FOR line IN
    SELECT
      s.of, s.relation, s.key,
      (SELECT string_agg(format('n.%I', k), ', ') FROM unnest(s.key) AS k) AS key_columns,
      format('(CASE %s ELSE 0 END)::smallint', string_agg(format('WHEN %s THEN %s', s.holds, s.form), ' ' ORDER BY s.form))
        AS form,
      string_agg(format('WHEN %s THEN jsonb_build_array(%s)', s.form, c.new), ' ' ORDER BY s.form) AS said,
      string_agg(format('WHEN %s THEN ROW(%s) IS DISTINCT FROM ROW(%s)', s.form, c.old, c.new), ' ' ORDER BY s.form)
        AS differs,
      CASE WHEN s.relation IN ('ledger', 'message') THEN -1 ELSE 0 END AS above
    FROM sealed AS s
    CROSS JOIN LATERAL (
      SELECT string_agg(format('n.%I', x), ', ') AS new, string_agg(format('o.%I', x), ', ') AS old
      FROM unnest(s.columns) AS x
    ) AS c
    GROUP BY s.of, s.relation, s.key
  LOOP
    EXECUTE format(
      $function$
      CREATE FUNCTION %1$I() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER
      SET timezone = 'UTC' SET extra_float_digits = 1 SET bytea_output = hex
      SET enable_nestloop = off SET enable_seqscan = off SET jit = off AS $body$
      DECLARE
        moment CONSTANT timestamptz := clock_timestamp();
      BEGIN
        IF TG_OP = 'INSERT' THEN
          INSERT INTO journal (relation, key, form, at, writer, hash)
          SELECT
            %2$L, x.key, x.form, moment, session_user,
            journal_hash(coalesce(j.hash, ''), %2$L, x.key, x.form, moment, session_user, x.said)
          FROM (
            SELECT jsonb_build_array(%3$s) AS key, n.form, CASE n.form %4$s END AS said
            FROM (SELECT n.*, %5$s AS form FROM written AS n) AS n
            WHERE n.form > 0 OFFSET 0
          ) AS x
          LEFT JOIN LATERAL (
            SELECT e.hash FROM journal AS e
            WHERE e.relation = %2$L AND e.key = x.key ORDER BY e.journal_id DESC LIMIT 1
          ) AS j ON true;
        ELSE
          INSERT INTO journal (relation, key, form, at, writer, hash)
          SELECT
            %2$L, x.key, x.form, moment, session_user,
            journal_hash(coalesce(j.hash, ''), %2$L, x.key, x.form, moment, session_user, x.said)
          FROM (
            SELECT jsonb_build_array(%3$s) AS key, n.form, CASE n.form %4$s ELSE '[]' END AS said
            FROM (SELECT n.*, %5$s AS form FROM written AS n) AS n
            JOIN (SELECT n.*, %5$s AS form FROM before AS n) AS o USING (%6$s)
            WHERE n.form > %7$s AND (n.form <> o.form OR CASE n.form %8$s ELSE false END)
            ORDER BY %3$s OFFSET 0
          ) AS x
          LEFT JOIN LATERAL (
            SELECT e.hash FROM journal AS e
            WHERE e.relation = %2$L AND e.key = x.key ORDER BY e.journal_id DESC LIMIT 1
          ) AS j ON true;
        END IF;
        RETURN NULL;
      END
      $body$
      $function$,
      'journal_' || line.relation, line.relation, line.key_columns, line.said,
      replace(line.form, '@', 'n'), array_to_string(line.key, ', '), line.above, line.differs
    );
    EXECUTE format(
      'CREATE TRIGGER journal_added AFTER INSERT ON %s REFERENCING NEW TABLE AS written '
      'FOR EACH STATEMENT EXECUTE FUNCTION %I()',
      line.of, 'journal_' || line.relation
    );
    EXECUTE format(
      'CREATE TRIGGER journal_changed AFTER UPDATE ON %s REFERENCING OLD TABLE AS before NEW TABLE AS written '
      'FOR EACH STATEMENT EXECUTE FUNCTION %I()',
      line.of, 'journal_' || line.relation
    );
    EXECUTE format(
      'ALTER TABLE %s ENABLE ALWAYS TRIGGER journal_added, ENABLE ALWAYS TRIGGER journal_changed', line.of
    );
  END LOOP;
END
$$;

-- Usage: nobody, not even the owner by mistake, takes evidence away
DO $$
DECLARE
  line record;
BEGIN
  FOR line IN SELECT * FROM (VALUES
    ('journal', 'UPDATE OR DELETE'), ('reading_day', 'UPDATE OR DELETE'), ('reading_late', 'UPDATE OR DELETE'),
    ('seal_key', 'UPDATE OR DELETE'), ('ledger', 'DELETE'), ('incident', 'DELETE'), ('incident_ticket', 'DELETE'),
    ('message', 'DELETE'), ('notice', 'DELETE'), ('case_file', 'DELETE')
  ) AS x (relation, verbs) LOOP
    EXECUTE format(
      'CREATE TRIGGER %I BEFORE %s OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
      line.relation || '_stays', line.verbs, line.relation
    );
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', line.relation, line.relation || '_stays');
  END LOOP;
END
$$;

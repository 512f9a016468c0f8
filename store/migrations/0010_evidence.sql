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

-- `previous` is empty for the first entry of a row. jsonb has one text for one value; an instant is its µs.
CREATE FUNCTION journal_hash(
  previous bytea, relation text, key jsonb, form smallint, at timestamptz, writer text, said jsonb
) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(previous || convert_to(
  jsonb_build_array(relation, key, form, (extract(epoch FROM at) * 1000000)::bigint, writer, said)::text, 'UTF8'
));

-- Columns of a row as an array, in their order.
CREATE FUNCTION journal_columns(told jsonb, columns text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
  SELECT coalesce(jsonb_agg(told -> c.name ORDER BY c.nth), '[]') FROM unnest(columns) WITH ORDINALITY AS c (name, nth)
);

-- Arguments: relation, key, form, columns. With the owner's rights: an account that changes a row need not be able to
-- write here, and cannot write what did not happen. The row is locked by the change, so entries of a row follow each
-- other. The text of a value must not hang on the session.
CREATE FUNCTION journal_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET timezone = 'UTC' SET extra_float_digits = 1 SET bytea_output = hex
AS $$
DECLARE
  told jsonb := to_jsonb(NEW);
  row_key jsonb := journal_columns(told, TG_ARGV[1]::text[]);
  moment timestamptz := clock_timestamp();
  previous bytea;
BEGIN
  SELECT j.hash INTO previous FROM journal AS j
  WHERE j.relation = TG_ARGV[0] AND j.key = row_key ORDER BY j.journal_id DESC LIMIT 1;
  INSERT INTO journal (relation, key, form, at, writer, hash) VALUES (
    TG_ARGV[0], row_key, TG_ARGV[2]::smallint, moment, session_user,
    journal_hash(
      coalesce(previous, ''), TG_ARGV[0], row_key, TG_ARGV[2]::smallint, moment, session_user,
      journal_columns(told, TG_ARGV[3]::text[])
    )
  );
  RETURN NULL;
END
$$;

-- What is evidence: from which state on, and of which columns. store/evidence/journal.py says the same once more for the check.
CREATE TEMP TABLE sealed (of text, relation text, key text[], form integer, holds text, columns text[]) ON COMMIT DROP;

INSERT INTO sealed VALUES
  ('flag', 'flag', '{flag_id}', 1, '@.cleared_at IS NULL',
    '{home_id,severity,cold_since,confirmed_at,raised_at,severe_at,suspended_at,cleared_at,clear_reason,limit_celsius,policy,why,ticket_id,source}'),
  -- The lowest temperature of an open flag comes anew with every colder reading.
  ('flag', 'flag', '{flag_id}', 2, '@.cleared_at IS NOT NULL',
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

-- The triggers that write, whatever the session's replication role. A change of what no form has does not fire.
DO $$
DECLARE
  line record;
  old_row text;
  new_row text;
BEGIN
  FOR line IN SELECT * FROM sealed LOOP
    SELECT string_agg('OLD.' || quote_ident(c), ', '), string_agg('NEW.' || quote_ident(c), ', ') INTO old_row, new_row
    FROM unnest(line.columns) AS c;
    EXECUTE format(
      'CREATE TRIGGER %I AFTER INSERT ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION journal_row(%L, %L, %L, %L)',
      'journal_added_' || line.form, line.of, replace(line.holds, '@', 'NEW'), line.relation, line.key, line.form,
      line.columns
    );
    EXECUTE format(
      'CREATE TRIGGER %I AFTER UPDATE ON %s FOR EACH ROW WHEN (%s AND (NOT (%s) OR ROW(%s) IS DISTINCT FROM ROW(%s))) '
      'EXECUTE FUNCTION journal_row(%L, %L, %L, %L)',
      'journal_changed_' || line.form, line.of, replace(line.holds, '@', 'NEW'), replace(line.holds, '@', 'OLD'),
      old_row, new_row, line.relation, line.key, line.form, line.columns
    );
    EXECUTE format(
      'ALTER TABLE %1$s ENABLE ALWAYS TRIGGER %2$I, ENABLE ALWAYS TRIGGER %3$I', line.of,
      'journal_added_' || line.form, 'journal_changed_' || line.form
    );
  END LOOP;
  -- What stops being evidence for now: a day of the ledger that is counted again, a message that is tried again.
  FOR line IN SELECT * FROM sealed AS s WHERE s.of IN ('ledger', 'message') LOOP
    EXECUTE format(
      'CREATE TRIGGER journal_opened AFTER UPDATE ON %s FOR EACH ROW WHEN (%s AND NOT (%s)) '
      'EXECUTE FUNCTION journal_row(%L, %L, 0, ''{}'')',
      line.of, replace(line.holds, '@', 'OLD'), replace(line.holds, '@', 'NEW'), line.relation, line.key
    );
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER journal_opened', line.of);
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

-- The journal is written once for a statement, however many rows it writes: a storm of flags opens ten thousand clocks at
-- once. The entries stay as they were: one for each version of a row, with the hash of the entry before of that row.

-- It calls what is STABLE. Declared as more than that, it would be called for each row, not be part of the statement.
ALTER FUNCTION journal_hash(bytea, text, jsonb, smallint, timestamptz, text, jsonb) STABLE;

-- What is evidence: from which state on, and of which columns. The first form that holds is the row's. store/evidence/journal.py
-- says the same once more for the check.
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

-- Each relation has a function of its own, whose statements are planned once a session and for any number of rows: so no
-- join of the rows with themselves in a nested loop, and no reading of the whole journal, as would do for a single row
-- and a short journal. The text of a value must not depend on the session.
--
-- With the owner's rights: who changes a row need not be able to write here, and cannot write what did not happen. A row
-- whose key was changed has no entry, and is found by that. What has a form 0 now (a day of the ledger that is counted
-- again, a message that is tried again) is said to be no evidence for now; other rows never stop being it.
DO $$
DECLARE
  line record;
  trigger record;
BEGIN
  FOR trigger IN
    SELECT t.tgname, t.tgrelid::regclass AS of FROM pg_trigger AS t WHERE t.tgfoid = 'journal_row()'::regprocedure
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', trigger.tgname, trigger.of);
  END LOOP;
  DROP FUNCTION journal_row(), journal_columns(jsonb, text[]);
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
      SET search_path = %2$I, pg_temp SET timezone = 'UTC' SET extra_float_digits = 1 SET bytea_output = hex
      SET enable_nestloop = off SET enable_seqscan = off SET jit = off AS $body$
      DECLARE
        moment CONSTANT timestamptz := clock_timestamp();
      BEGIN
        IF TG_OP = 'INSERT' THEN
          INSERT INTO journal (relation, key, form, at, writer, hash)
          SELECT
            %3$L, x.key, x.form, moment, session_user,
            journal_hash(coalesce(j.hash, ''), %3$L, x.key, x.form, moment, session_user, x.said)
          FROM (
            SELECT jsonb_build_array(%4$s) AS key, n.form, CASE n.form %5$s END AS said
            FROM (SELECT n.*, %6$s AS form FROM written AS n) AS n
            WHERE n.form > 0 OFFSET 0
          ) AS x
          LEFT JOIN LATERAL (
            SELECT e.hash FROM journal AS e
            WHERE e.relation = %3$L AND e.key = x.key ORDER BY e.journal_id DESC LIMIT 1
          ) AS j ON true;
        ELSE
          INSERT INTO journal (relation, key, form, at, writer, hash)
          SELECT
            %3$L, x.key, x.form, moment, session_user,
            journal_hash(coalesce(j.hash, ''), %3$L, x.key, x.form, moment, session_user, x.said)
          FROM (
            SELECT jsonb_build_array(%4$s) AS key, n.form, CASE n.form %5$s ELSE '[]' END AS said
            FROM (SELECT n.*, %6$s AS form FROM written AS n) AS n
            JOIN (SELECT n.*, %6$s AS form FROM before AS n) AS o USING (%7$s)
            WHERE n.form > %8$s AND (n.form <> o.form OR CASE n.form %9$s ELSE false END)
            ORDER BY %4$s OFFSET 0
          ) AS x
          LEFT JOIN LATERAL (
            SELECT e.hash FROM journal AS e
            WHERE e.relation = %3$L AND e.key = x.key ORDER BY e.journal_id DESC LIMIT 1
          ) AS j ON true;
        END IF;
        RETURN NULL;
      END
      $body$
      $function$,
      'journal_' || line.relation, current_schema(), line.relation, line.key_columns, line.said,
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

-- Who may do what in the database. Run by every `hearth migrate`, after the migrations; repeating it changes nothing.
--
-- Each process has a role without login. An account of yours becomes a process by being a member of its role:
--   CREATE ROLE our_api LOGIN PASSWORD '…' IN ROLE hearth_api, hearth_identity;
-- The API takes hearth_api in each transaction, whatever account it logged in as, so row-level security holds there in any case.

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY[
    'hearth_ingest', 'hearth_watch', 'hearth_api', 'hearth_notify', 'hearth_grafana', 'hearth_identity', 'hearth_office'
  ] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- another database of this server was migrated at the same moment
      END;
    END IF;
    -- Where one account owns and serves all, it can still take the narrower role.
    IF NOT pg_has_role(name, 'SET') AND pg_has_role(name, 'USAGE WITH ADMIN OPTION') THEN
      BEGIN
        EXECUTE format('GRANT %I TO CURRENT_USER WITH SET TRUE, INHERIT FALSE', name);
      EXCEPTION WHEN unique_violation THEN
        NULL;
      END;
    END IF;
  END LOOP;
END
$$;

-- One line for each table and view: what each process may do with it, and whose rows the API's role reaches.
--   r SELECT, a INSERT, w UPDATE, d DELETE
--   reach: '' all rows
--          home         rows of a home that is reached (home_id); of those in `dated` its residents see no older ones
--          ticket       of a home that is reached or complained, or of the crew's own station unless they may be about
--                       the crew; residents see no older ones, but the one of a flag of theirs
--          change       as a ticket, by what was noted when something happened
--          of_ticket    rows of a ticket that is reached (ticket_id)
--          event        the same; residents see no older ones
--          of_event     rows of an event that is reached (ticket_id, seq)
--          file         files of a ticket that is reached; residents see those that are meant for them, and no older ones
--          of_file      the bytes of a file that is reached, or of its thumbnail
--          substation   rows of a substation of the crew's own station (substation_id)
--          station      rows of the crew's own station (station)
--          person       of a home that is reached, with the right to reveal alone (addressee_id)
--          area, of_area places of outages with a home that is reached, and the outages that have such a place
--          self, sensor the homes themselves, those too of which the crew's station was given an open ticket; sensors that
--                       were in a home that is reached
-- A table without a line fails tests/store/test_grants.py.
CREATE TEMP TABLE granted (
  relation text, reach text, ingest text, watch text, notify text, api text, grafana text, identity text
) ON COMMIT DROP;

INSERT INTO granted VALUES
  --                        reach         ingest   watch    notify   api      grafana  identity
  ('schema_migration',      '',           'r',     'r',     'r',     'r',     '',      'r'),
  ('registry_version',      '',           'r',     'r',     'r',     'r',     '',      ''),
  ('substation',            '',           'r',     'r',     'r',     'r',     '',      ''),
  ('building',              '',           'r',     'r',     'r',     'r',     '',      ''),
  ('building_place',        '',           'r',     'r',     'r',     'r',     '',      ''),
  ('home',                  'self',       'r',     'r',     'r',     'r',     '',      'r'),
  ('place_word',            '',           '',      '',      '',      'r',     '',      ''),
  ('place_gram',            '',           '',      '',      '',      'r',     '',      ''),
  ('building_word',         '',           '',      '',      '',      'r',     '',      ''),
  ('building_numbers',      '',           '',      '',      '',      'r',     '',      ''),
  ('unit_numbers',          '',           '',      '',      '',      'r',     '',      ''),
  ('home_status',           'home',       'r',     'r',     'r',     'r',     '',      ''),
  ('residence',             'home',       '',      '',      '',      '',      '',      ''),
  ('sensor',                'sensor',     'r',     'r',     'r',     'r',     '',      ''),
  ('point',                 'home',       'r',     'r',     'r',     'r',     '',      ''),
  ('reading',               '',           'raw',   'r',     '',      '',      '',      ''),
  ('substation_reading',    '',           'raw',   'r',     '',      '',      '',      ''),
  ('channel_now',           '',           'raw',   'r',     '',      '',      '',      ''),
  ('dead_letter',           '',           'raw',   'rawd',  '',      '',      '',      ''),
  ('dead_letter_dropped',   '',           '',      'rw',    '',      '',      '',      ''),
  ('point_judged',          '',           'r',     'r',     '',      'r',     '',      ''),
  ('sensor_overruled',      'home',       'r',     'raw',   'r',     'raw',   '',      ''),
  ('cold_ended',            'home',       'r',     'raw',   'r',     'raw',   '',      ''),
  ('sensor_now',            'home',       'rawd',  'rawd',  '',      'r',     '',      ''),
  ('ingest_worker',         '',           'rawd',  'rawd',  '',      '',      '',      ''),
  ('ingest_excess',         '',           'raw',   'rd',    '',      '',      '',      ''),
  ('ingest_deferred',       '',           'rawd',  'r',     '',      '',      '',      ''),
  ('ingest_dead',           '',           'rawd',  'rawd',  '',      '',      '',      ''),
  ('ingest_void',           '',           'rawd',  'rawd',  '',      '',      '',      ''),
  ('unknown_sensor',        '',           'raw',   'rd',    '',      'r',     '',      ''),
  ('broker_share',          '',           'rw',    '',      '',      '',      '',      ''),
  ('log_offset',            '',           'raw',   '',      '',      '',      '',      ''),
  ('ticket',                'ticket',     'raw',   'raw',   'r',     'raw',   '',      ''),
  ('ticket_event',          'event',      'ra',    'ra',    'r',     'ra',    '',      ''),
  ('chain_seal',            '',           '',      'ra',    '',      'r',     '',      ''),
  ('chain_next',            '',           '',      'raw',   '',      '',      '',      ''),
  ('numbering',             '',           '',      '',      '',      '',      '',      ''),
  ('ticket_standing',       '',           '',      'r',     '',      'r',     '',      ''),
  ('journal',               '',           '',      'r',     '',      '',      '',      ''),
  ('reading_day',           '',           '',      'ra',    '',      '',      '',      ''),
  ('reading_late',          '',           'a',     'r',     '',      '',      '',      ''),
  ('archive_entry',         '',           '',      'ra',    '',      'r',     '',      ''),
  ('reading_frontier',      '',           'r',     'rw',    '',      '',      '',      ''),
  ('seal_key',              '',           '',      'ra',    '',      'r',     '',      ''),
  ('ticket_next',           'of_ticket',  '',      'r',     '',      'r',     '',      ''),
  ('ticket_presence',       'of_ticket',  '',      '',      '',      'rawd',  '',      ''),
  ('clock',                 'of_ticket',  'raw',   'raw',   'r',     'raw',   '',      ''),
  ('flag',                  'home',       'raw',   'raw',   'r',     'raw',   '',      ''),
  ('home_state',            'home',       'rawd',  'rawd',  'r',     'r',     '',      ''),
  ('rejudge',               'home',       'rawd',  'rawd',  '',      'raw',      '',      ''),
  ('ledger',                'home',       'rawd',  'rawd',  'r',     'r',     '',      ''),
  ('kpi_stale',             '',           'a',     'rawd',  '',      '',      '',      ''),
  ('kpi_heat',              'station',    '',      'rawd',  '',      'r',     '',      ''),
  ('kpi_cell',              'station',    '',      'rawd',  '',      'r',     '',      ''),
  ('kpi_proof',             'station',    '',      'rawd',  '',      'r',     '',      ''),
  ('kpi_month',             '',           '',      'raw',   '',      'r',     '',      ''),
  ('kpi_clock',             'station',    '',      'rawd',  '',      'r',     '',      ''),
  ('kpi_case',              'station',    '',      'rawd',  '',      'r',     '',      ''),
  ('kpi_desk',              'station',    '',      'rawd',  '',      'r',     '',      ''),
  ('ledger_shard',          '',           'raw',   'raw',   '',      '',      '',      ''),
  ('device_job',            'of_ticket',  'r',     'raw',   'r',     'raw',     '',      ''),
  ('out_of_line',           '',           'r',     'rawd',  '',      '',      '',      ''),
  ('wrong_clock',           '',           'raw',   'rawd',  '',      '',      '',      ''),
  ('care_round',            '',           'r',     'raw',   '',      '',      '',      ''),
  ('substation_alarm',      'substation', 'r',     'rawd',  'r',     'r',     '',      ''),
  ('token',                 '',           '',      '',      '',      'r',     '',      ''),
  ('token_home',            '',           '',      '',      '',      'r',     '',      ''),
  ('staff',                 '',           '',      '',      'r',     'raw',   '',      ''),
  ('rota',                  '',           'r',     'r',     'r',     'rawd',  '',      ''),
  ('shift',                 'station',    '',      '',      'r',     'rawd',  '',      ''),
  ('shift_swap',            'station',    '',      '',      '',      'rawd',  '',      ''),
  ('call_out',              'of_ticket',  'raw',   'raw',   'rw',    'raw',   '',      ''),
  ('call_out_told',         '',           '',      '',      'ra',    'r',     '',      ''),
  ('credential.password',   '',           '',      '',      '',      '',      '',      ''),
  ('credential.totp',       '',           '',      '',      '',      '',      '',      ''),
  ('credential.invitation', '',           '',      '',      '',      '',      '',      ''),
  ('credential.calendar',   '',           '',      '',      '',      '',      '',      ''),
  ('credential.provider_tokens', '',      '',      '',      '',      '',      '',      ''),
  ('audit',                 '',           '',      '',      '',      'a',     '',      'a'),
  ('outbox',                '',           'raw',   'raw',   'raw',   'a',     '',      ''),
  ('addressee',             'home',       '',      '',      'raw',   '',      '',      ''),
  ('message',               '',           '',      '',      'raw',   '',      '',      ''),
  ('notice',                '',           '',      '',      'raw',   '',      '',      ''),
  ('person.contact',        'person',     '',      '',      'r',     '',      '',      ''),
  ('person.wechat_user',    '',           '',      '',      'r',     '',      '',      ''),
  ('person.wechat_consent', '',           '',      '',      'rw',    '',      '',      ''),
  ('person.wechat_link',    '',           '',      '',      '',      '',      '',      ''),
  ('person.reached',        '',           '',      '',      'r',     '',      '',      ''),
  ('person.search_key',     'person',     '',      '',      '',      '',      '',      ''),
  ('peer',                  '',           '',      'r',     'raw',   'r',     '',      ''),
  ('peer_case',             'of_ticket',  '',      'raw',   'rw',    'raw',   '',      ''),
  ('peer_received',         '',           '',      'rawd',  '',      'raw',   '',      ''),
  ('outage',                'of_area',    '',      'rw',    'r',     'raw',   '',      ''),
  ('outage_area',           'area',       '',      'r',     'r',     'ra',    '',      ''),
  ('outage_event',          'of_area',    '',      'ra',    '',      'ra',    '',      ''),
  ('live_event',            'change',     '',      'rd',    '',      'r',     '',      ''),
  ('live_forgotten',        '',           '',      'rw',    '',      'r',     '',      ''),
  ('incident',              'station',    'r',     'raw',   'r',     'r',     '',      ''),
  ('incident_ticket',       'of_ticket',  'r',     'raw',   'r',     'r',     '',      ''),
  ('measuring_point',       'home',       '',      'raw',   'r',     'r',     '',      ''),
  ('measurement',           'home',       '',      'ra',    'r',     'ra',    '',      ''),
  ('measurement_request',   'home',       '',      'ra',    'r',     'ra',    '',      ''),
  ('measurement_told',      '',           '',      'ra',    '',      '',      '',      ''),
  ('ticket_contact',        'of_event',   '',      'a',     '',      'ra',    '',      ''),
  ('ticket_file',           'file',       '',      'r',     '',      'ra',    '',      ''),
  ('file_content',          'of_file',    '',      '',      '',      'ra',    '',      ''),
  ('case_file',             'of_ticket',  '',      'ra',    'r',     'raw',   '',      ''),
  ('application',           'of_ticket',  '',      'r',     'r',     'ra',    '',      ''),
  ('heat_notice',           'of_ticket',  '',      'r',     '',      'ra',    '',      ''),
  ('registry_upload',       '',           '',      'rd',    '',      '',      '',      ''),
  ('home_fee',              'home',       '',      '',      '',      'r',     '',      ''),
  ('refund_fact',           'home',       '',      '',      '',      'ra',    '',      ''),
  ('refund_sheet',          'home',       '',      '',      '',      'ra',    '',      ''),
  ('refund_day',            'home',       '',      '',      '',      'ra',    '',      ''),
  ('refund_approval',       'home',       '',      '',      '',      'ra',    '',      ''),
  ('refund_payment',        '',           '',      '',      '',      'ra',    '',      ''),
  ('refund_paid',           'home',       '',      '',      '',      'ra',    '',      ''),
  ('foresight_seen',        'substation', '',      'rad',   '',      'r',     '',      ''),
  ('foresight_told',        '',           '',      'rawd',  '',      '',      '',      ''),
  ('foresight_chance',      '',           '',      'raw',   '',      '',      '',      ''),
  ('foresight_error',       '',           '',      'raw',   '',      '',      '',      ''),
  ('foresight_network',     '',           '',      'raw',   '',      '',      '',      ''),
  ('foresight_model',       '',           '',      'raw',   '',      '',      '',      ''),
  ('substation_sign',       'substation', '',      'raw',   '',      'r',     '',      ''),
  ('foresight_warning',     'home',       '',      'raw',   '',      'r',     '',      ''),
  ('form_sent',             '',           '',      '',      '',      'rad',   '',      ''),
  ('building_summary',      '',           '',      'rawd',  '',      'r',     '',      ''),
  ('building_round',        '',           '',      'raw',   '',      'r',     '',      ''),
  ('readings_kept',         '',           'r',     'raw',   '',      'r',     '',      ''),
  ('ingest_sample',         '',           '',      'rawd',  '',      '',      '',      ''),
  -- What policies ask: pairs of homes and stations, no more
  ('home_station',          '',           '',      '',      '',      'r',     '',      'r'),
  ('home_given',            '',           '',      '',      '',      'r',     '',      'r'),
  -- With the rights of the caller
  ('home_told',             '',           '',      '',      '',      'r',     '',      ''),
  -- Views run with their owner's rights and show all rows: for dashboards, and where there is nothing of a home in them
  ('home_now',              '',           '',      'r',     '',      '',      'r',     ''),
  ('building_now',          '',           '',      'r',     '',      'r',     'r',     ''),
  ('substation_now',        '',           '',      'r',     '',      'r',     'r',     ''),
  ('flag_open',             '',           '',      'r',     '',      '',      'r',     ''),
  ('ticket_open',           '',           '',      'r',     '',      '',      'r',     ''),
  ('ticket_verifying',      '',           '',      'r',     '',      '',      'r',     ''),
  ('ticket_clock',          '',           '',      'r',     '',      '',      'r',     ''),
  ('foresight_warned',      '',           '',      'r',     '',      '',      'r',     ''),
  ('foresight_score_day',   '',           '',      'r',     '',      'r',     'r',     ''),
  ('foresight_error_day',   '',           '',      'r',     '',      'r',     'r',     ''),
  ('ledger_day',            '',           '',      'r',     '',      '',      'r',     ''),
  ('reading_hour',          '',           '',      'r',     '',      '',      'r',     ''),
  ('ingest_health',         '',           '',      'r',     '',      '',      'r',     ''),
  ('kpi_heat_month',        '',           '',      'r',     '',      '',      'r',     ''),
  ('kpi_proof_month',       '',           '',      'r',     '',      '',      'r',     ''),
  ('kpi_clock_month',       '',           '',      'r',     '',      '',      'r',     ''),
  ('kpi_case_month',        '',           '',      'r',     '',      '',      'r',     ''),
  ('kpi_desk_month',        '',           '',      'r',     '',      '',      'r',     ''),
  ('device_job_open',       '',           '',      'r',     '',      '',      'r',     ''),
  ('substation_alarm_open', '',           '',      'r',     '',      '',      'r',     ''),
  ('outage_home',           '',           '',      'r',     'r',     'r',     'r',     ''),
  ('flag_outage',           '',           '',      'r',     '',      'r',     'r',     ''),
  ('outage_open',           '',           '',      'r',     '',      '',      'r',     ''),
  ('outage_public',         '',           '',      '',      '',      'r',     'r',     ''),
  ('incident_open',         '',           '',      'r',     'r',     '',      'r',     ''),
  ('substation_sign_now',   '',           '',      '',      '',      '',      'r',     ''),
  ('area_open',             '',           '',      '',      '',      'r',     'r',     ''),
  ('notice_health',         '',           '',      'r',     'r',     '',      'r',     ''),
  ('notice_failed',         '',           '',      '',      'r',     '',      '',      ''),
  ('notice_told',           '',           '',      '',      '',      'r',     '',      ''),
  ('peer_told',             '',           '',      '',      'r',     'r',     '',      ''),
  ('peer_standing',         '',           '',      '',      '',      'r',     '',      ''),
  ('measurement_valid',     '',           '',      'r',     '',      'r',     '',      ''),
  ('measurement_task',      '',           '',      'r',     '',      'r',     '',      ''),
  ('measurement_due',       '',           '',      'r',     '',      '',      'r',     ''),
  ('measurement_late',      '',           '',      'r',     '',      '',      'r',     ''),
  ('flag_all',              '',           '',      '',      '',      '',      'r',     ''),
  ('ticket_all',            '',           '',      '',      '',      '',      'r',     ''),
  ('device_job_load',       '',           '',      '',      '',      '',      'r',     ''),
  ('home_contract',         '',           '',      '',      '',      '',      'r',     ''),
  ('home_reading',          '',           '',      '',      '',      '',      'r',     ''),
  ('substation_history',    '',           '',      '',      '',      '',      'r',     ''),
  ('readings_in_table',     '',           '',      '',      '',      '',      'r',     ''),
  ('ledger_health',         '',           '',      '',      '',      '',      'r',     ''),
  ('ingest_rate',           '',           '',      '',      '',      '',      'r',     ''),
  ('dead_letter_health',    '',           '',      'r',     '',      '',      'r',     ''),
  ('dead_letter_seen',      '',           '',      '',      '',      '',      'r',     ''),
  ('substation_channel',    '',           '',      'r',     '',      '',      '',      ''),
  ('ingest_no_value',       '',           '',      '',      '',      '',      'r',     ''),
  ('ingest_reject',         '',           '',      '',      '',      '',      'r',     '');

-- hearth_office keeps the registry and contacts, within what the request reaches. The API takes it for the statements of
-- people who may do so, by way of hearth_api: no account has to be made a member of it. It reads no hash of a token, nor
-- writes any: it asks make_token and end_token.
ALTER TABLE granted ADD COLUMN office text NOT NULL DEFAULT '';

UPDATE granted AS g SET office = o.verbs FROM (VALUES
  ('schema_migration', 'r'), ('registry_version', 'rw'), ('substation', 'raw'), ('building', 'raw'),
  ('building_place', 'r'), ('home_station', 'r'), ('home', 'raw'), ('place_word', 'rad'), ('place_gram', 'rad'), ('building_word', 'rad'),
  ('building_numbers', 'raw'), ('unit_numbers', 'ra'), ('home_status', 'raw'), ('residence', 'rad'), ('sensor', 'ra'),
  ('point', 'rad'), ('sensor_now', 'raw'), ('home_state', 'raw'), ('rejudge', 'raw'), ('addressee', 'raw'),
  ('person.contact', 'rawd'), ('person.search_key', 'rad'), ('registry_upload', 'rawd'),
  ('measuring_point', 'raw'),
  -- What another policy would do is judged from the readings, and changes nothing
  ('reading', 'r'), ('ledger', 'r'), ('flag', 'r'), ('point_judged', 'r'), ('cold_ended', 'r'), ('sensor_overruled', 'r'),
  ('readings_kept', 'r'), ('archive_entry', 'r')
) AS o (relation, verbs) WHERE o.relation = g.relation;

-- Of TimescaleDB's Community edition alone: what reading_hour is read from, by its owner and by nobody else.
INSERT INTO granted
SELECT 'reading_hour_counted', '', '', '', '', '', '', '', '' WHERE to_regclass('reading_hour_counted') IS NOT NULL;

-- By which column a row of a home is older than what its residents reach: an instant, or a local day.
CREATE TEMP TABLE dated (relation text, "column" text) ON COMMIT DROP;

INSERT INTO dated VALUES
  ('sensor_now', 'judged_at'),
  ('point', 'valid_to'),
  ('flag', 'cold_since'),
  ('foresight_warning', 'day'),
  ('ledger', 'day'),
  ('measurement', 'measured_at'),
  ('measurement_request', 'asked_at'),
  -- A sheet is of a whole season: who lives there since the middle of one has none of it
  ('refund_fact', 'at'),
  ('refund_sheet', 'season'),
  ('refund_day', 'season'),
  ('refund_approval', 'season'),
  ('refund_paid', 'day');

-- What is not in a line is taken back. Rights are written only where they differ, as each statement writes a row of the
-- catalogue: 2,000 of them took most of the time of a migration. Those of chunks follow from the table above them.
DO $$
DECLARE
  processes CONSTANT text[] := ARRAY[
    'hearth_ingest', 'hearth_watch', 'hearth_notify', 'hearth_api', 'hearth_grafana', 'hearth_identity', 'hearth_office'
  ];
  unknown text;
  wrong record;
  given record;
BEGIN
  SELECT string_agg(g.relation, ', ') INTO unknown FROM granted AS g WHERE to_regclass(g.relation) IS NULL;
  IF unknown IS NOT NULL THEN
    RAISE EXCEPTION 'store/grants.sql has a line for %, which does not exist', unknown;
  END IF;
  CREATE TEMP TABLE granted_right ON COMMIT DROP AS
  SELECT t.kind, t.relation, p.role, v.verb
  FROM granted AS g CROSS JOIN LATERAL (
    SELECT 'TABLE' AS kind, to_regclass(g.relation) AS relation
    UNION ALL
    SELECT 'SEQUENCE', d.objid::regclass FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid AND c.relkind = 'S'
    WHERE d.refobjid = to_regclass(quote_ident(g.relation)) AND d.classid = 'pg_class'::regclass
  ) AS t CROSS JOIN LATERAL (VALUES
    ('hearth_ingest', g.ingest), ('hearth_watch', g.watch), ('hearth_notify', g.notify), ('hearth_api', g.api),
    ('hearth_grafana', g.grafana), ('hearth_identity', g.identity), ('hearth_office', g.office)
  ) AS p (role, letters) LEFT JOIN (VALUES
    ('TABLE', 'r', 'SELECT'), ('TABLE', 'a', 'INSERT'), ('TABLE', 'w', 'UPDATE'), ('TABLE', 'd', 'DELETE'),
    ('SEQUENCE', 'a', 'USAGE') -- who inserts may also take numbers beforehand
  ) AS v (kind, letter, verb) ON v.kind = t.kind AND strpos(p.letters, v.letter) > 0;
  FOR wrong IN
    SELECT w.kind, w.relation FROM (
      SELECT r.kind, r.relation, array_agg(r.role || ' ' || r.verb ORDER BY r.role, r.verb) FILTER (WHERE r.verb <> '') AS rights
      FROM granted_right AS r GROUP BY r.kind, r.relation
    ) AS w JOIN pg_class AS c ON c.oid = w.relation
    WHERE c.relhassubclass OR w.rights IS DISTINCT FROM (
      SELECT array_agg(
        h.role || ' ' || h.verb || CASE WHEN h.is_grantable THEN ', and to others' ELSE '' END ORDER BY h.role, h.verb
      )
      FROM (
        SELECT a.grantee::regrole::text AS role, a.privilege_type AS verb, a.is_grantable FROM aclexplode(c.relacl) AS a
        UNION ALL
        SELECT a.grantee::regrole::text, a.privilege_type || ' of ' || o.attname, a.is_grantable
        FROM pg_attribute AS o CROSS JOIN aclexplode(o.attacl) AS a WHERE o.attrelid = c.oid AND o.attacl IS NOT NULL
      ) AS h WHERE h.role = ANY (processes)
    )
  LOOP
    EXECUTE format('REVOKE ALL ON %s %s FROM %s', wrong.kind, wrong.relation, array_to_string(processes, ', '));
    FOR given IN
      SELECT r.verbs, string_agg(r.role, ', ') AS roles FROM (
        SELECT role, string_agg(verb, ', ') AS verbs FROM granted_right
        WHERE relation = wrong.relation AND verb <> '' GROUP BY role
      ) AS r GROUP BY r.verbs
    LOOP
      EXECUTE format('GRANT %s ON %s %s TO %s', given.verbs, wrong.kind, wrong.relation, given.roles);
    END LOOP;
  END LOOP;
END
$$;

REVOKE ALL ON SCHEMA person FROM PUBLIC;
GRANT USAGE ON SCHEMA person TO hearth_notify, hearth_identity, hearth_api, hearth_office;

DO $$
BEGIN
  IF NOT pg_has_role('hearth_api', 'hearth_office', 'SET') THEN
    GRANT hearth_office TO hearth_api WITH INHERIT FALSE, SET TRUE;
  END IF;
EXCEPTION
  WHEN unique_violation THEN
    NULL; -- another database of this server was migrated at the same moment
  WHEN insufficient_privilege THEN
    RAISE WARNING 'the API cannot change the registry: GRANT hearth_office TO hearth_api WITH INHERIT FALSE, SET TRUE';
END
$$;

-- Functions with their owner's rights are for these roles alone, not for everybody.
CREATE TEMP TABLE granted_function (function text, roles text) ON COMMIT DROP;

INSERT INTO granted_function VALUES
  ('lock_home', 'hearth_api, hearth_watch'),
  ('lock_building_homes', 'hearth_api'),
  ('put_heat', 'hearth_api'),
  ('make_token', 'hearth_office'),
  ('end_token', 'hearth_office'),
  ('heard_beside', 'hearth_api, hearth_watch'),
  ('take_numbers', 'hearth_ingest, hearth_watch, hearth_api'),
  ('point_readings', 'hearth_api'),
  ('reached_point', 'hearth_api'),
  ('home_steps', 'hearth_api'),
  ('substation_steps', 'hearth_api'),
  ('reach_cases', 'hearth_api, hearth_identity'),
  ('reach_flagged', 'hearth_api, hearth_identity'),
  ('reach_outages', 'hearth_api, hearth_identity'),
  ('tenancy', 'hearth_api, hearth_notify'),
  ('building_live', 'hearth_api, hearth_watch, hearth_grafana'),
  ('drop_readings', 'hearth_watch'),
  ('measurement_tasks', 'hearth_watch, hearth_grafana'),
  ('sealed_hashes', 'hearth_api'),
  ('sealed_entries', 'hearth_api'),
  ('last_entries', 'hearth_api'),
  -- What failed of a peer, without the right to change any message
  ('peer_message_again', 'hearth_api'),
  ('peer_message_passed_over', 'hearth_api'),
  -- In whose home somebody is, without saying who; and who is in a home and how to reach them, for reveals
  -- WeChat accounts: bound and ended without being seen
  ('person.link_wechat', 'hearth_api'),
  ('person.wechat_link_holds', 'hearth_api'),
  ('person.bind_wechat', 'hearth_api'),
  ('person.unbind_wechat', 'hearth_api'),
  ('person.wechat_of', 'hearth_api'),
  ('person.homes_of', 'hearth_api'),
  ('person.people_of', 'hearth_identity'),
  -- How many people an announcement would reach, without saying who they are
  ('person.reach_of_places', 'hearth_api'),
  -- Who made a complaint: the desk may leave a name, one role may ask for it, and nobody reads the tables
  ('identity.keep', 'hearth_api'),
  ('identity.reveal', 'hearth_identity'),
  -- Signing in: hashes and secrets come out of their schema one person at a time
  ('credential.known', 'hearth_api'),
  ('credential.hold_password', 'hearth_api'),
  ('credential.open_session', 'hearth_api'),
  ('credential.use_session', 'hearth_api'),
  ('credential.end_sessions', 'hearth_api'),
  ('credential.owing', 'hearth_api'),
  ('credential.take_code', 'hearth_api'),
  ('credential.set_password', 'hearth_api'),
  ('credential.set_totp', 'hearth_api'),
  ('credential.proofs', 'hearth_api'),
  ('credential.invite', 'hearth_api'),
  ('credential.invited', 'hearth_api'),
  ('credential.accept', 'hearth_api'),
  ('credential.forget', 'hearth_api'),
  ('credential.vouch', 'hearth_api'),
  ('credential.unvouched', 'hearth_api'),
  ('credential.provider_tokens_of', 'hearth_api'),
  ('credential.set_calendar', 'hearth_api'),
  ('credential.calendar_since', 'hearth_api'),
  ('credential.calendar_of', 'hearth_api'),
  ('credential.calendar_shifts', 'hearth_api');

GRANT USAGE ON SCHEMA identity TO hearth_api, hearth_identity;
REVOKE ALL ON SCHEMA credential FROM PUBLIC;
GRANT USAGE ON SCHEMA credential TO hearth_api;

-- A caller can put a temporary table in the way of one that a function means. The place where every function with its
-- owner's rights, and every trigger, gets a search path on which those come last; later migrations need not care.
DO $$
DECLARE
  path CONSTANT text := format('%I, pg_temp', current_schema());
  processes CONSTANT text := 'hearth_ingest, hearth_watch, hearth_api, hearth_notify, hearth_grafana, hearth_identity, hearth_office';
  unknown text;
  door record;
BEGIN
  CREATE TEMP TABLE guarded ON COMMIT DROP AS
  SELECT
    p.oid::regprocedure AS signature, p.prosecdef, coalesce('search_path=' || path = ANY (p.proconfig), false) AS is_set,
    CASE WHEN n.nspname = current_schema() THEN '' ELSE n.nspname || '.' END || p.proname AS name
  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
  WHERE n.nspname IN (current_schema(), 'identity', 'person', 'credential') AND (p.prosecdef OR p.prorettype = 'trigger'::regtype)
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e');
  SELECT string_agg(g.function, ', ') INTO unknown FROM granted_function AS g
  WHERE NOT EXISTS (SELECT FROM guarded AS d WHERE d.name = g.function AND d.prosecdef);
  IF unknown IS NOT NULL THEN
    RAISE EXCEPTION 'store/grants.sql names functions that are none with their owner''s rights: %', unknown;
  END IF;
  FOR door IN SELECT d.*, g.roles FROM guarded AS d LEFT JOIN granted_function AS g ON g.function = d.name LOOP
    IF NOT door.is_set THEN
      EXECUTE format('ALTER ROUTINE %s SET search_path = %s', door.signature, path);
    END IF;
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC, %s', door.signature, processes);
    IF door.roles IS NOT NULL THEN
      EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', door.signature, door.roles);
    END IF;
  END LOOP;
END
$$;

-- Temporary tables are for the processes whose batches travel through them; new relations are for migrations alone.
-- No plan is compiled: row-level policies make a plan dear by its estimate, and compiling it took 1.6 s for a page of ten
-- rows that are found in 3 ms.
DO $$
BEGIN
  BEGIN
    EXECUTE format('ALTER DATABASE %I SET jit = off', current_database());
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO hearth_ingest, hearth_watch, hearth_office', current_database());
  EXCEPTION WHEN internal_error THEN -- a server of one session (WebAssembly) cannot change the row of its database
    RAISE WARNING 'plans may be compiled, and everybody may make temporary tables: %', SQLERRM;
  END;
  EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
END
$$;

-- How long an account may keep the server busy, or keep others waiting. PostgreSQL does not inherit such settings, so
-- each account that is a member of the role has them; one that an operator has set stays.
DO $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT m.rolname AS account, l.setting, l.value
    FROM (VALUES
      ('hearth_grafana', 'statement_timeout', '30s'),
      ('hearth_grafana', 'lock_timeout', '5s'),
      ('hearth_grafana', 'idle_in_transaction_session_timeout', '60s'),
      ('hearth_api', 'idle_in_transaction_session_timeout', '5min')
    ) AS l (role, setting, value)
    JOIN pg_roles AS m ON pg_has_role(m.oid, l.role, 'USAGE') AND NOT m.rolsuper
    WHERE NOT EXISTS (
      SELECT FROM unnest(ARRAY['hearth_ingest', 'hearth_watch', 'hearth_notify']) AS busy
      WHERE pg_has_role(m.oid, busy, 'USAGE')
    ) AND NOT EXISTS (
      SELECT FROM pg_db_role_setting AS s
      WHERE s.setrole = m.oid AND s.setconfig::text LIKE '%' || l.setting || '=%' AND s.setdatabase IN (
        0, (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
      )
    )
  LOOP
    BEGIN
      EXECUTE format(
        'ALTER ROLE %I IN DATABASE %I SET %I = %L', wanted.account, current_database(), wanted.setting, wanted.value
      );
    EXCEPTION WHEN insufficient_privilege THEN
      NULL; -- an administrator made the account: `hearth check` says what it lacks
    END;
  END LOOP;
END
$$;

-- Row-level security. The scalar sub-selects are evaluated once for a statement, not for each row. A policy is written
-- again only when its text has changed, because that locks the table for a moment.
DO $$
DECLARE
  reach_home CONSTANT text :=
    '(SELECT reach_everywhere()) OR (%1$I.home_id = ANY ((SELECT reach_homes())::integer[])%2$s) OR '
    '((SELECT reach_station()) IS NOT NULL AND EXISTS (SELECT FROM home_station AS p '
    'WHERE p.home_id = %1$I.home_id AND p.station = (SELECT reach_station())))';
  reach_self CONSTANT text :=
    '(SELECT reach_everywhere()) OR %1$I.home_id = ANY ((SELECT reach_homes())::integer[]) OR '
    '((SELECT reach_station()) IS NOT NULL AND EXISTS (SELECT FROM building AS b '
    'JOIN substation AS u USING (substation_id) '
    'WHERE b.building_id = %1$I.building_id AND u.station = (SELECT reach_station())))';
  reach_of_ticket CONSTANT text :=
    '(SELECT reach_everywhere()) OR EXISTS (SELECT FROM ticket AS t WHERE t.ticket_id = %1$I.ticket_id)';
  expression text;
  kept text;
  line record;
  rule record;
  target regclass;
BEGIN
  FOR line IN
    SELECT g.*, format(CASE
      WHEN d."column" IS NULL THEN ''
      WHEN d."column" = 'day' THEN ' AND %1$I.day >= reach_day(%1$I.home_id)'
      WHEN d."column" = 'valid_to' THEN ' AND coalesce(%1$I.valid_to > reach_since(%1$I.home_id), true)'
      ELSE ' AND %1$I.%2$I >= reach_since(%1$I.home_id)'
    END, g.relation, d."column") AS not_older
    FROM granted AS g LEFT JOIN dated AS d USING (relation) WHERE g.reach <> ''
  LOOP
    target := to_regclass(line.relation);
    expression := format(CASE line.reach
      WHEN 'home' THEN reach_home
      WHEN 'ticket' THEN
        '(SELECT reach_everywhere()) OR '
        '(%1$I.home_id = ANY ((SELECT reach_homes())::integer[]) AND %1$I.opened_at >= reach_since(%1$I.home_id)) OR '
        '%1$I.ticket_id = ANY ((SELECT reach_cases())::bigint[]) OR '
        '%1$I.ticket_id = ANY ((SELECT reach_flagged())::bigint[]) OR '
        '(%1$I.station = (SELECT reach_station()) AND %1$I.class NOT IN (''complaint'', ''report''))'
      WHEN 'change' THEN
        '(SELECT reach_everywhere()) OR '
        '(%1$I.home_id = ANY ((SELECT reach_homes())::integer[]) AND %1$I.at >= reach_since(%1$I.home_id)) OR '
        '(%1$I.station = (SELECT reach_station()) AND %1$I.class NOT IN (''complaint'', ''report''))'
      WHEN 'of_ticket' THEN reach_of_ticket
      WHEN 'event' THEN
        '(SELECT reach_everywhere()) OR EXISTS (SELECT FROM ticket AS t WHERE t.ticket_id = %1$I.ticket_id '
        'AND coalesce(%1$I.at >= reach_since(t.home_id), true))'
      WHEN 'of_event' THEN
        '(SELECT reach_everywhere()) OR EXISTS (SELECT FROM ticket_event AS e '
        'WHERE e.ticket_id = %1$I.ticket_id AND e.seq = %1$I.seq)'
      WHEN 'file' THEN
        '(SELECT reach_everywhere()) OR EXISTS (SELECT FROM ticket AS t WHERE t.ticket_id = %1$I.ticket_id '
        'AND coalesce(%1$I.at >= reach_since(t.home_id), true) '
        'AND (%1$I.for_user OR (SELECT reach_station()) IS NOT NULL))'
      WHEN 'of_file' THEN
        '(SELECT reach_everywhere()) OR EXISTS (SELECT FROM ticket_file AS f WHERE f.digest = %1$I.digest) '
        'OR EXISTS (SELECT FROM ticket_file AS f WHERE f.thumbnail = %1$I.digest)'
      WHEN 'station' THEN '(SELECT reach_everywhere()) OR %1$I.station = (SELECT reach_station())'
      WHEN 'substation' THEN
        '(SELECT reach_everywhere()) OR EXISTS (SELECT FROM substation AS u '
        'WHERE u.substation_id = %1$I.substation_id AND u.station = (SELECT reach_station()))'
      WHEN 'area' THEN
        '(SELECT reach_everywhere()) OR (%1$I.home_id = ANY ((SELECT reach_homes())::integer[]) '
        'AND %1$I.outage_id = ANY ((SELECT reach_outages())::bigint[])) OR '
        '%1$I.building_id = ANY (ARRAY(SELECT h.building_id FROM home AS h WHERE h.home_id = ANY (reach_homes()))) OR '
        '%1$I.substation_id = ANY (ARRAY(SELECT b.substation_id FROM home AS h JOIN building AS b USING (building_id) '
        'WHERE h.home_id = ANY (reach_homes()))) OR '
        '((SELECT reach_station()) IS NOT NULL AND EXISTS (SELECT FROM substation AS u '
        'WHERE u.station = (SELECT reach_station()) AND u.substation_id = coalesce(%1$I.substation_id, '
        '(SELECT b.substation_id FROM building AS b WHERE b.building_id = coalesce(%1$I.building_id, '
        '(SELECT h.building_id FROM home AS h WHERE h.home_id = %1$I.home_id))))))'
      WHEN 'of_area' THEN
        '(SELECT reach_everywhere()) OR EXISTS (SELECT FROM outage_area AS a WHERE a.outage_id = %1$I.outage_id)'
      WHEN 'sensor' THEN
        '(SELECT reach_everywhere()) OR EXISTS (SELECT FROM point AS p WHERE p.sensor_id = %1$I.sensor_id)'
      WHEN 'person' THEN
        '(SELECT reach_right(''reveal'')) AND ((SELECT reach_everywhere()) OR EXISTS (SELECT FROM addressee AS a '
        'WHERE a.addressee_id = %1$I.addressee_id))'
      WHEN 'self' THEN
        reach_self || ' OR ((SELECT reach_station()) IS NOT NULL AND EXISTS (SELECT FROM home_given AS g '
        'WHERE g.home_id = %1$I.home_id AND g.station = (SELECT reach_station())))'
    END, split_part(line.relation, '.', -1), line.not_older);
    -- A station that was given a ticket of a home sees which home it is; what it keeps of homes are those of its own.
    kept := CASE line.reach WHEN 'self' THEN format(reach_self, line.relation) ELSE expression END;
    FOR rule IN SELECT * FROM (VALUES
      ('reached', 'hearth_api, hearth_identity', expression, true),
      ('kept', 'hearth_office', kept, line.office <> ''),
      ('processes', 'hearth_ingest, hearth_watch, hearth_notify', 'true', true)
    ) AS p (name, roles, condition, is_there) WHERE p.is_there LOOP
      IF (
        SELECT obj_description(p.oid, 'pg_policy') FROM pg_policy AS p
        WHERE p.polrelid = target AND p.polname = rule.name
      ) IS DISTINCT FROM md5(rule.roles || rule.condition) THEN
        EXECUTE format('DROP POLICY IF EXISTS %I ON %s', rule.name, target);
        EXECUTE format('CREATE POLICY %I ON %s TO %s USING (%s)', rule.name, target, rule.roles, rule.condition);
        EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', rule.name, target, md5(rule.roles || rule.condition));
      END IF;
    END LOOP;
    IF NOT (SELECT relrowsecurity FROM pg_class WHERE oid = target) THEN
      EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    END IF;
  END LOOP;
END
$$;

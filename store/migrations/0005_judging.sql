-- Where judging stands with each home, what it counts, and what corrects it: jobs for sensors, measurements on site.

-- Where judging stands with a home. Written when something changes, not with every reading.
CREATE TABLE home_state (
  home_id integer PRIMARY KEY REFERENCES home,
  state smallint NOT NULL DEFAULT 1, -- domain.states.HomeState
  state_since timestamptz,
  judged_to timestamptz, -- judged up to here in event time; readings of judged sensors may reach further
  breach_since timestamptz, -- under a limit without a break since
  severe_since timestamptz,
  warm_since timestamptz, -- at or above day limit + deadband without a break since
  lowest real, -- °C, of the breach or the open flag
  flag_id bigint REFERENCES flag,
  check_at timestamptz DEFAULT now() -- the clock may change something at this time; never later than it should be
) WITH (fillfactor = 70);

-- Usage: watch polls the homes whose time has come
CREATE INDEX home_state_check ON home_state (check_at) WHERE check_at IS NOT NULL;

-- Homes whose history changed behind the point that judging had reached, and from when on.
CREATE TABLE rejudge (
  home_id integer PRIMARY KEY REFERENCES home,
  from_at timestamptz NOT NULL,
  queued_at timestamptz NOT NULL
);

-- Usage: watch takes the oldest first
CREATE INDEX rejudge_queued ON rejudge (queued_at);

-- The ledger: how long each home was in which state on each local day.
CREATE TABLE ledger (
  home_id integer NOT NULL REFERENCES home,
  day date NOT NULL, -- local
  compliant_us bigint NOT NULL,
  cold_us bigint NOT NULL,
  severe_us bigint NOT NULL,
  unknown_us bigint NOT NULL,
  not_judged_us bigint NOT NULL,
  shortfall_us bigint NOT NULL, -- part of compliant: under the day limit while its window is closed
  heat bigint NOT NULL, -- temperature times judged and known time, m°C·µs
  deficit bigint NOT NULL, -- kelvin under the limit times time in breach, mK·µs
  lowest real, -- °C; NULL: nothing known
  policy text NOT NULL, -- name@valid_from of the version that judged
  closed boolean NOT NULL, -- the day is over and all of it is counted
  machine bytea, -- where the flag machine stood at the end of a closed day (the engine's machine); NULL: idle
  -- Usage: the days of a home in a span of time
  PRIMARY KEY (home_id, day)
);

-- Usage: figures of a day or month over all homes
CREATE INDEX ledger_by_day ON ledger (day);

-- Days before `open_from` are closed for the homes of a shard (home_id / 4096).
CREATE TABLE ledger_shard (
  shard integer PRIMARY KEY,
  open_from date NOT NULL,
  counted_to timestamptz NOT NULL
);

CREATE VIEW ledger_day AS
SELECT
  l.home_id, h.code AS home, b.building, b.substation, b.station, l.day,
  l.compliant_us / 1e6 AS compliant_s, l.cold_us / 1e6 AS cold_s, l.severe_us / 1e6 AS severe_s,
  l.unknown_us / 1e6 AS unknown_s, l.not_judged_us / 1e6 AS not_judged_s, l.shortfall_us / 1e6 AS shortfall_s,
  l.lowest AS min,
  CASE WHEN l.compliant_us + l.cold_us + l.severe_us > 0
    THEN l.heat / 1e3 / (l.compliant_us + l.cold_us + l.severe_us) END AS mean,
  l.deficit / 3.6e12 AS kelvin_hours, l.policy, l.closed
FROM ledger AS l
JOIN home AS h USING (home_id)
JOIN building_place AS b USING (building_id);

-- How far the ledger has come: all days before open_from are closed for all homes.
CREATE VIEW ledger_health AS
SELECT count(*) AS shards, min(open_from) AS open_from, min(counted_to) AS counted_to FROM ledger_shard;

-- Care of sensors: what needs a visit or a look, though no home may be cold for it.
CREATE TABLE device_job (
  device_job_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sensor_id integer NOT NULL REFERENCES sensor,
  reason text NOT NULL, -- domain.care.CareReason
  ticket_id bigint NOT NULL REFERENCES ticket, -- every job has its ticket
  opened_at timestamptz NOT NULL,
  fine_since timestamptz, -- the reason has been gone since; NULL: it is there
  closed_at timestamptz,
  close_reason text CHECK (close_reason IN ('healed', 'removed', 'no_policy')), -- domain.care.CareEnd
  CONSTRAINT device_job_closed CHECK ((closed_at IS NULL) = (close_reason IS NULL))
);

-- What people have measured against a sensor is a job of its own, beside the one for what the sensor's own values show.
-- Usage: a sensor has one open job at most of those that watch opens; watch reads the open ones
CREATE UNIQUE INDEX device_job_one_open ON device_job (sensor_id) WHERE closed_at IS NULL AND reason <> 'disagrees';
-- Usage: and one at most that measurements open
CREATE UNIQUE INDEX device_job_one_disagrees ON device_job (sensor_id) WHERE closed_at IS NULL AND reason = 'disagrees';
-- Usage: the job of a ticket
CREATE INDEX device_job_ticket ON device_job (ticket_id);

CREATE TRIGGER device_job_stays BEFORE DELETE OR TRUNCATE ON device_job
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE device_job ENABLE ALWAYS TRIGGER device_job_stays;

-- Sensors that are far from what their neighbours say, and since when without a break.
CREATE TABLE out_of_line (
  sensor_id integer PRIMARY KEY REFERENCES sensor,
  since timestamptz NOT NULL
);

-- One row. How far the round over the sensors' readings has come, and since when sensors could be heard.
CREATE TABLE care_round (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  reached integer NOT NULL DEFAULT 0, -- sensor_id
  looked_at timestamptz,
  listening_since timestamptz -- NULL: from ever
);

INSERT INTO care_round DEFAULT VALUES;

CREATE VIEW device_job_open AS
SELECT
  j.device_job_id, s.code AS sensor, j.reason, j.opened_at, j.fine_since, h.code AS home, b.code AS building,
  u.code AS substation, u.station, t.number AS ticket
FROM device_job AS j
JOIN sensor AS s USING (sensor_id)
JOIN sensor_now AS n USING (sensor_id)
JOIN ticket AS t USING (ticket_id)
LEFT JOIN home AS h ON h.home_id = t.home_id
LEFT JOIN building AS b ON b.building_id = h.building_id
LEFT JOIN substation AS u ON u.substation_id = coalesce(b.substation_id, n.substation_id)
WHERE j.closed_at IS NULL;

-- How many sensors need a visit, by station and reason.
CREATE VIEW device_job_load AS
SELECT t.station, j.reason, count(*) AS jobs
FROM device_job AS j
JOIN ticket AS t USING (ticket_id)
WHERE j.closed_at IS NULL
GROUP BY t.station, j.reason;

-- A fixed point to be measured on site, and its plan: every so many days. A plan for a building is one for the point of
-- each of its homes.
CREATE TABLE measuring_point (
  measuring_point_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  home_id integer NOT NULL REFERENCES home,
  room text NOT NULL,
  room_kind text NOT NULL CHECK (room_kind IN ('living', 'bedroom', 'other')),
  every_days integer NOT NULL CHECK (every_days BETWEEN 1 AND 366),
  starts_at timestamptz NOT NULL,
  ends_at timestamptz, -- NULL: goes on
  CONSTRAINT measuring_point_span CHECK (starts_at <= ends_at),
  -- Usage: a plan's import finds points; the points of a home
  CONSTRAINT measuring_point_once UNIQUE (home_id, room)
);

-- Records of what was measured on site. Rows are only ever added.
CREATE TABLE measurement (
  measurement_id bigint PRIMARY KEY DEFAULT take_numbers('measurement', 1), -- many at once are numbered by their writer
  number text NOT NULL GENERATED ALWAYS AS (number_text('M', measurement_id)) STORED,
  home_id integer NOT NULL REFERENCES home,
  room text NOT NULL,
  room_kind text NOT NULL CHECK (room_kind IN ('living', 'bedroom', 'other')),
  measured_at timestamptz NOT NULL,
  celsius real NOT NULL,
  instrument text NOT NULL,
  measurer text NOT NULL,
  signature text, -- reference to what the user signed; NULL: not signed, so invalid
  corrects bigint REFERENCES measurement,
  reason text,
  recorded_at timestamptz NOT NULL,
  recorded_by text NOT NULL,
  filed_late boolean NOT NULL,
  state smallint NOT NULL, -- domain.states.HomeState, by the rules in force at measured_at
  limit_celsius real, -- the limit in force then; NULL: none
  policy text NOT NULL, -- name@valid_from of the version that judged
  -- Beside what the sensors of the home said at that moment:
  beside integer REFERENCES sensor, -- the living sensor of that room that it was held against
  beside_celsius real, -- what that said then, as judged
  disagrees boolean NOT NULL DEFAULT false, -- further apart than the policy allows
  CONSTRAINT measurement_reason CHECK ((corrects IS NULL) = (reason IS NULL)),
  -- Usage: the API finds records by number
  CONSTRAINT measurement_number UNIQUE (number)
);

-- Usage: a room is measured once at an instant; a second value for it is a correction
CREATE UNIQUE INDEX measurement_once ON measurement (home_id, room, measured_at)
WHERE signature IS NOT NULL AND corrects IS NULL;
-- Usage: one valid record stands in the place of another; the chain of corrections has no branches
CREATE UNIQUE INDEX measurement_corrected_once ON measurement (corrects) WHERE signature IS NOT NULL;
-- Usage: the records of a home in order; the last one of a room
CREATE INDEX measurement_home ON measurement (home_id, measured_at);
-- Usage: watch looks for cold records that no flag tells of
CREATE INDEX measurement_cold ON measurement (measured_at) WHERE is_breach(state) AND signature IS NOT NULL;

CREATE FUNCTION refuse_rewriting_measurement() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION 'a measurement is never rewritten: correct it by a new record' USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Usage: nobody, not even the owner by mistake, rewrites a record
CREATE TRIGGER measurement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON measurement
FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting_measurement();

-- Records that count: signed, and not corrected by a signed one.
CREATE VIEW measurement_valid WITH (security_invoker = true) AS
SELECT m.*
FROM measurement AS m
WHERE m.signature IS NOT NULL
  AND NOT EXISTS (SELECT FROM measurement AS c WHERE c.corrects = m.measurement_id AND c.signature IS NOT NULL);

-- Somebody, or a sensor that is not to be trusted, asks for a measurement beside the plan.
CREATE TABLE measurement_request (
  measurement_request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  home_id integer NOT NULL REFERENCES home,
  reason text NOT NULL CHECK (reason IN ('suspect_sensor', 'asked')), -- domain.measurement.DueReason
  device_job_id bigint REFERENCES device_job,
  asked_at timestamptz NOT NULL,
  asked_by text NOT NULL,
  due_at timestamptz NOT NULL,
  -- Usage: lists show what is due in any zone
  CONSTRAINT measurement_request_bounded CHECK (due_at >= '1969-12-31T00:00:00Z' AND due_at < '2200-01-02T00:00:00Z'),
  -- Usage: a device job asks once
  CONSTRAINT measurement_request_once UNIQUE (device_job_id)
);

-- Usage: what a home is asked for
CREATE INDEX measurement_request_home ON measurement_request (home_id, asked_at);

-- What is to be measured and when: each point by its plan, each home that was asked for and has not been measured since.
-- Readers see the homes that they reach.
CREATE VIEW measurement_task WITH (security_invoker = true) AS
SELECT
  h.home_id, h.code AS home, b.building, b.substation, b.station, p.room, 'plan' AS reason,
  greatest(
    p.starts_at, coalesce(last.measured_at + p.every_days * INTERVAL '1 day', p.starts_at)
  ) AS due_at, last.measured_at AS last_measured_at,
  p.measuring_point_id::bigint * 2 AS task
FROM measuring_point AS p
JOIN home AS h USING (home_id)
JOIN building_place AS b USING (building_id)
LEFT JOIN LATERAL (
  SELECT v.measured_at FROM measurement_valid AS v
  WHERE v.home_id = p.home_id AND v.room = p.room
  ORDER BY v.measured_at DESC LIMIT 1
) AS last ON true
WHERE p.ends_at IS NULL OR p.ends_at > now()
UNION ALL
SELECT
  h.home_id, h.code, b.building, b.substation, b.station, NULL, r.reason, min(r.due_at), max(last.measured_at),
  min(r.measurement_request_id) * 2 + 1
FROM measurement_request AS r
JOIN home AS h USING (home_id)
JOIN building_place AS b USING (building_id)
LEFT JOIN LATERAL (
  SELECT v.measured_at FROM measurement_valid AS v
  WHERE v.home_id = r.home_id
  ORDER BY v.measured_at DESC LIMIT 1
) AS last ON true
WHERE NOT coalesce(last.measured_at >= r.asked_at, false)
GROUP BY h.home_id, h.code, b.building, b.substation, b.station, r.reason;

-- All of it, for dashboards: a view over one that asks as its reader would ask as theirs.
CREATE FUNCTION measurement_tasks() RETURNS SETOF measurement_task
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT * FROM measurement_task
$$;

CREATE VIEW measurement_due AS SELECT * FROM measurement_tasks();

CREATE VIEW measurement_late AS
SELECT d.*, now() - d.due_at AS late_by FROM measurement_due AS d WHERE d.due_at < now();

-- The tasks of the plan that somebody has heard of: as due, and as late.
CREATE TABLE measurement_told (
  task bigint NOT NULL, -- of measurement_task
  due_at timestamptz NOT NULL, -- once it was done, the same task falls due again
  kind text NOT NULL CHECK (kind IN ('measurement_due', 'measurement_late')), -- domain.notices.NoticeKind
  told_at timestamptz NOT NULL,
  -- Usage: each is told once
  PRIMARY KEY (task, due_at, kind)
);

-- Two people have measured otherwise than a sensor says: it is not judged in that home while its job is open.
CREATE TABLE sensor_overruled (
  device_job_id bigint PRIMARY KEY REFERENCES device_job,
  sensor_id integer NOT NULL REFERENCES sensor,
  home_id integer NOT NULL REFERENCES home,
  from_at timestamptz NOT NULL,
  until_at timestamptz, -- NULL: the job is open; from_at: one of the two was corrected, it never was
  first_id bigint NOT NULL REFERENCES measurement,
  second_id bigint NOT NULL REFERENCES measurement,
  CONSTRAINT sensor_overruled_span CHECK (from_at <= until_at),
  CONSTRAINT sensor_overruled_by_two CHECK (first_id <> second_id)
);

-- Usage: judging asks when a sensor was overruled
CREATE INDEX sensor_overruled_sensor ON sensor_overruled (sensor_id);

-- Cold spells of the sensors that a measurement put an end to.
CREATE TABLE cold_ended (
  measurement_id bigint PRIMARY KEY REFERENCES measurement,
  home_id integer NOT NULL REFERENCES home,
  at timestamptz NOT NULL,
  reason text NOT NULL CHECK (reason IN ('measured', 'sensor_out')), -- domain.states.FlagEndCause
  void_at timestamptz -- the measurement was corrected
);

-- Usage: judging asks for those of homes
CREATE INDEX cold_ended_home ON cold_ended (home_id);

-- Records stay; what may change in them is when they ended.
CREATE TRIGGER sensor_overruled_stays BEFORE DELETE OR TRUNCATE ON sensor_overruled
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cold_ended_stays BEFORE DELETE OR TRUNCATE ON cold_ended
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE sensor_overruled ENABLE ALWAYS TRIGGER sensor_overruled_stays;
ALTER TABLE cold_ended ENABLE ALWAYS TRIGGER cold_ended_stays;

-- Usage: workers look up again where a sensor is judged, and which cold spells have ended
CREATE TRIGGER sensor_overruled_known AFTER INSERT OR UPDATE ON sensor_overruled
  FOR EACH STATEMENT EXECUTE FUNCTION raise_registry_version();
CREATE TRIGGER cold_ended_known AFTER INSERT OR UPDATE ON cold_ended
  FOR EACH STATEMENT EXECUTE FUNCTION raise_registry_version();

-- Where sensors stand, as judging has it: while one is overruled it is in no room.
CREATE VIEW point_judged WITH (security_invoker = true) AS
SELECT
  p.point_id, p.sensor_id, p.home_id, p.substation_id, p.gateway, p.room, p.room_kind, p.interval_s, p.offset_k,
  lower(x.span) AS valid_from, upper(x.span) AS valid_to
FROM point AS p
CROSS JOIN LATERAL (
  SELECT tstzmultirange(tstzrange(p.valid_from, p.valid_to)) - coalesce(range_agg(tstzrange(o.from_at, o.until_at)), '{}')
    AS spans
  FROM sensor_overruled AS o WHERE o.sensor_id = p.sensor_id AND o.home_id = p.home_id
) AS s
CROSS JOIN LATERAL unnest(s.spans) AS x (span)
UNION ALL
SELECT
  p.point_id, p.sensor_id, p.home_id, p.substation_id, p.gateway, NULL, 'out', p.interval_s, p.offset_k,
  greatest(p.valid_from, o.from_at), least(p.valid_to, o.until_at)
FROM point AS p
JOIN sensor_overruled AS o ON o.sensor_id = p.sensor_id AND o.home_id = p.home_id
  AND tstzrange(p.valid_from, p.valid_to) && tstzrange(o.from_at, o.until_at);

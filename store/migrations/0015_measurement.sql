-- Measurements on site: where and how often, what is due, what was measured; and flags that come of them.

-- A fixed point, and its plan: every so many days. A plan for a building is one for the point of each of its homes.
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

-- Records. Rows are only ever added.
CREATE TABLE measurement (
  measurement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL GENERATED ALWAYS AS ('M' || lpad(measurement_id::text, 8, '0')) STORED,
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
  state smallint NOT NULL, -- domain.states.State, by the rules in force at measured_at
  limit_celsius real, -- the limit in force then; NULL: none
  policy text NOT NULL, -- name@valid_from of the version that judged
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
CREATE INDEX measurement_cold ON measurement (measured_at) WHERE state >= 5 AND signature IS NOT NULL;

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

-- Somebody, or a sensor that is not to be trusted, asks for a measurement beside the plan.
CREATE TABLE measurement_request (
  measurement_request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  home_id integer NOT NULL REFERENCES home,
  reason text NOT NULL CHECK (reason IN ('suspect_sensor', 'asked')), -- domain.measurement.DueReason
  device_job_id bigint REFERENCES device_job,
  asked_at timestamptz NOT NULL,
  asked_by text NOT NULL,
  due_at timestamptz NOT NULL,
  -- Usage: a device job asks once
  CONSTRAINT measurement_request_once UNIQUE (device_job_id)
);

-- Usage: what a home is asked for
CREATE INDEX measurement_request_home ON measurement_request (home_id, asked_at);

-- Flags may come of a measurement. A home still has one open flag at most, whoever raised it.
ALTER TABLE flag ADD COLUMN source text NOT NULL DEFAULT 'sensor' CHECK (source IN ('sensor', 'measurement'));
ALTER TABLE flag DROP CONSTRAINT flag_clear_reason_check;
ALTER TABLE flag ADD CONSTRAINT flag_clear_reason CHECK (
  clear_reason IN ('recovered', 'out_of_season', 'heat_stopped', 'no_policy', 'withdrawn', 'taken_over')
);
DROP INDEX flag_one_per_spell;
-- Usage: a cold spell is flagged once by each that can tell; a home's flags in order
CREATE UNIQUE INDEX flag_one_per_spell ON flag (home_id, cold_since, source)
WHERE clear_reason IS DISTINCT FROM 'withdrawn';

-- Records that count: signed, and not corrected by a signed one.
CREATE VIEW measurement_valid WITH (security_invoker = true) AS
SELECT m.*
FROM measurement AS m
WHERE m.signature IS NOT NULL
  AND NOT EXISTS (SELECT FROM measurement AS c WHERE c.corrects = m.measurement_id AND c.signature IS NOT NULL);

-- What is to be measured and when: each point by its plan, each home that was asked for and has not been measured since.
-- Whoever reads it sees the homes that they reach.
CREATE VIEW measurement_task WITH (security_invoker = true) AS
SELECT
  h.home_id, h.code AS home, b.code AS building, u.code AS substation, u.station, p.room, 'plan' AS reason,
  greatest(
    p.starts_at, coalesce(last.measured_at + p.every_days * INTERVAL '1 day', p.starts_at)
  ) AS due_at, last.measured_at AS last_measured_at,
  p.measuring_point_id::bigint * 2 AS task
FROM measuring_point AS p
JOIN home AS h USING (home_id)
JOIN building AS b USING (building_id)
JOIN substation AS u USING (substation_id)
LEFT JOIN LATERAL (
  SELECT v.measured_at FROM measurement_valid AS v
  WHERE v.home_id = p.home_id AND v.room = p.room
  ORDER BY v.measured_at DESC LIMIT 1
) AS last ON true
WHERE p.ends_at IS NULL OR p.ends_at > now()
UNION ALL
SELECT
  h.home_id, h.code, b.code, u.code, u.station, NULL, r.reason, min(r.due_at), max(last.measured_at),
  min(r.measurement_request_id) * 2 + 1
FROM measurement_request AS r
JOIN home AS h USING (home_id)
JOIN building AS b USING (building_id)
JOIN substation AS u USING (substation_id)
LEFT JOIN LATERAL (
  SELECT v.measured_at FROM measurement_valid AS v
  WHERE v.home_id = r.home_id
  ORDER BY v.measured_at DESC LIMIT 1
) AS last ON true
WHERE NOT coalesce(last.measured_at >= r.asked_at, false)
GROUP BY h.home_id, h.code, b.code, u.code, u.station, r.reason;

CREATE VIEW measurement_due AS SELECT * FROM measurement_task;

CREATE VIEW measurement_late AS
SELECT d.*, now() - d.due_at AS late_by FROM measurement_task AS d WHERE d.due_at < now();

-- Care of sensors and substations: what needs a visit or a look, though no home may be cold for it.

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

-- Usage: a sensor has one open job at most; watch reads the open ones
CREATE UNIQUE INDEX device_job_one_open ON device_job (sensor_id) WHERE closed_at IS NULL;
-- Usage: the job of a ticket
CREATE INDEX device_job_ticket ON device_job (ticket_id);

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

CREATE TABLE substation_alarm (
  substation_alarm_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  substation_id integer NOT NULL REFERENCES substation,
  kind text NOT NULL, -- domain.substation.AlarmKind
  since timestamptz NOT NULL, -- when the first value beyond the limit was measured
  raised_at timestamptz, -- NULL: has not lasted long enough
  ended_at timestamptz,
  lowest real NOT NULL, -- of the values meanwhile; °C or MPa
  highest real NOT NULL,
  CONSTRAINT substation_alarm_ended CHECK (ended_at IS NULL OR raised_at IS NOT NULL)
);

-- Usage: a substation has one open alarm of a kind at most
CREATE UNIQUE INDEX substation_alarm_one_open ON substation_alarm (substation_id, kind) WHERE ended_at IS NULL;

CREATE VIEW device_job_open AS
SELECT
  j.device_job_id, s.code AS sensor, j.reason, j.opened_at, j.fine_since, h.code AS home, b.code AS building,
  u.code AS substation, u.station, t.number AS ticket
FROM device_job AS j
JOIN sensor AS s USING (sensor_id)
JOIN sensor_now AS n USING (sensor_id)
JOIN ticket AS t USING (ticket_id)
LEFT JOIN home AS h ON h.home_id = t.home_id
LEFT JOIN building AS b USING (building_id)
LEFT JOIN substation AS u ON u.substation_id = coalesce(b.substation_id, n.substation_id)
WHERE j.closed_at IS NULL;

CREATE VIEW substation_alarm_open AS
SELECT
  a.substation_alarm_id, u.substation_id, u.code AS substation, u.station, a.kind, a.since, a.raised_at,
  a.lowest, a.highest
FROM substation_alarm AS a
JOIN substation AS u USING (substation_id)
WHERE a.raised_at IS NOT NULL AND a.ended_at IS NULL;

-- Values of one sensor and instant complete each other, and a value that is none does not spoil the others.

-- A second value of a quantity is a dead letter now.
DROP TABLE reading_conflict;

-- The last battery is told beside the time of it: messages come in any order. The other values were read by nobody.
ALTER TABLE sensor_now
  DROP COLUMN temperature,
  DROP COLUMN humidity,
  DROP COLUMN quality,
  ADD COLUMN battery_at timestamptz;
UPDATE sensor_now SET battery_at = measured_at WHERE battery IS NOT NULL;

-- A bit for each channel whose value no instrument says, in the order of the columns: 1 supply_temperature, 2
-- return_temperature, 4 supply_pressure, 8 return_pressure, 16 flow, 32 heat_power, 64 outdoor_temperature. Raw it stays.
DROP VIEW substation_history;
ALTER TABLE substation_reading RENAME COLUMN quality TO implausible;

CREATE VIEW substation_history AS
SELECT
  u.code AS substation, u.station, s.code AS sensor, p.interval_s, r.measured_at,
  CASE WHEN r.implausible & 1 = 0 THEN r.supply_temperature END AS supply_temperature,
  CASE WHEN r.implausible & 2 = 0 THEN r.return_temperature END AS return_temperature,
  CASE WHEN r.implausible & 4 = 0 THEN r.supply_pressure END AS supply_pressure,
  CASE WHEN r.implausible & 8 = 0 THEN r.return_pressure END AS return_pressure,
  CASE WHEN r.implausible & 16 = 0 THEN r.flow END AS flow,
  CASE WHEN r.implausible & 32 = 0 THEN r.heat_power END AS heat_power,
  CASE WHEN r.implausible & 64 = 0 THEN r.outdoor_temperature END AS outdoor_temperature
FROM substation AS u
JOIN point AS p USING (substation_id)
JOIN sensor AS s USING (sensor_id)
JOIN substation_reading AS r ON r.sensor_id = p.sensor_id
  AND (p.valid_from IS NULL OR r.measured_at >= p.valid_from) AND (p.valid_to IS NULL OR r.measured_at < p.valid_to);

-- What the sensors of substations said last, each channel by itself: it may come in a message of its own.
CREATE TABLE channel_now (
  sensor_id integer NOT NULL REFERENCES sensor,
  channel text NOT NULL, -- a column of substation_reading
  measured_at timestamptz NOT NULL,
  value real NOT NULL, -- plausible
  -- Usage: the last values of the sensors of a substation; each is kept once
  PRIMARY KEY (sensor_id, channel)
) WITH (fillfactor = 50);

INSERT INTO channel_now (sensor_id, channel, measured_at, value)
SELECT n.sensor_id, c.channel, r.measured_at, c.value
FROM sensor_now AS n
JOIN substation_reading AS r ON r.sensor_id = n.sensor_id AND r.measured_at = n.measured_at
CROSS JOIN LATERAL (VALUES
  ('supply_temperature', r.supply_temperature), ('return_temperature', r.return_temperature),
  ('supply_pressure', r.supply_pressure), ('return_pressure', r.return_pressure), ('flow', r.flow),
  ('heat_power', r.heat_power), ('outdoor_temperature', r.outdoor_temperature)
) AS c (channel, value)
WHERE r.implausible = 0 AND c.value IS NOT NULL;

-- The same by substation, as long as its sensor was there.
CREATE VIEW substation_channel AS
SELECT p.substation_id, c.channel, c.measured_at, c.value, p.interval_s
FROM channel_now AS c
JOIN point AS p ON p.sensor_id = c.sensor_id AND p.substation_id IS NOT NULL
  AND (p.valid_from IS NULL OR p.valid_from <= c.measured_at) AND (p.valid_to IS NULL OR p.valid_to > c.measured_at);

-- A channel that fell silent long before the others is not shown beside them as if it were of now.
DROP VIEW substation_now;
CREATE VIEW substation_now AS
SELECT
  u.substation_id, u.code, u.name, u.station, u.lat, u.lon, max(c.measured_at) AS measured_at,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'supply_temperature'))[1]
    AS supply_temperature,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'return_temperature'))[1]
    AS return_temperature,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'supply_pressure'))[1] AS supply_pressure,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'return_pressure'))[1] AS return_pressure,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'flow'))[1] AS flow,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'heat_power'))[1] AS heat_power,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'outdoor_temperature'))[1]
    AS outdoor_temperature
FROM substation AS u
LEFT JOIN LATERAL (
  SELECT x.*, max(x.measured_at) OVER () AS newest FROM substation_channel AS x WHERE x.substation_id = u.substation_id
) AS c ON c.measured_at >= c.newest - 3 * c.interval_s * interval '1 second'
GROUP BY u.substation_id;

-- Quantities that a message named and that had no value (domain/quality.py), as ingest counted them.
CREATE TABLE ingest_void (
  worker text NOT NULL,
  quantity text NOT NULL,
  reason text NOT NULL, -- domain.reasons.NoValue
  count bigint NOT NULL,
  sensor text NOT NULL, -- whose the last one was
  value double precision NOT NULL, -- that it said
  at timestamptz NOT NULL, -- when it was counted
  PRIMARY KEY (worker, quantity, reason)
) WITH (fillfactor = 50);

CREATE VIEW ingest_no_value AS
SELECT
  quantity, reason, sum(count)::bigint AS count, (array_agg(sensor ORDER BY at DESC))[1] AS last_sensor,
  (array_agg(value ORDER BY at DESC))[1] AS last_value, max(at) AS last_at
FROM ingest_void
GROUP BY quantity, reason;

-- What dashboards read beyond the contract's views, and what keeps a city's map from being counted anew at every look.

-- How the homes of a building stand, counted by watch every few seconds.
CREATE TABLE building_summary (
  building_id integer PRIMARY KEY REFERENCES building,
  homes bigint NOT NULL,
  compliant bigint NOT NULL,
  cold bigint NOT NULL,
  severe bigint NOT NULL,
  unknown bigint NOT NULL,
  not_judged bigint NOT NULL,
  coldest real, -- °C; NULL: nothing known
  mean double precision,
  flags bigint NOT NULL,
  day date, -- local, the newest of the ledger; NULL: none yet
  compliant_us bigint, -- on that day, of all homes
  cold_us bigint,
  severe_us bigint,
  unknown_us bigint,
  not_judged_us bigint
) WITH (fillfactor = 50);

-- One row. When all of it was counted.
CREATE TABLE building_round (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  counted_at timestamptz -- NULL: never
);

INSERT INTO building_round DEFAULT VALUES;

-- The same, counted here and now. A function, because the planner then does not reckon with the work of counting a whole
-- city (and compile for it) where nothing needs to be counted.
CREATE FUNCTION building_live(
  of_building integer, OUT homes bigint, OUT compliant bigint, OUT cold bigint, OUT severe bigint, OUT unknown bigint,
  OUT not_judged bigint, OUT coldest real, OUT mean double precision, OUT flags bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT COST 10 AS $$
BEGIN
  SELECT
    count(*), count(*) FILTER (WHERE h.state = 'compliant'), count(*) FILTER (WHERE h.state = 'cold'),
    count(*) FILTER (WHERE h.state = 'severe'), count(*) FILTER (WHERE h.state = 'unknown'),
    count(*) FILTER (WHERE h.state = 'not_judged'), min(h.temperature), avg(h.temperature), count(h.flag_id)
  INTO homes, compliant, cold, severe, unknown, not_judged, coldest, mean, flags
  FROM home_now AS h
  WHERE h.building_id = of_building;
END
$$;

-- A count older than a minute is not believed: then the homes are counted when asked for, which takes long for a city.
CREATE OR REPLACE VIEW building_now AS
SELECT
  b.building_id, b.code, b.name, b.address, b.lat, b.lon, u.code AS substation, u.station,
  coalesce(s.homes, 0) AS homes, coalesce(s.compliant, 0) AS compliant, coalesce(s.cold, 0) AS cold,
  coalesce(s.severe, 0) AS severe, coalesce(s.unknown, 0) AS unknown, coalesce(s.not_judged, 0) AS not_judged,
  s.coldest, s.mean, coalesce(s.flags, 0) AS flags,
  s.day, s.compliant_us / 1e6 AS compliant_s, s.cold_us / 1e6 AS cold_s, s.severe_us / 1e6 AS severe_s,
  s.unknown_us / 1e6 AS unknown_s, s.not_judged_us / 1e6 AS not_judged_s,
  (SELECT counted_at FROM building_round) AS counted_at
FROM building AS b
JOIN substation AS u USING (substation_id)
LEFT JOIN building_summary AS s USING (building_id)
WHERE (SELECT counted_at > now() - interval '1 minute' FROM building_round) IS TRUE
UNION ALL
SELECT
  b.building_id, b.code, b.name, b.address, b.lat, b.lon, u.code, u.station,
  n.homes, n.compliant, n.cold, n.severe, n.unknown, n.not_judged, n.coldest, n.mean, n.flags,
  NULL, NULL, NULL, NULL, NULL, NULL, now()
FROM building AS b
JOIN substation AS u USING (substation_id)
CROSS JOIN LATERAL building_live(b.building_id) AS n
WHERE (SELECT counted_at > now() - interval '1 minute' FROM building_round) IS NOT TRUE;

-- All flags and tickets there ever were, beside flag_open and ticket_open.
CREATE VIEW flag_all AS
SELECT
  f.flag_id, h.code AS home, b.code AS building, u.code AS substation, u.station,
  CASE f.severity WHEN 2 THEN 'severe' ELSE 'cold' END AS severity,
  f.cold_since, f.raised_at, f.severe_at, f.suspended_at, f.cleared_at, f.clear_reason, f.lowest,
  f.limit_celsius AS "limit", f.policy, t.number AS ticket
FROM flag AS f
JOIN home AS h USING (home_id)
JOIN building AS b USING (building_id)
JOIN substation AS u USING (substation_id)
JOIN ticket AS t USING (ticket_id);

CREATE VIEW ticket_all AS
SELECT
  t.ticket_id, t.number, t.class, t.state, t.priority, t.opened_at, t.closed_at, t.retrospective,
  h.code AS home, b.code AS building, u.code AS substation, t.station
FROM ticket AS t
LEFT JOIN home AS h USING (home_id)
LEFT JOIN building AS b ON b.building_id = coalesce(h.building_id, t.building_id)
LEFT JOIN substation AS u ON u.substation_id = coalesce(b.substation_id, t.substation_id);

-- Usage: the clocks that run, or ran out and still wait, of the repair desk
CREATE INDEX clock_unmet ON clock (due_at) WHERE met_at IS NULL AND void_at IS NULL AND due_at IS NOT NULL;
-- Usage: tickets opened in a span of time
CREATE INDEX ticket_opened ON ticket (opened_at);

-- How many sensors need a visit, by station and reason.
CREATE VIEW device_job_load AS
SELECT t.station, j.reason, count(*) AS jobs
FROM device_job AS j
JOIN ticket AS t USING (ticket_id)
WHERE j.closed_at IS NULL
GROUP BY t.station, j.reason;

-- What the contract of a home says of its temperature; NULL: nothing, or at all hours.
CREATE VIEW home_contract AS
SELECT code AS home, class, contract_limit, contract_from, contract_to FROM home;

-- What the sensors of a home said, as it is judged: with the offset, in the room where they stood at the time.
CREATE VIEW home_reading AS
SELECT
  h.code AS home, s.code AS sensor, p.room, p.room_kind, p.interval_s, r.measured_at,
  r.temperature + p.offset_k AS temperature, r.humidity, r.quality
FROM home AS h
JOIN point AS p USING (home_id)
JOIN sensor AS s USING (sensor_id)
JOIN reading AS r ON r.sensor_id = p.sensor_id
  AND (p.valid_from IS NULL OR r.measured_at >= p.valid_from) AND (p.valid_to IS NULL OR r.measured_at < p.valid_to);

CREATE VIEW substation_history AS
SELECT
  u.code AS substation, u.station, s.code AS sensor, p.interval_s, r.measured_at,
  r.supply_temperature, r.return_temperature, r.supply_pressure, r.return_pressure, r.flow, r.heat_power,
  r.outdoor_temperature, r.quality
FROM substation AS u
JOIN point AS p USING (substation_id)
JOIN sensor AS s USING (sensor_id)
JOIN substation_reading AS r ON r.sensor_id = p.sensor_id
  AND (p.valid_from IS NULL OR r.measured_at >= p.valid_from) AND (p.valid_to IS NULL OR r.measured_at < p.valid_to);

-- How far the ledger has come: all days before open_from are closed for all homes.
CREATE VIEW ledger_health AS
SELECT count(*) AS shards, min(open_from) AS open_from, min(counted_to) AS counted_to FROM ledger_shard;

-- The totals of ingest_worker as they were, noted by watch every minute.
CREATE TABLE ingest_sample (
  worker text NOT NULL,
  at timestamptz NOT NULL,
  messages bigint NOT NULL,
  stored bigint NOT NULL,
  duplicates bigint NOT NULL,
  conflicts bigint NOT NULL,
  late bigint NOT NULL,
  dead bigint NOT NULL,
  queue_messages bigint,
  measured_lag_s double precision,
  received_lag_s double precision,
  PRIMARY KEY (worker, at)
);

-- Usage: the samples of a span of time; those that are too old
CREATE INDEX ingest_sample_at ON ingest_sample (at);

-- What ingest did per second between one sample and the one before.
CREATE VIEW ingest_rate AS
SELECT
  s.worker, s.at, s.queue_messages, s.measured_lag_s, s.received_lag_s,
  (s.messages - p.messages) / d.seconds AS messages_per_s, (s.stored - p.stored) / d.seconds AS stored_per_s,
  (s.duplicates - p.duplicates) / d.seconds AS duplicates_per_s,
  (s.conflicts - p.conflicts) / d.seconds AS conflicts_per_s, (s.late - p.late) / d.seconds AS late_per_s,
  (s.dead - p.dead) / d.seconds AS dead_per_s
FROM ingest_sample AS s
JOIN LATERAL (
  SELECT x.* FROM ingest_sample AS x WHERE x.worker = s.worker AND x.at < s.at ORDER BY x.at DESC LIMIT 1
) AS p ON true
JOIN LATERAL (SELECT extract(epoch FROM s.at - p.at)::double precision AS seconds) AS d ON true;

-- Dead letters without what is in them.
CREATE VIEW dead_letter_seen AS
SELECT dead_letter_id, received_at, reason, replayed_at FROM dead_letter;

CREATE VIEW ingest_reject AS
SELECT worker, reason, count FROM ingest_dead;

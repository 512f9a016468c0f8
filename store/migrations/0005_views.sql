-- The views that dashboards and reports read. Their names and columns are a contract.

CREATE FUNCTION state_name(state smallint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (ARRAY['not_judged', 'unknown', 'compliant', 'compliant', 'compliant', 'cold', 'severe'])[state + 1];

CREATE VIEW home_now AS
SELECT
  h.home_id, h.code, h.unit, h.class, b.building_id, b.code AS building, u.substation_id,
  u.code AS substation, u.station,
  coalesce(s.status, 'stopped') AS heat_status,
  n.celsius AS temperature, n.judged_at AS measured_at,
  state_name(st.state) AS state, st.state_since, st.flag_id
FROM home AS h
JOIN building AS b USING (building_id)
JOIN substation AS u USING (substation_id)
JOIN home_state AS st USING (home_id)
LEFT JOIN LATERAL (
  SELECT x.status FROM home_status AS x
  WHERE x.home_id = h.home_id AND x.since <= now()
  ORDER BY x.since DESC LIMIT 1
) AS s ON true
LEFT JOIN LATERAL (
  SELECT x.celsius, x.judged_at FROM sensor_now AS x
  WHERE x.home_id = h.home_id AND x.expires_at > now()
  ORDER BY x.celsius LIMIT 1
) AS n ON true;

CREATE VIEW building_now AS
SELECT
  b.building_id, b.code, b.name, b.address, b.lat, b.lon, u.code AS substation, u.station,
  count(h.home_id) AS homes,
  count(*) FILTER (WHERE h.state = 'compliant') AS compliant,
  count(*) FILTER (WHERE h.state = 'cold') AS cold,
  count(*) FILTER (WHERE h.state = 'severe') AS severe,
  count(*) FILTER (WHERE h.state = 'unknown') AS unknown,
  count(*) FILTER (WHERE h.state = 'not_judged') AS not_judged,
  min(h.temperature) AS coldest, avg(h.temperature) AS mean, count(h.flag_id) AS flags
FROM building AS b
JOIN substation AS u USING (substation_id)
LEFT JOIN home_now AS h USING (building_id)
GROUP BY b.building_id, u.substation_id;

CREATE VIEW substation_now AS
SELECT
  u.substation_id, u.code, u.name, u.station, u.lat, u.lon, r.measured_at,
  r.supply_temperature, r.return_temperature, r.supply_pressure, r.return_pressure,
  r.flow, r.heat_power, r.outdoor_temperature
FROM substation AS u
LEFT JOIN LATERAL (
  SELECT x.* FROM sensor_now AS n
  JOIN substation_reading AS x ON x.sensor_id = n.sensor_id AND x.measured_at = n.measured_at
  WHERE n.substation_id = u.substation_id
  ORDER BY x.measured_at DESC LIMIT 1
) AS r ON true;

CREATE VIEW flag_open AS
SELECT
  f.flag_id, h.code AS home, b.code AS building, u.code AS substation, u.station,
  CASE f.severity WHEN 2 THEN 'severe' ELSE 'cold' END AS severity,
  CASE WHEN f.suspended_at IS NULL THEN 'open' ELSE 'suspended' END AS state,
  f.cold_since, f.raised_at, f.lowest, f.limit_celsius AS "limit", f.policy, t.number AS ticket
FROM flag AS f
JOIN home AS h USING (home_id)
JOIN building AS b USING (building_id)
JOIN substation AS u USING (substation_id)
JOIN ticket AS t USING (ticket_id)
WHERE f.cleared_at IS NULL;

CREATE VIEW ticket_open AS
SELECT
  t.ticket_id, t.number, t.class, t.state, t.priority, t.opened_at, h.code AS home, b.code AS building,
  u.code AS substation, u.station
FROM ticket AS t
LEFT JOIN home AS h USING (home_id)
LEFT JOIN building AS b USING (building_id)
LEFT JOIN substation AS u USING (substation_id)
WHERE t.state <> 'closed';

CREATE VIEW ticket_clock AS
SELECT
  t.ticket_id, t.number, t.class, h.code AS home, u.station, c.name, c.due_at, c.met_at, c.breached_at
FROM clock AS c
JOIN ticket AS t USING (ticket_id)
LEFT JOIN home AS h USING (home_id)
LEFT JOIN building AS b USING (building_id)
LEFT JOIN substation AS u USING (substation_id);

CREATE VIEW ingest_health AS
SELECT
  w.worker, w.batches, w.messages, w.stored, w.duplicates, w.conflicts, w.late, w.retained,
  coalesce(d.dead, 0) AS dead, w.last_batch_at, w.last_measured_at
FROM ingest_worker AS w
LEFT JOIN (SELECT worker, sum(count)::bigint AS dead FROM ingest_dead GROUP BY worker) AS d USING (worker);

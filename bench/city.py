"""A whole city for the dashboards: what months of running would have left in the database, written by statements.

Every number is a function of the row's own number, so each run has the same city.
"""

from datetime import datetime, timedelta

import psycopg

from store.base.migrate import migrate

STATIONS = 10
HOMES_PER_SENSOR_DAY = 24  # readings of every home in the last day, one an hour
WATCHED = 34  # homes of the first building have a reading every five minutes for a week
DAYS = 30  # of ledger

REGISTRY = """
INSERT INTO substation (code, name, station, lat, lon)
SELECT 'S' || n, 'Substation ' || n, 'Station ' || n % {stations}, 41.6 + (n / 10) * 0.02, 123.2 + (n % 10) * 0.025
FROM generate_series(0, greatest({buildings} / 30, 1) - 1) AS n;
INSERT INTO building (code, substation_id, name, address, lat, lon)
SELECT
  'B' || n, u.substation_id, 'House ' || n, 'Street ' || n / 20, u.lat + x.nth % 6 * 0.0024 + n % 7 * 0.0002,
  u.lon + x.nth / 6 % 5 * 0.0045 + n % 5 * 0.0003
FROM generate_series(0, {buildings} - 1) AS n
CROSS JOIN LATERAL (SELECT n / greatest({buildings} / 30, 1) AS nth) AS x
JOIN substation AS u ON u.code = 'S' || n % greatest({buildings} / 30, 1)
ORDER BY n;
INSERT INTO home (code, building_id, unit, class)
SELECT 'H' || n, b.building_id, (n / {buildings} + 1)::text, 'multistorey'
FROM generate_series(0, {homes} - 1) AS n JOIN building AS b ON b.code = 'B' || n % {buildings}
ORDER BY n;
INSERT INTO home_status (home_id, since, status) SELECT home_id, '-infinity', 'on' FROM home;
INSERT INTO sensor (code) SELECT 'H' || n || '-a' FROM generate_series(0, {homes} - 1) AS n ORDER BY n;
INSERT INTO sensor (code) SELECT code FROM substation ORDER BY substation_id;
INSERT INTO point (sensor_id, home_id, room, room_kind, interval_s)
SELECT s.sensor_id, h.home_id, 'living', 'living', 3600 FROM sensor AS s JOIN home AS h ON s.code = h.code || '-a';
INSERT INTO point (sensor_id, substation_id, interval_s)
SELECT s.sensor_id, u.substation_id, 600 FROM sensor AS s JOIN substation AS u USING (code);
"""
# One home in twelve is cold, one in a hundred severely; one in twenty is silent.
# Millions of tickets in one statement would each be numbered after the others; numbers go on behind them.
NUMBERED = """
CREATE SEQUENCE city_ticket; CREATE SEQUENCE city_flag;
ALTER TABLE ticket ALTER COLUMN ticket_id SET DEFAULT nextval('city_ticket');
ALTER TABLE flag ALTER COLUMN flag_id SET DEFAULT nextval('city_flag');
"""
NUMBERED_ON = """
ALTER TABLE ticket ALTER COLUMN ticket_id SET DEFAULT take_numbers('ticket', 1);
ALTER TABLE flag ALTER COLUMN flag_id SET DEFAULT take_numbers('flag', 1);
UPDATE numbering SET last = nextval('city_ticket') - 1 WHERE kind = 'ticket';
UPDATE numbering SET last = nextval('city_flag') - 1 WHERE kind = 'flag';
DROP SEQUENCE city_ticket; DROP SEQUENCE city_flag;
"""
STATES = """
INSERT INTO ticket (class, source, state, priority, home_id, station, opened_at)
SELECT
  'cold', 'flag', 'open', 2 - (home_id % 100 = 0)::integer, home_id, station,
  now() - home_id % 600 * interval '1 minute'
FROM home JOIN building USING (building_id) JOIN substation USING (substation_id)
WHERE home_id % 12 = 0 ORDER BY home_id;
INSERT INTO clock (ticket_id, name, started_at, due_at, breached_at)
SELECT
  t.ticket_id, c.name, t.opened_at, t.opened_at + c.span,
  CASE WHEN t.opened_at + c.span < now() THEN t.opened_at + c.span END
FROM ticket AS t,
  (VALUES ('station_reply', interval '1 h'), ('contact', '30 min'), ('on_site', '2 h'), ('done', '24 h'))
    AS c (name, span);
INSERT INTO flag (
  home_id, severity, cold_since, confirmed_at, raised_at, severe_at, lowest, limit_celsius, policy, why, ticket_id
)
SELECT
  home_id, CASE priority WHEN 1 THEN 2 ELSE 1 END, opened_at, opened_at, opened_at,
  CASE priority WHEN 1 THEN opened_at END, 15 + home_id % 30 / 10.0, 18, 'seed@2020-01-01', '{{}}', ticket_id
FROM ticket ORDER BY ticket_id;
INSERT INTO ticket (
  class, source, state, priority, home_id, station, opened_at, closed_at, done_at, proven_at, proof, replied_at
)
SELECT
  'cold', 'flag', 'closed', 2, h.home_id, u.station, now() - d * interval '1 day', a.day, a.day, a.day, 'readings',
  a.day
FROM home AS h JOIN building AS b USING (building_id) JOIN substation AS u USING (substation_id),
  generate_series(1, 3) AS d,
  LATERAL (SELECT now() - d * interval '1 day' + interval '5 h' AS day) AS a
WHERE h.home_id % 12 = 1;
INSERT INTO flag (
  home_id, severity, cold_since, confirmed_at, raised_at, cleared_at, clear_reason, lowest, limit_celsius, policy,
  why, ticket_id
)
SELECT
  home_id, 1, opened_at, opened_at, opened_at, closed_at, 'recovered', 17, 18, 'seed@2020-01-01', '{{}}', ticket_id
FROM ticket WHERE state = 'closed';
INSERT INTO home_state (home_id, state, state_since, flag_id)
SELECT
  h.home_id, CASE WHEN f.severity IS NOT NULL THEN 4 + f.severity WHEN h.home_id % 20 = 1 THEN 1 ELSE 2 END,
  coalesce(f.cold_since, now() - interval '9 h'), f.flag_id
FROM home AS h LEFT JOIN flag AS f ON f.home_id = h.home_id AND f.cleared_at IS NULL ORDER BY h.home_id;
"""
READINGS = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
SELECT s.sensor_id, at, at, 19 + s.sensor_id % 40 / 10.0 + hour % 5 / 10.0, 0, true
FROM generate_series(0, {per_day} - 1) AS hour,
  LATERAL (SELECT now() - hour * interval '1 h' - interval '5 min' AS at) AS x,
  point AS p JOIN sensor AS s USING (sensor_id)
WHERE p.home_id IS NOT NULL AND p.home_id % 20 <> 1
ORDER BY hour, s.sensor_id;
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
SELECT sensor_id, at, at, 19 + n % 12 / 10.0, 0, true
FROM generate_series(1, 7 * 288) AS n,
  LATERAL (SELECT date_trunc('minute', now()) - n * interval '5 min' AS at) AS x,
  LATERAL (
    SELECT p.sensor_id FROM point AS p JOIN home AS h USING (home_id) JOIN building AS b USING (building_id)
    WHERE b.code = 'B0' LIMIT {watched}
  ) AS p
ON CONFLICT DO NOTHING;
INSERT INTO substation_reading (
  sensor_id, measured_at, received_at, supply_temperature, return_temperature, supply_pressure, return_pressure, flow,
  heat_power, outdoor_temperature, implausible, self_timed
)
SELECT sensor_id, at, at, 70 + n % 9, 45 + n % 5, 0.8, 0.4, 120, 3500, -12 + n % 7, 0, true
FROM generate_series(0, 7 * 144) AS n,
  LATERAL (SELECT date_trunc('minute', now()) - n * interval '10 min' AS at) AS x,
  point WHERE substation_id IS NOT NULL;
INSERT INTO sensor_now (
  sensor_id, home_id, measured_at, received_at, battery, battery_at, celsius, judged_at, expires_at
)
SELECT
  p.sensor_id, p.home_id, now() - interval '5 min', now(), 90, now() - interval '5 min', t.celsius,
  now() - interval '5 min',
  now() + CASE WHEN p.home_id % 20 = 1 THEN interval '-1 h' ELSE interval '1 day' END
FROM point AS p JOIN home_state AS h USING (home_id),
  LATERAL (SELECT CASE h.state WHEN 6 THEN 15 WHEN 5 THEN 17 ELSE 19 END + p.home_id % 10 / 10.0 AS celsius) AS t
ORDER BY p.sensor_id;
INSERT INTO sensor_now (sensor_id, substation_id, measured_at, received_at)
SELECT sensor_id, substation_id, date_trunc('minute', now()), now() FROM point WHERE substation_id IS NOT NULL;
INSERT INTO channel_now (sensor_id, channel, measured_at, value)
SELECT sensor_id, channel, date_trunc('minute', now()), value
FROM point, (VALUES
  ('supply_temperature', 70), ('return_temperature', 45), ('supply_pressure', 0.8), ('return_pressure', 0.4),
  ('flow', 120), ('heat_power', 3500), ('outdoor_temperature', -12)
) AS c (channel, value)
WHERE substation_id IS NOT NULL;
"""
LEDGER = """
INSERT INTO ledger (
  home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, heat, deficit, lowest,
  policy, closed
)
SELECT
  home_id, d::date, 80000e6, CASE WHEN home_id % 12 = 0 THEN 5400e6 ELSE 0 END, 0,
  6400e6 - CASE WHEN home_id % 12 = 0 THEN 5400e6 ELSE 0 END, 0, 0, 20e3 * 80000e6, 0, 17.5,
  'seed@2020-01-01', d::date < now()::date
FROM generate_series(now() - {days} * interval '1 day', now(), interval '1 day') AS d, home
ORDER BY d, home_id;
INSERT INTO ingest_worker (worker, batches, messages, stored, last_batch_at, last_measured_at, measured_lag_s)
SELECT 'ingest-' || n, 10, 1000, (SELECT count(*) FROM reading) / 2, now(), now(), n FROM generate_series(1, 2) AS n;
INSERT INTO ingest_dead (worker, reason, count) VALUES ('ingest-1', 'future', 10), ('ingest-2', 'malformed', 3);
INSERT INTO dead_letter (received_at, topic, payload, payload_bytes, reason, detail, faults, reasons)
SELECT
  now() - n * interval '1 minute', 'hearth/v1/x/telemetry', '', 0, r.reason, '', '[]', jsonb_build_object(r.reason, 1)
FROM generate_series(1, 5000) AS n
CROSS JOIN LATERAL (SELECT (ARRAY['future', 'malformed'])[n % 2 + 1] AS reason) AS r;
INSERT INTO ticket (class, source, state, priority, home_id, station, opened_at)
SELECT 'device', 'device', 'open', 4, home_id, station, now() - interval '3 h'
FROM home JOIN building USING (building_id) JOIN substation USING (substation_id) WHERE home_id % 20 = 1;
INSERT INTO substation_alarm (substation_id, kind, since, raised_at, lowest, highest)
SELECT substation_id, 'supply_low', now() - interval '1 h', now() - interval '50 min', 31, 35
FROM substation WHERE code = 'S0';
WITH worked AS (
  INSERT INTO ticket (class, source, state, priority, substation_id, station, opened_at)
  SELECT 'repair', 'incident', 'open', 1, substation_id, station, now() - interval '50 min'
  FROM substation WHERE code = 'S1' RETURNING ticket_id, substation_id, station, opened_at
), opened AS (
  INSERT INTO incident (kind, substation_id, station, ticket_id, why, opened_at)
  SELECT 'cold_homes', substation_id, station, ticket_id, '{{}}', opened_at FROM worked
  RETURNING incident_id, substation_id
)
INSERT INTO incident_ticket (incident_id, ticket_id, joined_at)
SELECT o.incident_id, t.ticket_id, now()
FROM opened AS o JOIN building AS b USING (substation_id) JOIN home AS h USING (building_id)
JOIN ticket AS t USING (home_id) WHERE t.class = 'cold' AND t.state = 'open';
-- Some are said to be done.
UPDATE ticket SET state = 'verifying', done_at = now() - interval '20 minutes'
WHERE class = 'cold' AND state = 'open' AND home_id % 60 = 0;
INSERT INTO device_job (sensor_id, reason, ticket_id, opened_at)
SELECT p.sensor_id, 'silent', t.ticket_id, t.opened_at FROM ticket AS t JOIN point AS p USING (home_id)
WHERE t.class = 'device';
"""

# A year of months, for each shard of 4096 homes.
KPI = """
INSERT INTO kpi_heat (
  shard, month, station, homes, judged_homes, qualified_homes, compliant_us, cold_us, severe_us, unknown_us,
  not_judged_us, shortfall_us, deficit
)
SELECT shard, m, 'Station ' || n, 400, 380, 300 + n, 1e15, 1e13 * n, 1e12, 2e13, 0, 1e13, 1e15
FROM generate_series(0, {homes} / 4096) AS shard, generate_series(0, {stations} - 1) AS n,
  generate_series(date_trunc('month', now()) - interval '11 months', now(), interval '1 month') AS m;
INSERT INTO kpi_month (month, counted_at) SELECT DISTINCT month, now() FROM kpi_heat;
INSERT INTO kpi_clock (month, station, class, name, due, in_time, late, unmet, mean_s, median_s)
SELECT m.month, s.station, c.class, c.name, 100, 90, 8, 2, 3000, 2000
FROM kpi_month AS m,
  (SELECT NULL AS station UNION ALL SELECT DISTINCT station FROM substation) AS s,
  (VALUES ('cold', 'station_reply'), ('cold', 'on_site'), ('leak', 'on_site'), ('repair', 'contact'))
    AS c (class, name);
INSERT INTO kpi_case (
  month, station, class, received, closed, closed_in_time, answered_in_time, answered_late, overdue, waiting
)
SELECT month, NULL, class, 20, 18, 17, 17, 1, 1, 1 FROM kpi_month, (VALUES ('complaint'), ('report')) AS c (class);
INSERT INTO kpi_desk (
  month, station, tickets, retrospective, closed, called_back, asked, satisfied, flags, recovered, warm_mean_s,
  warm_median_s
)
SELECT month, NULL, 500, 20, 450, 430, 400, 390, 600, 580, 20000, 9000 FROM kpi_month;
INSERT INTO kpi_proof (
  month, station, homes, measured, warm, proven, by_homes, by_homes_low, by_homes_high, by_time, by_time_low,
  by_time_high
)
SELECT m.month, s.station, 400, 100, 95, 0.89, 0.95, 0.9, 0.98, 0.97, 0.94, 0.99
FROM kpi_month AS m, (SELECT NULL AS station UNION ALL SELECT DISTINCT station FROM substation) AS s;
"""


def chosen(at: datetime) -> dict[str, str | list[str]]:
    """Return what a dispatcher would have chosen on the dashboards: all stations, and places that there are."""
    first = at.date().replace(day=1)
    return {
        "station": [f"Station {n}" for n in range(STATIONS)],
        "substation": "S0",
        "building": "B0",
        "home": "H0",
        "month": first.isoformat(),
        "season": (first - timedelta(days=90)).replace(day=1).isoformat(),
    }


def build(url: str, homes: int, buildings: int) -> None:
    """Migrate an empty database and fill it."""
    numbers = {
        "homes": homes,
        "buildings": buildings,
        "stations": STATIONS,
        "per_day": HOMES_PER_SENSOR_DAY,
        "watched": WATCHED,
        "days": DAYS,
    }
    with psycopg.connect(url) as conn:
        migrate(conn)
    for script in (NUMBERED, REGISTRY, STATES, READINGS, LEDGER, KPI, NUMBERED_ON):
        with psycopg.connect(url) as conn:
            conn.execute(script.format(**numbers).encode())
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")

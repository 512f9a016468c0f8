-- TimescaleDB under the Apache licence: the readings become hypertables, cut by day and by week.

SELECT create_hypertable('reading', by_range('measured_at', INTERVAL '1 day'), create_default_indexes => false, migrate_data => true);

SELECT create_hypertable('substation_reading', by_range('measured_at', INTERVAL '7 days'), create_default_indexes => false, migrate_data => true);

CREATE VIEW reading_hour AS
SELECT
  sensor_id, time_bucket('1 hour', measured_at) AS hour, count(temperature) AS readings,
  min(temperature) AS lowest, max(temperature) AS highest, avg(temperature) AS mean
FROM reading
WHERE quality = 0
GROUP BY sensor_id, time_bucket('1 hour', measured_at);

-- Plain PostgreSQL: the tables as they are; an hour's figures are computed when asked for.

-- Usage: finding and dropping old readings without reading them all
CREATE INDEX reading_measured ON reading USING brin (measured_at);

CREATE VIEW reading_hour AS
SELECT
  sensor_id, date_trunc('hour', measured_at, 'UTC') AS hour, count(temperature) AS readings,
  min(temperature) AS lowest, max(temperature) AS highest, avg(temperature) AS mean
FROM reading
WHERE quality = 0
GROUP BY sensor_id, date_trunc('hour', measured_at, 'UTC');

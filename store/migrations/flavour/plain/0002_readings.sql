-- Plain PostgreSQL: the tables as they are. An hour's figures are computed when asked for, and old readings are deleted
-- row by row, some at each call.

-- Usage: finding and dropping old readings without reading them all
CREATE INDEX reading_measured ON reading USING brin (measured_at);

CREATE VIEW reading_hour AS
SELECT
  sensor_id, date_trunc('hour', measured_at, 'UTC') AS hour, count(temperature) AS readings,
  min(temperature) AS lowest, max(temperature) AS highest, avg(temperature) AS mean
FROM reading
WHERE is_good(quality)
GROUP BY sensor_id, date_trunc('hour', measured_at, 'UTC');

CREATE FUNCTION drop_readings(before timestamptz, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
  dropped bigint;
  of_substations bigint;
BEGIN
  UPDATE readings_kept SET since = before WHERE since IS NULL OR since < before;
  DELETE FROM reading WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM reading AS r WHERE r.measured_at < before LIMIT most));
  GET DIAGNOSTICS dropped = ROW_COUNT;
  DELETE FROM substation_reading
  WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM substation_reading AS r WHERE r.measured_at < before LIMIT most));
  GET DIAGNOSTICS of_substations = ROW_COUNT;
  RETURN dropped + of_substations;
END
$$;

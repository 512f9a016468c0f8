-- TimescaleDB: the readings are hypertables, cut by day and by week.

SELECT create_hypertable('reading', by_range('measured_at', INTERVAL '1 day'), create_default_indexes => false);

SELECT create_hypertable('substation_reading', by_range('measured_at', INTERVAL '7 days'), create_default_indexes => false);

CREATE VIEW reading_hour AS
SELECT
  sensor_id, time_bucket('1 hour', measured_at) AS hour, count(temperature) AS readings,
  min(temperature) AS lowest, max(temperature) AS highest, avg(temperature) AS mean
FROM reading
WHERE is_good(quality)
GROUP BY sensor_id, time_bucket('1 hour', measured_at);

-- Whole chunks are dropped, all at once: what is in one with something younger stays until that is old too.
CREATE FUNCTION drop_readings(before timestamptz, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '5s' -- a chunk that somebody reads is tried again later, instead of everybody waiting behind us
AS $$
BEGIN
  UPDATE readings_kept SET since = before WHERE since IS NULL OR since < before;
  RETURN
    (SELECT count(*) FROM drop_chunks('reading', older_than => before))
    + (SELECT count(*) FROM drop_chunks('substation_reading', older_than => before));
END
$$;

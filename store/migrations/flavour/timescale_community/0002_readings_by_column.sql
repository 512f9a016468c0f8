-- What only the community licence allows: old readings are kept by column, and hours are counted once. A database of the
-- Apache edition becomes one of this by these steps.

-- A reading that comes late into a converted chunk has its neighbours unpacked. Their number in a batch has no limit, as
-- a batch that is refused for it would be lost to its homes.
DO $$
BEGIN
  EXECUTE format(
    'ALTER DATABASE %I SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0', current_database()
  );
END
$$;

-- Usage: one sensor's readings in a span of time, as everything that looks back asks for them
ALTER TABLE reading SET (
  timescaledb.enable_columnstore, timescaledb.segmentby = 'sensor_id', timescaledb.orderby = 'measured_at'
);
-- After a week hardly anything comes late any more, and hardly anything is judged again.
CALL add_columnstore_policy('reading', after => INTERVAL '7 days');

ALTER TABLE substation_reading SET (
  timescaledb.enable_columnstore, timescaledb.segmentby = 'sensor_id', timescaledb.orderby = 'measured_at'
);
CALL add_columnstore_policy('substation_reading', after => INTERVAL '30 days');

-- Usage: reading_hour. Hours that are not counted yet are counted when asked for.
CREATE MATERIALIZED VIEW reading_hour_counted WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT
  sensor_id, time_bucket('1 hour', measured_at) AS hour, count(temperature) AS readings,
  min(temperature) AS lowest, max(temperature) AS highest, avg(temperature) AS mean
FROM reading
WHERE is_good(quality)
GROUP BY sensor_id, time_bucket('1 hour', measured_at)
WITH NO DATA;

-- From the beginning, so that what comes late is counted after all: only what changed is counted again. Hours of the last
-- two days, where most of that falls, are not fixed yet.
SELECT add_continuous_aggregate_policy(
  'reading_hour_counted', start_offset => NULL, end_offset => INTERVAL '2 days', schedule_interval => INTERVAL '15 minutes'
);

ALTER MATERIALIZED VIEW reading_hour_counted SET (
  timescaledb.enable_columnstore, timescaledb.segmentby = 'sensor_id', timescaledb.orderby = 'hour'
);
CALL add_columnstore_policy('reading_hour_counted', after => INTERVAL '30 days');

-- In the place of the Apache edition's, which counts at every look.
CREATE OR REPLACE VIEW reading_hour AS
SELECT sensor_id, hour, readings, lowest, highest, mean FROM reading_hour_counted;

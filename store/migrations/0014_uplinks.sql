-- Messages of networks that hold more than readings, and codes of sensors that differ only in how they are written.

-- A status, a join, a lamp: messages in which nothing was looked for that is a reading. Not dead, and not lost either.
ALTER TABLE ingest_worker ADD COLUMN not_a_reading bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE VIEW ingest_health AS
SELECT
  w.worker, w.batches, w.messages, w.stored, w.duplicates, w.conflicts, w.late, w.retained,
  coalesce(d.dead, 0) AS dead, w.last_batch_at, w.last_measured_at,
  w.last_received_at, w.batch_messages, w.queue_messages, w.measured_lag_s, w.received_lag_s, w.not_a_reading
FROM ingest_worker AS w
LEFT JOIN (SELECT worker, sum(count)::bigint AS dead FROM ingest_dead GROUP BY worker) AS d USING (worker);

-- A code without what people write differently: upper and lower case, separators, leading zeros.
CREATE FUNCTION code_core(code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ltrim(lower(translate(code, ':-_. ', '')), '0');

-- Usage: ingest says which sensor an unknown one may be
CREATE INDEX sensor_code_core ON sensor (code_core(code));

-- How far behind a worker is: what its last batch found, counted with the batch.

ALTER TABLE ingest_worker
  ADD COLUMN last_received_at timestamptz, -- the newest receipt of any message
  ADD COLUMN batch_messages bigint, -- in the last batch
  ADD COLUMN queue_messages bigint, -- that waited behind it
  ADD COLUMN measured_lag_s double precision, -- age of its oldest reading since measurement
  ADD COLUMN received_lag_s double precision; -- age of its oldest message since receipt

CREATE OR REPLACE VIEW ingest_health AS
SELECT
  w.worker, w.batches, w.messages, w.stored, w.duplicates, w.conflicts, w.late, w.retained,
  coalesce(d.dead, 0) AS dead, w.last_batch_at, w.last_measured_at,
  w.last_received_at, w.batch_messages, w.queue_messages, w.measured_lag_s, w.received_lag_s
FROM ingest_worker AS w
LEFT JOIN (SELECT worker, sum(count)::bigint AS dead FROM ingest_dead GROUP BY worker) AS d USING (worker);

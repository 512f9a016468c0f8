-- Sensors of which only readings with times that are off have come of late: their clock may be off, for which there is a
-- device job. A reading in time ends the row.

CREATE TABLE wrong_clock (
  sensor_id integer PRIMARY KEY REFERENCES sensor,
  off_s double precision NOT NULL, -- of the last one; positive: its time was so long ago
  impossible boolean NOT NULL, -- the last one was from the future, or from longer ago than any delay explains
  readings integer NOT NULL, -- so many in a row
  since timestamptz NOT NULL, -- receipt of the first of them
  last_at timestamptz NOT NULL -- and of the last
) WITH (fillfactor = 50);

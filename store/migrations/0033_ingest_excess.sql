-- Who said more than its bounds allow, and what became of it. A sender that was not beyond them for two weeks is forgotten.
CREATE TABLE ingest_excess (
  sender text PRIMARY KEY, -- the topic of a device, $ and the name of a network
  since timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  deferred bigint NOT NULL, -- messages that waited for its turn; they are stored
  put_by bigint NOT NULL, -- messages that were put by unread, to be stored when there is time
  unkept bigint NOT NULL -- dead letters, and messages beyond what can be put by, that were counted but not kept
);

-- Usage: who was beyond its bounds of late; those that are forgotten
CREATE INDEX ingest_excess_last ON ingest_excess (last_at);

-- Messages that were put by unread. They have no fate yet; they are counted when they are stored.
CREATE TABLE ingest_deferred (
  deferred_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL,
  messages integer NOT NULL,
  payload bytea NOT NULL, -- time of receipt, length and payload of each
  bytes integer NOT NULL GENERATED ALWAYS AS (100 + octet_length(topic) + octet_length(payload)) STORED
);
-- It is written in haste and read once.
ALTER TABLE ingest_deferred ALTER COLUMN payload SET STORAGE EXTERNAL;

-- Usage: how much is put by
CREATE INDEX ingest_deferred_size ON ingest_deferred (deferred_id) INCLUDE (bytes);

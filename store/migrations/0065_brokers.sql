-- Workers that share: what they call themselves at a broker is known to nobody else.

-- At ActiveMQ Artemis a client that may not subscribe deletes the queue of a shared subscription by trying to, and ends
-- the connection of any client by connecting under its id, before it is refused. So the group and the client ids of
-- workers that share hold a word that no device knows. A new proof keeps it: what waits in the queues is found again.
ALTER TABLE broker_share ADD COLUMN mark text NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', '')
  -- Usage: it is part of client ids and of a share's name (ingest/address.py)
  CONSTRAINT broker_share_mark CHECK (mark ~ '^[0-9a-f]{32}$');

-- How far each partition of a log (Kafka) is stored: moved on in the transaction that stores its messages, so that each is
-- stored once. Who reads a partition claims it first and is its holder; a transaction of another holder stores nothing.
CREATE TABLE log_offset (
  log_group text NOT NULL, -- of consumers
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL, -- of the first message that is not stored
  holder uuid, -- NULL: nobody; who held it finds that out, and begins again at next_offset
  moved_at timestamptz NOT NULL,
  -- Usage: a partition is claimed and moved on by its name (store/readings/log_offsets.py)
  CONSTRAINT log_offset_pkey PRIMARY KEY (log_group, topic, partition),
  -- Usage: what a log can have (store/readings/log_offsets.py)
  CONSTRAINT log_offset_range CHECK (partition >= 0 AND next_offset >= 0)
);

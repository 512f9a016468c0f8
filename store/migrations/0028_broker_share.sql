-- Which brokers were seen to keep a shared subscription of a session that is away, over a restart: one row for each.
-- Mosquitto does not, and acknowledges what it then loses. Workers share only where a row here says that it was kept.
CREATE TABLE broker_share (
  broker text NOT NULL, -- host:port, as workers are told it
  kept boolean NOT NULL,
  published integer NOT NULL,
  received integer NOT NULL,
  probed_at timestamptz NOT NULL,
  told text NOT NULL, -- what the broker said of itself, as far as it says anything
  withdrawn_at timestamptz, -- a worker found later that its shared subscription was gone
  withdrawn_why text,
  -- Read by each worker before it chooses its session.
  CONSTRAINT broker_share_pkey PRIMARY KEY (broker),
  -- store/broker_shares.py: a proof is a complete count.
  CONSTRAINT broker_share_proof CHECK (kept = (received >= published AND published > 0)),
  -- store/broker_shares.py: nobody withdraws without a reason.
  CONSTRAINT broker_share_withdrawn CHECK ((withdrawn_at IS NULL) = (withdrawn_why IS NULL))
);

-- What the sensors said, and what became of each message. Raw values stay as they came; a judgement never rewrites them.
-- Each flavour adds how readings are stored, summed up by the hour and deleted.

-- What the numbers of domain.quality.Quality say: only what is good is judged.
CREATE FUNCTION is_good(quality smallint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN quality = 0;

CREATE TABLE reading (
  sensor_id integer NOT NULL,
  measured_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  temperature real, -- °C, raw
  humidity real, -- %
  battery real, -- %
  quality smallint NOT NULL, -- domain.quality.Quality
  self_timed boolean NOT NULL, -- false: the sensor sent no time, measured_at is the time of receipt
  -- Usage: a reading is stored once; one sensor's readings in a span of time, which judging the past again reads from
  -- the key alone
  CONSTRAINT reading_once PRIMARY KEY (sensor_id, measured_at) INCLUDE (temperature, quality)
);

CREATE TABLE substation_reading (
  sensor_id integer NOT NULL,
  measured_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  supply_temperature real, -- °C
  return_temperature real, -- °C
  supply_pressure real, -- MPa
  return_pressure real, -- MPa
  flow real, -- m³/h
  heat_power real, -- kW
  outdoor_temperature real, -- °C
  -- A bit for each channel whose value no instrument says, in the order of the columns: 1 supply_temperature, 2
  -- return_temperature, 4 supply_pressure, 8 return_pressure, 16 flow, 32 heat_power, 64 outdoor_temperature. Raw it stays.
  implausible smallint NOT NULL,
  self_timed boolean NOT NULL,
  -- Usage: a reading is stored once; one sensor's readings in a span of time
  CONSTRAINT substation_reading_once PRIMARY KEY (sensor_id, measured_at)
);

-- One row. What was measured before this may be gone; what was judged from it stands.
CREATE TABLE readings_kept (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  since timestamptz -- NULL: nothing was ever deleted
);

INSERT INTO readings_kept DEFAULT VALUES;

-- The latest reading of each sensor, and what it says for its home. One narrow row each, rewritten in place.
CREATE TABLE sensor_now (
  sensor_id integer PRIMARY KEY REFERENCES sensor,
  home_id integer, -- the home whose temperature this sensor judges; NULL: not a judged room
  substation_id integer,
  measured_at timestamptz,
  received_at timestamptz,
  battery real, -- %, the last one told
  battery_at timestamptz, -- its time: messages come in any order
  celsius real, -- raw + offset; the last judged value
  judged_at timestamptz, -- measured_at of that value
  expires_at timestamptz -- until when it may be held
) WITH (fillfactor = 50);

-- Usage: judging reads the held values of the homes of a batch
CREATE INDEX sensor_now_home ON sensor_now (home_id) WHERE home_id IS NOT NULL;
-- Usage: the map of substations
CREATE INDEX sensor_now_substation ON sensor_now (substation_id) WHERE substation_id IS NOT NULL;

-- What the sensors of substations said last, each channel by itself: it may come in a message of its own.
CREATE TABLE channel_now (
  sensor_id integer NOT NULL REFERENCES sensor,
  channel text NOT NULL, -- a column of substation_reading
  measured_at timestamptz NOT NULL,
  value real NOT NULL, -- plausible
  -- Usage: the last values of the sensors of a substation; each is kept once
  PRIMARY KEY (sensor_id, channel)
) WITH (fillfactor = 50);

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

-- Messages of which something could not be stored, each once: its payload with the list of what is wrong.
CREATE TABLE dead_letter (
  dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  received_at timestamptz NOT NULL,
  topic text NOT NULL,
  payload bytea NOT NULL,
  payload_bytes integer NOT NULL, -- size as received; payload is cut when it was oversize
  reason text NOT NULL, -- domain.reasons.RejectReason, of the first fault
  detail text NOT NULL, -- of the first fault
  replayed_at timestamptz,
  faults jsonb NOT NULL, -- the first of them: reason, detail, sensor, at (which element of the message)
  reasons jsonb NOT NULL, -- all of them: reason to number
  -- What a letter takes, near enough: a row with its index entries, and what is in it before it is compressed.
  bytes integer NOT NULL
    GENERATED ALWAYS AS (250 + octet_length(topic) + octet_length(payload) + octet_length(faults::text)) STORED,
  -- Usage: a letter is found by each of its reasons; reason and detail are those of the first
  CONSTRAINT dead_letter_reasons CHECK (reasons ? reason)
);

-- Usage: list and replay of what still waits, in order; the bytes of what waits unread
CREATE INDEX dead_letter_waiting ON dead_letter (dead_letter_id) INCLUDE (reason, bytes) WHERE replayed_at IS NULL;
-- Usage: purge by age; the list from a day on
CREATE INDEX dead_letter_received ON dead_letter (received_at);
-- Usage: the bytes of all letters; which of them go when they are too many: those that wait no longer, then the oldest
CREATE INDEX dead_letter_size ON dead_letter ((replayed_at IS NULL), dead_letter_id) INCLUDE (bytes);

-- Letters that still waited when they were deleted because all of them took too much. One row.
CREATE TABLE dead_letter_dropped (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  letters bigint NOT NULL DEFAULT 0,
  faults bigint NOT NULL DEFAULT 0, -- what was wrong in those letters, as it was counted when they came
  bytes bigint NOT NULL DEFAULT 0,
  last_at timestamptz
);

INSERT INTO dead_letter_dropped DEFAULT VALUES;

-- Fates of messages and readings, per worker, written in the transaction that decided them; and how far behind the
-- worker is, as its last batch found it.
CREATE TABLE ingest_worker (
  worker text PRIMARY KEY,
  batches bigint NOT NULL DEFAULT 0,
  messages bigint NOT NULL DEFAULT 0,
  stored bigint NOT NULL DEFAULT 0,
  duplicates bigint NOT NULL DEFAULT 0,
  conflicts bigint NOT NULL DEFAULT 0,
  late bigint NOT NULL DEFAULT 0, -- stored, and queued for re-judging
  retained bigint NOT NULL DEFAULT 0, -- old values repeated by the broker, ignored
  last_batch_at timestamptz,
  last_measured_at timestamptz,
  last_received_at timestamptz, -- the newest receipt of any message
  batch_messages bigint, -- in the last batch
  queue_messages bigint, -- that waited behind it
  measured_lag_s double precision, -- age of its oldest reading since measurement
  received_lag_s double precision -- age of its oldest message since receipt
) WITH (fillfactor = 50);

CREATE TABLE ingest_dead (
  worker text NOT NULL,
  reason text NOT NULL, -- domain.reasons.RejectReason
  count bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (worker, reason)
) WITH (fillfactor = 50);

-- Quantities that a message named and that had no value (domain/quality.py), as ingest counted them.
CREATE TABLE ingest_void (
  worker text NOT NULL,
  quantity text NOT NULL,
  reason text NOT NULL, -- domain.reasons.NoValue
  count bigint NOT NULL,
  sensor text NOT NULL, -- whose the last one was
  value double precision NOT NULL, -- that it said
  at timestamptz NOT NULL, -- when it was counted
  PRIMARY KEY (worker, quantity, reason)
) WITH (fillfactor = 50);

-- The totals of ingest_worker as they were, noted by watch every minute.
CREATE TABLE ingest_sample (
  worker text NOT NULL,
  at timestamptz NOT NULL,
  messages bigint NOT NULL,
  stored bigint NOT NULL,
  duplicates bigint NOT NULL,
  conflicts bigint NOT NULL,
  late bigint NOT NULL,
  dead bigint NOT NULL,
  queue_messages bigint,
  measured_lag_s double precision,
  received_lag_s double precision,
  PRIMARY KEY (worker, at)
);

-- Usage: the samples of a span of time; those that are too old
CREATE INDEX ingest_sample_at ON ingest_sample (at);

-- Senders that said more than their bounds allow, and what became of it. One that was not beyond them for two weeks is
-- forgotten.
CREATE TABLE ingest_excess (
  sender text PRIMARY KEY, -- the topic of a device, $ and the name of a network
  since timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  deferred bigint NOT NULL, -- messages that waited for its turn; they are stored
  put_by bigint NOT NULL, -- messages that were put by unread, to be stored when there is time
  unkept bigint NOT NULL -- dead letters, and messages beyond what can be put by, that were counted but not kept
);

-- Usage: the senders that were beyond their bounds of late; those that are forgotten
CREATE INDEX ingest_excess_last ON ingest_excess (last_at);

-- Messages that were put by unread. They have no fate yet; they are counted when they are stored.
CREATE TABLE ingest_deferred (
  deferred_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL,
  messages integer NOT NULL,
  payload bytea STORAGE EXTERNAL NOT NULL, -- time of receipt, length and payload of each; written in haste and read once
  bytes integer NOT NULL GENERATED ALWAYS AS (100 + octet_length(topic) + octet_length(payload)) STORED
);

-- Usage: how much is put by
CREATE INDEX ingest_deferred_size ON ingest_deferred (deferred_id) INCLUDE (bytes);

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
  -- Usage: each worker reads it before it chooses its session
  CONSTRAINT broker_share_pkey PRIMARY KEY (broker),
  -- Usage: a proof is a complete count (store/readings/broker_shares.py)
  CONSTRAINT broker_share_proof CHECK (kept = (received >= published AND published > 0)),
  -- Usage: a proof is withdrawn with a reason (store/readings/broker_shares.py)
  CONSTRAINT broker_share_withdrawn CHECK ((withdrawn_at IS NULL) = (withdrawn_why IS NULL))
);

-- What the sensors of a home said, as it is judged: with the offset, in the room where they stood at the time.
CREATE VIEW home_reading AS
SELECT
  h.code AS home, s.code AS sensor, p.room, p.room_kind, p.interval_s, r.measured_at,
  judged_celsius(r.temperature, p.offset_k) AS temperature, r.humidity, r.quality
FROM home AS h
JOIN point AS p USING (home_id)
JOIN sensor AS s USING (sensor_id)
JOIN reading AS r ON r.sensor_id = p.sensor_id
  AND (p.valid_from IS NULL OR r.measured_at >= p.valid_from) AND (p.valid_to IS NULL OR r.measured_at < p.valid_to);

CREATE VIEW substation_history AS
SELECT
  u.code AS substation, u.station, s.code AS sensor, p.interval_s, r.measured_at,
  CASE WHEN r.implausible & 1 = 0 THEN r.supply_temperature END AS supply_temperature,
  CASE WHEN r.implausible & 2 = 0 THEN r.return_temperature END AS return_temperature,
  CASE WHEN r.implausible & 4 = 0 THEN r.supply_pressure END AS supply_pressure,
  CASE WHEN r.implausible & 8 = 0 THEN r.return_pressure END AS return_pressure,
  CASE WHEN r.implausible & 16 = 0 THEN r.flow END AS flow,
  CASE WHEN r.implausible & 32 = 0 THEN r.heat_power END AS heat_power,
  CASE WHEN r.implausible & 64 = 0 THEN r.outdoor_temperature END AS outdoor_temperature
FROM substation AS u
JOIN point AS p USING (substation_id)
JOIN sensor AS s USING (sensor_id)
JOIN substation_reading AS r ON r.sensor_id = p.sensor_id
  AND (p.valid_from IS NULL OR r.measured_at >= p.valid_from) AND (p.valid_to IS NULL OR r.measured_at < p.valid_to);

-- The last values of a substation, as long as the sensor was there.
CREATE VIEW substation_channel AS
SELECT p.substation_id, c.channel, c.measured_at, c.value, p.interval_s
FROM channel_now AS c
JOIN point AS p ON p.sensor_id = c.sensor_id AND p.substation_id IS NOT NULL
  AND (p.valid_from IS NULL OR p.valid_from <= c.measured_at) AND (p.valid_to IS NULL OR p.valid_to > c.measured_at);

-- A channel that fell silent long before the others is not shown beside them as if it were of now.
CREATE VIEW substation_now AS
SELECT
  u.substation_id, u.code, u.name, u.station, u.lat, u.lon, max(c.measured_at) AS measured_at,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'supply_temperature'))[1]
    AS supply_temperature,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'return_temperature'))[1]
    AS return_temperature,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'supply_pressure'))[1] AS supply_pressure,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'return_pressure'))[1] AS return_pressure,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'flow'))[1] AS flow,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'heat_power'))[1] AS heat_power,
  (array_agg(c.value ORDER BY c.measured_at DESC) FILTER (WHERE c.channel = 'outdoor_temperature'))[1]
    AS outdoor_temperature
FROM substation AS u
LEFT JOIN LATERAL (
  SELECT x.*, max(x.measured_at) OVER () AS newest FROM substation_channel AS x WHERE x.substation_id = u.substation_id
) AS c ON c.measured_at >= c.newest - 3 * c.interval_s * interval '1 second'
GROUP BY u.substation_id;

CREATE VIEW ingest_health AS
SELECT
  w.worker, w.batches, w.messages, w.stored, w.duplicates, w.conflicts, w.late, w.retained,
  coalesce(d.dead, 0) AS dead, w.last_batch_at, w.last_measured_at,
  w.last_received_at, w.batch_messages, w.queue_messages, w.measured_lag_s, w.received_lag_s
FROM ingest_worker AS w
LEFT JOIN (SELECT worker, sum(count)::bigint AS dead FROM ingest_dead GROUP BY worker) AS d USING (worker);

CREATE VIEW ingest_reject AS
SELECT worker, reason, count FROM ingest_dead;

CREATE VIEW ingest_no_value AS
SELECT
  quantity, reason, sum(count)::bigint AS count, (array_agg(sensor ORDER BY at DESC))[1] AS last_sensor,
  (array_agg(value ORDER BY at DESC))[1] AS last_value, max(at) AS last_at
FROM ingest_void
GROUP BY quantity, reason;

-- What ingest did per second between one sample and the one before.
CREATE VIEW ingest_rate AS
SELECT
  s.worker, s.at, s.queue_messages, s.measured_lag_s, s.received_lag_s,
  (s.messages - p.messages) / d.seconds AS messages_per_s, (s.stored - p.stored) / d.seconds AS stored_per_s,
  (s.duplicates - p.duplicates) / d.seconds AS duplicates_per_s,
  (s.conflicts - p.conflicts) / d.seconds AS conflicts_per_s, (s.late - p.late) / d.seconds AS late_per_s,
  (s.dead - p.dead) / d.seconds AS dead_per_s
FROM ingest_sample AS s
JOIN LATERAL (
  SELECT x.* FROM ingest_sample AS x WHERE x.worker = s.worker AND x.at < s.at ORDER BY x.at DESC LIMIT 1
) AS p ON true
JOIN LATERAL (SELECT extract(epoch FROM s.at - p.at)::double precision AS seconds) AS d ON true;

-- Dead letters without what is in them, a row for each reason of a letter.
CREATE VIEW dead_letter_seen AS
SELECT d.dead_letter_id, d.received_at, r.key AS reason, d.replayed_at, r.value::bigint AS faults
FROM dead_letter AS d
CROSS JOIN LATERAL jsonb_each_text(d.reasons) AS r (key, value);

CREATE VIEW dead_letter_health AS
SELECT w.waiting, a.bytes, d.letters AS dropped, d.faults AS dropped_faults, d.bytes AS dropped_bytes, d.last_at AS dropped_at
FROM dead_letter_dropped AS d
CROSS JOIN (SELECT count(*) AS waiting FROM dead_letter WHERE replayed_at IS NULL) AS w
CROSS JOIN (SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM dead_letter) AS a;

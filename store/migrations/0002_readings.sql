-- What the sensors said. Raw values stay as they came; a judgement never rewrites them.

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
  quality smallint NOT NULL,
  self_timed boolean NOT NULL,
  -- Usage: a reading is stored once; one sensor's readings in a span of time
  CONSTRAINT substation_reading_once PRIMARY KEY (sensor_id, measured_at)
);

-- A second value for a reading that is already stored: the first stays, this is the record of the other.
CREATE TABLE reading_conflict (
  conflict_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sensor_id integer NOT NULL,
  measured_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  said jsonb NOT NULL -- the values that were not taken
);

-- Messages, or single readings out of a message, that could not be stored, with the reason.
CREATE TABLE dead_letter (
  dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  received_at timestamptz NOT NULL,
  topic text NOT NULL,
  payload bytea NOT NULL,
  payload_bytes integer NOT NULL, -- size as received; payload is cut when it was oversize
  reason text NOT NULL, -- domain.reasons.RejectReason
  detail text NOT NULL,
  replayed_at timestamptz
);

-- Usage: list and replay of what still waits, by reason
CREATE INDEX dead_letter_waiting ON dead_letter (reason, dead_letter_id) WHERE replayed_at IS NULL;

-- The latest reading of each sensor, and what it says for its home. One narrow row each, rewritten in place.
CREATE TABLE sensor_now (
  sensor_id integer PRIMARY KEY REFERENCES sensor,
  home_id integer, -- the home whose temperature this sensor judges; NULL: not a judged room
  substation_id integer,
  measured_at timestamptz,
  received_at timestamptz,
  temperature real, -- °C, raw
  humidity real,
  battery real,
  quality smallint,
  celsius real, -- raw + offset; the last judged value
  judged_at timestamptz, -- measured_at of that value
  expires_at timestamptz -- until when it may be held
) WITH (fillfactor = 50);

-- Usage: judging reads the held values of the homes of a batch
CREATE INDEX sensor_now_home ON sensor_now (home_id) WHERE home_id IS NOT NULL;
-- Usage: the map of substations
CREATE INDEX sensor_now_substation ON sensor_now (substation_id) WHERE substation_id IS NOT NULL;

-- Fates of messages and readings, per worker, written in the transaction that decided them.
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
  last_measured_at timestamptz
) WITH (fillfactor = 50);

CREATE TABLE ingest_dead (
  worker text NOT NULL,
  reason text NOT NULL,
  count bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (worker, reason)
) WITH (fillfactor = 50);

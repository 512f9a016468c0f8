-- Devices that speak and are not in the registry, with what they said last, so that they can be placed.
CREATE TABLE unknown_sensor (
  unknown_sensor_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sensor text NOT NULL UNIQUE,
  topic text NOT NULL,
  device text NOT NULL, -- the device that spoke: the sensor itself, or its gateway
  said jsonb NOT NULL, -- the last values by quantity
  alike text, -- the registered code that differs only in case, separators or leading zeros
  first_heard_at timestamptz NOT NULL,
  last_heard_at timestamptz NOT NULL
);

-- Usage: the list, latest first, and forgetting the oldest
CREATE INDEX unknown_sensor_last ON unknown_sensor (last_heard_at, unknown_sensor_id);

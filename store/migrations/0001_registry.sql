-- The registry: what stands where, who lives there, and which sensor measures what at which time.

CREATE TABLE substation (
  substation_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL,
  name text NOT NULL,
  station text NOT NULL, -- the heat station whose crew answers for it
  lat double precision,
  lon double precision,
  -- Usage: registry import finds rows by their code
  CONSTRAINT substation_code UNIQUE (code)
);

CREATE TABLE building (
  building_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL,
  substation_id integer NOT NULL REFERENCES substation,
  name text NOT NULL,
  address text NOT NULL,
  lat double precision,
  lon double precision,
  -- Usage: registry import finds rows by their code
  CONSTRAINT building_code UNIQUE (code)
);

-- Usage: the buildings of a substation on the map
CREATE INDEX building_substation ON building (substation_id);

CREATE TABLE home (
  home_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL,
  building_id integer NOT NULL REFERENCES building,
  unit text NOT NULL,
  class text NOT NULL CHECK (class IN ('multistorey', 'bungalow', 'nonresidential')),
  contract_limit real, -- °C; NULL: the contract names none
  contract_from time, -- local clock; both NULL: all day
  contract_to time,
  -- Usage: registry import and the API find homes by their code
  CONSTRAINT home_code UNIQUE (code),
  CONSTRAINT home_contract_window CHECK (
    (contract_from IS NULL) = (contract_to IS NULL) AND (contract_from IS NULL OR contract_limit IS NOT NULL)
  )
);

-- Usage: the homes of a building on the map
CREATE INDEX home_building ON home (building_id);

-- Heat on or stopped, with dates; the latest row at or before an instant is in force.
CREATE TABLE home_status (
  home_id integer NOT NULL REFERENCES home,
  since timestamptz NOT NULL, -- '-infinity': as long as the home is known
  status text NOT NULL CHECK (status IN ('on', 'stopped')),
  PRIMARY KEY (home_id, since)
);

CREATE TABLE sensor (
  sensor_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL,
  -- Usage: ingest resolves the sensors of a batch by their code
  CONSTRAINT sensor_code UNIQUE (code)
);

-- A measuring point: one sensor in one room (or substation) for a time, with the offset in force.
CREATE TABLE point (
  point_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sensor_id integer NOT NULL REFERENCES sensor,
  home_id integer REFERENCES home,
  substation_id integer REFERENCES substation,
  gateway text, -- NULL: the sensor speaks for itself
  room text,
  room_kind text CHECK (room_kind IN ('living', 'bedroom', 'other')),
  interval_s integer NOT NULL CHECK (interval_s BETWEEN 1 AND 86400),
  offset_k real NOT NULL DEFAULT 0,
  valid_from timestamptz, -- NULL: from ever
  valid_to timestamptz, -- NULL: for good; half-open
  CONSTRAINT point_place CHECK (
    num_nonnulls(home_id, substation_id) = 1 AND (home_id IS NULL) = (room_kind IS NULL) AND (home_id IS NULL) = (room IS NULL)
  ),
  CONSTRAINT point_span CHECK (valid_from < valid_to),
  -- Usage: a sensor is at one place at a time
  CONSTRAINT point_one_place EXCLUDE USING gist (
    int4range(sensor_id, sensor_id, '[]') WITH &&, tstzrange(valid_from, valid_to) WITH &&
  )
);

-- Usage: ingest resolves the places of a sensor
CREATE INDEX point_sensor ON point (sensor_id);
-- Usage: the sensors of a home (API, re-judging)
CREATE INDEX point_home ON point (home_id) WHERE home_id IS NOT NULL;
-- Usage: the sensors of a substation
CREATE INDEX point_substation ON point (substation_id) WHERE substation_id IS NOT NULL;

-- One row. Raised by every change of the registry, so that workers know when to forget what they looked up.
CREATE TABLE registry_version (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version bigint NOT NULL DEFAULT 1
);

INSERT INTO registry_version DEFAULT VALUES;

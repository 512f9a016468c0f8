-- The registry: what stands where, who lives there, and which sensor measures what at which time.

-- Temperatures are judged in whole thousandths of a degree. Raw readings keep their 32 bits; what is judged (sensor_now,
-- home_state, flag, ledger) is the 32-bit float nearest to whole thousandths, and so are offsets and limits.
-- The functions judge a raw temperature as alerts/judging/weigh.py does. Half of a thousandth goes to the even side.
CREATE FUNCTION judged_milli(raw real, offset_k real) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (round(raw::float8 * 1000) + round(offset_k::float8 * 1000))::integer;

CREATE FUNCTION judged_celsius(raw real, offset_k real) RETURNS real
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((round(raw::float8 * 1000) + round(offset_k::float8 * 1000)) / 1000)::real;

-- What the numbers of domain.states.HomeState say. It is an order: what is known begins with 2, a breach with 5.
CREATE FUNCTION state_name(state smallint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (ARRAY['not_judged', 'unknown', 'compliant', 'compliant', 'compliant', 'cold', 'severe'])[state + 1];

CREATE FUNCTION is_known(state smallint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN state >= 2;

-- At or above the day limit.
CREATE FUNCTION is_warm(state smallint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN state IN (2, 3);

-- Under the day limit, at whatever hour.
CREATE FUNCTION is_short(state smallint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN state >= 4;

CREATE FUNCTION is_breach(state smallint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN state >= 5;

-- And those of domain.states.Severity.
CREATE FUNCTION severity_name(severity smallint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (ARRAY['cold', 'severe'])[severity];

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

-- A building with the substation that heats it, and the station whose crew answers for both.
CREATE VIEW building_place AS
SELECT
  b.building_id, b.code AS building, b.name AS building_name, b.address, b.lat, b.lon,
  u.substation_id, u.code AS substation, u.station
FROM building AS b
JOIN substation AS u USING (substation_id);

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
  ),
  -- Usage: a limit that is finer would be judged as another than the one on record
  CONSTRAINT home_limit_exact CHECK (contract_limit = judged_celsius(contract_limit, 0))
);

-- Usage: the homes of a building on the map
CREATE INDEX home_building ON home (building_id);

-- Heat on or stopped, with dates; the latest row at or before an instant is in force.
CREATE TABLE home_status (
  home_id integer NOT NULL REFERENCES home,
  since timestamptz NOT NULL, -- '-infinity': as long as the home is known
  status text NOT NULL CHECK (status IN ('on', 'stopped')),
  -- Usage: judging looks up the status in force
  PRIMARY KEY (home_id, since)
);

-- What the contract of a home says of its temperature; NULL: nothing, or at all hours.
CREATE VIEW home_contract AS
SELECT code AS home, class, contract_limit, contract_from, contract_to FROM home;

-- The residents of a home, with dates. What customers reach follows it: a tenancy's own time, and nothing older.
CREATE TABLE residence (
  residence_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  home_id integer NOT NULL REFERENCES home,
  resident text NOT NULL CHECK (length(resident) BETWEEN 1 AND 100), -- the company's reference, not a name
  starts_at timestamptz NOT NULL, -- '-infinity': as long as the home is known
  first_day date NOT NULL, -- the first local day that lies in it as a whole; '-infinity' likewise
  ends_at timestamptz, -- NULL: goes on; half-open
  CONSTRAINT residence_span CHECK (starts_at < ends_at),
  -- Usage: one tenancy at a time; who lives in a home
  CONSTRAINT residence_one_at_a_time EXCLUDE USING gist (
    int4range(home_id, home_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&
  )
);

-- Usage: the tenancies of a home
CREATE INDEX residence_home ON residence (home_id, starts_at);

-- Since when a home is somebody's at an instant, and the first whole local day of that. '-infinity': the registry knows
-- no residents of the home. No row's worth (NULL): somebody else lives there, or nobody. Somebody is the resident of a
-- reference; without one, the resident at `known_at`. Tenancies of one resident with nobody between are one.
CREATE FUNCTION tenancy(
  of_home integer, of_resident text, known_at timestamptz, at_time timestamptz, OUT since timestamptz, OUT first_day date
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
AS $$
DECLARE
  living text;
BEGIN
  IF NOT EXISTS (SELECT FROM residence AS r WHERE r.home_id = of_home) THEN
    since := '-infinity';
    first_day := '-infinity';
    RETURN;
  END IF;
  SELECT r.resident INTO living FROM residence AS r
  WHERE r.home_id = of_home AND tstzrange(r.starts_at, r.ends_at) @> at_time;
  IF living IS NULL OR living IS DISTINCT FROM coalesce(of_resident, (
    SELECT r.resident FROM residence AS r WHERE r.home_id = of_home AND tstzrange(r.starts_at, r.ends_at) @> known_at
  )) THEN
    RETURN;
  END IF;
  SELECT r.starts_at, r.first_day INTO since, first_day FROM residence AS r
  WHERE r.home_id = of_home AND r.resident = living AND r.starts_at <= at_time AND NOT EXISTS (
    SELECT FROM residence AS o
    WHERE o.home_id = of_home AND o.resident <> living AND o.starts_at > r.starts_at AND o.starts_at <= at_time
  )
  ORDER BY r.starts_at LIMIT 1;
END
$$;

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
  -- Usage: an offset that is finer would be judged as another than the one on record
  CONSTRAINT point_offset_exact CHECK (offset_k = judged_celsius(offset_k, 0)),
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

-- For tables outside the registry on which the places of sensors depend: judging looks the registry up again.
CREATE FUNCTION raise_registry_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  UPDATE registry_version SET version = version + 1;
  RETURN NULL;
END
$$;

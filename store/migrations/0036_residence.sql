-- Who lives in a home from when to when. What customers reach follows it: a tenancy's own time, and nothing older.

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
-- reference; without one, who lived there at `known_at`. Tenancies of one resident with nobody between are one.
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

ALTER TABLE token_home
  ADD COLUMN resident text, -- whose token it is; NULL: of who lived there when it was made
  ADD COLUMN from_at timestamptz, -- nothing older is reached; NULL: no such bound
  ADD COLUMN from_day date, -- the local day of that
  ADD CONSTRAINT token_home_from CHECK ((from_at IS NULL) = (from_day IS NULL));

-- Whose contact it is; NULL: of who lived there at the consent.
ALTER TABLE person.contact ADD COLUMN resident text;

-- Beside `hearth.homes`, in the same order: since when each is reached (`hearth.since`), and from which whole local day on
-- (`hearth.days`). Where that is not said, nothing that has a time is reached.
CREATE FUNCTION reach_since(of_home integer) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (nullif(current_setting('hearth.since', true), '')::timestamptz[])[array_position(reach_homes(), of_home)];

CREATE FUNCTION reach_day(of_home integer) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE
RETURN (nullif(current_setting('hearth.days', true), '')::date[])[array_position(reach_homes(), of_home)];

-- The tickets of flags that are reached: such a ticket may be older than the tenancy, and is then told without what is.
CREATE FUNCTION reach_flagged() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
AS $$
  SELECT coalesce(array_agg(f.ticket_id), '{}') FROM flag AS f
  WHERE f.home_id = ANY (reach_homes()) AND f.cold_since >= reach_since(f.home_id)
$$;

-- The outages of a reached home alone that were not over before it was.
CREATE FUNCTION reach_outages() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
AS $$
  SELECT coalesce(array_agg(a.outage_id), '{}') FROM outage_area AS a JOIN outage AS o USING (outage_id)
  WHERE a.home_id = ANY (reach_homes())
    AND coalesce(least(o.restored_at, o.cancelled_at), 'infinity') > reach_since(a.home_id)
$$;

CREATE OR REPLACE FUNCTION reach_cases() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER PARALLEL SAFE
AS $$
  SELECT coalesce(array_agg(k.ticket_id), '{}') FROM identity.complainant AS k
  WHERE k.home_id = ANY (reach_homes()) AND k.kept_at >= reach_since(k.home_id)
$$;

CREATE OR REPLACE FUNCTION point_readings(of_point integer, start timestamptz, until timestamptz, most bigint)
RETURNS TABLE (
  measured_at timestamptz, received_at timestamptz, temperature real, humidity real, battery real, quality smallint,
  self_timed boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000 SET jit = off
AS $$
DECLARE
  place record;
BEGIN
  SELECT
    p.sensor_id, p.valid_to,
    greatest(p.valid_from, CASE WHEN NOT reach_everywhere() THEN reach_since(p.home_id) END) AS valid_from
  INTO place FROM point AS p
  WHERE p.point_id = of_point AND (
    reach_everywhere() OR reach_since(p.home_id) IS NOT NULL OR EXISTS (
      SELECT FROM home AS h
      JOIN building AS b USING (building_id)
      JOIN substation AS u USING (substation_id)
      WHERE h.home_id = p.home_id AND u.station = reach_station()
    )
  );
  IF FOUND THEN
    RETURN QUERY EXECUTE
      'SELECT measured_at, received_at, temperature, humidity, battery, quality, self_timed FROM reading '
      'WHERE sensor_id = $1 AND measured_at >= $2 AND measured_at < $3 ORDER BY measured_at LIMIT $4'
    USING place.sensor_id, greatest(start, place.valid_from), least(until, place.valid_to), most;
  END IF;
END
$$;

-- The stay of a sensor as the caller may look into it: said once, for the readings of the table and for those of the
-- archive, which know nothing of reach.

-- Nothing where the home is not reached. A customer's begins when the customer came.
CREATE FUNCTION reached_point(of_point integer) RETURNS TABLE (sensor_id integer, since timestamptz, until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT
    p.sensor_id, greatest(p.valid_from, CASE WHEN NOT reach_everywhere() THEN reach_since(p.home_id) END), p.valid_to
  FROM point AS p
  WHERE p.point_id = of_point AND (
    reach_everywhere() OR reach_since(p.home_id) IS NOT NULL OR EXISTS (
      SELECT FROM home AS h JOIN building_place AS b USING (building_id)
      WHERE h.home_id = p.home_id AND b.station = reach_station()
    )
  )
$$;

-- As it was in 0009_access.sql, with the stay from there.
CREATE OR REPLACE FUNCTION point_readings(of_point integer, start timestamptz, until timestamptz, most bigint)
RETURNS TABLE (
  measured_at timestamptz, received_at timestamptz, temperature real, humidity real, battery real, quality smallint,
  self_timed boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
SET jit = off SET enable_sort = off SET enable_bitmapscan = off
AS $$
DECLARE
  place record;
BEGIN
  SELECT q.sensor_id, q.since, q.until INTO place FROM reached_point(of_point) AS q;
  IF FOUND THEN
    RETURN QUERY EXECUTE
      'SELECT measured_at, received_at, temperature, humidity, battery, quality, self_timed FROM reading '
      'WHERE sensor_id = $1 AND measured_at >= $2 AND measured_at < $3 ORDER BY measured_at LIMIT $4'
    USING place.sensor_id, greatest(start, place.since), least(until, place.until), most;
  END IF;
END
$$;

-- The readings of homes, told to many callers with one statement, each within its own reach.

-- For each question, by its place in the arrays: enter the reach, as tell_homes does, then a page of each point of the home
-- (store/readings/reading_history.py). A home that is reached and says nothing has one row without a point; one that is not
-- reached has none.
CREATE FUNCTION tell_readings(
  asked text[], everywhere text[], stations text[], homes text[], since text[], days text[],
  starts timestamptz[], ends timestamptz[], shown bigint[], most bigint[]
)
RETURNS TABLE (
  nth integer, point_id integer, sensor text, room text, offset_k real, measured_at timestamptz[], temperature real[],
  humidity real[], battery real[], quality smallint[]
)
LANGUAGE plpgsql
AS $$
BEGIN
  FOR n IN 1 .. cardinality(asked) LOOP
    PERFORM
      set_config('hearth.everywhere', everywhere[n], true), set_config('hearth.station', stations[n], true),
      set_config('hearth.homes', homes[n], true), set_config('hearth.since', since[n], true),
      set_config('hearth.days', days[n], true);
    RETURN QUERY
    SELECT n, q.point_id, q.code, q.room, q.offset_k, q.at, q.warm, q.wet, q.volt, q.worth
    FROM home AS h
    JOIN building_place AS u USING (building_id)
    LEFT JOIN LATERAL (
      SELECT p.point_id, s.code, p.room, p.offset_k, r.*
      FROM point AS p
      JOIN sensor AS s USING (sensor_id)
      CROSS JOIN LATERAL (
        SELECT
          array_agg(x.measured_at) AS at, array_agg(judged_celsius(x.temperature, p.offset_k)) AS warm,
          array_agg(x.humidity) AS wet, array_agg(x.battery) AS volt, array_agg(x.quality) AS worth
        FROM point_readings(
          p.point_id,
          starts[n] + CASE WHEN p.point_id <= shown[n] THEN interval '1 microsecond' ELSE interval '0' END,
          ends[n], most[n]
        ) AS x
      ) AS r
      WHERE p.home_id = h.home_id AND r.at IS NOT NULL
    ) AS q ON true
    WHERE h.code = asked[n]
      AND (everywhere[n] = 'on' OR u.station = nullif(stations[n], '') OR h.home_id = ANY (homes[n]::integer[]));
  END LOOP;
END
$$;

-- As it was in 0039_reached_point.sql, but in a language whose plans are kept: a function in SQL with its owner's rights is
-- planned again at each call, which cost more than all else that leads to the readings.
CREATE OR REPLACE FUNCTION reached_point(of_point integer)
RETURNS TABLE (sensor_id integer, since timestamptz, until timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
AS $$
BEGIN
  RETURN QUERY
  SELECT
    p.sensor_id, greatest(p.valid_from, CASE WHEN NOT reach_everywhere() THEN reach_since(p.home_id) END), p.valid_to
  FROM point AS p
  WHERE p.point_id = of_point AND (
    reach_everywhere() OR reach_since(p.home_id) IS NOT NULL OR EXISTS (
      SELECT FROM home AS h JOIN building_place AS b USING (building_id)
      WHERE h.home_id = p.home_id AND b.station = reach_station()
    )
  );
END
$$;

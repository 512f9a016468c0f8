-- What the cause of a cold home is told from: means of steps of time, each with its end and without its beginning, of what
-- the request reaches, over three days at most.

-- The coldest judged room of each home in each step.
CREATE FUNCTION home_steps(of_homes integer[], start timestamptz, until timestamptz, step interval)
RETURNS TABLE (home integer, nth integer, celsius float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET plan_cache_mode = force_custom_plan SET jit = off
AS $$
BEGIN
  IF until > start + interval '3 days' THEN
    RAISE EXCEPTION 'at most three days' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN QUERY
  SELECT r.home_id, r.nth, min(r.mean)
  FROM (
    SELECT
      p.home_id, p.sensor_id, avg(judged_celsius(t.temperature, p.offset_k)) AS mean,
      ceil(extract(epoch FROM t.measured_at - start) / extract(epoch FROM step))::integer - 1 AS nth
    FROM point AS p
    JOIN home AS h USING (home_id)
    JOIN building_place AS b USING (building_id)
    JOIN reading AS t ON t.sensor_id = p.sensor_id
      AND t.measured_at > start AND t.measured_at <= until
      AND t.measured_at >= coalesce(p.valid_from, '-infinity') AND t.measured_at < coalesce(p.valid_to, 'infinity')
    WHERE p.home_id = ANY (of_homes) AND p.room_kind <> 'other' AND is_good(t.quality) AND t.temperature <> 'NaN'
      AND (reach_everywhere() OR b.station = reach_station())
    GROUP BY p.home_id, p.sensor_id, 4
  ) AS r
  GROUP BY r.home_id, r.nth;
END
$$;

-- What a substation supplies, and the air outside; without what no instrument says.
CREATE FUNCTION substation_steps(of_substation integer, start timestamptz, until timestamptz, step interval)
RETURNS TABLE (nth integer, supply float8, outdoor float8)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET plan_cache_mode = force_custom_plan SET jit = off
AS $$
BEGIN
  IF until > start + interval '3 days' THEN
    RAISE EXCEPTION 'at most three days' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN QUERY
  SELECT
    ceil(extract(epoch FROM t.measured_at - start) / extract(epoch FROM step))::integer - 1,
    avg(t.supply_temperature) FILTER (WHERE t.implausible & 1 = 0 AND t.supply_temperature <> 'NaN'),
    avg(t.outdoor_temperature) FILTER (WHERE t.implausible & 64 = 0 AND t.outdoor_temperature <> 'NaN')
  FROM substation AS u
  JOIN point AS p USING (substation_id)
  JOIN substation_reading AS t ON t.sensor_id = p.sensor_id
    AND t.measured_at > start AND t.measured_at <= until
    AND t.measured_at >= coalesce(p.valid_from, '-infinity') AND t.measured_at < coalesce(p.valid_to, 'infinity')
  WHERE u.substation_id = of_substation AND (reach_everywhere() OR u.station = reach_station())
  GROUP BY 1;
END
$$;

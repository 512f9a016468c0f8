-- Policies that ask of other tables are expanded into every statement, and the policies of those tables inside them: a
-- look at one home had a plan with two hundred parts, whose start cost ten times its run. So policies ask these two, which
-- have their owner's rights. They hold numbers of homes and names of stations alone.
CREATE VIEW home_station AS
SELECT h.home_id, u.station FROM home AS h JOIN building AS b USING (building_id) JOIN substation AS u USING (substation_id);

-- The homes of which a station was given an open ticket; cases name no home, and may be about the crew.
CREATE VIEW home_given AS
SELECT t.home_id, t.station FROM ticket AS t
WHERE t.home_id IS NOT NULL AND t.state <> 'closed' AND t.class NOT IN ('complaint', 'report');

-- How homes are now, told to many callers with one statement, each within its own reach.

-- Like home_now, but with the rights of the caller, so that row-level security holds.
CREATE VIEW home_told WITH (security_invoker = true) AS
SELECT
  h.home_id, h.code, u.building, u.building_name, u.address, h.unit, u.station, h.class,
  coalesce(s.status, 'stopped') AS heat_status,
  n.celsius AS temperature, n.judged_at AS measured_at, state_name(st.state) AS state,
  (SELECT f.flag_id FROM flag AS f WHERE f.home_id = h.home_id AND f.cleared_at IS NULL) AS flag_id
FROM home AS h
JOIN building_place AS u USING (building_id)
JOIN home_state AS st USING (home_id)
LEFT JOIN LATERAL (
  SELECT x.status FROM home_status AS x
  WHERE x.home_id = h.home_id AND x.since <= now()
  ORDER BY x.since DESC LIMIT 1
) AS s ON true
LEFT JOIN LATERAL (
  SELECT x.celsius, x.judged_at FROM sensor_now AS x
  WHERE x.home_id = h.home_id AND x.expires_at > now()
  ORDER BY x.celsius LIMIT 1
) AS n ON true;

-- For each question, by its place in the arrays: enter the reach (as store/base/access.py does), then tell the home. A round
-- trip and a plan of its own for each would be most of the work. Afterwards the last reach is entered.
CREATE FUNCTION tell_homes(
  asked text[], everywhere text[], stations text[], homes text[], since text[], days text[]
)
RETURNS TABLE (nth integer, home home_told)
LANGUAGE plpgsql
AS $$
BEGIN
  FOR n IN 1 .. cardinality(asked) LOOP
    PERFORM
      set_config('hearth.everywhere', everywhere[n], true), set_config('hearth.station', stations[n], true),
      set_config('hearth.homes', homes[n], true), set_config('hearth.since', since[n], true),
      set_config('hearth.days', days[n], true);
    RETURN QUERY SELECT n, v FROM home_told AS v
    WHERE v.code = asked[n]
      AND (everywhere[n] = 'on' OR v.station = nullif(stations[n], '') OR v.home_id = ANY (homes[n]::integer[]));
  END LOOP;
END
$$;

-- How many people an outage of some places would be announced to, by channel, without saying who they are: for the desk, before
-- it announces. The conditions are those of notices to users (TELL_USERS in store/notices/notice_rows.py); a test holds both
-- together. The row without a channel is about all homes of the places.
CREATE FUNCTION person.reach_of_places(
  of_substations text[], of_buildings text[], of_homes text[], at_time timestamptz
)
RETURNS TABLE (channel text, homes bigint, reached bigint, people bigint, messages bigint, sample text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 4
AS $$
BEGIN
  IF NOT reach_everywhere() THEN
    RETURN;
  END IF;
  RETURN QUERY
    WITH area AS MATERIALIZED (
      SELECT h.home_id, h.code FROM home AS h WHERE h.code = ANY (of_homes)
      UNION
      SELECT h.home_id, h.code FROM home AS h JOIN building AS b USING (building_id) WHERE b.code = ANY (of_buildings)
      UNION
      SELECT h.home_id, h.code
      FROM substation AS u JOIN building AS b USING (substation_id) JOIN home AS h USING (building_id)
      WHERE u.code = ANY (of_substations)
    ), listener AS (
      SELECT a.home_id, a.addressee_id, a.channel, coalesce(c.name, c.resident, '') AS person
      FROM area
      JOIN addressee AS a USING (home_id)
      JOIN person.contact AS c USING (addressee_id)
      CROSS JOIN LATERAL tenancy(a.home_id, c.resident, c.consent_at, at_time) AS y
      WHERE a.ended_at IS NULL AND c.consent_at <= at_time AND y.since <= at_time
    )
    SELECT
      l.channel, count(DISTINCT area.home_id), count(DISTINCT l.home_id),
      count(DISTINCT (l.home_id, l.person)) FILTER (WHERE l.home_id IS NOT NULL), count(l.addressee_id), min(area.code)
    FROM area LEFT JOIN listener AS l USING (home_id)
    GROUP BY GROUPING SETS ((l.channel), ())
    HAVING l.channel IS NOT NULL OR grouping(l.channel) = 1
    ORDER BY l.channel NULLS FIRST;
END
$$;

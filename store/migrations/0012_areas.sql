-- Where something is wrong, as shapes on a map: the areas of open incidents and of outages that are not over.

-- The corners of the smallest convex polygon around some points, counter-clockwise; of one point or none: nothing.
CREATE FUNCTION convex_hull(places point[]) RETURNS point[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  direction integer;
  side point[];
  place point;
  last integer;
  hull point[] := '{}';
BEGIN
  FOREACH direction IN ARRAY ARRAY[1, -1] LOOP -- the lower side from west to east, the upper one back
    side := '{}';
    FOR place IN
      SELECT point(s.x, s.y) FROM (SELECT DISTINCT p[0] AS x, p[1] AS y FROM unnest(places) AS p) AS s
      ORDER BY direction * s.x, direction * s.y
    LOOP
      last := cardinality(side);
      WHILE last >= 2 AND
        ((side[last])[0] - (side[last - 1])[0]) * (place[1] - (side[last - 1])[1])
        <= ((side[last])[1] - (side[last - 1])[1]) * (place[0] - (side[last - 1])[0])
      LOOP
        side := trim_array(side, 1);
        last := last - 1;
      END LOOP;
      side := side || place;
    END LOOP;
    IF cardinality(side) > 1 THEN
      hull := hull || trim_array(side, 1);
    END IF;
  END LOOP;
  RETURN hull;
END
$$;

-- The points of a dotted line around some places (longitude, latitude), 90 m outside of them; of no place: NULL. Dots are
-- 25 m apart, or a 240th of the line where it is long. Grafana's map draws points from a query, and no polygons.
CREATE FUNCTION area_outline(places point[]) RETURNS point[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  north double precision := 111320; -- metres of a degree of latitude
  east double precision; -- metres of a degree of longitude here
  corners point[];
  ring point[];
  step double precision;
BEGIN
  SELECT 111320 * cos(radians(avg(p[1]))), array_agg(p) INTO east, corners FROM unnest(places) AS p
  WHERE p[0] BETWEEN -180 AND 180 AND p[1] BETWEEN -85 AND 85;
  corners := CASE WHEN cardinality(convex_hull(corners)) > 0 THEN convex_hull(corners) ELSE corners END;
  SELECT convex_hull(array_agg(point(p[0] * east + 90 * cosd(30 * n), p[1] * north + 90 * sind(30 * n)))) INTO ring
  FROM unnest(corners) AS p, generate_series(0, 11) AS n;
  SELECT greatest(25, sum(side.ends[0] <-> side.ends[1]) / 240) INTO step
  FROM (
    SELECT lseg(ring[n], ring[n % cardinality(ring) + 1]) AS ends FROM generate_series(1, cardinality(ring)) AS n
  ) AS side;
  RETURN (
    SELECT array_agg(
      point(
        (a[0] + (b[0] - a[0]) * k / parts) / east, (a[1] + (b[1] - a[1]) * k / parts) / north
      ) ORDER BY n, k
    )
    FROM generate_series(1, cardinality(ring)) AS n
    CROSS JOIN LATERAL (SELECT ring[n] AS a, ring[n % cardinality(ring) + 1] AS b) AS ends
    CROSS JOIN LATERAL (SELECT ceil((a <-> b) / step)::integer AS parts) AS cut
    CROSS JOIN LATERAL generate_series(0, parts - 1) AS k
  );
END
$$;

-- Open incidents by the buildings of their homes, outages by the buildings of their places.
CREATE VIEW area_open AS
SELECT
  'incident' AS area, i.kind AS state, i.number, i.name, ARRAY[i.station] AS stations, i.opened_at AS since,
  i.children AS homes, i.ticket, area_outline(coalesce(x.places, ARRAY[point(i.lon, i.lat)])) AS outline
FROM incident_open AS i
CROSS JOIN LATERAL (
  SELECT array_agg(point(b.lon, b.lat)) AS places
  FROM (
    SELECT DISTINCT h.building_id FROM incident_ticket AS k JOIN ticket AS t USING (ticket_id) JOIN home AS h USING (home_id)
    WHERE k.incident_id = i.incident_id AND k.left_at IS NULL
  ) AS d
  JOIN building AS b USING (building_id)
  WHERE b.lat IS NOT NULL AND b.lon IS NOT NULL
) AS x
UNION ALL
SELECT
  'outage', o.state, o.number, x.name, o.stations, o.begins_at, o.homes, NULL, area_outline(x.places)
FROM outage_open AS o
CROSS JOIN LATERAL (
  SELECT
    array_agg(point(b.lon, b.lat)) FILTER (WHERE b.lat IS NOT NULL AND b.lon IS NOT NULL) AS places,
    string_agg(DISTINCT d.name, ', ' ORDER BY d.name) AS name
  FROM (
    SELECT b.building_id, u.name
    FROM outage_area AS a JOIN substation AS u USING (substation_id) JOIN building AS b USING (substation_id)
    WHERE a.outage_id = o.outage_id
    UNION
    SELECT b.building_id, b.name
    FROM outage_area AS a LEFT JOIN home AS h USING (home_id)
    JOIN building AS b ON b.building_id = coalesce(a.building_id, h.building_id)
    WHERE a.outage_id = o.outage_id
  ) AS d
  JOIN building AS b USING (building_id)
) AS x;

-- As before, but the temperatures are those of homes that are judged: a home whose heat was stopped is cold on purpose.
CREATE OR REPLACE FUNCTION building_live(
  of_building integer, OUT homes bigint, OUT compliant bigint, OUT cold bigint, OUT severe bigint, OUT unknown bigint,
  OUT not_judged bigint, OUT coldest real, OUT mean double precision, OUT flags bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10 AS $$
BEGIN
  SELECT
    count(*), count(*) FILTER (WHERE h.state = 'compliant'), count(*) FILTER (WHERE h.state = 'cold'),
    count(*) FILTER (WHERE h.state = 'severe'), count(*) FILTER (WHERE h.state = 'unknown'),
    count(*) FILTER (WHERE h.state = 'not_judged'), min(h.temperature) FILTER (WHERE h.state <> 'not_judged'),
    avg(h.temperature) FILTER (WHERE h.state <> 'not_judged'), count(h.flag_id)
  INTO homes, compliant, cold, severe, unknown, not_judged, coldest, mean, flags
  FROM home_now AS h
  WHERE h.building_id = of_building;
END
$$;

-- How the desk reaches the people of a home: the telephone numbers that the registry has of those who live there now. For
-- the role that may be told of persons, which the API takes for this alone, and only of homes that the request reaches.
CREATE FUNCTION home_telephones(of_home integer, at_time timestamptz)
RETURNS TABLE (address text, resident text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT c.address, c.resident
  FROM addressee AS a
  JOIN person.contact AS c USING (addressee_id)
  CROSS JOIN LATERAL tenancy(a.home_id, c.resident, coalesce(c.consent_at, at_time), at_time) AS y
  WHERE a.home_id = of_home AND a.channel = 'phone' AND a.ended_at IS NULL AND y.since IS NOT NULL AND reach_everywhere()
  ORDER BY c.address
$$;

-- What the bearer of a request may do, beside the rows that it reaches. It is said by the statement that finds the token
-- (store/base/access.py): `hearth.role`, `hearth.rights`, and `hearth.until`, when its own access ends ('': not by
-- itself). Where nothing is said, nothing is allowed.
CREATE FUNCTION reach_right(wanted text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(wanted = ANY (string_to_array(current_setting('hearth.rights', true), ',')), false);

CREATE FUNCTION reach_until() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(nullif(current_setting('hearth.until', true), '')::timestamptz, 'infinity');

-- The standing of a role among others: one that stands higher reaches and may do more. NULL: not a role.
CREATE FUNCTION role_standing(of_role text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_position('{customer,crew,dispatcher,supervisor,admin}', of_role);

-- Whether the caller reaches a home since an instant or before; NULL: the home is nobody's whose token it would be.
CREATE FUNCTION reach_goes_back(of_home integer, since timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT reach_everywhere() OR coalesce(
    since >= coalesce(reach_since(of_home), '-infinity') AND of_home = ANY (reach_homes()), false
  ) OR since IS NOT NULL AND EXISTS (
    SELECT FROM home AS h JOIN building_place AS b USING (building_id)
    WHERE h.home_id = of_home AND b.station = reach_station()
  )
$$;

-- What a token has that the caller has not: 'role', 'reach', 'rights' or 'expiry'; NULL: nothing. Homes of a customer are
-- compared by what their tenancy reaches, a crew's by its station; all other roles reach everything.
CREATE FUNCTION token_beyond(of_token integer, at timestamptz) RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT CASE
    WHEN NOT coalesce(role_standing(t.role) <= role_standing(current_setting('hearth.role', true)), false) THEN 'role'
    WHEN NOT CASE t.role
      WHEN 'customer' THEN NOT EXISTS (
        SELECT FROM token_home AS x
        CROSS JOIN LATERAL tenancy(x.home_id, x.resident, t.created_at, at) AS y
        WHERE x.token_id = t.token_id
          AND NOT reach_goes_back(x.home_id, CASE WHEN y.since IS NOT NULL THEN greatest(y.since, x.from_at) END)
      )
      WHEN 'crew' THEN reach_everywhere() OR coalesce(t.station = reach_station(), false)
      ELSE reach_everywhere()
    END THEN 'reach'
    WHEN EXISTS (SELECT FROM unnest(t.rights) AS r WHERE NOT reach_right(r)) THEN 'rights'
    WHEN coalesce(t.expires_at, 'infinity') > reach_until() THEN 'expiry'
  END
  FROM token AS t WHERE t.token_id = of_token
$$;

-- Makes a token for the caller, who needs the right to write, and returns its number. One that has more than its maker is
-- not made: the error names the constraint token_within_role, _reach, _rights or _expiry.
CREATE FUNCTION make_token(
  token_hash bytea, of_role text, with_rights text[], of_station text, of_label text, until timestamptz, of_homes text[],
  of_resident text, since timestamptz, since_day date, at timestamptz
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
  made integer;
  beyond text;
BEGIN
  INSERT INTO token (hash, role, rights, station, label, created_at, expires_at)
  VALUES (token_hash, of_role, with_rights, of_station, of_label, at, until)
  RETURNING token_id INTO made;
  INSERT INTO token_home (token_id, home_id, resident, from_at, from_day)
  SELECT made, h.home_id, coalesce(of_resident, r.resident), since, since_day
  FROM home AS h
  LEFT JOIN residence AS r ON r.home_id = h.home_id AND tstzrange(r.starts_at, r.ends_at) @> at
  WHERE h.code = ANY (of_homes);
  beyond := CASE WHEN reach_right('write') THEN token_beyond(made, at) ELSE 'rights' END;
  IF beyond IS NOT NULL THEN
    RAISE EXCEPTION 'a token would have more than its maker: %', beyond
    USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'token_within_' || beyond;
  END IF;
  RETURN made;
END
$$;

-- Ends a token that is valid and no session; false: there is none within the reach and the role of the caller. Rights and
-- expiry are not compared: they are not what is gained by ending one.
CREATE FUNCTION end_token(of_token integer, at timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
  UPDATE token SET revoked_at = at
  WHERE token_id = of_token AND revoked_at IS NULL AND staff_id IS NULL AND reach_right('write')
    AND coalesce(token_beyond(token_id, at) NOT IN ('role', 'reach'), true);
  RETURN FOUND;
END
$$;

-- Whether a link holds: asked before the code of who opens it is shown to WeChat, as anybody may open links.
CREATE FUNCTION person.wechat_link_holds(of_hash bytea, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT EXISTS (
    SELECT FROM person.wechat_link AS l
    WHERE l.hash = of_hash AND l.used_at IS NULL AND l.made_at <= at AND l.expires_at > at
  )
$$;

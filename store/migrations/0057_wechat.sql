-- WeChat as a channel of users: accounts that are bound to homes, consents to templates, and links by which users bind.

-- A WeChat account of a user of a home. Apart from contacts, which the registry replaces as a whole.
CREATE TABLE person.wechat_user (
  addressee_id integer PRIMARY KEY REFERENCES addressee,
  openid text NOT NULL CHECK (length(openid) BETWEEN 1 AND 128),
  bound_at timestamptz NOT NULL
);

-- A user's consent to a template; `left_over` counts one-time consents that are not used up, NULL: one for all messages.
CREATE TABLE person.wechat_consent (
  addressee_id integer NOT NULL REFERENCES addressee,
  template text NOT NULL CHECK (length(template) BETWEEN 1 AND 100),
  left_over integer CHECK (left_over BETWEEN 0 AND 1000),
  given_at timestamptz NOT NULL,
  -- Usage: whether a message may be sent
  PRIMARY KEY (addressee_id, template)
);

-- A link that was given to a home; the user who opens it in WeChat is bound to the home, once.
CREATE TABLE person.wechat_link (
  hash bytea PRIMARY KEY, -- SHA-256 of the secret in the link
  home_id integer NOT NULL REFERENCES home,
  made_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT wechat_link_span CHECK (expires_at > made_at AND expires_at <= made_at + interval '1 day'),
  CONSTRAINT wechat_link_used CHECK (used_at >= made_at AND used_at < expires_at)
);

-- Usage: how many links of a home hold
CREATE INDEX wechat_link_home ON person.wechat_link (home_id, made_at);

-- The ways by which users are reached: contacts, and WeChat accounts of those who lived there when they bound them.
CREATE VIEW person.reached AS
SELECT c.addressee_id, c.address, c.resident, c.consent_at FROM person.contact AS c
UNION ALL
SELECT w.addressee_id, w.openid, NULL, w.bound_at FROM person.wechat_user AS w;

-- Gives a home a link; ten hold at a time at most. False: there are too many.
CREATE FUNCTION person.link_wechat(of_home integer, of_hash bytea, at timestamptz, until timestamptz) RETURNS boolean
LANGUAGE sql SECURITY DEFINER AS $$
  WITH made AS (
    INSERT INTO person.wechat_link (hash, home_id, made_at, expires_at)
    SELECT of_hash, of_home, at, until
    WHERE (
      SELECT count(*) FROM person.wechat_link AS l WHERE l.home_id = of_home AND l.used_at IS NULL AND l.expires_at > at
    ) < 10
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM made)
$$;

-- Binds a WeChat account to the home of a link, with so many one-time consents to a template (NULL: one for all messages).
-- An account that is bound again keeps its place; its consents add up. NULL: the link does not hold.
CREATE FUNCTION person.bind_wechat(of_hash bytea, of_openid text, of_template text, consents integer, at timestamptz)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  of_home integer;
  who integer;
BEGIN
  UPDATE person.wechat_link AS l SET used_at = at
  WHERE l.hash = of_hash AND l.used_at IS NULL AND l.made_at <= at AND l.expires_at > at
  RETURNING l.home_id INTO of_home;
  IF of_home IS NULL THEN
    RETURN NULL;
  END IF;
  -- one after the other, so that an account is there once
  PERFORM FROM home AS h WHERE h.home_id = of_home FOR NO KEY UPDATE;
  SELECT a.addressee_id INTO who FROM addressee AS a JOIN person.wechat_user AS w USING (addressee_id)
  WHERE a.home_id = of_home AND w.openid = of_openid AND a.ended_at IS NULL;
  IF who IS NULL THEN
    INSERT INTO addressee (audience, home_id, channel, language) VALUES ('user', of_home, 'wechat', 'zh')
    RETURNING addressee_id INTO who;
    INSERT INTO person.wechat_user (addressee_id, openid, bound_at) VALUES (who, of_openid, at);
  ELSE
    UPDATE person.wechat_user AS w SET bound_at = at WHERE w.addressee_id = who;
  END IF;
  INSERT INTO person.wechat_consent AS k (addressee_id, template, left_over, given_at)
  VALUES (who, of_template, consents, at)
  ON CONFLICT (addressee_id, template) DO UPDATE SET
    left_over = CASE
      WHEN excluded.left_over IS NOT NULL AND k.left_over IS NOT NULL THEN least(k.left_over + excluded.left_over, 1000)
    END,
    given_at = at;
  RETURN (SELECT h.code FROM home AS h WHERE h.home_id = of_home);
END
$$;

-- Ends all WeChat accounts of a home, and links to it: nothing goes there any more, and who they were is forgotten.
CREATE FUNCTION person.unbind_wechat(of_home integer, at timestamptz) RETURNS integer
LANGUAGE sql SECURITY DEFINER AS $$
  WITH
    ended AS (
      UPDATE addressee AS a SET ended_at = at
      WHERE a.home_id = of_home AND a.channel = 'wechat' AND a.ended_at IS NULL
      RETURNING a.addressee_id
    ),
    links AS (DELETE FROM person.wechat_link AS l WHERE l.home_id = of_home),
    consents AS (DELETE FROM person.wechat_consent AS k USING ended AS e WHERE k.addressee_id = e.addressee_id),
    accounts AS (DELETE FROM person.wechat_user AS w USING ended AS e WHERE w.addressee_id = e.addressee_id)
  SELECT count(*)::integer FROM ended
$$;

-- How many accounts of a home are bound, and how many messages their consents are good for (NULL: all).
CREATE FUNCTION person.wechat_of(of_home integer) RETURNS TABLE (accounts integer, left_over integer)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT
    count(DISTINCT a.addressee_id)::integer,
    CASE WHEN bool_or(k.left_over IS NULL) THEN NULL ELSE coalesce(sum(k.left_over), 0)::integer END
  FROM addressee AS a
  JOIN person.wechat_user AS w USING (addressee_id)
  LEFT JOIN person.wechat_consent AS k USING (addressee_id)
  WHERE a.home_id = of_home AND a.ended_at IS NULL
$$;

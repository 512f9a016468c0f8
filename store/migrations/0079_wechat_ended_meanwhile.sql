-- As in 0057, but both take the home first: an account that opened its link while the accounts of the home were ended was
-- there afterwards, as the end had looked for accounts before it waited for the link.
CREATE OR REPLACE FUNCTION person.bind_wechat(
  of_hash bytea, of_openid text, of_template text, consents integer, at timestamptz
)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  of_home integer;
  who integer;
BEGIN
  SELECT l.home_id INTO of_home FROM person.wechat_link AS l WHERE l.hash = of_hash;
  PERFORM FROM home AS h WHERE h.home_id = of_home FOR NO KEY UPDATE;
  UPDATE person.wechat_link AS l SET used_at = at
  WHERE l.hash = of_hash AND l.used_at IS NULL AND l.made_at <= at AND l.expires_at > at;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
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

CREATE OR REPLACE FUNCTION person.unbind_wechat(of_home integer, at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  found integer;
BEGIN
  PERFORM FROM home AS h WHERE h.home_id = of_home FOR NO KEY UPDATE;
  WITH
    ended AS (
      UPDATE addressee AS a SET ended_at = at
      WHERE a.home_id = of_home AND a.channel = 'wechat' AND a.ended_at IS NULL
      RETURNING a.addressee_id
    ),
    links AS (DELETE FROM person.wechat_link AS l WHERE l.home_id = of_home),
    consents AS (DELETE FROM person.wechat_consent AS k USING ended AS e WHERE k.addressee_id = e.addressee_id),
    accounts AS (DELETE FROM person.wechat_user AS w USING ended AS e WHERE w.addressee_id = e.addressee_id)
  SELECT count(*) INTO found FROM ended;
  RETURN found;
END
$$;

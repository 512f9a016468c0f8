-- The company's people: who they are, how they prove it, and the sessions in which they work. A session is a token, so
-- what holds for tokens (reach, rights, streams that end) holds for people too.

CREATE TABLE staff (
  staff_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('crew', 'dispatcher', 'supervisor', 'admin')),
  station text, -- crew: the station it works for
  telephone text,
  language text NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
  sign_in_name text, -- in lower case; NULL: signs in by the identity provider alone
  subject text, -- by the identity provider: its issuer and its own identifier of the person
  active_from timestamptz NOT NULL,
  active_to timestamptz, -- not after; NULL: no end is known
  CONSTRAINT staff_name CHECK (length(name) BETWEEN 1 AND 100 AND name = btrim(name)),
  CONSTRAINT staff_station CHECK ((role = 'crew') = (station IS NOT NULL)),
  CONSTRAINT staff_telephone CHECK (telephone ~ '^\+?[0-9][0-9 ()-]{2,39}$'),
  CONSTRAINT staff_sign_in_name_form CHECK (sign_in_name ~ '^[a-z0-9][a-z0-9._@-]{1,63}$'),
  CONSTRAINT staff_signs_in CHECK (num_nonnulls(sign_in_name, subject) > 0),
  CONSTRAINT staff_active CHECK (active_to >= active_from),
  -- Usage: signing in by name
  CONSTRAINT staff_sign_in_name UNIQUE (sign_in_name),
  -- Usage: signing in by the identity provider
  CONSTRAINT staff_subject UNIQUE (subject)
);

-- A token with a person is a session of theirs. Role and station are copied: a session whose person has another role or
-- station by now is over, and so is one that was not used for `idle`.
ALTER TABLE token
  ADD COLUMN staff_id integer REFERENCES staff,
  ADD COLUMN device text, -- as the browser describes itself
  ADD COLUMN used_at timestamptz, -- to the minutes after which it is written again
  ADD COLUMN idle interval,
  ADD COLUMN pending boolean NOT NULL DEFAULT false, -- the password was right, the code is awaited: not a session yet
  ADD CONSTRAINT token_session CHECK (
    CASE WHEN staff_id IS NULL THEN num_nonnulls(device, used_at, idle) = 0 AND NOT pending
    ELSE num_nonnulls(device, used_at, idle, expires_at) = 4 AND role <> 'customer' END
  );

-- Usage: the sessions of a person
CREATE INDEX token_staff ON token (staff_id) WHERE staff_id IS NOT NULL;

-- What people prove themselves with. No process reads this schema.
CREATE SCHEMA credential;
REVOKE ALL ON SCHEMA credential FROM PUBLIC;

CREATE TABLE credential.password (
  staff_id integer PRIMARY KEY REFERENCES staff,
  hash text NOT NULL CHECK (hash LIKE '$argon2id$%'),
  set_at timestamptz NOT NULL
);

-- Codes by time (RFC 6238). A code is taken once: none that is not later than the last one.
CREATE TABLE credential.totp (
  staff_id integer PRIMARY KEY REFERENCES staff,
  secret bytea NOT NULL CHECK (length(secret) BETWEEN 16 AND 64),
  last_counter bigint NOT NULL,
  set_at timestamptz NOT NULL
);

CREATE TABLE credential.invitation (
  hash bytea PRIMARY KEY, -- of the code in the link
  staff_id integer NOT NULL REFERENCES staff,
  made_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT invitation_span CHECK (expires_at > made_at AND expires_at <= made_at + interval '7 days'),
  CONSTRAINT invitation_used CHECK (used_at >= made_at AND used_at < expires_at)
);

-- Usage: a person has one invitation at most that is not used
CREATE UNIQUE INDEX invitation_open ON credential.invitation (staff_id) WHERE used_at IS NULL;

-- The person of a sign-in name with the hash of the password, one at a time.
CREATE FUNCTION credential.known(asked text, at timestamptz)
RETURNS TABLE (staff_id integer, name text, role text, hash text, has_totp boolean)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT s.staff_id, s.name, s.role, p.hash, EXISTS (SELECT FROM credential.totp AS t WHERE t.staff_id = s.staff_id)
  FROM staff AS s JOIN credential.password AS p ON p.staff_id = s.staff_id
  WHERE s.sign_in_name = asked AND s.active_from <= at AND coalesce(s.active_to > at, true)
$$;

-- Begins a session, of somebody who is active alone. What ended a quarter of a year ago is forgotten.
CREATE FUNCTION credential.open_session(
  of_staff integer, token_hash bytea, of_device text, at timestamptz, may_idle interval, until timestamptz, awaits_code boolean
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  opened integer;
BEGIN
  DELETE FROM token AS t WHERE t.staff_id = of_staff AND least(t.revoked_at, t.expires_at) < at - interval '90 days';
  INSERT INTO token (hash, role, station, created_at, expires_at, staff_id, device, used_at, idle, pending)
  SELECT token_hash, s.role, s.station, at, until, s.staff_id, of_device, at, may_idle, awaits_code
  FROM staff AS s
  WHERE s.staff_id = of_staff AND s.active_from <= at AND coalesce(s.active_to > at, true)
  RETURNING token_id INTO opened;
  RETURN opened;
END
$$;

CREATE FUNCTION credential.use_session(of_token integer, at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
  UPDATE token SET used_at = at WHERE token_id = of_token AND staff_id IS NOT NULL AND used_at < at
$$;

-- Ends a session of a person, or all but one (`spared`); returns how many.
CREATE FUNCTION credential.end_sessions(of_staff integer, one integer, spared integer, at timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER AS $$
  WITH ended AS (
    UPDATE token SET revoked_at = at
    WHERE staff_id = of_staff AND revoked_at IS NULL AND (one IS NULL OR token_id = one)
      AND token_id IS DISTINCT FROM spared
    RETURNING token_id
  )
  SELECT count(*) FROM ended
$$;

-- The person who has given the password and owes the code, with what the code is checked by.
CREATE FUNCTION credential.owing(token_hash bytea, at timestamptz)
RETURNS TABLE (staff_id integer, name text, role text, token_id integer, secret bytea)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT s.staff_id, s.name, s.role, k.token_id, t.secret
  FROM token AS k JOIN staff AS s USING (staff_id) JOIN credential.totp AS t USING (staff_id)
  WHERE k.hash = token_hash AND k.pending AND k.revoked_at IS NULL AND k.expires_at > at
    AND s.active_from <= at AND coalesce(s.active_to > at, true)
$$;

-- Takes a code: false if it, or a later one, was taken before.
CREATE FUNCTION credential.take_code(of_staff integer, of_counter bigint) RETURNS boolean
LANGUAGE sql SECURITY DEFINER AS $$
  WITH taken AS (
    UPDATE credential.totp SET last_counter = of_counter
    WHERE staff_id = of_staff AND last_counter < of_counter RETURNING staff_id
  )
  SELECT EXISTS (SELECT FROM taken)
$$;

CREATE FUNCTION credential.set_password(of_staff integer, of_hash text, at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
  INSERT INTO credential.password (staff_id, hash, set_at) VALUES (of_staff, of_hash, at)
  ON CONFLICT (staff_id) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at
$$;

-- Sets the secret of codes with the counter of the code that proved it; without a secret, codes are off again.
CREATE FUNCTION credential.set_totp(of_staff integer, of_secret bytea, of_counter bigint, at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  DELETE FROM credential.totp WHERE staff_id = of_staff;
  IF of_secret IS NOT NULL THEN
    INSERT INTO credential.totp (staff_id, secret, last_counter, set_at) VALUES (of_staff, of_secret, of_counter, at);
  END IF;
END
$$;

-- How a person proves itself, without what with.
CREATE FUNCTION credential.proofs(of_staff integer)
RETURNS TABLE (password_set_at timestamptz, totp_set_at timestamptz, invited_until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT
    (SELECT p.set_at FROM credential.password AS p WHERE p.staff_id = of_staff),
    (SELECT t.set_at FROM credential.totp AS t WHERE t.staff_id = of_staff),
    (SELECT i.expires_at FROM credential.invitation AS i WHERE i.staff_id = of_staff AND i.used_at IS NULL)
$$;

-- Invites a person; an invitation before this one that was not used holds no more.
CREATE FUNCTION credential.invite(of_staff integer, of_hash bytea, at timestamptz, until timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  PERFORM FROM staff AS s WHERE s.staff_id = of_staff FOR NO KEY UPDATE; -- one invitation at a time
  DELETE FROM credential.invitation WHERE staff_id = of_staff AND used_at IS NULL;
  INSERT INTO credential.invitation (hash, staff_id, made_at, expires_at) VALUES (of_hash, of_staff, at, until);
END
$$;

CREATE FUNCTION credential.invited(of_hash bytea, at timestamptz) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT i.staff_id FROM credential.invitation AS i JOIN staff AS s USING (staff_id)
  WHERE i.hash = of_hash AND i.used_at IS NULL AND i.expires_at > at AND coalesce(s.active_to > at, true)
$$;

-- Takes an invitation, once: the person has this password then, and all sessions before are over.
CREATE FUNCTION credential.accept(of_hash bytea, password_hash text, at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  whose integer;
BEGIN
  UPDATE credential.invitation AS i SET used_at = at
  FROM staff AS s
  WHERE i.hash = of_hash AND i.used_at IS NULL AND i.expires_at > at AND s.staff_id = i.staff_id
    AND coalesce(s.active_to > at, true)
  RETURNING i.staff_id INTO whose;
  IF whose IS NOT NULL THEN
    PERFORM credential.set_password(whose, password_hash, at), credential.end_sessions(whose, NULL, NULL, at);
  END IF;
  RETURN whose;
END
$$;

-- Forgets what a person proves itself with, and ends the sessions: a password that others know, a telephone that is lost.
CREATE FUNCTION credential.forget(of_staff integer, at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  DELETE FROM credential.password WHERE staff_id = of_staff;
  DELETE FROM credential.totp WHERE staff_id = of_staff;
  DELETE FROM credential.invitation WHERE staff_id = of_staff AND used_at IS NULL;
  PERFORM credential.end_sessions(of_staff, NULL, NULL, at);
END
$$;

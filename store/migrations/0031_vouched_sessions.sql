-- The identity provider has to vouch for its people's sessions again and again: a session that it has not vouched for
-- lately is none, as if it were not used, until it is asked and says yes.

ALTER TABLE token
  ADD COLUMN vouched_until timestamptz, -- NULL: nobody has to vouch for it
  ADD CONSTRAINT token_vouched CHECK (vouched_until IS NULL OR staff_id IS NOT NULL);

-- The tokens that the provider is asked with. They are encrypted under a key made of the session's own token, which is on
-- record as a hash only: who reads this table can ask nothing.
CREATE TABLE credential.provider_tokens (
  token_id integer PRIMARY KEY REFERENCES token ON DELETE CASCADE,
  sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 29 AND 65536)
);

-- Keeps what a session's provider is asked with next time, and until when it has vouched.
CREATE FUNCTION credential.vouch(token_hash bytea, of_sealed bytea, until timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER AS $$
  UPDATE token SET vouched_until = until WHERE hash = token_hash AND staff_id IS NOT NULL;
  INSERT INTO credential.provider_tokens (token_id, sealed)
  SELECT t.token_id, of_sealed FROM token AS t WHERE t.hash = token_hash AND t.staff_id IS NOT NULL
  ON CONFLICT (token_id) DO UPDATE SET sealed = excluded.sealed
$$;

-- The session that lacks its provider's word alone. It is locked: one request asks, others wait for what it hears.
CREATE FUNCTION credential.unvouched(token_hash bytea, at timestamptz)
RETURNS TABLE (token_id integer, staff_id integer, subject text, sealed bytea)
LANGUAGE sql SECURITY DEFINER AS $$
  SELECT k.token_id, s.staff_id, s.subject, p.sealed
  FROM token AS k JOIN staff AS s USING (staff_id) JOIN credential.provider_tokens AS p USING (token_id)
  WHERE k.hash = token_hash AND k.vouched_until <= at
    AND NOT k.pending AND k.revoked_at IS NULL AND k.expires_at > at AND k.used_at + k.idle > at
    AND s.active_from <= at AND coalesce(s.active_to > at, true)
    AND s.role = k.role AND s.station IS NOT DISTINCT FROM k.station
  FOR UPDATE OF k
$$;

-- What is kept for a session, for signing out at the provider.
CREATE FUNCTION credential.provider_tokens_of(of_token integer) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT p.sealed FROM credential.provider_tokens AS p WHERE p.token_id = of_token
$$;

-- Usage: nothing is kept to ask a provider with for a session that has ended
CREATE FUNCTION forget_provider_tokens() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  DELETE FROM credential.provider_tokens WHERE token_id = NEW.token_id;
  RETURN NULL;
END
$$;
CREATE TRIGGER forget_provider_tokens AFTER UPDATE OF revoked_at ON token
FOR EACH ROW WHEN (NEW.revoked_at IS NOT NULL AND NEW.staff_id IS NOT NULL)
EXECUTE FUNCTION forget_provider_tokens();

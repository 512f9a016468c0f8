-- A session begins on a password that was checked a moment ago. It holds the password until it is there: who changes the
-- password meanwhile waits, and then ends this session with the others.
CREATE FUNCTION credential.hold_password(of_staff integer) RETURNS text
LANGUAGE sql SECURITY DEFINER AS $$
  SELECT p.hash FROM credential.password AS p WHERE p.staff_id = of_staff FOR NO KEY UPDATE
$$;

-- Sets the secret of codes with the counter of the code that proved it. Codes that are on are only ended, not replaced:
-- ending them takes the password, which an open session alone does not have.
CREATE OR REPLACE FUNCTION credential.set_totp(of_staff integer, of_secret bytea, of_counter bigint, at timestamptz)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF of_secret IS NULL THEN
    DELETE FROM credential.totp WHERE staff_id = of_staff;
  ELSE
    INSERT INTO credential.totp (staff_id, secret, last_counter, set_at) VALUES (of_staff, of_secret, of_counter, at)
    ON CONFLICT (staff_id) DO NOTHING;
  END IF;
END
$$;

-- TimescaleDB drops whole chunks, all at once: what is in one with something younger stays until that is old too.

CREATE FUNCTION drop_readings(before timestamptz, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '5s' -- a chunk that somebody reads is tried again later, instead of everybody waiting behind us
AS $$
BEGIN
  UPDATE readings_kept SET since = before WHERE since IS NULL OR since < before;
  RETURN
    (SELECT count(*) FROM drop_chunks('reading', older_than => before))
    + (SELECT count(*) FROM drop_chunks('substation_reading', older_than => before));
END
$$;

REVOKE ALL ON FUNCTION drop_readings(timestamptz, integer) FROM PUBLIC;

-- A function with its owner's rights must not find tables that a caller has put in the way.
DO $$
BEGIN
  EXECUTE format(
    'ALTER FUNCTION drop_readings(timestamptz, integer) SET search_path = %I, pg_temp', current_schema()
  );
END
$$;

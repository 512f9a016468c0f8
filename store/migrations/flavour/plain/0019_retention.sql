-- Plain PostgreSQL deletes row by row, some at each call.

CREATE FUNCTION drop_readings(before timestamptz, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
  dropped bigint;
  of_substations bigint;
BEGIN
  UPDATE readings_kept SET since = before WHERE since IS NULL OR since < before;
  DELETE FROM reading WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM reading AS r WHERE r.measured_at < before LIMIT most));
  GET DIAGNOSTICS dropped = ROW_COUNT;
  DELETE FROM substation_reading
  WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM substation_reading AS r WHERE r.measured_at < before LIMIT most));
  GET DIAGNOSTICS of_substations = ROW_COUNT;
  RETURN dropped + of_substations;
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

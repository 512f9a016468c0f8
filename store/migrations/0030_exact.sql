-- Temperatures are judged in whole thousandths of a degree. Raw readings keep their 32 bits; what is judged (sensor_now,
-- home_state, flag, ledger) is the 32-bit float nearest to whole thousandths, and so are offsets and limits.

-- What is judged of a raw temperature, as alerts/weigh.py has it. Half of a thousandth goes to the even side.
CREATE FUNCTION judged_milli(raw real, offset_k real) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (round(raw::float8 * 1000) + round(offset_k::float8 * 1000))::integer;

CREATE FUNCTION judged_celsius(raw real, offset_k real) RETURNS real
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((round(raw::float8 * 1000) + round(offset_k::float8 * 1000)) / 1000)::real;

UPDATE point SET offset_k = judged_celsius(offset_k, 0) WHERE offset_k <> judged_celsius(offset_k, 0);
UPDATE home SET contract_limit = judged_celsius(contract_limit, 0)
WHERE contract_limit <> judged_celsius(contract_limit, 0);
UPDATE sensor_now SET celsius = judged_celsius(celsius, 0) WHERE celsius <> judged_celsius(celsius, 0);
UPDATE home_state SET lowest = judged_celsius(lowest, 0) WHERE lowest <> judged_celsius(lowest, 0);
UPDATE flag SET lowest = judged_celsius(lowest, 0), limit_celsius = judged_celsius(limit_celsius, 0)
WHERE (lowest, limit_celsius) <> (judged_celsius(lowest, 0), judged_celsius(limit_celsius, 0));

ALTER TABLE point
  -- Usage: an offset that is finer would be judged as another than the one on record
  ADD CONSTRAINT point_offset_exact CHECK (offset_k = judged_celsius(offset_k, 0));
ALTER TABLE home
  -- Usage: a limit that is finer would be judged as another than the one on record
  ADD CONSTRAINT home_limit_exact CHECK (contract_limit = judged_celsius(contract_limit, 0));
ALTER TABLE flag
  -- Usage: a flag says exactly what was judged
  ADD CONSTRAINT flag_exact CHECK (
    lowest = judged_celsius(lowest, 0) AND limit_celsius = judged_celsius(limit_celsius, 0)
  );

-- The machines of closed days (alerts/engine/machine.py, 84 bytes) had 32-bit floats at bytes 24 (lowest; infinity:
-- none) and 69 (limit) where thousandths of a degree are now, as little-endian integers.
CREATE FUNCTION pg_temp.thousandths(machine bytea, at integer) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  bits bigint := get_byte(machine, at) + (get_byte(machine, at + 1) << 8) + (get_byte(machine, at + 2) << 16)
    + (get_byte(machine, at + 3)::bigint << 24);
  exponent integer := (bits >> 23) & 255;
  fraction bigint := bits & 8388607;
  milli bigint := 2147483647;
BEGIN
  IF exponent = 0 THEN
    milli := 0;
  ELSIF exponent < 255 THEN
    milli := round((fraction + 8388608)::float8 * 2::float8 ^ (exponent - 150) * 1000);
    IF bits >> 31 = 1 THEN
      milli := -milli;
    END IF;
  END IF;
  FOR nth IN 0..3 LOOP
    machine := set_byte(machine, at + nth, ((milli >> 8 * nth) & 255)::integer);
  END LOOP;
  RETURN machine;
END
$$;

UPDATE ledger SET machine = pg_temp.thousandths(pg_temp.thousandths(machine, 24), 69) WHERE machine IS NOT NULL;

CREATE OR REPLACE VIEW home_reading AS
SELECT
  h.code AS home, s.code AS sensor, p.room, p.room_kind, p.interval_s, r.measured_at,
  judged_celsius(r.temperature, p.offset_k) AS temperature, r.humidity, r.quality
FROM home AS h
JOIN point AS p USING (home_id)
JOIN sensor AS s USING (sensor_id)
JOIN reading AS r ON r.sensor_id = p.sensor_id
  AND (p.valid_from IS NULL OR r.measured_at >= p.valid_from) AND (p.valid_to IS NULL OR r.measured_at < p.valid_to);

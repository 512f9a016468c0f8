-- The hash of a new day of the ledger is made of the same text as before, put together by `concat`: functions of JSON took a
-- third of what the journal of a day costs. Whole numbers and ISO days have the same text in JSON. So has a temperature that
-- needs no exponent; any other is made jsonb first.
CREATE OR REPLACE FUNCTION journal_new_days() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET timezone = 'UTC' SET datestyle = 'ISO' SET extra_float_digits = 1 SET jit = off AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
  us CONSTANT bigint := extract(epoch FROM moment) * 1000000;
  account CONSTANT text := session_user;
  middle CONSTANT text := concat('"], 1, ', us, ', ', to_json(account), ', [');
BEGIN
  INSERT INTO journal (relation, key, form, at, writer, hash, days, hashes)
  SELECT
    CASE WHEN x.alone THEN 'ledger' ELSE 'ledger_days' END,
    CASE WHEN x.alone THEN jsonb_build_array(x.home_id, x.days[1]) ELSE jsonb_build_array(x.home_id) END, 1,
    moment, account, CASE WHEN x.alone THEN x.hashes ELSE sha256(x.hashes) END,
    CASE WHEN NOT x.alone THEN x.days END, CASE WHEN NOT x.alone THEN x.hashes END
  FROM (
    SELECT
      d.home_id, count(*) = 1 AS alone, array_agg(d.day) AS days, string_agg(d.hash, ''::bytea) AS hashes
    FROM (
      SELECT
        n.home_id, n.day,
        sha256(convert_to(concat(
          '["ledger", [', n.home_id, ', "', n.day, middle, n.compliant_us, ', ', n.cold_us, ', ', n.severe_us, ', ',
          n.unknown_us, ', ', n.not_judged_us, ', ', n.shortfall_us, ', ', n.heat, ', ', n.deficit, ', ',
          CASE
            WHEN n.lowest IS NULL THEN 'null'
            WHEN abs(n.lowest) BETWEEN 0.001 AND 99999 THEN n.lowest::text
            ELSE to_jsonb(n.lowest)::text
          END,
          ', ', to_json(n.policy), ']]'
        ), 'UTF8')) AS hash
      FROM written AS n
      WHERE n.closed
    ) AS d
    GROUP BY d.home_id
  ) AS x;
  RETURN NULL;
END
$$;

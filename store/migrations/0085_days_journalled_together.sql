-- A season that is judged from an empty record is hundreds of thousands of days of the ledger, and of what a new day cost,
-- its entry of the journal was two thirds: most of that its own row, and its key in an index. The new days of a home that
-- one statement writes have one entry together, with the hash of each day in it: the same that an entry of its own would
-- have. So each day is checked by itself, and its first change is chained to its hash there.

ALTER TABLE journal
  ADD COLUMN days date[], -- of a home, journalled together; NULL: the entry is of one row
  ADD COLUMN hashes bytea, -- 32 bytes of each; `hash` is the SHA-256 of them all
  ADD CONSTRAINT journal_days_have_hashes
    CHECK (num_nulls(days, hashes) = 2 OR (days IS NOT NULL AND length(hashes) = 32 * cardinality(days)));

-- A day alone has an entry of its own, as each that is closed in time.
CREATE OR REPLACE FUNCTION journal_new_days() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' SET extra_float_digits = 1 SET jit = off AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
  us CONSTANT bigint := extract(epoch FROM moment) * 1000000;
  account CONSTANT text := session_user;
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
        sha256(convert_to(json_build_array(
          'ledger', json_build_array(n.home_id, n.day), 1, us, account,
          json_build_array(
            n.compliant_us, n.cold_us, n.severe_us, n.unknown_us, n.not_judged_us, n.shortfall_us, n.heat, n.deficit,
            to_jsonb(n.lowest), n.policy
          )
        )::text, 'UTF8')) AS hash
      FROM written AS n
      WHERE n.closed
    ) AS d
    GROUP BY d.home_id
  ) AS x;
  RETURN NULL;
END
$$;

-- The same as for other tables (0010_evidence.sql), but that the hash before may be that of a day in an entry of several. One
-- that was no evidence before and has no entry of its own is in none.
CREATE OR REPLACE FUNCTION journal_ledger() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET timezone = 'UTC' SET extra_float_digits = 1 SET bytea_output = hex
SET enable_nestloop = off SET enable_seqscan = off SET enable_hashjoin = on SET enable_mergejoin = on SET jit = off AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
BEGIN
  INSERT INTO journal (relation, key, form, at, writer, hash)
  SELECT
    'ledger', x.key, x.form, moment, session_user,
    journal_hash(
      coalesce(
        j.hash,
        CASE WHEN x.was > 0 THEN (
          SELECT substring(e.hashes FROM 32 * (array_position(e.days, x.day) - 1) + 1 FOR 32) FROM journal AS e
          WHERE e.relation = 'ledger_days' AND e.key = jsonb_build_array(x.home_id)
            AND array_position(e.days, x.day) IS NOT NULL
          ORDER BY e.journal_id DESC LIMIT 1
        ) END,
        ''
      ),
      'ledger', x.key, x.form, moment, session_user, x.said
    )
  FROM (
    SELECT
      jsonb_build_array(n.home_id, n.day) AS key, n.home_id, n.day, o.form AS was, n.form,
      CASE n.form
        WHEN 1 THEN jsonb_build_array(n.compliant_us, n.cold_us, n.severe_us, n.unknown_us, n.not_judged_us, n.shortfall_us, n.heat, n.deficit, n.lowest, n.policy)
        ELSE '[]'
      END AS said
    FROM (SELECT n.*, (CASE WHEN n.closed THEN 1 ELSE 0 END)::smallint AS form FROM written AS n) AS n
    JOIN (SELECT n.*, (CASE WHEN n.closed THEN 1 ELSE 0 END)::smallint AS form FROM before AS n) AS o USING (home_id, day)
    WHERE (
      n.form <> o.form OR CASE n.form
        WHEN 1 THEN ROW(o.compliant_us, o.cold_us, o.severe_us, o.unknown_us, o.not_judged_us, o.shortfall_us, o.heat, o.deficit, o.lowest, o.policy) IS DISTINCT FROM ROW(n.compliant_us, n.cold_us, n.severe_us, n.unknown_us, n.not_judged_us, n.shortfall_us, n.heat, n.deficit, n.lowest, n.policy)
        ELSE false
      END
    )
    ORDER BY n.home_id, n.day OFFSET 0
  ) AS x
  LEFT JOIN LATERAL (
    SELECT e.hash FROM journal AS e
    WHERE e.relation = 'ledger' AND e.key = x.key ORDER BY e.journal_id DESC LIMIT 1
  ) AS j ON true;
  RETURN NULL;
END
$$;

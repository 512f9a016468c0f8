-- A cold home's ticket is opened with five clocks, and their entries in the journal were the largest part of what a storm of
-- flags costs the server. The new clocks of a ticket that one statement writes have one entry together, as new days of a
-- home have (0085_days_journalled_together.sql), with the hash of each: the same that an entry of its own would have.

ALTER TABLE journal
  ADD COLUMN names text[], -- of the clocks of a round of a ticket, journalled together; NULL as `days`
  DROP CONSTRAINT journal_days_have_hashes,
  ADD CONSTRAINT journal_rows_have_hashes CHECK (
    num_nonnulls(days, names) = num_nonnulls(hashes)
    AND (hashes IS NULL OR length(hashes) = 32 * coalesce(cardinality(days), cardinality(names)))
  );

-- A clock alone has an entry of its own. The text is that of json_build_array, put together by `concat`.
CREATE OR REPLACE FUNCTION journal_new_clocks() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' SET datestyle = 'ISO' SET jit = off AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
  us CONSTANT bigint := extract(epoch FROM moment) * 1000000;
  account CONSTANT text := session_user;
  middle CONSTANT text := concat('], 1, ', us, ', ', to_json(account), ', [');
BEGIN
  INSERT INTO journal (relation, key, form, at, writer, hash, names, hashes)
  SELECT
    CASE WHEN x.alone THEN 'clock' ELSE 'clocks' END,
    CASE
      WHEN x.alone THEN jsonb_build_array(x.ticket_id, x.round, x.names[1])
      ELSE jsonb_build_array(x.ticket_id, x.round)
    END, 1,
    moment, account, CASE WHEN x.alone THEN x.hashes ELSE sha256(x.hashes) END,
    CASE WHEN NOT x.alone THEN x.names END, CASE WHEN NOT x.alone THEN x.hashes END
  FROM (
    SELECT
      c.ticket_id, c.round, count(*) = 1 AS alone, array_agg(c.name) AS names,
      string_agg(c.hash, ''::bytea) AS hashes
    FROM (
      SELECT
        n.ticket_id, n.round, n.name,
        sha256(convert_to(concat(
          '["clock", [', n.ticket_id, ', ', n.round, ', ', to_json(n.name), middle,
          coalesce(to_json(n.started_at)::text, 'null'), ', ', coalesce(to_json(n.due_at)::text, 'null'), ', ',
          coalesce(to_json(n.warn_at)::text, 'null'), ', ', coalesce(to_json(n.warned_at)::text, 'null'), ', ',
          coalesce(to_json(n.met_at)::text, 'null'), ', ', coalesce(to_json(n.breached_at)::text, 'null'), ', ',
          coalesce(to_json(n.void_at)::text, 'null'), ']]'
        ), 'UTF8')) AS hash
      FROM written AS n
    ) AS c
    GROUP BY c.ticket_id, c.round
  ) AS x;
  RETURN NULL;
END
$$;

-- The same as for other tables (0010_evidence.sql), but that the hash before may be that of a clock in an entry of several.
CREATE OR REPLACE FUNCTION journal_clock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET timezone = 'UTC' SET extra_float_digits = 1 SET bytea_output = hex
SET enable_nestloop = off SET enable_seqscan = off SET enable_hashjoin = on SET enable_mergejoin = on SET jit = off AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
BEGIN
  INSERT INTO journal (relation, key, form, at, writer, hash)
  SELECT
    'clock', x.key, 1, moment, session_user,
    journal_hash(
      coalesce(
        j.hash,
        (
          SELECT substring(e.hashes FROM 32 * (array_position(e.names, x.name) - 1) + 1 FOR 32) FROM journal AS e
          WHERE e.relation = 'clocks' AND e.key = jsonb_build_array(x.ticket_id, x.round)
            AND array_position(e.names, x.name) IS NOT NULL
          ORDER BY e.journal_id DESC LIMIT 1
        ),
        ''
      ),
      'clock', x.key, 1::smallint, moment, session_user, x.said
    )
  FROM (
    SELECT
      jsonb_build_array(n.ticket_id, n.round, n.name) AS key, n.ticket_id, n.round, n.name,
      CASE n.form
        WHEN 1 THEN jsonb_build_array(n.started_at, n.due_at, n.warn_at, n.warned_at, n.met_at, n.breached_at, n.void_at)
      END AS said
    FROM (SELECT n.*, 1 AS form FROM written AS n) AS n
    JOIN before AS o USING (ticket_id, round, name)
    WHERE CASE n.form
      WHEN 1 THEN ROW(o.started_at, o.due_at, o.warn_at, o.warned_at, o.met_at, o.breached_at, o.void_at) IS DISTINCT FROM ROW(n.started_at, n.due_at, n.warn_at, n.warned_at, n.met_at, n.breached_at, n.void_at)
    END
    ORDER BY n.ticket_id, n.round, n.name OFFSET 0
  ) AS x
  LEFT JOIN LATERAL (
    SELECT e.hash FROM journal AS e
    WHERE e.relation = 'clock' AND e.key = x.key ORDER BY e.journal_id DESC LIMIT 1
  ) AS j ON true;
  RETURN NULL;
END
$$;

-- The last entries of rows (0068_sealed_figures.sql). `together`: the hashes of all rows of the entry, whose SHA-256 is what
-- lies under the seal, where the row has it with others.
DROP FUNCTION last_entries(text, jsonb);
CREATE FUNCTION last_entries(of_relation text, of_keys jsonb)
RETURNS TABLE (
  key jsonb, form smallint, at timestamptz, writer text, hash bytea, previous bytea, together bytea, seal bigint
)
LANGUAGE sql STABLE SECURITY DEFINER
AS $$
  SELECT k.key, j.form, j.at, j.writer, j.hash, j.previous, j.together, s.chain_seal_id
  FROM jsonb_array_elements(of_keys) AS k (key)
  CROSS JOIN LATERAL (
    SELECT x.journal_id, x.form, x.at, x.writer, x.hash, lead(x.hash) OVER latest AS previous, x.together
    FROM (
      SELECT e.journal_id, e.form, e.at, e.writer, e.hash, NULL::bytea AS together FROM journal AS e
      WHERE e.relation = of_relation AND e.key = k.key
      UNION ALL
      SELECT
        e.journal_id, e.form, e.at, e.writer,
        substring(e.hashes FROM 32 * (array_position(e.names, k.key ->> 2) - 1) + 1 FOR 32), e.hashes
      FROM journal AS e
      WHERE of_relation = 'clock' AND e.relation = 'clocks' AND e.key = jsonb_build_array(k.key -> 0, k.key -> 1)
        AND array_position(e.names, k.key ->> 2) IS NOT NULL
    ) AS x
    WINDOW latest AS (ORDER BY x.journal_id DESC)
    ORDER BY x.journal_id DESC LIMIT 1
  ) AS j
  LEFT JOIN LATERAL (
    SELECT c.chain_seal_id FROM chain_seal AS c
    WHERE c.entries_upto >= j.journal_id ORDER BY c.entries_upto, c.chain_seal_id LIMIT 1
  ) AS s ON true
  WHERE of_relation IN ('clock', 'refund_sheet') AND current_setting('hearth.everywhere', true) = 'on'
$$;

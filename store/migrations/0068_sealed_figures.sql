-- What a package of figures needs to show that its lists are what was sealed: entries of the journal, and seals over them.

-- Usage: the seal that an entry lies under
CREATE INDEX chain_seal_entries_upto ON chain_seal (entries_upto, chain_seal_id);

-- The last entries of rows of the journal, each with the hash before it and its seal. For those who see all stations: of
-- clocks and refund sheets, which are the lines of lists. The hash of an entry tells nothing of what was said.
CREATE FUNCTION last_entries(of_relation text, of_keys jsonb)
RETURNS TABLE (key jsonb, form smallint, at timestamptz, writer text, hash bytea, previous bytea, seal bigint)
LANGUAGE sql STABLE SECURITY DEFINER
AS $$
  SELECT k.key, j.form, j.at, j.writer, j.hash, p.hash, s.chain_seal_id
  FROM jsonb_array_elements(of_keys) AS k (key)
  CROSS JOIN LATERAL (
    SELECT e.journal_id, e.form, e.at, e.writer, e.hash FROM journal AS e
    WHERE e.relation = of_relation AND e.key = k.key ORDER BY e.journal_id DESC LIMIT 1
  ) AS j
  LEFT JOIN LATERAL (
    SELECT e.hash FROM journal AS e
    WHERE e.relation = of_relation AND e.key = k.key AND e.journal_id < j.journal_id ORDER BY e.journal_id DESC LIMIT 1
  ) AS p ON true
  LEFT JOIN LATERAL (
    SELECT c.chain_seal_id FROM chain_seal AS c
    WHERE c.entries_upto >= j.journal_id ORDER BY c.entries_upto, c.chain_seal_id LIMIT 1
  ) AS s ON true
  WHERE of_relation IN ('clock', 'refund_sheet') AND current_setting('hearth.everywhere', true) = 'on'
$$;

-- The hashes of the entries under a seal, in their order, as sealed_hashes has those of events.
CREATE FUNCTION sealed_entries(of_seal bigint) RETURNS bytea[]
LANGUAGE sql STABLE SECURITY DEFINER
AS $$
  SELECT array_agg(j.hash ORDER BY j.journal_id)
  FROM chain_seal AS s
  JOIN journal AS j ON j.journal_id <= s.entries_upto
    AND j.journal_id > coalesce(
      (SELECT p.entries_upto FROM chain_seal AS p WHERE p.chain_seal_id = s.chain_seal_id - 1), 0
    )
  WHERE s.chain_seal_id = of_seal
$$;

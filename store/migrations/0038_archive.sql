-- The archive of settled days (archives/): what this database knows of its manifest, so that a seal is over it.

-- One row for each entry of the manifest, noted before its files belong to the archive. So two processes never write the
-- same entry, and a manifest that lacks an entry, or has another one, is not the one that this database has sealed.
CREATE TABLE archive_entry (
  number bigint PRIMARY KEY, -- of the entry, without gaps
  kind text NOT NULL CHECK (kind IN ('reading', 'substation_reading')),
  root bytea NOT NULL CHECK (length(root) = 32), -- SHA-256 of the entry: of all entries and files up to here
  upto date NOT NULL, -- days before are in the archive
  late bigint NOT NULL, -- reading_late_id: what came late up to here is in the archive
  noted_at timestamptz NOT NULL
);

-- Usage: nobody, not even the owner by mistake, takes evidence away
CREATE TRIGGER archive_entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON archive_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE archive_entry ENABLE ALWAYS TRIGGER archive_entry_stays;

-- The journal of it, as 0010_evidence.sql makes those of other tables; its rows are never changed.
CREATE FUNCTION journal_archive_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET timezone = 'UTC' SET extra_float_digits = 1 SET bytea_output = hex
SET enable_nestloop = off SET enable_seqscan = off SET jit = off AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
BEGIN
  INSERT INTO journal (relation, key, form, at, writer, hash)
  SELECT
    'archive_entry', x.key, 1, moment, session_user,
    journal_hash(coalesce(j.hash, ''), 'archive_entry', x.key, 1::smallint, moment, session_user, x.said)
  FROM (
    SELECT
      jsonb_build_array(n.number) AS key, jsonb_build_array(n.kind, n.root, n.upto, n.late, n.noted_at) AS said
    FROM written AS n OFFSET 0
  ) AS x
  LEFT JOIN LATERAL (
    SELECT e.hash FROM journal AS e
    WHERE e.relation = 'archive_entry' AND e.key = x.key ORDER BY e.journal_id DESC LIMIT 1
  ) AS j ON true;
  RETURN NULL;
END
$$;

CREATE TRIGGER journal_added AFTER INSERT ON archive_entry REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION journal_archive_entry();
ALTER TABLE archive_entry ENABLE ALWAYS TRIGGER journal_added;

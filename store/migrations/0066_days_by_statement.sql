-- A season judged again from an empty record is hundreds of thousands of days of the ledger. What a new day costs beside
-- its row was checked and journalled row by row; both are done for a statement, as those of flags are (0045_storms.sql).

-- Homes of days ------------------------------------------------------------------------------------------------------------

-- A foreign key has two sides. Here is the day's: its home is there, and is kept until the transaction is over. The lock is
-- that of a foreign key, taken once for each home of the statement.
CREATE FUNCTION check_homes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET enable_seqscan = off SET jit = off AS $$
DECLARE
  homes CONSTANT integer[] := ARRAY(SELECT DISTINCT w.home_id FROM written AS w);
  missing integer;
BEGIN
  PERFORM FROM home AS h WHERE h.home_id = ANY (homes) ORDER BY h.home_id FOR KEY SHARE;
  SELECT x.home_id INTO missing
  FROM unnest(homes) AS x (home_id)
  WHERE (SELECT h.home_id FROM home AS h WHERE h.home_id = x.home_id) IS NULL
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'there is no home % for a row of % (%)', missing, TG_TABLE_NAME, TG_NAME
      USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END
$$;

-- And here the home's: one that has days stays, with its number. Who takes it away waits for who has it locked, and then has
-- to see what that one wrote: not so from a snapshot that is older.
CREATE FUNCTION check_days_of_home() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET enable_seqscan = off SET jit = off AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'homes are taken away at READ COMMITTED only' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  PERFORM FROM ledger AS l WHERE l.home_id = OLD.home_id LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'home % has days of the ledger (%)', OLD.home_id, TG_NAME
      USING ERRCODE = 'foreign_key_violation', TABLE = 'ledger', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END
$$;

ALTER TABLE ledger DROP CONSTRAINT ledger_home_id_fkey;
CREATE TRIGGER ledger_has_home AFTER INSERT ON ledger REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION check_homes();
CREATE TRIGGER ledger_key_stays BEFORE UPDATE OF home_id, day ON ledger FOR EACH ROW
  WHEN ((OLD.home_id, OLD.day) IS DISTINCT FROM (NEW.home_id, NEW.day)) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER home_with_days_goes AFTER DELETE ON home FOR EACH ROW EXECUTE FUNCTION check_days_of_home();
CREATE TRIGGER home_with_days_moves AFTER UPDATE OF home_id ON home FOR EACH ROW
  WHEN (OLD.home_id <> NEW.home_id) EXECUTE FUNCTION check_days_of_home();
CREATE TRIGGER homes_stay BEFORE TRUNCATE ON home FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE ledger ENABLE ALWAYS TRIGGER ledger_has_home, ENABLE ALWAYS TRIGGER ledger_key_stays;
ALTER TABLE home
  ENABLE ALWAYS TRIGGER home_with_days_goes,
  ENABLE ALWAYS TRIGGER home_with_days_moves,
  ENABLE ALWAYS TRIGGER homes_stay;

-- The journal of new days --------------------------------------------------------------------------------------------------

-- Days are never deleted (ledger_stays) and keep their keys, so a new one has no entry before it, and none is looked for. The
-- hash is that of journal_hash; only the lowest temperature may have another text in json than in jsonb.
CREATE FUNCTION journal_new_days() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET timezone = 'UTC' SET extra_float_digits = 1 SET jit = off AS $$
DECLARE
  moment CONSTANT timestamptz := clock_timestamp();
  us CONSTANT bigint := extract(epoch FROM moment) * 1000000;
  account CONSTANT text := session_user;
BEGIN
  INSERT INTO journal (relation, key, form, at, writer, hash)
  SELECT
    'ledger', jsonb_build_array(n.home_id, n.day), 1, moment, account,
    sha256(convert_to(json_build_array(
      'ledger', json_build_array(n.home_id, n.day), 1, us, account,
      json_build_array(
        n.compliant_us, n.cold_us, n.severe_us, n.unknown_us, n.not_judged_us, n.shortfall_us, n.heat, n.deficit,
        to_jsonb(n.lowest), n.policy
      )
    )::text, 'UTF8'))
  FROM written AS n
  WHERE n.closed;
  RETURN NULL;
END
$$;

DROP TRIGGER journal_added ON ledger;
CREATE TRIGGER journal_added AFTER INSERT ON ledger REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION journal_new_days();
ALTER TABLE ledger ENABLE ALWAYS TRIGGER journal_added;

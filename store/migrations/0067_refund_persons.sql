-- Two approvals of a refund sheet are by two persons. They were told apart by the text of the actor, and two tokens that
-- one person has made are two texts. An approval names a member of the staff now: a machine's token is nobody and approves
-- nothing. Those that tokens gave before stay as they were given.
ALTER TABLE refund_approval ADD COLUMN staff_id integer REFERENCES staff;
ALTER TABLE refund_approval DISABLE TRIGGER refund_approval_stays;
UPDATE refund_approval AS a SET staff_id = s.staff_id
FROM staff AS s WHERE s.staff_id = substring(a.actor FROM '^staff ([0-9]+)')::integer;
ALTER TABLE refund_approval ENABLE ALWAYS TRIGGER refund_approval_stays;
DROP INDEX refund_approval_one_person;
ALTER TABLE refund_approval DROP CONSTRAINT refund_approval_two_persons;
ALTER TABLE refund_approval
  ADD CONSTRAINT refund_approval_by_person CHECK (staff_id IS NOT NULL) NOT VALID,
  -- Usage: and they are by two persons
  ADD CONSTRAINT refund_approval_two_persons UNIQUE (refund_sheet_id, staff_id);

-- A day of a sheet is of the sheet's home and season. Its foreign key was checked day by day; here it is for a statement.
-- Sheets are never changed nor taken away (refund_sheet_stays), so it has one side.
CREATE FUNCTION check_refund_days() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  missing bigint;
BEGIN
  SELECT x.refund_sheet_id INTO missing
  FROM (SELECT DISTINCT w.refund_sheet_id, w.home_id, w.season FROM written AS w) AS x
  WHERE NOT EXISTS (
    SELECT FROM refund_sheet AS s
    WHERE s.refund_sheet_id = x.refund_sheet_id AND s.home_id = x.home_id AND s.season = x.season
  )
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'there is no sheet % of this home and season for a refund day (%)', missing, TG_NAME
      USING ERRCODE = 'foreign_key_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END
$$;

ALTER TABLE refund_day DROP CONSTRAINT refund_day_of_sheet;
CREATE TRIGGER refund_day_of_sheet AFTER INSERT ON refund_day REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION check_refund_days();
ALTER TABLE refund_day ENABLE ALWAYS TRIGGER refund_day_of_sheet;

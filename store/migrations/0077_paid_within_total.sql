-- What is paid for a season is never more than its sheet says in all. A correction moves days about: one that was paid may give
-- nothing any more while others give what it gave, and all of them together would go beyond a cap.
CREATE FUNCTION check_refund_paid_within() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF EXISTS (
    SELECT FROM refund_sheet AS s
    WHERE s.refund_sheet_id IN (SELECT w.refund_sheet_id FROM written AS w) AND s.total < (
      SELECT sum(p.amount) FROM refund_paid AS p JOIN refund_sheet AS o USING (refund_sheet_id)
      WHERE p.home_id = s.home_id AND o.season = s.season
    )
  ) THEN
    RAISE EXCEPTION 'more would be paid for a season than its refund sheet says in all'
      USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER refund_paid_within AFTER INSERT ON refund_paid REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION check_refund_paid_within();
ALTER TABLE refund_paid ENABLE ALWAYS TRIGGER refund_paid_within;

-- A fee that refunds cannot be computed from would keep those of all homes of its batch waiting. Lines from before may stay.
ALTER TABLE home_fee ADD CONSTRAINT home_fee_bounded CHECK (round(area_m2 * per_m2, 2) <= 100000000) NOT VALID; -- domain.refunds.rules.MOST_FEE

-- What this transaction tells of a home is one statement (0053); a stop that another one has recorded since this one began is
-- none of it. An import takes minutes, and a crew stops a home meanwhile.
CREATE OR REPLACE FUNCTION check_heat_status() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  known record;
BEGIN
  IF NEW.status <> 'on' THEN
    NEW.heat_notice_id := NULL;
    NEW.taken_over := false;
    RETURN NEW;
  END IF;
  IF NEW.heat_notice_id IS NOT NULL THEN
    IF NOT EXISTS (
      SELECT FROM heat_notice AS n
      WHERE n.heat_notice_id = NEW.heat_notice_id AND n.kind = 'heat' AND n.issued_at <= NEW.since
        AND (n.home_id = NEW.home_id OR n.building_id = (SELECT h.building_id FROM home AS h WHERE h.home_id = NEW.home_id))
    ) THEN
      RAISE EXCEPTION 'heat begins under a notice of its home, and not before it was issued'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'home_status_has_notice';
    END IF;
    NEW.taken_over := false;
    RETURN NEW;
  END IF;
  SELECT s.status INTO known FROM home_status AS s
  WHERE s.home_id = NEW.home_id AND s.since <= NEW.since AND s.recorded_at <> transaction_timestamp()
    AND (TG_OP = 'INSERT' OR s.since < NEW.since OR OLD.status = 'stopped')
  ORDER BY s.since DESC LIMIT 1;
  IF known.status = 'stopped' THEN
    RAISE EXCEPTION 'the heat of this home is stopped: it begins again by an application and its notice'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'home_status_has_notice',
        DETAIL = (SELECT h.code FROM home AS h WHERE h.home_id = NEW.home_id);
  END IF;
  NEW.taken_over := true;
  RETURN NEW;
END
$$;

-- Whose heat a status is, since when, and when it was told never changes: a stop that is moved away would be none that is
-- known, and heat would begin again without a notice.
CREATE TRIGGER home_status_key_stays BEFORE UPDATE OF home_id, since, recorded_at ON home_status
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE home_status ENABLE ALWAYS TRIGGER home_status_key_stays;

-- Usage: a notice begins the heat of a home once; after a stop there has to be another
CREATE UNIQUE INDEX home_status_notice_once ON home_status (home_id, heat_notice_id) WHERE heat_notice_id IS NOT NULL;

-- As in 0053; and heat is stopped after the approval of its application (5(5)), for every writer. What is put on is written
-- even where the heat was on: a stop that a phone without a network brings later then lies before it.
CREATE OR REPLACE FUNCTION put_heat(of_ticket bigint, begins timestamptz, now timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  wanted text;
  paper bigint;
  homes integer[];
  touched integer[];
BEGIN
  SELECT CASE WHEN a.kind = 'stop' THEN 'stopped' ELSE 'on' END, ARRAY(
    SELECT h.home_id FROM home AS h WHERE h.home_id = t.home_id OR h.building_id = t.building_id ORDER BY h.home_id
  ) INTO STRICT wanted, homes
  FROM application AS a JOIN ticket AS t USING (ticket_id)
  WHERE a.ticket_id = of_ticket AND a.kind IN ('connect', 'resume', 'new_load', 'stop');
  IF wanted = 'on' THEN
    SELECT n.heat_notice_id INTO paper FROM heat_notice AS n WHERE n.ticket_id = of_ticket AND n.kind = 'heat';
    IF paper IS NULL THEN
      RAISE EXCEPTION 'there is no notice: no heat without one'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'home_status_has_notice';
    END IF;
  ELSIF NOT EXISTS (
    SELECT FROM ticket_event AS e WHERE e.ticket_id = of_ticket AND e.kind = 'approved' AND e.at <= begins
  ) THEN
    RAISE EXCEPTION 'no heat is stopped before the company has approved it'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'heat_stops_approved';
  END IF;
  WITH changed AS (
    INSERT INTO home_status (home_id, since, status, heat_notice_id)
    SELECT h.home_id, begins, wanted, paper FROM unnest(homes) AS h (home_id)
    WHERE wanted = 'on' OR wanted IS DISTINCT FROM coalesce((
      SELECT s.status FROM home_status AS s
      WHERE s.home_id = h.home_id AND s.since <= begins ORDER BY s.since DESC LIMIT 1
    ), 'stopped')
    ORDER BY h.home_id
    ON CONFLICT (home_id, since) DO UPDATE SET status = excluded.status, heat_notice_id = excluded.heat_notice_id
    RETURNING home_id
  )
  SELECT coalesce(array_agg(c.home_id ORDER BY c.home_id), '{}') INTO touched FROM changed AS c;
  INSERT INTO rejudge (home_id, from_at, queued_at)
  SELECT h.home_id, least(begins, now), now FROM unnest(touched) AS h (home_id) ORDER BY 1
  ON CONFLICT (home_id) DO UPDATE SET from_at = least(rejudge.from_at, excluded.from_at);
  UPDATE registry_version SET version = version + 1 WHERE cardinality(touched) > 0;
  RETURN cardinality(touched);
END
$$;

-- Tickets that end without work: merged into another one, or void, opened by mistake. Their record stays; no figure counts
-- them.

ALTER TABLE ticket
  ADD COLUMN ending text, -- domain.endings.Ending; NULL: still open, or worked to its end
  ADD COLUMN merged_into bigint REFERENCES ticket,
  ADD CONSTRAINT ticket_ending CHECK (
    CASE ending
      WHEN 'merged' THEN state = 'closed' AND merged_into <> ticket_id AND class <> 'cold'
      WHEN 'void' THEN state = 'closed' AND merged_into IS NULL
      ELSE ending IS NULL AND merged_into IS NULL
    END
  ),
  ADD CONSTRAINT ticket_ending_of CHECK (
    ending IS NULL
    OR (source NOT IN ('device', 'incident') AND class NOT IN ('complaint', 'report') AND NOT retrospective)
  );

-- Usage: what was merged into a ticket
CREATE INDEX ticket_merged_into ON ticket (merged_into) WHERE merged_into IS NOT NULL;

-- What is merged or void needs nothing more: what closing needs is asked of the others. Where triggers look after that they
-- are older than this file, else it is the check of 0010_desk.sql.
DO $$
BEGIN
  IF EXISTS (
    SELECT FROM pg_trigger WHERE tgrelid = to_regclass('ticket') AND tgname = 'ticket_closed_for_good'
  ) THEN
    DROP TRIGGER ticket_closed_for_good ON ticket;
    CREATE CONSTRAINT TRIGGER ticket_closed_for_good AFTER INSERT OR UPDATE ON ticket
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
      WHEN (NEW.state = 'closed' AND NEW.ending IS NULL) EXECUTE FUNCTION check_closed_ticket();
    ALTER TABLE ticket ENABLE ALWAYS TRIGGER ticket_closed_for_good;
  ELSE
    ALTER TABLE ticket
      DROP CONSTRAINT ticket_closed_for_good,
      ADD CONSTRAINT ticket_closed_for_good CHECK (
        state <> 'closed' OR retrospective OR class = 'device' OR source = 'incident' OR ending IS NOT NULL
        OR (
          done_at IS NOT NULL AND replied_at IS NOT NULL AND (class <> 'cold' OR proven_at IS NOT NULL)
          AND (confirmation IS NOT NULL OR NOT (paid OR coalesce(responsibility = 'user', false)))
        )
      );
  END IF;
END
$$;

-- A ticket with a flag is no mistake, whether the flag is open or not: late data may open it again. One is merged into a
-- ticket of the same place that is worked on: what is merged points to what was open then, so there are no circles.
-- Row-level security of the caller hides nothing from this.
CREATE FUNCTION check_ending() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF EXISTS (SELECT FROM flag AS f WHERE f.ticket_id = NEW.ticket_id) THEN
    RAISE EXCEPTION 'ticket % has a flag and cannot be %', NEW.ticket_id, NEW.ending
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_ending_flag', TABLE = 'ticket';
  END IF;
  IF NEW.merged_into IS NOT NULL THEN
    PERFORM FROM ticket AS t
    WHERE t.ticket_id = NEW.merged_into AND t.state <> 'closed' AND t.source NOT IN ('device', 'incident')
      AND t.class NOT IN ('complaint', 'report')
      AND (t.home_id, t.building_id, t.substation_id)
        IS NOT DISTINCT FROM (NEW.home_id, NEW.building_id, NEW.substation_id)
    FOR SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'ticket % cannot be merged into %', NEW.ticket_id, NEW.merged_into
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ticket_merged_into_open', TABLE = 'ticket';
    END IF;
  END IF;
  RETURN NEW;
END
$$;

DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION check_ending() SET search_path = %I, pg_temp', current_schema());
END
$$;

CREATE TRIGGER ticket_ends BEFORE UPDATE ON ticket FOR EACH ROW
  WHEN (
    NEW.ending IS NOT NULL AND (OLD.ending, OLD.merged_into) IS DISTINCT FROM (NEW.ending, NEW.merged_into)
  )
  EXECUTE FUNCTION check_ending();
CREATE TRIGGER ticket_is_not_born_ended BEFORE INSERT ON ticket FOR EACH ROW
  WHEN (NEW.ending IS NOT NULL) EXECUTE FUNCTION refuse_change();
ALTER TABLE ticket ENABLE ALWAYS TRIGGER ticket_ends;
ALTER TABLE ticket ENABLE ALWAYS TRIGGER ticket_is_not_born_ended;

CREATE OR REPLACE VIEW ticket_all AS
SELECT
  t.ticket_id, t.number, t.class, t.state, t.priority, t.opened_at, t.closed_at, t.retrospective,
  h.code AS home, b.code AS building, u.code AS substation, t.station, t.ending
FROM ticket AS t
LEFT JOIN home AS h USING (home_id)
LEFT JOIN building AS b ON b.building_id = coalesce(h.building_id, t.building_id)
LEFT JOIN substation AS u ON u.substation_id = coalesce(b.substation_id, t.substation_id);

-- How many tickets of a month ended so: what leaves the figures is seen beside them.
ALTER TABLE kpi_desk
  ADD COLUMN merged bigint NOT NULL DEFAULT 0,
  ADD COLUMN void bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE VIEW kpi_desk_month AS
SELECT
  d.month, d.station, d.tickets, d.retrospective, d.closed, d.called_back, d.asked, d.satisfied,
  d.satisfied::numeric / nullif(d.asked, 0) AS satisfaction, d.flags, d.recovered, d.warm_mean_s, d.warm_median_s,
  m.counted_at, d.merged, d.void
FROM kpi_desk AS d
JOIN kpi_month AS m USING (month);

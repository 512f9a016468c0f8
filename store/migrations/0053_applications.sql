-- Applications for heat (chapters 5 and 6 of the regulation), and the papers without which no heat begins.

ALTER TABLE ticket DROP CONSTRAINT ticket_class_check;
ALTER TABLE ticket ADD CONSTRAINT ticket_class_check CHECK (
  class IN ('cold', 'leak', 'repair', 'device', 'complaint', 'report', 'application')
);
INSERT INTO numbering (kind, last, gaps_until) VALUES ('heat_notice', 0, 0);

-- What was applied for. All that happens to it, and every paper, is in the events of its ticket; who applies, and how to
-- reach them, in ticket_contact.
CREATE TABLE application (
  ticket_id bigint PRIMARY KEY REFERENCES ticket,
  kind text NOT NULL, -- domain.applications.ApplicationKind
  documents text[] NOT NULL, -- domain.applications.Document: handed in with it
  area_m2 numeric(9, 2), -- that is wished
  CONSTRAINT application_kind CHECK (kind IN ('connect', 'change_name', 'change_area', 'stop', 'resume', 'new_load')),
  CONSTRAINT application_documents CHECK (
    documents <@ ARRAY['identity', 'ownership', 'drawings', 'approval', 'fees', 'other'] AND cardinality(documents) > 0
  ),
  CONSTRAINT application_area CHECK (
    area_m2 > 0 AND (kind IN ('change_area', 'new_load')) = (area_m2 IS NOT NULL)
  )
);

CREATE INDEX application_kind_of ON application (kind, ticket_id);

CREATE TRIGGER application_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON application
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Notices of the company to the station: that heat may be given (供热通知单), or that an area has changed (增减面积通知单).
CREATE TABLE heat_notice (
  heat_notice_id bigint PRIMARY KEY DEFAULT take_numbers('heat_notice', 1),
  number text NOT NULL GENERATED ALWAYS AS (number_text('N', heat_notice_id)) STORED,
  ticket_id bigint NOT NULL REFERENCES application,
  kind text NOT NULL CHECK (kind IN ('heat', 'area')),
  home_id integer REFERENCES home,
  building_id integer REFERENCES building, -- of a new load: all of its homes
  area_m2 numeric(9, 2) CHECK (area_m2 > 0),
  issued_at timestamptz NOT NULL,
  issued_by text NOT NULL CHECK (length(issued_by) <= 200),
  CONSTRAINT heat_notice_place CHECK (num_nonnulls(home_id, building_id) = 1),
  CONSTRAINT heat_notice_area CHECK ((kind = 'area') = (area_m2 IS NOT NULL)),
  -- Usage: people name papers by number
  CONSTRAINT heat_notice_number UNIQUE (number),
  -- Usage: an application has each paper once
  CONSTRAINT heat_notice_once UNIQUE (ticket_id, kind)
);

-- Usage: nobody rewrites a paper
CREATE TRIGGER heat_notice_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON heat_notice
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE application ENABLE ALWAYS TRIGGER application_stays;
ALTER TABLE heat_notice ENABLE ALWAYS TRIGGER heat_notice_stays;

-- A paper is of an application, and of the place that was applied for.
CREATE FUNCTION check_heat_notice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM ticket AS t
    WHERE t.ticket_id = NEW.ticket_id AND t.class = 'application' AND t.state NOT IN ('done', 'closed')
      AND (t.home_id, t.building_id) IS NOT DISTINCT FROM (NEW.home_id, NEW.building_id)
  ) THEN
    RAISE EXCEPTION 'a notice is of an application in work, and of its place'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'heat_notice_of_application';
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER heat_notice_of_application BEFORE INSERT ON heat_notice FOR EACH ROW EXECUTE FUNCTION check_heat_notice();
ALTER TABLE heat_notice ENABLE ALWAYS TRIGGER heat_notice_of_application;

-- No heat without a notice (5(6)). What the registry says of a home that Hearth has not known as stopped is taken over, and
-- marked so: a utility that is running has papers of its own from before.
ALTER TABLE home_status
  ADD COLUMN heat_notice_id bigint REFERENCES heat_notice,
  ADD COLUMN taken_over boolean NOT NULL DEFAULT false,
  ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE home_status ALTER COLUMN recorded_at SET DEFAULT transaction_timestamp();
UPDATE home_status SET taken_over = true WHERE status = 'on';
ALTER TABLE home_status ADD CONSTRAINT home_status_has_notice CHECK (
  CASE status WHEN 'on' THEN taken_over = (heat_notice_id IS NULL) ELSE heat_notice_id IS NULL AND NOT taken_over END
);

-- A line that says again what is on record changes nothing, and keeps its paper. What one transaction tells of a home is one
-- statement: a stop that it brings along with its end is history, and no stop that Hearth has known.
CREATE FUNCTION check_heat_status() RETURNS trigger
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
  WHERE s.home_id = NEW.home_id AND s.since <= NEW.since AND s.recorded_at < transaction_timestamp()
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

CREATE TRIGGER home_status_has_notice BEFORE INSERT OR UPDATE OF since, status, heat_notice_id, taken_over ON home_status
  FOR EACH ROW EXECUTE FUNCTION check_heat_status();
ALTER TABLE home_status ENABLE ALWAYS TRIGGER home_status_has_notice;

-- The heat of the homes of an application begins or stops on site at an instant; returns how many homes that changes. With
-- the rights of the owner: crews execute, and change nothing else of the registry. Its homes are locked by the caller.
CREATE FUNCTION put_heat(of_ticket bigint, begins timestamptz, now timestamptz) RETURNS bigint
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
  END IF;
  WITH changed AS (
    INSERT INTO home_status (home_id, since, status, heat_notice_id)
    SELECT h.home_id, begins, wanted, paper FROM unnest(homes) AS h (home_id)
    WHERE wanted IS DISTINCT FROM coalesce((
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

-- Locks the homes of a building for judging, in the order in which it locks them.
CREATE FUNCTION lock_building_homes(of_building integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  PERFORM FROM home_state AS s
  WHERE s.home_id IN (SELECT h.home_id FROM home AS h WHERE h.building_id = of_building)
  ORDER BY s.home_id FOR NO KEY UPDATE;
END
$$;

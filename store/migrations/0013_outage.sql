-- Outages: times without heat. What is current stands in `outage`; everything that was ever said of it in `outage_event`.

CREATE TABLE outage (
  outage_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL GENERATED ALWAYS AS ('O' || lpad(outage_id::text, 8, '0')) STORED,
  kind text NOT NULL CHECK (kind IN ('planned', 'fault')), -- domain.outages.OutageKind
  stops_heating boolean NOT NULL, -- false: there is less heat, not none
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
  begins_at timestamptz NOT NULL,
  expected_end timestamptz, -- NULL: nobody can say yet
  explanation text CHECK (length(explanation) BETWEEN 1 AND 1000), -- the last one
  announced_at timestamptz, -- when users were told first
  late_at timestamptz, -- when the expected end was found to have passed
  restored_at timestamptz,
  cancelled_at timestamptz,
  CONSTRAINT outage_span CHECK (expected_end > begins_at AND restored_at >= begins_at),
  CONSTRAINT outage_planned CHECK (kind = 'fault' OR expected_end IS NOT NULL),
  CONSTRAINT outage_one_end CHECK (num_nonnulls(restored_at, cancelled_at) <= 1),
  -- Usage: the API finds outages by number
  CONSTRAINT outage_number UNIQUE (number)
);

-- Usage: watch, dashboards and the API read those that are not over
CREATE INDEX outage_going_on ON outage (outage_id) WHERE restored_at IS NULL AND cancelled_at IS NULL;

-- The places of an outage, as they were given: all homes behind each are meant.
CREATE TABLE outage_area (
  outage_id bigint NOT NULL REFERENCES outage,
  substation_id integer REFERENCES substation,
  building_id integer REFERENCES building,
  home_id integer REFERENCES home,
  CONSTRAINT outage_area_place CHECK (num_nonnulls(substation_id, building_id, home_id) = 1),
  -- Usage: a place is given once; the places of an outage
  CONSTRAINT outage_area_once UNIQUE NULLS NOT DISTINCT (outage_id, substation_id, building_id, home_id)
);

-- Usage: the outages of a place
CREATE INDEX outage_area_substation ON outage_area (substation_id) WHERE substation_id IS NOT NULL;
CREATE INDEX outage_area_building ON outage_area (building_id) WHERE building_id IS NOT NULL;
CREATE INDEX outage_area_home ON outage_area (home_id) WHERE home_id IS NOT NULL;

-- What happened to an outage. Rows are only ever added.
CREATE TABLE outage_event (
  outage_id bigint NOT NULL REFERENCES outage,
  seq integer NOT NULL,
  at timestamptz NOT NULL,
  kind text NOT NULL, -- domain.outages.OutageEvent
  actor text NOT NULL,
  data jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (outage_id, seq)
);

CREATE FUNCTION refuse_losing_outages() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Usage: what was said of an outage stays as it was said
CREATE TRIGGER outage_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON outage_event
FOR EACH STATEMENT EXECUTE FUNCTION refuse_losing_outages();
-- Usage: no place of an outage is dropped or exchanged
CREATE TRIGGER outage_area_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON outage_area
FOR EACH STATEMENT EXECUTE FUNCTION refuse_losing_outages();
-- Usage: no outage is dropped
CREATE TRIGGER outage_kept BEFORE DELETE OR TRUNCATE ON outage
FOR EACH STATEMENT EXECUTE FUNCTION refuse_losing_outages();

ALTER TABLE outbox ADD CONSTRAINT outbox_outage FOREIGN KEY (outage_id) REFERENCES outage;
-- Usage: who was told of an outage
CREATE INDEX outbox_outage ON outbox (outage_id) WHERE outage_id IS NOT NULL;

-- The homes of each outage, each once.
CREATE VIEW outage_home AS
SELECT a.outage_id, a.home_id FROM outage_area AS a WHERE a.home_id IS NOT NULL
UNION
SELECT a.outage_id, h.home_id FROM outage_area AS a JOIN home AS h ON h.building_id = a.building_id
UNION
SELECT a.outage_id, h.home_id
FROM outage_area AS a
JOIN building AS b ON b.substation_id = a.substation_id
JOIN home AS h ON h.building_id = b.building_id;

-- The flags during which there was an outage: the system was not normal. They count, and it stands beside them.
CREATE VIEW flag_outage AS
SELECT f.flag_id, f.ticket_id, f.home_id, o.outage_id, o.number AS outage
FROM flag AS f
JOIN outage_home AS x ON x.home_id = f.home_id
JOIN outage AS o USING (outage_id)
WHERE o.cancelled_at IS NULL AND f.clear_reason IS DISTINCT FROM 'withdrawn'
  AND f.cold_since < coalesce(o.restored_at, 'infinity') AND coalesce(f.cleared_at, 'infinity') > o.begins_at;

CREATE VIEW outage_open AS
SELECT
  o.outage_id, o.number, o.kind, o.stops_heating, o.reason, o.begins_at, o.expected_end, o.announced_at, o.late_at,
  CASE WHEN o.begins_at > now() THEN 'planned' WHEN o.expected_end <= now() THEN 'late' ELSE 'running' END AS state,
  c.stations, c.substations, c.buildings, c.homes
FROM outage AS o
CROSS JOIN LATERAL (
  SELECT
    array_agg(DISTINCT u.station ORDER BY u.station) AS stations, count(DISTINCT b.substation_id) AS substations,
    count(DISTINCT h.building_id) AS buildings, count(*) AS homes
  FROM outage_home AS x
  JOIN home AS h USING (home_id)
  JOIN building AS b USING (building_id)
  JOIN substation AS u USING (substation_id)
  WHERE x.outage_id = o.outage_id
) AS c
WHERE o.restored_at IS NULL AND o.cancelled_at IS NULL;

-- What everybody may know: which areas are without heat, or will be. Single homes are nobody else's business.
CREATE VIEW outage_public AS
SELECT
  o.number, o.kind, o.stops_heating, o.begins_at, o.expected_end, coalesce(b.code, u.code) AS place,
  coalesce(b.name, u.name) AS name, CASE WHEN b.building_id IS NULL THEN 'substation' ELSE 'building' END AS place_kind
FROM outage AS o
JOIN outage_area AS a USING (outage_id)
LEFT JOIN building AS b USING (building_id)
LEFT JOIN substation AS u ON u.substation_id = a.substation_id
WHERE o.restored_at IS NULL AND o.cancelled_at IS NULL AND a.home_id IS NULL
  AND (o.announced_at IS NOT NULL OR o.begins_at <= now());

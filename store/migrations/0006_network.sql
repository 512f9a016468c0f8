-- The network: alarms of substations, incidents behind one pipe, and outages, the times without heat.

CREATE TABLE substation_alarm (
  substation_alarm_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  substation_id integer NOT NULL REFERENCES substation,
  kind text NOT NULL, -- domain.substation.AlarmKind
  since timestamptz NOT NULL, -- when the first value beyond the limit was measured
  raised_at timestamptz, -- NULL: has not lasted long enough
  ended_at timestamptz,
  lowest real NOT NULL, -- of the values meanwhile; °C or MPa
  highest real NOT NULL,
  CONSTRAINT substation_alarm_ended CHECK (ended_at IS NULL OR raised_at IS NOT NULL)
);

-- Usage: a substation has one open alarm of a kind at most
CREATE UNIQUE INDEX substation_alarm_one_open ON substation_alarm (substation_id, kind) WHERE ended_at IS NULL;

CREATE VIEW substation_alarm_open AS
SELECT
  a.substation_alarm_id, u.substation_id, u.code AS substation, u.station, a.kind, a.since, a.raised_at,
  a.lowest, a.highest
FROM substation_alarm AS a
JOIN substation AS u USING (substation_id)
WHERE a.raised_at IS NOT NULL AND a.ended_at IS NULL;

-- Many cold homes behind one pipe, worked as one fault. Each home keeps its flag, ticket, clocks and proof.
CREATE TABLE incident (
  incident_id bigint PRIMARY KEY DEFAULT take_numbers('incident', 1),
  number text NOT NULL GENERATED ALWAYS AS (number_text('I', incident_id)) STORED,
  kind text NOT NULL CHECK (kind IN ('cold_homes', 'substation_alarm')), -- domain.incidents.IncidentKind
  substation_id integer NOT NULL REFERENCES substation,
  building_id integer REFERENCES building, -- NULL: all of the substation
  station text NOT NULL, -- whose crew is sent
  ticket_id bigint NOT NULL REFERENCES ticket, -- the one that the crew works on
  why jsonb NOT NULL, -- counts, share and threshold at opening, policy version, a sentence in each language
  opened_at timestamptz NOT NULL,
  recovering_since timestamptz, -- most of its homes are warm again
  calm_since timestamptz, -- none of its homes is cold, no alarm is raised
  closed_at timestamptz,
  close_reason text CHECK (close_reason IN ('recovered', 'merged', 'no_policy')), -- domain.incidents.IncidentEnd
  merged_into bigint REFERENCES incident DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT incident_closed CHECK ((closed_at IS NULL) = (close_reason IS NULL)),
  CONSTRAINT incident_merged CHECK ((close_reason = 'merged') = (merged_into IS NOT NULL)),
  -- Usage: a place has one open incident at most, and none within a wider one, whichever round looks at it. Without a
  -- building the range is endless: it meets those of all buildings
  CONSTRAINT incident_one_open EXCLUDE USING gist (
    int4range(substation_id, substation_id, '[]') WITH &&, int4range(building_id, building_id, '[]') WITH &&
  ) WHERE (closed_at IS NULL),
  -- Usage: the API finds incidents by number
  CONSTRAINT incident_number UNIQUE (number)
);

-- Usage: watch, dashboards and the API read the open ones
CREATE INDEX incident_open_place ON incident (substation_id, building_id) WHERE closed_at IS NULL;
-- Usage: the incident that a crew's ticket is for
CREATE UNIQUE INDEX incident_dispatch ON incident (ticket_id);

-- Which tickets are, or were, part of an incident.
CREATE TABLE incident_ticket (
  incident_id bigint NOT NULL REFERENCES incident,
  ticket_id bigint NOT NULL REFERENCES ticket,
  joined_at timestamptz NOT NULL,
  left_at timestamptz,
  left_reason text CHECK (left_reason IN ('recovered', 'stayed_cold', 'moved', 'no_policy')), -- domain.incidents.LeaveReason
  dispatched_at timestamptz, -- cold again or still after it left: sent out itself
  passed_seq integer NOT NULL DEFAULT 0, -- events of the crew's ticket up to this one have been told to the home's ticket
  PRIMARY KEY (incident_id, ticket_id),
  CONSTRAINT incident_ticket_left CHECK ((left_at IS NULL) = (left_reason IS NULL)),
  CONSTRAINT incident_ticket_dispatched CHECK (dispatched_at IS NULL OR left_at IS NOT NULL)
);

-- Usage: a ticket is part of one incident at a time
CREATE UNIQUE INDEX incident_ticket_one ON incident_ticket (ticket_id) WHERE left_at IS NULL;
-- Usage: the incidents that a ticket was part of
CREATE INDEX incident_ticket_ticket ON incident_ticket (ticket_id);
-- Usage: watch finds incidents with homes that have something to be told yet, and these homes
CREATE INDEX incident_ticket_passed ON incident_ticket (incident_id, passed_seq) WHERE left_at IS NULL;

CREATE VIEW incident_open AS
SELECT
  i.incident_id, i.number, i.kind, coalesce(b.code, u.code) AS place, coalesce(b.name, u.name) AS name,
  u.code AS substation, b.code AS building, i.station, i.opened_at, i.recovering_since, t.number AS ticket,
  c.children, c.still_cold, coalesce(b.lat, u.lat) AS lat, coalesce(b.lon, u.lon) AS lon
FROM incident AS i
JOIN substation AS u USING (substation_id)
LEFT JOIN building AS b ON b.building_id = i.building_id
JOIN ticket AS t ON t.ticket_id = i.ticket_id
CROSS JOIN LATERAL (
  SELECT count(*) AS children, count(f.flag_id) AS still_cold
  FROM incident_ticket AS k
  LEFT JOIN flag AS f ON f.ticket_id = k.ticket_id AND f.cleared_at IS NULL
  WHERE k.incident_id = i.incident_id AND k.left_at IS NULL
) AS c
WHERE i.closed_at IS NULL;

-- Times without heat. What is current stands here; everything that was ever said of it in `outage_event`.
CREATE TABLE outage (
  outage_id bigint PRIMARY KEY DEFAULT take_numbers('outage', 1),
  number text NOT NULL GENERATED ALWAYS AS (number_text('O', outage_id)) STORED,
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
  -- Usage: pages, exports and notices show these times in any zone
  CONSTRAINT outage_bounded CHECK (
    begins_at >= '1969-12-31T00:00:00Z' AND greatest(begins_at, expected_end, restored_at) < '2200-01-02T00:00:00Z'
  ),
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
    array_agg(DISTINCT b.station ORDER BY b.station) AS stations, count(DISTINCT b.substation_id) AS substations,
    count(DISTINCT h.building_id) AS buildings, count(*) AS homes
  FROM outage_home AS x
  JOIN home AS h USING (home_id)
  JOIN building_place AS b USING (building_id)
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

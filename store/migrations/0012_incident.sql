-- Incidents: many cold homes behind one pipe, worked as one fault. Each home keeps its flag, ticket, clocks and proof.

CREATE TABLE incident (
  incident_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text NOT NULL GENERATED ALWAYS AS ('I' || lpad(incident_id::text, 8, '0')) STORED,
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
  -- Usage: a place has one open incident at most, and none within a wider one, whoever looks at it. Without a building
  -- the range is endless: it meets those of all buildings
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
  PRIMARY KEY (incident_id, ticket_id),
  CONSTRAINT incident_ticket_left CHECK ((left_at IS NULL) = (left_reason IS NULL)),
  CONSTRAINT incident_ticket_dispatched CHECK (dispatched_at IS NULL OR left_at IS NOT NULL)
);

-- Usage: a ticket is part of one incident at a time
CREATE UNIQUE INDEX incident_ticket_one ON incident_ticket (ticket_id) WHERE left_at IS NULL;
-- Usage: the incidents that a ticket was part of
CREATE INDEX incident_ticket_ticket ON incident_ticket (ticket_id);

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

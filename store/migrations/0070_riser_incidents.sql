-- Risers are places of incidents, between the home and its building.

CREATE TYPE riser_range AS RANGE (subtype = text, collation = "C");

ALTER TABLE incident
  ADD COLUMN riser text, -- as home.riser, of that building; NULL: all of the building or the substation
  ADD CONSTRAINT incident_riser CHECK (riser IS NULL OR building_id IS NOT NULL),
  -- The evidence says it too, which has a seal.
  ADD CONSTRAINT incident_riser_said CHECK (riser IS NOT DISTINCT FROM why ->> 'riser'),
  DROP CONSTRAINT incident_one_open,
  -- Usage: a place has one open incident at most, and none within a wider one, whichever round looks at it. Without a
  -- building, or a riser, the range is endless: it meets those of all
  ADD CONSTRAINT incident_one_open EXCLUDE USING gist (
    int4range(substation_id, substation_id, '[]') WITH &&, int4range(building_id, building_id, '[]') WITH &&,
    riser_range(riser, riser, '[]') WITH &&
  ) WHERE (closed_at IS NULL);

CREATE OR REPLACE VIEW incident_open AS
SELECT
  i.incident_id, i.number, i.kind, coalesce(b.code, u.code) AS place,
  coalesce(b.name, u.name) || coalesce(' / ' || i.riser, '') AS name,
  u.code AS substation, b.code AS building, i.station, i.opened_at, i.recovering_since, t.number AS ticket,
  c.children, c.still_cold, coalesce(b.lat, u.lat) AS lat, coalesce(b.lon, u.lon) AS lon, i.riser
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

"""Invariants as named checks, each of which finds the rows that violate it. docs/invariants.md has all of them.

The database refuses a violation as it happens. The checks find what got in before it did, or around it: by a superuser,
from a damaged disk, out of a backup.
"""

from collections.abc import Mapping
from typing import LiteralString

from psycopg import Connection

from store.base.rows import Row, fetch

# Name → statement that finds nothing where all is well. Each row says by its columns what it is about.
# Of the repair desk; they are part of one moment with the chains of events.
DESK: Mapping[str, LiteralString] = {
    # A cold home always has an open ticket.
    "open_flag_closed_ticket": """
SELECT f.flag_id AS flag, t.number AS ticket, h.code AS home
FROM flag AS f JOIN ticket AS t USING (ticket_id) JOIN home AS h ON h.home_id = f.home_id
WHERE f.cleared_at IS NULL AND t.state = 'closed'
ORDER BY f.flag_id
""",
    "flag_without_ticket": """
SELECT f.flag_id AS flag, h.code AS home
FROM flag AS f JOIN home AS h USING (home_id)
LEFT JOIN ticket AS t ON t.ticket_id = f.ticket_id AND t.home_id = f.home_id AND t.class = 'cold'
WHERE t.ticket_id IS NULL
ORDER BY f.flag_id
""",
    "closed_without_need": """
SELECT t.number AS ticket, n.needs
FROM ticket AS t
JOIN ticket_standing AS s USING (ticket_id)
CROSS JOIN LATERAL (
  SELECT closing_needs(
    s.ticket_class, s.source, s.retrospective, false, s.done, s.proof, s.replied, s.call_back_asked,
    s.called_back, s.responsibility, s.paid, s.confirmed
  ) AS needs
) AS n
WHERE t.state = 'closed' AND t.ending IS NULL AND cardinality(n.needs) > 0
ORDER BY t.ticket_id
""",
    # An event of a ticket names a flag that is gone.
    "flag_gone": """
SELECT t.number AS ticket, e.flag
FROM (
  SELECT x.ticket_id, (x.data ->> 'flag')::bigint AS flag FROM ticket_event AS x
  WHERE x.data ? 'flag' GROUP BY 1, 2
) AS e
JOIN ticket AS t USING (ticket_id)
WHERE NOT EXISTS (SELECT FROM flag AS f WHERE f.flag_id = e.flag)
ORDER BY e.flag
""",
    # Numbers follow each other: one that is missing was taken away.
    "number_gone": """
SELECT n.kind, s.number
FROM numbering AS n
CROSS JOIN LATERAL generate_series(n.gaps_until + 1, n.last) AS s (number)
WHERE NOT CASE n.kind
  WHEN 'ticket' THEN EXISTS (SELECT FROM ticket WHERE ticket_id = s.number)
  WHEN 'flag' THEN EXISTS (SELECT FROM flag WHERE flag_id = s.number)
  WHEN 'incident' THEN EXISTS (SELECT FROM incident WHERE incident_id = s.number)
  WHEN 'outage' THEN EXISTS (SELECT FROM outage WHERE outage_id = s.number)
  WHEN 'measurement' THEN EXISTS (SELECT FROM measurement WHERE measurement_id = s.number)
  WHEN 'heat_notice' THEN EXISTS (SELECT FROM heat_notice WHERE heat_notice_id = s.number)
END
ORDER BY n.kind, s.number
""",
}
# Of everything else; each sees a moment of its own.
HOUSE: Mapping[str, LiteralString] = {
    # A home has one open flag, and one open ticket for cold.
    "two_open_flags": """
SELECT h.code AS home, count(*) AS flags
FROM flag AS f JOIN home AS h USING (home_id)
WHERE f.cleared_at IS NULL
GROUP BY h.code HAVING count(*) > 1
ORDER BY h.code
""",
    "two_open_cold_tickets": """
SELECT h.code AS home, count(*) AS tickets
FROM ticket AS t JOIN home AS h USING (home_id)
WHERE t.class = 'cold' AND t.state <> 'closed'
GROUP BY h.code HAVING count(*) > 1
ORDER BY h.code
""",
    # The machine of a home and its open flag of the sensors are the same thing.
    "flag_unknown_to_judging": """
SELECT h.code AS home, s.flag_id AS judged, f.flag_id AS flag
FROM (SELECT * FROM home_state WHERE flag_id IS NOT NULL) AS s
FULL JOIN (SELECT * FROM flag WHERE cleared_at IS NULL AND source = 'sensor') AS f USING (home_id)
JOIN home AS h ON h.home_id = coalesce(s.home_id, f.home_id)
WHERE s.flag_id IS DISTINCT FROM f.flag_id
ORDER BY h.code
""",
    # A flag is confirmed after it began, and gets severe and ends in that order.
    "flag_out_of_order": """
SELECT f.flag_id AS flag, h.code AS home
FROM flag AS f JOIN home AS h USING (home_id)
WHERE f.confirmed_at < f.cold_since OR f.severe_at < f.cold_since OR f.cleared_at < f.cold_since
ORDER BY f.flag_id
""",
    # The states of a day add up to the day, which has 23 to 25 hours; none is negative.
    "day_does_not_add_up": """
SELECT h.code AS home, l.day
FROM ledger AS l
JOIN home AS h USING (home_id)
CROSS JOIN LATERAL (
  SELECT l.compliant_us + l.cold_us + l.severe_us + l.unknown_us + l.not_judged_us AS us
) AS whole
WHERE least(l.compliant_us, l.cold_us, l.severe_us, l.unknown_us, l.not_judged_us, l.shortfall_us, l.deficit) < 0
  OR l.shortfall_us > l.compliant_us OR whole.us > 25 * 3600000000 OR (l.closed AND whole.us < 23 * 3600000000)
ORDER BY h.code, l.day
LIMIT 1000
""",
    # A day is of a home that is there.
    "day_of_no_home": """
SELECT l.home_id, min(l.day) AS first, count(*) AS days
FROM ledger AS l
WHERE NOT EXISTS (SELECT FROM home AS h WHERE h.home_id = l.home_id)
GROUP BY l.home_id
ORDER BY l.home_id
LIMIT 1000
""",
    # A clock that ran out unmet is broken at its due time, and stays so.
    "clock_late_and_not_broken": """
SELECT t.number AS ticket, c.round, c.name AS clock
FROM clock AS c JOIN ticket AS t USING (ticket_id)
WHERE (c.met_at > c.due_at AND c.breached_at IS NULL) OR c.breached_at <> c.due_at OR c.met_at < c.breached_at
ORDER BY t.ticket_id, c.round, c.name
""",
    # A ticket in work has the clocks of its round, or its rules are not known; one born closed has none.
    "clock_of_no_round": """
SELECT t.number AS ticket, c.round, c.name AS clock
FROM clock AS c JOIN ticket AS t USING (ticket_id)
WHERE c.round > t.round OR t.retrospective
ORDER BY t.ticket_id, c.round, c.name
""",
    # The queue's place of a ticket is that of the first of its clocks that runs.
    "next_clock_differs": """
SELECT t.number AS ticket, n.clock AS kept, c.name AS clock
FROM ticket_next AS n
FULL JOIN (
  SELECT DISTINCT ON (x.ticket_id) x.ticket_id, x.due_at, x.name FROM clock AS x
  WHERE x.met_at IS NULL AND x.void_at IS NULL AND x.due_at IS NOT NULL
  ORDER BY x.ticket_id, x.due_at, x.name
) AS c USING (ticket_id)
JOIN ticket AS t USING (ticket_id)
WHERE (n.due_at, n.clock) IS DISTINCT FROM (c.due_at, c.name)
ORDER BY ticket_id
""",
    # What happened to a ticket begins with its opening, and never goes back in time.
    "events_out_of_order": """
SELECT t.number AS ticket, e.seq
FROM (
  SELECT x.ticket_id, x.seq, x.kind, x.at, lag(x.at) OVER (PARTITION BY x.ticket_id ORDER BY x.seq) AS before
  FROM ticket_event AS x
) AS e
JOIN ticket AS t USING (ticket_id)
WHERE e.at < e.before OR (e.seq = 1) <> (e.kind = 'opened')
ORDER BY t.ticket_id, e.seq
""",
    # Clocks, events and what is to be told are of a ticket that is there.
    "row_of_no_ticket": """
SELECT x.relation, x.ticket_id
FROM (
  SELECT 'clock' AS relation, c.ticket_id FROM clock AS c
  UNION SELECT 'ticket_event', e.ticket_id FROM ticket_event AS e
  UNION SELECT 'outbox', o.ticket_id FROM outbox AS o WHERE o.ticket_id IS NOT NULL
) AS x
WHERE NOT EXISTS (SELECT FROM ticket AS t WHERE t.ticket_id = x.ticket_id)
ORDER BY x.relation, x.ticket_id
""",
    "ticket_without_events": """
SELECT t.number AS ticket FROM ticket AS t
WHERE NOT EXISTS (SELECT FROM ticket_event AS e WHERE e.ticket_id = t.ticket_id)
ORDER BY t.ticket_id
""",
    # A file of a ticket and the event that tells its hashes are there together, and say the same.
    "file_and_event_part": """
SELECT t.number AS ticket, coalesce(f.file_id, e.file) AS file
FROM ticket_file AS f
FULL JOIN (
  SELECT
    x.ticket_id, (x.data ->> 'file')::bigint AS file, x.data ->> 'sha256' AS digest,
    x.data ->> 'original_sha256' AS original
  FROM ticket_event AS x
  WHERE x.kind = 'attached'
) AS e ON e.ticket_id = f.ticket_id AND e.file = f.file_id
JOIN ticket AS t ON t.ticket_id = coalesce(f.ticket_id, e.ticket_id)
WHERE (encode(f.digest, 'hex'), encode(f.original, 'hex')) IS DISTINCT FROM (e.digest, e.original)
ORDER BY 1, 2
""",
    # A merged ticket points at one of the same place, and the chain of merges ends.
    "merged_elsewhere": """
SELECT t.number AS ticket, o.number AS merged_into
FROM ticket AS t JOIN ticket AS o ON o.ticket_id = t.merged_into
WHERE o.merged_into = t.ticket_id
  OR (t.home_id, t.building_id, t.substation_id) IS DISTINCT FROM (o.home_id, o.building_id, o.substation_id)
ORDER BY t.ticket_id
""",
    # A job of a sensor, an incident: each is open as long as its ticket.
    "job_and_ticket_part": """
SELECT j.device_job_id AS job, t.number AS ticket
FROM device_job AS j JOIN ticket AS t USING (ticket_id)
WHERE (j.closed_at IS NULL AND t.state = 'closed') OR t.class <> 'device'
ORDER BY j.device_job_id
""",
    "incident_and_ticket_part": """
SELECT i.number AS incident, t.number AS ticket
FROM incident AS i JOIN ticket AS t USING (ticket_id)
WHERE i.closed_at IS NULL AND t.state = 'closed'
ORDER BY i.incident_id
""",
    # A home is part of one incident at a time.
    "home_in_two_incidents": """
SELECT t.number AS ticket, count(*) AS incidents
FROM incident_ticket AS k JOIN ticket AS t USING (ticket_id)
WHERE k.left_at IS NULL
GROUP BY t.number HAVING count(*) > 1
ORDER BY t.number
""",
    # A sensor is in one place at a time, a home has one tenancy at a time.
    "sensor_in_two_places": """
SELECT s.code AS sensor, a.point_id AS point, b.point_id AS other
FROM point AS a
JOIN point AS b ON b.sensor_id = a.sensor_id AND b.point_id > a.point_id
  AND tstzrange(a.valid_from, a.valid_to) && tstzrange(b.valid_from, b.valid_to)
JOIN sensor AS s ON s.sensor_id = a.sensor_id
ORDER BY s.code
""",
    "two_tenancies": """
SELECT h.code AS home
FROM residence AS a
JOIN residence AS b ON b.home_id = a.home_id AND b.residence_id > a.residence_id
  AND tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at)
JOIN home AS h ON h.home_id = a.home_id
GROUP BY h.code
ORDER BY h.code
""",
    # No heat without a notice of its place that was issued before; what was taken over is marked so.
    "heat_without_notice": """
SELECT h.code AS home, nullif(s.since, '-infinity') AS since
FROM home_status AS s
JOIN home AS h USING (home_id)
LEFT JOIN heat_notice AS n ON n.heat_notice_id = s.heat_notice_id AND n.kind = 'heat' AND n.issued_at <= s.since
  AND (n.home_id = s.home_id OR n.building_id = h.building_id)
WHERE s.status = 'on' AND s.taken_over = (n.heat_notice_id IS NOT NULL)
ORDER BY h.code, s.since
""",
    # A ticket for an application has what was applied for, and a notice the event that tells of it.
    "application_and_ticket_part": """
SELECT t.number AS ticket
FROM (SELECT * FROM ticket WHERE class = 'application') AS t
FULL JOIN application AS a USING (ticket_id)
WHERE t.ticket_id IS NULL OR a.ticket_id IS NULL
ORDER BY ticket_id
""",
    "notice_and_event_part": """
SELECT coalesce(n.number, e.notice) AS notice
FROM heat_notice AS n
FULL JOIN (
  SELECT x.ticket_id, x.data ->> 'notice' AS notice
  FROM ticket_event AS x WHERE x.kind IN ('heat_notice', 'area_notice')
) AS e ON e.ticket_id = n.ticket_id AND e.notice = n.number
WHERE n.number IS NULL OR e.notice IS NULL
ORDER BY 1
""",
    # A correction names a record of the same home, once.
    "corrected_twice": """
SELECT o.number AS measurement, count(*) AS corrections
FROM measurement AS m JOIN measurement AS o ON o.measurement_id = m.corrects
WHERE m.signature IS NOT NULL
GROUP BY o.number, o.home_id HAVING count(*) > 1 OR bool_or(m.home_id <> o.home_id)
ORDER BY o.number
""",
    # An outage has one end, after its beginning.
    "outage_ends_twice": """
SELECT o.number AS outage FROM outage AS o
WHERE num_nonnulls(o.restored_at, o.cancelled_at) > 1 OR o.restored_at < o.begins_at
ORDER BY o.outage_id
""",
    # What became of a message is known when it is over, and an entry makes one notice for an addressee.
    "message_half_over": """
SELECT m.message_id AS message, m.state FROM message AS m
WHERE (m.state IN ('sent', 'failed')) <> (m.finished_at IS NOT NULL) OR (m.state = 'failed' AND m.reason IS NULL)
ORDER BY m.message_id
""",
    "told_twice": """
SELECT n.outbox_id AS entry, n.addressee_id AS addressee FROM notice AS n
GROUP BY n.outbox_id, n.addressee_id HAVING count(*) > 1
ORDER BY n.outbox_id
""",
    # Letters that wait are no more than letters that were counted.
    "letters_uncounted": """
SELECT w.waiting, c.counted
FROM (SELECT count(*) AS waiting FROM dead_letter WHERE replayed_at IS NULL) AS w
CROSS JOIN (
  SELECT
    (SELECT coalesce(sum(count), 0) FROM ingest_dead) + (SELECT coalesce(sum(conflicts), 0) FROM ingest_worker)
    AS counted
) AS c
WHERE w.waiting > c.counted
""",
}


def violations(conn: Connection, checks: Mapping[str, LiteralString] = DESK) -> dict[str, list[Row]]:
    """Return the rows that each check finds; all checks are named, those that find nothing have no rows."""
    return {name: fetch(conn, statement, {}) for name, statement in checks.items()}

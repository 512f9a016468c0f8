"""What may not be in the tables of the repair desk: named checks, each finding the rows that are against it.

The database refuses all of it as it happens. These find what got in before it did, or around it by whoever owns the
machine.
"""

from collections.abc import Mapping
from typing import LiteralString

from psycopg import Connection

from store.base.rows import Row, fetch

# Name → statement that finds nothing where all is well. Each row says by its columns what it is about.
CHECKS: Mapping[str, LiteralString] = {
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
END
ORDER BY n.kind, s.number
""",
}


def violations(conn: Connection) -> dict[str, list[Row]]:
    """The rows that each check finds; all checks are named, those that find nothing have no rows."""
    return {name: fetch(conn, statement, {}) for name, statement in CHECKS.items()}

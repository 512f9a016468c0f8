"""Ratings by users of the work on their tickets, by station."""

from datetime import datetime

from psycopg import Connection

from store.base.rows import Row, fetch

# Of each ticket the last one stands.
SELECT_RATINGS = """
SELECT
  coalesce(t.station, '') AS station, count(*) AS ratings, avg(r.stars)::float8 AS mean,
  count(*) FILTER (WHERE r.stars <= 2) AS low
FROM (
  SELECT DISTINCT ON (e.ticket_id) e.ticket_id, (e.data ->> 'stars')::integer AS stars
  FROM ticket_event AS e
  WHERE e.kind = 'rated' AND e.at >= %(start)s AND e.at < %(stop)s
  ORDER BY e.ticket_id, e.seq DESC
) AS r
JOIN ticket AS t USING (ticket_id)
GROUP BY 1
ORDER BY mean, 1
"""


def ratings(conn: Connection, span: tuple[datetime, datetime]) -> list[Row]:
    """Return the ratings made in a span by station, the lowest mean first."""
    return fetch(conn, SELECT_RATINGS, {"start": span[0], "stop": span[1]})

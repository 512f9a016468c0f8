"""Causes of faults that crews found, by station."""

from datetime import datetime

from psycopg import Connection

from store.base.rows import Row, fetch

# A cause that is found twice on a ticket is one; two causes of a ticket are two. The names are those told last: a
# utility may have taken a cause from its list since.
SELECT_CAUSES = """
SELECT
  coalesce(t.station, '') AS station, e.data ->> 'cause' AS cause, count(DISTINCT e.ticket_id) AS tickets,
  (array_agg(e.data ->> 'zh' ORDER BY e.at DESC))[1] AS zh, (array_agg(e.data ->> 'en' ORDER BY e.at DESC))[1] AS en
FROM ticket_event AS e
JOIN ticket AS t USING (ticket_id)
WHERE e.kind = 'cause_found' AND e.at >= %(start)s AND e.at < %(stop)s AND t.ending IS NULL
GROUP BY 1, 2
ORDER BY 1, 3 DESC, 2
"""


def causes(conn: Connection, span: tuple[datetime, datetime]) -> list[Row]:
    """Return the causes found in a span by station, the most frequent first; none of merged and void tickets."""
    return fetch(conn, SELECT_CAUSES, {"start": span[0], "stop": span[1]})

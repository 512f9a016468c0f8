"""Causes of faults that crews found, by station and beside the likely ones."""

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
# The same for cold homes, beside the likely cause that the event keeps of the ticket's opening.
SELECT_BESIDE = """
SELECT
  e.data ->> 'cause' AS found, e.data ->> 'likely' AS likely, count(DISTINCT e.ticket_id) AS tickets,
  (array_agg(e.data ->> 'zh' ORDER BY e.at DESC))[1] AS found_zh,
  (array_agg(e.data ->> 'en' ORDER BY e.at DESC))[1] AS found_en
FROM ticket_event AS e
JOIN ticket AS t USING (ticket_id)
WHERE e.kind = 'cause_found' AND e.at >= %(start)s AND e.at < %(stop)s AND t.ending IS NULL AND t.class = 'cold'
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2
"""
# Tickets of cold homes with the cause found last.
SELECT_LABELLED = """
SELECT DISTINCT ON (t.ticket_id)
  t.home_id, e.data ->> 'cause' AS found, e.data ->> 'likely' AS likely, e.data -> 'evidence' AS evidence
FROM ticket AS t JOIN ticket_event AS e USING (ticket_id)
WHERE e.kind = 'cause_found' AND t.class = 'cold' AND t.home_id IS NOT NULL AND t.ending IS NULL
  AND t.opened_at >= %(start)s AND t.opened_at < %(stop)s
ORDER BY t.ticket_id, e.seq DESC
"""
SELECT_COLD = """
SELECT h.code, t.opened_at FROM ticket AS t JOIN home AS h USING (home_id)
WHERE t.ticket_id = %(ticket)s AND t.class = 'cold'
"""


def causes(conn: Connection, span: tuple[datetime, datetime]) -> list[Row]:
    """Return the causes found in a span by station, the most frequent first; none of merged and void tickets."""
    return fetch(conn, SELECT_CAUSES, {"start": span[0], "stop": span[1]})


def beside_likely(conn: Connection, span: tuple[datetime, datetime]) -> list[Row]:
    """Return the causes found in cold homes in a span by the likely one, the most frequent first."""
    return fetch(conn, SELECT_BESIDE, {"start": span[0], "stop": span[1]})


def cold_home(conn: Connection, ticket: int) -> tuple[str, datetime] | None:
    """Return the home of a ticket of a cold home, and when it was opened; None of other tickets."""
    row = conn.execute(SELECT_COLD, {"ticket": ticket}).fetchone()
    return None if row is None else (row[0], row[1])


def labelled(conn: Connection, span: tuple[datetime, datetime]) -> list[Row]:
    """Return the tickets of cold homes opened in a span for which a cause was found, with what had been likely."""
    return fetch(conn, SELECT_LABELLED, {"start": span[0], "stop": span[1]})

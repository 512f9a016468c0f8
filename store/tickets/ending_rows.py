"""Facts that decide whether a ticket may be merged or voided."""

from collections.abc import Sequence

from psycopg import Connection

from domain.endings import EndingFacts
from store.base.rows import fetch

SELECT_ENDED = """
SELECT
  t.ticket_id, t.number, t.class AS ticket_class, t.source, t.state, t.retrospective, t.home_id, t.building_id,
  t.substation_id, (SELECT count(*) FROM flag AS f WHERE f.ticket_id = t.ticket_id) AS flags,
  EXISTS (
    SELECT FROM clock AS c WHERE c.ticket_id = t.ticket_id AND c.round = t.round AND c.name = 'call_back'
  ) AS call_back_asked
FROM ticket AS t
WHERE t.ticket_id = ANY(%(tickets)s::bigint[])
"""
PLACE = ("home_id", "building_id", "substation_id")


def ended(conn: Connection, tickets: Sequence[int]) -> dict[int, EndingFacts]:
    """Return the facts by ticket_id; the caller holds the tickets' locks."""
    found = {}
    for row in fetch(conn, SELECT_ENDED, {"tickets": list(tickets)}):
        home, building, substation = (row.pop(name) for name in PLACE)
        found[row["ticket_id"]] = EndingFacts(**row, place=(home, building, substation))
    return found

"""Facts that decide whether a ticket may be merged or voided."""

from collections.abc import Iterator, Sequence
from typing import LiteralString

from psycopg import Connection

from domain.endings import EndingFacts
from store.base.rows import Row, fetch

_FACTS: LiteralString = """
SELECT
  t.ticket_id, t.number, t.class AS ticket_class, t.source, t.state, t.retrospective, t.home_id, t.building_id,
  t.substation_id, (SELECT count(*) FROM flag AS f WHERE f.ticket_id = t.ticket_id) AS flags,
  EXISTS (
    SELECT FROM clock AS c WHERE c.ticket_id = t.ticket_id AND c.round = t.round AND c.name = 'call_back'
  ) AS call_back_asked
FROM ticket AS t
"""
SELECT_ENDED: LiteralString = _FACTS + "WHERE t.ticket_id = ANY(%(tickets)s::bigint[])"
# Each place by its own index: places joined by OR would be looked for among all tickets there ever were.
SELECT_WITH_BESIDE: LiteralString = (
    _FACTS
    + """
JOIN (
  SELECT b.ticket_id
  FROM ticket AS o
  CROSS JOIN LATERAL (
    SELECT o.ticket_id
    UNION SELECT x.ticket_id FROM ticket AS x WHERE x.home_id = o.home_id AND x.state <> 'closed'
    UNION SELECT x.ticket_id FROM ticket AS x WHERE x.building_id = o.building_id AND x.state <> 'closed'
    UNION SELECT x.ticket_id FROM ticket AS x WHERE x.substation_id = o.substation_id AND x.state <> 'closed'
  ) AS b
  WHERE o.ticket_id = %(ticket)s
) AS b USING (ticket_id)
ORDER BY ticket_id
"""
)
PLACE = ("home_id", "building_id", "substation_id")


def ended(conn: Connection, tickets: Sequence[int]) -> dict[int, EndingFacts]:
    """Return the facts by ticket_id; who decides by them holds the tickets' locks."""
    return {found.ticket_id: found for found in _facts(fetch(conn, SELECT_ENDED, {"tickets": list(tickets)}))}


def with_beside(conn: Connection, ticket: int) -> tuple[EndingFacts, list[EndingFacts]]:
    """Return the facts of a ticket, and those of the other open tickets of its place."""
    found = list(_facts(fetch(conn, SELECT_WITH_BESIDE, {"ticket": ticket})))
    mine = next(one for one in found if one.ticket_id == ticket)
    return mine, [one for one in found if one is not mine]


def _facts(rows: Sequence[Row]) -> Iterator[EndingFacts]:
    for row in rows:
        home, building, substation = (row.pop(name) for name in PLACE)
        yield EndingFacts(**row, place=(home, building, substation))

"""Transactional outbox: entries are written in the transaction of the event they announce."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from domain.notices import URGENT, OutboxEntry
from store.base import wire

TICKET_ID = OutboxEntry._fields.index("ticket_id")

# In a storm most entries are alike but for their tickets: what is alike goes to the server once, with its `tickets`
# (0: none) and the place of each in the order of all.
INSERT = """
INSERT INTO outbox (at, kind, audience, urgent, ticket_id, incident_id, outage_id, home_id, station, data, staff_id)
SELECT
  %(at)s, x.kind, x.audience, x.urgent, nullif(t.ticket_id, 0), x.incident_id, x.outage_id, x.home_id, x.station,
  x.data, x.staff_id
FROM jsonb_to_recordset(%(entries)s) AS x (
  kind text, audience text, urgent boolean, incident_id bigint, outage_id bigint, home_id integer, station text,
  data jsonb, staff_id integer, tickets text, places text
)
CROSS JOIN LATERAL unnest(x.tickets::bigint[], x.places::integer[]) AS t (ticket_id, nth)
ORDER BY t.nth
"""
GROUP = """
UPDATE outbox SET fate = 'grouped', settled_at = %(at)s, incident_id = %(incident)s
WHERE ticket_id = ANY(%(tickets)s) AND kind = ANY(%(kinds)s) AND audience <> 'user' AND fate IS NULL
"""
GROUP_CHILDREN = """
UPDATE outbox AS o SET fate = 'grouped', settled_at = %(at)s, incident_id = k.incident_id
FROM incident_ticket AS k
WHERE o.outbox_id = ANY(%(entries)s) AND o.kind = ANY(%(kinds)s) AND o.audience <> 'user' AND o.fate IS NULL
  AND k.ticket_id = o.ticket_id AND k.left_at IS NULL
"""
SETTLE = """
UPDATE outbox AS o
SET settled_at = %(at)s,
  fate = CASE WHEN EXISTS (SELECT FROM notice AS n WHERE n.outbox_id = o.outbox_id) THEN 'told' ELSE 'nobody' END
WHERE o.outbox_id = ANY(%(entries)s) AND o.fate IS NULL
"""
SELECT_WAITS = "SELECT EXISTS (SELECT FROM outbox WHERE fate IS NULL AND (audience = 'peer') = %(peers)s)"
GROUPED_KINDS = ("ticket_opened", "ticket_severe", "incident_opened")


def put(conn: Connection, entries: Sequence[OutboxEntry], at: datetime) -> None:
    """Write entries in the caller's transaction; `hearth notify` sends them."""
    if not entries:
        return
    alike: dict[bytes, tuple[OutboxEntry, list[int], list[int]]] = {}
    for nth, entry in enumerate(entries):
        without = msgspec.json.encode((entry[:TICKET_ID], entry[TICKET_ID + 1 :]))
        _, tickets, places = alike.setdefault(without, (entry, [], []))
        tickets.append(entry.ticket_id or 0)
        places.append(nth)
    rows = [
        {**_row(entry), "tickets": wire.ids(tickets), "places": wire.ids(nths)}
        for entry, tickets, nths in alike.values()
    ]
    conn.execute(INSERT, {"entries": Jsonb(rows), "at": at})


def _row(entry: OutboxEntry) -> dict[str, Any]:
    """Return an entry's columns; an omitted column is NULL."""
    said = {name: value for name, value in zip(OutboxEntry._fields, entry, strict=True) if value is not None}
    said.pop("ticket_id", None)
    return {**said, "urgent": entry.kind in URGENT if entry.urgent is None else entry.urgent}


def waits(conn: Connection, *, peers: bool) -> bool:
    """Return whether anything waits to be told: to peers, or to all others."""
    return conn.execute(SELECT_WAITS, {"peers": peers}).fetchone() == (True,)


def settle(conn: Connection, entries: Sequence[int], at: datetime) -> None:
    """Settle entries of which nobody is told any more: by whether anybody was."""
    conn.execute(SETTLE, {"entries": list(entries), "at": at})


def group(conn: Connection, tickets: Sequence[int], incident: int, at: datetime) -> int:
    """Absorb pending staff entries of tickets into those of an incident.

    Returns:
        The number of entries absorbed.
    """
    parameters = {"tickets": list(tickets), "incident": incident, "at": at, "kinds": list(GROUPED_KINDS)}
    return conn.execute(GROUP, parameters).rowcount


def group_children(conn: Connection, entries: Sequence[int], at: datetime) -> None:
    """Absorb those of the entries whose tickets belong to an incident now."""
    conn.execute(GROUP_CHILDREN, {"entries": list(entries), "at": at, "kinds": list(GROUPED_KINDS)})

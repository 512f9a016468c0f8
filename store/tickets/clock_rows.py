"""The clocks of tickets. What a clock broke stays on record; nothing is deleted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

INSERT = """
INSERT INTO clock (ticket_id, round, name, started_at, due_at, warn_at)
SELECT ticket_id, round, name, started_at, due_at, warn_at
FROM jsonb_to_recordset(%(clocks)s) AS x (
  ticket_id bigint, round smallint, name text, started_at timestamptz, due_at timestamptz, warn_at timestamptz
)
"""
# Many tickets that are opened together have the same clocks.
INSERT_OPENED = """
INSERT INTO clock (ticket_id, name, started_at, due_at, warn_at)
SELECT t.ticket_id, c.name, c.started_at, c.due_at, c.warn_at
FROM unnest(%(tickets)s::bigint[]) AS t (ticket_id)
CROSS JOIN unnest(
  %(names)s::text[], %(starts)s::timestamptz[], %(dues)s::timestamptz[], %(warns)s::timestamptz[]
) AS c (name, started_at, due_at, warn_at)
ORDER BY t.ticket_id
"""
# Those that want attention, and nobody else looks at: a ticket in work at this moment has its turn at the next look.
SELECT_DUE = """
SELECT c.ticket_id FROM clock AS c WHERE c.next_at <= %(now)s ORDER BY c.next_at LIMIT %(limit)s
"""
WARN = """
UPDATE clock SET warned_at = %(now)s
WHERE ticket_id = ANY(%(tickets)s) AND next_at <= %(now)s AND warned_at IS NULL AND warn_at < due_at
  AND due_at >= %(now)s
RETURNING ticket_id, round, name, due_at
"""
BREACH = """
UPDATE clock SET breached_at = due_at
WHERE ticket_id = ANY(%(tickets)s) AND due_at < %(now)s
  AND met_at IS NULL AND breached_at IS NULL AND void_at IS NULL
RETURNING ticket_id, round, name, due_at
"""
MEET = """
UPDATE clock AS c SET met_at = greatest(%(now)s, c.breached_at)
FROM jsonb_to_recordset(%(met)s) AS x (ticket_id bigint, round smallint, names text[])
WHERE c.ticket_id = x.ticket_id AND c.round = x.round AND (x.names IS NULL OR c.name = ANY(x.names))
  AND c.met_at IS NULL AND c.void_at IS NULL AND c.started_at IS NOT NULL
  AND (x.names IS NOT NULL OR c.started_at <= %(now)s)
"""
# What closes before a clock has begun has no use for it.
VOID_UNBEGUN = """
UPDATE clock AS c SET void_at = %(now)s
FROM jsonb_to_recordset(%(met)s) AS x (ticket_id bigint, round smallint, names text[])
WHERE c.ticket_id = x.ticket_id AND c.round = x.round AND x.names IS NULL
  AND c.met_at IS NULL AND c.void_at IS NULL AND c.started_at > %(now)s
"""
START = """
UPDATE clock AS c SET started_at = x.started_at, due_at = x.due_at, warn_at = x.warn_at, warned_at = NULL
FROM jsonb_to_recordset(%(clocks)s) AS x (
  ticket_id bigint, round smallint, name text, started_at timestamptz, due_at timestamptz, warn_at timestamptz
)
WHERE c.ticket_id = x.ticket_id AND c.round = x.round AND c.name = x.name
  AND c.met_at IS NULL AND c.breached_at IS NULL
"""
# What was met by work that was not done runs on; what was to come after it waits again, unless it is broken.
RESUME = """
UPDATE clock AS c SET
  met_at = NULL,
  started_at = CASE WHEN c.name = ANY(%(running)s) OR c.breached_at IS NOT NULL THEN c.started_at END,
  due_at = CASE WHEN c.name = ANY(%(running)s) OR c.breached_at IS NOT NULL THEN c.due_at END,
  warn_at = CASE WHEN c.name = ANY(%(running)s) THEN c.warn_at END
FROM unnest(%(tickets)s::bigint[], %(rounds)s::smallint[]) AS x (ticket_id, round)
WHERE c.ticket_id = x.ticket_id AND c.round = x.round AND (c.name = ANY(%(running)s) OR c.name = %(waiting)s)
"""
VOID = """
UPDATE clock AS c SET void_at = %(now)s
FROM unnest(%(tickets)s::bigint[], %(rounds)s::smallint[]) AS x (ticket_id, round)
WHERE c.ticket_id = x.ticket_id AND c.round < x.round AND c.met_at IS NULL AND c.void_at IS NULL
"""
SELECT_OF = """
SELECT c.ticket_id, c.round, c.name, c.started_at, c.due_at, c.met_at, c.breached_at
FROM clock AS c JOIN ticket AS t ON t.ticket_id = c.ticket_id AND t.round = c.round
WHERE c.ticket_id = ANY(%(tickets)s)
ORDER BY c.ticket_id, c.name
"""
SELECT_UNDATED = """
SELECT c.ticket_id, c.round, c.name, c.started_at, c.due_at, c.met_at, c.breached_at
FROM clock AS c WHERE c.started_at IS NOT NULL AND c.due_at IS NULL
ORDER BY c.ticket_id LIMIT %(limit)s
"""
DATE = """
UPDATE clock AS c SET
  due_at = x.due_at, warn_at = x.warn_at,
  breached_at = CASE WHEN c.met_at > x.due_at THEN x.due_at END
FROM jsonb_to_recordset(%(clocks)s) AS x (
  ticket_id bigint, round smallint, name text, due_at timestamptz, warn_at timestamptz
)
WHERE c.ticket_id = x.ticket_id AND c.round = x.round AND c.name = x.name AND c.due_at IS NULL
RETURNING c.ticket_id, c.round, c.name, c.due_at, c.breached_at
"""


# Of visits to homes, those for cold alone: what a policy of temperatures changes.
SELECT_VISITS = """
SELECT count(*), coalesce(sum(extract(epoch FROM t.done_at - c.met_at) * 1000000), 0)::bigint
FROM ticket AS t JOIN clock AS c USING (ticket_id, round)
WHERE t.home_id = ANY (%(homes)s::integer[]) AND t.class = 'cold' AND c.name = 'on_site' AND c.met_at <= t.done_at
"""


class CrewVisits(NamedTuple):
    """Tickets for cold of which a crew was noted to arrive and to be done, and the time between, in µs, in all."""

    tickets: int
    us: int


class ClockRow(NamedTuple):
    """A clock of a ticket's present round."""

    ticket_id: int
    round: int
    name: str
    started_at: datetime | None
    due_at: datetime | None
    met_at: datetime | None
    breached_at: datetime | None


class OpenedClock(NamedTuple):
    """A clock of a ticket that is opened; one that waits for something has not started."""

    name: str
    started_at: datetime | None
    due_at: datetime | None
    warn_at: datetime | None


class RunningClock(NamedTuple):
    """A clock that warned, was breached, or was given its due time."""

    ticket_id: int
    round: int
    name: str
    due_at: datetime
    breached_at: datetime | None = None


def insert(conn: Connection, clocks: Sequence[Mapping[str, Any]]) -> None:
    """Store new clocks: `{ticket_id, round, name, started_at, due_at, warn_at}`, instants as RFC 3339 text or None."""
    if clocks:
        conn.execute(INSERT, {"clocks": Jsonb(list(clocks))})


def insert_opened(conn: Connection, tickets: Sequence[int], clocks: Sequence[OpenedClock]) -> None:
    """Store the clocks of new tickets, which all have the same."""
    if tickets and clocks:
        names, starts, dues, warns = (list(column) for column in zip(*clocks, strict=True))
        parameters = {"tickets": list(tickets), "names": names, "starts": starts, "dues": dues, "warns": warns}
        conn.execute(INSERT_OPENED, parameters)


def due(conn: Connection, now: datetime, limit: int) -> list[int]:
    """Return tickets of clocks that want attention, the most pressing first; one for each clock."""
    return [row[0] for row in conn.execute(SELECT_DUE, {"now": now, "limit": limit}).fetchall()]


def warn(conn: Connection, tickets: Sequence[int], now: datetime) -> list[RunningClock]:
    """Note that clocks of locked tickets have warned; those that ran out meanwhile do not any more."""
    with conn.cursor(row_factory=class_row(RunningClock)) as cur:
        return _as_due(cur.execute(WARN, {"tickets": list(tickets), "now": now}).fetchall())


def breach(conn: Connection, tickets: Sequence[int], now: datetime) -> list[RunningClock]:
    """Note which clocks of locked tickets have run out before `now`: at the instant at which they did."""
    with conn.cursor(row_factory=class_row(RunningClock)) as cur:
        return _as_due(cur.execute(BREACH, {"tickets": list(tickets), "now": now}).fetchall())


def _as_due(clocks: list[RunningClock]) -> list[RunningClock]:
    """Return clocks of a ticket in the order in which they are due: an UPDATE returns rows as it meets them."""
    return sorted(clocks, key=lambda clock: (clock.ticket_id, clock.due_at, clock.name))


def meet(conn: Connection, met: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Stop clocks `{ticket_id, round, names}` that have started and still run; names None: all of them.

    Of all of them, those that would begin later are void.
    """
    if met:
        conn.execute(MEET, {"met": Jsonb(list(met)), "now": now})
    if any(one["names"] is None for one in met):
        conn.execute(VOID_UNBEGUN, {"met": Jsonb(list(met)), "now": now})


def start(conn: Connection, clocks: Sequence[Mapping[str, Any]]) -> None:
    """Start clocks that have waited for it: as for `insert`."""
    if clocks:
        conn.execute(START, {"clocks": Jsonb(list(clocks))})


def resume(
    conn: Connection, tickets: Sequence[int], rounds: Sequence[int], running: Sequence[str], waiting: str
) -> None:
    """Undo that clocks were met: those `running` run on from when they began, the one `waiting` has not begun."""
    if tickets:
        parameters = {"tickets": list(tickets), "rounds": list(rounds), "running": list(running), "waiting": waiting}
        conn.execute(RESUME, parameters)


def void(conn: Connection, tickets: Sequence[int], rounds: Sequence[int], now: datetime) -> None:
    """Stop unmet clocks of the rounds before; what they broke stays broken."""
    if tickets:
        conn.execute(VOID, {"tickets": list(tickets), "rounds": list(rounds), "now": now})


def of_tickets(conn: Connection, tickets: Sequence[int]) -> list[ClockRow]:
    """Return the clocks of tickets in their present round."""
    with conn.cursor(row_factory=class_row(ClockRow)) as cur:
        return cur.execute(SELECT_OF, {"tickets": list(tickets)}).fetchall()


def undated(conn: Connection, limit: int) -> list[ClockRow]:
    """Return clocks that have started and whose due time nobody knew."""
    with conn.cursor(row_factory=class_row(ClockRow)) as cur:
        return cur.execute(SELECT_UNDATED, {"limit": limit}).fetchall()


def date(conn: Connection, clocks: Sequence[Mapping[str, Any]]) -> list[RunningClock]:
    """Give undated clocks `{ticket_id, round, name, due_at, warn_at}` of locked tickets their due time.

    Those that were met later than that are breached.
    """
    if not clocks:
        return []
    with conn.cursor(row_factory=class_row(RunningClock)) as cur:
        return _as_due(cur.execute(DATE, {"clocks": Jsonb(list(clocks))}).fetchall())


def visits(conn: Connection, homes: Sequence[int]) -> CrewVisits:
    """Return how long crews were at homes for cold."""
    row = conn.execute(SELECT_VISITS, {"homes": list(homes)}).fetchone()
    return CrewVisits(*(row or (0, 0)))

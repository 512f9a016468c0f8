"""Live feed: changes of flags, tickets and incidents, read from a position.

Row numbers follow the order of writing, but transactions commit in another order: a reader that asks for "all after
number 7" would miss a row with number 6 that is committed later. A position is therefore a snapshot of the database in
PostgreSQL's text form, `xmin:xmax:in progress`. A transaction is visible in it or not, permanently. The next read
returns the rows that are not visible in that snapshot; it is one statement with one snapshot, which becomes the next
position. So each row is delivered exactly once, whenever it was committed, and a long transaction delays nobody.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString, NamedTuple, Self

from psycopg import Connection

from store.base.place_joins import place_of
from store.base.rows import Row, fetch

LISTEN = "LISTEN hearth_live"
MOST_IN_PROGRESS = 500
LARGEST = 2**63 - 1

# The rest of a partly delivered snapshot comes first, so that each point within it is a FeedPosition.
_UNTOLD: LiteralString = """
SELECT
  s.now::text AS now, f.upto >= pg_snapshot_xmin(%(before)s::pg_snapshot) AS forgotten,
  e.live_event_id, e.xid, e.rest, e.kind, e.what, e.subject_id, e.seq, e.class, e.home_id, e.station
FROM (SELECT pg_current_snapshot() AS now) AS s
CROSS JOIN live_forgotten AS f
LEFT JOIN LATERAL (
  SELECT
    x.live_event_id, x.xid::text::bigint AS xid, pg_visible_in_snapshot(x.xid, %(within)s::pg_snapshot) AS rest,
    x.kind, x.what, x.subject_id, x.seq, x.class, x.home_id, x.station
  FROM live_event AS x
  WHERE x.xid >= pg_snapshot_xmin(%(before)s::pg_snapshot)
    AND NOT pg_visible_in_snapshot(x.xid, %(before)s::pg_snapshot)
    AND NOT (x.live_event_id <= %(upto)s AND pg_visible_in_snapshot(x.xid, %(within)s::pg_snapshot))
    -- a row of another server, from a restored backup, may be of a transaction to come
    AND pg_visible_in_snapshot(x.xid, s.now)
"""
_IN_ORDER: LiteralString = """
  ORDER BY rest DESC, live_event_id
  LIMIT %(most)s
) AS e ON true
ORDER BY e.rest DESC, e.live_event_id
"""
SELECT_UNTOLD: LiteralString = _UNTOLD + _IN_ORDER
SELECT_UNTOLD_OF_HOME: LiteralString = _UNTOLD + "    AND x.home_id = %(home)s" + _IN_ORDER
SELECT_NOW = "SELECT pg_current_snapshot()::text"
SELECT_QUIET = """
SELECT
  s.now::text, NOT EXISTS (
    SELECT FROM live_event AS x
    WHERE x.xid >= pg_snapshot_xmin(%(since)s::pg_snapshot) AND x.kind = 'ticket'
      AND NOT pg_visible_in_snapshot(x.xid, %(since)s::pg_snapshot) AND pg_visible_in_snapshot(x.xid, s.now)
  )
FROM (SELECT pg_current_snapshot() AS now) AS s
"""
SELECT_TICKET_EVENTS: LiteralString = """
SELECT
  e.ticket_id, e.seq, e.at, e.kind, e.actor, e.data, e.state, t.number, t.class, t.priority, h.code AS home,
  b.code AS building, u.code AS substation, t.station, t.opened_at
FROM unnest(%(tickets)s::bigint[], %(seqs)s::integer[]) AS w (ticket_id, seq)
JOIN ticket_event AS e USING (ticket_id, seq)
JOIN ticket AS t USING (ticket_id)
""" + place_of("t")
# The first ones by the key: one that is old, and lies behind some that are not yet, waits for these.
FORGET = """
WITH gone AS (
  DELETE FROM live_event WHERE (xid, live_event_id) IN (
    SELECT f.xid, f.live_event_id
    FROM (SELECT xid, live_event_id, at FROM live_event ORDER BY xid, live_event_id LIMIT %(most)s) AS f
    WHERE f.at < %(before)s
  )
  RETURNING xid
), noted AS (
  UPDATE live_forgotten SET upto = greatest(upto, (SELECT max(xid) FROM gone)) WHERE EXISTS (SELECT FROM gone)
)
SELECT count(*) FROM gone
"""


class FeedKind(StrEnum):
    """Kinds of objects in the feed."""

    FLAG = "flag"
    TICKET = "ticket"
    INCIDENT = "incident"


@dataclass(frozen=True)
class Snapshot:
    """Visibility of transactions at an instant: those below `xmax` that were not in progress are visible."""

    xmin: int
    xmax: int
    in_progress: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a snapshot in PostgreSQL's text form.

        Raises:
            ValueError: malformed.
        """
        if not re.fullmatch(r"[0-9]{1,19}:[0-9]{1,19}:([0-9]{1,19}(,[0-9]{1,19})*)?", text):
            raise ValueError("not a snapshot")
        xmin, xmax, rest = text.split(":")
        found = cls(int(xmin), int(xmax), frozenset(int(x) for x in rest.split(",") if x))
        inside = all(found.xmin <= x < found.xmax for x in found.in_progress)
        if not (0 < found.xmin <= found.xmax <= LARGEST and inside and len(found.in_progress) <= MOST_IN_PROGRESS):
            raise ValueError("not a snapshot")
        return found

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, sorted(self.in_progress)))}"

    def sees(self, xid: int) -> bool:
        """Check that a transaction is visible, given that it was committed."""
        return xid < self.xmin or (xid < self.xmax and xid not in self.in_progress)

    def later(self, other: Self) -> Self:
        """Return the later of two snapshots of one server: whatever it does not see, the other does not see either."""
        ours, theirs = ((s.xmax, -len(s.in_progress)) for s in (self, other))
        return self if ours >= theirs else other


@dataclass(frozen=True)
class FeedPosition:
    """Position of a reader: all that `before` sees, and up to row `upto` what `within` sees."""

    before: Snapshot
    within: Snapshot
    upto: int = 0

    @classmethod
    def all(cls, seen: Snapshot) -> Self:
        """Return the position behind everything that a snapshot sees."""
        return cls(seen, seen)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text form of __str__.

        Raises:
            ValueError: malformed.
        """
        parts = text.split("/")
        before, within = Snapshot.parse(parts[0]), Snapshot.parse(parts[-2] if len(parts) == 3 else parts[0])
        if len(parts) not in (1, 3) or within.later(before) != within:
            raise ValueError("not a place in what is told")
        if len(parts) == 1:
            return cls.all(before)
        if not re.fullmatch(r"[0-9]{1,18}", parts[2]):
            raise ValueError("not a place in what is told")
        return cls(before, within, int(parts[2]))

    def __str__(self) -> str:
        return str(self.before) if self.before == self.within else f"{self.before}/{self.within}/{self.upto}"


class FeedEntry(NamedTuple):
    """A change of a flag, ticket (its `seq`-th event) or incident, with the attributes that decide on access."""

    live_event_id: int
    xid: int
    kind: FeedKind
    what: str
    subject_id: int
    seq: int | None
    ticket_class: str
    home_id: int | None
    station: str | None


@dataclass(frozen=True)
class FeedBacklog:
    """Undelivered changes of a reader.

    `rest` is the remainder of FeedPosition.within, `changes` what came after it, both in order; `now` sees all of them.
    `lost`: reason why the changes cannot be delivered: deleted, more than the limit, or an unknown position.
    """

    now: Snapshot
    rest: Sequence[FeedEntry] = ()
    changes: Sequence[FeedEntry] = ()
    lost: str | None = None


def listen(conn: Connection) -> None:
    """Subscribe a connection in autocommit mode to change notifications."""
    conn.execute(LISTEN)


def wait(conn: Connection, seconds: float) -> set[str]:
    """Wait for a notification; returns the channels that were heard, none after the timeout."""
    return {notify.channel for notify in conn.notifies(timeout=seconds, stop_after=1)}


def now(conn: Connection) -> Snapshot:
    """Return the current snapshot."""
    row = conn.execute(SELECT_NOW).fetchone()
    assert row is not None
    return Snapshot.parse(row[0])


def quiet(conn: Connection, since: Snapshot) -> tuple[Snapshot, bool]:
    """Return the current snapshot, and whether nothing has happened to any ticket since another one."""
    row = conn.execute(SELECT_QUIET, {"since": str(since)}).fetchone()
    assert row is not None
    return Snapshot.parse(row[0]), row[1]


def untold(conn: Connection, told: FeedPosition, most: int, home_id: int | None = None) -> FeedBacklog:
    """Return the changes after a position, of all homes in reach or of one; more than `most` are lost."""
    values = {"before": str(told.before), "within": str(told.within), "upto": told.upto, "most": most + 1}
    if home_id is None:
        rows = fetch(conn, SELECT_UNTOLD, values)
    else:
        rows = fetch(conn, SELECT_UNTOLD_OF_HOME, {**values, "home": home_id})
    seen = Snapshot.parse(rows[0]["now"])
    changes = [row for row in rows if row["live_event_id"] is not None]
    # A position later than now comes from before a backup was restored.
    if told.within.later(seen) != seen:
        return FeedBacklog(seen, lost="unknown")
    if rows[0]["forgotten"]:
        return FeedBacklog(seen, lost="too_old")
    if len(changes) > most:
        return FeedBacklog(seen, lost="too_many")
    parts: dict[bool, list[FeedEntry]] = {True: [], False: []}
    for row in changes:
        parts[row["rest"]].append(_change(row))
    return FeedBacklog(seen, parts[True], parts[False])


def _change(row: Row) -> FeedEntry:
    return FeedEntry(
        row["live_event_id"],
        row["xid"],
        FeedKind(row["kind"]),
        row["what"],
        row["subject_id"],
        row["seq"],
        row["class"],
        row["home_id"],
        row["station"],
    )


def ticket_events(conn: Connection, wanted: Sequence[tuple[int, int | None]]) -> list[dict[str, Any]]:
    """Return events of tickets by (ticket, number), each with attributes of its ticket."""
    tickets, seqs = [ticket for ticket, _ in wanted], [seq for _, seq in wanted]
    return fetch(conn, SELECT_TICKET_EVENTS, {"tickets": tickets, "seqs": seqs})


def forget(conn: Connection, before: datetime, most: int) -> int:
    """Delete up to `most` changes from before an instant; returns the count."""
    row = conn.execute(FORGET, {"before": before, "most": most}).fetchone()
    return int(row[0]) if row else 0

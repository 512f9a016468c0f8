"""The rota: stations that keep one, shifts, and swaps that people ask each other for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.errors import CheckViolation, ExclusionViolation
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.rota import ShiftSpan
from store.base.rows import Row, fetch

SELECT_STATIONS = """
SELECT
  r.station, r.since, r.lead_id, s.name AS lead,
  coalesce(s.active_from <= %(now)s AND coalesce(s.active_to > %(now)s, true), false) AS lead_active
FROM rota AS r LEFT JOIN staff AS s ON s.staff_id = r.lead_id
WHERE (%(station)s::text IS NULL OR r.station = %(station)s)
ORDER BY r.station
"""
UPSERT_STATION = """
INSERT INTO rota (station, lead_id, since) VALUES (%(station)s, %(lead_id)s, %(now)s)
ON CONFLICT (station) DO UPDATE SET lead_id = excluded.lead_id
"""
DELETE_STATION = "DELETE FROM rota WHERE station = %(station)s RETURNING station"
CANCEL_AHEAD = """
UPDATE shift SET cancelled_at = %(now)s, version = version + 1, changed_at = %(now)s
WHERE station = %(station)s AND starts_at >= %(now)s AND cancelled_at IS NULL
"""
UPDATE_CUT = """
UPDATE shift SET ends_at = %(now)s, version = version + 1, changed_at = %(now)s
WHERE station = %(station)s AND starts_at < %(now)s AND ends_at > %(now)s AND cancelled_at IS NULL
"""
SELECT_IS_LEAD = "SELECT EXISTS (SELECT FROM rota WHERE station = %(station)s AND lead_id = %(staff_id)s)"
# Who may be on call at a station: its crew, and the desk, at the present.
SELECT_COLLEAGUES = """
SELECT s.staff_id, s.name, s.role, s.station, s.telephone IS NOT NULL AS has_telephone FROM staff AS s
WHERE s.active_from <= %(now)s AND coalesce(s.active_to > %(now)s, true)
  AND (s.station IS NULL OR s.station = %(station)s) AND (%(staff_id)s::integer IS NULL OR s.staff_id = %(staff_id)s)
ORDER BY s.station NULLS LAST, s.name, s.staff_id
"""

_SHIFTS: LiteralString = """
SELECT h.shift_id, h.station, h.staff_id, s.name, h.starts_at, h.ends_at, h.version, h.cancelled_at
FROM shift AS h JOIN staff AS s USING (staff_id)
"""
SELECT_SHIFTS: LiteralString = (
    _SHIFTS
    + """
WHERE h.ends_at > %(begin)s AND h.starts_at < %(end)s AND h.cancelled_at IS NULL
  AND (%(station)s::text IS NULL OR h.station = %(station)s)
ORDER BY h.starts_at, h.station, s.name, h.shift_id
LIMIT %(limit)s
"""
)
LOCK_SHIFTS: LiteralString = _SHIFTS + "WHERE h.shift_id = ANY (%(shifts)s) ORDER BY h.shift_id FOR UPDATE OF h"
INSERT_SHIFTS = """
INSERT INTO shift (station, staff_id, starts_at, ends_at, changed_at)
SELECT %(station)s, %(staff_id)s, x.starts_at, x.ends_at, %(now)s
FROM jsonb_to_recordset(%(spans)s) AS x (starts_at timestamptz, ends_at timestamptz)
ORDER BY x.starts_at
RETURNING shift_id
"""
CANCEL_SHIFT = """
UPDATE shift SET cancelled_at = %(now)s, version = version + 1, changed_at = %(now)s
WHERE shift_id = %(shift_id)s AND starts_at >= %(now)s AND cancelled_at IS NULL
RETURNING shift_id
"""
UPDATE_END = """
UPDATE shift SET ends_at = %(now)s, version = version + 1, changed_at = %(now)s
WHERE shift_id = %(shift_id)s AND starts_at < %(now)s AND ends_at > %(now)s AND cancelled_at IS NULL
RETURNING shift_id
"""
# One statement, so that the two are never both with one of them.
UPDATE_OWNERS = """
UPDATE shift AS h SET staff_id = x.staff_id, version = h.version + 1, changed_at = %(now)s
FROM jsonb_to_recordset(%(owners)s) AS x (shift_id integer, staff_id integer)
WHERE h.shift_id = x.shift_id
"""

# A swap counts while both shifts lie ahead and are still with those who asked and were asked.
SELECT_SWAPS = """
SELECT
  w.swap_id, w.station, w.shift_id, w.asked_by, a.name AS asked_by_name, w.asked, b.name AS asked_name, w.return_id,
  h.starts_at, h.ends_at, r.starts_at AS return_starts_at, r.ends_at AS return_ends_at, w.asked_at
FROM shift_swap AS w
JOIN shift AS h ON h.shift_id = w.shift_id
LEFT JOIN shift AS r ON r.shift_id = w.return_id
JOIN staff AS a ON a.staff_id = w.asked_by
JOIN staff AS b ON b.staff_id = w.asked
WHERE w.outcome IS NULL AND h.starts_at > %(now)s AND h.staff_id = w.asked_by AND h.cancelled_at IS NULL
  AND (w.return_id IS NULL OR (r.starts_at > %(now)s AND r.staff_id = w.asked AND r.cancelled_at IS NULL))
  AND (%(swap_id)s::integer IS NULL OR w.swap_id = %(swap_id)s)
  AND (%(station)s::text IS NULL OR w.station = %(station)s)
ORDER BY h.starts_at, w.swap_id
"""
LOCK_SWAP = "SELECT swap_id FROM shift_swap WHERE swap_id = %(swap_id)s AND outcome IS NULL FOR UPDATE"
WITHDRAW_SWAPS = """
UPDATE shift_swap SET outcome = 'withdrawn', answered_at = %(now)s WHERE shift_id = %(shift_id)s AND outcome IS NULL
"""
INSERT_SWAP = """
INSERT INTO shift_swap (station, shift_id, asked_by, asked, return_id, asked_at)
VALUES (%(station)s, %(shift_id)s, %(asked_by)s, %(asked)s, %(return_id)s, %(now)s)
RETURNING swap_id
"""
ANSWER_SWAP = """
UPDATE shift_swap SET outcome = %(outcome)s, answered_at = %(now)s WHERE swap_id = %(swap_id)s AND outcome IS NULL
"""

# The load of each person who can be on call: by name, as tickets have the responsible person.
SELECT_LOAD = """
SELECT
  s.staff_id, s.name, s.station, count(t.ticket_id) FILTER (WHERE t.state <> 'closed') AS open,
  count(t.ticket_id) FILTER (WHERE t.state <> 'closed' AND d.due_at > %(now)s AND d.due_at <= %(until)s) AS due,
  count(t.ticket_id) FILTER (WHERE t.state <> 'closed' AND d.due_at <= %(now)s) AS late,
  count(t.ticket_id) FILTER (WHERE t.opened_at >= %(month)s) AS month,
  coalesce((
    SELECT sum(extract(epoch FROM least(h.ends_at, %(month_end)s) - greatest(h.starts_at, %(month)s)))::double precision
    FROM shift AS h
    WHERE h.staff_id = s.staff_id AND h.cancelled_at IS NULL
      AND tstzrange(h.starts_at, h.ends_at) && tstzrange(%(month)s, %(month_end)s)
  ), 0) AS on_call_s
FROM staff AS s
LEFT JOIN ticket AS t ON t.responsible = s.name AND (t.state <> 'closed' OR t.opened_at >= %(month)s)
LEFT JOIN LATERAL (
  SELECT min(c.due_at) AS due_at FROM clock AS c
  WHERE c.ticket_id = t.ticket_id AND c.met_at IS NULL AND c.void_at IS NULL
) AS d ON t.state <> 'closed'
WHERE s.active_from <= %(now)s AND coalesce(s.active_to > %(now)s, true)
  AND (%(station)s::text IS NULL OR s.station = %(station)s)
  AND (s.station IS NOT NULL OR EXISTS (
    SELECT FROM shift AS h WHERE h.staff_id = s.staff_id AND h.ends_at > %(month)s AND h.cancelled_at IS NULL
  ))
GROUP BY s.staff_id, s.name, s.station
ORDER BY s.station NULLS LAST, s.name, s.staff_id
"""
SELECT_CALENDAR_SINCE = "SELECT credential.calendar_since(%(staff_id)s)"
SELECT_SET_CALENDAR = "SELECT credential.set_calendar(%(staff_id)s, %(hash)s, %(now)s)"
SELECT_CALENDAR_OF = "SELECT c.staff_id, c.name, c.language FROM credential.calendar_of(%(hash)s, %(now)s) AS c"
SELECT_CALENDAR_SHIFTS = "SELECT * FROM credential.calendar_shifts(%(staff_id)s, %(since)s)"


class ShiftRow(NamedTuple):
    """A shift, and the person who stands it."""

    shift_id: int
    station: str
    staff_id: int
    name: str
    starts_at: datetime
    ends_at: datetime
    version: int
    cancelled_at: datetime | None


class NewSwap(NamedTuple):
    """A swap that somebody asks a colleague for."""

    station: str
    shift_id: int
    asked_by: int
    asked: int
    return_id: int | None


class CalendarOwner(NamedTuple):
    """The person of a calendar's secret."""

    staff_id: int
    name: str
    language: str


class ShiftRefused(Exception):
    """A rule of the table refuses a shift: `shift_one_place`, `shift_span` or `shift_bounded`."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


@contextmanager
def _ruled(conn: Connection) -> Iterator[None]:
    try:
        with conn.transaction():
            yield
    except (CheckViolation, ExclusionViolation) as error:
        raise ShiftRefused(str(error.diag.constraint_name)) from None


def stations(conn: Connection, now: datetime, station: str | None = None) -> list[Row]:
    """Return the stations that keep a rota, with the lead of each."""
    return fetch(conn, SELECT_STATIONS, {"now": now, "station": station})


def keep(conn: Connection, station: str, lead_id: int | None, now: datetime) -> None:
    """Let a station keep a rota, with this lead."""
    conn.execute(UPSERT_STATION, {"station": station, "lead_id": lead_id, "now": now})


def end(conn: Connection, station: str, now: datetime) -> bool:
    """End the rota of a station: shifts ahead are cancelled, one that runs ends now; False if it keeps none."""
    values = {"station": station, "now": now}
    if conn.execute(DELETE_STATION, values).fetchone() is None:
        return False
    conn.execute(CANCEL_AHEAD, values)
    conn.execute(UPDATE_CUT, values)
    return True


def is_lead(conn: Connection, station: str, staff_id: int) -> bool:
    """Return whether a person is the lead of a station."""
    return conn.execute(SELECT_IS_LEAD, {"station": station, "staff_id": staff_id}).fetchone() == (True,)


def colleagues(conn: Connection, station: str, now: datetime, staff_id: int | None = None) -> list[Row]:
    """Return who can be on call at a station: all, or one of them if it is so."""
    return fetch(conn, SELECT_COLLEAGUES, {"station": station, "now": now, "staff_id": staff_id})


def shifts(conn: Connection, begin: datetime, end: datetime, station: str | None, limit: int) -> list[ShiftRow]:
    """Return the shifts that touch a span of time, in its order."""
    values = {"begin": begin, "end": end, "station": station, "limit": limit}
    with conn.cursor(row_factory=class_row(ShiftRow)) as cur:
        return cur.execute(SELECT_SHIFTS, values).fetchall()


def lock(conn: Connection, shift_ids: Sequence[int]) -> dict[int, ShiftRow]:
    """Lock shifts, and return those that there are."""
    with conn.cursor(row_factory=class_row(ShiftRow)) as cur:
        found = cur.execute(LOCK_SHIFTS, {"shifts": list(shift_ids)}).fetchall()
    return {row.shift_id: row for row in found}


def plan(conn: Connection, station: str, staff_id: int, spans: Sequence[ShiftSpan], now: datetime) -> list[int]:
    """Put a person on call for some spans, and return the numbers of the shifts in the order of time.

    Raises:
        ShiftRefused: a rule is broken; nothing is written.
    """
    told = Jsonb([{"starts_at": s.starts_at.isoformat(), "ends_at": s.ends_at.isoformat()} for s in spans])
    with _ruled(conn):
        values = {"station": station, "staff_id": staff_id, "spans": told, "now": now}
        return [row[0] for row in conn.execute(INSERT_SHIFTS, values).fetchall()]


def cancel(conn: Connection, shift_id: int, now: datetime) -> bool:
    """Cancel a shift that lies ahead, or end one that runs; False if it is over or cancelled."""
    values = {"shift_id": shift_id, "now": now}
    statements = (CANCEL_SHIFT, UPDATE_END)
    return any(conn.execute(statement, values).fetchone() is not None for statement in statements)


def change_hands(conn: Connection, owners: dict[int, int], now: datetime) -> None:
    """Give shifts to other people, all at once.

    Raises:
        ShiftRefused: somebody would be at two places; nothing is written.
    """
    told = Jsonb([{"shift_id": shift, "staff_id": person} for shift, person in owners.items()])
    with _ruled(conn):
        conn.execute(UPDATE_OWNERS, {"owners": told, "now": now})


def swaps(conn: Connection, now: datetime, station: str | None = None) -> list[Row]:
    """Return the swaps that are asked for and can still be made."""
    return fetch(conn, SELECT_SWAPS, {"now": now, "station": station, "swap_id": None})


def lock_swap(conn: Connection, swap_id: int, now: datetime) -> Row | None:
    """Lock a swap and its shifts; None if it cannot be made (any more)."""
    found = fetch(conn, SELECT_SWAPS, {"now": now, "station": None, "swap_id": swap_id})
    if not found:
        return None
    swap = found[0]
    # Shifts before swaps, as who asks for a swap does: else the two could wait for each other.
    lock(conn, [one for one in (swap["shift_id"], swap["return_id"]) if one is not None])
    if conn.execute(LOCK_SWAP, {"swap_id": swap_id}).fetchone() is None:
        return None
    return next(iter(fetch(conn, SELECT_SWAPS, {"now": now, "station": None, "swap_id": swap_id})), None)


def ask_swap(conn: Connection, swap: NewSwap, now: datetime) -> int:
    """Write down what somebody asks a colleague for; what was asked of the shift before is withdrawn."""
    conn.execute(WITHDRAW_SWAPS, {"shift_id": swap.shift_id, "now": now})
    row = conn.execute(INSERT_SWAP, {**swap._asdict(), "now": now}).fetchone()
    assert row is not None
    return int(row[0])


def answer_swap(conn: Connection, swap_id: int, outcome: str, now: datetime) -> None:
    """Write down what became of a swap: agreed, declined or withdrawn."""
    conn.execute(ANSWER_SWAP, {"swap_id": swap_id, "outcome": outcome, "now": now})


def load(conn: Connection, month: ShiftSpan, until: datetime, station: str | None, now: datetime) -> list[Row]:
    """Return the load of each person: tickets open, due by an instant, late, of a month, and its seconds on call."""
    values = {"month": month.starts_at, "month_end": month.ends_at, "until": until, "station": station, "now": now}
    return fetch(conn, SELECT_LOAD, values)


def calendar_since(conn: Connection, staff_id: int) -> datetime | None:
    """Return since when a person has the present address of the calendar; None: there is none."""
    row = conn.execute(SELECT_CALENDAR_SINCE, {"staff_id": staff_id}).fetchone()
    return row[0] if row else None


def set_calendar(conn: Connection, staff_id: int, digest: bytes | None, now: datetime) -> None:
    """Give a person's calendar a secret; None: it has no address any more. The one before holds no more."""
    conn.execute(SELECT_SET_CALENDAR, {"staff_id": staff_id, "hash": digest, "now": now})


def calendar_of(conn: Connection, digest: bytes, now: datetime) -> CalendarOwner | None:
    """Return the person of a calendar's secret; None if it does not hold."""
    row = conn.execute(SELECT_CALENDAR_OF, {"hash": digest, "now": now}).fetchone()
    return CalendarOwner(*row) if row else None


def calendar_shifts(conn: Connection, staff_id: int, since: datetime) -> list[Row]:
    """Return the shifts of a person that end after an instant."""
    return fetch(conn, SELECT_CALENDAR_SHIFTS, {"staff_id": staff_id, "since": since})

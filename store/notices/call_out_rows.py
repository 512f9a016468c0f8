"""Call-outs: tickets that wait to be accepted at stations that keep a rota, and who is told of them next."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.rota import StationPeople
from store.base.place_joins import place_of
from store.base.rows import Row, fetch

# OFFSET 0: each ticket is looked up by its key. A join would go through all of them for each, where the table was small
# when the planner last heard of it.
_TICKETS: LiteralString = """
FROM jsonb_to_recordset(%(tickets)s) AS x (ticket_id bigint, kind text, opened boolean)
CROSS JOIN LATERAL (SELECT y.* FROM ticket AS y WHERE y.ticket_id = x.ticket_id OFFSET 0) AS t
""" + place_of("t")
# A ticket that opens again calls out again, and one that goes to another station is no more that one's.
END_BEFORE: LiteralString = (
    "UPDATE call_out AS c SET due_at = NULL, ending = 'moved'"
    + _TICKETS
    + """
WHERE c.ticket_id = x.ticket_id AND c.due_at IS NOT NULL
  AND (x.opened OR c.station IS DISTINCT FROM coalesce(t.station, u.station))
"""
)
SELECT_ANY = """
SELECT EXISTS (SELECT FROM rota) OR EXISTS (SELECT FROM call_out WHERE due_at IS NOT NULL)
"""
# Nobody is called out for a sensor. A cold home is held back for a while, since an incident may absorb it.
INSERT_CALL_OUTS: LiteralString = (
    """
INSERT INTO call_out (ticket_id, station, kind, began_at, due_at)
SELECT
  t.ticket_id, r.station, x.kind, %(now)s::timestamptz,
  CASE WHEN t.class = 'cold' AND t.source <> 'incident' THEN %(held_until)s::timestamptz ELSE %(now)s END
"""
    + _TICKETS
    + """
JOIN rota AS r ON r.station = coalesce(t.station, u.station)
WHERE t.state = 'open' AND t.class <> 'device' AND (x.opened OR r.station IS DISTINCT FROM (
  SELECT c.station FROM call_out AS c WHERE c.ticket_id = t.ticket_id ORDER BY c.call_out_id DESC LIMIT 1
))
ORDER BY t.ticket_id
RETURNING ticket_id
"""
)
TAKE: LiteralString = (
    """
SELECT
  c.call_out_id, c.ticket_id, c.station, c.kind, c.step, t.state = 'open' AS waits,
  c.station = coalesce(t.station, u.station) AS stays,
  EXISTS (SELECT FROM incident_ticket AS i WHERE i.ticket_id = c.ticket_id AND i.left_at IS NULL) AS grouped,
  ARRAY(
    SELECT d.staff_id FROM call_out_told AS d WHERE d.call_out_id = c.call_out_id AND d.staff_id IS NOT NULL
  ) AS told
FROM call_out AS c
JOIN ticket AS t USING (ticket_id)
"""
    + place_of("t")
    + """
WHERE c.due_at <= %(due)s
ORDER BY c.due_at, c.call_out_id
LIMIT %(limit)s
FOR UPDATE OF c SKIP LOCKED
"""
)
# People who work there now and can be told: they have an addressee.
SELECT_PEOPLE = """
SELECT p.station, p.staff_id, p.on_call
FROM (
  SELECT h.station, h.staff_id, true AS on_call FROM shift AS h
  WHERE h.station = ANY (%(stations)s) AND h.starts_at <= %(now)s AND h.ends_at > %(now)s AND h.cancelled_at IS NULL
  UNION ALL
  SELECT r.station, r.lead_id, false FROM rota AS r WHERE r.station = ANY (%(stations)s) AND r.lead_id IS NOT NULL
) AS p
JOIN staff AS s USING (staff_id)
WHERE s.active_from <= %(now)s AND coalesce(s.active_to > %(now)s, true)
  AND (s.station IS NULL OR s.station = p.station)
  AND EXISTS (SELECT FROM addressee AS a WHERE a.staff_id = p.staff_id AND a.ended_at IS NULL)
"""
UPDATE_CALL_OUTS = """
UPDATE call_out AS c SET step = x.step, due_at = x.due_at, ending = x.ending
FROM jsonb_to_recordset(%(changed)s) AS x (call_out_id bigint, step text, due_at timestamptz, ending text)
WHERE c.call_out_id = x.call_out_id
"""
INSERT_TOLD = """
INSERT INTO call_out_told (call_out_id, step, staff_id, at)
SELECT x.call_out_id, x.step, x.staff_id, %(now)s
FROM jsonb_to_recordset(%(told)s) AS x (call_out_id bigint, step text, staff_id integer)
ORDER BY x.call_out_id, x.staff_id
"""
SELECT_DUE = "SELECT EXISTS (SELECT FROM call_out WHERE due_at <= %(due)s)"
POSTPONE = "UPDATE call_out SET due_at = %(at)s WHERE call_out_id = %(call_out)s"
TURN_OFF = "UPDATE call_out SET due_at = NULL, ending = 'off' WHERE due_at IS NOT NULL"
SELECT_RUNNING = """
SELECT t.number, c.station, c.step, c.began_at, c.due_at,
  ARRAY(
    SELECT s.name FROM call_out_told AS d JOIN staff AS s USING (staff_id)
    WHERE d.call_out_id = c.call_out_id ORDER BY d.at, s.name
  ) AS told
FROM call_out AS c JOIN ticket AS t USING (ticket_id)
WHERE c.due_at IS NOT NULL AND t.state = 'open' AND (%(station)s::text IS NULL OR c.station = %(station)s)
ORDER BY c.began_at, c.call_out_id
LIMIT %(limit)s
"""

END_PEOPLE = """
UPDATE addressee AS a SET ended_at = %(now)s
FROM staff AS s
WHERE s.staff_id = a.staff_id AND a.ended_at IS NULL AND NOT (
  a.channel = ANY (%(channels)s) AND s.telephone IS NOT NULL
  AND s.active_from <= %(now)s AND coalesce(s.active_to > %(now)s, true)
)
"""
UPSERT_PEOPLE = """
INSERT INTO addressee AS a (audience, name, channel, language, staff_id)
SELECT 'person', 'staff ' || s.staff_id || ' (' || s.name || ')', c.channel, s.language, s.staff_id
FROM staff AS s CROSS JOIN unnest(%(channels)s::text[]) AS c (channel)
WHERE s.telephone IS NOT NULL AND s.active_from <= %(now)s AND coalesce(s.active_to > %(now)s, true)
ORDER BY s.staff_id, c.channel
ON CONFLICT (staff_id, channel) WHERE staff_id IS NOT NULL DO UPDATE SET
  name = excluded.name, language = excluded.language, ended_at = NULL
WHERE (a.name, a.language, a.ended_at) IS DISTINCT FROM (excluded.name, excluded.language, NULL)
"""


class DueCallOut(NamedTuple):
    """A call-out whose next step is due.

    `waits`: nobody has accepted the ticket. `stays`: it is still with the station. `grouped`: an incident speaks for it
    now.
    """

    call_out_id: int
    ticket_id: int
    station: str
    kind: str
    step: str
    waits: bool
    stays: bool
    grouped: bool
    told: list[int]


class CalledOut(NamedTuple):
    """A ticket that may call out its station: it has opened, or (`opened` false) was given to a station.

    `kind`: of the notice that the people on call get.
    """

    ticket_id: int
    kind: str
    opened: bool


def begin(conn: Connection, tickets: Sequence[CalledOut], now: datetime, held_until: datetime) -> set[int]:
    """Begin the call-outs of open tickets whose stations keep a rota.

    Args:
        held_until: when the first step of a cold home is due.
    Returns:
        The tickets whose call-outs begin now.
    """
    if conn.execute(SELECT_ANY).fetchone() == (False,):
        return set()
    values = {"tickets": Jsonb([one._asdict() for one in tickets]), "now": now, "held_until": held_until}
    conn.execute(END_BEFORE, values)
    found = conn.execute(INSERT_CALL_OUTS, values).fetchall()
    return {row[0] for row in found}


def any_due(conn: Connection, due: datetime) -> bool:
    """Return whether the next step of a call-out is due."""
    return conn.execute(SELECT_DUE, {"due": due}).fetchone() == (True,)


def take(conn: Connection, due: datetime, limit: int) -> list[DueCallOut]:
    """Lock call-outs whose next step is due; those that another process has locked are left to it."""
    with conn.cursor(row_factory=class_row(DueCallOut)) as cur:
        return cur.execute(TAKE, {"due": due, "limit": limit}).fetchall()


def people(conn: Connection, stations: Sequence[str], now: datetime) -> dict[str, StationPeople]:
    """Return who can be told at stations: those on call now, and the lead."""
    found: dict[str, StationPeople] = {}
    for row in fetch(conn, SELECT_PEOPLE, {"stations": list(stations), "now": now}):
        known = found.get(row["station"], StationPeople())
        found[row["station"]] = (
            known._replace(on_call=known.on_call | {row["staff_id"]})
            if row["on_call"]
            else known._replace(lead=row["staff_id"])
        )
    return found


def write(conn: Connection, changed: Sequence[dict[str, Any]], told: Sequence[dict[str, Any]], now: datetime) -> None:
    """Write steps: `{call_out_id, step, due_at, ending}`, and who was told: `{call_out_id, step, staff_id}`."""
    conn.execute(UPDATE_CALL_OUTS, {"changed": Jsonb(list(changed))})
    conn.execute(INSERT_TOLD, {"told": Jsonb(list(told)), "now": now})


def postpone(conn: Connection, call_out: int, at: datetime) -> None:
    """Take the next step of a call-out at another time."""
    conn.execute(POSTPONE, {"call_out": call_out, "at": at})


def turn_off(conn: Connection) -> int:
    """End all call-outs: nobody is told of anything; returns how many there were."""
    return conn.execute(TURN_OFF).rowcount


def running(conn: Connection, station: str | None, limit: int) -> list[Row]:
    """Return the tickets that nobody has accepted, the oldest first, with who was told and what comes next."""
    return fetch(conn, SELECT_RUNNING, {"station": station, "limit": limit})


def set_people(conn: Connection, channels: Sequence[str], now: datetime) -> None:
    """Bring the people who can be told up to the staff: all who are active and have a telephone, by each channel."""
    values = {"channels": list(channels), "now": now}
    conn.execute(END_PEOPLE, values)
    conn.execute(UPSERT_PEOPLE, values)

"""Flag and ticket queries of the API, for the desk, crews and customers, paged."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import LiteralString

from psycopg import Connection

from domain.closing import TicketStanding
from store.base.access import IN_SCOPE, Scope
from store.base.place_joins import place_of
from store.base.rows import Row, fetch

FLAG_STATES = ("open", "suspended", "cleared")
UNENDED = ("open", "suspended")

# A crew sees the tickets of its station, which may differ from the home's, except those that may concern a crew.
# A complaint names no home: its author's home is in the schema `identity`.
TICKET_IN_SCOPE: LiteralString = """(
  %(everywhere)s OR t.home_id = ANY (%(own_homes)s::integer[])
  OR t.ticket_id = ANY ((SELECT reach_cases())::bigint[])
  OR (t.station = %(own_station)s AND t.class NOT IN ('complaint', 'report'))
)"""


def _page(key: LiteralString, *, oldest: bool = False) -> LiteralString:
    """Order the rows of a query by a key, from behind `after` on."""
    behind, order = (">", "ASC") if oldest else ("<", "DESC")
    return f"""
  AND (%(after)s::bigint IS NULL OR {key} {behind} %(after)s)
ORDER BY {key} {order}
LIMIT %(limit)s
"""


_FLAGS: LiteralString = (
    """
SELECT
  f.flag_id AS id, h.code AS home, severity_name(f.severity) AS severity, k.state,
  f.cold_since, f.raised_at, f.cleared_at, f.lowest, f.limit_celsius AS "limit", f.policy,
  f.why, t.number AS ticket
FROM flag AS f
JOIN ticket AS t USING (ticket_id)
JOIN home AS h ON h.home_id = f.home_id
JOIN building_place AS u ON u.building_id = h.building_id
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN f.cleared_at IS NOT NULL THEN 'cleared' WHEN f.suspended_at IS NOT NULL THEN 'suspended' ELSE 'open'
  END AS state
) AS k
WHERE k.state = ANY (%(states)s::text[])
  -- says nothing new, but lets the few that have not ended be found by their index
  AND ('cleared' = ANY (%(states)s::text[]) OR f.cleared_at IS NULL)
  AND (%(home_id)s::integer IS NULL OR f.home_id = %(home_id)s)
  AND """
    + IN_SCOPE
)
SELECT_FLAGS: LiteralString = _FLAGS + _page("f.flag_id")
SELECT_FLAGS_OLDEST: LiteralString = _FLAGS + _page("f.flag_id", oldest=True)
SELECT_FLAGS_OF: LiteralString = (
    _FLAGS
    + """
  AND f.flag_id = ANY (%(flags)s::bigint[])
"""
)
SELECT_FLAGS_OF_HOMES: LiteralString = (
    _FLAGS
    + """
  AND f.home_id = ANY (%(homes)s::integer[])
"""
)

SELECT_OUTAGES = """
SELECT x.flag_id, array_agg(x.outage ORDER BY x.outage) AS outages FROM flag_outage AS x
WHERE x.flag_id = ANY (%(flags)s::bigint[])
GROUP BY x.flag_id
"""
_TICKETS: LiteralString = """
SELECT
  t.ticket_id, t.number, t.class, t.state, t.priority, t.home_id, h.code AS home, t.opened_at,
  h.unit, b.code AS building, b.name AS building_name, b.address, u.code AS substation, u.name AS substation_name,
  t.station, t.source, t.responsible, t.appointment_at, t.description,
  (SELECT k.contact FROM ticket_contact AS k WHERE k.ticket_id = t.ticket_id ORDER BY k.seq DESC LIMIT 1) AS contact,
  t.responsibility, t.paid, t.confirmation, t.round, t.done_at, t.proof, t.replied_at, t.called_back_at,
  t.closed_at, t.retrospective, (SELECT o.number FROM ticket AS o WHERE o.ticket_id = t.follows) AS follows,
  ARRAY(SELECT f.flag_id FROM flag AS f WHERE f.ticket_id = t.ticket_id ORDER BY f.flag_id) AS flags,
  t.ending, (SELECT o.number FROM ticket AS o WHERE o.ticket_id = t.merged_into) AS merged_into,
  ARRAY(SELECT o.number FROM ticket AS o WHERE o.merged_into = t.ticket_id ORDER BY o.ticket_id) AS merged
FROM ticket AS t
""" + place_of("t")
_FILTER: LiteralString = (
    """
  AND (%(state)s::text IS NULL OR t.state = %(state)s)
  AND (%(is_open)s::boolean IS NULL OR %(is_open)s = (t.state <> 'closed'))
  AND (%(kind)s::text IS NULL OR t.class = %(kind)s)
  AND (%(station)s::text IS NULL OR t.station = %(station)s)
  AND (%(overdue)s::boolean IS NULL OR %(overdue)s = (t.state <> 'closed' AND EXISTS (
    SELECT FROM clock AS c
    WHERE c.ticket_id = t.ticket_id AND c.met_at IS NULL AND c.void_at IS NULL AND c.due_at <= %(now)s
  )))
  AND """
    + TICKET_IN_SCOPE
)
SELECT_CLOCKS = """
SELECT c.ticket_id, c.name, c.round, c.started_at, c.due_at, c.met_at, c.breached_at, c.void_at FROM clock AS c
WHERE c.ticket_id = ANY (%(tickets)s::bigint[])
ORDER BY c.ticket_id, c.round, c.due_at NULLS LAST, c.name
"""


def _with_history(page: LiteralString) -> LiteralString:
    """Add the clocks, the events and the standing of each ticket of a page, an array for each column.

    Rounds are counted back from the present one, since residents do not see events before their tenancy. A relapse
    before the proof of recovery continues the round.
    """
    return f"""
WITH page AS MATERIALIZED ({page})
SELECT
  p.*, c.*, e.*, s.source AS s_source, s.retrospective AS s_retrospective, s.flagged AS s_flagged, s.done AS s_done,
  s.proof AS s_proof, s.replied AS s_replied, s.call_back_asked AS s_call_back_asked, s.called_back AS s_called_back,
  s.responsibility AS s_responsibility, s.paid AS s_paid, s.confirmed AS s_confirmed, s.ticket_class AS s_ticket_class
FROM page AS p
JOIN ticket_standing AS s USING (ticket_id)
CROSS JOIN LATERAL (
  SELECT
    array_agg(x.name) AS c_name, array_agg(x.round) AS c_round, array_agg(x.started_at) AS c_started_at,
    array_agg(x.due_at) AS c_due_at, array_agg(x.met_at) AS c_met_at, array_agg(x.breached_at) AS c_breached_at,
    array_agg(x.void_at) AS c_void_at
  FROM (SELECT x.* FROM clock AS x WHERE x.ticket_id = p.ticket_id ORDER BY x.round, x.due_at NULLS LAST, x.name) AS x
) AS c
CROSS JOIN LATERAL (
  SELECT
    array_agg(x.seq ORDER BY x.seq) AS e_seq, array_agg(x.at ORDER BY x.seq) AS e_at,
    array_agg(x.kind ORDER BY x.seq) AS e_kind, array_agg(x.actor ORDER BY x.seq) AS e_actor,
    array_agg(x.data ORDER BY x.seq) AS e_data, array_agg(x.contact ORDER BY x.seq) AS e_contact,
    array_agg(p.round - x.begun_later ORDER BY x.seq) AS e_round
  FROM (
    SELECT
      y.seq, y.at, y.kind, y.actor, y.data, k.contact,
      count(*) FILTER (WHERE y.kind = 'reopened' OR (y.kind = 'relapsed' AND y.state_before <> 'verifying'))
        OVER (ORDER BY y.seq ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS begun_later
    FROM (
      SELECT z.*, lag(z.state) OVER (ORDER BY z.seq) AS state_before
      FROM ticket_event AS z WHERE z.ticket_id = p.ticket_id
    ) AS y
    LEFT JOIN ticket_contact AS k ON k.ticket_id = y.ticket_id AND k.seq = y.seq
  ) AS x
) AS e
"""


# Pages of a filter have plans of their own, by what is chosen; those of a home and a ticket by its number have one plan
# each, which the server keeps.
SELECT_TICKETS: LiteralString = _TICKETS + "WHERE true" + _FILTER + _page("t.ticket_id")
SELECT_TICKETS_OLDEST: LiteralString = _TICKETS + "WHERE true" + _FILTER + _page("t.ticket_id", oldest=True)
SELECT_HISTORIES: LiteralString = _with_history(
    "SELECT t.ticket_id, t.round FROM ticket AS t WHERE t.ticket_id = ANY (%(tickets)s::bigint[])"
)
_OF_HOME: LiteralString = _TICKETS + "WHERE t.home_id = %(home_id)s" + _FILTER
SELECT_OF_HOME: LiteralString = _with_history(_OF_HOME + _page("t.ticket_id")) + "ORDER BY p.ticket_id DESC"
SELECT_OF_HOME_OLDEST: LiteralString = (
    _with_history(_OF_HOME + _page("t.ticket_id", oldest=True)) + "ORDER BY p.ticket_id"
)
SELECT_TICKET: LiteralString = _with_history(_TICKETS + "WHERE t.number = %(number)s AND " + TICKET_IN_SCOPE)

SELECT_ID = (
    """
SELECT t.ticket_id FROM ticket AS t WHERE t.number = %(number)s AND
"""
    + TICKET_IN_SCOPE
)
SELECT_STATION = "SELECT EXISTS (SELECT FROM substation AS u WHERE u.station = %(station)s)"
SELECT_BUILDING = "SELECT b.building_id FROM building AS b WHERE b.code = %(code)s"
SELECT_SUBSTATION = "SELECT u.substation_id FROM substation AS u WHERE u.code = %(code)s"


@dataclass(frozen=True, kw_only=True)
class TicketFilter:
    """Filter for tickets; None: any. Overdue: open, with a clock that was due by `now` and is not met."""

    now: datetime
    home_id: int | None = None
    state: str | None = None
    kind: str | None = None
    station: str | None = None
    overdue: bool | None = None
    is_open: bool | None = None


@dataclass(frozen=True, kw_only=True)
class FlagFilter:
    """Filter for flags: any of the states; one home, or None: all."""

    states: Sequence[str] = FLAG_STATES
    home_id: int | None = None


ANY_FLAG = FlagFilter()


def flags(
    conn: Connection,
    scope: Scope,
    wanted: FlagFilter = ANY_FLAG,
    *,
    oldest: bool = False,
    after: int | None = None,
    limit: int,
) -> list[Row]:
    """Return flags in scope, newest (or oldest) first, from behind the id `after`."""
    values = {"states": list(wanted.states), "home_id": wanted.home_id, "after": after, "limit": limit}
    found = fetch(conn, SELECT_FLAGS_OLDEST if oldest else SELECT_FLAGS, {**scope.parameters(), **values})
    return _with_outages(conn, found)


def flags_of(conn: Connection, scope: Scope, flags: Sequence[int]) -> list[Row]:
    """Return those of the flags that are in scope."""
    wanted = {"states": list(FLAG_STATES), "home_id": None, "flags": list(flags)}
    return _with_outages(conn, fetch(conn, SELECT_FLAGS_OF, {**scope.parameters(), **wanted}))


def open_flags(conn: Connection, scope: Scope, homes: Sequence[int]) -> dict[str, Row]:
    """Return the open flags of homes, by the home's code."""
    wanted = {"states": list(UNENDED), "home_id": None, "homes": list(homes)}
    found = _with_outages(conn, fetch(conn, SELECT_FLAGS_OF_HOMES, {**scope.parameters(), **wanted}))
    return {flag["home"]: flag for flag in found}


def _with_outages(conn: Connection, found: list[Row]) -> list[Row]:
    outages = fetch(conn, SELECT_OUTAGES, {"flags": [flag["id"] for flag in found]})
    by_flag = {row["flag_id"]: row["outages"] for row in outages}
    return [{**flag, "outages": by_flag.get(flag["id"], [])} for flag in found]


def open_flag(conn: Connection, scope: Scope, home_id: int) -> Row | None:
    """Return the open flag of a home; there is at most one."""
    found = flags(conn, scope, FlagFilter(states=UNENDED, home_id=home_id), limit=1)
    return found[0] if found else None


def tickets(
    conn: Connection,
    scope: Scope,
    wanted: TicketFilter,
    *,
    oldest: bool = False,
    after: int | None = None,
    limit: int,
) -> list[Row]:
    """Return tickets in scope with place, flags, clocks, events and standing, newest (or oldest) first.

    Args:
        after: the id behind which they begin.
    """
    values = {**scope.parameters(), **asdict(wanted), "after": after, "limit": limit}
    if wanted.home_id is not None:
        return list(map(_whole, fetch(conn, SELECT_OF_HOME_OLDEST if oldest else SELECT_OF_HOME, values)))
    found = fetch(conn, SELECT_TICKETS_OLDEST if oldest else SELECT_TICKETS, values)
    histories = fetch(conn, SELECT_HISTORIES, {"tickets": [row["ticket_id"] for row in found]})
    by_ticket = {row["ticket_id"]: row for row in histories}
    return [_whole({**row, **by_ticket[row["ticket_id"]]}) for row in found]


def ticket(conn: Connection, scope: Scope, number: str) -> Row | None:
    """Return a ticket by its number, as `tickets` does; None: none in scope."""
    found = fetch(conn, SELECT_TICKET, {**scope.parameters(), "number": number})
    return _whole(found[0]) if found else None


def _whole(row: Row) -> Row:
    """Make the clocks and the events of a ticket from the arrays of their columns."""
    parts: dict[str, Row] = {"c": {}, "e": {}, "s": {}}
    kept: Row = {}
    for name, value in row.items():
        part, mark, column = name.partition("_")
        if mark and part in parts:
            parts[part][column] = value
        else:
            kept[name] = value
    return {
        **kept,
        "clocks": _listed(parts["c"]),
        "events": _listed(parts["e"]),
        "standing": TicketStanding(**parts["s"]),
    }


def _listed(columns: Row) -> list[Row]:
    rows = zip(*(values or () for values in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def clocks(conn: Connection, tickets: Sequence[int]) -> defaultdict[int, list[Row]]:
    """Return the clocks of tickets (keys), round by round."""
    return _by_ticket(fetch(conn, SELECT_CLOCKS, {"tickets": list(tickets)}))


def _by_ticket(rows: Iterable[Row]) -> defaultdict[int, list[Row]]:
    grouped: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["ticket_id"]].append(row)
    return grouped


def ticket_id(conn: Connection, scope: Scope, number: str) -> int | None:
    """Return the key of a ticket; None: none in scope."""
    row = conn.execute(SELECT_ID, {**scope.parameters(), "number": number}).fetchone()
    return row[0] if row else None


def has_station(conn: Connection, station: str) -> bool:
    """Check that a substation belongs to the station."""
    return conn.execute(SELECT_STATION, {"station": station}).fetchone() == (True,)


def building_id(conn: Connection, code: str) -> int | None:
    """Return the key of a building."""
    row = conn.execute(SELECT_BUILDING, {"code": code}).fetchone()
    return row[0] if row else None


def substation_id(conn: Connection, code: str) -> int | None:
    """Return the key of a substation."""
    row = conn.execute(SELECT_SUBSTATION, {"code": code}).fetchone()
    return row[0] if row else None

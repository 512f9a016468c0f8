"""Rows for a small town: what the registry, ingest and judging would have written."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from psycopg import Connection
from psycopg.types.json import Jsonb

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
NEVER = datetime(2100, 1, 1, tzinfo=UTC)

INSERT_SUBSTATION = """
INSERT INTO substation (code, name, station) VALUES (%(code)s, %(code)s, %(station)s)
ON CONFLICT (code) DO UPDATE SET name = excluded.name RETURNING substation_id
"""
INSERT_BUILDING = """
INSERT INTO building (code, substation_id, name, address) VALUES (%(code)s, %(substation)s, %(code)s, '')
ON CONFLICT (code) DO UPDATE SET name = excluded.name RETURNING building_id
"""
INSERT_HOME = """
INSERT INTO home (code, building_id, unit, class) VALUES (%(code)s, %(building)s, '1', 'multistorey')
RETURNING home_id
"""
INSERT_STATUS = "INSERT INTO home_status (home_id, since, status) VALUES (%s, '-infinity', 'on')"
INSERT_STATE = "INSERT INTO home_state (home_id, state) VALUES (%s, %s)"
INSERT_SENSOR = """
INSERT INTO sensor (code) VALUES (%s)
ON CONFLICT (code) DO UPDATE SET code = excluded.code RETURNING sensor_id
"""
INSERT_POINT = """
INSERT INTO point (sensor_id, home_id, room, room_kind, interval_s, offset_k, valid_from, valid_to)
VALUES (%s, %s, %s, 'living', 600, %s, %s, %s)
"""
INSERT_READING = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
VALUES (%s, %s, %s, %s, %s, true)
"""
INSERT_SENSOR_NOW = """
INSERT INTO sensor_now (sensor_id, home_id, celsius, judged_at, expires_at) VALUES (%s, %s, %s, %s, %s)
"""
INSERT_TICKET = """
INSERT INTO ticket (
  class, state, priority, home_id, source, station, opened_at, closed_at, done_at, proven_at, proof, replied_at
)
SELECT
  %(class)s, %(state)s, 2, %(home)s, 'flag',
  (SELECT s.station FROM home JOIN building USING (building_id) JOIN substation AS s USING (substation_id)
  WHERE home_id = %(home)s),
  %(opened_at)s, %(closed_at)s, %(closed_at)s, %(closed_at)s,
  CASE WHEN %(closed_at)s::timestamptz IS NOT NULL THEN 'readings' END,
  %(closed_at)s
RETURNING ticket_id, number
"""
INSERT_EVENT = """
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data) VALUES (%s, %s, %s, %s, 'hearth', 'open', %s)
"""
INSERT_CLOCK = """
INSERT INTO clock (ticket_id, name, started_at, due_at, met_at) VALUES (%s, %s, '2026-01-01+00', %s, %s)
"""
INSERT_FLAG = """
INSERT INTO flag (
  home_id, severity, cold_since, confirmed_at, raised_at, severe_at, suspended_at, cleared_at, clear_reason,
  lowest, limit_celsius, policy, why, ticket_id
)
VALUES (
  %(home)s, %(severity)s, %(since)s, %(since)s, %(since)s, %(severe_at)s, %(suspended_at)s, %(cleared_at)s,
  %(clear_reason)s, 16.996, 18, 'seed@2020-01-01', '{"reason": "window_opened"}', %(ticket)s
)
RETURNING flag_id
"""
INSERT_REFUND = (
    "INSERT INTO home_fee VALUES (%(home)s, '2025-11-15', 80, 25)",
    "INSERT INTO refund_fact (home_id, kind, at, reference, recorded_at, recorded_by) "
    "VALUES (%(home)s, 'request', %(at)s, 'paper', %(at)s, 'desk')",
    """
    WITH made AS (
      INSERT INTO refund_sheet (
        home_id, season, upto, season_days, rules, rules_digest, currency, fee, total, inputs, digest, made_at, made_by
      )
      VALUES (%(home)s, '2025-11-15', '2025-11-16', 121, 'luoyang', '', 'CNY', 200000, 1, '', '', %(at)s, 'desk')
      RETURNING refund_sheet_id
    )
    INSERT INTO refund_day
    SELECT refund_sheet_id, %(home)s, '2025-11-15', '2025-11-15', 10, 0, 50, 1, 1, 0, 0, 0, NULL, NULL, 0 FROM made
    """,
    "INSERT INTO staff (name, role, sign_in_name, active_from) "
    "SELECT 'person ' || n, 'supervisor', 'person.' || n, '2020-01-01' FROM generate_series(1, 2) AS n "
    "ON CONFLICT DO NOTHING",
    "INSERT INTO refund_approval (refund_sheet_id, home_id, season, nth, staff_id, actor, at) "
    "SELECT r.refund_sheet_id, r.home_id, r.season, row_number() OVER (ORDER BY s.staff_id), s.staff_id, s.name, "
    "r.made_at "
    "FROM refund_sheet AS r, staff AS s WHERE r.home_id = %(home)s AND s.sign_in_name LIKE 'person._'",
    "INSERT INTO refund_payment (at, actor, sheets, total, digest) VALUES (%(at)s, 'desk', 1, 1, '')",
    "INSERT INTO refund_paid SELECT home_id, day, refund_sheet_id, p.refund_payment_id, amount "
    "FROM refund_day, (SELECT max(refund_payment_id) AS refund_payment_id FROM refund_payment) AS p "
    "WHERE home_id = %(home)s",
)


def refund(conn: Connection, home: int) -> str:
    """Give a home a fee, a fact, and a sheet of one day that was approved and paid; returns the sheet's number."""
    for statement in INSERT_REFUND:
        conn.execute(statement.encode(), {"home": home, "at": NOW})
    row = conn.execute("SELECT number FROM refund_sheet WHERE home_id = %s", (home,)).fetchone()
    assert row is not None
    return str(row[0])


def one(conn: Connection, statement: str, parameters: object) -> int:
    """Return the first column of the row that a statement returns."""
    row = conn.execute(statement, parameters).fetchone()  # type: ignore[call-overload]
    return int(row[0])


def home(
    conn: Connection, code: str = "B1-101", *, building: str = "B1", station: str = "North", state: int = 2
) -> int:
    """Return a home, with the building and substation it needs; `state` is a domain.states.State."""
    substation = one(conn, INSERT_SUBSTATION, {"code": f"S-{station}", "station": station})
    building_id = one(conn, INSERT_BUILDING, {"code": building, "substation": substation})
    home_id = one(conn, INSERT_HOME, {"code": code, "building": building_id})
    conn.execute(INSERT_STATUS, (home_id,))
    conn.execute(INSERT_STATE, (home_id, state))
    return home_id


def sensor(
    conn: Connection,
    home_id: int,
    code: str = "a1",
    *,
    room: str = "living",
    offset_k: float = 0.0,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> int:
    """Return a sensor in a room of a home for a time."""
    sensor_id = one(conn, INSERT_SENSOR, (code,))
    conn.execute(INSERT_POINT, (sensor_id, home_id, room, offset_k, valid_from, valid_to))
    return sensor_id


def reading(conn: Connection, sensor_id: int, at: datetime, celsius: float, quality: int = 0) -> None:
    """Store a reading."""
    conn.execute(INSERT_READING, (sensor_id, at, at, celsius, quality))


def readings(conn: Connection, sensor_id: int, told: Sequence[tuple[datetime, float]]) -> None:
    """Store good readings of a sensor, all at once."""
    with conn.cursor() as cursor:
        cursor.executemany(INSERT_READING, [(sensor_id, at, at, celsius, 0) for at, celsius in told])


def sensor_now(conn: Connection, sensor_id: int, home_id: int, celsius: float) -> None:
    """Store the value that a sensor says now."""
    conn.execute(INSERT_SENSOR_NOW, (sensor_id, home_id, celsius, NOW, NEVER))


def ticket(conn: Connection, home_id: int | None, *, kind: str = "cold", state: str = "open") -> tuple[int, str]:
    """Return a ticket with its opening on record: key and number."""
    closed_at = NOW if state == "closed" else None
    values = {
        "class": kind,
        "state": state,
        "home": home_id,
        "opened_at": NOW - timedelta(hours=2),
        "closed_at": closed_at,
    }
    row = conn.execute(INSERT_TICKET, values).fetchone()
    assert row is not None
    conn.execute(INSERT_EVENT, (row[0], 1, NOW - timedelta(hours=2), "opened", Jsonb({"by": "flag"})))
    return row[0], row[1]


def clock(conn: Connection, ticket_id: int, name: str, due_at: datetime, met_at: datetime | None = None) -> None:
    """Store a clock of a ticket."""
    conn.execute(INSERT_CLOCK, (ticket_id, name, due_at, met_at))


def flag(
    conn: Connection,
    home_id: int,
    ticket_id: int,
    *,
    since: datetime = NOW - timedelta(hours=2),
    severe: bool = False,
    suspended_at: datetime | None = None,
    cleared_at: datetime | None = None,
) -> int:
    """Return a flag of a home on a ticket."""
    row = {
        "home": home_id,
        "ticket": ticket_id,
        "since": since,
        "severity": 2 if severe else 1,
        "severe_at": since if severe else None,
        "suspended_at": suspended_at,
        "cleared_at": cleared_at,
        "clear_reason": "recovered" if cleared_at else None,
    }
    return one(conn, INSERT_FLAG, row)

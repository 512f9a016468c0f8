"""Measurements on site: append-only records, due tasks, and the flags derived from them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from domain.measurement import MeasurementRecord
from domain.states import HomeState
from store.base.access import IN_SCOPE, Scope
from store.base.rows import Row, fetch

CORRECTED_ONCE = "measurement_corrected_once"

LOCK_HOME = "SELECT lock_home(%(home)s)"
SELECT_RECORD = "SELECT measurement_id, home_id FROM measurement WHERE number = %(number)s"
INSERT = """
INSERT INTO measurement (
  home_id, room, room_kind, measured_at, celsius, instrument, measurer, signature, corrects, reason, recorded_at,
  recorded_by, filed_late, state, limit_celsius, policy, beside, beside_celsius, disagrees
)
VALUES (
  %(home)s, %(room)s, %(room_kind)s, %(measured_at)s, %(celsius)s, %(instrument)s, %(measurer)s, %(signature)s,
  %(corrects)s, %(reason)s, %(at)s, %(actor)s, %(filed_late)s, %(state)s, %(limit)s, %(policy)s,
  %(beside)s, %(beside_celsius)s, %(disagrees)s
)
RETURNING measurement_id, number
"""
# A record is covered if the home has, or had at that instant, a sensor flag, and the record raised none itself.
SELECT_RECORDS = """
SELECT v.measurement_id, v.room, v.measured_at, round(v.celsius::float8 * 1000)::integer, v.state, EXISTS (
    SELECT FROM flag AS f
    WHERE f.home_id = v.home_id AND f.source = 'sensor' AND f.clear_reason IS DISTINCT FROM 'withdrawn'
      AND f.cold_since <= v.measured_at AND coalesce(f.cleared_at > v.measured_at, true)
  ) AND NOT EXISTS (
    SELECT FROM flag AS f
    WHERE f.home_id = v.home_id AND f.source = 'measurement' AND f.clear_reason IS DISTINCT FROM 'withdrawn'
      AND f.cold_since = v.measured_at
  )
FROM measurement_valid AS v
WHERE v.home_id = %(home)s
ORDER BY v.measured_at, v.measurement_id
"""
SELECT_FLAGS = """
SELECT flag_id, cold_since, severity, severe_at, lowest, cleared_at, clear_reason, ticket_id FROM flag
WHERE home_id = %(home)s AND source = 'measurement' AND clear_reason IS DISTINCT FROM 'withdrawn'
ORDER BY cold_since
"""
# The sensor flag that a home has, or had at an instant.
SELECT_SENSOR_FLAG = """
SELECT flag_id, cold_since, cleared_at, ticket_id FROM flag
WHERE home_id = %(home)s AND source = 'sensor' AND clear_reason IS DISTINCT FROM 'withdrawn'
  AND (cleared_at IS NULL OR (cold_since <= %(at)s AND cleared_at > %(at)s))
ORDER BY cleared_at NULLS FIRST
LIMIT 1
"""
UPDATE_FLAG = """
UPDATE flag SET
  cold_since = %(cold_since)s, confirmed_at = %(cold_since)s, severity = %(severity)s, severe_at = %(severe_at)s,
  lowest = %(lowest)s, cleared_at = %(cleared_at)s,
  clear_reason = %(clear_reason)s
WHERE flag_id = %(flag)s
"""
END_FLAG = "UPDATE flag SET cleared_at = %(at)s, clear_reason = %(reason)s WHERE flag_id = %(flag)s"
# Violations: valid cold records of homes without a flag at that instant.
SELECT_UNFLAGGED = """
SELECT DISTINCT v.home_id
FROM measurement_valid AS v
WHERE is_breach(v.state) AND v.measured_at > %(since)s
  AND NOT EXISTS (
    SELECT FROM flag AS f
    WHERE f.home_id = v.home_id AND f.clear_reason IS DISTINCT FROM 'withdrawn'
      AND f.cold_since <= v.measured_at AND (f.cleared_at IS NULL OR f.cleared_at > v.measured_at)
  )
ORDER BY v.home_id
"""
SELECT_OPEN_HOMES = """
SELECT home_id FROM flag WHERE source = 'measurement' AND cleared_at IS NULL ORDER BY home_id
"""
INSERT_REQUESTS = """
INSERT INTO measurement_request (home_id, reason, device_job_id, asked_at, asked_by, due_at)
SELECT p.home_id, 'suspect_sensor', j.device_job_id, j.opened_at, %(actor)s, j.opened_at + %(within)s::interval
FROM device_job AS j
JOIN point AS p ON p.sensor_id = j.sensor_id AND p.home_id IS NOT NULL
  AND coalesce(p.valid_from <= j.opened_at, true) AND coalesce(p.valid_to > j.opened_at, true)
WHERE j.closed_at IS NULL AND j.reason IN ('frozen', 'jumping', 'out_of_line', 'disagrees')
ON CONFLICT (device_job_id) DO NOTHING
"""
INSERT_REQUEST = """
INSERT INTO measurement_request (home_id, reason, asked_at, asked_by, due_at)
VALUES (%(home)s, 'asked', %(at)s, %(actor)s, %(due_at)s)
"""
SELECT_RECORDS_SHOWN = (
    """
SELECT
  m.measurement_id, m.number, h.code AS home, u.building_name, h.unit, m.room, m.room_kind, m.measured_at, m.celsius,
  m.instrument, m.measurer, m.signature, old.number AS corrects, m.reason, m.recorded_at, m.recorded_by,
  m.filed_late, m.limit_celsius AS "limit", m.policy, state_name(m.state) AS state, new.number AS corrected_by, CASE
    WHEN m.signature IS NULL THEN 'unsigned' WHEN new.number IS NOT NULL THEN 'corrected' ELSE 'valid'
  END AS worth, s.code AS sensor, m.beside_celsius AS sensor_celsius, m.disagrees
FROM measurement AS m
JOIN home AS h USING (home_id)
JOIN building_place AS u USING (building_id)
LEFT JOIN measurement AS old ON old.measurement_id = m.corrects
LEFT JOIN sensor AS s ON s.sensor_id = m.beside
LEFT JOIN measurement AS new ON new.corrects = m.measurement_id AND new.signature IS NOT NULL
WHERE (%(home)s::integer IS NULL OR m.home_id = %(home)s)
  AND (%(number)s::text IS NULL OR m.number = %(number)s)
  AND (%(station)s::text IS NULL OR u.station = %(station)s)
  AND (%(before)s::bigint IS NULL OR m.measurement_id < %(before)s)
  AND """
    + IN_SCOPE
    + """
ORDER BY m.measurement_id DESC
LIMIT %(limit)s
"""
)
SELECT_TASKS = """
SELECT
  d.home_id, d.home, d.building, b.building_name, b.address, h.unit, d.substation, d.station, d.room, d.reason,
  d.due_at, d.last_measured_at, d.task
FROM measurement_task AS d
JOIN home AS h USING (home_id)
JOIN building_place AS b USING (building_id)
WHERE (%(everywhere)s OR d.station = %(own_station)s)
  AND d.due_at < %(until)s
  AND (%(station)s::text IS NULL OR d.station = %(station)s)
  AND (%(after)s::timestamptz IS NULL OR (d.due_at, d.task) > (%(after)s, %(after_task)s::bigint))
ORDER BY d.due_at, d.task
LIMIT %(limit)s
"""
# How many tasks are due before each of some instants.
COUNT_TASKS = """
SELECT w.nth, count(d.task) FROM unnest(%(until)s::timestamptz[]) WITH ORDINALITY AS w (until, nth)
LEFT JOIN measurement_task AS d ON d.due_at < w.until
  AND (%(everywhere)s OR d.station = %(own_station)s) AND (%(station)s::text IS NULL OR d.station = %(station)s)
GROUP BY w.nth
ORDER BY w.nth
"""

# Tasks due by `soon`, or late by `now`, without a reminder of that kind.
SELECT_UNTOLD = """
SELECT d.task, d.home_id, d.home, d.room, d.station, d.due_at, x.kind
FROM measurement_task AS d
CROSS JOIN LATERAL (
  SELECT CASE WHEN d.due_at < %(now)s THEN 'measurement_late' ELSE 'measurement_due' END AS kind
) AS x
WHERE d.due_at <= %(soon)s AND NOT EXISTS (
  SELECT FROM measurement_told AS t WHERE t.task = d.task AND t.due_at = d.due_at AND t.kind = x.kind
)
ORDER BY d.due_at, d.task
LIMIT %(most)s
"""
INSERT_TOLD = """
INSERT INTO measurement_told (task, due_at, kind, told_at)
SELECT x.task, x.due_at, x.kind, %(now)s
FROM unnest(%(tasks)s::bigint[], %(due)s::timestamptz[], %(kinds)s::text[]) AS x (task, due_at, kind)
ORDER BY x.task, x.due_at, x.kind
ON CONFLICT DO NOTHING
RETURNING task, due_at, kind
"""


class MeasurementReminder(NamedTuple):
    """A reminder that a measurement on site is due or late."""

    task: int
    home_id: int
    home: str
    room: str | None
    station: str
    due_at: datetime
    kind: str


class MeasuredFlagRow(NamedTuple):
    """A flag derived from measurements."""

    flag_id: int
    cold_since: datetime
    severity: int
    severe_at: datetime | None
    lowest: float
    cleared_at: datetime | None
    clear_reason: str | None
    ticket_id: int


class SensorFlag(NamedTuple):
    """A flag raised by sensors."""

    flag_id: int
    cold_since: datetime
    cleared_at: datetime | None
    ticket_id: int


@dataclass(frozen=True, kw_only=True)
class RecordVerdict:
    """Verdict of the rules in force at that time on a record."""

    state: HomeState
    limit: float | None
    policy: str
    filed_late: bool


def lock_home(conn: Connection, home: int) -> None:
    """Lock a home against judging and other records until the transaction ends."""
    conn.execute(LOCK_HOME, {"home": home})


def number(measurement: int) -> str:
    """Return the public number of a record, as the table generates it."""
    return f"M{measurement:08}"


def find(conn: Connection, number: str) -> tuple[int, int] | None:
    """Return (key, home) of a record."""
    return conn.execute(SELECT_RECORD, {"number": number}).fetchone()


def insert(conn: Connection, home: int, row: Mapping[str, Any], actor: str, at: datetime) -> tuple[int, str]:
    """Store a record: its fields, verdict, and the values it was compared with; returns key and number.

    Raises:
        psycopg.errors.UniqueViolation: of `measurement_once` or CORRECTED_ONCE.
    """
    stored = conn.execute(INSERT, {**row, "home": home, "actor": actor, "at": at}).fetchone()
    assert stored is not None
    return stored[0], stored[1]


def records(conn: Connection, home: int) -> list[MeasurementRecord]:
    """Return the valid records of a home, ascending in time."""
    rows = conn.execute(SELECT_RECORDS, {"home": home}).fetchall()
    return [
        MeasurementRecord(key, room, at, milli, HomeState(state), covered)
        for key, room, at, milli, state, covered in rows
    ]


def flags(conn: Connection, home: int) -> list[MeasuredFlagRow]:
    """Return the flags of a home derived from measurements, in order; withdrawn ones left out."""
    with conn.cursor(row_factory=class_row(MeasuredFlagRow)) as cur:
        return cur.execute(SELECT_FLAGS, {"home": home}).fetchall()


def sensor_flag(conn: Connection, home: int, at: datetime) -> SensorFlag | None:
    """Return the open sensor flag of a home, else the one that was open at an instant."""
    with conn.cursor(row_factory=class_row(SensorFlag)) as cur:
        return cur.execute(SELECT_SENSOR_FLAG, {"home": home, "at": at}).fetchone()


def update_flag(conn: Connection, flag: int, row: dict[str, Any]) -> None:
    """Update a flag derived from measurements: a mapping of the table's columns."""
    conn.execute(UPDATE_FLAG, {**row, "flag": flag})


def end_flag(conn: Connection, flag: int, reason: str, at: datetime) -> None:
    """End a flag derived from measurements."""
    conn.execute(END_FLAG, {"flag": flag, "reason": reason, "at": at})


def unflagged(conn: Connection, since: datetime) -> list[int]:
    """Return homes with a valid cold record but no flag, because its flag was withdrawn."""
    return [row[0] for row in conn.execute(SELECT_UNFLAGGED, {"since": since}).fetchall()]


def open_homes(conn: Connection) -> list[int]:
    """Return homes with an open flag derived from measurements, ascending."""
    return [row[0] for row in conn.execute(SELECT_OPEN_HOMES).fetchall()]


def ask_for_suspects(conn: Connection, within: Any, actor: str) -> int:
    """Request measurements where a sensor's job says it is suspect; returns the count."""
    return conn.execute(INSERT_REQUESTS, {"within": within, "actor": actor}).rowcount


def ask(conn: Connection, home: int, due_at: datetime, actor: str, at: datetime) -> None:
    """Request a measurement of a home."""
    conn.execute(INSERT_REQUEST, {"home": home, "due_at": due_at, "actor": actor, "at": at})


def untold(conn: Connection, soon: datetime, now: datetime, most: int) -> list[MeasurementReminder]:
    """Return measurements due by `soon`, or late, that have no reminder of that kind yet."""
    with conn.cursor(row_factory=class_row(MeasurementReminder)) as cur:
        return cur.execute(SELECT_UNTOLD, {"soon": soon, "now": now, "most": most}).fetchall()


def set_told(conn: Connection, due: Sequence[MeasurementReminder], now: datetime) -> list[MeasurementReminder]:
    """Record reminders; return those that nobody has recorded meanwhile."""
    columns = {"tasks": [one.task for one in due], "due": [one.due_at for one in due]}
    told = set(conn.execute(INSERT_TOLD, {**columns, "kinds": [one.kind for one in due], "now": now}).fetchall())
    return [one for one in due if (one.task, one.due_at, one.kind) in told]


@dataclass(frozen=True, kw_only=True)
class RecordFilter:
    """A filter of records; None: any."""

    home: int | None = None
    number: str | None = None
    station: str | None = None


def shown(conn: Connection, scope: Scope, wanted: RecordFilter, *, before: int | None = None, limit: int) -> list[Row]:
    """Return records in scope, newest first, with their evidential value."""
    values = {**scope.parameters(), **asdict(wanted), "before": before, "limit": limit}
    return fetch(conn, SELECT_RECORDS_SHOWN, values)


def tasks(
    conn: Connection,
    scope: Scope,
    until: datetime,
    *,
    station: str | None = None,
    after: tuple[datetime, int] | None = None,
    limit: int,
) -> list[Row]:
    """Return measurements due before an instant, longest overdue first."""
    after_at, after_task = after or (None, None)
    values = {"until": until, "station": station, "after": after_at, "after_task": after_task, "limit": limit}
    return fetch(conn, SELECT_TASKS, {**scope.parameters(), **values})


def task_counts(conn: Connection, scope: Scope, until: Sequence[datetime], *, station: str | None = None) -> list[int]:
    """Return how many measurements are due before each of some instants."""
    values = {**scope.parameters(), "until": list(until), "station": station}
    return [count for _, count in conn.execute(COUNT_TASKS, values).fetchall()]

"""Refunds: facts that people noted, sheets and their days, approvals, and payments. Rows are only ever added."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, LiteralString, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from domain.refunds.facts import AwaySpan, CountedMeasurement, FactKind, HomeFact, RefundRecord
from store.base import wire
from store.base.access import Person
from store.base.locks import lock_text
from store.base.rows import Row, fetch

# A fact without an end is of its day, or of its season: neither a request nor what was owed goes on into the next one.
# Reports are tickets for cold that a user opened, or what a user said to one that was open: a sensor is often there
# first, and a ticket is merged into that of an incident. Requests are those on the measuring list that were asked for.
SELECT_FACTS = """
SELECT f.home_id, f.kind, f.at, f.until FROM refund_fact AS f
WHERE f.home_id = ANY (%(homes)s) AND f.at < %(end)s AND f.withdraws IS NULL
  AND CASE
    WHEN f.until IS NOT NULL THEN f.until > %(start)s
    WHEN f.kind IN ('at_fault', 'unpaid') THEN f.at >= %(since)s ELSE f.at >= %(start)s
  END
  AND NOT EXISTS (SELECT FROM refund_fact AS w WHERE w.withdraws = f.refund_fact_id)
UNION ALL
SELECT r.home_id, 'request', r.asked_at, NULL FROM measurement_request AS r
WHERE r.home_id = ANY (%(homes)s) AND r.reason = 'asked' AND r.asked_at >= %(start)s AND r.asked_at < %(end)s
UNION ALL
SELECT t.home_id, 'report', t.opened_at, NULL FROM ticket AS t
WHERE t.home_id = ANY (%(homes)s) AND t.class = 'cold' AND t.source NOT IN ('flag', 'device', 'incident')
  AND t.ending IS DISTINCT FROM 'void' AND t.opened_at >= %(start)s AND t.opened_at < %(end)s
UNION ALL
SELECT t.home_id, 'report', e.at, NULL FROM ticket AS t JOIN ticket_event AS e USING (ticket_id)
WHERE t.home_id = ANY (%(homes)s) AND t.class = 'cold' AND t.ending IS DISTINCT FROM 'void' AND e.kind = 'user_said'
  AND e.data ->> 'says' IS DISTINCT FROM 'solved' AND e.data ->> 'agreed' IS NULL
  AND e.at >= %(start)s AND e.at < %(end)s
ORDER BY 1, 3, 2
"""
SELECT_MEASURED = """
SELECT m.home_id, m.measured_at, judged_milli(m.celsius, 0) FROM measurement_valid AS m
WHERE m.home_id = ANY (%(homes)s) AND m.room_kind IN ('living', 'bedroom')
  AND m.measured_at >= %(start)s AND m.measured_at < %(end)s
ORDER BY m.home_id, m.measured_at, m.measurement_id
"""
SELECT_AWAY = """
SELECT x.home_id, o.begins_at, o.restored_at FROM outage_home AS x JOIN outage AS o USING (outage_id)
WHERE x.home_id = ANY (%(homes)s) AND o.stops_heating AND o.cancelled_at IS NULL
  AND o.begins_at < %(end)s AND coalesce(o.restored_at > %(start)s, true)
ORDER BY x.home_id, o.begins_at, o.outage_id
"""
INSERT_FACT = """
INSERT INTO refund_fact (home_id, kind, at, until, reference, withdraws, recorded_at, recorded_by)
VALUES (%(home)s, %(kind)s, %(at)s, %(until)s, %(reference)s, %(withdraws)s, %(recorded_at)s, %(recorded_by)s)
RETURNING refund_fact_id
"""
SELECT_NOTED = """
SELECT
  f.refund_fact_id AS id, f.kind, f.at, f.until, f.reference, f.withdraws, f.recorded_at, f.recorded_by,
  EXISTS (SELECT FROM refund_fact AS w WHERE w.withdraws = f.refund_fact_id) AS withdrawn
FROM refund_fact AS f WHERE f.home_id = %(home)s ORDER BY f.refund_fact_id DESC LIMIT 500
"""
INSERT_SHEETS = """
INSERT INTO refund_sheet (
  home_id, season, upto, season_days, rules, rules_digest, currency, fee, total, inputs, digest, corrects, reason,
  made_at, made_by
)
SELECT
  x.home_id, %(season)s, %(upto)s, %(season_days)s, %(rules)s, %(rules_digest)s, %(currency)s, x.fee, x.total,
  x.inputs, x.digest, %(corrects)s, %(reason)s, %(made_at)s, %(made_by)s
FROM unnest(%(homes)s::integer[], %(fees)s::bigint[], %(totals)s::bigint[], %(inputs)s::bytea[], %(digests)s::bytea[])
  WITH ORDINALITY AS x (home_id, fee, total, inputs, digest, nth)
ORDER BY x.nth
RETURNING home_id, refund_sheet_id, number
"""
DAY_COLUMNS = ("reason", "row", "percent", "amount", "would")
FACT_COLUMNS = ("breach", "known", "unknown", "lowest", "measured", "outage")
# The days of sheets, sheet by sheet, each with as many.
INSERT_DAYS = """
INSERT INTO refund_day (
  refund_sheet_id, home_id, season, day, reason, table_row, percent, amount, would, breach_us, known_us, unknown_us,
  lowest_milli, measured_milli, outage_us
)
SELECT
  (%(sheets)s::bigint[])[(x.nth - 1) / %(days)s + 1], (%(homes)s::integer[])[(x.nth - 1) / %(days)s + 1], %(season)s,
  %(season)s::date + ((x.nth - 1) %% %(days)s)::integer, x.reason, x.table_row, x.percent, x.amount,
  x.would, x.breach, x.known, x.unknown, nullif(x.lowest, 2147483647), nullif(x.measured, 2147483647), x.outage
FROM unnest(
  %(reason)s::smallint[], %(row)s::smallint[], %(percent)s::smallint[], %(amount)s::bigint[], %(would)s::bigint[],
  %(breach)s::bigint[], %(known)s::bigint[], %(unknown)s::bigint[], %(lowest)s::integer[], %(measured)s::integer[],
  %(outage)s::bigint[]
) WITH ORDINALITY
  AS x (reason, table_row, percent, amount, would, breach, known, unknown, lowest, measured, outage, nth)
"""
# Homes that pay for a season, and have no sheet of it.
SELECT_WITHOUT = """
SELECT f.home_id FROM home_fee AS f
WHERE f.season = %(season)s AND NOT EXISTS (
  SELECT FROM refund_sheet AS s WHERE s.home_id = f.home_id AND s.season = f.season AND s.corrects IS NULL
)
  AND (%(homes)s::integer[] IS NULL OR f.home_id = ANY (%(homes)s::integer[]))
ORDER BY f.home_id
"""
SELECT_WITH = """
SELECT count(*) FROM refund_sheet AS s WHERE s.season = %(season)s AND s.corrects IS NULL
"""
# Days of a sheet `s` that nobody was paid for yet, under it or an earlier one, from the first on as long as all that is
# paid for the season stays within its total: days that a correction moved do not go beyond a cap.
_DUE: LiteralString = """
SELECT x.day, x.amount FROM (
  SELECT d.day, d.amount, sum(d.amount) OVER (ORDER BY d.day) AS so_far FROM refund_day AS d
  WHERE d.refund_sheet_id = s.refund_sheet_id AND d.amount > 0
    AND NOT EXISTS (SELECT FROM refund_paid AS p WHERE p.home_id = d.home_id AND p.day = d.day)
) AS x
WHERE x.so_far <= s.total - coalesce((
  SELECT sum(p.amount) FROM refund_paid AS p JOIN refund_sheet AS o USING (refund_sheet_id)
  WHERE p.home_id = s.home_id AND o.season = s.season
), 0)
"""
_SHEETS: LiteralString = (
    """
SELECT
  s.refund_sheet_id AS id, s.number, h.code AS home, s.home_id, s.season, s.upto, s.season_days, s.rules, s.currency,
  s.fee, s.total, s.inputs, s.digest, o.number AS corrects, c.number AS corrected_by, s.reason, s.made_at, s.made_by,
  coalesce(a.actors, '{}') AS approved_by, coalesce(a.persons, '{}') AS approvers,
  coalesce(p.paid, 0)::bigint AS paid, p.paid_at, t.state
FROM refund_sheet AS s
JOIN home AS h USING (home_id)
LEFT JOIN refund_sheet AS o ON o.refund_sheet_id = s.corrects
LEFT JOIN refund_sheet AS c ON c.corrects = s.refund_sheet_id
LEFT JOIN LATERAL (
  SELECT array_agg(x.actor ORDER BY x.nth) AS actors, array_agg(x.staff_id) AS persons FROM refund_approval AS x
  WHERE x.refund_sheet_id = s.refund_sheet_id
) AS a ON true
LEFT JOIN LATERAL (
  SELECT sum(x.amount) AS paid, max(y.at) AS paid_at
  FROM refund_paid AS x JOIN refund_payment AS y USING (refund_payment_id)
  WHERE x.refund_sheet_id = s.refund_sheet_id
) AS p ON true
-- Days of a correction may have been paid by the sheet before it: then nothing is left to pay. Others are paid whole.
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN c.number IS NOT NULL THEN 'corrected'
    WHEN cardinality(coalesce(a.actors, '{}')) < 2 THEN 'open'
    WHEN s.total = 0 OR p.paid IS NOT NULL OR s.corrects IS NOT NULL AND NOT EXISTS ("""
    + _DUE
    + """) THEN 'settled'
    ELSE 'approved'
  END AS state
) AS t
"""
)
SELECT_SHEET: LiteralString = _SHEETS + "WHERE s.number = %(number)s"
SELECT_OF_HOME: LiteralString = _SHEETS + "WHERE s.home_id = %(home)s ORDER BY s.refund_sheet_id DESC LIMIT 100"
SELECT_SHEETS: LiteralString = (
    _SHEETS
    + """
WHERE (%(season)s::date IS NULL OR s.season = %(season)s)
  AND (%(home)s::text IS NULL OR h.code = %(home)s)
  AND (%(state)s::text IS NULL OR t.state = %(state)s)
  AND (%(before)s::bigint IS NULL OR s.refund_sheet_id < %(before)s)
ORDER BY s.refund_sheet_id DESC LIMIT %(limit)s
"""
)
SELECT_DAYS = """
SELECT
  d.day, d.reason, d.table_row, d.percent, d.amount, d.would, d.breach_us, d.known_us, d.unknown_us, d.lowest_milli,
  d.measured_milli, d.outage_us, p.day IS NOT NULL AS paid
FROM refund_day AS d
LEFT JOIN refund_paid AS p ON p.refund_sheet_id = d.refund_sheet_id AND p.day = d.day
WHERE d.refund_sheet_id = %(sheet)s ORDER BY d.day
"""
INSERT_APPROVAL = """
INSERT INTO refund_approval (refund_sheet_id, home_id, season, nth, staff_id, actor, at)
SELECT s.refund_sheet_id, s.home_id, s.season, 1 + count(a.nth), %(staff)s, %(actor)s, %(at)s
FROM refund_sheet AS s LEFT JOIN refund_approval AS a USING (refund_sheet_id)
WHERE s.refund_sheet_id = %(sheet)s GROUP BY s.refund_sheet_id, s.home_id, s.season
"""
SELECT_TO_PAY: LiteralString = f"""
SELECT s.number, h.code AS home, s.currency, s.refund_sheet_id AS sheet, s.home_id, d.day, d.amount
FROM refund_sheet AS s
JOIN home AS h USING (home_id)
CROSS JOIN LATERAL ({_DUE}) AS d
WHERE s.number = ANY (%(numbers)s)
ORDER BY s.refund_sheet_id, d.day
"""
INSERT_PAYMENT = """
INSERT INTO refund_payment (at, actor, sheets, total, digest)
VALUES (%(at)s, %(actor)s, %(sheets)s, %(total)s, %(digest)s) RETURNING refund_payment_id
"""
INSERT_PAID = """
INSERT INTO refund_paid (home_id, day, refund_sheet_id, refund_payment_id, amount)
SELECT x.home_id, x.day, x.sheet, %(payment)s, x.amount
FROM unnest(%(homes)s::integer[], %(days)s::date[], %(sheets)s::bigint[], %(amounts)s::bigint[])
  AS x (home_id, day, sheet, amount)
"""
SELECT_PAYMENTS = """
SELECT p.refund_payment_id AS id, p.at, p.actor, p.sheets, p.total, p.digest FROM refund_payment AS p
WHERE %(before)s::bigint IS NULL OR p.refund_payment_id < %(before)s
ORDER BY p.refund_payment_id DESC LIMIT %(limit)s
"""
SELECT_PAYMENT = """
SELECT p.refund_payment_id AS id, p.at, p.actor, p.sheets, p.total, p.digest FROM refund_payment AS p
WHERE p.refund_payment_id = %(payment)s
"""
SELECT_PAID = """
SELECT s.number, h.code AS home, s.currency, count(*) AS days, min(p.day) AS first, max(p.day) AS last,
  sum(p.amount)::bigint AS amount
FROM refund_paid AS p JOIN refund_sheet AS s USING (refund_sheet_id) JOIN home AS h ON h.home_id = p.home_id
WHERE p.refund_payment_id = %(payment)s
GROUP BY s.refund_sheet_id, s.number, h.code, s.currency ORDER BY s.refund_sheet_id
"""
FIRST_SHEET = "refund_sheet_first"  # constraint: of a home and season
TWO_PERSONS = "refund_approval_two_persons"  # constraint


class SheetState(StrEnum):
    """States of a sheet."""

    OPEN = "open"  # less than two persons have approved it
    APPROVED = "approved"  # by two, and something is to be paid
    SETTLED = "settled"  # paid, or nothing is to be paid
    CORRECTED = "corrected"  # another sheet has taken its place


class SheetFilter(NamedTuple):
    """Sheets sought: of a season, of a home (its code), in a state; None: any."""

    season: date | None = None
    home: str | None = None
    state: SheetState | None = None


class OpenSpan(NamedTuple):
    """Instants from which on and before which facts are sought; `since`: and those of a season that have no end."""

    start: datetime
    end: datetime
    since: datetime


@dataclass(frozen=True, kw_only=True)
class NewFact:
    """A fact to note; `withdraws` names the one that was wrong."""

    kind: str
    at: datetime
    until: datetime | None
    reference: str
    withdraws: int | None


@dataclass(frozen=True, kw_only=True)
class NewSheets:
    """Sheets to write that have a season in common: `fees`, `totals`, `inputs` and `digests` are by home."""

    season: date
    upto: date
    season_days: int
    rules: str
    rules_digest: bytes
    currency: str
    homes: Sequence[int]
    fees: Sequence[int]
    totals: Sequence[int]
    inputs: Sequence[bytes]
    digests: Sequence[bytes]
    corrects: int | None
    reason: str | None
    made_at: datetime
    made_by: str


def records(conn: Connection, homes: Sequence[int], span: OpenSpan) -> dict[int, RefundRecord]:
    """Return all that is on record of homes in a span beside their ledger; those without anything are not in it."""
    values = {"homes": list(homes), **span._asdict()}
    found: dict[int, tuple[list[HomeFact], list[CountedMeasurement], list[AwaySpan]]] = {}
    for home, kind, at, until in conn.execute(SELECT_FACTS, values).fetchall():
        found.setdefault(home, ([], [], []))[0].append(HomeFact(FactKind(kind), at, until))
    for home, *row in conn.execute(SELECT_MEASURED, values).fetchall():
        found.setdefault(home, ([], [], []))[1].append(CountedMeasurement(*row))
    for home, *row in conn.execute(SELECT_AWAY, values).fetchall():
        found.setdefault(home, ([], [], []))[2].append(AwaySpan(*row))
    return {
        home: RefundRecord(tuple(facts), tuple(measured), tuple(away))
        for home, (facts, measured, away) in found.items()
    }


def note(conn: Connection, home: int, fact: NewFact, by: tuple[str, datetime]) -> int:
    """Note a fact of a home; returns its key.

    Raises:
        psycopg.errors.IntegrityError: it withdraws one that is withdrawn already, or of another home.
    """
    values = {**asdict(fact), "home": home, "recorded_by": by[0], "recorded_at": by[1]}
    row = conn.execute(INSERT_FACT, values).fetchone()
    assert row is not None
    return int(row[0])


def noted(conn: Connection, home: int) -> list[Row]:
    """Return the facts that people noted of a home, newest first."""
    return fetch(conn, SELECT_NOTED, {"home": home})


def insert(conn: Connection, new: NewSheets, computed: NDArray[np.void], facts: NDArray[np.void]) -> dict[int, str]:
    """Write sheets with their days (DAYS and DAY_FACTS of homes × days); returns the number of each home's.

    Raises:
        psycopg.errors.UniqueViolation: a home has a sheet of the season, or the corrected one has a correction.
    """
    rows = conn.execute(INSERT_SHEETS, asdict(new)).fetchall()
    keys = {home: sheet for home, sheet, _ in rows}
    columns = {name: wire.ids(computed[name].ravel()) for name in DAY_COLUMNS}
    columns |= {name: wire.ids(facts[name].ravel()) for name in FACT_COLUMNS}
    sheets = wire.ids([keys[home] for home in new.homes])
    of_days = {"sheets": sheets, "homes": wire.ids(new.homes), "season": new.season, "days": computed.shape[1]}
    conn.execute(INSERT_DAYS, {**columns, **of_days})
    return {home: str(number) for home, _, number in rows}


def without_sheet(conn: Connection, season: date, of: Sequence[int] | None = None) -> list[int]:
    """Return the homes (None: of all) that pay for a season and have no sheet of it, ascending."""
    values = {"season": season, "homes": None if of is None else list(of)}
    return [row[0] for row in conn.execute(SELECT_WITHOUT, values).fetchall()]


def made(conn: Connection, season: date) -> int:
    """Return how many homes have a sheet of a season."""
    row = conn.execute(SELECT_WITH, {"season": season}).fetchone()
    return int(row[0]) if row else 0


def find(conn: Connection, number: str) -> Row | None:
    """Return a sheet within reach."""
    found = fetch(conn, SELECT_SHEET, {"number": number})
    return found[0] if found else None


def of_home(conn: Connection, home: int) -> list[Row]:
    """Return the sheets of a home, newest first."""
    return fetch(conn, SELECT_OF_HOME, {"home": home})


def sheets(conn: Connection, wanted: SheetFilter, before: int | None, limit: int) -> list[Row]:
    """Return sheets, newest first."""
    return fetch(conn, SELECT_SHEETS, {**wanted._asdict(), "before": before, "limit": limit})


def days(conn: Connection, sheet: int) -> list[Row]:
    """Return the days of a sheet."""
    return fetch(conn, SELECT_DAYS, {"sheet": sheet})


def approve(conn: Connection, sheet: int, person: Person, at: datetime) -> None:
    """Approve a sheet, as the first or the second person.

    Raises:
        psycopg.errors.IntegrityError: TWO_PERSONS, or two have approved it.
    """
    lock_text(conn, f"refund sheet {sheet}")  # one after the other, so that who comes second is counted as that
    conn.execute(INSERT_APPROVAL, {"sheet": sheet, "staff": person.staff_id, "actor": person.actor, "at": at})


def to_pay(conn: Connection, numbers: Sequence[str]) -> list[Row]:
    """Return the days of sheets that are not paid yet, with what they give back."""
    return fetch(conn, SELECT_TO_PAY, {"numbers": list(numbers)})


def pay(conn: Connection, rows: Sequence[Row], digest: bytes, by: tuple[str, datetime]) -> int:
    """Write days as paid by one file; returns its key.

    Raises:
        psycopg.errors.IntegrityError: a day is paid, or a sheet is not approved by two persons, or corrected.
    """
    total, count = sum(row["amount"] for row in rows), len({row["sheet"] for row in rows})
    values: dict[str, Any] = {"at": by[1], "actor": by[0], "sheets": count, "total": total, "digest": digest}
    row = conn.execute(INSERT_PAYMENT, values).fetchone()
    assert row is not None
    names = {"homes": "home_id", "days": "day", "sheets": "sheet", "amounts": "amount"}
    conn.execute(INSERT_PAID, {"payment": row[0], **{k: [one[v] for one in rows] for k, v in names.items()}})
    return int(row[0])


def payments(conn: Connection, before: int | None, limit: int) -> list[Row]:
    """Return payments, newest first."""
    return fetch(conn, SELECT_PAYMENTS, {"before": before, "limit": limit})


def payment(conn: Connection, key: int) -> tuple[Row, list[Row]] | None:
    """Return a payment and its sheets: number, home, days, amount; None: there is none."""
    found, sheets = (fetch(conn, query, {"payment": key}) for query in (SELECT_PAYMENT, SELECT_PAID))
    return (found[0], sheets) if found and sheets else None

"""A judge of what is left: readings against what was sent, flags by a slow judge that shares no code with ours."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from bench.chaos.people import Desk, Thermometers, Told
from tests.unit.engine.slow_judge import SlowHome, SlowJudge, SlowRules

CONFIRM_S, CLEAR_S = 5, 20
INTERVAL_S, HOLD_INTERVALS = 10, 3
SETTLED_S = INTERVAL_S * HOLD_INTERVALS + CONFIRM_S + CLEAR_S  # so long after the last reading nothing changes any more
SEASON = timedelta(days=30)
RULES = SlowRules(
    [("cold", Decimal(18), time(6), time(21)), ("severe", Decimal(16), None, None)], Decimal("0.2"), CONFIRM_S, CLEAR_S
)
READINGS = """
SELECT substr(s.code, 2)::integer, extract(epoch FROM r.measured_at)::bigint
FROM reading AS r JOIN sensor AS s USING (sensor_id) WHERE s.code <> %s
"""
FLAGS = """
SELECT substr(h.code, 2)::integer, extract(epoch FROM cold_since)::bigint, extract(epoch FROM confirmed_at)::bigint,
  extract(epoch FROM severe_at)::bigint, extract(epoch FROM suspended_at)::bigint,
  extract(epoch FROM cleared_at)::bigint, clear_reason, round(lowest::numeric, 3)
FROM flag AS f JOIN home AS h USING (home_id)
WHERE clear_reason IS DISTINCT FROM 'withdrawn' ORDER BY 1, cold_since
"""
# A reading that was stored by two transactions would be counted by both.
COUNTS = """
SELECT
  (SELECT coalesce(sum(stored), 0)::integer FROM ingest_worker) - (SELECT count(*) FROM reading)::integer,
  (SELECT count(*)::integer FROM flag WHERE ticket_id IS NULL),
  (SELECT count(*)::integer FROM dead_letter)
"""
REMARKS = "SELECT count(*)::integer, count(DISTINCT data ->> 'remark')::integer FROM ticket_event WHERE kind = 'remark'"
QUEUES = """
SELECT
  (SELECT count(*) FROM rejudge) AS rejudge,
  (SELECT count(*) FROM home_state WHERE check_at < now() - interval '10 s') AS overdue,
  (SELECT count(*) FROM outbox WHERE fate IS NULL) AS outbox,
  (SELECT count(*) FROM message WHERE state IN ('waiting', 'sending')) AS messages,
  (SELECT count(*) FROM ingest_deferred) AS deferred
"""
Flag = tuple[Any, ...]


@dataclass(frozen=True)
class Verdict:
    """Counts of wrong things; each should be 0."""

    unacknowledged: int
    lost: int
    doubled: int
    wrong_flags: int
    without_ticket: int
    refused: int
    remarks_lost: int
    remarks_doubled: int


def policy_of(text: str) -> str:
    """Return built-in rules with times that are as short as a race."""
    shorter = {
        "confirm_for_s = 0": f"confirm_for_s = {CONFIRM_S}",
        "clear_for_s = 1800": f"clear_for_s = {CLEAR_S}",
        "settle_s = 120": f"settle_s = {CLEAR_S}",
    }
    for old, new in shorter.items():
        text = text.replace(old, new)
    return text


def verdict(conn: Connection, said: Thermometers, desk: Desk, by_hand: Mapping[int, list[Flag]]) -> Verdict:
    """Compare the database with what was sent and answered, and with flags by hand."""
    answered = desk.answered  # before the rows are counted: it goes on
    stored = {(home, second) for home, second in conn.execute(READINGS, (f"s{said.homes}",)).fetchall()}
    counted, without_ticket, refused = conn.execute(COUNTS).fetchone() or (0, 0, 0)
    remarks, different = conn.execute(REMARKS).fetchone() or (0, 0)
    recorded = flags(conn)
    return Verdict(
        unacknowledged=len(said.sent) - len(said.acknowledged),
        lost=len(said.acknowledged - stored),
        doubled=counted + len(stored - said.sent.keys()),
        wrong_flags=sum(recorded.get(home, []) != by_hand.get(home, []) for home in range(said.homes)),
        without_ticket=without_ticket,
        refused=refused,
        remarks_lost=max(0, answered - different),
        remarks_doubled=remarks - different,
    )


def flags(conn: Connection) -> dict[int, list[Flag]]:
    """Return the flags on record, by home."""
    found: dict[int, list[Flag]] = defaultdict(list)
    for home, *flag in conn.execute(FLAGS).fetchall():
        found[home].append(tuple(flag))
    return found


def flags_by_hand(sent: Mapping[Told, float], zone: ZoneInfo, today: date, end: int) -> dict[int, list[Flag]]:
    """Judge all homes second by second up to `end`, by what was sent alone."""
    said: dict[int, list[tuple[int, int, Decimal]]] = defaultdict(list)
    for (home, second), celsius in sorted(sent.items()):
        said[home].append((second, second + INTERVAL_S * HOLD_INTERVALS, Decimal(str(celsius))))
    season = (today - SEASON, today + SEASON)
    return {home: _by_hand(SlowHome(zone, [told], [(date.min, RULES)], season), end) for home, told in said.items()}


def _by_hand(home: SlowHome, end: int) -> list[Flag]:
    begin = home.readings[0][0][0]
    judge = SlowJudge(home).walk(begin, end)
    return [
        (f.cold_since, f.confirmed_at, f.severe_at, f.suspended_at, f.cleared_at, f.reason, f.lowest)
        for f in judge.flags
    ]


def waiting(conn: Connection) -> dict[str, int]:
    """Return the queues in which something waits."""
    cursor = conn.execute(QUEUES)
    names = [column.name for column in cursor.description or ()]
    return {name: count for name, count in zip(names, cursor.fetchone() or (), strict=True) if count}

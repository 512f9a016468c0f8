"""Histories told in any order, and the record that they end in."""

import random
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from alerts.judging.by_clock import catch_up, keep_ledger
from alerts.judging.history import History
from alerts.judging.judge import SETTLE_US
from store.judging import ledger_rows
from tests.store.desk import Desk

SETTLED = timedelta(microseconds=SETTLE_US + 1)  # when the stream of readings is over


def finish(desk: Desk, now: datetime) -> None:
    """Let watch do all that is due, by the rules of the desk."""
    history = History(desk.judge.policy)
    desk.clock(now)
    desk.clock(now + SETTLED)
    desk.conn.execute("UPDATE rejudge SET queued_at = queued_at - interval '1 minute'")
    while catch_up(desk.conn, history, now):
        pass
    for shard in ledger_rows.shards(desk.conn):
        while not keep_ledger(desk.conn, history, shard, now):
            pass


def record(desk: Desk) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return flags that stand, and the ledger."""
    flags = desk.rows(
        "SELECT home_id, severity, cold_since, confirmed_at, severe_at, suspended_at, cleared_at, clear_reason, lowest "
        "FROM flag WHERE clear_reason IS DISTINCT FROM 'withdrawn' ORDER BY home_id, cold_since"
    )
    return flags, desk.rows("SELECT * FROM ledger ORDER BY home_id, day")


def start_over(conn: Connection) -> None:
    """Forget everything but the registry."""
    conn.execute(
        "UPDATE home_state SET state = 1, state_since = NULL, judged_to = NULL, breach_since = NULL, "
        "severe_since = NULL, warm_since = NULL, lowest = NULL, flag_id = NULL, check_at = NULL"
    )
    conn.execute(
        "UPDATE sensor_now SET home_id = NULL, measured_at = NULL, received_at = NULL, battery = NULL, "
        "battery_at = NULL, celsius = NULL, judged_at = NULL, expires_at = NULL"
    )
    records = ("flag", "ticket_event", "clock", "ticket", "ledger")
    for table in records:
        conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())  # records stay, else
    conn.execute("DELETE FROM outbox")
    for table in ("reading", *records, "ledger_shard", "rejudge"):
        conn.execute(f"DELETE FROM {table}".encode())
    for table in records:
        conn.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())


Said = tuple[str, datetime, float]


def batches(said: list[Said], shuffled: bool, chance: random.Random) -> list[list[Said]]:
    """Return one reading a batch in order; or in any order, in batches of any size."""
    if not shuffled:
        return [[one] for one in said]
    rest, out = list(said), []
    chance.shuffle(rest)
    while rest:
        size = chance.randint(1, len(rest))
        out.append(rest[:size])
        rest = rest[size:]
    return out

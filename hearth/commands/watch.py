"""`hearth watch`: what has to happen by the clock."""

import threading
import time
from collections import deque
from datetime import timedelta

import psycopg
import structlog
from psycopg import Connection

from alerts import care, substations
from alerts.history import History
from alerts.judge import Judge
from alerts.watch import catch_up, keep_ledger, tick
from hearth.settings import load
from hearth.wiring import chosen_policy, connector, now, set_up_logging, stop_on_signal
from store import dead_letters, ledger, state
from store.stage import open_stages

LEADER_KEY = 7_238_151_003  # advisory lock: one watch at a time
LONGEST_SLEEP_S = 0.5  # deadlines may be brought forward by readings meanwhile
STAND_BY_S = 1.0
COUNT_EVERY_S = 30.0  # today's ledger is never older than this and the time one round takes
CARE_EVERY_S = 60.0
SLOWEST_RETRY_S = 15.0
PURGE_EVERY_S = 60.0
PURGED_AT_ONCE = 1000
log = structlog.get_logger()


def watch() -> None:
    """Open and close windows, confirm and clear flags, notice silence: all by the clock. A second one stands by."""
    settings = load()
    set_up_logging(settings.log_level)
    stop = stop_on_signal()
    judge = Judge(chosen_policy(settings))
    retention = Retention(timedelta(days=settings.dead_letter_days))
    connect = connector(settings, "watch")
    delay_s = 0.5
    while not stop.is_set():
        try:
            with connect() as conn:
                delay_s = 0.5
                if _become_leader(conn, stop):
                    _lead(conn, judge, retention, stop)
        except psycopg.OperationalError as error:
            log.warning("database away", error=str(error).strip(), retry_s=delay_s)
            stop.wait(delay_s)
            delay_s = min(delay_s * 2, SLOWEST_RETRY_S)


def _become_leader(conn: Connection, stop: threading.Event) -> bool:
    """Wait until no other watch leads; False when told to stop before."""
    if state.lead(conn, LEADER_KEY):
        log.info("leading")
        return True
    log.info("another watch leads, standing by")
    while not stop.wait(STAND_BY_S):
        if state.lead(conn, LEADER_KEY):
            log.info("leading")
            return True
    return False


class Retention:
    """Deletes dead letters that are too old: every minute, and at every call while there are many."""

    def __init__(self, days: timedelta) -> None:
        self._days = days
        self._due_s = time.monotonic()

    def keep(self, conn: Connection) -> None:
        """Delete some, if it is time to."""
        if time.monotonic() < self._due_s:
            return
        if dead_letters.purge(conn, now() - self._days, PURGED_AT_ONCE) < PURGED_AT_ONCE:
            self._due_s = time.monotonic() + PURGE_EVERY_S


def _lead(conn: Connection, judge: Judge, retention: Retention, stop: threading.Event) -> None:
    """Work as long as the connection, and with it the lead, lasts: deadlines first, then the ledger."""
    open_stages(conn)
    history = History(judge.policy)
    shards: deque[int] = deque()
    counted_at = time.monotonic() - COUNT_EVERY_S
    cared_at = time.monotonic() - CARE_EVERY_S
    while not stop.is_set():
        found = tick(conn, judge, now())
        found += catch_up(conn, history, now())
        retention.keep(conn)
        if time.monotonic() - cared_at >= CARE_EVERY_S:
            cared_at = time.monotonic()
            care.look(conn, judge.policy, now())
            substations.look(conn, judge.policy, now())
        if not shards and time.monotonic() - counted_at >= COUNT_EVERY_S:
            shards.extend(ledger.shards(conn))
            counted_at = time.monotonic()
        if shards:
            if keep_ledger(conn, history, shards[0], now()):
                shards.popleft()
        elif not found:
            stop.wait(_pause_s(conn))


def _pause_s(conn: Connection) -> float:
    """Until the next deadline, but no longer than a reading may take to bring one forward."""
    due = state.next_due(conn)
    left = (due - now()) / timedelta(seconds=1) if due else LONGEST_SLEEP_S
    return min(max(left, 0.01), LONGEST_SLEEP_S)

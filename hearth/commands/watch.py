"""`hearth watch`: what has to happen by the clock."""

import threading
import time
from datetime import timedelta

import structlog
from psycopg import Connection

from alerts.judging.judge import Judge
from hearth import archiving, foreseeing
from hearth.figures import database_away, serve
from hearth.logs import set_up_logging
from hearth.metrics import WatchMetrics
from hearth.rounds import Round, keep_at, turn
from hearth.settings import load
from hearth.watch_rounds import rounds
from hearth.wiring import chosen_policy, connector, now, stop_on_signal, work_in_batches
from store.base import locks
from store.base.locks import LockKey
from store.base.stage import open_stages
from store.judging import state_rows

LONGEST_SLEEP_S = 0.5  # deadlines may be brought forward by readings meanwhile
STAND_BY_S = 1.0
log = structlog.get_logger()


def watch() -> None:
    """Open and close windows, confirm and clear flags, notice silence: all by the clock. A second one stands by."""
    settings = load()
    set_up_logging(settings.log_level)
    stop = stop_on_signal()
    judge = Judge(chosen_policy(settings))
    work_in_batches()
    metrics = WatchMetrics(now)
    if settings.watch_metrics_port:
        serve(settings.watch_metrics_port, metrics.registry, lambda: database_away(connector(settings, "watch")))

    def lead(conn: Connection) -> None:
        metrics.lead(False)
        if _become_leader(conn, stop):
            metrics.lead(True)
            _lead(conn, [each.told(metrics.done) for each in rounds(judge, settings)], stop)

    archiving.start(settings, stop, metrics)
    foreseeing.start(settings, stop, metrics)
    keep_at(connector(settings, "watch"), lead, stop)


def _become_leader(conn: Connection, stop: threading.Event) -> bool:
    """Wait until no other watch leads; False when told to stop before."""
    if locks.try_lock_session(conn, LockKey.WATCH):
        log.info("leading")
        return True
    log.info("another watch leads, standing by")
    while not stop.wait(STAND_BY_S):
        if locks.try_lock_session(conn, LockKey.WATCH):
            log.info("leading")
            return True
    return False


def _lead(conn: Connection, work: list[Round], stop: threading.Event) -> None:
    """Work as long as the connection, and with it the lead, lasts."""
    open_stages(conn)
    while not stop.is_set():
        if not turn(work, conn, time.monotonic):
            stop.wait(_pause_s(conn))


def _pause_s(conn: Connection) -> float:
    """Return the seconds until the next deadline, capped because a reading may bring one forward."""
    due = state_rows.next_due(conn)
    left = (due - now()) / timedelta(seconds=1) if due else LONGEST_SLEEP_S
    return min(max(left, 0.01), LONGEST_SLEEP_S)

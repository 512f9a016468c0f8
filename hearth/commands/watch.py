"""`hearth watch`: what has to happen by the clock."""

import threading
import time
from datetime import datetime, timedelta

import structlog
from psycopg import Connection

from alerts.desk import recovery
from alerts.evidence import chain, reading_seals
from alerts.figures import kpi
from alerts.figures.buildings import BuildingCursor
from alerts.judging.by_clock import catch_up, tick
from alerts.judging.history import History
from alerts.judging.judge import Judge
from alerts.judging.ledger_cursor import LedgerCursor
from alerts.network import incidents, outages, substations
from alerts.sensors import care, measurements
from alerts.tickets import clocks
from hearth.metrics import WatchMetrics
from hearth.rounds import Round, keep_at, turn
from hearth.settings import Settings, load
from hearth.wiring import chosen_policy, chosen_seal_key, connector, now, set_up_logging, stop_on_signal
from store.base import locks
from store.base.locks import LockKey
from store.base.stage import open_stages
from store.figures import live_feed
from store.judging import state_rows
from store.readings import dead_letter_rows, ingest_counts, retention

LONGEST_SLEEP_S = 0.5  # deadlines may be brought forward by readings meanwhile
STAND_BY_S = 1.0
COUNT_EVERY_S = 30.0  # today's ledger is never older than this and the time one round takes
CARE_EVERY_S = 60.0
RECOVERY_EVERY_S = 15.0
DATE_EVERY_S = 600.0
SEAL_EVERY_S = 30.0
PUBLISH_EVERY_S = 300.0
REMIND_EVERY_S = 300.0  # measurements are planned in days
OUTAGES_EVERY_S = 5.0  # an outage is announced, or noticed to go on, so long after its time at most
INCIDENTS_EVERY_S = 10.0  # far less than dispatch waits for a single home
PURGE_EVERY_S = 60.0
TRIM_EVERY_S = 10.0  # a flood of letters is above its bound no longer than this
MAP_EVERY_S = 15.0  # the map of a city is never older than this; a view does not believe what is older than a minute
SAMPLE_EVERY_S = 60.0
HEAT_EVERY_S = 300.0  # figures of months are never older than this and the time one round takes
DESK_EVERY_S = 600.0
PURGED_AT_ONCE = 1000
TOLD_FOR = timedelta(days=1)  # a client that lags by more than this has to reload
FORGOTTEN_AT_ONCE = 10_000
DROP_EVERY_S = 600.0
DROPPED_AT_ONCE = 20_000
log = structlog.get_logger()


def watch() -> None:
    """Open and close windows, confirm and clear flags, notice silence: all by the clock. A second one stands by."""
    settings = load()
    set_up_logging(settings.log_level)
    stop = stop_on_signal()
    judge = Judge(chosen_policy(settings))
    metrics = WatchMetrics(now, settings.watch_metrics_port)

    def work(conn: Connection) -> None:
        metrics.lead(False)
        if _become_leader(conn, stop):
            metrics.lead(True)
            _lead(conn, [each.told(metrics.done) for each in _rounds(judge, settings)], stop)

    keep_at(connector(settings, "watch"), work, stop)


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


def _lead(conn: Connection, rounds: list[Round], stop: threading.Event) -> None:
    """Work as long as the connection, and with it the lead, lasts."""
    open_stages(conn)
    while not stop.is_set():
        if not turn(rounds, conn, time.monotonic):
            stop.wait(_pause_s(conn))


def _rounds(judge: Judge, settings: Settings) -> list[Round]:
    """Return the rounds of a turn in order, deadlines first. A round that returns True has more to do at once."""
    history, policy, key = History(judge.policy), judge.policy, chosen_seal_key(settings)
    buildings, ledger = BuildingCursor(), LedgerCursor(history)
    dead_letter_age = timedelta(days=settings.dead_letter_days)
    return [
        Round("deadlines", 0, lambda conn: tick(conn, judge, now()) > 0),
        Round("clocks", 0, lambda conn: clocks.run_out(conn, policy, now())),
        Round("past", 0, lambda conn: catch_up(conn, history, now()) > 0),
        Round("dead letters", PURGE_EVERY_S, lambda conn: _purge(conn, now() - dead_letter_age)),
        Round("dead letters' bytes", TRIM_EVERY_S, lambda conn: _trim(conn, settings.dead_letter_mb * 1_000_000)),
        Round("told", PURGE_EVERY_S, lambda conn: _forget(conn, now() - TOLD_FOR)),
        Round("readings", DROP_EVERY_S, lambda conn: _drop(conn, settings.reading_days)),
        Round("sensors", CARE_EVERY_S, lambda conn: care.look(conn, policy, now())),
        Round("outages", OUTAGES_EVERY_S, lambda conn: outages.look(conn, policy, now())),
        Round("substations", CARE_EVERY_S, lambda conn: substations.look(conn, policy, now())),
        Round("buildings", MAP_EVERY_S, lambda conn: buildings.advance(conn, now())),
        Round("samples", SAMPLE_EVERY_S, _sample_ingest),
        Round("incidents", INCIDENTS_EVERY_S, lambda conn: incidents.look(conn, policy, now())),
        Round("measurements", CARE_EVERY_S, lambda conn: measurements.look(conn, policy, now())),
        Round("measurements due", REMIND_EVERY_S, lambda conn: measurements.remind(conn, now())),
        Round("recovery", RECOVERY_EVERY_S, lambda conn: recovery.look(conn, history, now())),
        Round("undated clocks", DATE_EVERY_S, lambda conn: clocks.date_undated(conn, policy, now())),
        Round("days of readings", SEAL_EVERY_S, lambda conn: reading_seals.seal_days(conn, now())),
        Round("seals", SEAL_EVERY_S, lambda conn: chain.seal(conn, now(), key)),
        Round("seal of the day", PUBLISH_EVERY_S, lambda conn: chain.publish(conn, policy.zone, now()) and None),
        Round("ledger", COUNT_EVERY_S, lambda conn: ledger.advance(conn, now())),
        Round("figures of heat", HEAT_EVERY_S, kpi.sum_some),
        Round("figures of the desk", DESK_EVERY_S, lambda conn: kpi.count_recent(conn, policy.zone, now())),
    ]


def _purge(conn: Connection, before: datetime) -> bool:
    return dead_letter_rows.purge(conn, before, PURGED_AT_ONCE) == PURGED_AT_ONCE


def _trim(conn: Connection, most_bytes: int) -> bool:
    return dead_letter_rows.trim(conn, most_bytes, now(), PURGED_AT_ONCE) > 0


def _forget(conn: Connection, before: datetime) -> bool:
    with conn.transaction():
        return live_feed.forget(conn, before, FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE


def _sample_ingest(conn: Connection) -> None:
    with conn.transaction():
        ingest_counts.sample(conn, now())


def _drop(conn: Connection, reading_days: int | None) -> bool:
    if reading_days is None:
        return False
    return retention.drop(conn, now() - timedelta(days=reading_days), DROPPED_AT_ONCE) > 0


def _pause_s(conn: Connection) -> float:
    """Return the seconds until the next deadline, capped because a reading may bring one forward."""
    due = state_rows.next_due(conn)
    left = (due - now()) / timedelta(seconds=1) if due else LONGEST_SLEEP_S
    return min(max(left, 0.01), LONGEST_SLEEP_S)

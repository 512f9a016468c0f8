"""The rounds of `hearth watch`: what has to happen by the clock, and how often."""

from collections.abc import Callable
from datetime import datetime, timedelta

from psycopg import Connection

from alerts.desk import recovery
from alerts.evidence import chain, reading_seals
from alerts.exchange import folders
from alerts.figures import kpi
from alerts.figures.buildings import BuildingCursor
from alerts.judging.by_clock import catch_up, tick
from alerts.judging.judge import Judge
from alerts.judging.ledger_cursor import LedgerCursor
from alerts.network import incidents, outages, substations
from alerts.sensors import care, measurements
from alerts.tickets import clocks
from hearth.on_record import history_of
from hearth.rounds import Round
from hearth.settings import Settings
from hearth.wiring import chosen_files, chosen_peers, chosen_seal_key, now
from store.exchange import case_rows
from store.figures import live_feed
from store.readings import dead_letter_rows, ingest_counts
from store.registry import upload_rows
from store.sensors import unknown_rows

COUNT_EVERY_S = 30.0  # today's ledger is never older than this and the time one round takes
CARE_EVERY_S = 60.0
RECOVERY_EVERY_S = 15.0
DATE_EVERY_S = 600.0
SEAL_EVERY_S = 30.0
PUBLISH_EVERY_S = 300.0
REMIND_EVERY_S = 300.0  # measurements are planned in days
PEERS_EVERY_S = 5.0
OUTAGES_EVERY_S = 5.0  # an outage is announced, or noticed to go on, so long after its time at most
INCIDENTS_EVERY_S = 10.0  # far less than dispatch waits for a single home
PURGE_EVERY_S = 60.0
TRIM_EVERY_S = 10.0  # a flood of letters is above its bound no longer than this
MAP_EVERY_S = 15.0  # the map of a city is never older than this; a view does not believe what is older than a minute
SAMPLE_EVERY_S = 60.0
HEAT_EVERY_S = 300.0  # figures of months are never older than this and the time one round takes
DESK_EVERY_S = 600.0
PURGED_AT_ONCE = 1000
UPLOADS_WAIT = timedelta(hours=1)
TOLD_FOR = timedelta(days=1)  # a client that lags by more than this has to reload
# A peer may try a message again for days, each time with a new time beside the same number; a replay of what it sent
# then is refused by that time five minutes later.
RECEIVED_FOR = timedelta(days=90)
FORGOTTEN_AT_ONCE = 10_000
SWEEP_EVERY_S = 60.0  # a shelf of files each


def rounds(judge: Judge, settings: Settings, clock: Callable[[], datetime] = now) -> list[Round]:
    """Return the rounds of a turn in order, deadlines first. A round that returns True has more to do at once.

    `clock` is another than the system's where a past is lived through, as in a demo.
    """
    policy, key = judge.policy, chosen_seal_key(settings)
    history = history_of(settings, policy)
    buildings, ledger = BuildingCursor(), LedgerCursor(history)
    peers = chosen_peers(settings)
    files, dead_letter_age = chosen_files(settings), timedelta(days=settings.dead_letter_days)
    return [
        Round("deadlines", 0, lambda conn: tick(conn, judge, clock()) > 0),
        Round("clocks", 0, lambda conn: clocks.run_out(conn, policy, clock())),
        Round("past", 0, lambda conn: catch_up(conn, history, clock()) > 0),
        Round("dead letters", PURGE_EVERY_S, lambda conn: _purge(conn, clock() - dead_letter_age)),
        Round("dead letters' bytes", TRIM_EVERY_S, lambda conn: _trim(conn, settings.dead_letter_mb, clock())),
        Round("uploads", PURGE_EVERY_S, lambda conn: upload_rows.forget(conn, clock() - UPLOADS_WAIT)),
        Round("told", PURGE_EVERY_S, lambda conn: _forget(conn, clock() - TOLD_FOR)),
        Round("received of peers", PURGE_EVERY_S, lambda conn: _forget_received(conn, clock() - RECEIVED_FOR)),
        Round("files", SWEEP_EVERY_S, lambda conn: files.sweep(conn, clock())),
        Round("folders of peers", PEERS_EVERY_S, lambda conn: folders.read_folders(conn, policy, peers, clock())),
        Round("sensors", CARE_EVERY_S, lambda conn: care.look(conn, policy, clock())),
        Round("outages", OUTAGES_EVERY_S, lambda conn: outages.look(conn, policy, clock())),
        Round("substations", CARE_EVERY_S, lambda conn: substations.look(conn, policy, clock())),
        Round("buildings", MAP_EVERY_S, lambda conn: buildings.advance(conn, clock())),
        Round("samples", SAMPLE_EVERY_S, lambda conn: _sample_ingest(conn, clock())),
        Round("incidents", INCIDENTS_EVERY_S, lambda conn: incidents.look(conn, policy, clock())),
        Round("measurements", CARE_EVERY_S, lambda conn: measurements.look(conn, policy, clock(), history.readings)),
        Round("measurements due", REMIND_EVERY_S, lambda conn: measurements.remind(conn, clock())),
        Round("recovery", RECOVERY_EVERY_S, lambda conn: recovery.look(conn, history, clock())),
        Round("undated clocks", DATE_EVERY_S, lambda conn: clocks.date_undated(conn, policy, clock())),
        Round("days of readings", SEAL_EVERY_S, lambda conn: reading_seals.seal_days(conn, clock())),
        Round("seals", SEAL_EVERY_S, lambda conn: chain.seal(conn, clock(), key)),
        Round("seal of the day", PUBLISH_EVERY_S, lambda conn: chain.publish(conn, policy.zone, clock()) and None),
        Round("ledger", COUNT_EVERY_S, lambda conn: ledger.advance(conn, clock())),
        Round("figures of heat", HEAT_EVERY_S, kpi.sum_some),
        Round("figures of the desk", DESK_EVERY_S, lambda conn: kpi.count_recent(conn, policy, clock())),
    ]


def _purge(conn: Connection, before: datetime) -> bool:
    return dead_letter_rows.purge(conn, before, PURGED_AT_ONCE) == PURGED_AT_ONCE


def _trim(conn: Connection, most_mb: int, at: datetime) -> bool:
    return dead_letter_rows.trim(conn, most_mb * 1_000_000, at, PURGED_AT_ONCE) > 0


def _forget(conn: Connection, before: datetime) -> bool:
    with conn.transaction():
        return live_feed.forget(conn, before, FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE


def _forget_received(conn: Connection, before: datetime) -> bool:
    with conn.transaction():
        return case_rows.forget(conn, before, PURGED_AT_ONCE) == PURGED_AT_ONCE


def _sample_ingest(conn: Connection, at: datetime) -> None:
    with conn.transaction():
        ingest_counts.sample(conn, at)
        unknown_rows.forget(conn, at)

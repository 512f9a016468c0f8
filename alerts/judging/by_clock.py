"""Judging by the clock: homes whose deadline has passed are judged without a new reading."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import structlog
from psycopg import Connection

from alerts.judging.closing import close_before
from alerts.judging.history import History
from alerts.judging.judge import Judge
from alerts.judging.rejudge import RejudgeOutcome, judge_again, keep_machines
from alerts.judging.verdict import day_rows, resume
from domain.instants import to_datetime
from store.base.halves import AGAIN_AFTER, Aside, in_halves
from store.judging import ledger_rows, state_rows

MOST_HOMES = 1_000  # in one transaction, for which ingest waits where it has the same homes
MOST_AGAIN = 200  # homes judged again in one transaction, which has them locked
MOST_DAYS = 3  # of a shard's ledger in one transaction
SETTLE = timedelta(seconds=10)  # data that comes late comes in a stream
log = structlog.get_logger()


class Counted(NamedTuple):
    """A span of the ledger that is counted: from a day up to an instant, which ends a day if `whole`."""

    first: date
    end: datetime
    whole: bool


def tick(conn: Connection, judge: Judge, now: datetime) -> int:
    """Look at homes that are due, at most one transaction's worth; returns how many there were.

    The connection is in autocommit mode and has its stages open.
    """
    due = sorted(state_rows.due(conn, now, MOST_HOMES))
    if due:
        _judge(conn, judge, due, now)
    return len(due)


def catch_up(conn: Connection, history: History, now: datetime) -> int:
    """Judge homes again whose past has changed, once their data has stopped coming; returns how many there were."""
    waiting = state_rows.queue(conn, now - SETTLE, MOST_AGAIN)
    days: dict[date, list[int]] = {}
    for home, since in waiting:
        days.setdefault(max(history.day_of(since), history.earliest_day(now)), []).append(home)
    for day, homes in days.items():
        outcome = _judge_again(conn, history, homes, day, now)
        log.info("judged again", since=day.isoformat(), homes=outcome.homes, days=outcome.days, raised=outcome.raised,
                 withdrawn=outcome.withdrawn, corrected=outcome.corrected)  # fmt: skip
    return len(waiting)


def _judge_again(conn: Connection, history: History, homes: Sequence[int], day: date, now: datetime) -> RejudgeOutcome:
    """Judge homes again from a day on; one that fails waits in the queue for a while, and the others go on."""
    whole = RejudgeOutcome()
    in_halves(
        conn,
        homes,
        lambda some: whole.add(judge_again(conn, history, some, day, now)),
        Aside[int]("judge again", lambda home, _: state_rows.postpone_rejudge(conn, home, now + AGAIN_AFTER)),
    )
    return whole


def keep_ledger(conn: Connection, history: History, shard: int, now: datetime) -> bool:
    """Bring the ledger of a shard of homes up to now, closing days that are over; False if there is more to do.

    Days that are closed are not looked at: what comes for them later is in the queue of `catch_up`. A call does some
    days at most, so that deadlines do not wait for a long history.
    """
    with conn.transaction():
        homes = np.array(ledger_rows.shard_homes(conn, shard), np.int32)
        if not len(homes):
            return True
        first = (
            ledger_rows.open_from(conn, shard)
            or history.first_day(conn, homes, history.earliest_day(now))
            or history.day_of(now)
        )
        stays_open = close_before(conn, history.policy, first, now)
        if first < stays_open:  # who judged again may have closed it before
            ledger_rows.forget_machines(conn, homes.tolist(), first)
        stop = first + timedelta(days=MOST_DAYS)
        done = stop > history.day_of(now)
        end = now if done else to_datetime(history.midnight_us(stop))
        from_us = np.array([history.midnight_us(first)])
        in_halves(
            conn,
            homes.tolist(),
            lambda some: _count(conn, history, some, Counted(first, end, whole=not done), now),
            # The shard goes on without it; its days are counted when it can be judged again.
            Aside[int]("ledger", lambda home, _: state_rows.queue_rejudge(conn, np.array([home]), from_us, now)),
        )
        ledger_rows.set_open_from(conn, shard, min(stop, stays_open), end)
    return done


def _count(conn: Connection, history: History, home_ids: Sequence[int], counted: Counted, now: datetime) -> None:
    """Count days of the ledger of homes."""
    homes = np.array(home_ids, np.int32)
    known = {home: machine for home, (_, machine) in ledger_rows.starts(conn, list(home_ids), counted.first).items()}
    past = resume(homes, known)
    for stretch in history.walk(conn, past, counted.first, counted.end, whole=counted.whole):
        ledger_rows.put(conn, day_rows(history, homes, stretch.days, now), history.policy.labels)
        keep_machines(conn, history, homes, stretch.machines, now)


def _judge(conn: Connection, judge: Judge, home_ids: Sequence[int], now: datetime) -> None:
    """Judge homes by the clock; one that fails is put off and named, and the others go on."""
    aside = Aside[int]("judge", lambda home, _: state_rows.postpone(conn, home, now + AGAIN_AFTER))
    in_halves(conn, home_ids, lambda some: judge.clock(conn, some, now), aside)

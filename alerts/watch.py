"""What the clock does: homes whose deadline has come are looked at without a new reading."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from psycopg import Connection, OperationalError

from alerts.judge import Judge
from store import state

MOST_HOMES = 5_000  # in one transaction
POSTPONE = timedelta(hours=1)  # for a home that cannot be judged, so that it does not stop the others
log = structlog.get_logger()


def tick(conn: Connection, judge: Judge, now: datetime) -> int:
    """Look at homes that are due, at most one transaction's worth; returns how many there were.

    The connection is in autocommit mode and has its stages open.
    """
    due = state.due(conn, now, MOST_HOMES)
    if due:
        _judge(conn, judge, due, now)
    return len(due)


def _judge(conn: Connection, judge: Judge, home_ids: Sequence[int], now: datetime) -> None:
    """Judge homes by the clock; one that fails is put off and named, and the others go on."""
    try:
        with conn.transaction():
            judge.clock(conn, home_ids, now)
    except OperationalError:
        raise
    except Exception as error:
        if len(home_ids) > 1:
            half = len(home_ids) // 2
            _judge(conn, judge, home_ids[:half], now)
            _judge(conn, judge, home_ids[half:], now)
            return
        log.exception("home cannot be judged", home_id=home_ids[0], error=str(error))
        state.postpone(conn, home_ids[0], now + POSTPONE)

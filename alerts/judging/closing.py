"""The midnight between who closes a day and who stores readings of it: their clocks may differ, and batches take time.

Who stores has the day shared while it may not be over by somebody's clock, and asks then which days are closed; who
closes a day has it alone. So either the closing sees a reading, or who stores it sees that the day is closed.
"""

from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.track import Int
from alerts.judging.verdict import CLOSE_LAG
from domain.instants import midnight_us
from domain.policy import Policy
from store.base import locks
from store.judging import ledger_rows

NEAR = timedelta(hours=1)  # by which clocks may differ, together with the time that a batch takes


def close_before(conn: Connection, policy: Policy, first: date, now: datetime) -> date:
    """Return the first day that stays open; if any from `first` on is closed, nobody stores for the last of them.

    So it is until the transaction ends; it is the first thing that it does, so that nobody waits in a circle.
    """
    stays_open = (now - CLOSE_LAG).astimezone(policy.zone).date()
    if first < stays_open:
        locks.lock_text(conn, _name(stays_open - timedelta(days=1)))
    return stays_open


def closed_to(conn: Connection, policy: Policy, homes: NDArray[np.int32], now: datetime) -> Int:
    """Return µs per home before which days may be closed; none that is not will be before the transaction ends."""
    today = now.astimezone(policy.zone).date()
    closed = np.full(len(homes), midnight_us(today, policy.zone))
    if (now + NEAR).astimezone(policy.zone).date() == today:
        return closed
    locks.lock_text_shared(conn, _name(today))
    for shard, day in ledger_rows.opens(conn, np.unique(homes // ledger_rows.SHARD_HOMES)).items():
        mine = homes // ledger_rows.SHARD_HOMES == shard
        closed[mine] = np.maximum(closed[mine], midnight_us(day, policy.zone))
    return closed


def _name(day: date) -> str:
    return f"closing of {day}"

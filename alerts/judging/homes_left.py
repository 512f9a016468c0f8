"""Homes that a sensor speaks for no longer: what it said there last has to be judged, although it is held no more.

A sensor holds one value, that of the home for which it spoke last. Where it has moved, and its readings come after the
move (a backlog, or two homes in one batch), the home that it left may not have been judged up to the end of the value
that it had there; nor has a home for which a reading comes after a later one from the next home.
"""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from domain import groups
from store.judging import state_rows

Stay = tuple[int, int]  # µs of the last reading there, home


def queue(conn: Connection, held: NDArray[np.void], fresh: NDArray[np.void], now: datetime) -> None:
    """Queue the homes left by the sensors of judged readings for re-judging, from their last reading there on.

    To be called before the readings become the values held.

    Args:
        held: store.judging.state_rows.HELD of the homes of the readings.
        fresh: judged store.readings.PLACED, sorted by sensor and time.
    """
    last = fresh[groups.lasts(fresh["sensor_id"], fresh["home_id"])]
    there = np.isin(_pairs(last), _pairs(held))
    alone = groups.is_first(last["sensor_id"]) & groups.is_last(last["sensor_id"])
    moving = np.unique(last["sensor_id"][~(there & alone)])
    if not len(moving):
        return
    stays: dict[int, list[Stay]] = {sensor: [(at, home)] for sensor, home, at in state_rows.lock_held(conn, moving)}
    for row in last[np.isin(last["sensor_id"], moving)]:
        stays.setdefault(int(row["sensor_id"]), []).append((int(row["measured_at"]), int(row["home_id"])))
    left: dict[int, int] = {}
    for mine in stays.values():
        _, speaks_for = max(mine)
        for at, home in mine:
            if home != speaks_for:
                left[home] = min(at, left.get(home, at))
    if left:
        ids = np.fromiter(left, np.int32, len(left))
        state_rows.queue_rejudge(conn, ids, np.fromiter(left.values(), np.int64, len(left)), now)


def _pairs(rows: NDArray[np.void]) -> NDArray[np.int64]:
    pairs: NDArray[np.int64] = rows["sensor_id"].astype(np.int64) << 32 | rows["home_id"]
    return pairs

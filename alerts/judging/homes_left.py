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
    last = groups.lasts(fresh["sensor_id"], fresh["home_id"])
    sensor, home, at = (fresh[name][last] for name in ("sensor_id", "home_id", "measured_at"))
    row = state_rows.of_sensors(held, sensor)
    there = row >= 0
    there[there] = held["home_id"][row[there]] == home[there]
    alone = groups.is_first(sensor) & groups.is_last(sensor)
    moving = np.unique(sensor[~(there & alone)])
    if not len(moving):
        return
    stays: dict[int, list[Stay]] = {
        sensor_id: [(us, home_id)] for sensor_id, home_id, us in state_rows.lock_held(conn, moving)
    }
    mine = np.isin(sensor, moving)
    for sensor_id, home_id, us in zip(sensor[mine].tolist(), home[mine].tolist(), at[mine].tolist(), strict=True):
        stays.setdefault(sensor_id, []).append((us, home_id))
    left = [(home_id, us) for found in stays.values() for us, home_id in found if home_id != max(found)[1]]
    if left:
        ids, since = zip(*left, strict=True)
        state_rows.queue_rejudge(conn, np.array(ids, np.int32), np.array(since, np.int64), now)

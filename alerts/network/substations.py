"""Alarms of substations: too cold, or at the wrong pressure, for too long.

The last value of each channel is looked at; it counts as long as a reading is held. Silence neither raises nor ends.
"""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from domain import groups
from domain.instants import to_datetime, to_us
from domain.policy import Policy, Version
from domain.substation import ChannelBounds, bounds
from store.base.halves import Aside, in_halves
from store.network import alarm_rows


def look(conn: Connection, policy: Policy, now: datetime) -> None:
    """Raise and end alarms by what the substations said last. Outside the season, and without limits, there are none.

    The connection is in autocommit mode.
    """
    rules = policy.rules_at(now)
    with conn.transaction():
        if rules.substation is None or not policy.in_season(now):
            alarm_rows.end_all(conn, now)
            return
        beyond, fine = list[dict[str, Any]](), list[dict[str, Any]]()
        for limit in bounds(rules.substation):
            last = newest(fresh(alarm_rows.said_last(conn, limit.channel), rules, now))
            bad = outside(last["value"], limit)
            beyond += _alarms(last[bad], limit, value=True)
            fine += _alarms(last[~bad], limit, value=False)
        patience = timedelta(seconds=rules.substation.for_s)
        aside = Aside[dict[str, Any]]("alarms", key=lambda one: one["substation_id"])
        in_halves(conn, beyond, lambda some: alarm_rows.beyond(conn, some, patience, now), aside)
        in_halves(conn, fine, lambda some: alarm_rows.within(conn, some), aside)


def fresh(rows: NDArray[np.void], rules: Version, now: datetime) -> NDArray[np.void]:
    """Select the SAID_LAST rows whose value is still held."""
    hold_us = (rules.hold_intervals * rows["interval_s"] * 1e6).astype(np.int64)
    return rows[rows["measured_at"] + hold_us > to_us(now)]


def newest(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Return the last row of each substation; rows are sorted by substation and time."""
    return rows[groups.lasts(rows["substation_id"])]


def outside(values: NDArray[np.float32], limit: ChannelBounds) -> NDArray[np.bool_]:
    """Mask of values beyond a limit, in the 32 bits of what is stored; exactly the limit is in order."""
    return np.asarray((values < np.float32(limit.lowest)) | (values > np.float32(limit.highest)))


def _alarms(rows: NDArray[np.void], limit: ChannelBounds, value: bool) -> list[dict[str, Any]]:
    return [
        {
            "substation_id": int(row["substation_id"]),
            "kind": limit.kind.value,
            "since": to_datetime(int(row["measured_at"])).isoformat(),
            **({"value": float(row["value"])} if value else {}),
        }
        for row in rows
    ]

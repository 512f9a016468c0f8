"""The homes that a transaction has locked, as judging reads them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.machine import MACHINE
from alerts.engine.track import Int
from domain.instants import NONE_US
from store.judging import state_rows


@dataclass
class LockedHomes:
    """The locked homes of one transaction and their state, sorted by id."""

    rows: NDArray[np.void]  # store.state.LOCKED
    held: NDArray[np.void]  # store.state.HELD
    at: Int  # index into rows of each held value
    frontier: Int  # µs; judged up to here
    machines: NDArray[np.void]  # MACHINE
    registry: int  # the version of the registry since they are locked

    @property
    def ids(self) -> NDArray[np.int32]:
        """home_id, rising."""
        return self.rows["home_id"]


def load(conn: Connection, home_ids: NDArray[np.int32]) -> LockedHomes:
    """Lock homes and read their state."""
    rows = state_rows.lock(conn, home_ids)
    held, registry = state_rows.held(conn, rows["home_id"])
    at = np.searchsorted(rows["home_id"], held["home_id"])
    frontier = rows["judged_to"].copy()
    np.maximum.at(frontier, at, held["judged_at"])
    return LockedHomes(rows, held, at, frontier, _machines(rows), registry)


def _machines(rows: NDArray[np.void]) -> NDArray[np.void]:
    machines = np.zeros(len(rows), MACHINE)
    for name in (
        "breach_since",
        "severe_since",
        "warm_since",
        "lowest",
        "severity",
        "cold_since",
        "confirmed_at",
        "severe_at",
        "suspended_at",
        "limit",
    ):
        machines[name] = rows[name]
    machines["flag"], machines["cleared_at"] = rows["flag_id"], NONE_US
    return machines


def only(homes: LockedHomes, home_ids: NDArray[np.int32]) -> LockedHomes:
    """Select homes by id; all of them are among the locked ones."""
    return homes if len(home_ids) == len(homes.rows) else some(homes, np.searchsorted(homes.ids, home_ids))


def some(homes: LockedHomes, which: NDArray[np.intp]) -> LockedHomes:
    """Select homes by index."""
    keep = np.isin(homes.at, which)
    return LockedHomes(
        homes.rows[which],
        homes.held[keep],
        np.searchsorted(which, homes.at[keep]),
        homes.frontier[which],
        homes.machines[which],
        homes.registry,
    )

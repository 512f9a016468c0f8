"""Evaluation of another policy over the same readings, without any change."""

from dataclasses import dataclass, fields
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.judging.history import History, Past
from domain.instants import to_datetime
from store.judging import flag_rows, ledger_rows

US_PER_HOUR = 3_600_000_000


@dataclass
class WhatIfFigures:
    """Homes over a span of days, in one look."""

    homes: int = 0  # with readings
    homes_flagged: int = 0
    flags: int = 0
    cold_hours: float = 0.0
    severe_hours: float = 0.0
    compliant_hours: float = 0.0
    unknown_hours: float = 0.0
    not_judged_hours: float = 0.0

    def add(self, other: "WhatIfFigures") -> None:
        """Add the figures of other homes."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def imagine(conn: Connection, history: History, homes: NDArray[np.int32], first: date, end: datetime) -> WhatIfFigures:
    """Judge homes by another policy, without history, from the start of a day to an instant."""
    past = Past.unheard(homes)
    out, flagged = WhatIfFigures(), set[int]()
    for stretch in history.walk(conn, past, first, end, whole=True):
        _add_hours(out, {name: int(stretch.days[name].sum()) for name in STATES})
        flagged.update(stretch.ended["home"].tolist())
        out.flags += len(stretch.ended)
    still = np.flatnonzero(past.machines["severity"] > 0)
    flagged.update(still.tolist())
    out.flags += len(still)
    out.homes, out.homes_flagged = int(past.entered.sum()), len(flagged)
    return out


STATES = ("compliant", "cold", "severe", "unknown", "not_judged")


def recorded(conn: Connection, history: History, homes: NDArray[np.int32], first: date, end: datetime) -> WhatIfFigures:
    """Read the figures on record for the same homes and span."""
    ids = homes.tolist()
    sums = ledger_rows.sums(conn, ids, first, history.day_of(end))
    start = to_datetime(history.midnight_us(first))
    flags = [row for row in flag_rows.since(conn, ids, start) if row.cold_since < end]
    out = WhatIfFigures(homes=sums.homes, homes_flagged=len({row.home_id for row in flags}), flags=len(flags))
    _add_hours(out, {name: getattr(sums, name) for name in STATES})
    return out


def _add_hours(out: WhatIfFigures, us: dict[str, int]) -> None:
    for name, spent in us.items():
        setattr(out, f"{name}_hours", getattr(out, f"{name}_hours") + spent / US_PER_HOUR)

"""Temperatures of homes, supply and the air outside in steps of time: what the cause of a cold home is told from."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

# By functions of the database: the API reads no readings itself, and has steps of what it reaches alone.
SELECT_HOMES = "SELECT home, nth, celsius FROM home_steps(%(homes)s, %(start)s, %(until)s, %(step)s)"
SELECT_SUPPLY = """
SELECT s.nth, s.supply, s.outdoor
FROM home AS h JOIN building AS b USING (building_id),
  substation_steps(b.substation_id, %(start)s, %(until)s, %(step)s) AS s
WHERE h.home_id = %(home)s
"""


class HeatSpan(NamedTuple):
    """The time that is looked at: steps up to an instant."""

    until: datetime
    step: timedelta
    steps: int


class HeatColumns(NamedTuple):
    """Rows of time: °C of homes in the order asked for, supply and outdoor °C; NaN where nothing was said."""

    celsius: NDArray[np.float64]
    supply: NDArray[np.float64]
    outdoor: NDArray[np.float64]


def record(conn: Connection, homes: Sequence[int], span: HeatSpan) -> HeatColumns:
    """Read what was measured in homes that can be reached, and at the substation of the first."""
    values = {
        "start": span.until - span.steps * span.step, "until": span.until, "step": span.step, "homes": list(homes),
        "home": homes[0],
    }  # fmt: skip
    column = {home: nth for nth, home in enumerate(homes)}
    found = HeatColumns(*(np.full(shape, np.nan) for shape in ((span.steps, len(homes)), span.steps, span.steps)))
    for home, step, celsius in conn.execute(SELECT_HOMES, values):
        found.celsius[step, column[home]] = celsius
    for step, supply, outdoor in conn.execute(SELECT_SUPPLY, values):
        found.supply[step] = np.nan if supply is None else supply
        found.outdoor[step] = np.nan if outdoor is None else outdoor
    return found

"""A home's past counted once more from what is stored, for evidence: its days, its gaps, and a chart's columns.

It is the same engine as everywhere, over the same readings, so days that differ from the ledger tell that one of the
two is behind the other: readings came late or were deleted, or the rules were changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.columns import extremes
from alerts.engine.lanes import held
from alerts.engine.ledger import LEDGER
from alerts.engine.schedule import PIECE
from alerts.engine.track import Int, Milli
from alerts.judging.history import History, JudgedStretch, Past
from domain.instants import to_datetime
from domain.states import HomeState
from store.judging import ledger_rows

Range = tuple[Milli, Milli]


@dataclass(frozen=True)
class Recount:
    """The ledger and flags of a home over a span, counted again."""

    days: NDArray[np.void]  # alerts.engine.ledger.LEDGER, whole days
    gaps: list[tuple[int, int]]  # µs; judged time without a judged reading
    ranges: Mapping[int, Range]  # sensor_id → lowest and highest of each column, as alerts.engine.columns has them
    pieces: NDArray[np.void]  # alerts.engine.schedule.PIECE in force in the span, the first from its start


class HomeDays(NamedTuple):
    """The local days [first, end) of a home."""

    home: int
    first: date
    end: date


def recount(conn: Connection, history: History, days: HomeDays, upto_us: int, edges: Int) -> Recount:
    """Count days of a home.

    A home begins on the day of its first reading, unless the ledger knew it before.

    Args:
        history: its `said` decides who reads the readings.
        upto_us: gaps and the chart are told up to this instant.
        edges: of the chart's columns.
    """
    past = Past.unheard(np.array([days.home], np.int32))
    past.entered[:] = bool(ledger_rows.starts(conn, [days.home], days.first))
    counted, gaps, found = [np.empty(0, LEDGER)], list[tuple[int, int]](), dict[int, Range]()
    for stretch in history.walk(conn, past, days.first, to_datetime(history.midnight_us(days.end)), whole=True):
        counted.append(stretch.days)
        _add_gaps(gaps, past.last, upto_us)
        _widen(found, stretch, edges, upto_us)
    return Recount(np.concatenate(counted), gaps, found, _pieces(conn, history, days))


def _add_gaps(gaps: list[tuple[int, int]], runs: NDArray[np.void], upto_us: int) -> None:
    """Add the unknown runs of a stretch; those that follow each other are one."""
    lasts = runs["end"] > runs["start"]
    is_unknown = runs["state"] == HomeState.UNKNOWN
    unknown = runs[is_unknown & lasts & (runs["start"] < upto_us)]
    for start, end in zip(unknown["start"].tolist(), np.minimum(unknown["end"], upto_us).tolist(), strict=True):
        if gaps and gaps[-1][1] == start:
            gaps[-1] = (gaps[-1][0], end)
        else:
            gaps.append((start, end))


def _widen(found: dict[int, Range], stretch: JudgedStretch, edges: Int, upto_us: int) -> None:
    said = held(stretch.lanes)
    said = said._replace(until=np.minimum(said.until, min(stretch.end, upto_us)))
    for lane, (lowest, highest) in extremes(said, edges).items():
        before = found.get(lane, (lowest, highest))
        found[lane] = (np.minimum(before[0], lowest), np.maximum(before[1], highest))


def _pieces(conn: Connection, history: History, days: HomeDays) -> NDArray[np.void]:
    """Return the pieces of the home's rules that are in force in the span."""
    low, high = history.midnight_us(days.first), history.midnight_us(days.end)
    schedules, _ = history.terms.schedules(conn, np.array([days.home], np.int32), low, high)
    pieces = schedules.pieces[schedules.pieces["start"] < high].astype(PIECE)
    begin = max(int(np.searchsorted(pieces["start"], low, "right")) - 1, 0)
    pieces["start"][begin] = low  # the first one holds from ever
    return pieces[begin:]


def agree(counted: NDArray[np.void], ordinal: int, on_record: Sequence[int]) -> bool:
    """Return whether a day equals the record: compliant, cold, severe, unknown, not judged, shortfall in µs."""
    mine = counted[counted["day"] == ordinal]
    names = ("compliant", "cold", "severe", "unknown", "not_judged", "shortfall")
    return len(mine) == 1 and [int(mine[name][0]) for name in names] == list(on_record)

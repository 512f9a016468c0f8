"""The past of a network as arrays: what was kept at each quarter of an hour, for the homes of one instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
from psycopg import Connection

from alerts.insight import packing
from alerts.judging.terms import ScheduleCache
from domain.instants import to_us
from domain.milli import LEAST_MILLI
from domain.states import NotJudged
from insight.forecast import LEADS
from insight.window import DAY, STEP_S, STEPS, Floats, Window
from store.insight.foresight_rows import Seen

STEP = timedelta(seconds=STEP_S)
STEP_US = STEP_S * 1_000_000
Homes = npt.NDArray[np.int32]


def quarter(now: datetime) -> datetime:
    """Return the begin of the quarter of an hour."""
    return now - (now - datetime.min.replace(tzinfo=UTC)) % STEP


@dataclass(frozen=True)
class NetworkPast:
    """The temperatures of some homes at the quarters of an hour from `first` on; NaN where nothing was."""

    first: datetime
    homes: Homes
    building: npt.NDArray[np.int64]
    seen: Floats  # [home, step]
    outside: Floats  # [outdoor, supply and flow, step]

    def step(self, at: datetime) -> int:
        """Return the column of an instant."""
        return (at - self.first) // STEP

    def window(
        self, at: datetime, day_share: float, heated: npt.NDArray[np.bool_], ahead: Floats | None = None
    ) -> Window:
        """Return what was known at an instant; `ahead` is what a weather forecast said then, [lead] °C."""
        part = slice(self.step(at) - STEPS + 1, self.step(at) + 1)
        outdoor, supply, flow = self.outside[:, part]
        told = np.full(len(LEADS), np.nan) if ahead is None else ahead
        return Window(self.seen[:, part], self.building, outdoor, supply, flow, heated, told, day_share)

    def after(self, at: datetime) -> Floats:
        """Return [home, step]: the day that followed an instant."""
        return self.seen[:, self._day_after(at)]

    def supplied(self, at: datetime) -> Floats:
        """Return [step]: the supply temperature of the day that followed an instant, °C."""
        return np.asarray(self.outside[1, self._day_after(at)])

    def _day_after(self, at: datetime) -> slice:
        return slice(self.step(at) + 1, self.step(at) + 1 + DAY)


def past_of(
    rows: Sequence[Seen], homes: Homes, building: npt.NDArray[np.int64], span: tuple[datetime, int]
) -> NetworkPast:
    """Lay rows out for homes; `span` is the first instant and the number of steps."""
    first, steps = span
    seen, outside = np.full((len(homes), steps), np.nan), np.full((3, steps), np.nan)
    for row in rows:
        at = (row.at - first) // STEP
        there = packing.of_homes(row.homes)
        place = np.minimum(np.searchsorted(there, homes), max(len(there) - 1, 0))
        known = there[place] == homes if len(there) else np.zeros(len(homes), np.bool_)
        seen[known, at] = packing.of_hundredths(row.celsius)[place[known]]
        outside[:, at] = [np.nan if each is None else each for each in (row.outdoor, row.supply, row.flow)]
    return NetworkPast(first, homes, building, seen, outside)


def limits_after(conn: Connection, schedules: ScheduleCache, homes: Homes, at: datetime) -> Floats:
    """Return [home, step]: the limits of the day after an instant, °C, as judging has them; NaN: it is not judged."""
    instants = to_us(at) + STEP_US * np.arange(1, DAY + 1)
    found, of_home = schedules.schedules(conn, homes, int(instants[0]), int(instants[-1]))
    table = []
    for begin, end in zip(found.first[:-1], found.first[1:], strict=True):
        pieces = found.pieces[begin:end]
        now = pieces[np.maximum(np.searchsorted(pieces["start"], instants, side="right") - 1, 0)]
        limit = np.maximum(now["cold"], now["severe"])
        judged = (limit != LEAST_MILLI) & (now["reason"] == NotJudged.JUDGED)
        table.append(np.where(judged, limit / 1000, np.nan))
    return np.asarray(np.stack(table)[of_home]) if table else np.empty((0, DAY))


def heated_at(conn: Connection, schedules: ScheduleCache, homes: Homes, at: datetime) -> npt.NDArray[np.bool_]:
    """Return whether the heat of each home is on at an instant."""
    instant = to_us(at)
    terms = schedules.look_up(conn, homes.tolist())
    return np.array(
        [next((on for since, on in reversed(one.status) if since <= instant), False) for one in terms], np.bool_
    )

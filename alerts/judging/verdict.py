"""A span of a group of homes judged from arrays alone: readings and what they need beside go in, a verdict comes out.

No database is asked, so it runs in any process on any machine; what is found is compared with the record and written
afterwards (`alerts.judging.rejudge`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.machine import ENDED, MACHINE
from alerts.engine.track import Int
from alerts.judging.history import History, Past, Source
from store.base import wire
from store.judging import ledger_rows

CLOSE_LAG = timedelta(seconds=60)  # after midnight: what comes until then need not be judged again
KEPT = np.dtype([("home_id", np.int32), ("day", np.int32), ("machine", MACHINE)])


class StartGroup(NamedTuple):
    """Homes that can be replayed from the same day on."""

    first_day: date
    homes: NDArray[np.int32]  # home_id, rising
    known: dict[int, bytes | None]  # home_id → MACHINE at the end of the day before (None: idle)


@dataclass(frozen=True)
class SpanVerdict:
    """Homes over a span of whole days, as judged."""

    first_day: date
    homes: NDArray[np.int32]  # home_id, rising
    entered: NDArray[np.bool_]  # those with a reading so far
    machines: NDArray[np.void]  # MACHINE per home at the end of the span
    state: Int  # per home at the end of the span; UNKNOWN_STATE: it was never judged
    since: Int  # µs per home: in that state since then
    days: NDArray[np.void]  # store.ledger.DAY_ROW
    ended: NDArray[np.void]  # ENDED, homes by position
    kept: NDArray[np.void]  # KEPT: the machines at the ends of days, of those that were not idle
    readings: int

    def of(self, which: NDArray[np.bool_]) -> "SpanVerdict":
        """Select homes by mask."""
        homes, number = self.homes[which], np.cumsum(which) - 1
        ended = self.ended[which.take(self.ended["home"])]
        ended["home"] = number.take(ended["home"])
        days, kept = (rows[np.isin(rows["home_id"], homes)] for rows in (self.days, self.kept))
        return replace(
            self,
            homes=homes,
            entered=self.entered[which],
            machines=self.machines[which],
            state=self.state[which],
            since=self.since[which],
            days=days,
            ended=ended,
            kept=kept,
        )


def judge_span(history: History, source: Source, group: StartGroup, end: datetime, now: datetime) -> SpanVerdict:
    """Judge homes from the start of a day up to a midnight."""
    past = resume(group.homes, group.known)
    days, ended = [np.empty(0, wire.native(ledger_rows.DAY_ROW))], [np.empty(0, ENDED)]
    kept = list[tuple[int, int, bytes]]()
    for stretch in history.walk_from(source, past, group.first_day, end, whole=True):
        days.append(day_rows(history, past.homes, stretch.days, now))
        ended.append(stretch.ended)
        kept += stretch.machines
    machines = _kept(past.homes, kept, history.day_of(now - CLOSE_LAG).toordinal())
    return SpanVerdict(
        group.first_day,
        past.homes,
        past.entered,
        past.machines,
        past.state,
        past.since,
        np.concatenate(days),
        np.concatenate(ended),
        machines,
        past.readings,
    )


def _kept(homes: NDArray[np.int32], machines: Sequence[tuple[int, int, bytes]], open_day: int) -> NDArray[np.void]:
    """Return the machines at the ends of closed days as KEPT."""
    closed = [kept for kept in machines if kept[1] < open_day]
    out = np.empty(len(closed), KEPT)
    if closed:
        home, day, raw = zip(*closed, strict=True)
        out["home_id"], out["day"] = homes[list(home)], day
        out["machine"] = np.frombuffer(b"".join(raw), MACHINE)
    return out


def resume(homes: NDArray[np.int32], known: dict[int, bytes | None]) -> Past:
    """Return homes in their state at the end of a day, given by home_id; the others have no history yet."""
    past = Past.unheard(homes)
    for nth, home in enumerate(homes.tolist()):
        if home in known:
            past.entered[nth] = True
            machine = known[home]
            if machine is not None:
                past.machines[nth] = np.frombuffer(machine, MACHINE)[0]
    # The numbers of flags are not part of history: flags on record are matched by time.
    past.machines["flag"] = 0
    return past


def day_rows(history: History, homes: NDArray[np.int32], days: NDArray[np.void], now: datetime) -> NDArray[np.void]:
    """Convert LEDGER rows to store.ledger.DAY_ROW; a day that is over is closed."""
    rows = np.empty(len(days), wire.native(ledger_rows.DAY_ROW))
    for name in ledger_rows.DAY_ROW:
        if name not in ("home_id", "closed"):
            rows[name] = days[name]
    rows["home_id"] = homes.take(days["home"])
    rows["closed"] = days["day"] < history.day_of(now - CLOSE_LAG).toordinal()
    return rows

"""The wall-clock rules of a policy compiled to pieces of absolute time.

Within a piece the rules are constant: one local day, one policy version, the same open windows, the same heat status.
Windows are wall-clock times in the utility's zone, so days of 23 and 25 hours need no special case.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from domain.instants import NONE_US, to_datetime, to_us
from domain.milli import LEAST_MILLI, NONE_MILLI, milli
from domain.policy import Limit, Policy, Version
from domain.states import NotJudged

DAY = timedelta(days=1)

PIECE = np.dtype(
    [
        ("start", np.int64),  # µs; the piece ends where the next one of its schedule starts
        ("cold", np.int32),  # m°C; LEAST_MILLI: no such limit now
        ("severe", np.int32),
        ("target", np.int32),  # day limit, in force or not; NONE_MILLI: there is none
        ("warm", np.int32),  # day limit + deadband
        ("reason", np.uint8),  # NotJudged
        ("windowed", np.bool_),  # a cold limit is in force
        ("confirm", np.int64),  # µs
        ("clear", np.int64),  # µs
        ("version", np.int16),  # index into Policy.versions
        ("day", np.int32),  # local date, proleptic ordinal
        ("ends", np.int8),  # Ended: a cold spell ends where the piece starts; 0: none does
    ]
)


class Terms(NamedTuple):
    """The properties of a home that its limits depend on."""

    home_class: str
    contract_limit: float | None = None
    contract_from: time | None = None
    contract_to: time | None = None
    status: tuple[tuple[int, bool], ...] = ((NONE_US, True),)  # (since µs, heat is on), rising
    ended: tuple[tuple[int, int], ...] = ()  # (µs, Ended): where measurements ended a cold spell

    def clipped(self, from_us: int) -> "Terms":
        """Drop what ended before an instant, so that homes that are equal from then on share a schedule."""
        begin = max(bisect_right(self.status, (from_us, True)) - 1, 0)
        first, rest = self.status[begin : begin + 1], self.status[begin + 1 :]
        if first and first[0][0] <= from_us:
            first = ((NONE_US, first[0][1]),)
        return self._replace(status=first + rest, ended=tuple(end for end in self.ended if end[0] >= from_us))


@dataclass(frozen=True)
class Schedules:
    """Several schedules laid end to end: pieces of schedule i are `pieces[first[i]:first[i + 1]]`."""

    pieces: NDArray[np.void]
    first: NDArray[np.int64]

    @classmethod
    def join(cls, parts: Sequence[NDArray[np.void]]) -> "Schedules":
        """Lay schedules end to end."""
        lengths = [len(part) for part in parts]
        pieces = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, PIECE), *parts])
        return cls(pieces, np.cumsum([0, *lengths], dtype=np.int64))


@lru_cache(maxsize=4096)
def compile_schedule(policy: Policy, terms: Terms, first_day: date, end_day: date) -> NDArray[np.void]:
    """Compile the rules of one home from the start of one local day to the start of another.

    Returns:
        PIECE array, start rising; the first piece also holds for all time before, the last for all time after.
    """
    limits = [_limits(version, terms) for version in policy.versions]
    edges = sorted(_edges(policy, limits, terms, first_day, end_day))
    rows = [_piece(policy, limits, terms, edge) for edge in edges]
    # Two measurements between two edges differ in nothing but their start, and both end what is cold.
    keep = [i for i, row in enumerate(rows) if i == 0 or row[1:] != rows[i - 1][1:] or row[-1]]
    pieces = np.array([rows[i] for i in keep], PIECE)
    pieces.setflags(write=False)  # they are shared
    return pieces


def _limits(version: Version, terms: Terms) -> list[Limit]:
    """Return the limits of the home's class and of its contract; of two in force the stricter one applies."""
    limits = [limit for limit in version.limits if limit.home_class == terms.home_class]
    if terms.contract_limit is not None:
        limits.append(
            Limit(
                home_class=terms.home_class,
                severity="cold",
                below_celsius=terms.contract_limit,
                opens=terms.contract_from,
                closes=terms.contract_to,
            )
        )
    return limits


def _edges(policy: Policy, limits: list[list[Limit]], terms: Terms, first_day: date, end_day: date) -> set[datetime]:
    """Return every instant at which a piece may begin."""
    clock_times = {time(0)}
    clock_times.update(t for ls in limits for limit in ls for t in (limit.opens, limit.closes) if t is not None)
    begin, end = _utc(first_day, time(0), policy.zone, 0), _utc(end_day, time(0), policy.zone, 0)
    edges = {begin}
    for day in _days(first_day - DAY, end_day + DAY):
        # Both readings of an hour that comes twice are edges, and so is the change itself.
        edges.update(_utc(day, t, policy.zone, fold) for t in clock_times for fold in (0, 1))
        edges.update(_change(day, policy.zone))
    edges.update(to_datetime(since) for since, _ in terms.status if since != NONE_US)
    edges.update(to_datetime(at) for at, _ in terms.ended)
    return {edge for edge in edges if begin <= edge < end}


def _days(first: date, end: date) -> Iterator[date]:
    return (first + timedelta(days=i) for i in range((end - first).days))


def _utc(day: date, clock: time, zone: ZoneInfo, fold: int) -> datetime:
    return datetime.combine(day, clock, zone).replace(fold=fold).astimezone(UTC)


def _change(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the instant within 24 h of a day's midnight at which the zone's offset changes, if it does."""
    low = _utc(day, time(0), zone, 0)
    high = low + timedelta(hours=24)
    before = low.astimezone(zone).utcoffset()
    if high.astimezone(zone).utcoffset() == before:
        return
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    yield high


def _piece(policy: Policy, limits: list[list[Limit]], terms: Terms, edge: datetime) -> tuple[object, ...]:
    """Return the PIECE row in force from an instant on."""
    local = edge.astimezone(policy.zone)
    day, start = local.date(), to_us(edge)
    index = bisect_right([version.valid_from for version in policy.versions], day) - 1
    version = policy.versions[max(index, 0)]
    mine = limits[index] if index >= 0 else []
    now = [limit for limit in mine if limit.holds_at(local.time())]
    target = max(_below(mine, "cold") or _below(mine, "severe"), default=NONE_MILLI)
    return (
        start,
        max(_below(now, "cold"), default=LEAST_MILLI),
        max(_below(now, "severe"), default=LEAST_MILLI),
        target,
        min(target + milli(version.deadband_k), NONE_MILLI),
        int(_reason(policy, terms, mine, day, start)),
        any(limit.severity == "cold" for limit in now),
        version.confirm_for_s * 1_000_000,
        version.clear_for_s * 1_000_000,
        max(index, 0),
        day.toordinal(),
        next((why for at, why in terms.ended if at == start), 0),
    )


def _below(limits: list[Limit], severity: str) -> list[int]:
    """Return the limits of a severity, m°C."""
    return [milli(limit.below_celsius) for limit in limits if limit.severity == severity]


def _reason(policy: Policy, terms: Terms, limits: list[Limit], day: date, start: int) -> NotJudged:
    if not any(season.first <= day < season.end for season in policy.seasons):
        return NotJudged.OUT_OF_SEASON
    status = [on for since, on in terms.status if since <= start]
    if not status or not status[-1]:
        return NotJudged.HEAT_STOPPED
    return NotJudged.JUDGED if limits else NotJudged.NO_POLICY

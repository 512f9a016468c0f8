"""Schedules for the homes of a batch, compiled once and shared by homes with equal terms."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.schedule import Schedules, Terms, compile_schedule
from alerts.engine.track import Int
from domain.instants import NONE_US, to_datetime, to_us
from domain.policy import Policy
from domain.states import FlagEndCause
from store.registry import place_rows

KEPT_HOMES = 200_000  # a bound on memory, not a tuning knob: beyond it the cache starts empty again
AHEAD_DAYS = 3  # schedules reach this far beyond the last instant, for deadlines


class ScheduleCache:
    """A cache of the terms of homes, dropped when the registry changes."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._version = -1
        self._terms: dict[int, Terms] = {}
        self._alike: dict[Terms, Terms] = {}  # one object for all that are equal

    def schedules(
        self, conn: Connection, home_ids: NDArray[np.int32], first_us: int, last_us: int, version: int | None = None
    ) -> tuple[Schedules, Int]:
        """Return schedules that cover [first, last] and some days more, and the index of each home's schedule."""
        return schedules_of(self.policy, self.look_up(conn, home_ids.tolist(), version), first_us, last_us)

    def look_up(self, conn: Connection, home_ids: list[int], version: int | None = None) -> list[Terms]:
        """Return the terms of homes; `version` is that of the registry, if it is known."""
        version = place_rows.version(conn) if version is None else version
        if version != self._version or len(self._terms) > KEPT_HOMES:
            self._terms.clear()
            self._alike.clear()
            self._version = version
        missing = [home for home in home_ids if home not in self._terms]
        if missing:
            for row in place_rows.homes(conn, missing):
                terms = _terms(row)
                self._terms[row.home_id] = self._alike.setdefault(terms, terms)
        return list(map(self._terms.__getitem__, home_ids))


def read_terms(conn: Connection, home_ids: list[int]) -> dict[int, Terms]:
    """Read the terms of homes, for once."""
    return {row.home_id: _terms(row) for row in place_rows.homes(conn, home_ids)}


def schedules_of(policy: Policy, terms: Sequence[Terms], first_us: int, last_us: int) -> tuple[Schedules, Int]:
    """Return schedules that cover [first, last] and some days more, and the index of the schedule of each terms."""
    first_day, end_day = _weeks(policy, first_us, last_us)
    index: dict[Terms, int] = {}
    # Many homes share one object, which is looked at once.
    keys = list(map(id, terms))
    number = {
        key: index.setdefault(_shared(one, first_us), len(index))
        for key, one in dict(zip(keys, terms, strict=True)).items()
    }
    of_home = np.fromiter(map(number.__getitem__, keys), np.int64, len(keys))
    parts = [compile_schedule(policy, t, first_day, end_day) for t in index]
    return Schedules.join(parts), of_home


def first_days(terms: Sequence[Terms]) -> Int:
    """Return the µs since which each heat status is known; NONE_US: always."""
    return np.array([t.status[0][0] if t.status else NONE_US for t in terms], np.int64)


def _weeks(policy: Policy, first_us: int, last_us: int) -> tuple[date, date]:
    """Return whole weeks around a span, so that neighbouring batches share compiled schedules."""
    first = to_datetime(first_us).astimezone(policy.zone).date()
    last = to_datetime(last_us).astimezone(policy.zone).date() + timedelta(days=AHEAD_DAYS)
    return first - timedelta(days=first.weekday()), last + timedelta(days=8 - last.isoweekday())


def _shared(terms: Terms, from_us: int) -> Terms:
    plain = len(terms.status) == 1 and terms.status[0][0] == NONE_US and not terms.ended
    return terms if plain else terms.clipped(from_us)


def _terms(row: place_rows.HomeRow) -> Terms:
    since = [NONE_US if at is None else to_us(at) for at in row.since or ()]
    return Terms(
        row.home_class,
        row.contract_limit,
        row.contract_from,
        row.contract_to,
        tuple(zip(since, row.heat_on or (), strict=True)),
        tuple((to_us(at), FlagEndCause[why.upper()]) for at, why in zip(row.ended_at, row.ended_by, strict=True)),
    )

"""Terms by which a policy is counted in money and hours, beside readings, as a value that travels to any machine."""

from datetime import date
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.judging.history import History
from domain.refunds.batch import SeasonTerms
from domain.refunds.facts import RefundRecord, SeasonDays
from store.refunds import season_rows
from store.tickets import clock_rows
from store.tickets.clock_rows import CrewVisits

NO_VISITS = CrewVisits(0, 0)


class _Season(msgspec.Struct, array_like=True):
    """The terms of a season as they travel; the zone is the policy's."""

    first: date
    end: date
    whole: int
    homes: bytes
    fees: bytes
    records: dict[int, RefundRecord]


class _Packed(msgspec.Struct, array_like=True):
    seasons: list[_Season]
    visits: CrewVisits


class WhatIfTerms(NamedTuple):
    """Homes: what they pay and what is on record of them, by season, and how long crews were there."""

    seasons: tuple[SeasonTerms, ...] = ()
    visits: CrewVisits = NO_VISITS

    def to_bytes(self) -> bytes:
        """Return it as bytes."""
        seasons = [
            _Season(
                one.days.first,
                one.days.end,
                one.days.whole,
                one.homes.astype("<i8").tobytes(),
                one.fees.astype("<i8").tobytes(),
                dict(one.records),
            )
            for one in self.seasons
        ]
        return msgspec.msgpack.encode(_Packed(seasons, self.visits))

    @classmethod
    def from_bytes(cls, data: bytes, zone: str) -> "WhatIfTerms":
        """Read it.

        Args:
            zone: the name of the time zone in which its days are.
        Raises:
            ValueError: it is none.
        """
        packed = msgspec.msgpack.decode(data, type=_Packed)
        seasons = (
            SeasonTerms(
                SeasonDays(one.first, one.end, ZoneInfo(zone), one.whole), _ids(one.homes), _ids(one.fees), one.records
            )
            for one in packed.seasons
        )
        return cls(tuple(seasons), packed.visits)


def terms_of(conn: Connection, history: History, homes: list[int], span: tuple[date, date]) -> WhatIfTerms:
    """Return the terms of homes in the seasons that a span touches: those of the policy in force, as fees are."""
    policy = history.policy
    seasons = [one for one in policy.seasons if one.first < span[1] and one.end > span[0]]
    found = tuple(
        season_rows.terms(conn, homes, SeasonDays.of(one, policy.zone), policy.after_season_before(one))
        for one in seasons
    )
    return WhatIfTerms(found, clock_rows.visits(conn, homes))


def _ids(data: bytes) -> NDArray[np.int64]:
    return np.frombuffer(data, "<i8").astype(np.int64)

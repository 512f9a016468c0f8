"""Rules of refunds as dated data: versions, each in force from a local day on. domain/refunds/rules_file.py reads them.

Temperatures are compared in thousandths of a degree, shares are whole percents, money is in whole smallest units of the
currency (fen, pence, cents): nothing that decides an amount is a binary fraction.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, NewType

import numpy as np
from numpy.typing import NDArray

from domain.bounds import OneOf, Within
from domain.milli import milli

DAY_S = 86_400
MOST_FACTOR = 4
MOST_FEE = 10**10  # smallest units a season: fee · 100 % · 100 % · factor · 2 stays far below 2^63
Percent = Annotated[int, Within(0, 100)]
Times = Annotated[int, Within(1, 30 * DAY_S, "s")]
Money = NewType("Money", int)  # smallest units, written in a file as a text such as "45.00"


class Counts(StrEnum):
    """Ways to tell a cold day of the ledger."""

    BREACH = "breach"  # time in breach of the limits that the home is judged by
    ALL_DAY = "all_day"  # a temperature under the table at any judged hour


class DayBy(StrEnum):
    """Temperatures that stand for a day, of its known time."""

    LOWEST = "lowest"
    MEAN = "mean"


class Starts(StrEnum):
    """From when on days count: their own proof, or a request for a measurement, or a report."""

    PROOF = "proof"
    REQUEST = "request"
    REPORT = "report"


class Rounding(StrEnum):
    """Ways to round the amount of a day to the smallest unit."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"


@dataclass(frozen=True, kw_only=True)
class RefundRow:
    """A row of the table: a day colder than `below_celsius` gives back `percent` of its fee."""

    below_celsius: Annotated[float, Within(-40, 60, thousandths=True)]
    percent: Percent
    clause: str | None = None


@dataclass(frozen=True, kw_only=True)
class Deemed:
    """A request that is not answered by a measurement in time: its day is taken to have been so cold."""

    within_s: Times
    celsius: Annotated[float, Within(-40, 60, thousandths=True)]
    until_measured: bool = False  # and all days after it until somebody measures
    clause: str | None = None


@dataclass(frozen=True, kw_only=True)
class OutageRefund:
    """Heat that stayed away for `over_s` or longer: a share of the fee of each day it touches, or money a period."""

    over_s: Times
    percent: Percent = 0
    amount: Money = Money(0)  # for each full `over_s`, on the day on which it is over
    clause: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class RefundVersion:
    """The rules of refunds in force from a local day on."""

    valid_from: date
    rows: tuple[RefundRow, ...]  # coldest first
    counts: Annotated[str, OneOf(tuple(Counts))]
    day_by: Annotated[str, OneOf(tuple(DayBy))]
    starts: Annotated[str, OneOf(tuple(Starts))]
    rounding: Annotated[str, OneOf(tuple(Rounding))]
    least_cold_s: Annotated[int, Within(1, DAY_S, "s")] = 1  # of breach, for a day to be cold
    least_days: Annotated[int, Within(1, 366)] = 1  # cold days in a row
    deducts_basic: bool = False  # a basic fee is not given back
    basic_percent: Percent = 0  # of the fee
    refusal_is_warm: bool = False  # days on which the user lets nobody measure
    unpaid_excluded: bool = False
    authority_factor: Annotated[int, Within(1, MOST_FACTOR)] = 1  # once an authority has measured the cold
    deemed: Deemed | None = None
    outage: OutageRefund | None = None
    cap_percent: Annotated[int, Within(0, 100)] | None = None  # of the season's fee
    cap: Money | None = None  # of a season
    clause: str | None = None
    fine: str | None = None  # what others may claim; nobody's refund

    def row_of(self, of_milli: int) -> int:
        """Return the number of the row of a temperature; len(rows): none."""
        return next((at for at, row in enumerate(self.rows) if of_milli < milli(row.below_celsius)), len(self.rows))


@dataclass(frozen=True, kw_only=True, eq=False)
class RefundRules:
    """Refund rules of a utility over time, and what is known of their source."""

    name: str
    currency: str
    source: str
    read: str  # what of the source was read
    unread: str  # and what was not: it has to be looked up before money is paid by it
    versions: tuple[RefundVersion, ...]
    text: str = ""  # the TOML that it was read from

    def version_numbers(self, first: date, end: date) -> NDArray[np.intp]:
        """Return the number of the version in force on each day of [first, end); -1: none yet."""
        days = np.arange(first.toordinal(), end.toordinal())
        return np.searchsorted([v.valid_from.toordinal() for v in self.versions], days, side="right") - 1

    def version_on(self, day: date) -> RefundVersion | None:
        """Return the version in force on a local day."""
        return next((v for v in reversed(self.versions) if v.valid_from <= day), None)

"""Compute the days of a season in money, of many homes at once: arrays of homes × days in and out.

All arithmetic is in int64: temperatures in thousandths, time in microseconds, shares in whole percents, money in
smallest units. A day's amount is rounded once; the total of a season is the sum of its days and never rounded.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.milli import NONE_MILLI, milli
from domain.refunds.rules import Counts, DayBy, RefundRules, RefundVersion, Rounding, Starts

# What is known of a day of a home. Little-endian and packed: seals are of these bytes.
DAY_FACTS = np.dtype(
    [
        ("breach", "<i8"),  # µs, cold and severe
        ("known", "<i8"),  # µs
        ("unknown", "<i8"),  # µs, of judged time
        ("heat", "<i8"),  # temperature times known time, m°C·µs
        ("lowest", "<i4"),  # m°C of known time; NONE_MILLI: none
        ("measured", "<i4"),  # m°C, the lowest of its valid signed measurements; NONE_MILLI: none
        ("outage", "<i8"),  # µs, the whole length of the longest outage that touches the day
        ("periods", "<i2"),  # full periods without heat that ended on the day
        ("authority", "?"),  # one of the measurements was by an authority
        ("requested", "?"),
        ("reported", "?"),
        ("refused", "?"),  # the user let nobody measure
        ("unmeasured", "?"),  # a request was not answered in time
        ("at_fault", "?"),  # the user caused the cold
        ("unpaid", "?"),
    ]
)
DAYS = np.dtype(
    [
        ("reason", "<i2"),
        ("row", "<i2"),  # of the table; -1: none
        ("percent", "<i2"),  # of the day's fee, doubled or not
        ("amount", "<i8"),  # smallest units
        ("would", "<i8"),  # what it would be but for the reason: a late start, a refusal, a cap, …
    ]
)
Facts = NDArray[np.void]
Mask = NDArray[np.bool_]
Int = NDArray[np.int64]


class DayReason(IntEnum):
    """Reason why a day gives back as much as it does."""

    WARM = 0
    UNKNOWN = 1  # nothing is known of it
    NOT_JUDGED = 2  # heat stopped, or no rules
    NO_RULES = 3  # before the first version
    REFUSED = 4
    AT_FAULT = 5
    UNPAID = 6
    NOT_STARTED = 7  # cold, but nobody had asked or reported
    TOO_SHORT = 8  # cold, but not for so many days in a row
    COLD = 10  # from here on money is owed
    MEASURED = 11
    DEEMED = 12
    OUTAGE = 13


class HomeTerms(NamedTuple):
    """Fees of homes: the season's fee in smallest units, and the days that it is for."""

    fee: Int
    season_days: int


class _Found(NamedTuple):
    """Findings of each day by itself, before a start, runs and caps."""

    row: Int
    percent: Int
    reason: NDArray[np.int16]


def season(rules: RefundRules, versions: NDArray[np.intp], facts: Facts, terms: HomeTerms) -> Facts:
    """Compute the days of a season.

    Args:
        rules: the versions.
        versions: number of the version of each day, -1: none (`RefundRules.version_numbers`).
        facts: DAY_FACTS of homes × days.
        terms: of the same homes.
    Returns:
        DAYS of homes × days.
    """
    found = _found(rules, versions, facts)
    owed = found.reason >= DayReason.COLD
    claimed = owed & (_alive(rules, versions, facts, found.reason) | (found.reason == DayReason.OUTAGE))
    least = _each(rules, versions, "least_days")
    short = claimed & (_run_lengths(claimed) < least) & (found.reason < DayReason.OUTAGE)
    paid = claimed & ~short
    factor = np.where(_doubled(facts, paid), _each(rules, versions, "authority_factor"), 1)
    out = np.zeros(facts.shape, DAYS)
    out["row"], out["percent"] = found.row, found.percent * factor
    out["reason"] = np.where(short, DayReason.TOO_SHORT, np.where(owed & ~claimed, DayReason.NOT_STARTED, found.reason))
    out["would"] = _amounts(rules, versions, facts, terms, out["percent"].astype(np.int64))
    out["amount"] = _capped(rules, versions, terms, np.where(paid, out["would"], 0))
    return out


def _each(rules: RefundRules, versions: NDArray[np.intp], name: str, none: int = 1) -> Int:
    """Return a number of the rules for each day; `none` before the first version."""
    return np.array([*(getattr(v, name) for v in rules.versions), none], np.int64)[versions]


def _found(rules: RefundRules, versions: NDArray[np.intp], facts: Facts) -> _Found:
    row = np.full(facts.shape, -1, np.int64)
    percent = np.zeros(facts.shape, np.int64)
    reason = np.full(facts.shape, DayReason.NO_RULES, np.int16)
    for number, version in enumerate(rules.versions):
        # Versions follow each other, so the days of one are a slice.
        at = slice(*np.searchsorted(versions, [number, number + 1]))
        if at.start < at.stop:
            row[:, at], percent[:, at], reason[:, at] = _of_version(version, facts[:, at])
    return _Found(row, percent, reason)


def _of_version(version: RefundVersion, facts: Facts) -> _Found:
    none = len(version.rows)
    sensed, measured = _sensed_row(version, facts), _row(version, facts["measured"])
    deemed = np.full(facts.shape, none)
    if version.deemed is not None:
        deemed[facts["unmeasured"]] = version.row_of(milli(version.deemed.celsius))
    row = np.minimum(np.minimum(sensed, measured), deemed)
    by = np.where(sensed == row, DayReason.COLD, np.where(measured == row, DayReason.MEASURED, DayReason.DEEMED))
    refused = facts["refused"] & version.refusal_is_warm
    reason = np.where(refused, DayReason.REFUSED, np.where(row < none, by, _not_cold(facts)))
    percent = np.array([*(one.percent for one in version.rows), 0], np.int64)[row]
    if version.outage is not None:
        away = facts["outage"] >= version.outage.over_s * 1_000_000
        away &= version.outage.percent > np.where(refused, 0, percent)
        away |= (facts["periods"] > 0) & (version.outage.amount > 0)
        percent = np.where(away, np.maximum(version.outage.percent, np.where(refused, 0, percent)), percent)
        reason = np.where(away, DayReason.OUTAGE, reason)
    reason = _excluded(version, facts, reason)
    return _Found(np.where(row < none, row, -1), percent, reason.astype(np.int16))


def _not_cold(facts: Facts) -> NDArray[np.int64]:
    """Return why days that are in no row of the table give nothing back."""
    seen = (facts["known"] > 0) | (facts["measured"] != NONE_MILLI)
    return np.where(seen, DayReason.WARM, np.where(_stopped(facts), DayReason.NOT_JUDGED, DayReason.UNKNOWN))


def _stopped(facts: Facts) -> Mask:
    return np.asarray((facts["known"] == 0) & (facts["unknown"] == 0))


def _excluded(version: RefundVersion, facts: Facts, reason: NDArray[np.int64]) -> NDArray[np.int64]:
    """Say of days that would be owed why they are not: such days are in no run and begin no claim."""
    owed = reason >= DayReason.COLD
    reason = np.where(owed & facts["unpaid"] & version.unpaid_excluded, DayReason.UNPAID, reason)
    reason = np.where(owed & facts["at_fault"], DayReason.AT_FAULT, reason)
    return np.where(owed & _stopped(facts), DayReason.NOT_JUDGED, reason)


def _sensed_row(version: RefundVersion, facts: Facts) -> NDArray[np.intp]:
    """Return the row of the table of each day by its sensors; len(rows): none."""
    counted = facts["known"] > 0
    if version.counts == Counts.BREACH:
        counted &= facts["breach"] >= version.least_cold_s * 1_000_000
    if version.day_by == DayBy.LOWEST:
        row = _row(version, facts["lowest"])
    else:
        row = np.full(facts.shape, len(version.rows))
        for at in reversed(range(len(version.rows))):
            under = facts["heat"] < milli(version.rows[at].below_celsius) * facts["known"]
            row[under] = at
    return np.where(counted, row, len(version.rows))


def _row(version: RefundVersion, of_milli: NDArray[np.int32]) -> NDArray[np.intp]:
    limits = np.array([milli(row.below_celsius) for row in version.rows], np.int64)
    return np.searchsorted(limits, of_milli, side="right")


def _alive(rules: RefundRules, versions: NDArray[np.intp], facts: Facts, reason: NDArray[np.int16]) -> Mask:
    """Return where a claim runs: from what starts it until a day that is known, or counts, as warm."""
    starts = np.array([*(version.starts for version in rules.versions), Starts.PROOF])[versions]
    begun = np.where(starts == Starts.REQUEST, facts["requested"], True)
    alive: Mask = np.where(starts == Starts.REPORT, facts["reported"], begun)
    warm = (reason == DayReason.WARM) | (reason == DayReason.REFUSED)
    for day in range(1, facts.shape[1]):
        alive[:, day] |= alive[:, day - 1] & ~warm[:, day]
    return alive


def _run_lengths(claimed: Mask) -> Int:
    """Return for each claimed day how many in a row it is one of."""
    lengths = claimed.astype(np.int64)
    for day in range(1, claimed.shape[1]):
        lengths[:, day] += np.where(claimed[:, day], lengths[:, day - 1], 0)
    for day in range(claimed.shape[1] - 2, -1, -1):
        goes_on = claimed[:, day] & claimed[:, day + 1]
        lengths[:, day] = np.where(goes_on, lengths[:, day + 1], lengths[:, day])
    return lengths


def _doubled(facts: Facts, paid: Mask) -> Mask:
    """Return the days of a run from the one on which an authority measured."""
    doubled: Mask = paid & facts["authority"] & (facts["measured"] != NONE_MILLI)
    for day in range(1, paid.shape[1]):
        doubled[:, day] |= paid[:, day] & doubled[:, day - 1]
    return doubled


def _amounts(rules: RefundRules, versions: NDArray[np.intp], facts: Facts, terms: HomeTerms, percent: Int) -> Int:
    """Return each day's share of the fee, rounded once, and what its periods without heat give."""
    basic = _each(rules, versions, "basic_percent", 0)
    share = terms.fee[:, None] * (100 - basic) * percent
    whole = 10_000 * terms.season_days
    down, rest = np.divmod(share, whole)
    ways = [*(list(Rounding).index(Rounding(v.rounding)) for v in rules.versions), 2]
    way = np.array(ways)[versions]
    half_even = (2 * rest > whole) | ((2 * rest == whole) & (down % 2 == 1))
    up = np.where(way == 0, 2 * rest >= whole, (way == 1) & half_even)
    flat = np.array([*(v.outage.amount if v.outage else 0 for v in rules.versions), 0], np.int64)[versions]
    return down + up + facts["periods"] * flat


def _capped(rules: RefundRules, versions: NDArray[np.intp], terms: HomeTerms, amounts: Int) -> Int:
    """Let the sum of a season reach its cap and no more: days after it give back nothing."""
    none = np.iinfo(np.int64).max // 2
    share = np.array([*(-1 if v.cap_percent is None else v.cap_percent for v in rules.versions), -1])[versions]
    flat = np.array([*(none if v.cap is None else v.cap for v in rules.versions), none], np.int64)[versions]
    cap = np.where(share < 0, none, terms.fee[:, None] * np.maximum(share, 0) // 100)
    cap = np.minimum(cap, flat)
    out, so_far = np.zeros_like(amounts), np.zeros(len(amounts), np.int64)
    for day in range(amounts.shape[1]):
        out[:, day] = np.clip(cap[:, day] - so_far, 0, amounts[:, day])
        so_far += out[:, day]
    return out

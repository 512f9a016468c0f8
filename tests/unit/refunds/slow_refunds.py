"""An independent, slow computation of refunds: one home, one day after the other, in fractions."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

NONE = 2**31 - 1


@dataclass
class SlowDay:
    """A day as the slow computation sees it."""

    cold: bool = False
    pays: bool = False
    percent: int = 0
    amount: int = 0
    warm: bool = False
    away: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


def rounded(amount: Fraction, how: str) -> int:
    if how == "down":
        return floor(amount)
    low = floor(amount)
    half = amount - low - Fraction(1, 2)
    if half != 0:
        return low + (half > 0)
    return low + 1 if how == "half_up" else low + low % 2


def percent_of(version: Any, celsius: Fraction) -> int:
    """Return the share of the coldest row that a temperature is under."""
    for row in version.rows:
        if celsius < Fraction(str(row.below_celsius)):
            return int(row.percent)
    return -1


def by_itself(version: Any, facts: dict[str, Any]) -> SlowDay:
    """Judge a day without regard to the others."""
    day = SlowDay(facts=facts)
    seen = []
    if facts["known"] > 0:
        mean = Fraction(facts["heat"], facts["known"] * 1000)
        celsius = Fraction(facts["lowest"], 1000) if version.day_by == "lowest" else mean
        if version.counts == "all_day" or facts["breach"] >= version.least_cold_s * 10**6:
            seen.append(percent_of(version, celsius))
    if facts["measured"] != NONE:
        seen.append(percent_of(version, Fraction(facts["measured"], 1000)))
    if facts["unmeasured"] and version.deemed:
        seen.append(percent_of(version, Fraction(str(version.deemed.celsius))))
    day.percent = max(seen, default=-1)
    refused = facts["refused"] and version.refusal_is_warm
    known = facts["known"] > 0 or facts["measured"] != NONE
    day.warm = refused or (day.percent < 0 and known)
    day.cold = day.percent >= 0 and not refused
    day.percent = max(day.percent, 0) if not refused else 0
    out = version.outage
    if out is not None:
        long = facts["outage"] >= out.over_s * 10**6 and out.percent > day.percent
        day.away = bool(long or (facts["periods"] and out.amount))
        if day.away:
            day.cold, day.warm, day.percent = True, False, max(out.percent, day.percent)
    stopped = facts["known"] == 0 and facts["unknown"] == 0
    if day.cold and (stopped or facts["at_fault"] or (facts["unpaid"] and version.unpaid_excluded)):
        day.cold = False
    return day


def refunds(versions: list[Any], facts: list[dict[str, Any]], fee: int, season_days: int) -> list[SlowDay]:
    """Compute a season; `versions` has the version of each day or None."""
    days = [by_itself(v, f) if v else SlowDay(facts=f) for v, f in zip(versions, facts, strict=True)]
    claim = False
    for version, day in zip(versions, days, strict=True):
        starts = version.starts if version else "proof"
        event = {"proof": True, "request": day.facts["requested"], "report": day.facts["reported"]}[starts]
        claim = event or (claim and not day.warm)
        day.pays = day.cold and (claim or day.away)
    for at, (version, day) in enumerate(zip(versions, days, strict=True)):
        if day.pays and not day.away and row_of(days, at) < version.least_days:
            day.facts["short"] = True
    for day in days:
        day.pays = day.pays and not day.facts.get("short")
    doubled, so_far = False, 0
    for version, day in zip(versions, days, strict=True):
        by_authority = day.facts["authority"] and day.facts["measured"] != NONE
        doubled = day.pays and (doubled or by_authority)
        if not day.pays:
            continue
        factor = version.authority_factor if doubled else 1
        share = Fraction(fee * (100 - version.basic_percent) * day.percent * factor, 10_000 * season_days)
        flat = version.outage.amount if version.outage else 0
        day.amount = rounded(share, version.rounding) + day.facts["periods"] * flat
        caps = [c for c in (version.cap,) if c is not None]
        if version.cap_percent is not None:
            caps.append(fee * version.cap_percent // 100)
        if caps:
            day.amount = max(0, min(day.amount, min(caps) - so_far))
        so_far += day.amount
    return days


def row_of(days: list[SlowDay], at: int) -> int:
    """Count the days in a row around a day that would be paid."""
    begin = end = at
    while begin > 0 and days[begin - 1].pays:
        begin -= 1
    while end + 1 < len(days) and days[end + 1].pays:
        end += 1
    return end - begin + 1


def facts_of(record: Any, ledger: list[dict[str, int]], first: date, zone: ZoneInfo, versions: list[Any]) -> list[Any]:
    """Tell the facts of each day from a record and the ledger, by looking at each day for itself."""
    told = []
    for nth, row in enumerate(ledger):
        day = first + timedelta(days=nth)
        here = [one for one in record.facts if one.at.astimezone(zone).date() == day]
        found = {
            "known": row["compliant"] + row["cold"] + row["severe"],
            "breach": row["cold"] + row["severe"],
            "unknown": row["unknown"],
            "heat": row["heat"],
            "lowest": row["lowest"],
            "measured": min(
                (m.milli for m in record.measurements if m.at.astimezone(zone).date() == day), default=NONE
            ),
            "outage": 0,
            "periods": 0,
        }
        found |= {name: any(one.kind == kind for one in here) for kind, name in MARKS.items()}
        for kind in ("at_fault", "unpaid"):
            begun = [one for one in record.facts if one.kind == kind and one.at.astimezone(zone).date() <= day]
            found[kind] = any(holds(one, day, zone) for one in begun)
        told.append(found)
    for fact in record.facts:
        nth = (fact.at.astimezone(zone).date() - first).days
        version = versions[nth]
        if fact.kind != "request" or version is None or version.deemed is None:
            continue
        for at in waited(fact.at, version.deemed, record, (first, len(ledger), zone)):
            told[at]["unmeasured"] = True
    return told


MARKS = {"request": "requested", "report": "reported", "refused": "refused", "authority": "authority", "": "unmeasured"}


def holds(fact: Any, day: date, zone: ZoneInfo) -> bool:
    """Tell whether a span that has begun goes on into a day."""
    return fact.until is None or fact.until > datetime(day.year, day.month, day.day, tzinfo=zone)


def waited(at: datetime, deemed: Any, record: Any, days: tuple[date, int, ZoneInfo]) -> list[int]:
    """Return the days on which nobody came to a user who waited, day by day."""
    first, count, zone = days
    came = [one.at for one in record.measurements] + [one.at for one in record.facts if one.kind == "refused"]
    due = at + timedelta(seconds=deemed.within_s)
    over = datetime.combine(first + timedelta(days=count), datetime.min.time(), zone)
    if due > over or any(at <= one <= due for one in came):
        return []
    nth = (at.astimezone(zone).date() - first).days
    if not deemed.until_measured:
        return [nth]
    found = []
    for day in range(nth, count):
        if any(one >= at and one.astimezone(zone).date() == first + timedelta(days=day) for one in came):
            break
        found.append(day)
    return found

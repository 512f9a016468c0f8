"""Summary of a policy for people, and warnings about likely mistakes in it."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise

from domain.policy import CLASSES, Duration, Limit, Policy, Version
from domain.tickets import AFTER_DONE


def summary(policy: Policy) -> list[str]:
    """Summarise a policy: name, zone, seasons, and each version with its limits, windows and clocks."""
    lines = [f"{policy.name}: {len(policy.versions)} version(s), zone {policy.zone.key}: in order"]
    lines += [f"season {season.first} to {season.end} (not included)" for season in policy.seasons]
    for label, version in zip(policy.labels, policy.versions, strict=True):
        lines += [f"version {label}", *(f"  {line}" for line in _version(version))]
    return lines


def _version(version: Version) -> Iterator[str]:
    yield f"a flag after {version.confirm_for_s} s of cold"
    yield f"cleared after {version.clear_for_s} s at {version.deadband_k:g} K over the day limit"
    yield f"rooms: {', '.join(version.judged_rooms)}; a reading holds for {version.hold_intervals:g} intervals"
    for limit in version.limits:
        source = f" [{limit.clause}]" if limit.clause else ""
        yield f"{limit.home_class}: {limit.severity} below {limit.below_celsius:g} °C {window(limit)}{source}"
    for name, clocks in version.clocks.items():
        yield f"{name}: {_clocks(clocks, version.call_back_after.get(name))}"
    yield "sensors: device jobs" + (_suspect(version) if version.care else " are not opened")
    yield "substations: alarms" + ("" if version.substation else " are not raised")
    yield f"incidents: {_incident(version)}"
    yield f"notices: {_notices(version)}"
    yield "measurements: " + (
        "suspect sensors ask for one" if version.measurement else "records are taken, nobody is asked for one"
    )


def _suspect(version: Version) -> str:
    judged = version.care is not None and version.care.judge_suspect
    return f"; readings that stand still or jump are {'judged' if judged else 'not judged'}"


def _incident(version: Version) -> str:
    rule = version.incident
    if rule is None:
        return "cold homes are not joined"
    least = f"{rule.building_homes} in a building, {rule.substation_homes} behind a substation"
    if rule.riser_homes is not None:
        least = f"{rule.riser_homes} on a riser, {least}"
    return f"{rule.share * 100:g} % of the judged homes of a place, at least {least}"


def _notices(version: Version) -> str:
    rules = version.notices
    if rules is None:
        return "nobody is told"
    announced = _length(Duration(timedelta(seconds=rules.outage_announce_s)))
    quiet = f"users are left alone from {rules.quiet_from:%H:%M} to {rules.quiet_to:%H:%M}"
    return f"{quiet}; outages of {announced} and more are announced [{rules.outage_clause}]"


def window(limit: Limit) -> str:
    """Describe the window of a limit."""
    if limit.opens is None or limit.closes is None:
        return "at any time"
    over = " (over midnight)" if limit.opens > limit.closes else ""
    return f"from {limit.opens:%H:%M} to {limit.closes:%H:%M}{over}"


def _clocks(clocks: Mapping[str, Duration], call_back_after: timedelta | None) -> str:
    told = {name: f"{name} {_length(length)}" for name, length in clocks.items()}
    if call_back_after is not None:
        told[AFTER_DONE] += f" from {_length(Duration(call_back_after))} after done"
    return ", ".join(told.values()) or "no clocks"


def _length(length: Duration) -> str:
    if length.working_days:
        return f"{length.working_days} working days"
    minutes, seconds = divmod(length.elapsed, timedelta(minutes=1))
    if seconds:
        return f"{length.elapsed.total_seconds():g} s"
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def warnings(policy: Policy, today: date) -> list[str]:
    """List what is valid but may not be intended."""
    found = [*_of_seasons(policy, today)]
    for label, version in zip(policy.labels, policy.versions, strict=True):
        found += [f"{label}: {line}" for line in _of_limits(version)]
        if version.judged_rooms == ("other",):
            found.append(f"{label}: neither living rooms nor bedrooms are judged")
    return found


def _of_seasons(policy: Policy, today: date) -> Iterator[str]:
    first, last = policy.seasons[0], policy.seasons[-1]
    if last.end <= today:
        yield f"season ends in the past ({last.end}): from then on nothing is judged"
    if first.first < policy.versions[0].valid_from:
        yield f"season {first.first} begins before the first version is valid ({policy.versions[0].valid_from})"
    for version in policy.versions:
        if version.valid_from >= last.end:
            yield f"version {version.valid_from} begins after the last season has ended"


def _of_limits(version: Version) -> Iterator[str]:
    for home_class in CLASSES:
        mine = [limit for limit in version.limits if limit.home_class == home_class]
        cold = [limit.below_celsius for limit in mine if limit.severity == "cold"]
        severe = [limit.below_celsius for limit in mine if limit.severity == "severe"]
        if not mine:
            yield f"{home_class} has no limit of its own: contract only"
        elif not cold:
            yield f"{home_class} has no day limit, only a floor limit"
        elif severe and max(severe) >= min(cold):
            yield f"{home_class}: the floor limit {max(severe):g} °C is not under the day limit {min(cold):g} °C"
    for a, b in pairwise(sorted(version.limits, key=_kind)):
        if _kind(a) == _kind(b):
            yield f"{a.home_class} has several {a.severity} limits: where windows overlap the highest counts"


def _kind(limit: Limit) -> tuple[str, str]:
    return limit.home_class, limit.severity

"""Reading the rules from a policy file: TOML, strict.

A missing number is an error that names the key; there are no hidden defaults.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from domain.care import Care
from domain.errors import UsageError
from domain.incidents import IncidentRule
from domain.instants import NotBounded, bounded_day
from domain.measurement import AGREES_WITHIN_K, MeasurementRule
from domain.milli import is_whole
from domain.notices import NoticeRules
from domain.policy import (
    CLASSES,
    NO_CALENDAR,
    PAST_DAYS,
    ROOM_KINDS,
    SEVERITIES,
    Duration,
    Limit,
    Policy,
    Season,
    Version,
    duration,
)
from domain.priority import DeskRule
from domain.quality import SPANS
from domain.substation import SubstationLimits
from domain.tickets import AFTER_DONE, CLOCK_NAMES, TicketClass
from domain.working_days import WorkingCalendar

CALL_BACK_AFTER = "call_back_after"  # among the clocks of a class: delay after the work before its call-back opens
DEFAULT_CALL_BACK_AFTER = "PT48H"
Table: TypeAlias = Mapping[str, Any]
Part = TypeVar("Part")


def load(text: str, source: str, zone: str | None = None) -> Policy:
    """Parse a policy.

    Args:
        text: the TOML.
        source: its name in errors.
        zone: IANA name that overrides the policy's own.
    Raises:
        UsageError: names the source and the key.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source}: {error}") from None
    return replace(_Reader(source).policy(table, zone), text=text)


def builtin(name: str, zone: str | None = None) -> Policy:
    """Load one of the policies that come with Hearth."""
    return load(builtin_text(name), f"policy {name}", zone)


def builtin_text(name: str) -> str:
    """Return the TOML of a built-in policy.

    Raises:
        UsageError: no such policy.
    """
    names = builtin_names()
    if name not in names:
        raise UsageError(f"no built-in policy {name!r}: there are {', '.join(names)}")
    return (files("domain") / "policies" / f"{name}.toml").read_text(encoding="utf-8")


def builtin_names() -> list[str]:
    """List the policies that come with Hearth."""
    folder = files("domain") / "policies"
    return sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))


@dataclass(frozen=True)
class _Reader:
    """Reads tables; errors name the key."""

    source: str

    def fail(self, key: str, problem: str) -> UsageError:
        return UsageError(f"{self.source}: {key}: {problem}")

    def get(self, table: Table, key: str, kind: type | tuple[type, ...], where: str) -> Any:
        path = f"{where}.{key}" if where else key
        if key not in table:
            raise self.fail(path, "is missing")
        value = table[key]
        wrong_bool = isinstance(value, bool) and kind is not bool
        if wrong_bool or not isinstance(value, kind) or isinstance(value, datetime):
            raise self.fail(path, f"{value!r} is not of the right type")
        if isinstance(value, date):
            self.bounded(path, value)
        return value

    def bounded(self, path: str, day: date) -> None:
        try:
            bounded_day(day)
        except NotBounded as error:
            raise self.fail(path, str(error)) from None

    def number(self, table: Table, key: str, where: str, low: float, high: float) -> float:
        value = self.get(table, key, (int, float), where)
        if not low <= value <= high:
            raise self.fail(f"{where}.{key}", f"{value} is not between {low:g} and {high:g}")
        return float(value)

    def degrees(self, table: Table, key: str, where: str, low: float, high: float) -> float:
        """Read a temperature or a temperature difference, in whole thousandths."""
        value = self.number(table, key, where, low, high)
        if not is_whole(value):
            raise self.fail(f"{where}.{key}", f"{value} is finer than a thousandth")
        return value

    def seconds(self, table: Table, key: str, where: str, low: int = 0) -> int:
        return self.whole(table, key, where, low, 604_800, " of seconds")

    def count(self, table: Table, key: str, where: str) -> int:
        return self.whole(table, key, where, 2, 1_000_000)

    def whole(self, table: Table, key: str, where: str, low: int, high: int, unit: str = "") -> int:
        value = self.number(table, key, where, low, high)
        if not value.is_integer():
            raise self.fail(f"{where}.{key}", f"{value} is not a whole number{unit}")
        return int(value)

    def tables(self, table: Table, key: str, where: str) -> list[tuple[str, dict[str, Any]]]:
        """Read a list of tables, each with its path."""
        path = f"{where}.{key}" if where else key
        found = [(f"{path}[{i}]", element) for i, element in enumerate(self.get(table, key, list, where))]
        for name, element in found:
            if not isinstance(element, dict):
                raise self.fail(name, f"{element!r} is not a table")
        return found

    def known(self, table: Table, allowed: set[str], where: str) -> None:
        for key in table:
            if key not in allowed:
                raise self.fail(f"{where}.{key}" if where else key, "is not a known key")

    def policy(self, table: Table, zone: str | None) -> Policy:
        self.known(table, {"name", "timezone", "seasons", "past_days", "version", "calendar"}, "")
        name = self.get(table, "name", str, "")
        zone_name = zone or self.get(table, "timezone", str, "")
        try:
            zone_info = ZoneInfo(zone_name)
        except (KeyError, ValueError, OSError):
            raise self.fail("timezone", f"{zone_name!r} is not an IANA time zone") from None
        seasons = self.seasons(self.tables(table, "seasons", ""))
        versions = [self.version(element, where) for where, element in self.tables(table, "version", "")]
        if not versions:
            raise self.fail("version", "there is none")
        if any(a.valid_from >= b.valid_from for a, b in pairwise(versions)):
            raise self.fail("version", "valid_from must rise from version to version")
        calendar = self.calendar(self.get(table, "calendar", dict, "")) if "calendar" in table else NO_CALENDAR
        return Policy(
            name=name,
            zone=zone_info,
            seasons=seasons,
            versions=tuple(versions),
            past_days=self.past_days(table) if "past_days" in table else PAST_DAYS,
            calendar=calendar,
        )

    def past_days(self, table: Table) -> int:
        value: int = self.get(table, "past_days", int, "")
        if not 1 <= value <= 36_500:
            raise self.fail("past_days", f"{value} is not between 1 and 36500")
        return value

    def calendar(self, table: Table) -> WorkingCalendar:
        self.known(table, {"years", "holidays", "workdays"}, "calendar")
        years = self.list_of(table, "years", int, "calendar")
        holidays = self.list_of(table, "holidays", date, "calendar")
        workdays = self.list_of(table, "workdays", date, "calendar")
        if both := sorted(set(holidays) & set(workdays)):
            raise self.fail("calendar.workdays", f"{both[0]} is a holiday, too")
        return WorkingCalendar(frozenset(holidays), frozenset(workdays), frozenset(years))

    def list_of(self, table: Table, key: str, kind: type, where: str) -> list[Any]:
        """Read a list of values of one type; empty if the key is absent."""
        found: list[Any] = self.get(table, key, list, where) if key in table else []
        for i, value in enumerate(found):
            if type(value) is not kind:
                raise self.fail(f"{where}.{key}[{i}]", f"{value!r} is not of the right type")
            if isinstance(value, date):
                self.bounded(f"{where}.{key}[{i}]", value)
        return found

    def seasons(self, tables: list[tuple[str, dict[str, Any]]]) -> tuple[Season, ...]:
        seasons: list[Season] = []
        for where, table in tables:
            self.known(table, {"from", "to"}, where)
            season = Season(first=self.get(table, "from", date, where), end=self.get(table, "to", date, where))
            if season.first >= season.end or (seasons and season.first < seasons[-1].end):
                raise self.fail(where, "must end after it begins, and begin after the one before ended")
            seasons.append(season)
        if not seasons:
            raise self.fail("seasons", "there is none")
        return tuple(seasons)

    def version(self, table: Table, where: str) -> Version:
        known = {"valid_from", "confirm_for_s", "clear_for_s", "deadband_k", "hold_intervals", "judged_rooms"}
        known |= {"limits", "clocks", "care", "substation", "incident", "desk", "notices", "measurement"}
        self.known(table, known, where)
        return Version(
            valid_from=self.get(table, "valid_from", date, where),
            confirm_for_s=self.seconds(table, "confirm_for_s", where),
            clear_for_s=self.seconds(table, "clear_for_s", where),
            deadband_k=self.degrees(table, "deadband_k", where, 0, 10),
            hold_intervals=self.number(table, "hold_intervals", where, 1, 100),
            judged_rooms=self.rooms(self.get(table, "judged_rooms", list, where), where),
            limits=tuple(self.limit(element, path) for path, element in self.tables(table, "limits", where)),
            clocks=self.clocks(self.get(table, "clocks", dict, where), f"{where}.clocks"),
            call_back_after=self.call_backs(table["clocks"], f"{where}.clocks"),
            care=self.part(table, "care", where, self.care),
            substation=self.part(table, "substation", where, self.substation),
            incident=self.part(table, "incident", where, self.incident),
            desk=self.part(table, "desk", where, self.desk),
            notices=self.part(table, "notices", where, self.notices),
            measurement=self.part(table, "measurement", where, self.measurement),
        )

    def part(self, table: Table, key: str, where: str, read: Callable[[Table, str], Part]) -> Part | None:
        """Read a table that may be left out."""
        return read(self.get(table, key, dict, where), f"{where}.{key}") if key in table else None

    def care(self, table: Table, where: str) -> Care:
        self.known(table, {field.name for field in fields(Care)}, where)
        return Care(
            silent_intervals=self.number(table, "silent_intervals", where, 1, 100_000),
            frozen_s=self.seconds(table, "frozen_s", where, 1),
            jump_k=self.degrees(table, "jump_k", where, 0.1, 100),
            neighbour_k=self.degrees(table, "neighbour_k", where, 0.1, 100),
            neighbour_for_s=self.seconds(table, "neighbour_for_s", where),
            battery_percent=self.number(table, "battery_percent", where, 0, 100),
            healed_for_s=self.seconds(table, "healed_for_s", where),
            judge_suspect=self.get(table, "judge_suspect", bool, where),
            **{name: self.seconds(table, name, where, 60) for name in ("clock_s", "clock_for_s") if name in table},
        )

    def substation(self, table: Table, where: str) -> SubstationLimits:
        self.known(table, {field.name for field in fields(SubstationLimits)}, where)
        celsius, mpa = SPANS["supply_temperature"][:2], SPANS["supply_pressure"][:2]
        limits = SubstationLimits(
            supply_low_celsius=self.number(table, "supply_low_celsius", where, *celsius),
            supply_pressure_low_mpa=self.number(table, "supply_pressure_low_mpa", where, *mpa),
            supply_pressure_high_mpa=self.number(table, "supply_pressure_high_mpa", where, *mpa),
            return_pressure_low_mpa=self.number(table, "return_pressure_low_mpa", where, *mpa),
            for_s=self.seconds(table, "for_s", where),
        )
        if limits.supply_pressure_low_mpa >= limits.supply_pressure_high_mpa:
            raise self.fail(f"{where}.supply_pressure_high_mpa", "must be higher than supply_pressure_low_mpa")
        return limits

    def desk(self, table: Table, where: str) -> DeskRule:
        self.known(table, {field.name for field in fields(DeskRule)}, where)
        return DeskRule(
            warn_share=self.number(table, "warn_share", where, 0.01, 1),
            warm_for_s=self.seconds(table, "warm_for_s", where, 1),
            still_cold_s=self.seconds(table, "still_cold_s", where, 1),
            urgent_depth_k=self.degrees(table, "urgent_depth_k", where, 0, 100),
            urgent_after_s=self.seconds(table, "urgent_after_s", where, 1),
        )

    def incident(self, table: Table, where: str) -> IncidentRule:
        self.known(table, {field.name for field in fields(IncidentRule)}, where)
        rule = IncidentRule(
            share=self.number(table, "share", where, 0.01, 1),
            building_homes=self.count(table, "building_homes", where),
            substation_homes=self.count(table, "substation_homes", where),
            settle_s=self.seconds(table, "settle_s", where),
            recovered_share=self.number(table, "recovered_share", where, 0.01, 1),
            rest_for_s=self.seconds(table, "rest_for_s", where),
            quiet_for_s=self.seconds(table, "quiet_for_s", where),
        )
        if 1 - rule.recovered_share >= rule.share:
            raise self.fail(
                f"{where}.recovered_share", "leaves so many homes cold that they would be an incident again"
            )
        return rule

    def notices(self, table: Table, where: str) -> NoticeRules:
        self.known(table, {field.name for field in fields(NoticeRules)}, where)
        rules = NoticeRules(
            quiet_from=self.clock_time(table, "quiet_from", where),
            quiet_to=self.clock_time(table, "quiet_to", where),
            digest_count=self.count(table, "digest_count", where),
            digest_span_s=self.seconds(table, "digest_span_s", where, 1),
            give_up_s=self.seconds(table, "give_up_s", where, 1),
            outage_announce_s=self.seconds(table, "outage_announce_s", where),
            outage_clause=self.get(table, "outage_clause", str, where),
        )
        if rules.quiet_from == rules.quiet_to:
            raise self.fail(f"{where}.quiet_to", "is the same as quiet_from: there would be no hour left to tell users")
        return rules

    def measurement(self, table: Table, where: str) -> MeasurementRule:
        self.known(table, {field.name for field in fields(MeasurementRule)}, where)
        return MeasurementRule(
            file_within_s=self.seconds(table, "file_within_s", where),
            suspect_within_s=self.seconds(table, "suspect_within_s", where),
            agrees_within_k=self.degrees(table, "agrees_within_k", where, 0.1, 20)
            if "agrees_within_k" in table
            else AGREES_WITHIN_K,
        )

    def rooms(self, rooms: list[Any], where: str) -> tuple[str, ...]:
        if not rooms or any(room not in ROOM_KINDS for room in rooms):
            raise self.fail(f"{where}.judged_rooms", f"must name some of {', '.join(ROOM_KINDS)}")
        return tuple(rooms)

    def limit(self, table: Table, where: str) -> Limit:
        self.known(table, {"class", "severity", "below", "from", "to", "clause"}, where)
        home_class, severity = self.get(table, "class", str, where), self.get(table, "severity", str, where)
        if home_class not in CLASSES:
            raise self.fail(f"{where}.class", f"{home_class!r} is not one of {', '.join(CLASSES)}")
        if severity not in SEVERITIES:
            raise self.fail(f"{where}.severity", f"{severity!r} is not one of {', '.join(SEVERITIES)}")
        opens, closes = self.window(table, where)
        return Limit(
            home_class=home_class,
            severity=severity,
            below_celsius=self.degrees(table, "below", where, -40, 60),
            opens=opens,
            closes=closes,
            clause=self.get(table, "clause", str, where) if "clause" in table else None,
        )

    def window(self, table: Table, where: str) -> tuple[time, time] | tuple[None, None]:
        if "from" not in table and "to" not in table:
            return None, None
        opens, closes = self.clock_time(table, "from", where), self.clock_time(table, "to", where)
        if opens == closes:
            raise self.fail(where, "from and to are the same; leave both out for all day")
        return opens, closes

    def clock_time(self, table: Table, key: str, where: str) -> time:
        text = self.get(table, key, str, where)
        if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
            raise self.fail(f"{where}.{key}", f"{text!r} is not a time such as 06:00")
        return time.fromisoformat(text)

    def clocks(self, table: Table, where: str) -> dict[str, dict[str, Duration]]:
        self.known(table, set(TicketClass), where)
        if "cold" not in table:
            raise self.fail(f"{where}.cold", "is missing")
        return {name: self.durations(self.get(table, name, dict, where), f"{where}.{name}") for name in table}

    def durations(self, table: Table, where: str) -> dict[str, Duration]:
        self.known(table, {*CLOCK_NAMES, CALL_BACK_AFTER}, where)
        return {name: self.duration(table, name, where) for name in table if name != CALL_BACK_AFTER}

    def duration(self, table: Table, name: str, where: str) -> Duration:
        try:
            return duration(self.get(table, name, str, where))
        except ValueError as error:
            raise self.fail(f"{where}.{name}", str(error)) from None

    def call_backs(self, tables: Table, where: str) -> dict[str, timedelta]:
        found = {}
        for name, table in tables.items():
            path = f"{where}.{name}"
            if AFTER_DONE in table:
                after = self.duration({CALL_BACK_AFTER: DEFAULT_CALL_BACK_AFTER, **table}, CALL_BACK_AFTER, path)
                if after.working_days:
                    raise self.fail(f"{path}.{CALL_BACK_AFTER}", "cannot be in working days")
                found[name] = after.elapsed
            elif CALL_BACK_AFTER in table:
                raise self.fail(f"{path}.{CALL_BACK_AFTER}", f"there is no {AFTER_DONE} that it could be for")
        return found

"""A policy file with other seasons, or another calendar, and all else in it as it is written."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from domain.policy import Season
from domain.working_days import WorkingCalendar

DAY = timedelta(days=1)
_SEASONS = re.compile(r"^[ \t]*seasons[ \t]*=", re.MULTILINE)
_CALENDAR = re.compile(r"^[ \t]*\[[ \t]*calendar[ \t]*\][^\n]*\n?", re.MULTILINE)
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)
_BETWEEN = re.compile(r"(?:^[ \t]*(?:#[^\n]*)?\n)+\Z", re.MULTILINE)  # blank lines and comments at the end


class NotWritable(Exception):
    """The file is written in another way than this can change."""


class ChangedDays(NamedTuple):
    """Local days, the last one included, on which homes are `judged` and were not, or the other way round."""

    first: date
    last: date
    judged: bool


def redrafted(text: str, seasons: Sequence[Season] | None, calendar: WorkingCalendar | None) -> str:
    """Return the TOML of a policy with other seasons or another calendar; None: they stay.

    Raises:
        NotWritable: nothing else than these may change, and would.
    """
    wanted: dict[str, Any] = tomllib.loads(text)
    if seasons is not None:
        wanted["seasons"] = [{"from": season.first, "to": season.end} for season in seasons]
        text = _with_seasons(text, seasons)
    if calendar is not None:
        wanted.pop("calendar", None)
        if lists := _lists(calendar):
            wanted["calendar"] = lists
        text = _with_calendar(text, lists)
    try:
        made = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise NotWritable from None
    if made != wanted:
        raise NotWritable
    return text


def _with_seasons(text: str, seasons: Sequence[Season]) -> str:
    lines = ", ".join(f"{{from = {season.first}, to = {season.end}}}" for season in seasons)
    for begin in _SEASONS.finditer(text):
        for bracket in re.finditer(r"\]", text[begin.end() :]):
            end = begin.end() + bracket.end()
            if _is_whole(text[begin.start() : end]):
                return f"{text[: begin.start()]}seasons = [{lines}]{text[end:]}"
    raise NotWritable


def _is_whole(text: str) -> bool:
    """Return whether a text ends with a value: not within one, a string, or a comment."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _lists(calendar: WorkingCalendar) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {
        "years": sorted(calendar.years),
        "holidays": sorted(calendar.holidays),
        "workdays": sorted(calendar.workdays),
    }
    return {name: values for name, values in found.items() if values}


def _with_calendar(text: str, lists: dict[str, list[Any]]) -> str:
    """Put the table in the place of the one that is there, or at the end."""
    table = "".join(f"{name} = [{', '.join(map(str, values))}]\n" for name, values in lists.items())
    table = f"[calendar]\n{table}" if table else ""
    begin = _CALENDAR.search(text)
    if begin is None:
        return f"{text.rstrip()}\n\n{table}" if table else text
    following = _TABLE.search(text, begin.end())
    if following is None:
        return f"{text[: begin.start()]}{table}"
    kept = _BETWEEN.search(text[begin.end() : following.start()])
    return f"{text[: begin.start()]}{table}{kept[0] if kept else ''}{text[following.start() :]}"


def judged_otherwise(before: Sequence[Season], after: Sequence[Season], first: date, last: date) -> list[ChangedDays]:
    """Return the days from `first` to `last`, both included, that are in a season by one of two lists alone."""
    edges = {day for season in (*before, *after) for day in (season.first, season.end) if first < day <= last}
    starts = sorted({first, *edges}) if first <= last else []
    found: list[ChangedDays] = []
    for begin, following in zip(starts, [*starts[1:], last + DAY], strict=False):
        judged = _within(after, begin)
        if judged == _within(before, begin):
            continue
        if found and found[-1].judged == judged and found[-1].last + DAY == begin:
            begin = found.pop().first
        found.append(ChangedDays(begin, following - DAY, judged))
    return found


def _within(seasons: Iterable[Season], day: date) -> bool:
    return any(season.first <= day < season.end for season in seasons)

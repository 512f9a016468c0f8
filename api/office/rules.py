"""Routes for the seasons and the calendar of working days: what is in force, and drafts of a change.

They are in the policy file, whose digest stands in dossiers. A draft is another file: nobody's past is judged by it
before the operator puts it into force and has the days judged again that it touches.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from alerts.tickets.calendar import listed_days, working_days
from api.http.problem import FieldFault, invalid
from api.http.session import AskingDesk, AskingLeaders, Session
from api.http.values import AskedDay
from api.words.rules import (
    BOTH_KINDS,
    DRAFT_NOTHING,
    NOT_WRITABLE,
    SEASON_EMPTY,
    SEASON_NONE,
    SEASONS_OVERLAP,
)
from domain import policy_file
from domain.errors import RefusedText
from domain.policy import Policy, Season
from domain.policy_draft import ChangedDays, NotWritable, judged_otherwise, redrafted
from domain.working_days import WorkingCalendar
from store.base.office_role import in_office
from store.judging import ledger_days

DAY = timedelta(days=1)
MOST_SEASONS, MOST_DAYS, MOST_YEARS = 60, 1_000, 60
FIRST_YEAR, LAST_YEAR = 1970, 2199
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
SeasonStanding = Literal["over", "running", "coming"]

router = APIRouter(prefix="/v1", tags=["rules"])


class KnownSeason(BaseModel):
    """Local days on which homes are judged, `to` not included."""

    first: date = Field(alias="from")
    end: date = Field(alias="to")
    stands: SeasonStanding


class Seasons(BaseModel):
    """The seasons in force, in order. `sha256` is that of the policy file, as dossiers have it."""

    policy: str
    sha256: str
    seasons: list[KnownSeason]


class CalendarDay(BaseModel):
    """A day that the calendar lists. `zh` and `en` name the occasion; null: the policy names none."""

    day: date
    kind: Literal["holiday", "workday"]
    source: Literal["policy", "public"]
    zh: str | None
    en: str | None


class Holidays(BaseModel):
    """The holidays and worked days of a year, in order.

    `known`: a year that is not makes terms of working days that reach into it undated. `known_years` are all that are.
    """

    year: int
    known: bool
    known_years: list[int]
    days: list[CalendarDay]


class DraftSeason(BaseModel):
    """Local days, `to` not included."""

    model_config = ConfigDict(extra="forbid")

    first: Annotated[AskedDay, Field(alias="from")]
    end: Annotated[AskedDay, Field(alias="to")]


class DraftCalendar(BaseModel):
    """The days that the public calendar does not know, or that differ; all days of `years` are listed here."""

    model_config = ConfigDict(extra="forbid")

    years: Annotated[list[Year], Field(max_length=MOST_YEARS)] = []
    holidays: Annotated[list[AskedDay], Field(max_length=MOST_DAYS)] = []
    workdays: Annotated[list[AskedDay], Field(max_length=MOST_DAYS)] = []


class RulesDraft(BaseModel):
    """All seasons, or the calendar of the policy, as they are to be; null: they stay."""

    model_config = ConfigDict(extra="forbid")

    seasons: Annotated[list[DraftSeason] | None, Field(max_length=MOST_SEASONS)] = None
    calendar: DraftCalendar | None = None


class DaysAgain(BaseModel):
    """Local days, `last` included, that the draft judges in another way, and the command that judges them again."""

    first: date
    last: date
    becomes: Literal["judged", "not_judged"]
    command: str


class DraftedRules(BaseModel):
    """A policy file that is in force nowhere yet, and what has to be judged again once it is.

    `kept_before`: days before it are touched as well, and stay as they were judged: their readings were deleted.
    """

    policy: str
    sha256: str
    again: list[DaysAgain]
    kept_before: date | None


@router.get("/seasons")
def seasons(asking: AskingDesk) -> Seasons:
    """Tell the seasons in which homes are judged."""
    return in_force(asking)


def in_force(asking: Session) -> Seasons:
    """Return the seasons in force."""
    policy, today = asking.policy, _today(asking)
    told = [{"from": one.first, "to": one.end, "stands": _stands(one, today)} for one in policy.seasons]
    return Seasons.model_validate({"policy": policy.name, "sha256": _digest(policy.text), "seasons": told})


def _stands(season: Season, today: date) -> SeasonStanding:
    if season.end <= today:
        return "over"
    return "running" if season.first <= today else "coming"


@router.get("/holidays")
def holidays(asking: AskingDesk, year: Annotated[int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR)] = None) -> Holidays:
    """Tell the days off and the worked days at weekends of a year, by default this one."""
    return of_year(asking, year or _today(asking).year)


def of_year(asking: Session, year: int) -> Holidays:
    """Return the calendar of a year."""
    known = working_days(asking.policy).years
    days = [
        CalendarDay(
            day=one.day,
            kind="workday" if one.works else "holiday",
            source="policy" if one.by_policy else "public",
            zh=one.occasion.zh if one.occasion else None,
            en=one.occasion.en if one.occasion else None,
        )
        for one in listed_days(asking.policy, year)
    ]
    return Holidays(year=year, known=year in known, known_years=sorted(known), days=days)


@router.post("/rules/drafts")
def draft_rules(asking: AskingLeaders, wanted: RulesDraft) -> DraftedRules:
    """Draft a policy file with other seasons or another calendar. Nothing is written."""
    return drafted(asking, wanted)


def drafted(asking: Session, wanted: RulesDraft) -> DraftedRules:
    """Make a draft.

    Raises:
        Problem: 422.
    """
    policy = asking.policy
    after = None if wanted.seasons is None else _seasons(wanted.seasons)
    calendar = None if wanted.calendar is None else _calendar(wanted.calendar)
    if after in (None, policy.seasons) and calendar in (None, policy.calendar):
        raise invalid(FieldFault("seasons", DRAFT_NOTHING))
    text = _text(policy, after, calendar)
    changed, kept_before = _changed(asking, policy.seasons if after is None else after)
    again = [_again(days, _today(asking)) for days in changed]
    return DraftedRules(policy=text, sha256=_digest(text), again=again, kept_before=kept_before)


def _seasons(wanted: Sequence[DraftSeason]) -> tuple[Season, ...]:
    if not wanted:
        raise invalid(FieldFault("seasons", SEASON_NONE))
    for nth, one in enumerate(wanted):
        if one.first >= one.end:
            raise invalid(FieldFault(f"seasons.{nth}.to", SEASON_EMPTY))
    found = sorted((Season(first=one.first, end=one.end) for one in wanted), key=lambda season: season.first)
    for before, season in pairwise(found):
        if season.first < before.end:
            raise invalid(FieldFault("seasons", SEASONS_OVERLAP.fill(first=season.first)))
    return tuple(found)


def _calendar(wanted: DraftCalendar) -> WorkingCalendar:
    made = WorkingCalendar(frozenset(wanted.holidays), frozenset(wanted.workdays), frozenset(wanted.years))
    if both := made.holidays & made.workdays:
        raise invalid(FieldFault("calendar.workdays", BOTH_KINDS.fill(day=min(both))))
    return made


def _text(policy: Policy, after: tuple[Season, ...] | None, calendar: WorkingCalendar | None) -> str:
    """Return the file, which is one that Hearth would start with."""
    try:
        text = redrafted(policy.text, after, calendar)
        policy_file.load(text, "policy", policy.zone.key)
    except NotWritable:
        raise invalid(FieldFault("seasons" if calendar is None else "calendar", NOT_WRITABLE)) from None
    except RefusedText as error:
        raise invalid(FieldFault("seasons", error.told)) from None
    return text


def _changed(asking: Session, after: tuple[Season, ...]) -> tuple[list[ChangedDays], date | None]:
    """Return the days up to today that are judged in another way, without those whose readings were deleted."""
    before, today = asking.policy.seasons, _today(asking)
    with asking.conn.transaction(), in_office(asking.conn):
        begun, since = ledger_days.first_day(asking.conn), asking.history.judged_from(asking.conn)
    begun = min(begun or today, today)
    if since is None:
        return judged_otherwise(before, after, begun, today), None
    first = since.astimezone(asking.policy.zone).date() + DAY
    lost = judged_otherwise(before, after, begun, min(first - DAY, today))
    return judged_otherwise(before, after, max(begun, first), today), first if lost else None


def _again(days: ChangedDays, today: date) -> DaysAgain:
    until = "" if days.last == today else f" --to {days.last + DAY}"
    return DaysAgain(
        first=days.first,
        last=days.last,
        becomes="judged" if days.judged else "not_judged",
        command=f"hearth recheck --from {days.first}{until}",
    )


def _today(asking: Session) -> date:
    return asking.now.astimezone(asking.policy.zone).date()


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()

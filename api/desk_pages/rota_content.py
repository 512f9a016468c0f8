"""The page of the rota: a week by days, who is missing when, swaps, load, and the forms that a person may use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup

from alerts.tickets.calendar import working_days
from api.desk import rota
from api.desk.rota import CallOut, RotaStation, Shift, Swap
from api.http.language import Language
from api.http.session import LEADERS, Session
from api.pages.render import Times, say
from api.staff.session import person_of
from domain.rota import DAY, ShiftSpan, at
from domain.working_days import SATURDAY, UnknownYear, WorkingCalendar
from store.staff import rota_rows
from store.tickets import queue_rows

ROTA = "/desk/rota"
WEEK = 7 * DAY
EARLIEST, LATEST = date(1971, 1, 1), date(2198, 12, 1)
SWAPPED_AHEAD = timedelta(days=62)


@dataclass(frozen=True)
class Week:
    """A week by the local calendar, and the addresses of those beside it."""

    first: date
    station: str | None

    @classmethod
    def of(cls, text: str, station: str, now: datetime, zone: ZoneInfo) -> "Week":
        """Return the week that a day is in; what is no day is today."""
        try:
            day = min(max(date.fromisoformat(text), EARLIEST), LATEST)
        except ValueError:
            day = now.astimezone(zone).date()
        return cls(day - day.weekday() * DAY, station or None)

    def span(self, zone: ZoneInfo) -> ShiftSpan:
        """Return its span."""
        return ShiftSpan(at(self.first, time(0), zone), at(self.first + WEEK, time(0), zone))

    def days(self) -> list[date]:
        """Return its days."""
        return [self.first + n * DAY for n in range(7)]


class ShownShift(NamedTuple):
    """A shift on the page."""

    number: int
    station: str
    name: str
    hours: str
    overnight: bool
    is_own: bool
    action: str | None  # what a planner can do with it now: `cancel`, `end`


class ShownDay(NamedTuple):
    """A day of the week on the page."""

    name: Markup
    kind: str | None  # `holiday`, `workday`: other than the day of the week says
    is_today: bool
    shifts: list[ShownShift]


class ShownStation(NamedTuple):
    """A station on the page."""

    station: RotaStation
    gaps: list[Markup]


class ShownSwap(NamedTuple):
    """A swap on the page; `mine`: `asked`, `asking` or nothing of one's own."""

    number: int
    says: Markup
    mine: str | None


class Choice(NamedTuple):
    """A choice of a form."""

    value: int
    name: Markup | str


def rota_content(asking: Session, week: Week, language: Language) -> dict[str, Any]:
    """Gather the page for the template."""
    zone, station = asking.policy.zone, asking.scope.own_station or week.station
    times = Times(language, zone, asking.now)
    found = rota.rota_of(asking, week.span(zone), station)
    planned = [one for one in found.stations if rota.may_plan(asking, one.station)]
    me = person_of(asking)
    return {
        "week": week,
        "week_says": say(language, "rota_week_of", first=times.day(_noon(week.first, zone)),
                         last=times.day(_noon(week.first + 6 * DAY, zone))),
        "before": week.first - WEEK,
        "after": week.first + WEEK,
        "stations": [ShownStation(one, [_gap(gap.starts_at, gap.ends_at, language, times) for gap in one.uncovered])
                     for one in found.stations],
        "days": _days(asking, week, found.shifts, {one.station for one in planned}, language),
        "swaps": [_swap(one, me.staff_id, language, times) for one in found.swaps],
        "call_outs": [_called(one, language, times) for one in found.call_outs],
        "load": rota.load(asking, station),
        "planning": {one.station: _colleagues(asking, one.station, language) for one in planned},
        "keeping": _keeping(asking, language) if asking.asker.role in LEADERS else {},
        "swapping": _swapping(asking, language, times),
        "calendar_since": _since(asking, times),
        "call_out_off": asking.policy.rules_at(asking.now).call_out is None,
        "all_stations": [] if asking.scope.own_station else queue_rows.stations(asking.conn),
        "today": asking.now.astimezone(zone).date(),
    }  # fmt: skip


def _noon(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(12), zone)


def _gap(starts_at: datetime, ends_at: datetime, language: Language, times: Times) -> Markup:
    return say(language, "rota_gap", from_at=times.at(starts_at), to_at=times.at(ends_at))


def _days(
    asking: Session, week: Week, shifts: Sequence[Shift], planned: set[str], language: Language
) -> list[ShownDay]:
    zone, calendar = asking.policy.zone, working_days(asking.policy)
    times, mine, today = Times(language, zone, asking.now), person_of(asking), asking.now.astimezone(zone).date()
    by_day: dict[date, list[ShownShift]] = {day: [] for day in week.days()}
    for one in shifts:
        begins, ends = one.starts_at.astimezone(zone), one.ends_at.astimezone(zone)
        action = _action(one, asking.now) if one.station in planned else None
        shown = ShownShift(
            one.number, one.station, one.person.name, f"{begins:%H:%M}–{ends:%H:%M}",
            ends.date() > begins.date() and ends.time() != time(0), one.person.number == mine.staff_id, action,
        )  # fmt: skip
        by_day[max(begins.date(), week.first)].append(shown)
    return [
        ShownDay(
            Markup("{} {}").format(say(language, f"rota_weekday_{day.weekday()}"), times.day(_noon(day, zone))),
            _kind(day, calendar),
            day == today,
            by_day[day],
        )
        for day in week.days()
    ]


def _action(shift: Shift, now: datetime) -> str | None:
    if shift.starts_at >= now:
        return "cancel"
    return "end" if shift.ends_at > now else None


def _kind(day: date, calendar: WorkingCalendar) -> str | None:
    """Return whether a day is another than its day of the week says, as far as the calendar knows."""
    try:
        works = calendar.works(day)
    except UnknownYear:
        return None
    if works == (day.weekday() < SATURDAY):
        return None
    return "workday" if works else "holiday"


def _swap(one: Swap, me: int, language: Language, times: Times) -> ShownSwap:
    says = say(
        language, "rota_swap_says", asked_by=one.asked_by.name, asked=one.asked.name, from_at=times.at(one.starts_at)
    )
    if one.return_starts_at is not None:
        says += say(language, "rota_swap_return", from_at=times.at(one.return_starts_at))
    mine = {one.asked.number: "asked", one.asked_by.number: "asking"}.get(me)
    return ShownSwap(one.number, says, mine)


def _called(one: CallOut, language: Language, times: Times) -> dict[str, Any]:
    return {
        "ticket": one.ticket,
        "station": one.station,
        "since": times.at(one.began_at),
        "told": say(language, "list_mark").join(one.told),
        "next": say(language, f"rota_step_{one.next}"),
        "due": times.at(one.due_at),
    }


def _colleagues(asking: Session, station: str, language: Language) -> list[Choice]:
    missing = say(language, "rota_no_telephone")
    return [
        Choice(
            row["staff_id"],
            row["name"] if row["has_telephone"] else say(language, "rota_choice", name=row["name"], more=missing),
        )
        for row in rota_rows.colleagues(asking.conn, station, asking.now)
    ]


def _keeping(asking: Session, language: Language) -> dict[str, list[Choice]]:
    return {name: _colleagues(asking, name, language) for name in queue_rows.stations(asking.conn)}


def _swapping(asking: Session, language: Language, times: Times) -> dict[str, Any] | None:
    """Return what the form for a swap offers: one's own shifts ahead, colleagues, and theirs; None without any."""
    me, begin = person_of(asking).staff_id, asking.now
    ahead = [
        one
        for one in rota_rows.shifts(asking.conn, begin, begin + SWAPPED_AHEAD, asking.scope.own_station, rota.MOST_ROWS)
        if one.starts_at > begin
    ]
    mine = [one for one in ahead if one.staff_id == me]
    if not mine:
        return None
    stations = {one.station for one in mine}
    theirs = [one for one in ahead if one.staff_id != me and one.station in stations]
    colleagues = {
        row["staff_id"]: row["name"]
        for station in sorted(stations)
        for row in rota_rows.colleagues(asking.conn, station, begin)
        if row["staff_id"] != me
    }

    def named(one: rota_rows.ShiftRow, name: str) -> Choice:
        hours = say(language, "rota_at", station=one.station, at=_plain(times, one.starts_at))
        return Choice(one.shift_id, say(language, "rota_choice", name=name, more=hours) if name else hours)

    return {
        "mine": [named(one, "") for one in mine],
        "colleagues": [Choice(number, name) for number, name in colleagues.items()],
        "theirs": [named(one, one.name) for one in theirs],
    }


def _plain(times: Times, instant: datetime) -> str:
    """Return an instant for the choices of a form, which hold no elements."""
    return Markup(times.at(instant)).striptags()


def _since(asking: Session, times: Times) -> Markup | None:
    since = rota_rows.calendar_since(asking.conn, person_of(asking).staff_id)
    return times.at(since.astimezone(UTC)) if since else None

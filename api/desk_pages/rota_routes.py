"""Routes of the page of the rota: the week, planning, swaps, and the address of one's calendar."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from api.desk import calendars, rota
from api.desk.once import is_first
from api.desk.rota import NUMBER, PersonNumber, StationRules, SwapAnswer, SwapRequest
from api.desk_pages.rota_content import ROTA, Week, rota_content
from api.desk_pages.show import desk_page
from api.http.language import said
from api.http.problem import Problem
from api.http.session import Session
from api.http.values import day
from api.staff.frame import language_of
from api.staff.session import AskingPerson, ChangingPerson, StaffRoute
from api.words.rota import FAULT_FORM
from domain.policy_file import clock_time
from domain.rota import DailyShifts

Done = Literal[
    "planned", "cancelled", "kept", "ended", "asked", "agreed", "declined", "withdrawn", "calendar_ended"
] | None  # fmt: skip
Text = Annotated[str, Field(max_length=200)]
Number = Annotated[int, Path(ge=1, le=NUMBER)]
Shown = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
LONGEST = timedelta(days=366)

router = APIRouter(prefix=ROTA, route_class=StaffRoute, include_in_schema=False)


class PlanForm(BaseModel):
    """Shifts of the same hours on some days, as the form has them."""

    week: Text = ""
    station: Text
    person: PersonNumber
    first: Text
    last: Text
    opens: Text
    closes: Text
    weekdays: list[Annotated[int, Field(ge=0, le=6)]] = Field(default_factory=list, max_length=7)

    def shifts(self) -> DailyShifts:
        """Read the days and hours.

        Raises:
            ValueError: one of them is none, or there are none.
        """
        first, last = day(self.first), day(self.last)
        if not timedelta() <= last - first <= LONGEST:
            raise ValueError("the days")
        opens, closes = clock_time(self.opens), clock_time(self.closes)
        return DailyShifts(first=first, last=last, opens=opens, closes=closes, weekdays=tuple(self.weekdays))


class KeepForm(BaseModel):
    """A station that keeps a rota, and its lead; 0: none."""

    week: Text = ""
    station: Text
    lead: Annotated[int, Field(ge=0, le=NUMBER)] = 0


class SwapForm(BaseModel):
    """A swap asked of a colleague; 0: nothing in return."""

    week: Text = ""
    shift: PersonNumber
    colleague: PersonNumber
    in_return: Annotated[int, Field(ge=0, le=NUMBER)] = 0


Back = Annotated[str, Form(max_length=200)]


@router.get("")
def week(request: Request, asking: AskingPerson, week: Shown = "", station: Shown = "", done: Done = None) -> Response:
    """Show a week of the rota."""
    return _shown(request, asking, _week(asking, week, station), done=done)


def _week(asking: Session, text: str, station: str = "") -> Week:
    return Week.of(text, station, asking.now, asking.policy.zone)


def _shown(
    request: Request,
    asking: Session,
    week: Week,
    *,
    done: str | None = None,
    fault: Problem | None = None,
    address: str | None = None,
) -> Response:
    language = language_of(request, asking)
    shown = rota_content(asking, week, language)
    told = said(fault.detail, language) if fault else None
    status = fault.status if fault else 200
    return desk_page(request, asking, "desk/rota.html", status, **shown, done=done, fault=told, address=address)


def _changed(request: Request, changing: Session, week: str, done: str, change: Callable[[], object]) -> Response:
    """Make a change and lead back to the week; show a refusal above it."""
    try:
        change()
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return _shown(request, changing, _week(changing, week), fault=problem)
    return RedirectResponse(f"{ROTA}?{urlencode({'week': week, 'done': done})}", 303)


@router.post("/plan")
def plan(request: Request, changing: ChangingPerson, form: Annotated[PlanForm, Form()]) -> Response:
    """Plan shifts of the same hours on some days."""

    def change() -> None:
        try:
            spans = form.shifts().spans(changing.policy.zone)
        except ValueError:
            spans = []
        ahead = [one for one in spans if one.ends_at > changing.now]
        if not ahead:
            raise Problem(422, FAULT_FORM)
        rota.plan_spans(changing, form.station, form.person, ahead)

    return _changed(request, changing, form.week, "planned", change)


@router.post("/shifts/{number}/cancel")
def cancel(request: Request, changing: ChangingPerson, number: Number, week: Back = "") -> Response:
    """Cancel a shift, or end one that runs."""
    return _changed(request, changing, week, "cancelled", lambda: rota.cancel(changing, number))


@router.post("/stations")
def keep(request: Request, changing: ChangingPerson, form: Annotated[KeepForm, Form()]) -> Response:
    """Let a station keep a rota, or change its lead."""
    rules = StationRules(lead=form.lead or None)
    return _changed(request, changing, form.week, "kept", lambda: rota.keep(changing, form.station, rules))


@router.post("/stations/end")
def end(request: Request, changing: ChangingPerson, form: Annotated[KeepForm, Form()]) -> Response:
    """End the rota of a station."""
    return _changed(request, changing, form.week, "ended", lambda: rota.end(changing, form.station))


@router.post("/swaps")
def ask_swap(request: Request, changing: ChangingPerson, form: Annotated[SwapForm, Form()]) -> Response:
    """Ask a colleague to take a shift."""
    wanted = SwapRequest(shift=form.shift, colleague=form.colleague, in_return=form.in_return or None)
    return _changed(request, changing, form.week, "asked", lambda: rota.ask_swap(changing, wanted))


@router.post("/swaps/{number}/{answer}")
def answer_swap(
    request: Request,
    changing: ChangingPerson,
    number: Number,
    answer: Literal["agreed", "declined", "withdrawn"],
    week: Back = "",
) -> Response:
    """Agree to a swap, decline it, or take one's own back."""
    if answer == "withdrawn":
        return _changed(request, changing, week, answer, lambda: rota.withdraw_swap(changing, number))
    told = SwapAnswer(agreed=answer == "agreed")
    return _changed(request, changing, week, answer, lambda: rota.answer_swap(changing, number, told))


@router.post("/calendar")
def make_calendar(request: Request, changing: ChangingPerson, key: Back, week: Back = "") -> Response:
    """Make the address of one's calendar and show it, this once."""
    if not is_first(changing, key):
        return RedirectResponse(ROTA, 303)
    return _shown(request, changing, _week(changing, week), address=calendars.made_address(request, changing))


@router.post("/calendar/end")
def end_calendar(request: Request, changing: ChangingPerson, week: Back = "") -> Response:
    """End the address of one's calendar."""
    return _changed(request, changing, week, "calendar_ended", lambda: calendars.end(changing))

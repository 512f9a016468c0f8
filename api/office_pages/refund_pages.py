"""The pages of a home's refund: the running total, facts with their papers, its sheets; and the page of a sheet."""

from collections.abc import Mapping
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api.desk import refunds
from api.desk.once import number_once
from api.desk.refund_answers import FactWish, NewSheetWish, NotedFact, RefundDay, RefundSheet
from api.desk.refunds import Number
from api.desk_pages.forms import once
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.homes import home_routes
from api.homes.home_routes import Code
from api.http.language import Language, said
from api.http.problem import no_such
from api.http.session import DESK, LEADERS, Session
from api.http.values import AskedDay
from api.office_pages.forms import NOTHING_TRIED, Fields, SentForm, Told, instant, tried
from api.pages import refund_told
from api.pages.render import Times
from api.staff.frame import language_of
from api.staff.session import StaffRoute, signed_in
from api.words.refund_pages import FACTS
from domain.refunds.facts import FactKind
from domain.refunds.season import DayReason
from papers.words.refunds import REASONS
from store.base.access import Right
from store.registry import search_rows

OF_HOME = "/desk/homes/{code}/refund"
SHEETS = "/desk/refunds"
Done = Annotated[Literal["fact", "sheet", "approved"] | None, Query()]
OfSeason = Annotated[AskedDay | None, Query()]
reading = contextmanager(signed_in(DESK))

router = APIRouter(route_class=StaffRoute, include_in_schema=False)


def of_home(code: str) -> str:
    """Return the address of a home's refund; a code may hold any letters."""
    return f"/desk/homes/{quote(code, safe='')}/refund"


@router.get(OF_HOME)
def home(
    request: Request, asking: AskingDeskPerson, code: Code, season: OfSeason = None, done: Done = None
) -> Response:
    """Show the refund of a home."""
    return _home(request, asking, code, NOTHING_TRIED, season=season, done=done)


@router.post(OF_HOME + "/facts")
def note(request: Request, code: Code, told: Fields) -> Response:
    """Note a fact, or take one back, once."""

    def act(changing: Session) -> None:
        wish = FactWish.model_validate(_fact(told, changing))
        number_once(changing, once("refund-fact", told), lambda: str(refunds.note(code, changing, wish).id))

    part = f"withdraw-{told['withdraws']}" if told.get("withdraws") else "fact"
    found = tried(request, DESK, part, told, act)
    if found is None:
        return RedirectResponse(f"{of_home(code)}?done=fact#facts", 303)
    with reading(request) as asking:
        return _home(request, asking, code, found)


def _fact(told: Told, changing: Session) -> dict[str, Any]:
    """Return the body of a fact; one that takes another back is of its kind and time."""
    given: dict[str, Any] = {name: told[name] for name in ("kind", "reference", "withdraws") if told.get(name)}
    times = {name: instant(told[name], changing.policy.zone) for name in ("at", "until") if told.get(name)}
    return given | times


@router.post(OF_HOME + "/sheets")
def make(request: Request, code: Code, told: Fields) -> Response:
    """Make a sheet, or one that corrects another."""
    made: list[RefundSheet] = []

    def act(changing: Session) -> None:
        given = {name: told[name] for name in ("season", "corrects", "reason") if told.get(name)}
        made.append(refunds.make(code, request, changing, NewSheetWish.model_validate(given)))

    found = tried(request, LEADERS, "sheet", told, act)
    if found is None:
        return RedirectResponse(f"{SHEETS}/{quote(made[0].number, safe='')}?done=sheet", 303)
    with reading(request) as asking:
        if corrects := told.get("corrects"):
            return _sheet(request, asking, corrects, found)
        return _home(request, asking, code, found)


@router.get(SHEETS + "/{number}")
def sheet(request: Request, asking: AskingDeskPerson, number: Number, done: Done = None) -> Response:
    """Show a sheet."""
    return _sheet(request, asking, number, NOTHING_TRIED, done)


@router.get(SHEETS + "/{number}/paper")
def paper(
    asking: AskingDeskPerson, number: Number, form: Literal["pdf", "xlsx"] = "pdf", language: Language = "zh"
) -> Response:
    """Give a sheet as the API gives it."""
    return refunds.on_paper(number, asking, form, language)


@router.post(SHEETS + "/{number}/approval")
def approve(request: Request, number: Number, told: Fields) -> Response:
    """Approve a sheet."""

    def act(changing: Session) -> None:
        refunds.approve(number, request, changing)

    found = tried(request, LEADERS, "approval", told, act)
    if found is None:
        return RedirectResponse(f"{SHEETS}/{quote(number, safe='')}?done=approved", 303)
    with reading(request) as asking:
        return _sheet(request, asking, number, found)


def _home(
    request: Request,
    asking: Session,
    code: str,
    sent: SentForm,
    *,
    season: date | None = None,
    done: str | None = None,
) -> Response:
    language = language_of(request, asking)
    home_id = home_routes.home_id(asking, code)
    place = search_rows.found(asking.conn, asking.scope, [home_id]).get(home_id)
    if place is None:
        raise no_such("home")
    found = refund_told.shown(request, asking, code, language, season)
    facts = refunds.facts(code, asking)
    return desk_page(
        request,
        asking,
        "office/refund_home.html",
        sent.status,
        code=code,
        place=place,
        refund=found,
        days=day_lines(found.told.days, language) if found.told else (),
        facts=[_fact_line(one, language) for one in facts],
        kinds=[(kind.value, said(FACTS[kind], language)) for kind in FactKind],
        seasons=seasons_begun(asking),
        chosen=season,
        done=done,
        sent=sent.shown(language),
        local_now=asking.now.astimezone(asking.policy.zone).strftime("%Y-%m-%dT%H:%M"),
        **_rights(asking),
    )


def _rights(asking: Session) -> dict[str, bool]:
    may_write = Right.WRITE in asking.asker.rights
    return {"may_write": may_write, "may_lead": may_write and asking.asker.role in LEADERS}


def seasons_begun(asking: Session) -> list[date]:
    """Return the first days of the seasons that have begun, newest first."""
    today = home_routes.today(asking)
    return [season.first for season in reversed(asking.policy.seasons) if season.first < today]


def _fact_line(one: NotedFact, language: Language) -> dict[str, Any]:
    return {**one.model_dump(), "name": said(FACTS[one.kind], language), "at_text": one.at.isoformat()}


def day_lines(days: list[RefundDay], language: Language) -> list[Mapping[str, Any]]:
    """Show the days that were not plainly warm."""
    return [
        {**day.model_dump(), "why": said(REASONS[DayReason[day.reason.upper()]], language)}
        for day in days
        if day.reason != "warm"
    ]


def _sheet(request: Request, asking: Session, number: str, sent: SentForm, done: str | None = None) -> Response:
    language = language_of(request, asking)
    found = refunds.sheet(number, request, asking)
    times = Times(language, asking.policy.zone, asking.now)
    return desk_page(
        request,
        asking,
        "office/refund_sheet.html",
        sent.status,
        sheet=found,
        line=refund_told.sheet_line(found, language, times),
        days=day_lines(found.days, language),
        is_mine=refunds.has_approved(asking, number),
        home_address=of_home(found.home),
        done=done,
        sent=sent.shown(language),
        **_rights(asking),
    )

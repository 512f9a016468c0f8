"""Routes of the pages of measurements on site: what is to be measured, the records, and those of one home."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from api.desk import calls, measurements
from api.desk.measurements import Filed, MeasurementRequest
from api.desk.once import number_once
from api.desk_pages import measuring
from api.desk_pages.forms import NOTHING, Body, FormState, Told, faults_of, once, read_body, whole_fault
from api.desk_pages.measuring import MEASUREMENTS, MeasuringQuery, home_address, measuring_list
from api.desk_pages.show import AskingDeskPerson, desk_page, reader_of
from api.desk_pages.ticket_routes import read_told, reading, writing
from api.http.problem import Problem
from api.http.session import Session, surroundings
from api.staff.session import StaffRoute
from registry.addresses import LONGEST_QUERY
from store.base.access import Right

REFUSALS = (409, 422)
ASKED = "asked"  # what was done, where it was no record
HomeCode = Annotated[str, Query(alias="home", max_length=200, pattern=r"^[^\x00]+$")]
Sent = Annotated[Told, Depends(read_told)]

router = APIRouter(prefix=MEASUREMENTS, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True)
class HomeMeasuringQuery:
    """The query keys of the page of a home: what the form begins with, and what was just done."""

    code: HomeCode
    room: Annotated[str, Query(max_length=200)] = ""
    corrects: Annotated[str, Query(max_length=40, pattern=r"^[^\x00]*$")] = ""
    done: Annotated[str | None, Query(max_length=40)] = None


@router.get("")
def plan(request: Request, asking: AskingDeskPerson, query: Annotated[MeasuringQuery, Depends()]) -> Response:
    """Show what is to be measured, or the records."""
    shown = measuring_list(asking, query, reader_of(request, asking).language)
    return desk_page(request, asking, "desk/measurements.html", **shown, asked="", found=None)


@router.post("")
def find_home(request: Request, asking: AskingDeskPerson, told: Sent) -> Response:
    """Show the homes that were likely meant; a POST, as what is typed may be a name."""
    asked = told.get("q", "").strip()[:LONGEST_QUERY]
    found = [{**home, "link": home_address(home["home"])} for home in calls.found(asking, asked)] if asked else []
    shown = measuring_list(asking, MeasuringQuery(), reader_of(request, asking).language)
    return desk_page(request, asking, "desk/measurements.html", **shown, asked=asked, found=found)


@router.get("/home")
def of_home(request: Request, asking: AskingDeskPerson, query: Annotated[HomeMeasuringQuery, Depends()]) -> Response:
    """Show the measurements of a home, with the form of a record."""
    told = measuring.begun(asking, query.code, query.room, query.corrects)
    return _home(request, asking, query.code, HomeForms(record=FormState(told=told), done=query.done))


@router.post("/home")
def file(request: Request, told: Sent) -> Response:
    """Enter a record, once."""
    return _sent(request, told, Filed, _file)


def _file(changing: Session, code: str, filed: Filed) -> str:
    return measurements.file(code, changing, filed).number


@router.post("/request")
def ask(request: Request, told: Sent) -> Response:
    """Ask for a measurement of a home, once."""
    return _sent(request, told, MeasurementRequest, _ask)


def _ask(changing: Session, code: str, wish: MeasurementRequest) -> str:
    measurements.ask(code, changing, wish)
    return ASKED


def _sent(request: Request, told: Told, model: type[Body], act: Any) -> Response:
    """Act on a form and lead back to the page of its home; what is wrong with it is shown there."""
    code = told.get("at", "")[:200]
    read = read_body(model, told, surroundings(request).policy.zone)
    faults = {} if isinstance(read, BaseModel) else read
    if isinstance(read, BaseModel):
        try:
            with writing(request) as changing:
                done = _once(changing, code, read, told, act)
            return RedirectResponse(f"{MEASUREMENTS}/home?{urlencode({'home': code, 'done': done})}", 303)
        except Problem as problem:
            if problem.status not in REFUSALS:
                raise
            faults = faults_of(problem)
    with reading(request) as asking:
        state = FormState(told=told, faults=faults)
        begun = FormState(told=measuring.begun(asking, code, "", ""))
        forms = HomeForms(record=state) if model is Filed else HomeForms(record=begun, wish=state)
        return _home(request, asking, code, forms, 422)


def _once(changing: Session, code: str, body: BaseModel, told: Told, act: Any) -> str:
    changing.notes["home"] = code
    return number_once(changing, once("measurement", told), lambda: act(changing, code, body))


@dataclass(frozen=True, kw_only=True)
class HomeForms:
    """The forms on the page of a home: of a record, and of a request; and what was just done there."""

    record: FormState
    wish: FormState = NOTHING
    done: str | None = None


def _home(request: Request, asking: Session, code: str, forms: HomeForms, status: int = 200) -> Response:
    """Show the page of a home."""
    language = reader_of(request, asking).language
    shown = measuring.home_measurements(asking, code, language)
    record, wish = forms.record, forms.wish
    fields = measuring.record_fields(record, language, corrects=bool(record.told.get("corrects")))
    wishes = measuring.request_fields(wish, language)
    return desk_page(
        request,
        asking,
        "desk/home_measurements.html",
        status,
        **shown,
        fields=fields,
        fault=whole_fault(record.faults, {one.name for one in fields}, language),
        corrects=record.told.get("corrects"),
        wishes=wishes,
        wish_fault=whole_fault(wish.faults, {one.name for one in wishes}, language),
        done=next((one for one in shown["records"] if one.number == forms.done), None),
        was_asked=forms.done == ASKED,
        may_write=Right.WRITE in asking.asker.rights,
    )

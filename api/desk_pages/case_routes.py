"""Routes of the pages of complaints and reports. A case is worked on the page of its ticket."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from api.desk import cases
from api.desk.cases import CaseReport
from api.desk_pages.case_forms import report_form
from api.desk_pages.case_list import CASES, CaseListQuery, case_list
from api.desk_pages.forms import FormState, Told, read_body, whole_fault
from api.desk_pages.queue import QUEUE
from api.desk_pages.show import AskingDeskPerson, desk_page, reader_of
from api.desk_pages.taken_in import taken_in
from api.desk_pages.ticket_routes import read_told
from api.http.session import Session, surroundings
from api.staff.session import StaffRoute

router = APIRouter(prefix=CASES, route_class=StaffRoute, include_in_schema=False)


@router.get("")
def case_page(request: Request, asking: AskingDeskPerson, query: Annotated[CaseListQuery, Depends()]) -> Response:
    """Show the list."""
    shown = case_list(asking, query, reader_of(request, asking).language)
    return desk_page(request, asking, "desk/cases.html", **shown)


@router.get("/new")
def new_case(request: Request, asking: AskingDeskPerson, query: Annotated[CaseListQuery, Depends()]) -> Response:
    """Show the form of a case to file."""
    begun = {"class": query.case_class or "complaint"}
    return _form(request, asking, FormState(told=begun))


@router.post("")
def file_case(request: Request, told: Annotated[Told, Depends(read_told)]) -> Response:
    """File a case, once, and lead to its ticket."""
    read = read_body(CaseReport, told, surroundings(request).policy.zone)
    return taken_in(request, "case", told, read, lambda changing, body: cases.take(changing, body).number, _form)


def _form(request: Request, asking: Session, state: FormState, status: int = 200) -> Response:
    language = reader_of(request, asking).language
    fields = report_form(asking, state, language)
    fault = whole_fault(state.faults, {one.name for one in fields}, language)
    return desk_page(request, asking, "desk/case_new.html", status, fields=fields, fault=fault)


@router.get("/{number}")
def case(asking: AskingDeskPerson, number: cases.Number) -> Response:
    """Lead to the page of a case: that of its ticket."""
    found = cases.case(number, asking)
    return RedirectResponse(f"{QUEUE}/tickets/{quote(found.number)}", 303)

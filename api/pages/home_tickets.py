"""The forms on a customer's own page that are about one of its tickets, and the files of these tickets."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from api.desk.desk_routes import Number
from api.files import file_routes
from api.files.file_routes import FileId, IfNoneMatch
from api.http.problem import Problem
from api.pages import photo, statement, visit
from api.pages.home import AskingHome, FormOutcome, shown
from api.pages.photo import PhotoForm, PhotoRoute
from api.pages.render import HOME
from api.pages.statement import StatementForm

SHOWN_HERE = (409, 413, 415, 422, 429, 503)  # problems that the page itself tells, with what was written
TICKET = f"{HOME}/tickets/{{number}}"

router = APIRouter(prefix=TICKET, route_class=visit.PageRoute, include_in_schema=False)
files = APIRouter(prefix=f"{TICKET}/files", route_class=PhotoRoute, include_in_schema=False)


@router.post("/statements")
def state(request: Request, sent: Annotated[StatementForm, Depends(statement.read)]) -> Response:
    """Record what the customer says about a ticket once, and redirect back to the page."""
    return _stated(request, sent)


@router.post("/rating")
def rate(request: Request, sent: Annotated[StatementForm, Depends(statement.read_rating)]) -> Response:
    """Record how the customer rates a repair."""
    return _stated(request, sent)


@router.post("/agreement")
def agree(request: Request, sent: Annotated[StatementForm, Depends(statement.read_agreement)]) -> Response:
    """Record whether the customer agrees to pay for a repair."""
    return _stated(request, sent)


@router.post("/signature")
def sign(request: Request, sent: Annotated[StatementForm, Depends(statement.read_signature)]) -> Response:
    """Record that the customer signs a contract."""
    return _stated(request, sent)


def _stated(request: Request, sent: StatementForm) -> Response:
    def take() -> str:
        if sent.fault:
            raise Problem(422, sent.fault)
        with visit.writing(request, visit.bearer(request)) as changing:
            statement.take(changing, sent)
        return sent.number

    return taken(request, sent, take, FormOutcome(statement=sent))


@files.post("")
def send_photo(request: Request, number: Number, sent: Annotated[PhotoForm, Depends(photo.read)]) -> Response:
    """Attach a photo to a ticket, and redirect back to the page."""

    def take() -> str:
        file = sent.prepared(request)
        with visit.writing(request, visit.bearer(request)) as changing:
            sent.attach(request, changing, file)
        return sent.number

    return taken(request, sent, take, FormOutcome())


def taken(request: Request, sent: StatementForm | PhotoForm, take: Callable[[], str], outcome: FormOutcome) -> Response:
    """Take a form and redirect back to the page, so that reloading does not send it again; or say why it was not.

    Args:
        take: returns the number of the ticket that the form is about.
    """
    token = visit.shown_token(request)
    if token is not None and not visit.is_ours(request, token, sent.key, sent.token):
        return visit.sorry(request, "not_ours", 403)
    try:
        number = take()
    except Problem as problem:
        if problem.status not in SHOWN_HERE:
            raise
        with visit.reading(request, visit.bearer(request)) as asking:
            return shown(request, asking, sent.home, replace(outcome, refused=problem))
    return RedirectResponse(f"{HOME}?{urlencode({'home': sent.home, 'said': number})}#said", 303)


@files.get("/{id}")
def file(
    request: Request, number: Number, id: FileId, asking: AskingHome, if_none_match: IfNoneMatch = None
) -> Response:
    """Show a file of a ticket."""
    return file_routes.file(request, number, id, asking, if_none_match)


@files.get("/{id}/thumbnail")
def thumbnail(
    request: Request, number: Number, id: FileId, asking: AskingHome, if_none_match: IfNoneMatch = None
) -> Response:
    """Show the small picture of a file of a ticket."""
    return file_routes.thumbnail(request, number, id, asking, if_none_match)

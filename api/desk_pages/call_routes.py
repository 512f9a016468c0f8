"""The page of a call: find the home as one types, see what there is to say, and take down what the caller says."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from api.desk import calls
from api.desk.desk_routes import HomeTicket, make_move, open_in_home
from api.desk.moves import Assigned
from api.desk.once import do_once, number_once
from api.desk_pages.forms import Told, once
from api.desk_pages.move_forms import read_move
from api.desk_pages.queue import QUEUE
from api.desk_pages.show import AskingDeskPerson, desk_page, reader_of
from api.desk_pages.ticket_routes import read_told
from api.http.language import said
from api.http.messages import in_both
from api.http.problem import Problem
from api.http.session import DESK, Session, surroundings
from api.pages import content
from api.pages.report import NEW
from api.staff.session import StaffRoute, signed_in
from domain.tickets import EventKind, TicketClass
from domain.words.desk import CLASS_TEXTS
from registry.addresses import LONGEST_QUERY
from store.base.access import Right

CALL = f"{QUEUE}/call"
ATTEMPTS = (EventKind.CONTACTED.value, EventKind.TRIED.value)
KINDS = (TicketClass.LEAK.value, TicketClass.COLD.value, TicketClass.REPAIR.value)
HomeCode = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
reading = contextmanager(signed_in(DESK))
writing = contextmanager(signed_in(DESK, Right.WRITE))

router = APIRouter(prefix=CALL, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """The fields of the form of a call."""

    home: str = ""
    kind: str = ""
    words: str = ""
    contact: str = ""
    about: str = ""  # number of the open ticket it belongs to, or NEW
    responsible: str = ""
    key: str = ""

    @property
    def once(self) -> str:
        """The idempotency key: equal only if the same is sent again from the same page."""
        return hashlib.sha256(json.dumps(["call", *vars(self).values()]).encode()).hexdigest()


def read_statement(told: Annotated[Told, Depends(read_told)]) -> Statement:
    """Read the form of a call."""
    fields = {name: told.get(name, "").strip() for name in Statement.__dataclass_fields__}
    return Statement(**{**fields, "words": fields["words"].replace("\r\n", "\n")})


@router.get("")
def call(request: Request, home: HomeCode = "") -> Response:
    """Show the page, or the home that was chosen; that it was looked at is on record."""
    with _looking(request, home) as looking:
        shown = _panel(request, looking, home) if home else {}
        return _page(request, looking, "desk/call.html", **shown)


@router.post("")
def search(request: Request, asking: AskingDeskPerson, told: Annotated[Told, Depends(read_told)]) -> Response:
    """Show the homes that were likely meant: in the page, or for its script alone (`part`).

    A POST, so that what is typed, a name or a telephone number perhaps, is in no address, history or log.
    """
    asked = told.get("q", "").strip()[:LONGEST_QUERY]
    found = calls.found(asking, asked) if asked else []
    template = "desk/call_found.html" if "part" in told else "desk/call.html"
    return _page(request, asking, template, asked=asked, found=found)


@router.get("/panel")
def panel(request: Request, home: HomeCode = "") -> Response:
    """Show what there is to say to a caller from a home, for the script of the page."""
    with writing(request) as looking:
        return _page(request, looking, "desk/call_panel.html", **_panel(request, looking, home))


@router.post("/take")
def take(request: Request, sent: Annotated[Statement, Depends(read_statement)]) -> Response:
    """Take down what the caller said, once, and lead to its ticket."""
    try:
        with writing(request) as changing:
            number = _take(changing, sent)
    except ValidationError as error:
        faults = {str(fault["loc"][0]): in_both(fault) for fault in error.errors()}
        return _untaken(request, sent, 422, faults=faults)
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return _untaken(request, sent, problem.status, refused=problem)
    return RedirectResponse(f"{QUEUE}/tickets/{quote(number)}", 303)


@router.post("/attempt")
def attempt(request: Request, told: Annotated[Told, Depends(read_told)]) -> Response:
    """Note once that the user was called, and reached or not; and show the home again."""
    home, zone = told.get("home", ""), surroundings(request).policy.zone
    try:
        with writing(request) as changing:
            if told.get("what") not in ATTEMPTS:
                raise HTTPException(400)
            made = read_move(EventKind(told["what"]), told, zone)
            if isinstance(made, Mapping):
                raise Problem(422, next(iter(made.values())))
            sent, number = once(CALL, told), told.get("number", "")
            do_once(changing, number, sent, lambda: make_move(changing, number, made))
            changing.notes.update(home=home, ticket=number)
    except Problem as problem:
        if problem.status not in (404, 409, 422):
            raise
        return _untaken(request, Statement(home=home), problem.status, refused=problem)
    return RedirectResponse(f"{CALL}?{urlencode({'home': home})}#call-last", 303)


def _take(changing: Session, sent: Statement) -> str:
    return number_once(changing, sent.once, lambda: _open(changing, sent))


def _open(changing: Session, sent: Statement) -> str:
    adds = sent.about not in ("", NEW)
    report = HomeTicket.model_validate(
        {
            "class": sent.kind or (TicketClass.REPAIR if adds else None),  # what it is added to has its own
            "description": sent.words,
            "contact": sent.contact or None,
            "add_to": sent.about if adds else None,
            "new": sent.about == NEW,
        }
    )
    number = open_in_home(sent.home, changing, report).number
    if sent.responsible:
        make_move(changing, number, Assigned(kind="assigned", responsible=sent.responsible))
    changing.notes.update(home=sent.home, ticket=number)
    return number


def _looking(request: Request, home: str) -> AbstractContextManager[Session]:
    """Open a session that leaves an audit entry if a home is looked at."""
    return writing(request) if home else reading(request)


def _panel(request: Request, looking: Session, home: str, sent: Statement | None = None) -> dict[str, Any]:
    reader = reader_of(request, looking)
    shown = calls.panel(looking, home)
    looking.notes["home"] = home
    home_id = shown["home_id"]
    return {
        "panel": shown,
        **content.day_content(looking, home_id),
        "kinds": KINDS,
        "classes": {name: said(text, reader.language) for name, text in CLASS_TEXTS.items()},
        "sent": sent or Statement(home=home, about=_likely(shown)),
        "NEW": NEW,
    }


def _likely(shown: Mapping[str, Any]) -> str:
    """Return what a call most likely belongs to: the newest open ticket that can be added to."""
    return next((ticket["number"] for ticket in shown["addable"]), NEW)


def _untaken(
    request: Request,
    sent: Statement,
    status: int,
    *,
    faults: Mapping[str, Any] | None = None,
    refused: Problem | None = None,
) -> Response:
    with writing(request) as looking:
        reader = reader_of(request, looking)
        shown = {name: said(text, reader.language) for name, text in (faults or {}).items()}
        detail = refused.details(reader.language).detail if refused else None
        filled = _panel(request, looking, sent.home, sent)
        return _page(request, looking, "desk/call.html", status, **filled, faults=shown, refused=detail)


def _page(request: Request, asking: Session, template: str, status: int = 200, **context: Any) -> Response:
    usual: dict[str, Any] = {"asked": "", "found": None, "panel": None, "faults": {}, "refused": None}
    return desk_page(request, asking, template, status, **{**usual, **context})

"""Routes of a ticket's page. What they change goes through the functions of the API's routes."""

import re
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from api.desk.cases import Followed, follow
from api.desk.desk_routes import Number, make_move
from api.desk.once import do_once
from api.desk_pages.case_forms import follow_forms
from api.desk_pages.contact import REASONS, reveal
from api.desk_pages.forms import NOTHING, SEVERAL, Faults, FormState, Told, faults_of, once, read_body, whole_fault
from api.desk_pages.move_forms import SentMove, read_move
from api.desk_pages.queue import QUEUE
from api.desk_pages.show import AskingDeskPerson, desk_page, others_at, reader_of
from api.desk_pages.ticket import board_links, prepared, ticket_content
from api.http.language import Language, said
from api.http.problem import Problem
from api.http.session import DESK, Session, surroundings
from api.staff.session import StaffRoute, signed_in
from api.words.answers import ANSWERS
from api.words.cases import FOLLOW_TEXTS
from api.words.desk import EVENT_TEXTS, MOVE_TEXTS
from domain.cases import FollowUp
from domain.files import FileKind
from domain.tickets import DISPATCH_MOVES, EventKind
from domain.words.text import Text
from store.base.access import Right

MOST_FIELDS = 40
VERSION = re.compile(r"[0-9]{1,9}")
_BESIDE_TEXTS = {kind: EVENT_TEXTS[kind] for kind in (EventKind.ATTACHED, EventKind.MEASURED)}  # by forms of their own
DONE_TEXTS: Mapping[str, Text] = {
    one.value: text for texts in (MOVE_TEXTS, _BESIDE_TEXTS, FOLLOW_TEXTS) for one, text in texts.items()
}
reading = contextmanager(signed_in(DESK))
writing = contextmanager(signed_in(DESK, Right.WRITE))

router = APIRouter(prefix=f"{QUEUE}/tickets", route_class=StaffRoute, include_in_schema=False)


async def read_told(request: Request) -> Told:
    """Read the fields of a form, the several values of one as one text; files are left out."""
    form = await request.form(max_files=0, max_fields=MOST_FIELDS)
    told: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            told.setdefault(name, []).append(value)
    return {name: SEVERAL.join(values) for name, values in told.items()}


def read_sent(request: Request, told: Annotated[Told, Depends(read_told)]) -> SentMove:
    """Read the form of a move.

    Raises:
        HTTPException: it is not a form of these pages.
    """
    kind, version, key = told.get("move", ""), told.get("version", ""), told.get("key", "")
    if kind not in DISPATCH_MOVES or not VERSION.fullmatch(version):
        raise HTTPException(400)
    found = read_move(EventKind(kind), told, surroundings(request).policy.zone)
    move, faults = (None, found) if isinstance(found, Mapping) else (found, {})
    return SentMove(kind=EventKind(kind), version=int(version), key=key, told=told, move=move, faults=faults)


def read_reason(told: Annotated[Told, Depends(read_told)]) -> str:
    """Read the reason of a look at personal data."""
    return told.get("reason", "").strip()


@dataclass(frozen=True)
class TicketPageQuery:
    """The query keys of a ticket's page: the move that was just made, or a prepared answer to begin with."""

    done: Annotated[str | None, Query(max_length=40)] = None
    answer: Annotated[str | None, Query(max_length=40)] = None
    language: Annotated[Language, Query(alias="in")] = "zh"


@router.get("/{number}")
def ticket(
    request: Request, asking: AskingDeskPerson, number: Number, query: Annotated[TicketPageQuery, Depends()]
) -> Response:
    """Show a ticket."""
    if query.answer is not None and query.answer in ANSWERS:
        text = prepared(query.answer, number, surroundings(request).company.hotline)
        begun = SentMove(kind=EventKind.REPLIED, version=0, key="", told={"text": said(text, query.language)})
        return show_ticket(request, asking, number, sent=begun)
    return show_ticket(request, asking, number, done=query.done)


@router.post("/{number}")
def move(request: Request, number: Number, sent: Annotated[SentMove, Depends(read_sent)]) -> Response:
    """Make a move once and redirect back to the ticket; what is not taken is shown with what was told."""
    if sent.move is None:
        return _untaken(request, number, sent, 422)
    try:
        with writing(request) as changing:
            _take(changing, number, sent)
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return _untaken(request, number, replace(sent, faults=faults_of(problem)), problem.status, problem)
    return RedirectResponse(f"{QUEUE}/tickets/{quote(number)}?done={sent.kind}", 303)


def _take(changing: Session, number: str, sent: SentMove) -> None:
    """Make the move of a form, however often the form is sent."""
    move = sent.move
    assert move is not None
    do_once(changing, number, sent.once, lambda: make_move(changing, number, move, sent.version))


def _untaken(request: Request, number: str, sent: SentMove, status: int, problem: Problem | None = None) -> Response:
    """Show a ticket as it is now beside a form that was not taken."""
    conflict = problem is not None and "events" in problem.members
    with reading(request) as asking:
        refused = problem if status == 409 and not conflict else None
        return show_ticket(request, asking, number, status=status, sent=sent, conflict=conflict, refused=refused)


@router.post("/{number}/follow-ups")
def follow_up(request: Request, number: Number, told: Annotated[Told, Depends(read_told)]) -> Response:
    """Make a follow-up of a case, once, and lead back to its ticket."""
    read = read_body(Followed, told, surroundings(request).policy.zone)
    if not isinstance(read, Followed):
        return _unfollowed(request, number, told, 422, read)
    try:
        with writing(request) as changing:
            do_once(changing, number, once("follow", told), lambda: follow(number, changing, read))
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return _unfollowed(request, number, told, problem.status, faults_of(problem))
    return RedirectResponse(f"{QUEUE}/tickets/{quote(number)}?done={read.what}", 303)


def _unfollowed(request: Request, number: str, told: Told, status: int, faults: Faults) -> Response:
    what = next((one for one in FollowUp if one == told.get("what")), None)
    with reading(request) as asking:
        state = FormState(told=told, faults=faults)
        return show_ticket(request, asking, number, status=status, unfollowed=(what, state))


@router.post("/{number}/contact")
def contact(request: Request, number: Number, reason: Annotated[str, Depends(read_reason)]) -> Response:
    """Show how to reach the user, or who made a complaint, against a reason."""
    try:
        with writing(request) as changing:
            revealed = reveal(changing, number, reason)
    except Problem as problem:
        if problem.status != 422:
            raise
        with reading(request) as asking:
            return show_ticket(request, asking, number, status=422, unrevealed=problem)
    with reading(request) as asking:
        return show_ticket(request, asking, number, revealed=revealed)


def show_ticket(
    request: Request,
    asking: Session,
    number: str,
    *,
    status: int = 200,
    sent: SentMove | None = None,
    conflict: bool = False,
    **outcome: Any,
) -> Response:
    """Render a ticket's page with the outcome of a form: done, refused, revealed or unrevealed."""
    reader = reader_of(request, asking)
    shown = ticket_content(asking, number, reader, sent, conflict=conflict)
    present = others_at(asking, [shown["ticket"]["ticket_id"]])
    boards = board_links(surroundings(request).company.boards, shown["place"], reader.language)
    done, refused, unrevealed = (outcome.get(name) for name in ("done", "refused", "unrevealed"))
    what, state = outcome.get("unfollowed") or (None, NOTHING)
    return desk_page(
        request,
        asking,
        "desk/ticket.html",
        status,
        **shown,
        board_links=boards,
        present=present.get(shown["ticket"]["ticket_id"], []),
        done=said(DONE_TEXTS[done], reader.language) if done and done in DONE_TEXTS else None,
        file_kinds=list(FileKind),
        follow_ups=follow_forms(shown["case"], reader.language, what, state) if shown["may_follow"] else [],
        lost=whole_fault(state.faults, {"note"}, reader.language) if status == 409 else None,
        faulty=status == 422 and sent is not None,
        refused=refused.details(reader.language).detail if refused else None,
        revealed=outcome.get("revealed"),
        unrevealed=unrevealed.details(reader.language).detail if unrevealed else None,
        reasons=REASONS,
        at_feed=reader.at,
    )

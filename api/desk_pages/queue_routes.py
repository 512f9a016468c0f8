"""Routes of the queue's page, and of what keeps it up to date."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from api.desk_pages.queue import QUEUE, QueueQuery, QueueReader, choices, queue_content
from api.desk_pages.queue_board import QueueBoard, QueueMoment
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.http.language import Language
from api.http.session import Session
from api.live import live_routes
from api.live.live_routes import AtTicket, EventsQuery, LastEventId, ListenerStream
from api.pages import visit
from api.pages.render import SCRIPT_POLICY, page
from api.staff.frame import language_of
from api.staff.session import StaffRoute, person_of, shown_token
from store.figures.live_feed import FeedKind
from store.tickets import ticket_pages
from store.tickets.presence_rows import Doing

Queued = Annotated[QueueQuery, Depends()]

router = APIRouter(prefix=QUEUE, route_class=StaffRoute, include_in_schema=False)


@router.get("")
def queue(request: Request, asking: AskingDeskPerson, query: Queued) -> Response:
    """Show the queue."""
    return _queue(request, asking, query)


@router.get("/rows")
def rows(request: Request, asking: AskingDeskPerson, query: Queued) -> Response:
    """Show the part of the queue that changes, for the page that is open."""
    return rows_answer(asking, _moment(request, asking), query, language_of(request, asking))


def rows_answer(asking: Session, moment: QueueMoment, query: QueueQuery, language: Language) -> Response:
    """Answer with the part of the queue that changes."""
    content = queue_content(asking, moment, query, QueueReader(person_of(asking), language))
    answer = page("desk/live.html", language, **content)
    answer.headers["Content-Security-Policy"] = SCRIPT_POLICY
    return answer


def _moment(request: Request, asking: Session) -> QueueMoment:
    board: QueueBoard = request.app.state.queue_board
    return board.moment(asking.conn, asking.now)


def _queue(request: Request, asking: Session, query: QueueQuery, missing: str | None = None) -> Response:
    moment, language = _moment(request, asking), language_of(request, asking)
    shown = queue_content(asking, moment, query, QueueReader(person_of(asking), language))
    options = choices(asking, moment, language)
    return desk_page(request, asking, "desk/queue.html", **shown, options=options, missing=missing)


@router.get("/events", response_class=ListenerStream)
async def events(
    request: Request,
    asking: AskingDeskPerson,
    after: Annotated[str | None, Query(max_length=20_000)] = None,
    ticket: AtTicket = None,
    doing: Doing = Doing.LOOKING,
    last_event_id: LastEventId = None,
) -> ListenerStream:
    """Stream what happens to tickets, to a page that is open: from where it was read (`after`) on.

    As long as it is open, others are told that its person is at `ticket`.
    """
    bearer = visit.as_bearer(shown_token(request) or "")
    query = EventsQuery([FeedKind.TICKET], presence=True, ticket=ticket, doing=doing)
    return await live_routes.events(request, bearer, asking, query, last_event_id or after)


@router.get("/find")
def find_ticket(
    request: Request, asking: AskingDeskPerson, number: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """Open a ticket by its number; digits alone are enough."""
    wanted = number.strip().upper().removeprefix("T")
    wanted = f"T{wanted:0>8}" if wanted.isdecimal() and wanted.isascii() else number.strip()
    if "\x00" not in wanted and ticket_pages.ticket_id(asking.conn, asking.scope, wanted) is not None:
        return RedirectResponse(f"{QUEUE}/tickets/{quote(wanted)}", 303)
    answer = _queue(request, asking, QueueQuery(), missing=number.strip())
    answer.status_code = 404
    return answer

"""The page of peers: what waits, what failed and why, send again, pass on; for leaders the three rates."""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import RedirectResponse, Response

from api.desk_pages.forms import Told
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.desk_pages.ticket_routes import read_told
from api.exchange.exchange_routes import give_up, rates_of, send_again, send_to
from api.http.language import said
from api.http.problem import Problem
from api.http.session import DESK, LEADERS, Session
from api.pages.render import Times
from api.staff.frame import language_of
from api.staff.session import StaffRoute, signed_in
from domain.words.text import Text
from store.base.access import Right
from store.base.rows import Row
from store.exchange import exchange_pages
from store.exchange.exchange_pages import MessageFilter

PEERS = "/desk/peers"
MOST_SHOWN = 100
UNSENT = ("failed", "waiting", "sending")
PeerName = Annotated[str, Path(max_length=40, pattern=r"^[^\x00]+$")]
reading = contextmanager(signed_in(DESK))
writing = contextmanager(signed_in(DESK, Right.WRITE))

router = APIRouter(prefix=PEERS, route_class=StaffRoute, include_in_schema=False)


@router.get("")
def peers(request: Request, asking: AskingDeskPerson, done: Annotated[bool, Query()] = False) -> Response:
    """Show the peers, and what waits and what failed."""
    return _page(request, asking, done=done)


@router.post("/messages/{key}/again")
def again(request: Request, key: UUID) -> Response:
    """Send a failed message again."""
    return _done(request, lambda changing: send_again(changing, key))


@router.post("/messages/{key}/pass-over")
def pass_over(request: Request, key: UUID) -> Response:
    """Give a failed message up."""
    return _done(request, lambda changing: give_up(changing, key))


@router.post("/{peer}/tickets")
def pass_on(request: Request, peer: PeerName, told: Annotated[Told, Depends(read_told)]) -> Response:
    """Pass a ticket on to a peer."""
    number = told.get("ticket", "").strip()[:40]
    return _done(request, lambda changing: send_to(changing, number, peer))


def _done(request: Request, act: Callable[[Session], None]) -> Response:
    """Do what a form asks for; a refusal is shown on the page."""
    try:
        with writing(request) as changing:
            act(changing)
    except Problem as problem:
        if problem.status not in (404, 409):
            raise
        with reading(request) as asking:
            return _page(request, asking, refused=problem.detail, status=problem.status)
    return RedirectResponse(f"{PEERS}?done=true", 303)


def _page(
    request: Request, asking: Session, *, done: bool = False, refused: Text | str | None = None, status: int = 200
) -> Response:
    language = language_of(request, asking)
    times = Times(language, asking.policy.zone, asking.now)
    rows = [
        _shown(row, times)
        for state in UNSENT
        for row in exchange_pages.messages(asking.conn, MessageFilter(state=state), limit=MOST_SHOWN)
    ]
    return desk_page(
        request,
        asking,
        "desk/peers.html",
        status,
        peers=[_shown(row, times) for row in exchange_pages.peers(asking.conn, asking.now)],
        messages=rows,
        refused_messages=[_shown(row, times) for row in exchange_pages.refused(asking.conn, MOST_SHOWN)],
        rates=rates_of(asking, None) if asking.asker.role in LEADERS else None,
        may_write=Right.WRITE in asking.asker.rights,
        done=done,
        refused=said(refused, language) if refused else None,
    )


def _shown(row: Row, times: Times) -> dict[str, Any]:
    """Return a row with its instants as they are shown."""
    return {key: times.at(value) if key.endswith("_at") and value else value for key, value in row.items()}

"""Routes of the exchange for the staff: peers, messages that wait or failed, numbers of a ticket, the three rates."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.desk.desk_routes import Number, find
from api.figures.kpi import Asked
from api.http.paging import Page, Paged
from api.http.problem import Problem
from api.http.session import AskingDesk, AskingLeaders, ChangingDesk, Session
from api.http.values import Instant
from api.words import exchange
from domain.kpi import Month, share
from store.exchange import exchange_pages, peer_rows
from store.exchange.exchange_pages import MessageFilter

GIVE_UP = timedelta(days=3)
MOST_REFUSED = 100
PeerName = Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]+$")]
MessageState = Literal["waiting", "sending", "sent", "failed", "passed_over"]

router = APIRouter(prefix="/v1", tags=["exchange"])


class PeerSummary(BaseModel):
    """A peer: what it is sent and told, and how it goes. `refused`: of the last seven days."""

    name: str
    classes: list[str]
    tells: list[str]
    ended_at: Instant | None
    cases: int
    open: int
    waiting: int
    failed: int
    refused: int
    sent_at: Instant | None
    received_at: Instant | None


class PeerTold(BaseModel):
    """A message to a peer. `reason` and `detail` are of the last attempt that failed."""

    key: str
    peer: str
    ticket: str
    their_number: str | None
    event: str
    created_at: Instant
    state: MessageState
    attempts: int
    due_at: Instant | None
    finished_at: Instant | None
    reason: str | None
    detail: str | None


class RefusedPeerMessage(BaseModel):
    """Something that a peer sent and that was refused."""

    peer: str
    message: str
    received_at: Instant
    reason: str | None


class PeerCase(BaseModel):
    """A peer that has a ticket: its number, and its clocks beside ours."""

    peer: str
    their_number: str | None
    is_theirs: bool
    linked_at: Instant
    respond_by: Instant | None
    responded_at: Instant | None
    resolve_by: Instant | None
    resolved_at: Instant | None
    satisfied: bool | None
    rated_at: Instant | None
    ended_at: Instant | None


class PeerRates(BaseModel):
    """The three rates of a peer in a month, each with its counts; null: none was due, or rated."""

    peer: str
    response: float | None
    response_due: int
    response_met: int
    solution: float | None
    solution_due: int
    solution_met: int
    satisfaction: float | None
    rated: int
    satisfied: int


class PeerWish(BaseModel):
    """A peer that is to have a ticket."""

    peer: str = Field(min_length=1, max_length=40, pattern=r"^[^\x00]+$")


@router.get("/peers")
def peers(asking: AskingDesk) -> list[PeerSummary]:
    """List the peers, and what waits and failed of each."""
    return [PeerSummary.model_validate(row) for row in exchange_pages.peers(asking.conn, asking.now)]


@router.get("/peers/messages")
def messages(
    asking: AskingDesk, paged: Paged, peer: PeerName = None, state: MessageState | None = None
) -> Page[PeerTold]:
    """List what peers are told, newest first."""
    wanted = MessageFilter(peer, state)
    rows = exchange_pages.messages(asking.conn, wanted, before=paged.id(), limit=paged.fetched)
    return paged.page(rows, PeerTold, "number")


@router.get("/peers/refused")
def refused(asking: AskingDesk) -> list[RefusedPeerMessage]:
    """List the latest that peers sent and that was refused, with the reason."""
    return [RefusedPeerMessage.model_validate(row) for row in exchange_pages.refused(asking.conn, MOST_REFUSED)]


@router.post("/peers/messages/{key}/again", status_code=204)
def again(key: UUID, changing: ChangingDesk) -> None:
    """Have a failed message sent again; what waits behind it follows."""
    send_again(changing, key)


@router.post("/peers/messages/{key}/pass-over", status_code=204)
def pass_over(key: UUID, changing: ChangingDesk) -> None:
    """Give a failed message up, so that what waits behind it goes on."""
    give_up(changing, key)


@router.get("/tickets/{number}/peers")
def ticket_peers(number: Number, asking: AskingDesk) -> list[PeerCase]:
    """List the peers that have a ticket: one case, two numbers."""
    found = find(asking, number)
    return [PeerCase.model_validate(row) for row in exchange_pages.cases(asking.conn, found["number"])]


@router.post("/tickets/{number}/peers", status_code=204)
def pass_on(number: Number, wish: PeerWish, changing: ChangingDesk) -> None:
    """Pass a ticket on to a peer; it hears of it and of what happens from then on."""
    send_to(changing, number, wish.peer)


@router.get("/peers/rates")
def rates(asking: AskingLeaders, wanted: Asked = None) -> list[PeerRates]:
    """Get the three rates of each peer: answered, solved in time by its clocks, and users satisfied."""
    return [PeerRates.model_validate(row) for row in rates_of(asking, wanted)]


def rates_of(asking: Session, wanted: str | None) -> list[dict[str, object]]:
    """Return the rates of a month."""
    zone = asking.policy.zone
    month = Month.parse(wanted) if wanted else Month.of(asking.now, zone)
    start, end = month.span(zone)
    rows = exchange_pages.rates(asking.conn, start, end, asking.now)
    return [
        {
            **row,
            "response": share(row["response_met"], row["response_due"]),
            "solution": share(row["solution_met"], row["solution_due"]),
            "satisfaction": share(row["satisfied"], row["rated"]),
        }
        for row in rows
    ]


def send_again(changing: Session, key: UUID) -> None:
    """Have a failed message sent again.

    Raises:
        Problem: 409, there is no such failed message.
    """
    rules = changing.policy.rules_at(changing.now).notices
    seconds = rules.give_up_s if rules else int(GIVE_UP.total_seconds())
    if not peer_rows.send_again(changing.conn, key, changing.now, seconds):
        raise Problem(409, exchange.NOT_FAILED)


def give_up(changing: Session, key: UUID) -> None:
    """Pass over a failed message.

    Raises:
        Problem: 409, there is no such failed message.
    """
    if not peer_rows.pass_over(changing.conn, key, changing.now):
        raise Problem(409, exchange.NOT_FAILED)


def send_to(changing: Session, number: str, peer: str) -> None:
    """Pass a ticket on to a peer.

    Raises:
        Problem: 404, 409.
    """
    found = find(changing, number)
    if not exchange_pages.pass_on(changing.conn, peer, found["number"], changing.now):
        raise Problem(409, exchange.NOT_PASSED_ON)

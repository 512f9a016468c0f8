"""Routes for applications for heat: received, listed, signed, counted. Their steps are events of their tickets."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.desk import applications
from alerts.desk.applications import Applicant, AppliedBefore
from alerts.desk.moves import MOST_OPEN_OF_A_USER
from alerts.desk.offers import offers
from api.answers import models
from api.desk.application_moves import Area
from api.desk.desk_routes import Number, Station, Told, find, may_move, refusals
from api.desk.move_bodies import Line, Words
from api.desk.statements import ChangingUser
from api.homes.home_routes import Code, home_id
from api.http.paging import Page, Paged
from api.http.problem import FieldFault, Problem, invalid, no_such, too_many
from api.http.session import AskingUserOrDesk, ChangingDesk, ChangingUserOrDesk, Session
from api.http.values import Instant
from api.words import problems
from domain.applications import ApplicationKind, Document, NewApplication
from domain.tickets import TicketSource
from store.base.access import Role
from store.base.numbers import ticket_number
from store.base.rows import Row
from store.tickets import application_rows, ticket_pages, ticket_rows
from store.tickets.application_rows import ApplicationFilter, ApplicationView

Papers = Annotated[list[Document], Field(min_length=1, max_length=len(Document))]

router = APIRouter(prefix="/v1", tags=["applications"])


class Application(BaseModel):
    """An application for heat. Its ticket has the clocks and events."""

    number: str
    kind: ApplicationKind
    state: models.TicketState
    ending: str | None
    home: str | None
    building: str | None
    station: str | None
    documents: list[Document]
    area_m2: Decimal | None
    opened_at: Instant
    answer_due_at: Instant | None
    answered_at: Instant | None
    next_clock: str | None
    next_due_at: Instant | None
    heat_notice: str | None
    closed_at: Instant | None


class NeighbourHome(BaseModel):
    """Another home of the building that is stopped, or too cold now."""

    home: str
    unit: str
    stopped: bool
    cold: bool


class ApplicationDetail(Application):
    """An application with the moves that it takes now; neighbours of a home that is to be stopped, for the desk."""

    moves: list[str]
    neighbours: list[NeighbourHome] | None


class NewHomeApplication(BaseModel):
    """An application for a home, with the documents handed in. A customer's comes from the user, whatever it says.

    `contact`: who applies and how to reach them; of a change of name, the new name. It stands in no event.
    """

    model_config = ConfigDict(extra="forbid")

    kind: ApplicationKind
    documents: Papers
    text: Words | None = None
    contact: Line | None = None
    area_m2: Area | None = None
    source: Told = "phone"

    @model_validator(mode="after")
    def _area(self) -> "NewHomeApplication":
        if self.kind is ApplicationKind.NEW_LOAD:
            raise ValueError("a new load is of a building: POST /v1/applications")
        if (self.kind is ApplicationKind.CHANGE_AREA) != (self.area_m2 is not None):
            raise ValueError("give area_m2 for a change of area, and only then")
        return self


class NewLoad(BaseModel):
    """The new load of a developer: a building of the registry, and its heated area."""

    model_config = ConfigDict(extra="forbid")

    building: Line
    documents: Papers
    area_m2: Area
    text: Words | None = None
    contact: Line | None = None
    source: Told = "letter"


class ContractSignature(BaseModel):
    """The signature of a user under a contract; `offer`: `seq` of the event that offered it."""

    model_config = ConfigDict(extra="forbid")

    offer: Annotated[int, Field(ge=1, le=2**31 - 1)]


@dataclass(frozen=True)
class ApplicationQuery:
    """The query keys of the list of applications."""

    view: ApplicationView = ApplicationView.ALL
    kind: ApplicationKind | None = None
    station: Station = None


@router.get("/applications")
def listed(asking: AskingUserOrDesk, paged: Paged, query: Annotated[ApplicationQuery, Depends()]) -> Page[Application]:
    """List applications, newest first; customers see their own."""
    kind = query.kind.value if query.kind else None
    wanted = ApplicationFilter(now=asking.now, view=query.view, kind=kind, station=query.station)
    rows = application_rows.applications(asking.conn, asking.scope, wanted, after=paged.id(), limit=paged.fetched)
    return paged.page(rows, Application, "ticket_id")


@router.get("/applications/{number}")
def application(number: Number, asking: AskingUserOrDesk) -> ApplicationDetail:
    """Get an application by the number of its ticket."""
    return detail(asking, number)


@router.post("/homes/{code}/applications", status_code=201)
def apply_for_home(code: Code, changing: ChangingUserOrDesk, wanted: NewHomeApplication) -> ApplicationDetail:
    """Receive an application for a home (5(1)). Customers may apply for their own homes only."""
    new = NewApplication(
        kind=wanted.kind,
        documents=tuple(dict.fromkeys(wanted.documents)),
        home_id=home_id(changing, code),
        area_m2=wanted.area_m2,
    )
    return receive(changing, new, wanted)


@router.post("/applications", status_code=201)
def apply_for_building(changing: ChangingDesk, wanted: NewLoad) -> ApplicationDetail:
    """Receive the application of a developer for a new load (5(6)): a building that the registry has."""
    building = ticket_pages.building_id(changing.conn, wanted.building)
    if building is None:
        raise invalid(FieldFault("building", problems.NO_SUCH_CODE))
    new = NewApplication(
        kind=ApplicationKind.NEW_LOAD,
        documents=tuple(dict.fromkeys(wanted.documents)),
        building_id=building,
        area_m2=wanted.area_m2,
    )
    return receive(changing, new, wanted)


@router.post("/applications/{number}/signature", status_code=201)
def sign(number: Number, changing: ChangingUser, signed: ContractSignature) -> ApplicationDetail:
    """Sign the contract that was offered. For customers: what is signed on paper, the desk notes as an event."""
    make_signature(changing, number, signed)
    return detail(changing, number)


def make_signature(changing: Session, number: str, signed: ContractSignature) -> None:
    """Record the signature of a customer.

    Raises:
        Problem: 404; 409, there is nothing to sign, or it has changed; 429.
    """
    if seconds := changing.limiter.wait_statement(changing.asker.actor):
        raise too_many(seconds)
    ticket = ticket_pages.ticket_id(changing.conn, changing.scope, number)
    if ticket is None:
        raise no_such("application")
    with refusals(changing):
        applications.sign(changing.conn, changing.policy, ticket, signed.offer, changing.now, changing.asker.actor)


def receive(changing: Session, new: NewApplication, wanted: NewHomeApplication | NewLoad) -> ApplicationDetail:
    """Receive an application.

    Raises:
        Problem: 409, one of the same kind is open there, or a customer has too many open tickets.
    """
    is_user = changing.asker.role is Role.CUSTOMER
    source = TicketSource.USER if is_user else TicketSource(wanted.source)
    if is_user and new.home_id and ticket_rows.open_of_user(changing.conn, new.home_id) >= MOST_OPEN_OF_A_USER:
        raise Problem(409, problems.TOO_MANY_TICKETS)
    by = Applicant(source, wanted.text or "", wanted.contact)
    try:
        made = applications.apply(changing.conn, changing.policy, new, by, changing.now, changing.asker.actor)
    except AppliedBefore as error:
        raise Problem(409, problems.APPLIED_BEFORE.fill(number=error.number)) from None
    number = ticket_number(made)
    changing.notes["ticket"] = number
    return detail(changing, number)


def detail(asking: Session, number: str) -> ApplicationDetail:
    """Read an application within scope.

    Raises:
        Problem: 404.
    """
    found = application_rows.application(asking.conn, asking.scope, number, asking.now)
    if found is None:
        raise no_such("application")
    ticket = find(asking, number)
    for_desk = asking.asker.role is not Role.CUSTOMER
    open_now = offers(asking.conn, asking.policy, ticket, asking.now).open if for_desk else []
    moves = [kind.value for kind in open_now if may_move(asking, kind)]
    return ApplicationDetail.model_validate({**found, "moves": moves, "neighbours": neighbours(asking, found, ticket)})


def neighbours(asking: Session, found: Row, ticket: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Read the stopped and cold homes beside one that is to be stopped, for those who decide on it; None: not asked."""
    if asking.asker.role is Role.CUSTOMER or found["kind"] is not ApplicationKind.STOP:
        return None
    return [one._asdict() for one in application_rows.neighbours(asking.conn, ticket["home_id"], asking.now)]

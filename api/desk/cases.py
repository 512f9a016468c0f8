"""Routes for complaints and reports of wrongdoing: filed by customers or by the repair desk, which follows them up.

The identity of a complainant is revealed to supervisors only, against a reason. Customers see their own cases.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from alerts.desk.cases import CaseStep, NotNow, follow_up, open_case
from api.desk.move_bodies import Line, Words
from api.homes.home_routes import home_id
from api.http.paging import Page, Paged, Paging
from api.http.problem import FieldFault, Problem, RecordedRefusal, invalid, no_such, too_many
from api.http.session import UNNAMED, AskingUserOrDesk, ChangingDesk, ChangingLeaders, ChangingUserOrDesk, Session
from api.http.values import Instant
from api.words import problems
from domain.cases import CaseChannel, FollowUp, NewCase, Reveal, Subject
from domain.words.desk import REVEAL_TEXTS
from store.base import access
from store.base.access import EVERYWHERE, Right, Role, Scope
from store.base.numbers import ticket_number
from store.base.rows import Row
from store.tickets import case_rows, ticket_pages
from store.tickets.case_rows import CaseView
from store.tickets.ticket_rows import TicketPlace, lock_place

Number = Annotated[str, Path(max_length=40, pattern=r"^[^\x00]+$")]
Station = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
Story = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=500, pattern=r"^[^\x00]*$")]
CaseClass = Literal["complaint", "report"]
FOLLOW_UPS = ("escalated_at", "supervised_at", "published_at", "example_at")
BY_USER = "user"  # the actor on record; which user it was is kept apart
MOST_OPEN = 5  # open cases over all homes of a customer

router = APIRouter(prefix="/v1", tags=["cases"])


class CaseSort(StrEnum):
    """The order of a list of cases."""

    NEWEST = "newest"
    DUE = "due"  # by the time by which they are to be answered


class Case(BaseModel):
    """A complaint or a report. Its ticket has the clocks and events; the complainant's identity is kept apart."""

    number: str
    class_: CaseClass = Field(alias="class")
    state: str
    subject: Subject
    channel: CaseChannel
    about_station: str | None
    text: str
    anonymous: bool
    opened_at: Instant
    answer_due_at: Instant | None
    answered_at: Instant | None
    closed_at: Instant | None
    escalated_at: Instant | None
    supervised_at: Instant | None
    published_at: Instant | None
    example_at: Instant | None


class CaseReport(BaseModel):
    """A case to file. Everyone working on the case reads `text`: it should not name the complainant.

    For a customer the channel is always online, and the home is theirs; with several homes, `home` says which.
    """

    model_config = ConfigDict(extra="forbid")

    kind: CaseClass = Field(alias="class")
    subject: Subject
    channel: CaseChannel | None = None
    text: Story
    about_station: Line | None = None
    anonymous: bool = False
    name: Line | None = None
    phone: Line | None = None
    home: Line | None = None

    @model_validator(mode="after")
    def _nobody(self) -> "CaseReport":
        if self.anonymous and (self.name or self.phone or self.home):
            raise ValueError("an anonymous case takes neither name nor phone nor home")
        return self


class Followed(BaseModel):
    """A follow-up of a case besides its answer."""

    model_config = ConfigDict(extra="forbid")

    what: FollowUp
    note: Words


class RevealRequest(BaseModel):
    """The reason for revealing a complainant's identity."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class Identity(BaseModel):
    """The identity of a complainant. Each request for it is on record."""

    name: str | None
    phone: str | None
    home: str | None


@dataclass(frozen=True)
class CaseQuery:
    """The query keys of the list of cases."""

    kind: Annotated[CaseClass | None, Query(alias="class")] = None
    subject: Subject | None = None
    station: Station = None
    is_open: Annotated[bool | None, Query(alias="open")] = None
    view: CaseView = CaseView.ALL
    sort: Annotated[CaseSort, Query(description="order; a cursor continues in the order it was issued for")] = (
        CaseSort.NEWEST
    )

    def filter(self, now: datetime) -> case_rows.CaseFilter:
        """Return the filter of these keys."""
        return case_rows.CaseFilter(
            view=self.view,
            now=now,
            case_class=self.kind,
            subject=self.subject,
            station=self.station,
            is_open=self.is_open,
        )


@router.get("/cases")
def cases(asking: AskingUserOrDesk, paged: Paged, query: Annotated[CaseQuery, Depends()]) -> Page[Case]:
    """List cases, newest first by default; customers see their own."""
    rows, following = listed(asking, query.filter(asking.now), query.sort, paged)
    return Page(items=[Case.model_validate(_seen(row, asking)) for row in rows], next=following)


def listed(
    asking: Session, wanted: case_rows.CaseFilter, sort: CaseSort, paged: Paging
) -> tuple[list[Row], str | None]:
    """Read a page of cases, and the cursor of the next one."""
    if sort is CaseSort.DUE:
        after = paged.position()
        rows = case_rows.cases_by_due(asking.conn, asking.scope, wanted, after=after, limit=paged.fetched)
        return paged.cut(rows, "place_at", "ticket_id")
    rows = case_rows.cases(asking.conn, asking.scope, wanted, before=paged.id(), limit=paged.fetched)
    return paged.cut(rows, "ticket_id")


@router.get("/cases/{number}")
def case(number: Number, asking: AskingUserOrDesk) -> Case:
    """Get a case by the number of its ticket."""
    return _answer(asking, number)


@router.post("/cases", status_code=201)
def take(changing: ChangingUserOrDesk, taken: CaseReport) -> Case:
    """File a complaint or a report. The complainant's identity cannot be read back here."""
    if changing.asker.role is Role.CUSTOMER:
        return complain(changing, taken)
    if taken.channel is None:
        raise invalid(FieldFault("channel", problems.REQUIRED))
    home = home_id(changing, taken.home) if taken.home is not None else None
    number = _open(changing, taken, taken.channel, home, changing.asker.actor)
    changing.notes["ticket"] = number
    return _answer(changing, number)


def complain(changing: Session, taken: CaseReport) -> Case:
    """File a customer's complaint. Neither its record nor the audit log links it to the customer.

    Raises:
        Problem: 404, the home is not theirs; 409 and 429, too many; 422, the customer has several homes and named none.
    """
    if taken.anonymous:
        changing.notes[UNNAMED] = True
    home = None if taken.anonymous else _own_home(changing, taken)
    for own in sorted(changing.scope.own_homes):  # the next count then sees what this one wrote
        lock_place(changing.conn, TicketPlace(home=own))
    if case_rows.open_of_homes(changing.conn) >= MOST_OPEN:
        raise Problem(409, problems.TOO_MANY_CASES)
    if seconds := changing.limiter.wait_case(changing.asker.actor):
        raise too_many(seconds)
    with _as_desk(changing):
        number = _open(changing, taken, CaseChannel.ONLINE, home, BY_USER)
        return _answer(changing, number, EVERYWHERE)


def _own_home(changing: Session, taken: CaseReport) -> int:
    if taken.home is not None:
        return home_id(changing, taken.home)
    if len(changing.scope.own_homes) != 1:
        raise invalid(FieldFault("home", problems.WHICH_HOME))
    return changing.scope.own_homes[0]


@contextmanager
def _as_desk(changing: Session) -> Iterator[None]:
    """Widen the scope while a customer's case is inserted: until it is linked, it lies outside the customer's scope."""
    access.enter(changing.conn, EVERYWHERE)
    yield
    access.enter(changing.conn, changing.scope, changing.asker.role, changing.asker.rights)


def _open(changing: Session, taken: CaseReport, channel: CaseChannel, home: int | None, actor: str) -> str:
    """Open a case and return its number."""
    if taken.about_station is not None and not ticket_pages.has_station(changing.conn, taken.about_station):
        raise invalid(FieldFault("about_station", problems.NO_SUCH_STATION))
    new = NewCase(
        case_class=taken.kind,
        subject=taken.subject,
        channel=channel,
        text=taken.text,
        about_station=taken.about_station,
        anonymous=taken.anonymous,
        name=taken.name,
        phone=taken.phone,
        home_id=home,
    )
    return ticket_number(open_case(changing.conn, changing.policy, new, changing.now, actor))


@router.post("/cases/{number}/follow-ups", status_code=201)
def follow(number: Number, changing: ChangingDesk, followed: Followed) -> Case:
    """Escalate a case, put it under supervision, publish its outcome or make it an example; each once."""
    conn, actor = changing.conn, changing.asker.actor
    try:
        step = CaseStep(number, followed.what, followed.note)
        found = follow_up(conn, changing.policy, step, changing.now, actor)
    except NotNow as error:
        raise Problem(409, problems.FOLLOW_UP_REFUSED.fill(reason=error)) from None
    if not found:
        raise no_such("case")
    changing.notes["what"] = followed.what.value
    return _answer(changing, number)


@router.post("/cases/{number}/identity")
def identity(number: Number, changing: ChangingLeaders, asked: RevealRequest) -> Identity:
    """Reveal a complainant's identity. Each request is recorded with its reason."""
    found = case_rows.case(changing.conn, changing.scope, number)
    if found is None:
        raise no_such("case")
    told = case_rows.RevealedIdentity(Reveal.ROLE, None, None, None)
    if Right.REVEAL in changing.asker.rights:
        request = case_rows.IdentityRequest(
            changing.asker.actor, changing.asker.role.value, changing.scope.own_station, asked.reason
        )
        told = case_rows.reveal(changing.conn, found["ticket_id"], request, changing.now)
    changing.notes["outcome"] = told.outcome.value
    if told.outcome not in (Reveal.SHOWN, Reveal.UNKNOWN):
        raise RecordedRefusal(403, REVEAL_TEXTS[told.outcome])
    return Identity(name=told.name, phone=told.phone, home=told.home)


def _answer(asking: Session, number: str, scope: Scope | None = None) -> Case:
    found = case_rows.case(asking.conn, scope or asking.scope, number)
    if found is None:
        raise no_such("case")
    return Case.model_validate(_seen(found, asking))


def _seen(row: Row, asking: Session) -> Row:
    """Redact a case for the caller: follow-ups are for staff only."""
    return {**row, **dict.fromkeys(FOLLOW_UPS)} if asking.asker.role is Role.CUSTOMER else row

"""Complaints and reports: made by customers or taken down by the desk, which follows them up.

Who made one is told to leaders with a reason. Customers see their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from alerts.desk.cases import NotNow, follow_up, open_case
from api.desk.moves import Line, Words
from api.homes.home_routes import home_id
from api.http.paging import Page, Paged
from api.http.problem import FieldFault, Problem, invalid, no_such, too_many
from api.http.session import UNNAMED, AskingUserOrDesk, ChangingDesk, ChangingLeaders, ChangingUserOrDesk, Session
from api.http.values import Instant
from domain.cases import REVEAL_TEXTS, CaseChannel, FollowUp, NewCase, Reveal, Subject
from domain.reasons import Text
from store.base import access
from store.base.access import EVERYWHERE, Right, Role, Scope
from store.base.rows import Row
from store.tickets import case_rows, desk_pages
from store.tickets.ticket_rows import TicketPlace, lock_place

Number = Annotated[str, Path(max_length=40, pattern=r"^[^\x00]+$")]
Station = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
Story = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=500, pattern=r"^[^\x00]*$")]
CaseClass = Literal["complaint", "report"]
FOLLOW_UPS = ("escalated_at", "supervised_at", "published_at", "example_at")
BY_USER = "user"  # in the record: which one stands behind its door
MOST_OPEN = 5  # cases of one customer's homes

router = APIRouter(prefix="/v1", tags=["cases"])


class Case(BaseModel):
    """A complaint or a report. Its ticket has the clocks and the events; who made it is asked for apart."""

    number: str
    class_: CaseClass = Field(alias="class")
    state: str
    subject: Subject
    channel: CaseChannel
    about_station: str | None
    text: str
    anonymous: bool
    opened_at: Instant
    closed_at: Instant | None
    escalated_at: Instant | None
    supervised_at: Instant | None
    published_at: Instant | None
    example_at: Instant | None


class CaseReport(BaseModel):
    """A case as it is made. `text` is read by those who work on it: no names of who complains.

    What a customer makes comes in online, whatever is said, from its home: of several it says which one.
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
            raise ValueError("of who wants to stay unknown, neither name nor phone nor home is taken")
        return self


class Followed(BaseModel):
    """What the company does about a case beside answering it."""

    model_config = ConfigDict(extra="forbid")

    what: FollowUp
    note: Words


class RevealRequest(BaseModel):
    """Why somebody has to know who made a case."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class Identity(BaseModel):
    """Who made a case. That it was asked for is on record."""

    name: str | None
    phone: str | None
    home: str | None


@router.get("/cases")
def cases(
    asking: AskingUserOrDesk,
    paged: Paged,
    kind: Annotated[CaseClass | None, Query(alias="class")] = None,
    subject: Subject | None = None,
    station: Station = None,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
) -> Page[Case]:
    """Cases, newest first; a customer's own."""
    wanted = case_rows.CaseFilter(case_class=kind, subject=subject, station=station, is_open=is_open)
    rows = case_rows.cases(asking.conn, asking.scope, wanted, before=paged.id(), limit=paged.fetched)
    return paged.page([_seen(row, asking) for row in rows], Case, "ticket_id")


@router.get("/cases/{number}")
def case(number: Number, asking: AskingUserOrDesk) -> Case:
    """A case by the number of its ticket."""
    return _answer(asking, number)


@router.post("/cases", status_code=201)
def take(changing: ChangingUserOrDesk, taken: CaseReport) -> Case:
    """Make a complaint or a report, or take one down. Who made it cannot be read here again."""
    if changing.asker.role is Role.CUSTOMER:
        return complain(changing, taken)
    if taken.channel is None:
        raise invalid(FieldFault("channel", Text("缺少此项", "Field required")))
    home = home_id(changing, taken.home) if taken.home is not None else None
    number = _open(changing, taken, taken.channel, home, changing.asker.actor)
    changing.notes["ticket"] = number
    return _answer(changing, number)


def complain(changing: Session, taken: CaseReport) -> Case:
    """Take down what a customer complains of. Neither the record nor the audit log links it with who it was.

    Raises:
        Problem: 404, the home is another's; 409 and 429, too many; 422, which home it is of several.
    """
    if taken.anonymous:
        changing.notes[UNNAMED] = True
    home = None if taken.anonymous else _own_home(changing, taken)
    for own in sorted(changing.scope.own_homes):  # who counts next sees what was written before
        lock_place(changing.conn, TicketPlace(home=own))
    if case_rows.open_of_homes(changing.conn) >= MOST_OPEN:
        raise Problem(409, Text("未办结的投诉过多", "too many complaints are open"))
    if seconds := changing.limiter.wait_case(changing.asker.actor):
        raise too_many(seconds)
    with _as_desk(changing):
        number = _open(changing, taken, CaseChannel.ONLINE, home, BY_USER)
        return _answer(changing, number, EVERYWHERE)


def _own_home(changing: Session, taken: CaseReport) -> int:
    if taken.home is not None:
        return home_id(changing, taken.home)
    if len(changing.scope.own_homes) != 1:
        raise invalid(FieldFault("home", Text("请说明是哪一户", "say which of your homes it is")))
    return changing.scope.own_homes[0]


@contextmanager
def _as_desk(changing: Session) -> Iterator[None]:
    """Let a customer's case be written down as the desk would: it is nobody's whom the request reaches, until it is."""
    access.enter(changing.conn, EVERYWHERE)
    yield
    access.enter(changing.conn, changing.scope)


def _open(changing: Session, taken: CaseReport, channel: CaseChannel, home: int | None, actor: str) -> str:
    """Open a case; returns its number."""
    if taken.about_station is not None and not desk_pages.has_station(changing.conn, taken.about_station):
        raise invalid(FieldFault("about_station", Text("没有此供热站", "there is no such station")))
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
    return f"T{open_case(changing.conn, changing.policy, new, changing.now, actor):08}"


@router.post("/cases/{number}/follow-ups", status_code=201)
def follow(number: Number, changing: ChangingDesk, followed: Followed) -> Case:
    """Escalate a case, supervise it, publish what came of it, or make it an example; each once."""
    conn, actor = changing.conn, changing.asker.actor
    try:
        found = follow_up(conn, changing.policy, number, followed.what, followed.note, changing.now, actor)
    except NotNow as error:
        raise Problem(409, Text(f"此件现在不能进行该操作：{error}", str(error))) from None
    if not found:
        raise no_such("case")
    changing.notes["what"] = followed.what.value
    return _answer(changing, number)


@router.post("/cases/{number}/identity")
def identity(number: Number, changing: ChangingLeaders, asked: RevealRequest) -> Identity:
    """Who made a case. Each time it is asked for is on record, with the reason."""
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
        raise Problem(403, REVEAL_TEXTS[told.outcome])
    return Identity(name=told.name, phone=told.phone, home=told.home)


def _answer(asking: Session, number: str, scope: Scope | None = None) -> Case:
    found = case_rows.case(asking.conn, scope or asking.scope, number)
    if found is None:
        raise no_such("case")
    return Case.model_validate(_seen(found, asking))


def _seen(row: Row, asking: Session) -> Row:
    """A case as the asker may see it: how the company follows it up is for the desk."""
    return {**row, **dict.fromkeys(FOLLOW_UPS)} if asking.asker.role is Role.CUSTOMER else row

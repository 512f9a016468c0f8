"""Complaints and reports: taken down and followed up by the desk; who made one is told to leaders with a reason."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from alerts.cases import NotNow, follow_up, open_case
from api.homes import home_id
from api.moves import Line, Words
from api.paging import Page, Paged
from api.problem import Fault, Problem, invalid, no_such
from api.session import AskingDesk, ChangingDesk, ChangingLeaders, Session
from api.values import Instant
from domain.cases import REVEAL_TEXTS, Channel, FollowUp, NewCase, Reveal, Subject
from domain.reasons import Text
from store import cases as store
from store import desk
from store.access import Right

Number = Annotated[str, Path(max_length=40, pattern=r"^[^\x00]+$")]
Station = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
Story = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=500, pattern=r"^[^\x00]*$")]
CaseClass = Literal["complaint", "report"]

router = APIRouter(prefix="/v1", tags=["cases"])


class Case(BaseModel):
    """A complaint or a report. Its ticket has the clocks and the events; who made it is asked for apart."""

    number: str
    class_: CaseClass = Field(alias="class")
    state: str
    subject: Subject
    channel: Channel
    about_station: str | None
    text: str
    anonymous: bool
    opened_at: Instant
    closed_at: Instant | None
    escalated_at: Instant | None
    supervised_at: Instant | None
    published_at: Instant | None
    example_at: Instant | None


class Taken(BaseModel):
    """A case as it is taken down. `text` is read by those who work on it: no names of who complains."""

    model_config = ConfigDict(extra="forbid")

    kind: CaseClass = Field(alias="class")
    subject: Subject
    channel: Channel
    text: Story
    about_station: Line | None = None
    anonymous: bool = False
    name: Line | None = None
    phone: Line | None = None
    home: Line | None = None

    @model_validator(mode="after")
    def _nobody(self) -> "Taken":
        if self.anonymous and (self.name or self.phone or self.home):
            raise ValueError("of who wants to stay unknown, neither name nor phone nor home is taken")
        return self


class Followed(BaseModel):
    """What the company does about a case beside answering it."""

    model_config = ConfigDict(extra="forbid")

    what: FollowUp
    note: Words


class Asked(BaseModel):
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
    asking: AskingDesk,
    paged: Paged,
    kind: Annotated[CaseClass | None, Query(alias="class")] = None,
    subject: Subject | None = None,
    station: Station = None,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
) -> Page[Case]:
    """Cases, newest first."""
    wanted = store.Wanted(case_class=kind, subject=subject, station=station, is_open=is_open)
    rows = store.cases(asking.conn, asking.scope, wanted, before=paged.id(), limit=paged.fetched)
    return paged.page(rows, Case, "ticket_id")


@router.get("/cases/{number}")
def case(number: Number, asking: AskingDesk) -> Case:
    """A case by the number of its ticket."""
    return _answer(asking, number)


@router.post("/cases", status_code=201)
def take(changing: ChangingDesk, taken: Taken) -> Case:
    """Take a complaint or a report down. Who made it cannot be read here again."""
    if taken.about_station is not None and not desk.has_station(changing.conn, taken.about_station):
        raise invalid(Fault("about_station", Text("没有此供热站", "there is no such station")))
    new = NewCase(
        case_class=taken.kind,
        subject=taken.subject,
        channel=taken.channel,
        text=taken.text,
        about_station=taken.about_station,
        anonymous=taken.anonymous,
        name=taken.name,
        phone=taken.phone,
        home_id=home_id(changing, taken.home) if taken.home is not None else None,
    )
    ticket = open_case(changing.conn, changing.policy, new, changing.now, changing.asker.actor)
    number = f"T{ticket:08}"
    changing.notes["ticket"] = number
    return _answer(changing, number)


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
def identity(number: Number, changing: ChangingLeaders, asked: Asked) -> Identity:
    """Who made a case. Each time it is asked for is on record, with the reason."""
    found = store.case(changing.conn, changing.scope, number)
    if found is None:
        raise no_such("case")
    told = store.Told(Reveal.ROLE, None, None, None)
    if Right.REVEAL in changing.asker.rights:
        told = store.reveal(
            changing.conn,
            found["ticket_id"],
            actor=changing.asker.actor,
            role=changing.asker.role.value,
            station=changing.scope.own_station,
            reason=asked.reason,
            at=changing.now,
        )
    changing.notes["outcome"] = told.outcome.value
    if told.outcome not in (Reveal.SHOWN, Reveal.UNKNOWN):
        raise Problem(403, REVEAL_TEXTS[told.outcome])
    return Identity(name=told.name, phone=told.phone, home=told.home)


def _answer(asking: Session, number: str) -> Case:
    found = store.case(asking.conn, asking.scope, number)
    if found is None:
        raise no_such("case")
    return Case.model_validate(found)

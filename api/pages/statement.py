"""Statements about an open ticket by the forms of a page: parsed, and recorded exactly once."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar

from fastapi import Depends, Request
from markupsafe import Markup
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from api.desk.applications import ContractSignature, make_signature
from api.desk.desk_routes import Number
from api.desk.moves import TicketStatement
from api.desk.once import number_once
from api.desk.statements import Agreement, Rating, make_agreement, make_rating, make_statement
from api.http.language import Language
from api.http.messages import in_both
from api.http.session import Session
from api.pages.render import Times, say
from api.pages.report import KEY, MOST_FIELDS
from api.pages.tickets import ShownTicket, day_words
from domain.statements import DayPart
from domain.words.text import Text
from store.registry import contact_rows

DayOffered: TypeAlias = tuple[Markup, Sequence[tuple[str, Markup]]]
Body = TypeVar("Body", bound=BaseModel)
DAYS_OFFERED = 4
PART_ENDS = {DayPart.MORNING: 12, DayPart.AFTERNOON: 18, DayPart.EVENING: 21}  # local hours


@dataclass(frozen=True, kw_only=True)
class StatementForm:
    """A submitted form; `body` is what it says of the ticket, `fault` what is wrong with it."""

    number: str = ""
    home: str = ""
    key: str = ""
    token: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)
    body: BaseModel | None = None
    fault: Text | None = None

    @property
    def once(self) -> str:
        """The idempotency key: equal only if the same content is sent again from the same page."""
        told = json.dumps([self.number, self.key, type(self.body).__name__, dict(self.told)], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


NO_STATEMENT = StatementForm()


class ReadForm(NamedTuple):
    """A form as it came: its fields, and those that may be there several times."""

    said: Mapping[str, str]
    times: Sequence[str]

    @property
    def words(self) -> str:
        """The words of the form."""
        return self.said.get("words", "").replace("\r\n", "\n")

    def made(self, number: str, told: Mapping[str, Any], model: type[Body]) -> "StatementForm":
        """Make the form of a body; with what is wrong where the body is not valid."""
        body, fault = None, None
        try:
            body = model.model_validate(told)
        except ValidationError as error:
            fault = in_both(error.errors()[0])
        ours = {name: self.said.get(name, "") for name in ("home", "key", "token")}
        return StatementForm(number=number, told=told, body=body, fault=fault, **ours)


async def read_form(request: Request) -> ReadForm:
    """Parse a form.

    Raises:
        HTTPException: it is not a form of these pages.
    """
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        said = {name: value.strip() for name, value in form.items() if isinstance(value, str)}
        times = [str(value) for value in form.getlist("times")]
    if not KEY.fullmatch(said.get("key", "")):
        raise HTTPException(400)
    return ReadForm(said, times)


Form = Annotated[ReadForm, Depends(read_form)]


def read(number: Number, form: Form) -> StatementForm:
    """Read a statement."""
    told: dict[str, Any] = {
        "text": form.words,
        "contact": form.said.get("contact"),
        "says": form.said.get("says"),
        "times": [dict(zip(("day", "part"), one.split(" ", 1), strict=False)) for one in form.times],
    }
    return form.made(number, {name: value for name, value in told.items() if value}, TicketStatement)


def read_rating(number: Number, form: Form) -> StatementForm:
    """Read a rating."""
    return form.made(number, {"stars": form.said.get("stars"), "text": form.words or None}, Rating)


def read_agreement(number: Number, form: Form) -> StatementForm:
    """Read the answer to the terms of a repair."""
    agreed = {"yes": True, "no": False}.get(form.said.get("agreed", ""))
    told = {"offer": form.said.get("offer"), "agreed": agreed, "text": form.words or None}
    return form.made(number, told, Agreement)


def read_signature(number: Number, form: Form) -> StatementForm:
    """Read the signature under a contract."""
    return form.made(number, {"offer": form.said.get("offer")}, ContractSignature)


def take(changing: Session, statement: StatementForm) -> None:
    """Record a statement, once however often it is sent.

    Raises:
        Problem: as the API answers.
    """

    def make() -> str:
        match statement.body:
            case TicketStatement():
                make_statement(changing, statement.number, statement.body)
            case Rating():
                make_rating(changing, statement.number, statement.body)
            case Agreement():
                make_agreement(changing, statement.number, statement.body)
            case ContractSignature():
                make_signature(changing, statement.number, statement.body)
        return statement.number

    number_once(changing, statement.once, make)


def times_offered(asking: Session, language: Language, times: Times, most: int = DAYS_OFFERED) -> list[DayOffered]:
    """Return the days that a form offers for a visit, each with the values and names of its parts that lie ahead."""
    local = asking.now.astimezone(asking.policy.zone)
    days = [local.date() + timedelta(days=n) for n in range(most)]
    return [
        (
            day_words(day, language, times),
            [
                (f"{day} {part}", say(language, f"my_part_{part}"))
                for part in DayPart
                if day > local.date() or local.hour < PART_ENDS[part]
            ],
        )
        for day in days
    ]


class TicketForms(NamedTuple):
    """The common parts of the forms about tickets: home, seal, times offered, and the form that was sent."""

    home: str
    key: str
    token: str
    offered: Sequence[DayOffered]
    reachable: bool
    statement: StatementForm

    def wished(self, ticket: ShownTicket) -> set[str]:
        """Return the times to be ticked, as values of a form: those just sent, or else those on record."""
        if self.statement.number == ticket.number and self.statement.told.get("times"):
            return {" ".join(one.values()) for one in self.statement.told["times"]}
        return {f"{one.day} {one.part}" for one in ticket.wished}


def is_reachable(asking: Session, home_id: int, contacts: Sequence[str | None]) -> bool:
    """Return whether the desk knows a number of those who live in a home: left on a ticket, or in the registry.

    It says no more than that to the person who lives there, so no look at personal data is recorded.
    """
    return any(contacts) or bool(contact_rows.telephones(asking.conn, home_id, asking.now))

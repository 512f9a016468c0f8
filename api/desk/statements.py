"""The routes by which customers speak about a ticket of theirs, agree to pay for a repair, and rate it."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from alerts.desk.moves import say
from alerts.desk.user_moves import Answer, answer_terms, rate
from alerts.tickets.docket import UserStatement
from api.answers import models
from api.desk.desk_routes import MOST_EVENTS, Number, answer, find, refusals
from api.desk.move_bodies import Words
from api.desk.moves import TicketStatement
from api.http.problem import Problem, too_many
from api.http.session import Session, changed_by
from api.words import problems
from domain.cases import CASE_CLASSES
from domain.ratings import MOST_STARS
from domain.tickets import TicketSource
from store.base.access import Role

ChangingUser = Annotated[Session, Depends(changed_by(frozenset({Role.CUSTOMER})), scope="function")]

router = APIRouter(prefix="/v1", tags=["desk"])


@router.post("/tickets/{number}/statements", status_code=201)
def state(number: Number, changing: ChangingUser, statement: TicketStatement) -> models.Ticket:
    """Say something about an open ticket: whether the trouble persists, when a visit suits, how to be reached.

    That the trouble persists after the work was done opens the ticket again, unless what was measured contradicts it.
    That it is over closes nothing.
    """
    make_statement(changing, number, statement)
    return answer(changing, number)


class Rating(BaseModel):
    """A rating of the work on a ticket, 5 is best; the last one stands."""

    model_config = ConfigDict(extra="forbid")

    stars: Annotated[int, Field(ge=1, le=MOST_STARS)]
    text: Words | None = None


class Agreement(BaseModel):
    """The answer to the terms of a repair that the user pays for; `offer` is `seq` of the event `responsibility`."""

    model_config = ConfigDict(extra="forbid")

    offer: Annotated[int, Field(ge=1, le=MOST_EVENTS)]
    agreed: bool
    text: Words | None = None


@router.post("/tickets/{number}/rating", status_code=201)
def rate_work(number: Number, changing: ChangingUser, rating: Rating) -> models.Ticket:
    """Rate the work on a ticket within 30 days after it was done; a rating is changed for a day."""
    make_rating(changing, number, rating)
    return answer(changing, number)


@router.post("/tickets/{number}/agreement", status_code=201)
def agree(number: Number, changing: ChangingUser, agreement: Agreement) -> models.Ticket:
    """Agree to pay for a repair, or not. Terms that have changed since they were read are a 409."""
    make_agreement(changing, number, agreement)
    return answer(changing, number)


def make_rating(changing: Session, number: str, rating: Rating) -> None:
    """Record a rating of a customer.

    Raises:
        Problem: 404; 409, there is nothing to rate; 429.
    """
    ticket = _ticket(changing, number)
    with refusals(changing):
        data = rating.model_dump(exclude_none=True)
        rate(changing.conn, changing.policy, ticket, data, changing.now, changing.asker.actor)


def make_agreement(changing: Session, number: str, agreement: Agreement) -> None:
    """Record the answer of a customer to the terms of a repair. The staff is told.

    Raises:
        Problem: 404; 409, there is nothing to agree to, or the terms have changed; 429.
    """
    ticket = _ticket(changing, number)
    with refusals(changing):
        told = Answer(**agreement.model_dump())
        answer_terms(changing.conn, changing.policy, ticket, told, changing.now, changing.asker.actor)
    changing.notes["agreed"] = agreement.agreed


def _ticket(changing: Session, number: str) -> int:
    if seconds := changing.limiter.wait_statement(changing.asker.actor):
        raise too_many(seconds)
    ticket = find(changing, number)
    if ticket["class"] in CASE_CLASSES:
        # The event and the audit log would name the token of the complainant.
        raise Problem(409, problems.CASE_KEPT_APART)
    return int(ticket["ticket_id"])


def make_statement(changing: Session, number: str, statement: TicketStatement) -> None:
    """Add a statement of a customer to a ticket within reach. The staff is told.

    Raises:
        Problem: 404; 409, the ticket takes none; 422, times that cannot be; 429.
    """
    ticket = _ticket(changing, number)
    told = UserStatement({**statement.said(), "source": TicketSource.USER.value}, statement.contact)
    with refusals(changing):
        say(changing.conn, changing.policy, ticket, told, changing.now, changing.asker.actor)
    changing.notes["says"] = statement.says

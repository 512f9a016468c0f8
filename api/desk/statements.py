"""The route by which customers speak about an open ticket of theirs."""

from typing import Annotated

from fastapi import APIRouter, Depends

from alerts.desk.moves import say
from alerts.tickets.docket import UserStatement
from api.answers import models
from api.desk.desk_routes import Number, answer, find, refusals
from api.desk.moves import TicketStatement
from api.http.problem import Problem, too_many
from api.http.session import Session, changed_by
from api.words import problems
from domain.cases import CASE_CLASSES
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


def make_statement(changing: Session, number: str, statement: TicketStatement) -> None:
    """Add a statement of a customer to a ticket within reach. The staff is told.

    Raises:
        Problem: 404; 409, the ticket takes none; 422, times that cannot be; 429.
    """
    if seconds := changing.limiter.wait_statement(changing.asker.actor):
        raise too_many(seconds)
    ticket = find(changing, number)
    if ticket["class"] in CASE_CLASSES:
        # The event and the audit log would name the token of the complainant.
        raise Problem(409, problems.CASE_KEPT_APART)
    told = UserStatement({**statement.said(), "source": TicketSource.USER.value}, statement.contact)
    with refusals(changing):
        say(changing.conn, changing.policy, ticket["ticket_id"], told, changing.now, changing.asker.actor)
    changing.notes["says"] = statement.says

"""Flags and tickets of all homes that the token reaches."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import answers
from api.paging import Page, Paged
from api.problem import no_such
from api.session import Asking
from store import desk

Number = Annotated[str, Path(max_length=40, pattern=r"^[^\x00]+$")]
Station = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]

router = APIRouter(prefix="/v1", tags=["desk"])


@router.get("/flags")
def flags(asking: Asking, paged: Paged, state: answers.FlagState | None = None) -> Page[answers.Flag]:
    """Flags, newest first."""
    states = desk.FLAG_STATES if state is None else (state,)
    rows = desk.flags(asking.conn, asking.scope, states=states, before=paged.id(), limit=paged.fetched)
    return paged.page(rows, answers.Flag, "id")


@router.get("/tickets")
def tickets(
    asking: Asking,
    paged: Paged,
    state: answers.TicketState | None = None,
    kind: Annotated[answers.TicketClass | None, Query(alias="class")] = None,
    station: Station = None,
    overdue: Annotated[bool | None, Query(description="open, and a clock has run out unmet")] = None,
) -> Page[answers.Ticket]:
    """Tickets, newest first."""
    wanted = desk.TicketFilter(now=asking.now, state=state, kind=kind, station=station, overdue=overdue)
    rows = desk.tickets(asking.conn, asking.scope, wanted, before=paged.id(), limit=paged.fetched)
    return paged.page(rows, answers.Ticket, "ticket_id")


@router.get("/tickets/{number}")
def ticket(number: Number, asking: Asking) -> answers.Ticket:
    """A ticket by its number."""
    found = desk.ticket(asking.conn, asking.scope, number, asking.now)
    if found is None:
        raise no_such("ticket")
    return answers.Ticket.model_validate(found)

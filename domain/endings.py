"""Tickets that end without work: merged into another of the same matter, or void, opened by mistake."""

from dataclasses import dataclass
from enum import StrEnum

from domain.tickets import SELF_CLOSING, TicketClass, TicketState

CASES = (TicketClass.COMPLAINT, TicketClass.REPORT)


class TicketEnding(StrEnum):
    """How it ended. Stored in `ticket.ending`; the kinds of the events are called the same."""

    MERGED = "merged"
    VOID = "void"


@dataclass(frozen=True, kw_only=True)
class EndingFacts:
    """What decides whether a ticket may end so, and whether another may be merged into it."""

    ticket_id: int
    number: str
    ticket_class: str
    source: str
    state: str
    retrospective: bool
    place: tuple[int | None, int | None, int | None]  # home, building, substation
    flags: int
    call_back_asked: bool


def void_refusal(one: EndingFacts) -> str | None:
    """Why a ticket cannot be void; None if it can."""
    if one.source in SELF_CLOSING or one.retrospective:
        return "it was opened by itself, and ends by itself"
    if one.ticket_class in CASES:
        return "a case is answered, whatever comes of it"
    if one.flags:
        return "a flag stands behind it"
    return None


def merge_refusal(one: EndingFacts, into: EndingFacts) -> str | None:
    """Why a ticket cannot be merged into another; None if it can.

    What closing needs passes over to the other one, so that has to ask for as much.
    """
    if refusal := void_refusal(one):
        return refusal
    if one.ticket_class == TicketClass.COLD:
        return "a cold home needs a proof of its own"
    if into.ticket_id == one.ticket_id:
        return "it is the same ticket"
    if into.state == TicketState.CLOSED:
        return f"{into.number} is closed"
    if into.source in SELF_CLOSING or into.ticket_class in CASES:
        return f"{into.number} is not of that kind"
    if into.place != one.place:
        return f"{into.number} is of another place"
    if one.call_back_asked and not into.call_back_asked:
        return f"the user of {into.number} is not called back"
    return None

"""Tickets that end without work: merged into a duplicate, or voided because they were opened by mistake."""

from dataclasses import dataclass
from enum import StrEnum

from domain.tickets import SELF_CLOSING, TicketClass, TicketState

CASES = (TicketClass.COMPLAINT, TicketClass.REPORT)


class TicketEnding(StrEnum):
    """Ending of a ticket, stored in `ticket.ending`. The event kinds have the same names."""

    MERGED = "merged"
    VOID = "void"


@dataclass(frozen=True, kw_only=True)
class EndingFacts:
    """Facts that decide whether a ticket may be voided or merged, and whether another may be merged into it."""

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
    """Return the reason against voiding a ticket; None if it is allowed."""
    if one.source in SELF_CLOSING or one.retrospective:
        return "it was opened automatically and ends automatically"
    if one.ticket_class in CASES:
        return "a case must be answered"
    if one.flags:
        return "it has a flag"
    return None


def merge_refusal(one: EndingFacts, into: EndingFacts) -> str | None:
    """Return the reason against merging a ticket into another; None if it is allowed.

    The other ticket takes over what closing needs, so it has to require at least as much.
    """
    if refusal := void_refusal(one):
        return refusal
    if one.ticket_class == TicketClass.COLD:
        return "a cold home needs its own proof"
    if into.ticket_id == one.ticket_id:
        return "it is the same ticket"
    if into.state == TicketState.CLOSED:
        return f"{into.number} is closed"
    if into.source in SELF_CLOSING or into.ticket_class in (*CASES, TicketClass.APPLICATION):
        return f"{into.number} is of a kind that takes no merged tickets"
    if into.place != one.place:
        return f"{into.number} is about another place"
    if one.call_back_asked and not into.call_back_asked:
        return f"{into.number} has no call-back"
    return None

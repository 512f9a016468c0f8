"""Tickets as a caller may see them."""

from typing import Any

from api.http.session import Session
from domain.closing import missing
from domain.statements import SPEAKABLE, unanswered_since
from domain.ticket_history import event_for_user
from domain.tickets import TicketState
from store.base.access import Role, Scope


def seen(row: dict[str, Any], asking: Session) -> dict[str, Any]:
    """Add what closing a ticket still needs and since when its user waits for an answer; redact it for customers."""
    whole = {**row, "needs": needs(row), "unanswered_since": unanswered_since(row["events"])}
    return _for_user(whole, asking.scope) if asking.asker.role is Role.CUSTOMER else whole


def needs(row: dict[str, Any]) -> list[str]:
    """List what closing a ticket still needs, as machine-readable names."""
    return [] if row["state"] == TicketState.CLOSED else missing(row["standing"])


def _is_coming(row: dict[str, Any]) -> bool:
    return row["state"] in (TicketState.ACCEPTED, TicketState.WORKING) and row["class"] in SPEAKABLE


def _for_user(row: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """Redact a ticket for a customer. A report from before the tenancy is another resident's and loses its text."""
    since = scope.since.get(row["home_id"])
    events = [shown for event in row["events"] if (shown := event_for_user(event)) is not None]
    # Who comes to a home may be known there by name, while on the way.
    responsible = row["responsible"] if _is_coming(row) else None
    told = {**row, "contact": None, "responsible": responsible, "events": events}
    return {**told, "description": "", "confirmation": None} if since and row["opened_at"] < since.at else told

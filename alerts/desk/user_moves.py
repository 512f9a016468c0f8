"""Moves that a user alone makes: agreeing to pay for a repair before it is begun, and rating one that was done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from alerts.tickets.work import record
from domain.policy import Policy
from domain.ratings import rating_bar
from domain.tickets import EventKind, MoveRefused, NewEvent, TicketClass, TicketSource, TicketState
from store.base.rows import Row
from store.notices import outbox
from store.tickets import ticket_rows
from store.tickets.ticket_rows import TicketRow

NOT_BEGUN = (TicketState.OPEN, TicketState.ACCEPTED)


class Answer(NamedTuple):
    """The answer of a user to the terms of a repair; `offer` is the `seq` of the event that told them."""

    offer: int
    agreed: bool
    text: str | None = None


def rate(conn: Connection, policy: Policy, ticket_id: int, data: Mapping[str, Any], now: datetime, actor: str) -> None:
    """Record a rating of the work on a ticket, or change one; the caller owns the transaction.

    Raises:
        MoveRefused: there is nothing to rate, or it is too late to.
    """
    rows = ticket_rows.lock(conn, [ticket_id])
    row = rows[ticket_id]
    rated = [event["at"] for event in _events(conn, ticket_id, EventKind.RATED)]
    is_work = row.ending is None and row.source not in (TicketSource.DEVICE, TicketSource.INCIDENT)
    bar = rating_bar(TicketClass(row.ticket_class), row.done_at if is_work else None, rated, now)
    if bar:
        raise MoveRefused(row.number, row.state, EventKind.RATED, bar)
    outbox.put(conn, record(conn, policy, rows, [NewEvent(ticket_id, EventKind.RATED, data)], now, actor), now)


def answer_terms(conn: Connection, policy: Policy, ticket_id: int, answer: Answer, now: datetime, actor: str) -> None:
    """Record whether a user agrees to the terms of a repair; the caller owns the transaction.

    Raises:
        MoveRefused: nothing is to be agreed to, or the terms are not those that the user has read.
    """
    rows = ticket_rows.lock(conn, [ticket_id])
    row = rows[ticket_id]
    terms = _events(conn, ticket_id, EventKind.RESPONSIBILITY)[-1:]
    check_terms(row)
    if not terms or terms[0]["seq"] != answer.offer:
        raise MoveRefused(row.number, row.state, EventKind.CONFIRMED, "the terms have changed: read them again")
    event = _agreement(row, terms[0]["data"], answer) if answer.agreed else _refusal(ticket_id, answer)
    outbox.put(conn, record(conn, policy, rows, [event], now, actor), now)


def check_terms(row: TicketRow) -> None:
    """Check that the terms of a repair wait for an answer.

    Raises:
        MoveRefused: there is nothing to agree to.
    """
    if not (row.paid or row.responsibility == "user") or row.confirmation is not None:
        raise MoveRefused(row.number, row.state, EventKind.CONFIRMED, "there is nothing to agree to")


def _agreement(row: TicketRow, terms: Mapping[str, Any], answer: Answer) -> NewEvent:
    told = {name: terms[name] for name in ("for_what", "amount") if name in terms}
    data = {
        **told,
        "confirmation": f"online {row.number}/{answer.offer}",
        "agreed": True,
        "by_user": True,
        "before_work": row.state in NOT_BEGUN,
    }
    return NewEvent(row.ticket_id, EventKind.CONFIRMED, data)


def _refusal(ticket_id: int, answer: Answer) -> NewEvent:
    text = {"text": answer.text} if answer.text else {}
    return NewEvent(ticket_id, EventKind.USER_SAID, {**text, "agreed": False, "source": TicketSource.USER.value})


def _events(conn: Connection, ticket_id: int, kind: EventKind) -> list[Row]:
    return ticket_rows.events_since(conn, ticket_id, 0, [other for other in EventKind if other is not kind])

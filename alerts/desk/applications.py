"""Applications for heat: received, and taken step by step until the heat of their homes follows (chapters 5 and 6).

They are worked as other tickets are (alerts/desk/moves.py). What is their own is decided here: the steps before a step,
the papers of the company, and the heat status that an execution on site sets.
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from psycopg import Connection

from alerts.tickets.docket import Docket, Opening
from alerts.tickets.work import record
from domain.applications import (
    EXECUTIONS,
    NOTICES,
    ApplicationKind,
    NewApplication,
    clocks_of,
    missing_before,
    step_bar,
    steps_on_record,
    takes,
)
from domain.move_bars import MoveBar
from domain.move_times import MADE_AT
from domain.policy import Policy
from domain.priority import Cold, priority
from domain.tickets import EventKind, MoveRefused, NewEvent, TicketClass, TicketSource
from domain.words.applications import KIND_TEXTS
from store.base.rows import Row
from store.notices import outbox
from store.tickets import application_rows, ticket_rows
from store.tickets.ticket_rows import TicketPlace, TicketRow

NOTICE_KINDS = {EventKind.HEAT_NOTICE: "heat", EventKind.AREA_NOTICE: "area"}

ALLOWED_BY = frozenset({EventKind.HEAT_NOTICE, EventKind.APPROVED})  # papers before an execution


class AppliedBefore(Exception):
    """An application of the same kind is open at the place; nothing was changed."""

    def __init__(self, number: str) -> None:
        super().__init__(f"an application of this kind is open there: {number}")
        self.number = number


class Applicant(NamedTuple):
    """The way in which an application came in: its channel and words, and who applies (personal)."""

    source: TicketSource
    description: str
    contact: str | None = None


def apply(conn: Connection, policy: Policy, new: NewApplication, by: Applicant, now: datetime, actor: str) -> int:
    """Receive an application with its documents (5(1)); returns its ticket_id. The caller owns the transaction.

    Raises:
        AppliedBefore: one of the same kind is open at the place.
    """
    ticket_rows.lock_place(conn, TicketPlace(home=new.home_id, building=new.building_id))
    if number := application_rows.open_there(conn, new):
        raise AppliedBefore(number)
    is_home = new.home_id is not None and application_rows.is_lived_in(conn, new.home_id)
    told = {"application": new.kind.value, "documents": [one.value for one in new.documents]}
    if new.area_m2 is not None:
        told["area_m2"] = str(new.area_m2)
    docket = Docket(conn, policy, now, actor)
    ticket = docket.open(
        Opening(
            ticket_class=TicketClass.APPLICATION,
            source=by.source,
            priority=priority(TicketClass.APPLICATION, Cold(), None),
            home_id=new.home_id,
            building_id=new.building_id,
            description=by.description,
            contact=by.contact,
            data={**told, **KIND_TEXTS[new.kind]._asdict()},
            clocks=clocks_of(new.kind, is_home=is_home),
        )
    )
    docket.write()
    application_rows.insert(conn, ticket, new)
    return ticket


def lock_homes(conn: Connection, move: NewEvent) -> None:
    """Lock the homes whose heat an execution changes; before its ticket, as everywhere."""
    if move.kind in EXECUTIONS:
        ticket_rows.lock_home_of(conn, move.ticket_id)
        application_rows.lock_homes(conn, move.ticket_id)


def prepared(conn: Connection, row: TicketRow, move: NewEvent, now: datetime, actor: str) -> NewEvent:
    """Check a move on a locked application, and return it with what the company adds: numbers, neighbours.

    Raises:
        MoveRefused: something has to be on record before, or it is already.
    """
    file = application_rows.of_tickets(conn, [row.ticket_id])[row.ticket_id]
    steps = application_rows.steps(conn, row.ticket_id)
    _check(row, file.kind, steps, move.kind)
    data = dict(move.data)
    if move.kind in NOTICES:
        area = Decimal(data["area_m2"]) if "area_m2" in data else None
        kind = NOTICE_KINDS[EventKind(move.kind)]
        data["notice"] = application_rows.issue(conn, row.ticket_id, kind, area, now, actor)
    elif move.kind is EventKind.APPROVED and file.home_id is not None:
        found = application_rows.neighbours(conn, file.home_id, now)
        data |= {"stopped": sum(one.stopped for one in found), "cold": sum(one.cold for one in found)}
    elif move.kind is EventKind.CONTRACT_SIGNED:
        data["contract"] = _offers(steps)[-1]["data"]["contract"]
    elif move.kind in EXECUTIONS:
        _check_time(row, steps, move, now)
        if move.kind is EventKind.HEAT_ON:
            data["notice"] = application_rows.heat_notice(conn, row.ticket_id)
    return NewEvent(row.ticket_id, move.kind, data)


def _check(row: TicketRow, kind: ApplicationKind, steps: list[Row], move: EventKind) -> None:
    standing = steps_on_record(steps)
    if not takes(kind, move):
        raise MoveRefused(row.number, row.state, move, f"an application of kind {kind} has no such step")
    bar = step_bar(kind, standing, move)
    if bar is MoveBar.NOT_YET:
        needs = ", ".join(sorted(missing_before(kind, standing, move)))
        raise MoveRefused(row.number, row.state, move, f"it needs {needs} before")
    if bar is not None:
        raise MoveRefused(row.number, row.state, move, "it is on record already")


def _check_time(row: TicketRow, steps: list[Row], move: NewEvent, now: datetime) -> None:
    """Refuse an execution that was made before the paper that allows it: a phone may say when it was made."""
    made = begun(dict(move.data), now)
    if any(step["kind"] in ALLOWED_BY and step["at"] > made for step in steps):
        raise MoveRefused(row.number, row.state, move.kind, "that was before the company's notice or approval")


def begun(data: dict[str, str], now: datetime) -> datetime:
    """Return when a move was made: when it says, or now."""
    return datetime.fromisoformat(data[MADE_AT]) if MADE_AT in data else now


def execute(conn: Connection, move: NewEvent, now: datetime) -> None:
    """Let the heat of the homes follow an execution on site, from when it was made on (chapter 5(5))."""
    if move.kind in EXECUTIONS:
        application_rows.put_heat(conn, move.ticket_id, begun(dict(move.data), now), now)


def sign(conn: Connection, policy: Policy, ticket_id: int, offer: int, now: datetime, actor: str) -> None:
    """Record that a user signs the contract online; the caller owns the transaction.

    Args:
        offer: `seq` of the event that offered it.
    Raises:
        MoveRefused: nothing is to be signed, or it is not what the user has read.
    """
    rows = ticket_rows.lock(conn, [ticket_id])
    row = rows[ticket_id]
    if row.ticket_class != TicketClass.APPLICATION:
        raise MoveRefused(row.number, row.state, EventKind.CONTRACT_SIGNED, "it is no application")
    offers = _offers(application_rows.steps(conn, ticket_id))
    if not offers or offers[-1]["seq"] != offer:
        raise MoveRefused(row.number, row.state, EventKind.CONTRACT_SIGNED, "the contract has changed: read it again")
    told = {"confirmation": f"online {row.number}/{offer}", "by_user": True}
    event = prepared(conn, row, NewEvent(ticket_id, EventKind.CONTRACT_SIGNED, told), now, actor)
    outbox.put(conn, record(conn, policy, rows, [event], now, actor), now)


def bars(conn: Connection, ticket_id: int) -> dict[EventKind, MoveBar | None]:
    """Return why an application does not take each move of its kind now; None: its steps are no reason."""
    file = application_rows.of_tickets(conn, [ticket_id])[ticket_id]
    standing = steps_on_record(application_rows.steps(conn, ticket_id))
    return {kind: step_bar(file.kind, standing, kind) for kind in EventKind if takes(file.kind, kind)}


def _offers(steps: list[Row]) -> list[Row]:
    return [step for step in steps if step["kind"] == EventKind.CONTRACT_OFFERED]

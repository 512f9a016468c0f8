"""Notices of ticket events and their addressees."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from domain.notices import Audience, NoticeKind, OutboxEntry
from domain.tickets import EventKind, NewEvent, TicketClass, TicketSource, was_passed_on
from domain.words.notices import NOT_TOLD

DISPATCH, CREW, SUPERVISOR, USER = Audience.DISPATCH, Audience.CREW, Audience.SUPERVISOR, Audience.USER
CASES = frozenset({TicketClass.COMPLAINT, TicketClass.REPORT})  # they have notices of their own
TELLS: Mapping[EventKind, tuple[NoticeKind, tuple[Audience, ...]]] = {
    EventKind.OPENED: (NoticeKind.TICKET_OPENED, (DISPATCH, CREW, USER)),
    EventKind.SEVERE: (NoticeKind.TICKET_SEVERE, (DISPATCH, CREW)),
    EventKind.RELAPSED: (NoticeKind.TICKET_REOPENED, (DISPATCH, CREW, USER)),
    EventKind.REOPENED: (NoticeKind.TICKET_REOPENED, (DISPATCH, CREW, USER)),
    EventKind.REWORK: (NoticeKind.TICKET_REOPENED, (DISPATCH, CREW)),
    EventKind.USER_SAID: (NoticeKind.USER_SAID, (DISPATCH, CREW)),
    EventKind.ATTACHED: (NoticeKind.USER_SAID, (DISPATCH, CREW)),  # by the user alone, as the next one
    EventKind.CONFIRMED: (NoticeKind.USER_SAID, (DISPATCH, CREW)),
    EventKind.ASSIGNED: (NoticeKind.TICKET_ASSIGNED, (CREW,)),
    EventKind.RESPONSIBILITY: (NoticeKind.TERMS_TOLD, (USER,)),  # where the user is to agree
    EventKind.CONTACTED: (NoticeKind.APPOINTMENT, (USER,)),
    EventKind.APPOINTMENT: (NoticeKind.APPOINTMENT, (USER,)),
    EventKind.DONE: (NoticeKind.TICKET_DONE, (DISPATCH, USER)),
    EventKind.PLAN_ANSWERED: (NoticeKind.TICKET_ANSWERED, (USER,)),
    EventKind.PLAN_REFUSED: (NoticeKind.TICKET_ANSWERED, (USER,)),
    EventKind.CONTRACT_OFFERED: (NoticeKind.CONTRACT_OFFERED, (USER,)),
    EventKind.CONTRACT_SIGNED: (NoticeKind.USER_SAID, (DISPATCH,)),  # by the user alone
    EventKind.HEAT_NOTICE: (NoticeKind.HEAT_NOTICE, (CREW, USER)),
    EventKind.HEAT_ON: (NoticeKind.TICKET_DONE, (DISPATCH, USER)),  # 5(5): what was executed goes back to the company
    EventKind.HEAT_OFF: (NoticeKind.TICKET_DONE, (DISPATCH, USER)),
    EventKind.STILL_COLD: (NoticeKind.STILL_COLD, (DISPATCH, SUPERVISOR)),
    EventKind.REPLIED: (NoticeKind.TICKET_ANSWERED, (USER,)),
    EventKind.VOID: (NoticeKind.TICKET_ANSWERED, (USER,)),
    EventKind.CLOSED: (NoticeKind.TICKET_CLOSED, (USER,)),
    EventKind.CLOCK_WARNED: (NoticeKind.CLOCK_WARNING, (DISPATCH, CREW)),
    EventKind.CLOCK_BREACHED: (NoticeKind.CLOCK_BREACHED, (DISPATCH, SUPERVISOR)),
    EventKind.CLOCK_UNDATED: (NoticeKind.CALENDAR_MISSING, (SUPERVISOR,)),
}
TOLD_OF_CASES = frozenset({EventKind.CLOCK_WARNED, EventKind.CLOCK_BREACHED, EventKind.CLOCK_UNDATED})


def notices(
    events: Sequence[NewEvent], classes: Mapping[int, TicketClass], agreed: Collection[int] = ()
) -> list[OutboxEntry]:
    """Return the outbox entries for events of tickets of these classes.

    Args:
        agreed: tickets whose user has agreed to what stands now: terms that say the same again ask for nothing.
    """
    again = (EventKind.REOPENED, EventKind.RELAPSED)
    reopened = {event.ticket_id for event in events if event.kind in again}  # told of that, not twice
    return [
        OutboxEntry(kind, audience, ticket_id=event.ticket_id, data=_data(kind, event.data))
        for event in events
        if not (event.kind is EventKind.USER_SAID and event.ticket_id in reopened)
        and not (event.kind is EventKind.RESPONSIBILITY and event.ticket_id in agreed)
        for kind, audience in _of(event, classes[event.ticket_id])
    ]


def _of(event: NewEvent, ticket_class: TicketClass) -> list[tuple[NoticeKind, Audience]]:
    kind, audiences = TELLS.get(event.kind, (None, ()))
    if kind is None or (ticket_class in CASES and event.kind not in TOLD_OF_CASES):
        return []
    if kind is NoticeKind.APPOINTMENT and event.data.get("appointment_at") is None:
        return []
    if kind is NoticeKind.TERMS_TOLD and not (event.data["paid"] or event.data["responsibility"] == "user"):
        return []
    if event.kind in (EventKind.ATTACHED, EventKind.CONFIRMED, EventKind.CONTRACT_SIGNED) and not event.data.get(
        "by_user"
    ):
        return []
    left_out = _left_out(event, ticket_class)
    return [(kind, audience) for audience in audiences if audience not in left_out]


def _left_out(event: NewEvent, ticket_class: TicketClass) -> set[Audience]:
    """Return the addressees to leave out.

    These are the crew complained about, the crew whose turn with an application has not come, the user with a silent
    thermometer, the staff who did it themselves for a whole incident, and the desk that has an incident.
    """
    if ticket_class in CASES:
        return {CREW}
    if ticket_class is TicketClass.DEVICE:
        return {USER}
    if ticket_class is TicketClass.APPLICATION and event.kind is EventKind.OPENED:
        return {CREW}
    if was_passed_on(event):
        return {DISPATCH, CREW}
    return {DISPATCH, USER} if event.data.get("source") == TicketSource.INCIDENT else set()


def _data(kind: NoticeKind, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values for the placeholders of a notice's texts."""
    match kind:
        case NoticeKind.APPOINTMENT:
            return {"at": data["appointment_at"]}
        case NoticeKind.TERMS_TOLD:
            return {name: data.get(name) or NOT_TOLD for name in ("for_what", "amount")}
        case NoticeKind.TICKET_ANSWERED:
            return {"answer": next(data[key] for key in ("text", "plan", "reason") if key in data)}
        case NoticeKind.CONTRACT_OFFERED:
            return {"contract": data["contract"]}
        case NoticeKind.HEAT_NOTICE:
            return {"notice": data["notice"]}
        case NoticeKind.TICKET_ASSIGNED:
            return {"responsible": data.get("responsible")}
        case NoticeKind.CLOCK_WARNING | NoticeKind.CLOCK_BREACHED:
            return {"clock": data["clock"], "due_at": data["due_at"]}
        case NoticeKind.CALENDAR_MISSING:
            return {"year": data["year"]}
    return {}

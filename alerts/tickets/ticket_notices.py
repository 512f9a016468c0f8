"""Who hears of what happens to tickets."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.notices import Audience, Entry, Kind
from domain.tickets import Event, EventKind, Source, TicketClass, was_passed_on

DISPATCH, CREW, SUPERVISOR, USER = Audience.DISPATCH, Audience.CREW, Audience.SUPERVISOR, Audience.USER
CASES = frozenset({TicketClass.COMPLAINT, TicketClass.REPORT})  # they have notices of their own
TELLS: Mapping[EventKind, tuple[Kind, tuple[Audience, ...]]] = {
    EventKind.OPENED: (Kind.TICKET_OPENED, (DISPATCH, CREW, USER)),
    EventKind.SEVERE: (Kind.TICKET_SEVERE, (DISPATCH, CREW)),
    EventKind.RELAPSED: (Kind.TICKET_REOPENED, (DISPATCH, CREW, USER)),
    EventKind.REOPENED: (Kind.TICKET_REOPENED, (DISPATCH, CREW, USER)),
    EventKind.REWORK: (Kind.TICKET_REOPENED, (DISPATCH, CREW)),
    EventKind.USER_SAID: (Kind.USER_SAID, (DISPATCH, CREW)),
    EventKind.ASSIGNED: (Kind.TICKET_ASSIGNED, (CREW,)),
    EventKind.CONTACTED: (Kind.APPOINTMENT, (USER,)),
    EventKind.APPOINTMENT: (Kind.APPOINTMENT, (USER,)),
    EventKind.DONE: (Kind.TICKET_DONE, (DISPATCH, USER)),
    EventKind.STILL_COLD: (Kind.STILL_COLD, (DISPATCH, SUPERVISOR)),
    EventKind.REPLIED: (Kind.TICKET_ANSWERED, (USER,)),
    EventKind.VOID: (Kind.TICKET_ANSWERED, (USER,)),
    EventKind.CLOSED: (Kind.TICKET_CLOSED, (USER,)),
    EventKind.CLOCK_WARNED: (Kind.CLOCK_WARNING, (DISPATCH, CREW)),
    EventKind.CLOCK_BREACHED: (Kind.CLOCK_BREACHED, (DISPATCH, SUPERVISOR)),
    EventKind.CLOCK_UNDATED: (Kind.CALENDAR_MISSING, (SUPERVISOR,)),
}
TOLD_OF_CASES = frozenset({EventKind.CLOCK_WARNED, EventKind.CLOCK_BREACHED, EventKind.CLOCK_UNDATED})


def notices(events: Sequence[Event], classes: Mapping[int, TicketClass]) -> list[Entry]:
    """What goes into the outbox for events of tickets of these classes."""
    reopened = {event.ticket_id for event in events if event.kind is EventKind.REOPENED}  # told of that, not twice
    return [
        Entry(kind, audience, ticket_id=event.ticket_id, data=_data(kind, event.data))
        for event in events
        if not (event.kind is EventKind.USER_SAID and event.ticket_id in reopened)
        for kind, audience in _of(event, classes[event.ticket_id])
    ]


def _of(event: Event, ticket_class: TicketClass) -> list[tuple[Kind, Audience]]:
    kind, audiences = TELLS.get(event.kind, (None, ()))
    if kind is None or (ticket_class in CASES and event.kind not in TOLD_OF_CASES):
        return []
    if kind is Kind.APPOINTMENT and event.data.get("appointment_at") is None:
        return []
    return [(kind, audience) for audience in audiences if audience not in _left_out(event, ticket_class)]


def _left_out(event: Event, ticket_class: TicketClass) -> set[Audience]:
    """Who is not told: the crew complained about, the user with a silent thermometer, the staff who did it themselves
    for a whole incident, the desk that has an incident."""
    if ticket_class in CASES:
        return {CREW}
    if ticket_class is TicketClass.DEVICE:
        return {USER}
    if was_passed_on(event):
        return {DISPATCH, CREW}
    return {DISPATCH, USER} if event.data.get("source") == Source.INCIDENT else set()


def _data(kind: Kind, data: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that the texts of a notice name."""
    match kind:
        case Kind.APPOINTMENT:
            return {"at": data["appointment_at"]}
        case Kind.TICKET_ANSWERED:
            return {"answer": data["text"] if "text" in data else data["reason"]}
        case Kind.TICKET_ASSIGNED:
            return {"responsible": data.get("responsible")}
        case Kind.CLOCK_WARNING | Kind.CLOCK_BREACHED:
            return {"clock": data["clock"], "due_at": data["due_at"]}
        case Kind.CALENDAR_MISSING:
            return {"year": data["year"]}
    return {}

"""Statements of a user about an open ticket: whether the trouble persists, and when a visit suits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from domain.tickets import OF_INCIDENT, EventKind, TicketClass, TicketSource, TicketState

DAYS_AHEAD = 14  # of which a visit may be wished
MOST_TIMES = 12
SPEAKABLE = frozenset({TicketClass.COLD, TicketClass.LEAK, TicketClass.REPAIR})  # a user can see these
# Events by which a user speaks, if they are the user's own, and those by which the staff answers.
WORDS = frozenset({EventKind.USER_SAID, EventKind.ATTACHED, EventKind.CONFIRMED, EventKind.RATED})
ANSWERS = frozenset(
    {
        EventKind.ACCEPTED,
        EventKind.CONTACTED,
        EventKind.APPOINTMENT,
        EventKind.ARRIVED,
        EventKind.DELAYED,
        EventKind.RESPONSIBILITY,
        EventKind.DONE,
        EventKind.REWORK,
        EventKind.REPLIED,
        EventKind.CALLED_BACK,
        EventKind.CLOSED,
        EventKind.MERGED,
        EventKind.VOID,
        EventKind.REOPENED,
    }
)


class Says(StrEnum):
    """The user's word on whether the trouble is over."""

    SOLVED = "solved"
    PERSISTS = "persists"


class DayPart(StrEnum):
    """Part of a day in which a visit suits the user."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


class VisitTime(NamedTuple):
    """A time that suits the user."""

    day: date
    part: DayPart


class TimeFault(StrEnum):
    """Reason why times of a visit are refused."""

    PAST = "past"
    FAR = "far"  # more than DAYS_AHEAD days ahead
    TWICE = "twice"


class TimesRefused(Exception):
    """Times of a visit that are not taken; nothing was changed."""

    def __init__(self, fault: TimeFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Reaction(StrEnum):
    """Consequence of a user's word. Stored with the event, unless it is only noted."""

    NOTED = "noted"
    AGAIN = "again"  # the work has not helped: it is to be done again
    CONTRADICTED = "contradicted"  # by what was measured: the desk decides


def times_in(data: Mapping[str, Any]) -> list[VisitTime]:
    """Return the times that the data of an event tells."""
    return [VisitTime(date.fromisoformat(one["day"]), DayPart(one["part"])) for one in data.get("times", ())]


def standing_times(events: Iterable[Mapping[str, Any]], present: int) -> list[VisitTime]:
    """Return the times told last in the present round of a ticket; empty: none."""
    found = _last(events, present, "times")
    return times_in(found["data"]) if found else []


def standing_word(events: Iterable[Mapping[str, Any]], present: int) -> Mapping[str, Any] | None:
    """Return the event of the user's last word on the trouble in the present round of a ticket."""
    return _last(events, present, "says")


def is_of_user(kind: EventKind, data: Mapping[str, Any]) -> bool:
    """Return whether a user made an event, rather than the staff that noted the words of a caller."""
    return (
        kind is EventKind.RATED
        or bool(data.get("by_user"))
        or (kind is EventKind.USER_SAID and data.get("source") == TicketSource.USER)
    )


def unanswered_since(events: Iterable[Mapping[str, Any]]) -> datetime | None:
    """Return when the user first spoke after the last answer of the staff; None: everything said is answered.

    A move of an incident's crew that was passed on to all of its homes answers none of their users.

    Args:
        events: of one ticket in order, each with `kind`, `at` and `data`; those in WORDS and ANSWERS suffice.
    """
    since: datetime | None = None
    for event in events:
        kind, data = EventKind(event["kind"]), event["data"]
        if kind in WORDS and is_of_user(kind, data):
            since = since or event["at"]
        elif kind in ANSWERS and OF_INCIDENT not in data:
            since = None
    return since


def _last(events: Iterable[Mapping[str, Any]], present: int, key: str) -> Mapping[str, Any] | None:
    mine = [e for e in events if e["kind"] == EventKind.USER_SAID and e["round"] == present and e["data"].get(key)]
    return mine[-1] if mine else None


def check_times(times: Sequence[VisitTime], today: date) -> None:
    """Check the times that a user wishes; `today` is the local day.

    Raises:
        TimesRefused: a day is over or too far ahead, or a time is told twice.
    """
    if len(set(times)) < len(times):
        raise TimesRefused(TimeFault.TWICE)
    for one in times:
        if one.day < today:
            raise TimesRefused(TimeFault.PAST)
        if one.day > today + timedelta(days=DAYS_AHEAD):
            raise TimesRefused(TimeFault.FAR)


def reaction(says: Says | None, ticket_class: TicketClass, state: TicketState, *, warm_now: bool) -> Reaction:
    """Decide what follows from a user's word on a ticket.

    Work that was reported as done and is not proven has not helped if the user says so. What was measured stands
    against the user's word until the desk decides: a proof, or a home that is known to be warm. That the trouble is
    over proves nothing, and no ticket is closed by it.

    Args:
        warm_now: the home is known to be at or above the day limit.
    """
    if says is not Says.PERSISTS or state not in (TicketState.VERIFYING, TicketState.DONE):
        return Reaction.NOTED
    if ticket_class not in SPEAKABLE:
        return Reaction.NOTED
    is_proven = ticket_class is TicketClass.COLD and (state is TicketState.DONE or warm_now)
    return Reaction.CONTRADICTED if is_proven else Reaction.AGAIN

"""The repair desk: states and events of a ticket. The table MOVES defines every transition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class TicketClass(StrEnum):
    """Subject class of a ticket."""

    COLD = "cold"
    LEAK = "leak"
    REPAIR = "repair"
    DEVICE = "device"
    COMPLAINT = "complaint"
    REPORT = "report"  # of wrongdoing
    APPLICATION = "application"  # for heat, or for a change of it (domain/applications.py)


class TicketState(StrEnum):
    """Progress of a ticket. Stored in `ticket.state`."""

    OPEN = "open"
    ACCEPTED = "accepted"  # the station has replied
    WORKING = "working"  # the crew is on site
    VERIFYING = "verifying"  # a cold home marked done but not proven warm
    DONE = "done"  # for a cold home: proven warm
    CLOSED = "closed"


class TicketSource(StrEnum):
    """Origin of a ticket. Stored in `ticket.source`."""

    FLAG = "flag"
    DEVICE = "device"
    PHONE = "phone"
    WALK_IN = "walk_in"
    LETTER = "letter"
    SUPERIOR = "superior"  # passed down by an authority
    USER = "user"  # through the API
    MEASUREMENT = "measurement"
    INCIDENT = "incident"


SELF_CLOSING = frozenset(
    {TicketSource.DEVICE, TicketSource.INCIDENT}
)  # their tickets close with the job, with the incident


class Proof(StrEnum):
    """Proof that a cold home is no longer cold. Stored in `ticket.proof`."""

    READINGS = "readings"  # known warm for the time the policy requires
    MEASUREMENT = "measurement"  # signed by the user
    ENDED = "ended"  # its flags ended without recovery: season over, heat stopped, or no limit
    WITHDRAWN = "withdrawn"  # late data withdrew all its flags: the home was not cold


class DelayReason(StrEnum):
    """Reason for a delay. It explains the delay but does not stop the clock."""

    USER_ABSENT = "user_absent"
    USER_WISH = "user_wish"
    PARTS = "parts"
    MANY_FAULTS = "many_faults"
    NETWORK_FAULT = "network_fault"
    WEATHER = "weather"
    THIRD_PARTY = "third_party"
    OTHER = "other"


class EventKind(StrEnum):
    """Event of a ticket."""

    OPENED = "opened"
    FLAG_JOINED = "flag_joined"  # another flag of the home while the ticket is open
    SEVERE = "severe"
    RECOVERED = "recovered"  # the flag cleared: the home is warm again
    FLAG_ENDED = "flag_ended"  # the flag ended for another reason
    FLAG_CORRECTED = "flag_corrected"  # late data changed its beginning, end or depth
    RETROSPECTIVE = "retrospective"  # found after it was over
    HEALED = "healed"  # the sensor fault has been gone long enough
    JOB_ENDED = "job_ended"  # a device job ended for another reason
    INCIDENT_JOINED = "incident_joined"  # one fault behind many cold homes: one crew for all of them
    INCIDENT_MOVED = "incident_moved"  # the incident was merged into a wider one
    INCIDENT_LEFT = "incident_left"  # it is separate again
    INCIDENT_CLOSED = "incident_closed"  # on the crew's ticket
    ESCALATED = "escalated"  # a case: escalated to management
    SUPERVISED = "supervised"  # a case: progress supervised by management
    PUBLISHED = "published"  # a case: the result was published
    EXAMPLE = "example"  # a case: kept as an example to learn from
    PRIORITY = "priority"  # it became more urgent
    CLOCK_WARNED = "clock_warned"
    CLOCK_BREACHED = "clock_breached"
    CLOCK_UNDATED = "clock_undated"  # the calendar lacks the year it runs out in
    CLOCK_DATED = "clock_dated"  # now the calendar has it
    MEASURED = "measured"  # on site, signed by the user
    PROVEN = "proven"  # the home is warm, or was never cold
    STILL_COLD = "still_cold"  # marked done long ago but not proven warm
    RELAPSED = "relapsed"  # the trouble is back within the call-back window, or was never gone
    ASSIGNED = "assigned"  # to a station or a person
    ACCEPTED = "accepted"  # the station has stated what it will do
    CONTACTED = "contacted"  # someone has spoken with the user
    TRIED = "tried"  # an attempt to reach the user that did not succeed
    APPOINTMENT = "appointment"
    ARRIVED = "arrived"
    CAUSE_FOUND = "cause_found"
    PART_USED = "part_used"
    DELAYED = "delayed"
    RESPONSIBILITY = "responsibility"  # who is responsible, and whether the user pays
    CONFIRMED = "confirmed"  # the user has signed
    DONE = "done"
    REWORK = "rework"  # the work was not done after all
    REPLIED = "replied"  # the user has been answered
    CALLED_BACK = "called_back"
    REMARK = "remark"
    USER_SAID = "user_said"  # an addition by the user
    RATED = "rated"  # by the user, after the work
    ATTACHED = "attached"  # a photo, a signature or a scan
    CLOSED = "closed"
    MERGED = "merged"  # into another ticket
    MERGED_HERE = "merged_here"  # another ticket into this one
    VOID = "void"  # opened by mistake
    REOPENED = "reopened"  # by a person: the problem persists
    PLAN_ANSWERED = "plan_answered"  # an application: the company agrees, and says how
    PLAN_REFUSED = "plan_refused"  # an application: the company does not agree, and says why
    INSPECTED = "inspected"  # an application: intermediate or completion inspection
    FEES_SETTLED = "fees_settled"
    APPROVED = "approved"  # by the company: the station may stop or resume the heat
    CONTRACT_OFFERED = "contract_offered"
    CONTRACT_SIGNED = "contract_signed"
    AREA_NOTICE = "area_notice"  # 增减面积通知单
    HEAT_NOTICE = "heat_notice"  # 供热通知单
    HEAT_ON = "heat_on"  # executed on site
    HEAT_OFF = "heat_off"  # executed on site


@dataclass(frozen=True)
class NewEvent:
    """A new event of a ticket; `data` is stored with it."""

    ticket_id: int
    kind: EventKind
    data: Mapping[str, Any] = field(default_factory=dict)


EVERYTHING = "*"  # meets: every running clock
_UNTIL_DONE = frozenset({TicketState.OPEN, TicketState.ACCEPTED, TicketState.WORKING})
_NOT_CLOSED = frozenset(TicketState) - {TicketState.CLOSED}
_ANY = frozenset(TicketState)
_DONE = _ANY - _UNTIL_DONE
_WORKED = frozenset({TicketState.VERIFYING, TicketState.DONE})
_REPAIRS = frozenset(TicketClass) - {TicketClass.APPLICATION}
_APPLICATIONS = frozenset({TicketClass.APPLICATION})


@dataclass(frozen=True)
class MoveRule:
    """Preconditions and effects of an event."""

    of: frozenset[TicketState]  # states in which it may happen
    to: TicketState | None = None  # None: the state stays
    meets: tuple[str, ...] = ()  # the clocks it stops
    shown: tuple[str, ...] | None = None  # keys of its data the user may see; None: the event is hidden from the user
    voids: bool = False  # ends the ticket without work: its clocks stop, and no figure counts it
    classes: frozenset[TicketClass] = frozenset(TicketClass)
    starts: str | None = None  # the clock that begins with it


def _step(
    *shown: str, to: TicketState | None = None, meets: tuple[str, ...] = (), starts: str | None = None
) -> MoveRule:
    return MoveRule(_UNTIL_DONE, to, meets, shown, classes=_APPLICATIONS, starts=starts)


MOVES: Mapping[EventKind, MoveRule] = {
    # by itself
    EventKind.OPENED: MoveRule(
        _ANY, shown=("flag", "severity", "cold_since", "sensor", "reason", "zh", "en", "follows", "application")
    ),
    EventKind.FLAG_JOINED: MoveRule(_ANY, shown=("flag", "severity", "cold_since")),
    EventKind.SEVERE: MoveRule(_ANY, shown=("flag", "severe_at")),
    EventKind.RECOVERED: MoveRule(_ANY, shown=("flag", "cleared_at", "reason")),
    EventKind.FLAG_ENDED: MoveRule(_ANY, shown=("flag", "cleared_at", "reason")),
    EventKind.FLAG_CORRECTED: MoveRule(_ANY, shown=("flag", "cold_since", "cleared_at")),
    EventKind.RETROSPECTIVE: MoveRule(_ANY, shown=("flag", "cleared_at")),
    EventKind.HEALED: MoveRule(_ANY, TicketState.CLOSED, (EVERYTHING,), shown=("reason",)),
    EventKind.JOB_ENDED: MoveRule(_ANY, TicketState.CLOSED, (EVERYTHING,), shown=("reason",)),
    EventKind.INCIDENT_JOINED: MoveRule(_ANY),
    EventKind.INCIDENT_MOVED: MoveRule(_ANY),
    EventKind.INCIDENT_LEFT: MoveRule(_ANY),
    EventKind.INCIDENT_CLOSED: MoveRule(_ANY, TicketState.CLOSED, (EVERYTHING,)),
    EventKind.ESCALATED: MoveRule(_NOT_CLOSED),
    EventKind.SUPERVISED: MoveRule(_NOT_CLOSED),
    EventKind.PUBLISHED: MoveRule(_ANY),
    EventKind.EXAMPLE: MoveRule(frozenset({TicketState.CLOSED})),
    EventKind.PRIORITY: MoveRule(_ANY),
    EventKind.CLOCK_WARNED: MoveRule(_ANY),
    EventKind.CLOCK_BREACHED: MoveRule(_ANY),
    EventKind.CLOCK_UNDATED: MoveRule(_ANY),
    EventKind.CLOCK_DATED: MoveRule(_ANY),
    EventKind.MEASURED: MoveRule(_ANY, shown=("measurement", "celsius", "limit", "warm")),
    EventKind.PROVEN: MoveRule(frozenset({TicketState.VERIFYING}), TicketState.DONE, shown=("proof",)),
    EventKind.STILL_COLD: MoveRule(frozenset({TicketState.VERIFYING})),
    EventKind.RELAPSED: MoveRule(
        frozenset({TicketState.VERIFYING, TicketState.DONE, TicketState.CLOSED}),
        TicketState.OPEN,
        shown=("flag", "severity", "cold_since"),
    ),
    # by people
    EventKind.ASSIGNED: MoveRule(_NOT_CLOSED),
    EventKind.ACCEPTED: MoveRule(
        frozenset({TicketState.OPEN}), TicketState.ACCEPTED, ("station_reply", "accept"), (), classes=_REPAIRS
    ),
    EventKind.CONTACTED: MoveRule(_NOT_CLOSED, None, ("contact",), shown=("appointment_at",)),
    EventKind.TRIED: MoveRule(_NOT_CLOSED, shown=("again_at",)),  # stops no clock: nobody has spoken with the user
    EventKind.APPOINTMENT: MoveRule(_UNTIL_DONE, shown=("appointment_at",)),
    EventKind.ARRIVED: MoveRule(
        _UNTIL_DONE, TicketState.WORKING, ("station_reply", "accept", "contact", "on_site"), shown=()
    ),
    EventKind.CAUSE_FOUND: MoveRule(_NOT_CLOSED, shown=("cause", "zh", "en"), classes=_REPAIRS),
    EventKind.PART_USED: MoveRule(_NOT_CLOSED, shown=("part", "count"), classes=_REPAIRS),
    EventKind.DELAYED: MoveRule(_NOT_CLOSED, shown=("reason", "explanation", "zh", "en")),
    EventKind.RESPONSIBILITY: MoveRule(
        _NOT_CLOSED, shown=("responsibility", "paid", "for_what", "amount"), classes=_REPAIRS
    ),
    EventKind.CONFIRMED: MoveRule(
        _NOT_CLOSED, shown=("confirmation", "agreed", "for_what", "amount", "before_work"), classes=_REPAIRS
    ),
    EventKind.DONE: MoveRule(
        _UNTIL_DONE,
        TicketState.DONE,  # of a cold home: VERIFYING
        ("station_reply", "accept", "contact", "on_site", "done", "finish"),
        shown=("result",),
    ),
    EventKind.REWORK: MoveRule(_WORKED, TicketState.WORKING, shown=(), classes=_REPAIRS),
    EventKind.REPLIED: MoveRule(_NOT_CLOSED, None, ("answer",), shown=("text", "channel")),
    EventKind.CALLED_BACK: MoveRule(_WORKED, None, ("call_back",), shown=("satisfied",), classes=_REPAIRS),
    EventKind.REMARK: MoveRule(_ANY),
    EventKind.USER_SAID: MoveRule(_NOT_CLOSED, shown=("text", "says", "times", "reaction", "agreed")),
    EventKind.RATED: MoveRule(_DONE, shown=("stars", "text")),
    # Photos from a cellar come when there is a network again, the ticket closed or not.
    EventKind.ATTACHED: MoveRule(
        _ANY, shown=("file", "kind", "for_user", "media_type", "size", "sha256", "original_sha256")
    ),
    EventKind.CLOSED: MoveRule(frozenset({TicketState.DONE}), TicketState.CLOSED, (EVERYTHING,), shown=("proof",)),
    EventKind.MERGED: MoveRule(_NOT_CLOSED, TicketState.CLOSED, shown=("into", "reason"), voids=True, classes=_REPAIRS),
    EventKind.MERGED_HERE: MoveRule(_NOT_CLOSED, shown=("ticket",), classes=_REPAIRS),
    EventKind.VOID: MoveRule(_NOT_CLOSED, TicketState.CLOSED, shown=("reason",), voids=True),
    EventKind.REOPENED: MoveRule(frozenset({TicketState.CLOSED}), TicketState.OPEN, shown=(), classes=_REPAIRS),
    # of applications: domain/applications.py says what must be on record before each
    EventKind.PLAN_ANSWERED: _step("plan", "charges", to=TicketState.ACCEPTED, meets=("plan_answer",)),
    EventKind.PLAN_REFUSED: _step("reason", to=TicketState.DONE, meets=("plan_answer",)),
    EventKind.INSPECTED: _step("stage", "passed", "findings", "persons"),
    EventKind.FEES_SETTLED: _step("amount", "reference"),
    EventKind.APPROVED: _step(),
    EventKind.CONTRACT_OFFERED: _step("contract", "terms"),
    EventKind.CONTRACT_SIGNED: _step("contract", "confirmation", starts="heat_on"),
    EventKind.AREA_NOTICE: _step("notice", "area_m2"),
    EventKind.HEAT_NOTICE: _step("notice", starts="heat_at_once"),
    EventKind.HEAT_ON: _step("notice", "findings", to=TicketState.DONE, meets=("heat_on", "heat_at_once")),
    EventKind.HEAT_OFF: _step("findings", to=TicketState.DONE),
}
# Events that undo the work, and with it the answer to the user.
UNDOING = frozenset({EventKind.REWORK, EventKind.RELAPSED, EventKind.REOPENED})
CREW_MOVES = frozenset(
    {
        EventKind.ACCEPTED,
        EventKind.CONTACTED,
        EventKind.TRIED,
        EventKind.APPOINTMENT,
        EventKind.ARRIVED,
        EventKind.CAUSE_FOUND,
        EventKind.PART_USED,
        EventKind.DELAYED,
        EventKind.RESPONSIBILITY,
        EventKind.CONFIRMED,
        EventKind.DONE,
        EventKind.REMARK,
        EventKind.USER_SAID,
        EventKind.INSPECTED,
        EventKind.HEAT_ON,
        EventKind.HEAT_OFF,
    }
)
DISPATCH_MOVES = CREW_MOVES | {
    EventKind.ASSIGNED,
    EventKind.REWORK,
    EventKind.REPLIED,
    EventKind.CALLED_BACK,
    EventKind.CLOSED,
    EventKind.MERGED,
    EventKind.VOID,
    EventKind.REOPENED,
    EventKind.PLAN_ANSWERED,
    EventKind.PLAN_REFUSED,
    EventKind.FEES_SETTLED,
    EventKind.APPROVED,
    EventKind.CONTRACT_OFFERED,
    EventKind.CONTRACT_SIGNED,
    EventKind.AREA_NOTICE,
    EventKind.HEAT_NOTICE,
}
LEADER_MOVES = frozenset({EventKind.APPROVED, EventKind.AREA_NOTICE, EventKind.HEAT_NOTICE})  # the company's own
# Events that leave the reasons for a move as they were: a person who has not seen them may still make it.
UNDISTURBING = frozenset(
    {
        EventKind.CLOCK_WARNED,
        EventKind.CLOCK_BREACHED,
        EventKind.CLOCK_UNDATED,
        EventKind.CLOCK_DATED,
        EventKind.FLAG_CORRECTED,
        EventKind.PRIORITY,
    }
)
# On site, what somebody else notes is no reason to try again; what undoes the work is.
UNDISTURBING_ON_SITE = frozenset(EventKind) - UNDOING
# Moves on an incident's ticket that apply to each of its homes; REWORK only to homes not proven warm.
PASSED_ON = frozenset({EventKind.ACCEPTED, EventKind.ARRIVED, EventKind.DELAYED, EventKind.DONE, EventKind.REWORK})
OF_INCIDENT = "incident"  # key in an event's data: number of the incident it was passed on from
SPOKEN_WITH = "contact"  # the only clock that work on a pipe does not stop: no one has spoken with the user
CLOCK_NAMES = frozenset(name for move in MOVES.values() for name in move.meets) - {EVERYTHING}  # those of a policy
AFTER_DONE = "call_back"  # the only clock that starts some time after the work is done
STARTED_LATER = frozenset(rule.starts for rule in MOVES.values() if rule.starts) | {AFTER_DONE}
CALL_BACK_AFTER = "call_back_after"  # among the clocks of a class: delay after the work before its call-back opens
# Clocks that a relapse or rework resumes from their original start.
RESUMED_BY_REWORK = ("done", "finish")


class MoveRefused(Exception):
    """The ticket does not allow a move; nothing was changed."""

    def __init__(self, number: str, state: str, kind: EventKind, reason: str) -> None:
        super().__init__(f"ticket {number} is {state}, {kind} is refused: {reason}")
        self.number, self.state, self.kind, self.reason = number, state, kind, reason


class TooEarly(MoveRefused):
    """A call-back is too early."""

    def __init__(self, number: str, state: str, kind: EventKind, allowed_from: datetime) -> None:
        super().__init__(number, state, kind, f"it is allowed from {allowed_from.isoformat()}")
        self.allowed_from = allowed_from


class ChangedSince(Exception):
    """A ticket has changed since the caller read it; nothing was changed now. `events` are those not seen."""

    def __init__(self, number: str, events: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(f"ticket {number} has changed: {', '.join(event['kind'] for event in events)}")
        self.number, self.events = number, events


def allowed_moves(state: TicketState, ticket_class: TicketClass) -> tuple[EventKind, ...]:
    """Return the moves open to people in a state of a ticket of a class, in the order of the table."""
    return tuple(
        kind
        for kind, move in MOVES.items()
        if kind in DISPATCH_MOVES and state in move.of and ticket_class in move.classes
    )


def state_after(state: TicketState, kind: EventKind, ticket_class: TicketClass) -> TicketState | None:
    """Return the state after an event; None if the event is not allowed."""
    move = MOVES[kind]
    if state not in move.of or ticket_class not in move.classes:
        return None
    if kind is EventKind.DONE and ticket_class is TicketClass.COLD:
        return TicketState.VERIFYING
    return move.to or state


def passes_on(state: TicketState, kind: EventKind, ticket_class: TicketClass) -> bool:
    """Return whether a move of an incident's crew applies to a home's ticket in this state.

    No event is repeated, and no crew is sent back to a home that is proven warm.
    """
    if kind is EventKind.REWORK:
        return state is TicketState.VERIFYING
    after = state_after(state, kind, ticket_class)
    return kind in PASSED_ON and after is not None and (after is not state or kind is EventKind.DELAYED)


def was_passed_on(event: NewEvent) -> bool:
    """Return whether an event was done for all homes of an incident rather than for this one."""
    return event.kind in PASSED_ON and OF_INCIDENT in event.data


def changes_course(kind: EventKind) -> bool:
    """Return whether an event changes the state of a ticket or stops a clock, rather than only tell something."""
    return MOVES[kind].to is not None or bool(MOVES[kind].meets)


def clocks_met(event: NewEvent) -> tuple[str, ...]:
    """Return the clocks that an event stops."""
    names = MOVES[event.kind].meets
    return tuple(name for name in names if name != SPOKEN_WITH) if was_passed_on(event) else names

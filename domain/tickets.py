"""The repair desk: states of a ticket, what can happen to it, and what that does. One table says it all: MOVES."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.milli import milli
from domain.reasons import Text
from domain.states import ClearReason, Severity


class TicketClass(StrEnum):
    """What a ticket is about."""

    COLD = "cold"
    LEAK = "leak"
    REPAIR = "repair"
    DEVICE = "device"
    COMPLAINT = "complaint"
    REPORT = "report"  # of wrongdoing


class TicketState(StrEnum):
    """How far the work on a ticket has come. Stored in `ticket.state`."""

    OPEN = "open"
    ACCEPTED = "accepted"  # the station has answered
    WORKING = "working"  # somebody is on site
    VERIFYING = "verifying"  # a cold home marked done and not proven warm
    DONE = "done"  # a cold home: proven warm
    CLOSED = "closed"


class TicketSource(StrEnum):
    """How a ticket came about. Stored in `ticket.source`."""

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
    """What shows that a cold home is cold no more. Stored in `ticket.proof`."""

    READINGS = "readings"  # known warm for the policy's time
    MEASUREMENT = "measurement"  # signed by the user
    ENDED = "ended"  # its flags ended without recovery: season over, heat stopped, no limit any more
    WITHDRAWN = "withdrawn"  # late data took the cause of all of its flags away: the home was not cold


class DelayReason(StrEnum):
    """Why something takes longer. It explains; the clock still counts."""

    USER_ABSENT = "user_absent"
    USER_WISH = "user_wish"
    PARTS = "parts"
    MANY_FAULTS = "many_faults"
    NETWORK_FAULT = "network_fault"
    WEATHER = "weather"
    THIRD_PARTY = "third_party"
    OTHER = "other"


class EventKind(StrEnum):
    """What can happen to a ticket."""

    OPENED = "opened"
    FLAG_JOINED = "flag_joined"  # another flag of the same home while the ticket is open
    SEVERE = "severe"
    RECOVERED = "recovered"  # the flag cleared: the home is warm again
    FLAG_ENDED = "flag_ended"  # the flag ended for another reason
    FLAG_CORRECTED = "flag_corrected"  # late data moved its beginning, end or depth
    RETROSPECTIVE = "retrospective"  # found after it was over
    HEALED = "healed"  # what was wrong with a sensor has been gone for long enough
    JOB_ENDED = "job_ended"  # a device job ended for another reason
    INCIDENT_JOINED = "incident_joined"  # one fault behind many cold homes: the crew is sent once for all
    INCIDENT_MOVED = "incident_moved"  # the incident has become part of a wider one
    INCIDENT_LEFT = "incident_left"  # it stands for itself again
    INCIDENT_CLOSED = "incident_closed"  # on the ticket of the crew
    ESCALATED = "escalated"  # a case: taken up to the company's management
    SUPERVISED = "supervised"  # a case: its progress is watched from above
    PUBLISHED = "published"  # a case: what came of it was made known
    EXAMPLE = "example"  # a case: others may learn from it
    PRIORITY = "priority"  # it became more urgent
    CLOCK_WARNED = "clock_warned"
    CLOCK_BREACHED = "clock_breached"
    CLOCK_UNDATED = "clock_undated"  # the calendar does not know the year in which it runs out
    CLOCK_DATED = "clock_dated"  # now it does
    MEASURED = "measured"  # on site, signed by the user
    PROVEN = "proven"  # the home is warm, or was never cold
    STILL_COLD = "still_cold"  # marked done for long, and not proven warm
    RELAPSED = "relapsed"  # cold again within the call-back window
    ASSIGNED = "assigned"  # given to a station, a person
    ACCEPTED = "accepted"  # the station has said what it will do
    CONTACTED = "contacted"  # somebody has spoken with the user
    APPOINTMENT = "appointment"
    ARRIVED = "arrived"
    DELAYED = "delayed"
    RESPONSIBILITY = "responsibility"  # whose damage it is, and whether the user pays
    CONFIRMED = "confirmed"  # the user has signed
    DONE = "done"
    REWORK = "rework"  # it was not done after all
    REPLIED = "replied"  # the user has been answered
    CALLED_BACK = "called_back"
    REMARK = "remark"
    USER_SAID = "user_said"  # the user has added something
    CLOSED = "closed"
    MERGED = "merged"  # another ticket stands for it
    MERGED_HERE = "merged_here"  # and this is the other one
    VOID = "void"  # opened by mistake
    REOPENED = "reopened"  # by somebody: it is not in order after all


@dataclass(frozen=True)
class NewEvent:
    """Something that happened to a ticket; `data` as the event keeps it."""

    ticket_id: int
    kind: EventKind
    data: Mapping[str, Any] = field(default_factory=dict)


EVERYTHING = "*"  # meets: whatever clock still runs
_UNTIL_DONE = frozenset({TicketState.OPEN, TicketState.ACCEPTED, TicketState.WORKING})
_NOT_CLOSED = frozenset(TicketState) - {TicketState.CLOSED}
_ANY = frozenset(TicketState)


@dataclass(frozen=True)
class MoveRule:
    """What an event needs and does."""

    of: frozenset[TicketState]  # states in which it may happen
    to: TicketState | None = None  # None: the state stays
    meets: tuple[str, ...] = ()  # the clocks it stops
    shown: tuple[str, ...] | None = None  # what of its data the user may see; None: nothing of it at all
    voids: bool = False  # it ends the ticket without work: no clock runs any more, and no figure counts it


MOVES: Mapping[EventKind, MoveRule] = {
    # by itself
    EventKind.OPENED: MoveRule(
        _ANY, shown=("flag", "severity", "cold_since", "sensor", "reason", "zh", "en", "follows")
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
        frozenset({TicketState.OPEN}), TicketState.ACCEPTED, ("station_reply", "accept"), shown=()
    ),
    EventKind.CONTACTED: MoveRule(_NOT_CLOSED, None, ("contact",), shown=("appointment_at",)),
    EventKind.APPOINTMENT: MoveRule(_UNTIL_DONE, shown=("appointment_at",)),
    EventKind.ARRIVED: MoveRule(
        _UNTIL_DONE, TicketState.WORKING, ("station_reply", "accept", "contact", "on_site"), shown=()
    ),
    EventKind.DELAYED: MoveRule(_NOT_CLOSED, shown=("reason", "explanation", "zh", "en")),
    EventKind.RESPONSIBILITY: MoveRule(_NOT_CLOSED, shown=("responsibility", "paid")),
    EventKind.CONFIRMED: MoveRule(_NOT_CLOSED, shown=("confirmation",)),
    EventKind.DONE: MoveRule(
        _UNTIL_DONE,
        TicketState.DONE,  # of a cold home: VERIFYING
        ("station_reply", "accept", "contact", "on_site", "done", "finish"),
        shown=("result",),
    ),
    EventKind.REWORK: MoveRule(frozenset({TicketState.VERIFYING, TicketState.DONE}), TicketState.WORKING, shown=()),
    EventKind.REPLIED: MoveRule(_NOT_CLOSED, None, ("answer",), shown=("text", "channel")),
    EventKind.CALLED_BACK: MoveRule(
        frozenset({TicketState.VERIFYING, TicketState.DONE}), None, ("call_back",), shown=("satisfied",)
    ),
    EventKind.REMARK: MoveRule(_ANY),
    EventKind.USER_SAID: MoveRule(_NOT_CLOSED, shown=("text",)),
    EventKind.CLOSED: MoveRule(frozenset({TicketState.DONE}), TicketState.CLOSED, (EVERYTHING,), shown=("proof",)),
    EventKind.MERGED: MoveRule(_NOT_CLOSED, TicketState.CLOSED, shown=("into", "reason"), voids=True),
    EventKind.MERGED_HERE: MoveRule(_NOT_CLOSED, shown=("ticket",)),
    EventKind.VOID: MoveRule(_NOT_CLOSED, TicketState.CLOSED, shown=("reason",), voids=True),
    EventKind.REOPENED: MoveRule(frozenset({TicketState.CLOSED}), TicketState.OPEN, shown=()),
}
# What undoes the work, and with it the answer to the user.
UNDOING = frozenset({EventKind.REWORK, EventKind.RELAPSED, EventKind.REOPENED})
UNDONE = frozenset({EventKind.DONE, EventKind.PROVEN, EventKind.REPLIED, EventKind.CALLED_BACK})
CREW_MOVES = frozenset(
    {
        EventKind.ACCEPTED,
        EventKind.CONTACTED,
        EventKind.APPOINTMENT,
        EventKind.ARRIVED,
        EventKind.DELAYED,
        EventKind.RESPONSIBILITY,
        EventKind.CONFIRMED,
        EventKind.DONE,
        EventKind.REMARK,
        EventKind.USER_SAID,
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
}
# What the crew of an incident does is done for each of its homes; REWORK undoes it where a home is not proven warm.
PASSED_ON = frozenset({EventKind.ACCEPTED, EventKind.ARRIVED, EventKind.DELAYED, EventKind.DONE, EventKind.REWORK})
OF_INCIDENT = "incident"  # in the data of an event: the number of the incident it was passed on by
SPOKEN_WITH = "contact"  # the one clock that work on a pipe does not stop: nobody has spoken with the user
CLOCK_NAMES = frozenset(name for move in MOVES.values() for name in move.meets) - {EVERYTHING}  # those of a policy
AFTER_DONE = "call_back"  # the one clock that starts some time after the work is done
# What a relapse or rework makes undone; `done` and `finish` run on from when they began.
RESUMED_BY_REWORK = ("done", "finish")


class MoveRefused(Exception):
    """A move that the ticket does not allow; nothing was changed."""

    def __init__(self, number: str, state: str, kind: EventKind, reason: str) -> None:
        super().__init__(f"ticket {number} is {state}, {kind} is refused: {reason}")
        self.number, self.state, self.kind, self.reason = number, state, kind, reason


class TooEarly(MoveRefused):
    """A call-back before its time."""

    def __init__(self, number: str, state: str, kind: EventKind, allowed_from: datetime) -> None:
        super().__init__(number, state, kind, f"it is allowed from {allowed_from.isoformat()}")
        self.allowed_from = allowed_from


def standing_events(events: Iterable[Mapping[str, Any]]) -> dict[EventKind, Mapping[str, Any]]:
    """The last event of each kind that still stands: of the present round, and not undone since.

    Args:
        events: of one ticket in order, each with its `kind` and `round`.
    """
    standing: dict[EventKind, Mapping[str, Any]] = {}
    present = 1
    for event in events:
        kind = EventKind(event["kind"])
        if event["round"] > present:
            present, standing = event["round"], {}
        if kind in UNDOING:
            standing = {k: e for k, e in standing.items() if k not in UNDONE}
        standing[kind] = event
    return standing


def allowed_moves(state: TicketState) -> tuple[EventKind, ...]:
    """What people may do in a state, in the order of the table."""
    return tuple(kind for kind, move in MOVES.items() if kind in DISPATCH_MOVES and state in move.of)


def state_after(state: TicketState, kind: EventKind, ticket_class: TicketClass) -> TicketState | None:
    """The state after an event; None when it may not happen."""
    move = MOVES[kind]
    if state not in move.of:
        return None
    if kind is EventKind.DONE and ticket_class is TicketClass.COLD:
        return TicketState.VERIFYING
    return move.to or state


def passes_on(state: TicketState, kind: EventKind, ticket_class: TicketClass) -> bool:
    """Whether what the crew of an incident did says anything to the ticket of a home in this state.

    Nothing is said twice, and nobody is sent back to a home that is proven warm.
    """
    if kind is EventKind.REWORK:
        return state is TicketState.VERIFYING
    after = state_after(state, kind, ticket_class)
    return kind in PASSED_ON and after is not None and (after is not state or kind is EventKind.DELAYED)


def was_passed_on(event: NewEvent) -> bool:
    """Whether somebody did it for all homes of an incident rather than for this one."""
    return event.kind in PASSED_ON and OF_INCIDENT in event.data


def clocks_met(event: NewEvent) -> tuple[str, ...]:
    """The clocks that an event stops."""
    names = MOVES[event.kind].meets
    return tuple(name for name in names if name != SPOKEN_WITH) if was_passed_on(event) else names


def is_for_user(kind: EventKind) -> bool:
    """Return whether customers are shown events of a kind."""
    return MOVES[kind].shown is not None


def event_for_user(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event, of a kind that is for the user, with only what the user may see of it."""
    shown = MOVES[EventKind(event["kind"])].shown or ()
    actor = "user" if event["kind"] == EventKind.USER_SAID else event["actor"]
    actor = actor if actor in ("hearth", "user") else "staff"
    contact = {"contact": None} if "contact" in event else {}
    return {**event, **contact, "actor": actor, "data": {k: v for k, v in event["data"].items() if k in shown}}


@dataclass(frozen=True, kw_only=True)
class TicketStanding:
    """What there is of what closing a ticket needs; the view `ticket_standing` has it of each ticket."""

    ticket_class: str
    source: str
    retrospective: bool  # what it tells of was over when it was found
    flagged: bool  # a flag of it is open, suspended or not
    done: bool
    proof: str | None
    replied: bool
    call_back_asked: bool  # its round has that clock
    called_back: bool
    responsibility: str | None
    paid: bool
    confirmed: bool


def missing(standing: TicketStanding) -> list[str]:
    """What a ticket still needs before it may be closed, as names for programs.

    `done`; `proof` of a cold home; `reply`: everything gets an answer (4(4)); `call_back` (9(11)) unless the home was
    never cold; `confirmation` by the user where it is to pay or to blame (9(4), 9(6)). Device jobs and the tickets of
    incidents close by themselves, and what was over when it was found needs nothing. But no proof holds, and no ticket
    closes, while a flag is open. The database's own `closing_needs` says the same.
    """
    by_itself = standing.source in (TicketSource.DEVICE, TicketSource.INCIDENT)
    asked = standing.call_back_asked and standing.proof != Proof.WITHDRAWN
    needs = {
        "done": not standing.done,
        "proof": standing.flagged or (standing.ticket_class == TicketClass.COLD and standing.proof is None),
        "reply": not standing.replied,
        "call_back": asked and not standing.called_back,
        "confirmation": (standing.paid or standing.responsibility == "user") and not standing.confirmed,
    }
    if by_itself or standing.retrospective:
        return ["proof"] if standing.flagged else []
    return [name for name, needed in needs.items() if needed]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of the home of a ticket that was marked done."""

    flags: int  # of the ticket
    withdrawn: int  # of these
    flagged: bool  # the home has an open flag
    last_reason: str | None  # why the last flag ended that was not withdrawn
    measured_warm: bool | None  # what the last signed measurement said, if no sensor contradicts; None: there is none
    warm: bool  # known warm for the policy's time


def proof(evidence: Evidence) -> Proof | None:
    """What shows that the home of a ticket is cold no more; None: nothing does.

    While a flag is open nothing does, whatever the last readings or somebody's thermometer say. Then a signed
    measurement goes before the sensors.
    """
    if evidence.flagged:
        return None
    if evidence.measured_warm:
        return Proof.MEASUREMENT
    if evidence.flags and evidence.withdrawn == evidence.flags:
        return Proof.WITHDRAWN
    if evidence.last_reason not in (None, ClearReason.RECOVERED, ClearReason.MEASURED, ClearReason.SENSOR_OUT):
        return Proof.ENDED
    return Proof.READINGS if evidence.warm else None


@dataclass(frozen=True, kw_only=True)
class DeskRule:
    """How the desk is run. The regulation names no numbers for this: all of them are the utility's to choose."""

    warn_share: float  # of a clock's time; when so much is gone, it warns
    warm_for_s: int  # how long a home marked done has to be known warm
    still_cold_s: int  # when it is not proven so long after it was marked done, the desk hears of it
    urgent_depth_k: float  # so far under the limit, a cold home is urgent
    urgent_after_s: int  # cold for so long, it is urgent too


PRIORITY_URGENT = 1
_USUAL_PRIORITY = {
    TicketClass.LEAK: 1,
    TicketClass.COLD: 2,
    TicketClass.REPAIR: 3,
    TicketClass.COMPLAINT: 3,
    TicketClass.REPORT: 3,
    TicketClass.DEVICE: 4,
}


@dataclass(frozen=True)
class Cold:
    """How cold a home is."""

    severity: Severity = Severity.COLD
    depth_milli: int = 0  # the lowest temperature is so far under the limit, in thousandths of a kelvin
    lasting: timedelta = field(default=timedelta(0))


def priority(ticket_class: TicketClass, cold: Cold, rule: DeskRule | None) -> int:
    """How urgent a ticket is: 1 (most urgent) to 4, by class, and for a cold home by severity, depth and duration.

    Exactly the depth or the duration of the rule is urgent.
    """
    usual = _USUAL_PRIORITY[ticket_class]
    if ticket_class is not TicketClass.COLD:
        return usual
    urgent = cold.severity is Severity.SEVERE
    if rule is not None:
        urgent |= cold.depth_milli >= milli(rule.urgent_depth_k)
        urgent |= cold.lasting >= timedelta(seconds=rule.urgent_after_s)
    return PRIORITY_URGENT if urgent else usual


DELAY_TEXTS: Mapping[DelayReason, Text] = {
    DelayReason.USER_ABSENT: Text("用户家中无人。", "Nobody was at home."),
    DelayReason.USER_WISH: Text("应用户要求改期。", "The user asked for another time."),
    DelayReason.PARTS: Text("等待配件。", "Parts have to be fetched."),
    DelayReason.MANY_FAULTS: Text("故障较多,正在依次处理。", "There are many faults; they are worked one by one."),
    DelayReason.NETWORK_FAULT: Text("管网故障正在抢修。", "A fault of the network is being repaired."),
    DelayReason.WEATHER: Text("天气原因。", "The weather does not allow it."),
    DelayReason.THIRD_PARTY: Text("需第三方配合。", "Somebody else has to do something first."),
    DelayReason.OTHER: Text("其他原因。", "There is another reason."),
}

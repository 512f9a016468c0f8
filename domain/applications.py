"""Applications for heat (chapters 5 and 6): what each kind goes through, and what must be on record before a step.

An application is a ticket: its states, moves, clocks and events are those of domain/tickets.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from domain.move_bars import MoveBar
from domain.tickets import EventKind


class ApplicationKind(StrEnum):
    """Subject of an application. Stored in `application.kind`."""

    CONNECT = "connect"
    CHANGE_NAME = "change_name"
    CHANGE_AREA = "change_area"
    STOP = "stop"
    RESUME = "resume"
    NEW_LOAD = "new_load"  # of a developer: a building


class Document(StrEnum):
    """Document that comes with an application. Stored in `application.documents`."""

    IDENTITY = "identity"
    OWNERSHIP = "ownership"  # of the home
    DRAWINGS = "drawings"  # of the heating
    APPROVAL = "approval"  # of the building by an authority
    FEES = "fees"  # receipt of paid fees
    OTHER = "other"


class Stage(StrEnum):
    """Stage of an inspection (5(4)). Stored with the event."""

    INTERMEDIATE = "intermediate"
    COMPLETION = "completion"


@dataclass(frozen=True, kw_only=True)
class NewApplication:
    """An application as received: of one home, or a new load of one building."""

    kind: ApplicationKind
    documents: tuple[Document, ...]
    home_id: int | None = None
    building_id: int | None = None
    area_m2: Decimal | None = None  # that is wished: of a change of area, and of a new load


# Steps of each kind, and what must be on record before each.
# 5(3): others than homes after inspection and contract; 5(5): stops and resumptions after the approval of the company,
# areas after its inspection; 5(6): a new load after inspection and fees, no heat before the notice; 6(1): fees settled.
_A, _I, _F = EventKind.PLAN_ANSWERED, EventKind.INSPECTED, EventKind.FEES_SETTLED
_N = EventKind.HEAT_NOTICE
ROUTES: Mapping[ApplicationKind, Mapping[EventKind, frozenset[EventKind]]] = {
    ApplicationKind.CONNECT: {
        _A: frozenset(),
        _I: frozenset({_A}),
        EventKind.CONTRACT_OFFERED: frozenset({_A}),
        EventKind.CONTRACT_SIGNED: frozenset({_I, EventKind.CONTRACT_OFFERED}),
        _N: frozenset({_I, EventKind.CONTRACT_SIGNED}),
        EventKind.HEAT_ON: frozenset({_N}),
    },
    ApplicationKind.CHANGE_NAME: {_A: frozenset(), _F: frozenset({_A}), EventKind.DONE: frozenset({_F})},
    ApplicationKind.CHANGE_AREA: {
        _A: frozenset(),
        _I: frozenset({_A}),
        _F: frozenset({_A}),
        EventKind.AREA_NOTICE: frozenset({_I, _F}),
        EventKind.DONE: frozenset({EventKind.AREA_NOTICE}),
    },
    ApplicationKind.STOP: {
        _A: frozenset(),
        _F: frozenset({_A}),
        EventKind.APPROVED: frozenset({_F}),
        EventKind.HEAT_OFF: frozenset({EventKind.APPROVED}),
    },
    ApplicationKind.RESUME: {
        _A: frozenset(),
        _F: frozenset({_A}),
        EventKind.APPROVED: frozenset({_F}),
        _N: frozenset({EventKind.APPROVED}),
        EventKind.HEAT_ON: frozenset({_N}),
    },
    ApplicationKind.NEW_LOAD: {
        _A: frozenset(),
        _I: frozenset({_A}),
        _F: frozenset({_A}),
        EventKind.CONTRACT_OFFERED: frozenset({_A}),
        EventKind.CONTRACT_SIGNED: frozenset({_I, EventKind.CONTRACT_OFFERED}),
        EventKind.AREA_NOTICE: frozenset({_I, _F}),
        _N: frozenset({EventKind.AREA_NOTICE, EventKind.CONTRACT_SIGNED}),
        EventKind.HEAT_ON: frozenset({_N}),
    },
}
STEPS = frozenset(step for route in ROUTES.values() for step in route) | {EventKind.PLAN_REFUSED}
# May be taken again until something rests on it: an inspection that failed, terms that were changed.
REPEATED = frozenset({EventKind.INSPECTED, EventKind.CONTRACT_OFFERED})
EXECUTIONS = frozenset({EventKind.HEAT_ON, EventKind.HEAT_OFF})
NOTICES = frozenset({EventKind.HEAT_NOTICE, EventKind.AREA_NOTICE})
# The clock of heat: homes at once, others within working days of the contract (5(3)).
AT_ONCE, IN_TERM = "heat_at_once", "heat_on"
ANSWER_CLOCK = "plan_answer"


def steps_on_record(events: Iterable[Mapping[str, Any]]) -> frozenset[EventKind]:
    """Find the steps that stand by the events of an application in order, each with `kind` and `data`.

    An inspection stands if the last one at completion was passed.
    """
    standing = set[EventKind]()
    for event in events:
        kind = EventKind(event["kind"])
        if kind is EventKind.INSPECTED:
            if event["data"]["stage"] == Stage.COMPLETION:
                (standing.add if event["data"]["passed"] else standing.discard)(kind)
        elif kind in STEPS:
            standing.add(kind)
    return frozenset(standing)


def takes(kind: ApplicationKind, move: EventKind) -> bool:
    """Return whether an application of a kind has a move at all; moves that are no steps, every kind has."""
    return move not in STEPS or move is EventKind.PLAN_REFUSED or move in ROUTES[kind]


def missing_before(kind: ApplicationKind, standing: frozenset[EventKind], step: EventKind) -> frozenset[EventKind]:
    """Return what must be on record before a step and is not."""
    return ROUTES[kind].get(step, frozenset()) - standing


def step_bar(kind: ApplicationKind, standing: frozenset[EventKind], step: EventKind) -> MoveBar | None:
    """Return why an application does not take a step now; None: it does. Moves that are no steps are never barred."""
    if step is EventKind.PLAN_REFUSED:
        return MoveBar.STANDS if EventKind.PLAN_ANSWERED in standing else None
    if step not in ROUTES[kind]:
        return None
    if missing_before(kind, standing, step):
        return MoveBar.NOT_YET
    rested_on = any(step in needs for later, needs in ROUTES[kind].items() if later in standing)
    return MoveBar.STANDS if rested_on or (step in standing and step not in REPEATED) else None


def clocks_of(kind: ApplicationKind, *, is_home: bool) -> frozenset[str]:
    """Return the names of the clocks of an application; homes get heat at once, others within their term (5(3))."""
    if not {EventKind.HEAT_ON} & ROUTES[kind].keys():
        return frozenset({ANSWER_CLOCK})
    return frozenset({ANSWER_CLOCK, AT_ONCE if is_home else IN_TERM})

"""Moves of an incident's crew, and what of them is said to the tickets of its homes."""

import pytest

from domain.tickets import MOVES, EventKind, NewEvent, TicketClass, TicketState, clocks_met, passes_on, state_after

WORK = {
    EventKind.ACCEPTED: {TicketState.OPEN},
    EventKind.ARRIVED: {TicketState.OPEN, TicketState.ACCEPTED},
    EventKind.DELAYED: {
        TicketState.OPEN,
        TicketState.ACCEPTED,
        TicketState.WORKING,
        TicketState.VERIFYING,
        TicketState.DONE,
    },
    EventKind.DONE: {TicketState.OPEN, TicketState.ACCEPTED, TicketState.WORKING},
    EventKind.REWORK: {TicketState.VERIFYING},
}


@pytest.mark.parametrize("state", TicketState)
@pytest.mark.parametrize("kind", EventKind)
def test_only_work_is_passed_on_and_only_where_it_says_something(kind: EventKind, state: TicketState) -> None:
    assert passes_on(state, kind, TicketClass.COLD) == (state in WORK.get(kind, set()))
    if passes_on(state, kind, TicketClass.COLD):
        assert state_after(state, kind, TicketClass.COLD) is not None


@pytest.mark.parametrize("kind", WORK)
def test_work_for_many_homes_stops_every_clock_but_that_of_speaking_with_the_user(kind: EventKind) -> None:
    assert clocks_met(NewEvent(1, kind, {})) == MOVES[kind].meets
    passed = clocks_met(NewEvent(1, kind, {"incident": "I00000001"}))
    assert set(passed) == set(MOVES[kind].meets) - {"contact"}

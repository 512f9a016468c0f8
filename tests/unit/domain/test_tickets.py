"""What the crew of an incident does, and what of it is said to the tickets of its homes."""

import pytest

from domain.tickets import MOVES, Event, EventKind, State, TicketClass, clocks_met, passes_on, state_after

WORK = {
    EventKind.ACCEPTED: {State.OPEN},
    EventKind.ARRIVED: {State.OPEN, State.ACCEPTED},
    EventKind.DELAYED: {State.OPEN, State.ACCEPTED, State.WORKING, State.VERIFYING, State.DONE},
    EventKind.DONE: {State.OPEN, State.ACCEPTED, State.WORKING},
    EventKind.REWORK: {State.VERIFYING},
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", EventKind)
def test_only_work_is_passed_on_and_only_where_it_says_something(kind: EventKind, state: State) -> None:
    assert passes_on(state, kind, TicketClass.COLD) == (state in WORK.get(kind, set()))
    if passes_on(state, kind, TicketClass.COLD):
        assert state_after(state, kind, TicketClass.COLD) is not None


@pytest.mark.parametrize("kind", WORK)
def test_work_for_many_homes_stops_every_clock_but_that_of_speaking_with_the_user(kind: EventKind) -> None:
    assert clocks_met(Event(1, kind, {})) == MOVES[kind].meets
    passed = clocks_met(Event(1, kind, {"incident": "I00000001"}))
    assert set(passed) == set(MOVES[kind].meets) - {"contact"}

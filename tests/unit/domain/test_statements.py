"""Cover the outcome of a user's word on a ticket, and the times of a visit that are taken."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.statements import (
    ANSWERS,
    DAYS_AHEAD,
    WORDS,
    DayPart,
    Reaction,
    Says,
    TimeFault,
    TimesRefused,
    VisitTime,
    check_times,
    reaction,
    standing_times,
    standing_word,
    unanswered_since,
)
from domain.tickets import CREW_MOVES, DISPATCH_MOVES, EventKind, TicketClass, TicketState

TODAY = date(2026, 1, 15)
MORNING = DayPart.MORNING
COLD, LEAK = TicketClass.COLD, TicketClass.LEAK


@pytest.mark.parametrize(
    ("says", "ticket_class", "state", "warm_now", "follows"),
    [
        (Says.PERSISTS, COLD, TicketState.VERIFYING, False, Reaction.AGAIN),
        (Says.PERSISTS, COLD, TicketState.VERIFYING, True, Reaction.CONTRADICTED),
        (Says.PERSISTS, COLD, TicketState.DONE, False, Reaction.CONTRADICTED),  # it is proven
        (Says.PERSISTS, COLD, TicketState.WORKING, False, Reaction.NOTED),
        (Says.PERSISTS, LEAK, TicketState.DONE, False, Reaction.AGAIN),
        (Says.PERSISTS, LEAK, TicketState.DONE, True, Reaction.AGAIN),  # a warm home may leak
        (Says.PERSISTS, TicketClass.DEVICE, TicketState.DONE, False, Reaction.NOTED),
        (Says.PERSISTS, TicketClass.COMPLAINT, TicketState.DONE, False, Reaction.NOTED),
        (None, COLD, TicketState.VERIFYING, False, Reaction.NOTED),
    ],
)
def test_what_follows_from_a_word(
    says: Says | None, ticket_class: TicketClass, state: TicketState, warm_now: bool, follows: Reaction
) -> None:
    assert reaction(says, ticket_class, state, warm_now=warm_now) is follows


@pytest.mark.parametrize("state", TicketState)
@pytest.mark.parametrize("ticket_class", TicketClass)
def test_that_it_is_over_is_only_noted(ticket_class: TicketClass, state: TicketState) -> None:
    for warm_now in (True, False):
        assert reaction(Says.SOLVED, ticket_class, state, warm_now=warm_now) is Reaction.NOTED


def test_times_lie_ahead_and_are_told_once() -> None:
    def on(days: int, part: DayPart = MORNING) -> VisitTime:
        return VisitTime(TODAY + timedelta(days), part)

    check_times([on(0), on(0, DayPart.EVENING), on(DAYS_AHEAD)], TODAY)
    for times, fault in (
        ([on(-1)], TimeFault.PAST),
        ([on(DAYS_AHEAD + 1)], TimeFault.FAR),
        ([on(1), on(1)], TimeFault.TWICE),
    ):
        with pytest.raises(TimesRefused) as refused:
            check_times(times, TODAY)
        assert refused.value.fault is fault


def test_the_last_word_of_the_present_round_stands() -> None:
    def event(present: int, **data: object) -> dict[str, object]:
        return {"kind": "user_said", "round": present, "data": data}

    told = [{"day": "2026-01-16", "part": "morning"}]
    events = [event(1, says="solved", times=told), event(2, times=told), event(2, text="hello")]
    assert standing_times(events, 2) == [VisitTime(date(2026, 1, 16), MORNING)]
    assert standing_word(events, 2) is None
    assert standing_word(events, 1) == events[0]
    assert standing_times([*events, {"kind": "remark", "round": 2, "data": {"times": "no"}}], 3) == []


def history(*events: tuple[EventKind, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events, one each hour."""
    start = datetime(2026, 1, 15, tzinfo=UTC)
    return [{"kind": kind, "at": start + timedelta(hours=n), "data": data} for n, (kind, data) in enumerate(events)]


SPEAKS: list[tuple[EventKind, dict[str, Any]]] = [
    (EventKind.USER_SAID, {"source": "user", "text": "still cold"}),
    (EventKind.USER_SAID, {"source": "user", "agreed": False}),
    (EventKind.ATTACHED, {"by_user": True, "kind": "photo"}),
    (EventKind.CONFIRMED, {"by_user": True, "agreed": True}),
    (EventKind.RATED, {"stars": 2}),
]


@pytest.mark.parametrize("word", SPEAKS, ids=lambda word: word[0])
def test_words_of_a_user_wait_for_an_answer_from_the_first_on(word: tuple[EventKind, dict[str, Any]]) -> None:
    said = history((EventKind.ACCEPTED, {}), word, (EventKind.CLOCK_BREACHED, {}), (EventKind.REMARK, {}), word)
    assert unanswered_since(said) == said[1]["at"]
    for kind in ANSWERS:
        answered = history(word, (kind, {}))
        assert unanswered_since(answered) is None
        assert unanswered_since(history(word, (kind, {}), word)) == answered[0]["at"] + timedelta(hours=2)
        assert unanswered_since(history(word, (kind, {"incident": "I000001"}))) == answered[0]["at"]


def test_what_the_staff_notes_is_no_word_of_the_user_and_no_answer() -> None:
    noted: list[tuple[EventKind, dict[str, Any]]] = [
        (EventKind.USER_SAID, {"text": "she called"}),
        (EventKind.USER_SAID, {"source": "phone"}),
        (EventKind.ATTACHED, {"by_user": False}),
        (EventKind.CONFIRMED, {"confirmation": "paper 17"}),
        (EventKind.TRIED, {}),
    ]
    assert unanswered_since(history((EventKind.OPENED, {"source": "user"}), *noted)) is None
    assert unanswered_since(history(SPEAKS[0], *noted)) is not None


def test_answers_are_moves_of_the_staff() -> None:
    assert ANSWERS <= DISPATCH_MOVES | CREW_MOVES
    assert not ANSWERS & WORDS

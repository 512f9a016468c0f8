"""Tickets that may end without work."""

from dataclasses import replace

import pytest

from domain.endings import EndingFacts, merge_refusal, void_refusal
from domain.tickets import MOVES, EventKind, TicketState

LEAK = EndingFacts(
    ticket_id=1, number="T00000001", ticket_class="leak", source="phone", state="open", retrospective=False,
    place=(7, None, None), flags=0, call_back_asked=True,
)  # fmt: skip
OTHER = replace(LEAK, ticket_id=2, number="T00000002", state="done")


def test_a_ticket_of_a_person_may_end_so() -> None:
    assert void_refusal(LEAK) is None
    assert merge_refusal(LEAK, OTHER) is None
    assert merge_refusal(LEAK, replace(OTHER, ticket_class="cold", flags=3, source="flag")) is None


@pytest.mark.parametrize(
    "change",
    [
        {"source": "device"}, {"source": "incident"}, {"retrospective": True}, {"ticket_class": "complaint"},
        {"ticket_class": "report"}, {"flags": 1},
    ],
)  # fmt: skip
def test_what_machines_watch_and_what_complains_may_not(change: dict[str, object]) -> None:
    one = replace(LEAK, **change)  # type: ignore[arg-type]
    assert void_refusal(one) is not None
    assert merge_refusal(one, OTHER) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"ticket_id": 1}, {"state": "closed"}, {"source": "device"}, {"source": "incident"}, {"ticket_class": "report"},
        {"place": (8, None, None)}, {"place": (None, 7, None)}, {"call_back_asked": False},
    ],
)  # fmt: skip
def test_not_every_ticket_can_stand_for_another(change: dict[str, object]) -> None:
    assert merge_refusal(LEAK, replace(OTHER, **change)) is not None  # type: ignore[arg-type]


def test_what_voids_closes() -> None:
    assert {kind for kind, move in MOVES.items() if move.voids} == {EventKind.MERGED, EventKind.VOID}
    assert all(move.to is TicketState.CLOSED and not move.meets for move in MOVES.values() if move.voids)

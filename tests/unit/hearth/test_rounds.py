"""The pace of rounds. The connection is not touched by what is tested here."""

import threading
from contextlib import nullcontext
from functools import partial
from typing import Any

import psycopg
import pytest

from hearth import rounds
from hearth.rounds import PUT_OFF_S, Round, in_thread, turn


class Line:
    """As much of a connection as a turn looks at."""

    closed = False


def run(rounds: list[Round], *seconds: float) -> list[bool]:
    line: Any = Line()
    return [turn(rounds, line, partial(float, at)) for at in seconds]


def noting(told: list[str], name: str, *answers: object) -> Any:
    left = list(answers)

    def work(conn: object) -> object:
        told.append(name)
        answer = left.pop(0) if left else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    return work


def test_each_round_has_its_pace() -> None:
    told: list[str] = []
    rounds = [Round("often", 0, noting(told, "often")), Round("rare", 60, noting(told, "rare"))]
    assert run(rounds, 0, 1, 59.9, 60, 61) == [False] * 5
    assert told == ["often", "rare", "often", "often", "often", "rare", "often"]


def test_a_round_with_more_to_do_comes_again_at_once() -> None:
    told: list[str] = []
    assert run([Round("ledger", 60, noting(told, "ledger", True, True, 7))], 0, 0, 0, 1, 59, 60) == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    assert len(told) == 4


@pytest.mark.parametrize("error", [ValueError("no"), psycopg.errors.ProgramLimitExceeded("no index takes it")])
def test_a_round_that_fails_is_put_off_and_the_others_go_on(error: Exception) -> None:
    told: list[str] = []
    rounds = [Round("bad", 0, noting(told, "bad", error)), Round("good", 0, noting(told, "good"))]
    run(rounds, 0, PUT_OFF_S - 0.1, PUT_OFF_S)
    assert told == ["bad", "good", "good", "bad", "good"]


def test_a_lost_connection_ends_the_turn() -> None:
    told: list[str] = []
    rounds = [Round("bad", 0, noting(told, "bad", psycopg.OperationalError())), Round("good", 0, noting(told, "good"))]
    with pytest.raises(psycopg.OperationalError):
        run(rounds, 0)
    assert told == ["bad"]


def test_a_thread_goes_on_after_an_error_that_nobody_has_thought_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ended, and the process went on without foresight, or without its archive."""
    monkeypatch.setattr(rounds, "SLOWEST_RETRY_S", 0.01)
    stop, told = threading.Event(), list[str]()
    connect: Any = nullcontext

    def work(_conn: object) -> None:
        told.append("work")
        if len(told) == 1:
            raise psycopg.InterfaceError("the connection is closed")
        stop.set()

    in_thread(connect, work, stop).join()
    assert told == ["work", "work"]


def test_a_round_tells_when_it_has_come_to_its_end() -> None:
    told: list[str] = []
    done: list[str] = []
    rounds = [
        Round("good", 5, noting(told, "good", True)).told(done.append),
        Round("bad", 5, noting(told, "bad", ValueError("no"))).told(done.append),
    ]
    assert (rounds[0].name, rounds[0].every_s) == ("good", 5)
    run(rounds, 0)
    assert done == ["good"]

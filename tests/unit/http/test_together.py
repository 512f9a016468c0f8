"""Questions that wait at one moment are answered together, whenever they come."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from api.http import together
from api.http.together import MOST_AT_ONCE, AnsweringTogether


def numbers(questions: Sequence[int]) -> list[int | None]:
    return [question * 10 for question in questions]


def test_a_question_is_answered_that_comes_in_the_instant_in_which_a_round_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> list[int | None]:
        gate = asyncio.Event()

        async def waiting_at_the_gate(work: Callable[..., Any], *args: Any) -> Any:
            await gate.wait()
            return work(*args)

        monkeypatch.setattr(together, "in_thread", waiting_at_the_gate)
        asked: AnsweringTogether[int, int] = AnsweringTogether(numbers)
        first = asyncio.create_task(asked.answer(1))
        for _ in range(3):
            await asyncio.sleep(0)  # its round waits at the gate before the next question comes

        async def late() -> int | None:
            await gate.wait()  # behind the round: it goes on in the same turn of the loop, after it has ended
            return await asked.answer(2)

        last = asyncio.create_task(late())
        await asyncio.sleep(0)
        gate.set()
        return list(await asyncio.wait_for(asyncio.gather(first, last), 5))

    assert asyncio.run(story()) == [10, 20]


def test_a_round_begins_beside_another_when_as_many_wait_as_that_one_took(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[list[int]] = []

    async def story() -> list[int | None]:
        gates = [asyncio.Event() for _ in range(5)]

        async def waiting_at_the_gate(work: Callable[..., Any], *args: Any) -> Any:
            begun.append(args[0])
            await gates[len(begun) - 1].wait()
            return work(*args)

        monkeypatch.setattr(together, "in_thread", waiting_at_the_gate)
        asked: AnsweringTogether[int, int] = AnsweringTogether(numbers)
        answers = []

        async def ask(*questions: int) -> None:
            for question in questions:
                answers.append(asyncio.create_task(asked.answer(question)))
                for _ in range(4):
                    await asyncio.sleep(0)

        await ask(1, 2, 3, 4, 5)  # two rounds of one, and three wait
        gates[0].set()  # the three begin beside the second
        for _ in range(4):
            await asyncio.sleep(0)
        gates[1].set()
        await ask(6, 7)  # fewer than three
        assert begun == [[1], [2], [3, 4, 5]]
        await ask(8)
        for gate in gates:
            gate.set()
        return list(await asyncio.wait_for(asyncio.gather(*answers), 5))

    assert asyncio.run(story()) == [question * 10 for question in range(1, 9)]
    assert begun == [[1], [2], [3, 4, 5], [6, 7, 8]]


def test_many_are_answered_in_their_order_and_a_fault_leaves_them_to_the_route() -> None:
    sizes = []

    def answer_all(questions: Sequence[int]) -> list[int | None]:
        sizes.append(len(questions))
        if 500 in questions:
            raise ValueError("not this one")
        return numbers(questions)

    async def story() -> list[int | None]:
        asked: AnsweringTogether[int, int] = AnsweringTogether(answer_all)
        return list(await asyncio.wait_for(asyncio.gather(*(asked.answer(n) for n in range(501))), 30))

    answers = asyncio.run(story())
    assert max(sizes) <= MOST_AT_ONCE
    assert answers[500] is None
    assert {n for n, answer in enumerate(answers) if answer != n * 10} <= set(range(501 - MOST_AT_ONCE, 501))

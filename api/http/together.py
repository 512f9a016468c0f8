"""Questions that wait at one moment, answered together: by one transaction for all of them."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import structlog
from starlette.concurrency import run_in_threadpool

MOST_AT_ONCE = 64  # in one transaction
ROUNDS = 2  # at the same time: while one waits for the database, another may encode
Question = TypeVar("Question")
Answer = TypeVar("Answer")


class AnsweredRoute(NamedTuple):
    """The route under which a request is counted that was answered before it came to one."""

    path: str


class AnsweringTogether(Generic[Question, Answer]):
    """The questions of one kind that wait in this process.

    Args:
        answer_all: answers some, in their order, in a thread. None: left to the route of the request, which says why.
    """

    def __init__(self, answer_all: Callable[[Sequence[Question]], Sequence[Answer | None]]) -> None:
        self._answer_all = answer_all
        self._waiting: deque[tuple[Question, asyncio.Future[Answer | None]]] = deque()
        self._rounds: set[asyncio.Task[None]] = set()

    async def answer(self, question: Question) -> Answer | None:
        """Return the answer to a question."""
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if len(self._rounds) < ROUNDS:
            task = asyncio.create_task(self._round())
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        return await future

    async def _round(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            answers = await run_in_threadpool(self._answer, [question for question, _ in some])
            for (_, future), answer in zip(some, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    def _answer(self, questions: Sequence[Question]) -> Sequence[Answer | None]:
        try:
            return self._answer_all(questions)
        except Exception as error:  # one of them spoils it for all: each is tried by itself
            structlog.get_logger().warning("not_together", error=type(error).__name__)
            return [None] * len(questions)

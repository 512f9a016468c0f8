"""Questions that wait at one moment, answered together: by one transaction for all of them."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problem import Problem

MOST_AT_ONCE = 64  # in one transaction
ROUNDS = 2  # at the same time
Question = TypeVar("Question")
Answer = TypeVar("Answer")


async def in_thread(work: Callable[[Question], Answer], question: Question) -> Answer:
    """Do work in a thread of the loop's own: the way to one of the framework's costs as much as a statement."""
    return await asyncio.get_running_loop().run_in_executor(None, work, question)


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
        self._rounds: set[asyncio.Task[None]] = set()  # at work
        self._last = 0  # how many questions the last round began with

    async def answer(self, question: Question) -> Answer | None:
        """Return the answer to a question.

        A round costs nearly the same for one as for many, so what comes while one is at work waits for the next. A
        second one begins beside it when as many wait as that one took: one is written out while the other is asked.
        """
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        self._begin()
        return await future

    def _begin(self) -> None:
        is_due = not self._rounds or (len(self._rounds) < ROUNDS and len(self._waiting) >= self._last)
        if self._waiting and is_due:
            some = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            self._last = len(some)
            task = asyncio.create_task(self._answer_some(some))
            self._rounds.add(task)
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._rounds.discard(task)
        self._begin()

    async def _answer_some(self, some: Sequence[tuple[Question, asyncio.Future[Answer | None]]]) -> None:
        answers: Sequence[Answer | None] = [None] * len(some)
        try:
            answers = await in_thread(self._answer, [question for question, _ in some])
        finally:
            for (_, future), answer in zip(some, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    def _answer(self, questions: Sequence[Question]) -> Sequence[Answer | None]:
        try:
            return self._answer_all(questions)
        except Exception as error:  # one of them spoils it for all: each is tried by itself
            structlog.get_logger().warning("not_together", error=type(error).__name__)
            return [None] * len(questions)


class TogetherMiddleware(Generic[Question]):
    """Middleware that answers the ordinary requests of one route, those that wait at one moment together.

    Args:
        path: the path of the route under which they are counted.
        answer_all: answers some, as AnsweringTogether has it.
    """

    def __init__(
        self, app: ASGIApp, path: str, answer_all: Callable[[Sequence[Question]], Sequence[Response | Problem | None]]
    ) -> None:
        self.app = app
        self._route = AnsweredRoute(path)
        self._together: AnsweringTogether[Question, Response | Problem] = AnsweringTogether(answer_all)

    def read_question(self, scope: Scope) -> Question | None:
        """Read an ordinary request; None: it is another one, or not an ordinary one."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        question = self.read_question(scope)
        answer = await self._together.answer(question) if question is not None else None
        if answer is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = self._route
        response = answer.response(scope) if isinstance(answer, Problem) else answer
        await response(scope, receive, send)

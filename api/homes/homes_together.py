"""The busiest question, how a home is now, answered for all that wait for it at one moment with one round trip.

Whatever is out of the ordinary (no token of Hearth's own, a wrong one, a home out of reach, a query) is left to the
route, which says why. Both build the answer by the same function, so they cannot differ.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from psycopg_pool import PoolTimeout
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.homes.home_routes import home_answer
from api.http.problem import Problem, too_many, unavailable
from api.http.session import AppContext
from api.words.problems import NO_ANSWER
from store.base import access
from store.base.access import PREFIX, Right
from store.base.away import AWAY
from store.registry import home_rows

PATH = "/v1/homes/"
JSON = "application/json"
LONGEST_CODE = 200
BEARER = f"Bearer {PREFIX}".encode()
MOST_AT_ONCE = 64  # in one transaction
ROUNDS = 2  # at the same time: while one waits for the database, another may encode


class AnsweredRoute(NamedTuple):
    """The route under which the request is counted."""

    path: str = "/v1/homes/{code}"


@dataclass(frozen=True)
class Question:
    """A token, and the code of the home that it asks for."""

    token: str
    code: str


Answer = bytes | Problem | None  # JSON; None: left to the route


class HomesTogether:
    """Middleware that answers `GET /v1/homes/{code}`."""

    def __init__(self, app: ASGIApp, context: AppContext) -> None:
        self.app = app
        self._context = context
        self._waiting: deque[tuple[Question, asyncio.Future[Answer]]] = deque()
        self._rounds: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        question = read_question(scope)
        if question is None:
            await self.app(scope, receive, send)
            return
        answer = await self._answer(question)
        if answer is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = AnsweredRoute()
        response = answer.response(scope) if isinstance(answer, Problem) else Response(answer, media_type=JSON)
        await response(scope, receive, send)

    async def _answer(self, question: Question) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if len(self._rounds) < ROUNDS:
            task = asyncio.create_task(self._round())
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        return await future

    async def _round(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            answers = await run_in_threadpool(answer_all, self._context, [question for question, _ in some])
            for (_, future), answer in zip(some, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def read_question(scope: Scope) -> Question | None:
    """Read an ordinary request for a home; None: it is another request, or not an ordinary one."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"] or scope.get("root_path"):
        return None
    path: str = scope["path"]
    code = path.removeprefix(PATH) if path.startswith(PATH) else ""
    if not 0 < len(code) <= LONGEST_CODE or "/" in code or "\x00" in code:
        return None
    shown = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(shown) != 1 or not shown[0].startswith(BEARER) or not shown[0].isascii():
        return None
    return Question(shown[0][len(b"Bearer ") :].decode(), code)


def answer_all(context: AppContext, questions: Sequence[Question]) -> list[Answer]:
    """Answer questions in one transaction, each within the reach of its own token."""
    try:
        return _answers(context, questions)
    except (*AWAY, PoolTimeout):
        return [unavailable(NO_ANSWER)] * len(questions)
    except Exception as error:  # one of them spoils it for all: each is tried by itself
        structlog.get_logger().warning("homes_not_together", error=type(error).__name__)
        return [None] * len(questions)


def _answers(context: AppContext, questions: Sequence[Question]) -> list[Answer]:
    now, limiter = context.clock(), context.guard.limiter
    answers: list[Answer] = [None] * len(questions)
    with context.pool.connection() as conn:
        conn.read_only = True
        askers = access.find_all(conn, {question.token for question in questions}, now)
        known = [(n, askers[q.token].scope, q.code) for n, q in enumerate(questions) if q.token in askers]
        able = [one for one in known if Right.READ in askers[questions[one[0]].token].rights]
        rows = home_rows.find_each(conn, [(scope, code) for _, scope, code in able])
        for (n, scope, _), row in zip(able, rows, strict=True):
            if row is None:
                continue
            if seconds := limiter.wait_token(askers[questions[n].token].actor):
                answers[n] = too_many(seconds)
                continue
            if row["flag_id"] is not None:
                access.enter(conn, scope)  # those of the others followed
            answers[n] = home_answer(conn, scope, row).model_dump_json(by_alias=True).encode()
    return answers

"""The rows of the queue, for all desks that ask for them at one moment: after a change they all do.

Whatever is out of the ordinary (a session that has ended, a role that has no queue, a filter that there is not) is left
to the route. Both answer by the same function, so they cannot differ.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from fastapi import Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from api.desk_pages.queue import QUEUE, QueueQuery
from api.desk_pages.queue_board import QueueBoard, QueueMoment
from api.desk_pages.queue_routes import rows_answer
from api.http import ordinary
from api.http.language import Language
from api.http.problem import Problem, is_unavailable
from api.http.session import DESK, AppContext, Session
from api.http.together import TogetherMiddleware
from api.pages import visit
from api.staff.session import person_of, shown_token
from store.base import access, many_callers
from store.base.access import EVERYWHERE, Asker, Right

PATH = f"{QUEUE}/rows"
QUERY = TypeAdapter(QueueQuery)
KEYS = {"view", "station", "class", "state", "priority", "cursor"}


@dataclass(frozen=True)
class RowsQuestion:
    """A session, what it looks at, and the language chosen in its browser; None: that of the person."""

    token: str
    query: QueueQuery
    language: Language | None


class RowsTogether(TogetherMiddleware[RowsQuestion]):
    """Middleware that answers `GET /desk/rows` to the script of the queue's page."""

    def __init__(self, app: ASGIApp, context: AppContext, board: QueueBoard) -> None:
        super().__init__(app, PATH, partial(answer_all, context, board))

    def read_question(self, scope: Scope) -> RowsQuestion | None:
        """Read what the script asks for."""
        return read_question(scope)


def read_question(scope: Scope) -> RowsQuestion | None:
    """Read what the script asks for; None: it is another request, or not an ordinary one."""
    if scope.get("path") != PATH or not ordinary.is_get(scope):
        return None
    request = Request(scope)
    token = shown_token(request)
    if token is None or not token.startswith(access.PREFIX) or not token.isascii():
        return None
    if request.headers.get("sec-fetch-dest") != "empty":
        return None  # a person has opened it, whose session is in use
    query = _query(scope)
    chosen = visit.CHOICES.get(request.cookies.get(visit.LANGUAGE_COOKIE))
    return RowsQuestion(token, query, chosen) if query is not None else None


def _query(scope: Scope) -> QueueQuery | None:
    asked = ordinary.keys_of(scope, KEYS)
    try:
        return QUERY.validate_python(asked) if asked is not None else None
    except ValidationError:
        return None


def answer_all(context: AppContext, board: QueueBoard, questions: Sequence[RowsQuestion]) -> list[Response | None]:
    """Answer questions in one transaction, each to the person of its own session."""
    try:
        return _answers(context, board, questions)
    except Exception as error:
        if not is_unavailable(error):
            raise
        return [None] * len(questions)


def _answers(context: AppContext, board: QueueBoard, questions: Sequence[RowsQuestion]) -> list[Response | None]:
    now, limiter = context.clock(), context.guard.limiter
    answers: list[Response | None] = [None] * len(questions)
    with context.pool.connection() as conn:
        conn.read_only = True
        found = many_callers.find_all(conn, {question.token for question in questions}, now)
        able = {token: asker for token, asker in found.items() if _may_look(asker)}
        if not able:
            return answers
        access.enter(conn, EVERYWHERE, min(asker.role for asker in able.values()), {Right.READ})  # as each of them
        moment = board.moment(conn, now)
        for n, question in enumerate(questions):
            asker = able.get(question.token)
            if asker is None or limiter.wait_token(asker.actor):
                continue
            with suppress(Problem):
                answers[n] = _answer(Session(conn, asker, now, context.policy, limiter), moment, question)
    return answers


def _may_look(asker: Asker) -> bool:
    return asker.role in DESK and Right.READ in asker.rights and asker.person is not None


def _answer(session: Session, moment: QueueMoment, question: RowsQuestion) -> Response:
    language = question.language or visit.CHOICES[person_of(session).language]
    return rows_answer(session, moment, question.query, language)

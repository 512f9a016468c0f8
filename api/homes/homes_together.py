"""The busiest question, how a home is now, answered for all that wait for it at one moment with one round trip.

Whatever is out of the ordinary (no token of Hearth's own, a wrong one, a home out of reach, a query) is left to the
route, which says why. Both build the answer by the same function, so they cannot differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from api.homes.home_routes import home_answer
from api.http import ordinary
from api.http.problem import Problem, is_unavailable, too_many, unavailable
from api.http.session import AppContext
from api.http.together import TogetherMiddleware
from api.words.problems import NO_ANSWER
from store.base import access, many_callers
from store.base.access import Right
from store.registry import home_rows

JSON = "application/json"


@dataclass(frozen=True)
class Question:
    """A token, and the code of the home that it asks for."""

    token: str
    code: str


class HomesTogether(TogetherMiddleware[Question]):
    """Middleware that answers `GET /v1/homes/{code}`."""

    def __init__(self, app: ASGIApp, context: AppContext) -> None:
        super().__init__(app, "/v1/homes/{code}", partial(answer_all, context))

    def read_question(self, scope: Scope) -> Question | None:
        """Read an ordinary request for a home."""
        return read_question(scope)


def read_question(scope: Scope) -> Question | None:
    """Read an ordinary request for a home; None: it is another request, or not an ordinary one."""
    if not ordinary.is_get(scope) or scope["query_string"] or (code := ordinary.code_of(scope)) is None:
        return None
    token = ordinary.token_of(scope)
    return Question(token, code) if token is not None else None


def answer_all(context: AppContext, questions: Sequence[Question]) -> list[Response | Problem | None]:
    """Answer questions in one transaction, each within the reach of its own token."""
    try:
        return _answers(context, questions)
    except Exception as error:
        if not is_unavailable(error):
            raise
        return [unavailable(NO_ANSWER)] * len(questions)


def _answers(context: AppContext, questions: Sequence[Question]) -> list[Response | Problem | None]:
    now, limiter = context.clock(), context.guard.limiter
    answers: list[Response | Problem | None] = [None] * len(questions)
    with context.pool.connection() as conn:
        conn.read_only = True
        askers = many_callers.enter_nowhere_by(conn, {question.token for question in questions}, now)
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
            home = home_answer(conn, scope, row)
            answers[n] = Response(home.model_dump_json(by_alias=True), media_type=JSON)
    return answers

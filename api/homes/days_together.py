"""The readings of a home, mostly of a day, answered for all that wait for theirs at one moment by one transaction.

Whatever is out of the ordinary (a token that does not hold, a home out of reach, buckets, a zone, days that the table
may have lost) is left to the route. Both build the answer by the same function, so they cannot differ.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from starlette.responses import Response
from starlette.types import ASGIApp, Scope

from api.homes.home_routes import DEFAULT_SPAN, readings_answer
from api.http import ordinary, values
from api.http.paging import DEFAULT_LIMIT, LONGEST_CURSOR, MOST_ITEMS, Paging
from api.http.problem import Problem, is_unavailable, too_many, unavailable
from api.http.session import AppContext
from api.http.together import TogetherMiddleware
from api.words.problems import NO_ANSWER
from store.base import many_callers
from store.base.access import Asker, Right
from store.readings import reading_history
from store.readings.reading_history import Columns, HistorySpan, HomeAsked

KEYS = frozenset({"from", "to", "limit", "cursor"})
Known = tuple[int, Asker, HomeAsked]  # the place of a question, who asks, and what


@dataclass(frozen=True)
class DayQuestion:
    """A token, the code of the home that it asks for, the span of time and the page."""

    token: str
    code: str
    begin: datetime | None
    end: datetime | None
    paged: Paging

    def span(self, now: datetime) -> HistorySpan:
        """Return the span as the route reads it."""
        end = self.end or now
        start = self.begin or end - DEFAULT_SPAN
        return HistorySpan(start=start, end=end, after=self.paged.position(), limit=self.paged.fetched)


class DaysTogether(TogetherMiddleware[DayQuestion]):
    """Middleware that answers `GET /v1/homes/{code}/readings`."""

    def __init__(self, app: ASGIApp, context: AppContext) -> None:
        super().__init__(app, "/v1/homes/{code}/readings", partial(answer_all, context))

    def read_question(self, scope: Scope) -> DayQuestion | None:
        """Read an ordinary request for readings."""
        return read_question(scope)


def read_question(scope: Scope) -> DayQuestion | None:
    """Read an ordinary request for readings; None: it is another request, or not an ordinary one."""
    if not ordinary.is_get(scope) or (code := ordinary.code_of(scope, "/readings")) is None:
        return None
    token, keys = ordinary.token_of(scope), ordinary.keys_of(scope, KEYS)
    if token is None or keys is None:
        return None
    with suppress(ValueError, Problem):
        begin, end = (values.instant(keys[key]) if key in keys else None for key in ("from", "to"))
        question = DayQuestion(token, code, begin, end, _paging(keys))
        question.paged.position()  # before the question waits with those of others
        return question
    return None


def _paging(keys: dict[str, str]) -> Paging:
    limit, cursor = keys.get("limit", str(DEFAULT_LIMIT)), keys.get("cursor")
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= MOST_ITEMS) or len(limit) > 4:
        raise ValueError(limit)
    if cursor is not None and len(cursor) > LONGEST_CURSOR:
        raise ValueError(cursor)
    return Paging(cursor, int(limit))


def answer_all(context: AppContext, questions: Sequence[DayQuestion]) -> list[Response | Problem | None]:
    """Answer questions in one transaction, each within the reach of its own token."""
    try:
        found = _read(context, questions)
    except Exception as error:
        if not is_unavailable(error):
            raise
        return [unavailable(NO_ANSWER)] * len(questions)
    answers: list[Response | Problem | None] = [None] * len(questions)
    for (n, asker, _), columns in found:
        if seconds := context.guard.limiter.wait_token(asker.actor):
            answers[n] = too_many(seconds)
        else:
            answers[n] = readings_answer(columns, questions[n].paged)
    return answers


def _read(context: AppContext, questions: Sequence[DayQuestion]) -> list[tuple[Known, list[Columns]]]:
    now = context.clock()
    with context.pool.connection() as conn:
        conn.read_only = True
        askers = many_callers.enter_nowhere_by(conn, {question.token for question in questions}, now)
        able = {token: asker for token, asker in askers.items() if Right.READ in asker.rights}
        since = context.history.table_since(conn) if able else None
        known = [
            (n, asker, HomeAsked(asker.scope, question.code, span))
            for n, question in enumerate(questions)
            if (asker := able.get(question.token)) and _is_in_table((span := question.span(now)), since)
        ]
        found = reading_history.readings_each(conn, [asked for _, _, asked in known])
    return [(one, columns) for one, columns in zip(known, found, strict=True) if columns is not None]


def _is_in_table(span: HistorySpan, since: datetime | None) -> bool:
    return since is None or since <= span.start

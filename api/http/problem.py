"""Errors as application/problem+json (RFC 9457), each with a stable `type`, in Chinese or English."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, Field, JsonValue
from starlette.exceptions import HTTPException
from starlette.types import Scope

from api.http.language import Language, preferred, said
from api.http.messages import in_both
from api.http.values import Instant
from api.words import problems
from domain.words.notices import SEPARATOR
from domain.words.text import Text
from store.base.away import AWAY, TOO_LARGE, is_away
from store.base.halves import kind_of

MEDIA_TYPE = "application/problem+json"
PATH = "/v1/problems/"
RETRY_AFTER_SECONDS = 5


class ProblemType(StrEnum):
    """The types of problems; the `type` member is PATH plus this. docs/api.md lists them."""

    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    METHOD = "method-not-allowed"
    CONFLICT = "conflict"
    TOO_LARGE = "too-large"
    MEDIA = "unsupported-media-type"
    INVALID = "invalid"
    TOO_MANY = "too-many-requests"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    OTHER = "other"


class Meaning(NamedTuple):
    """The fixed status and title of a type of problem."""

    status: int
    title: Text


MEANINGS = {
    ProblemType.UNAUTHORISED: Meaning(401, problems.UNAUTHORISED_TITLE),
    ProblemType.FORBIDDEN: Meaning(403, problems.FORBIDDEN_TITLE),
    ProblemType.NOT_FOUND: Meaning(404, problems.NOT_FOUND_TITLE),
    ProblemType.METHOD: Meaning(405, problems.METHOD_TITLE),
    ProblemType.CONFLICT: Meaning(409, problems.CONFLICT_TITLE),
    ProblemType.TOO_LARGE: Meaning(413, problems.TOO_LARGE_TITLE),
    ProblemType.MEDIA: Meaning(415, problems.MEDIA_TITLE),
    ProblemType.INVALID: Meaning(422, problems.INVALID_TITLE),
    ProblemType.TOO_MANY: Meaning(429, problems.TOO_MANY_TITLE),
    ProblemType.INTERNAL: Meaning(500, problems.INTERNAL_TITLE),
    ProblemType.UNAVAILABLE: Meaning(503, problems.UNAVAILABLE_TITLE),
    ProblemType.OTHER: Meaning(400, problems.OTHER_TITLE),
}
BY_STATUS = {meaning.status: kind for kind, meaning in MEANINGS.items()}


@dataclass(frozen=True)
class FieldFault:
    """A fault in one parameter or field."""

    parameter: str
    detail: Text | str


class FaultDetails(BaseModel):
    """A fault as it appears in the response."""

    parameter: str
    detail: str


class OpenTicket(BaseModel):
    """An open ticket that a report may belong to."""

    number: str
    class_: str = Field(alias="class")
    state: str
    since: Instant


class UnseenEvent(BaseModel):
    """An event of a ticket that the caller had not read."""

    seq: int
    at: Instant
    kind: str
    actor: str
    data: JsonValue


class ProblemDetails(BaseModel):
    """The body of an error.

    In a conflict, `allowed_from` is the time from which the request is allowed, `open_tickets` are the open tickets at
    the place of a report, and `events` are those of the ticket that the caller had not read.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[FaultDetails] | None = None
    allowed_from: Instant | None = None
    open_tickets: list[OpenTicket] | None = None
    events: list[UnseenEvent] | None = None


class Problem(Exception):
    """An exception that ends the request with this response, optionally after a delay."""

    def __init__(
        self,
        status: int,
        detail: Text | str,
        *,
        faults: list[FieldFault] | None = None,
        headers: Mapping[str, str] | None = None,
        delay_s: float = 0.0,
        **members: Any,
    ) -> None:
        """Take further fields of ProblemDetails as `members`."""
        super().__init__(said(detail, "en"))
        self.status = status
        self.detail = detail
        self.faults = faults
        self.headers = dict(headers or {})
        self.delay_s = delay_s
        self.members = members

    def details(self, language: Language) -> ProblemDetails:
        """Build the body in a language."""
        kind = BY_STATUS.get(self.status, ProblemType.OTHER)
        faults = [FaultDetails(parameter=f.parameter, detail=said(f.detail, language)) for f in self.faults or ()]
        return ProblemDetails(
            type=PATH + kind,
            title=said(MEANINGS[kind].title, language),
            status=self.status,
            detail=said(self.detail, language),
            errors=faults or None,
            **self.members,
        )

    def response(self, scope: Scope) -> JSONResponse:
        """Build the response, in the language the request prefers."""
        asked = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
        language = preferred(asked)
        headers = {**self.headers, "Content-Language": language, "Vary": "Accept-Language"}
        body = self.details(language).model_dump(mode="json", by_alias=True, exclude_none=True)
        return JSONResponse(body, self.status, headers, media_type=MEDIA_TYPE)


class RecordedRefusal(Problem):
    """A refusal that stays on record: what its request wrote is committed, with the entry in the audit log."""


NOUNS = {
    "home": problems.NO_SUCH_HOME,
    "ticket": problems.NO_SUCH_TICKET,
    "outage": problems.NO_SUCH_OUTAGE,
    "file": problems.NO_SUCH_FILE,
}


def no_such(noun: str) -> Problem:
    """Make a 404: the thing does not exist or is out of the caller's scope, indistinguishably."""
    return Problem(404, NOUNS.get(noun, problems.NO_SUCH.fill(noun=noun)))


def unauthorised(detail: Text | str, delay_s: float = 0.0) -> Problem:
    """Make a 401: no token, or an invalid one."""
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="hearth"'}, delay_s=delay_s)


def forbidden(detail: Text | str) -> Problem:
    """Make a 403: the token is valid but lacks permission."""
    return Problem(403, detail)


def too_many(retry_after_s: int) -> Problem:
    """Make a 429: over the limit."""
    detail = problems.RETRY_LATER.fill(seconds=retry_after_s)
    return Problem(429, detail, headers={"Retry-After": str(retry_after_s)})


def unavailable(detail: Text | str) -> Problem:
    """Make a 503: the same request may succeed soon."""
    return Problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def is_unavailable(error: Exception) -> bool:
    """Return whether an error tells that the database is away, or has no connection left."""
    return isinstance(error, PoolTimeout) or is_away(error)


def of_size(error: Exception) -> Problem:
    """Make a 413 of an error of the database for which something is too large: trying again would not help."""
    structlog.get_logger().error("too_large_for_database", error=kind_of(error))
    return Problem(413, problems.TOO_MUCH)


def invalid(*faults: FieldFault) -> Problem:
    """Make a 422 from the faults of parameters or fields."""
    detail = Text(
        SEPARATOR.zh.join(f"{f.parameter}: {said(f.detail, 'zh')}" for f in faults),
        SEPARATOR.en.join(f"{f.parameter}: {said(f.detail, 'en')}" for f in faults),
    )
    return Problem(422, detail, faults=list(faults))


def answer_with_problems(app: FastAPI) -> None:
    """Answer problems, framework errors and database failures as problem+json."""
    app.exception_handler(Problem)(_ours)
    app.exception_handler(HTTPException)(_framework)
    app.exception_handler(RequestValidationError)(_validation)
    for away in (*AWAY, PoolTimeout):
        app.exception_handler(away)(_database)
    app.exception_handler(InsufficientPrivilege)(_second_wall)
    app.exception_handler(Exception)(_unexpected)


@cache
def openapi_responses() -> dict[int | str, dict[str, Any]]:
    """Describe errors for the OpenAPI document."""
    schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, model in (("errors", FaultDetails), ("open_tickets", OpenTicket), ("events", UnseenEvent)):
        schema["properties"][name] = {"type": "array", "items": model.model_json_schema()}
    schema.pop("$defs")
    example = no_such("home").details("en").model_dump(exclude_none=True)
    return {"default": {"description": "Problem", "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}}


async def _ours(request: Request, error: Problem) -> JSONResponse:
    if error.delay_s:
        await asyncio.sleep(error.delay_s)
    return error.response(request.scope)


FRAMEWORK = {
    404: problems.NO_SUCH_PATH,
    405: problems.NO_SUCH_METHOD,
    413: problems.TOO_LONG,
}


def _framework(request: Request, error: HTTPException) -> JSONResponse:
    detail = FRAMEWORK.get(error.status_code, str(error.detail))
    return Problem(error.status_code, detail, headers=error.headers).response(request.scope)


def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
    faults = []
    for one in error.errors():
        place, *name = map(str, one["loc"])  # ("query", name) or ("body", field, …)
        faults.append(FieldFault(".".join(name) or place, in_both(one)))
    return invalid(*faults).response(request.scope)


def _database(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, ReadOnlySqlTransaction) and request.method in ("GET", "HEAD"):
        raise error  # a read-only route tried to write: a bug here, whatever the server
    if isinstance(error, ReadOnlySqlTransaction):
        return unavailable(problems.READ_ONLY).response(request.scope)
    if isinstance(error, TOO_LARGE):  # for psycopg an error of a connection
        return of_size(error).response(request.scope)
    return unavailable(problems.NO_ANSWER).response(request.scope)


def _second_wall(request: Request, error: InsufficientPrivilege) -> JSONResponse:
    # Row-level security stopped what the application let through: a check is missing above.
    structlog.get_logger().error("refused_by_database", path=request.url.path, error=str(error).splitlines()[0])
    return forbidden(problems.REFUSED_BY_DATABASE).response(request.scope)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    return Problem(500, problems.INTERNAL).response(request.scope)

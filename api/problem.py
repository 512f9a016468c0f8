"""Every error as application/problem+json (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import OperationalError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5


class Fault(BaseModel):
    """What is wrong with one parameter."""

    parameter: str
    detail: str


class ProblemDetails(BaseModel):
    """The body of an error."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None


class Problem(Exception):
    """Ends a request with this answer."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        faults: list[Fault] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})
        self.details = ProblemDetails(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=faults)


def no_such(noun: str) -> Problem:
    """The thing does not exist, or not for the one who asks: the two look the same."""
    return Problem(404, f"there is no such {noun}")


def unauthorised(detail: str) -> Problem:
    """No token, or none that holds."""
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="hearth"'})


def forbidden(detail: str) -> Problem:
    """The token holds, and is not good for this."""
    return Problem(403, detail)


def unavailable(detail: str) -> Problem:
    """Not now; the same request may succeed soon."""
    return Problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def invalid(*faults: Fault) -> Problem:
    """Parameters that cannot be understood."""
    return Problem(422, "; ".join(f"{f.parameter}: {f.detail}" for f in faults), faults=list(faults))


def answer_with_problems(app: FastAPI) -> None:
    """Turn our problems, the framework's errors and an absent database into problem+json."""
    app.exception_handler(Problem)(_ours)
    app.exception_handler(HTTPException)(_framework)
    app.exception_handler(RequestValidationError)(_validation)
    app.exception_handler(OperationalError)(_database)
    app.exception_handler(Exception)(_unexpected)


def openapi_responses() -> dict[int | str, dict[str, Any]]:
    """How errors are described in the OpenAPI document."""
    schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schema["properties"]["errors"] = {"type": "array", "items": Fault.model_json_schema()}
    schema.pop("$defs")
    return {"default": {"description": "Problem", "content": {MEDIA_TYPE: {"schema": schema}}}}


def _respond(problem: Problem) -> JSONResponse:
    body = problem.details.model_dump(exclude_none=True)
    return JSONResponse(body, problem.details.status, problem.headers, media_type=MEDIA_TYPE)


def _ours(request: Request, error: Problem) -> JSONResponse:
    return _respond(error)


def _framework(request: Request, error: HTTPException) -> JSONResponse:
    return _respond(Problem(error.status_code, str(error.detail), headers=error.headers))


def _validation(request: Request, error: RequestValidationError) -> JSONResponse:
    return _respond(invalid(*(_fault(e) for e in error.errors())))


def _fault(error: Mapping[str, Any]) -> Fault:
    # loc is ("query", name) or ("body", field, …).
    name = ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0])
    return Fault(parameter=name, detail=str(error["msg"]).removeprefix("Value error, "))


def _database(request: Request, error: OperationalError) -> JSONResponse:
    return _respond(unavailable("the database does not answer"))


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    return _respond(Problem(500, "an error of ours; it is in the log"))

"""`/v1/uplinks/{source}`: a platform pushes what its devices said; answered when the broker has acknowledged it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import PlainTextResponse

from api.http.limits import Limiter
from api.http.problem import Problem, too_many, unauthorised, unavailable
from api.http.session import surroundings
from api.uplinks.signatures import Pushed, proven, proves_address
from api.words.problems import NOT_JSON, NOT_PROVEN
from ingest.publisher import Published
from ingest.push_table import PushEntry

ACKNOWLEDGED_SECONDS = 4.0  # OneNET waits for five, IoTDA for fifteen

# The body is the platform's, and described by it: here it is only JSON.
ANY_JSON = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}

router = APIRouter(prefix="/v1/uplinks", tags=["uplinks"])


@dataclass(frozen=True)
class Doors:
    """The platforms that push, by source, and what publishes their messages."""

    entries: Mapping[str, PushEntry] = field(default_factory=dict)
    publish: Callable[[str, bytes, float], Published] = lambda *_: Published.AWAY
    limiters: Mapping[str, Limiter] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Mapping[str, PushEntry], publish: Callable[[str, bytes, float], Published]) -> "Doors":
        """Return the doors of some platforms, each with its own limit."""
        return cls(entries, publish, {name: Limiter(per_token=entry.limit) for name, entry in entries.items()})


Key = Annotated[str, Query(max_length=65_536)]


async def whole(request: Request, secret: Key = "") -> Pushed:
    """Read a request; how long a body may be is bounded for all requests."""
    return Pushed({name.lower(): value for name, value in request.headers.items()}, secret, await request.body())


@router.post("/{source}", openapi_extra=ANY_JSON)
def push(source: str, request: Request, pushed: Annotated[Pushed, Depends(whole)]) -> dict[str, str]:
    """Publish a message for `hearth ingest`: 200 only after the broker has acknowledged it, so it may be repeated."""
    entry = _entry(request, source)
    message = proven(entry, pushed)
    if message is None:
        raise _refused(request)
    if seconds := _doors(request).limiters[source].wait_token(source):
        raise too_many(seconds)
    _check_json(message)
    became = _doors(request).publish(entry.topic, message, ACKNOWLEDGED_SECONDS)
    if became is not Published.TAKEN:
        raise unavailable(became.value)
    return {"status": "ok"}


@router.get("/{source}", response_class=PlainTextResponse)
def try_address(source: str, request: Request, msg: Key, nonce: Key, signature: Key) -> str:
    """Answer OneNET, which tries an address before it pushes there: with the text that it sends."""
    if not proves_address(_entry(request, source), msg, nonce, signature):
        raise _refused(request)
    return msg


def _doors(request: Request) -> Doors:
    doors: Doors = request.app.state.doors
    return doors


def _entry(request: Request, source: str) -> PushEntry:
    """Return the platform of a source; a source without one is refused as a wrong secret is."""
    entry = _doors(request).entries.get(source)
    if entry is None:
        raise _refused(request)
    return entry


def _refused(request: Request) -> Problem:
    """Refuse, ever later the more often an address is refused."""
    address = request.client.host if request.client else ""
    return unauthorised(NOT_PROVEN, surroundings(request).guard.limiter.delay_wrong(address))


def _check_json(message: bytes) -> None:
    try:
        msgspec.json.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Problem(422, NOT_JSON) from None

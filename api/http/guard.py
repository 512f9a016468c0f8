"""Middleware of every request: security headers, limits on size and rate, ETags."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.limits import Limiter
from api.http.oidc import Oidc
from api.http.problem import FRAMEWORK, Problem, too_many
from api.words.problems import FILE_TOO_LARGE, FORM_NOT_UTF8, TOO_LONG
from domain.files import MOST_BYTES

# Pages set their own policy; without one, nothing may be loaded.
HEADERS: dict[str, str] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
STRICT_TRANSPORT: dict[str, str] = {"strict-transport-security": "max-age=31536000"}
LINES = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
SECURE_LINES = [*LINES, *((name.encode(), value.encode()) for name, value in STRICT_TRANSPORT.items())]
COUNTED = ("/v1", "/home", "/status", "/sign-in", "/sign-out", "/invitation", "/calendar", "/account", "/desk", "/crew")
FORM = b"content-type"
INSIDE = ("/metrics", "/readyz")
# Headers that a proxy adds to a request it forwards.
PASSED_ON = frozenset(
    {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"}
)
LARGEST_TAGGED = 1 << 20
# Of the API, and of pages
FILES = re.compile(r"(/\w+)?/tickets/[^/]+/files|/(v1|desk)/registry/uploads|/v1/rules/trials/file|/desk/rules/trial")
FILE_FORM_BYTES = MOST_BYTES + 65_536
EXPOSED = ("ETag", "Retry-After", "Content-Language", "Content-Disposition")
ALLOWED = ("Authorization", "Content-Type", "If-None-Match", "Last-Event-ID", "Accept-Language", "Idempotency-Key")


@dataclass(frozen=True)
class Guard:
    """The operator's settings: limits, CORS origins, identity provider."""

    body_bytes: int = 65_536
    cors_origins: Sequence[str] = ()
    limiter: Limiter = field(default_factory=Limiter)
    oidc: Oidc | None = None


def surround(app: FastAPI, guard: Guard) -> None:
    """Add the middleware to the app; the last one added runs first."""
    app.add_middleware(Tagged)
    app.add_middleware(PlainForms)
    app.add_middleware(SizeLimit, most=guard.body_bytes)
    app.add_middleware(AddressLimit, limiter=guard.limiter)
    if guard.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=guard.cors_origins,
            allow_methods=("GET", "POST"),
            allow_headers=ALLOWED,
            expose_headers=EXPOSED,
        )
    app.add_middleware(InsideOnly)
    app.add_middleware(SafeHeaders)


class SafeHeaders:
    """Middleware that adds the HEADERS a response lacks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = SECURE_LINES if scope.get("scheme") == "https" else LINES

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                missing = [(name, value) for name, value in wanted if name not in there]
                message = {**message, "headers": [*message["headers"], *missing]}
            await send(message)

        await self.app(scope, receive, adding if scope["type"] == "http" else send)


class InsideOnly:
    """Middleware that hides metrics and readiness from forwarded requests: they answer 404 behind a proxy.

    This holds however the proxy normalises paths, and whatever its own access lists say.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inside = scope["type"] == "http" and scope["path"] in INSIDE
        if inside and any(name in PASSED_ON for name, _ in scope["headers"]):
            await Problem(404, FRAMEWORK[404]).response(scope)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class AddressLimit:
    """Middleware that answers 429 to an address over its limit. Health checks are not counted."""

    def __init__(self, app: ASGIApp, limiter: Limiter) -> None:
        self.app = app
        self.limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted = scope["type"] == "http" and scope["path"].startswith(COUNTED) and scope.get("client")
        if counted and (seconds := self.limiter.wait_address(scope["client"][0])):
            await too_many(seconds).response(scope)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class PlainForms:
    """Middleware that answers 415 to a form that names another encoding of its texts than UTF-8, which no browser does.

    The framework would read its texts by any codec of Python: with some of them a form of the allowed length takes
    minutes of the event loop, with others it gives texts that cannot be kept.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and any(not _in_utf8(value) for name, value in scope["headers"] if name == FORM):
            await Problem(415, FORM_NOT_UTF8, headers={"Connection": "close"}).response(scope)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _in_utf8(content_type: bytes) -> bool:
    _, options = parse_options_header(content_type)  # as the framework reads it
    return options.get(b"charset", b"utf-8").lower() in (b"utf-8", b"utf8")


class SizeLimit:
    """Middleware that answers 413 to a body that is too long, with or without Content-Length.

    Where files are sent (FILES) a body may be as long as a file and what is around it in a form.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sends_file = scope["method"] == "POST" and FILES.fullmatch(scope["path"])
        most, detail = (FILE_FORM_BYTES, FILE_TOO_LARGE) if sends_file else (self.most, TOO_LONG)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > most:
            await Problem(413, detail, headers={"Connection": "close"}).response(scope)(scope, receive, send)
            return
        taken = 0

        async def counting() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(413)  # the framework passes this one through while it reads a body
            return message

        await self.app(scope, counting, send)


class Tagged:
    """Middleware that adds an ETag to JSON responses to GET and answers 304 on a match. Streams pass untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        wanted = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
        begin: dict[str, Any] = {}

        async def tagging(message: Message) -> None:
            if message["type"] == "http.response.start" and _taggable(message):
                begin.update(message)
                return
            if begin:
                message_start = _tagged(begin, message.get("body", b""))
                begin.clear()
                if wanted and is_tagged(wanted, dict(message_start["headers"])[b"etag"].decode()):
                    await send({**message_start, "status": 304, "headers": _without_body(message_start["headers"])})
                    await send({"type": "http.response.body", "body": b""})
                    return
                await send(message_start)
            await send(message)

        await self.app(scope, receive, tagging)


def _taggable(start: Message) -> bool:
    """Return whether a response is complete JSON: with Content-Length it comes in one piece."""
    headers = dict(start["headers"])
    length = headers.get(b"content-length", b"")
    kind = headers.get(b"content-type", b"").partition(b";")[0]
    whole = length.isdigit() and int(length) <= LARGEST_TAGGED
    is_json = kind in (b"application/json", b"application/geo+json")
    return start["status"] == 200 and whole and is_json and b"etag" not in headers


def _tagged(start: dict[str, Any], body: bytes) -> dict[str, Any]:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode()
    headers = [*start["headers"], (b"etag", tag)]
    if not any(name == b"cache-control" for name, _ in headers):
        headers.append((b"cache-control", b"private, no-cache"))  # cached by the client alone, revalidated each time
    return {**start, "headers": headers}


def is_tagged(wanted: str, tag: str) -> bool:
    """Return whether If-None-Match names a tag; weak and strong tags of the same are equal (RFC 9110)."""
    plain = tag.removeprefix("W/")
    return any(w.strip().removeprefix("W/") in (plain, "*") for w in wanted.split(",") if w.strip())


def _without_body(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name not in (b"content-length", b"content-type")]

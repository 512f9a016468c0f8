"""Answers to people whose browser went astray: a page, where a program would get a problem in JSON.

Whatever refuses a request outside of the routes of pages does it by a problem: the framework (no such address, no such
method), limits, sizes. Here it becomes a page of the same status, in one place for all of them.
"""

from typing import cast

from fastapi import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.guard import SafeHeaders
from api.http.problem import MEDIA_TYPE
from api.pages import visit
from api.pages.render import page

FOR_PROGRAMS = "/v1"
# What is said of a status; of others that there is no such page.
TROUBLES = {403: "not_ours", 413: "too_large", 429: "too_many", 500: "fault", 503: "away"}


class Readable:
    """Middleware that answers people with pages: those whose browser asks for HTML, outside of the API."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_for_people(scope):
            await self.app(scope, receive, send)
            return
        problem: Message | None = None

        async def watching(message: Message) -> None:
            nonlocal problem
            if message["type"] == "http.response.start" and _is_problem(message):
                problem = message
            if problem is None:
                await send(message)

        await self.app(scope, receive, watching)
        if problem is not None:
            await SafeHeaders(_explained(Request(scope), problem))(scope, receive, send)


def _is_for_people(scope: Scope) -> bool:
    path: str = scope["path"]
    accepts = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return b"text/html" in accepts and path != FOR_PROGRAMS and not path.startswith(f"{FOR_PROGRAMS}/")


def _is_problem(message: Message) -> bool:
    return (b"content-type", MEDIA_TYPE.encode()) in message["headers"]


def _explained(request: Request, problem: Message) -> Response:
    status: int = problem["status"]
    if status == 405 and (above := _page_above(request)):
        return RedirectResponse(f"{above}?{request.url.query}" if request.url.query else above, 303)
    trouble = TROUBLES.get(status, "not_found")
    answer = page("astray.html", visit.language_of(request), trouble=trouble, here=None)
    answer.status_code = status
    for name, value in problem["headers"]:
        if name == b"retry-after":
            answer.headers["Retry-After"] = value.decode()
    return answer


def _page_above(request: Request) -> str | None:
    """Return the page that an address of a form lies under, which a browser asks for when it is reloaded."""
    routes: list[BaseRoute] = request.app.router.routes
    steps = request.url.path.split("/")
    if request.method not in ("GET", "HEAD"):
        return None
    for end in range(len(steps) - 1, 1, -1):
        path = "/".join(steps[:end])
        asked = cast(Scope, {"type": "http", "path": path, "method": "GET", "root_path": "", "headers": []})
        if any(route.matches(asked)[0] is Match.FULL for route in routes):
            return path
    return None

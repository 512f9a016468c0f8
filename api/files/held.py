"""A slot for an upload, held by the form of a page from before its body is read until it is answered."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.http.session import surroundings

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def hold(request: Request, names: Mapping[str, str]) -> None:
    """Take a slot for a sender.

    Raises:
        Problem: 429 or 503, there is none.
    """
    surroundings(request).attachments.uploads.take(names)
    request.state.upload = names


def releasing(handle: Handler) -> Handler:
    """Wrap a handler so that the slot is released."""

    async def handle_held(request: Request) -> Response:
        try:
            return await handle(request)
        finally:
            if names := getattr(request.state, "upload", None):
                surroundings(request).attachments.uploads.leave(names)

    return handle_held

"""Photos by the form of a page: the sender is known, and a slot is held, before the body is read."""

import asyncio
from dataclasses import dataclass

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from api.files.file_routes import keep_file
from api.files.held import Handler, hold, releasing
from api.files.upload import RECEIVED_S, SentFile, admitted, prepared_file
from api.http.problem import unavailable
from api.http.session import Session
from api.pages import visit
from api.pages.report import KEY, MOST_FIELDS
from api.words import problems
from domain.files import FileKind, PreparedFile


@dataclass(frozen=True, kw_only=True)
class PhotoForm:
    """A form with a photo as it came; no file: empty content."""

    number: str
    home: str
    key: str
    token: str
    content: bytes

    def prepared(self, request: Request) -> PreparedFile:
        """Have the photo checked and encoded once more.

        Raises:
            Problem: 413, 415, 422, 503.
        """
        return prepared_file(request, self.content)

    def attach(self, request: Request, changing: Session, file: PreparedFile) -> None:
        """Attach the prepared photo to its ticket; the same one again is taken once.

        Raises:
            Problem: 404, 409, 413, 429, 503.
        """
        keep_file(request, changing, SentFile(self.number, FileKind.PHOTO, True, file))


class PhotoRoute(visit.PageRoute):
    """A route that takes a form with a photo."""

    def get_route_handler(self) -> Handler:
        """Wrap the handler so that the slot is released."""
        return releasing(super().get_route_handler())

    async def admit(self, request: Request) -> None:
        """Refuse a form of somebody who may not send, before it is read."""
        if request.method in ("GET", "HEAD"):
            return
        names = await run_in_threadpool(admitted, request, visit.bearer(request), request.path_params["number"])
        hold(request, names)


async def read(request: Request) -> PhotoForm:
    """Read a form with a photo.

    Raises:
        HTTPException: it is not a form of these pages.
        Problem: 503, it came too slowly.
    """
    try:
        async with asyncio.timeout(RECEIVED_S):
            form = await request.form(max_files=1, max_fields=MOST_FIELDS)
    except TimeoutError:
        raise unavailable(problems.FILE_SLOW) from None
    said = {name: value for name, value in form.items() if isinstance(value, str)}
    if not KEY.fullmatch(said.get("key", "")):
        raise HTTPException(400)
    file = form.get("file")
    content = await file.read() if isinstance(file, UploadFile) else b""
    ours = {name: said.get(name, "") for name in ("home", "key", "token")}
    return PhotoForm(number=request.path_params["number"], content=content, **ours)

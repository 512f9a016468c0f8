"""Forms with a file on the pages of the staff: the sender is known, and a slot is held, before the body is read."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from api.files.file_routes import keep_file
from api.files.held import Handler, hold, releasing
from api.files.upload import RECEIVED_S, SentFile, names_of_sender, prepared_file
from api.http.form_request import FormRequest
from api.http.guard import FILES
from api.http.limits import subscriber
from api.http.problem import Problem, unauthorised, unavailable
from api.http.session import STAFF, Session, address_of, session_of
from api.http.values import instant
from api.pages import visit
from api.pages.visit import is_from_here
from api.staff.session import StaffRoute, shown_token
from api.words import problems
from domain.files import FileKind, PreparedFile
from domain.move_times import MADE_AT
from store.base.access import Right


@dataclass(frozen=True)
class FileForm:
    """A form with a file as it came; no file: empty content."""

    number: str
    content: bytes = b""
    kind: FileKind = FileKind.PHOTO
    for_user: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)
    made_at: datetime | None = None

    def prepared(self, request: Request) -> PreparedFile:
        """Have the file checked and encoded once more.

        Raises:
            Problem: 413, 415, 422, 503.
        """
        return prepared_file(request, self.content)

    def attach(self, request: Request, changing: Session, file: PreparedFile) -> None:
        """Attach the prepared file to its ticket.

        Raises:
            Problem: 404, 409, 413, 429, 503.
        """
        keep_file(request, changing, SentFile(self.number, self.kind, self.for_user, file, self.made_at))


class FileFormRoute(StaffRoute):
    """A route that takes a form with a file, where bodies may be so long (FILES); others of its router are as usual."""

    def get_route_handler(self) -> Handler:
        """Wrap the handler so that the slot is released."""
        return releasing(super().get_route_handler())

    async def admit(self, request: Request) -> None:
        """Refuse a form of somebody who may not send, before it is read; then one that is not of this session."""
        if request.method in ("GET", "HEAD") or not FILES.fullmatch(request.url.path):
            await super().admit(request)
            return
        token = shown_token(request)
        try:
            if token is None:
                raise unauthorised(problems.NO_TOKEN)
            names = await run_in_threadpool(_admitted, request, token)
        except Problem as problem:
            if problem.status == 401:
                await _read_texts(request)
            raise
        hold(request, names)
        try:
            async with asyncio.timeout(RECEIVED_S):
                await super().admit(request)
        except TimeoutError:
            raise unavailable(problems.FILE_SLOW) from None


async def _read_texts(request: Request) -> None:
    """Read what was written beside the file, in a slot like a file's; where there is none, it is lost with the file."""
    if not isinstance(request, FormRequest) or not is_from_here(request, must=True):
        return
    with suppress(Problem, TimeoutError):
        hold(request, {"token": "nobody", "address": subscriber(address_of(request) or "")})
        async with asyncio.timeout(RECEIVED_S):
            await request.read_without_files()


def _admitted(request: Request, token: str) -> dict[str, str]:
    with session_of(request, visit.as_bearer(token), STAFF, Right.WRITE) as session:
        return names_of_sender(request, session)


async def read_file_form(request: Request) -> FileForm:
    """Read a form with a file.

    Raises:
        HTTPException: it is not a form of these pages.
    """
    form = await request.form()  # read and bounded when it was admitted
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    file = form.get("file")
    kind = fields.get("kind")
    return FileForm(
        number=request.path_params["number"],
        content=await file.read() if isinstance(file, UploadFile) else b"",
        kind=FileKind(kind) if kind in set(FileKind) else FileKind.PHOTO,
        for_user=fields.get("for_user") == "yes",
        fields=fields,
        made_at=_made_at(fields.get(MADE_AT)),
    )


def _made_at(text: str | None) -> datetime | None:
    try:
        return instant(text) if text else None
    except ValueError:
        raise HTTPException(400) from None


def is_about_file(problem: Problem) -> bool:
    """Return whether a problem is with the file rather than with the sender, so that the form is shown again."""
    return problem.status in (409, 413, 415, 422)

"""Files as they come in: who sends is known before a byte is read, and bytes are read before a session is held.

In the order in which a route depends on them: `admitted` (a session for a moment), `received` (the body, in a bounded
number of slots), `prepared` (decoded in another process), then the session that writes, for `attach_file`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import structlog
from fastapi import Depends, Query, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from alerts.desk.attaching import AttachedBefore, NoRoom, SentTooMuch, attach
from api.desk.desk_routes import Number, refusals
from api.files.preparing import CheckAway, prepare
from api.http.problem import Problem, no_such, too_many, unavailable
from api.http.session import EVERYONE, Bearer, Session, names_of, session_of, surroundings
from api.http.values import Asked
from api.words import problems
from domain.files import DAY, MOST_BYTES, FileFault, FileKind, FileRefused, NewAttachment, PreparedFile
from store.base.access import Right, Role
from store.tickets import ticket_pages
from store.tickets.file_contents import FileStore
from store.tickets.file_rows import TicketFileRow

RECEIVED_S = 300.0  # 8 MB at 28 kB a second
MOST_FIELDS = 20
STATUS = {FileFault.LARGE: 413, FileFault.UNKNOWN: 415}
DETAILS = {
    FileFault.EMPTY: problems.FILE_EMPTY,
    FileFault.UNKNOWN: problems.FILE_UNKNOWN,
    FileFault.LARGE: problems.FILE_TOO_LARGE,
    FileFault.BROKEN: problems.FILE_BROKEN,
    FileFault.PIXELS: problems.FILE_PIXELS,
    FileFault.ANIMATED: problems.FILE_ANIMATED,
    FileFault.ENCRYPTED: problems.FILE_ENCRYPTED,
    FileFault.ACTIVE: problems.FILE_ACTIVE,
    FileFault.CHECKED: problems.FILE_CHECKED,
}
MadeAt = Annotated[Asked | None, Query(description="when it was taken, if it is sent later; bounded as that of a move")]
log = structlog.get_logger()


@dataclass(frozen=True)
class SentFile:
    """A file that came for a ticket, read and encoded once more."""

    number: str
    kind: FileKind
    for_user: bool
    file: PreparedFile
    made_at: datetime | None = None  # when it was taken, if it is sent later


def admitted(request: Request, bearer: Bearer, number: Number) -> dict[str, str]:
    """Check that the caller may send a file to a ticket; return the names that the upload is counted under.

    Raises:
        Problem: 401, 403, 404, 429.
    """
    with session_of(request, bearer, EVERYONE, Right.WRITE) as session:
        names = names_of_sender(request, session)
        if ticket_pages.ticket_id(session.conn, session.scope, number) is None:
            raise no_such("ticket")
        return names


def names_of_sender(request: Request, session: Session) -> dict[str, str]:
    """Return the names that an upload of a session is counted under.

    Raises:
        Problem: 429, the caller has sent too much lately.
    """
    if seconds := session.limiter.wait_upload(session.asker.actor):
        raise too_many(seconds)
    return names_of(request, session)


async def received(request: Request, names: Annotated[dict[str, str], Depends(admitted)]) -> AsyncIterator[bytes]:
    """Read the file of a request, and hold a slot for it until the route returns.

    Raises:
        Problem: 413, 422, 503.
    """
    uploads = surroundings(request).attachments.uploads
    uploads.take(names)
    try:
        yield await content_of(request)
    finally:
        uploads.leave(names)


async def content_of(request: Request) -> bytes:
    """Read the one file of a form (multipart/form-data), or else the body as it is.

    Raises:
        Problem: 413, 422, 503.
    """
    try:
        async with asyncio.timeout(RECEIVED_S):
            form = request.headers.get("content-type", "").lower().startswith("multipart/form-data")
            content = await (_of_form(request) if form else _of_body(request))
    except TimeoutError:
        raise unavailable(problems.FILE_SLOW) from None
    if len(content) > MOST_BYTES:
        raise refusal(FileFault.LARGE)
    return content


async def _of_body(request: Request) -> bytes:
    content = bytearray()
    async for block in request.stream():
        content += block
        if len(content) > MOST_BYTES:
            raise refusal(FileFault.LARGE)
    return bytes(content)


async def _of_form(request: Request) -> bytes:
    try:
        async with request.form(max_files=1, max_fields=MOST_FIELDS) as form:
            sent = [part for part in form.values() if isinstance(part, UploadFile)]
            if len(sent) != 1:
                raise Problem(422, problems.ONE_FILE)
            return await sent[0].read()
    except HTTPException as error:
        raise refusal(FileFault.LARGE) if error.status_code == 413 else Problem(422, problems.ONE_FILE) from None


def prepared(
    request: Request,
    number: Number,
    content: Annotated[bytes, Depends(received, scope="function")],
    kind: FileKind = FileKind.PHOTO,
    for_user: bool = False,
    made_at: MadeAt = None,
) -> SentFile:
    """Have a file checked and encoded once more; a few at a time.

    Raises:
        Problem: 413, 415, 422, 503.
    """
    return SentFile(number, kind, for_user, prepared_file(request, content), made_at)


def prepared_file(request: Request, content: bytes) -> PreparedFile:
    """Do the same for bytes that a page received.

    Raises:
        Problem: 413, 415, 422, 503.
    """
    if len(content) > MOST_BYTES:  # a form may be longer than its file
        raise refusal(FileFault.LARGE)
    given = surroundings(request).attachments
    try:
        with given.reading:
            return prepare(content, given.check)
    except FileRefused as refused:
        raise refusal(refused.fault) from None
    except CheckAway:
        raise unavailable(problems.FILE_CHECK_AWAY) from None


def refusal(fault: FileFault) -> Problem:
    """Make the problem for a file that is not kept."""
    return Problem(STATUS.get(fault, 422), DETAILS[fault])


def attach_file(changing: Session, store: FileStore, sent: SentFile) -> tuple[TicketFileRow, bool]:
    """Attach a file to a ticket within scope; return it, and whether it is new. What a customer sends is for the user.

    Raises:
        Problem: 404, 409, 413, 429, 503.
    """
    ticket = ticket_pages.ticket_id(changing.conn, changing.scope, sent.number)
    if ticket is None:
        raise no_such("ticket")
    by_user = changing.asker.role is Role.CUSTOMER
    wanted = NewAttachment(ticket, sent.file, sent.kind, sent.for_user or by_user, by_user, sent.made_at)
    try:
        with refusals(changing):
            made, is_new = attach(changing.conn, changing.policy, store, wanted, changing.now, changing.asker.actor)
    except NoRoom:
        raise Problem(413, problems.NO_ROOM) from None
    except SentTooMuch:
        raise Problem(429, problems.SENT_TOO_MUCH, headers={"Retry-After": str(int(DAY.total_seconds()))}) from None
    except AttachedBefore:
        raise Problem(409, problems.FILE_HIDDEN) from None
    except OSError as error:
        log.error("file_store_away", error=type(error).__name__)
        raise unavailable(problems.FILE_STORE_AWAY) from None
    changing.notes["file"] = made.file_id
    return made, is_new

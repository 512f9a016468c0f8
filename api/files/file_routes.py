"""Files of tickets: seen by those who see the ticket, and by customers where they are meant for them."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from pydantic import BaseModel, Field

from api.desk.desk_routes import Number
from api.files.upload import SentFile, attach_file, log, prepared
from api.http.download import Download, file_for
from api.http.paging import MAX_ID, Page
from api.http.problem import no_such, unavailable
from api.http.session import Asking, Changing, Session, names_of, surroundings
from api.http.values import Instant
from api.words import problems
from domain.files import FileKind, MediaType
from store.base.access import Role
from store.tickets import file_rows, ticket_pages
from store.tickets.file_contents import FileMissing
from store.tickets.file_rows import TicketFileRow

# A file is shown as what it is, runs nothing and loads nothing, wherever it is opened.
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cache-Control": "private, no-cache",
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
FORM = {"schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY["schema"]}}}
SENT = {
    "requestBody": {
        "required": True,
        "description": "JPEG, PNG, WebP or PDF, known by its content; 8 MB at most",
        "content": {"multipart/form-data": FORM, "application/octet-stream": BINARY},
    }
}


def _kept(*media: MediaType) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"description": "The file; its SHA-256 is the ETag", "content": {one.value: BINARY for one in media}},
        304: {"description": "Not changed since the ETag in If-None-Match"},
    }


router = APIRouter(prefix="/v1/tickets/{number}/files", tags=["files"])
FileId = Annotated[int, Path(ge=1, le=MAX_ID)]
IfNoneMatch = Annotated[str | None, Header(max_length=1000)]


class TicketFile(BaseModel):
    """A file of a ticket. Images are kept without metadata, 4,000 pixels at the longer side at most.

    `sha256` is of what is kept, `original_sha256` of what was sent; a `thumbnail` is there for images. `for_user`:
    customers see it. To customers `actor` is user or staff.
    """

    id: int
    kind: FileKind
    for_user: bool
    media_type: MediaType
    size: int = Field(description="bytes")
    width: int | None
    height: int | None
    thumbnail: bool
    sha256: str
    original_sha256: str
    at: Instant
    actor: str


def shown(file: TicketFileRow, role: Role) -> TicketFile:
    """Describe a file to a role."""
    return TicketFile(
        id=file.file_id,
        kind=FileKind(file.kind),
        for_user=file.for_user,
        media_type=MediaType(file.media_type),
        size=file.size,
        width=file.width,
        height=file.height,
        thumbnail=file.thumbnail is not None,
        sha256=file.digest.hex(),
        original_sha256=file.original.hex(),
        at=file.at,
        actor=("user" if file.by_user else "staff") if role is Role.CUSTOMER else file.actor,
    )


@router.post("", status_code=201, openapi_extra=SENT, responses={200: {"model": TicketFile}})
def send_file(
    request: Request, sent: Annotated[SentFile, Depends(prepared)], changing: Changing, response: Response
) -> TicketFile:
    """Attach a file to a ticket: the body, or the one file of a form. The same file again is answered with 200."""
    made, is_new = keep_file(request, changing, sent)
    if not is_new:
        response.status_code = 200
    return shown(made, changing.asker.role)


def keep_file(request: Request, changing: Session, sent: SentFile) -> tuple[TicketFileRow, bool]:
    """Attach a file in the store of this process; return it, and whether it is new.

    Raises:
        Problem: 404, 409, 413, 429, 503.
    """
    return attach_file(changing, surroundings(request).attachments.store, sent)


@router.get("")
def files(number: Number, asking: Asking) -> Page[TicketFile]:
    """List the files of a ticket in the order in which they came; all on one page."""
    found = file_rows.files(asking.conn, [_ticket(asking, number)], for_user=_is_user(asking))
    return Page(items=[shown(file, asking.asker.role) for file in found], next=None)


@router.get("/{id}", response_class=Download, status_code=200, responses=_kept(*MediaType))
def file(request: Request, number: Number, id: FileId, asking: Asking, if_none_match: IfNoneMatch = None) -> Response:
    """Get a file as it is kept."""
    found = _file(asking, number, id)
    media = MediaType(found.media_type)
    place = "attachment" if media is MediaType.PDF else "inline"
    headers = _headers(found.digest, f'{place}; filename="{number}-{id}.{media.suffix}"')
    if headers["ETag"] in (if_none_match or ""):
        return Response(status_code=304, headers=headers)
    with file_for(surroundings(request).downloads, names_of(request, asking)) as sheet:
        sheet.fill(_blocks(request, asking, found.digest))
    return Download(sheet, headers, media)


@router.get("/{id}/thumbnail", response_class=Response, status_code=200, responses=_kept(MediaType.JPEG))
def thumbnail(
    request: Request, number: Number, id: FileId, asking: Asking, if_none_match: IfNoneMatch = None
) -> Response:
    """Get a small picture of an image (JPEG, 320 pixels at most); a PDF has none."""
    found = _file(asking, number, id).thumbnail
    if found is None:
        raise no_such("file")
    headers = _headers(found, f'inline; filename="{number}-{id}-small.jpg"')
    if headers["ETag"] in (if_none_match or ""):
        return Response(status_code=304, headers=headers)
    return Response(b"".join(_blocks(request, asking, found)), headers=headers, media_type=MediaType.JPEG)


def _ticket(asking: Session, number: str) -> int:
    found = ticket_pages.ticket_id(asking.conn, asking.scope, number)
    if found is None:
        raise no_such("ticket")
    return found


def _file(asking: Session, number: str, file_id: int) -> TicketFileRow:
    found = file_rows.file(asking.conn, _ticket(asking, number), file_id, for_user=_is_user(asking))
    if found is None:
        raise no_such("file")
    return found


def _is_user(asking: Session) -> bool:
    return asking.asker.role is Role.CUSTOMER


def _headers(digest: bytes, disposition: str) -> dict[str, str]:
    return {**SAFE, "ETag": f'"{digest.hex()}"', "Content-Disposition": disposition}


def _blocks(request: Request, asking: Session, digest: bytes) -> Iterator[bytes]:
    try:
        yield from surroundings(request).attachments.store.blocks(asking.conn, digest)
    except (OSError, FileMissing) as error:
        log.error("file_not_read", error=type(error).__name__, sha256=digest.hex())
        raise unavailable(problems.FILE_STORE_AWAY) from None

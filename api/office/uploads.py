"""Routes for tables of the registry that are uploaded: compared first, then applied as they were compared."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from psycopg.errors import LockNotAvailable
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.datastructures import UploadFile

from api.files.upload import content_of
from api.http.problem import FieldFault, Problem, too_many, unavailable
from api.http.session import LEADERS, Bearer, ChangingLeaders, Session, names_of, session_of, surroundings
from api.http.values import Instant
from api.office.edits import Reason
from api.words.uploads import UPLOAD_BUSY, UPLOAD_DIFFERS, UPLOAD_EMPTY, UPLOAD_GONE, UPLOAD_REFUSED
from domain.printable import printable
from registry import uploading
from registry.problems import ImportRefused
from registry.reading import SentTables, TableFile
from registry.uploading import RegistryComparison, UploadTerms
from store.base import locks
from store.base.access import Right
from store.base.office_role import in_office
from store.registry import registry_rows, upload_rows
from store.registry.upload_rows import WaitingUpload

WAITS = timedelta(hours=1)
MOST_TOLD = 200  # of what is added, and of what is changed
MOST_NAME = 80
LOCK_S = 10  # for which another import is waited for
SHEETS = ("substations", "buildings", "homes", "sensors", "residents", "contacts", "plan")
BINARY = {"schema": {"type": "string", "format": "binary"}}
FORM = {"schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY["schema"]}}}
SENT = {
    "requestBody": {
        "required": True,
        "description": "CSV (UTF-8, UTF-16, GB18030) or XLSX; 8 MB at most",
        "content": {"multipart/form-data": FORM, "application/octet-stream": BINARY},
    }
}
SheetName = Literal["substations", "buildings", "homes", "sensors", "residents", "contacts", "plan"]
EncodingName = Annotated[str, StringConstraints(max_length=40, pattern=r"^[\w-]*$")]
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]

router = APIRouter(prefix="/v1/registry/uploads", tags=["registry"])


@dataclass(frozen=True)
class Admitted:
    """A caller who may upload: the names that it is counted under, and codes that stay as they are written."""

    names: dict[str, str]
    known: list[str]


class UnderstoodTable(BaseModel):
    """The reading of a table: encoding, separator, what its columns mean, what was left out; `how_zh` in Chinese."""

    table: str
    how: str
    how_zh: str


class KindCounts(BaseModel):
    """Lines of a kind, and the objects that they name."""

    rows: int
    added: int
    changed: int
    unchanged: int


class TenancyCounts(BaseModel):
    """Tenancies that come and go; a changed one does both."""

    added: int
    removed: int


class ContactCounts(BaseModel):
    """Contacts that come, change and end."""

    added: int
    changed: int
    ended: int


class ImportLosses(BaseModel):
    """Numbers of what is most often a mistake."""

    contracts_lost: int
    not_judged: int
    sensors_moved: int
    sensors_ended: int


class AddedObject(BaseModel):
    """An object that the registry does not know."""

    kind: SheetName
    code: str


class ChangedValue(BaseModel):
    """A value of a known object; null: none."""

    kind: SheetName
    code: str
    field: str
    before: str | None
    after: str | None


class UploadComparison(BaseModel):
    """The changes of a file. `added` and `changes` are the first 200; their numbers are of all.

    `version` goes with the request to apply it: it is another one when the file would change something else. The file
    waits until `waits_until`; null: it is applied. Of residents and contacts numbers alone are told.
    """

    sha256: str
    version: str
    waits_until: Instant | None
    tables: list[UnderstoodTable]
    substations: KindCounts
    buildings: KindCounts
    homes: KindCounts
    sensors: KindCounts
    residents: TenancyCounts | None
    contacts: ContactCounts | None
    plan: KindCounts | None
    losses: ImportLosses
    added: list[AddedObject]
    added_count: int
    changes: list[ChangedValue]
    changes_count: int


class UploadApply(BaseModel):
    """The `version` of the comparison that is applied, and why."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    reason: Reason


def admitted(request: Request, bearer: Bearer) -> Admitted:
    """Check that the caller may upload, before a byte is read.

    Raises:
        Problem: 401, 403, 429.
    """
    with session_of(request, bearer, LEADERS, Right.WRITE) as session:
        return admit(request, session)


def admit(request: Request, session: Session) -> Admitted:
    """Count an upload.

    Raises:
        Problem: 429.
    """
    if seconds := session.limiter.wait_upload(session.asker.actor):
        raise too_many(seconds)
    return Admitted(names_of(request, session), known_codes(session))


def known_codes(session: Session) -> list[str]:
    """Return the codes of the registry that stay as they are written."""
    return sorted(registry_rows.written_otherwise(session.conn))


async def received(
    request: Request,
    caller: Annotated[Admitted, Depends(admitted)],
    name: Annotated[str, Query(max_length=200)] = "",
    sheet: SheetName | None = None,
    encoding: Annotated[EncodingName, Query()] = "",
) -> AsyncIterator[TableFile]:
    """Read the file of a request, and hold a slot for it until the route returns.

    Raises:
        Problem: 413, 422, 503.
    """
    uploads = surroundings(request).attachments.uploads
    uploads.take(caller.names)
    try:
        content = await content_of(request)
        zone = surroundings(request).policy.zone.key
        yield TableFile(
            plain_name(name or await _sent_name(request)), content, sheet or "", encoding, zone, caller.known
        )
    finally:
        uploads.leave(caller.names)


async def _sent_name(request: Request) -> str:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return ""
    form = await request.form()
    return next((part.filename or "" for part in form.values() if isinstance(part, UploadFile)), "")


def plain_name(name: str) -> str:
    """Return the name of a file without its folders and what cannot be shown. Nothing is opened by it."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return printable(last.strip(), MOST_NAME) or "table"


def read(request: Request, file: Annotated[TableFile, Depends(received, scope="function")]) -> SentTables:
    """Have a file read in a process of its own; a few at a time.

    Raises:
        Problem: 422.
    """
    if not file.content:
        raise Problem(422, UPLOAD_EMPTY)
    try:
        with surroundings(request).attachments.reading:
            return uploading.read_apart(file)
    except ImportRefused as refusal:
        raise refused(refusal) from None


Received = Annotated[TableFile, Depends(received, scope="function")]
Read = Annotated[SentTables, Depends(read, scope="function")]


@router.post("", status_code=201, openapi_extra=SENT)
def send_table(file: Received, tables: Read, changing: ChangingLeaders) -> UploadComparison:
    """Compare a table with the registry, and keep it for an hour in which it can be applied."""
    return keep(changing, file, tables)


def keep(changing: Session, file: TableFile, tables: SentTables) -> UploadComparison:
    """Compare a file that was read, and keep it.

    Raises:
        Problem: 422, 503.
    """
    digest = hashlib.sha256(file.content)
    changing.notes["sha256"] = digest.hexdigest()
    with _in_office(changing, tables):
        found = uploading.preview(changing.conn, tables, terms_of(changing))
        waiting = WaitingUpload(file.name, file.sheet, file.encoding, file.content)
        upload_rows.forget(changing.conn, changing.now - WAITS)
        upload_rows.put(changing.conn, changing.asker.id, digest.digest(), waiting, changing.now)
    return told(digest.hexdigest(), tables, found, changing.now + WAITS)


@router.post("/{sha256}/apply")
def apply_table(request: Request, sha256: Digest, changing: ChangingLeaders, wanted: UploadApply) -> UploadComparison:
    """Apply a table that the same person has sent, all or nothing; refused when it would change something else."""
    return apply(request, changing, sha256, wanted)


def apply(request: Request, changing: Session, sha256: str, wanted: UploadApply) -> UploadComparison:
    """Apply a file that waits.

    Raises:
        Problem: 409, 422, 503.
    """
    changing.notes.update(reason=wanted.reason, sha256=sha256)
    tables = waiting_tables(request, changing, sha256)
    try:
        with _in_office(changing, tables):
            done = uploading.apply(changing.conn, tables, terms_of(changing), wanted.version)
            upload_rows.remove(changing.conn, changing.asker.id, bytes.fromhex(sha256))
    except uploading.DiffersNow:
        raise Problem(409, UPLOAD_DIFFERS) from None
    answer = told(sha256, tables, done, None)
    changing.notes["done"] = answer.model_dump(
        mode="json", include={*SHEETS, "losses", "changes", "changes_count", "added_count"}
    )
    return answer


def compare_again(request: Request, changing: Session, sha256: str) -> UploadComparison:
    """Compare a file that waits with the registry as it is now.

    Raises:
        Problem: 409, there is none; 422, 503.
    """
    tables = waiting_tables(request, changing, sha256)
    with _in_office(changing, tables):
        found = uploading.preview(changing.conn, tables, terms_of(changing))
    return told(sha256, tables, found, changing.now + WAITS)


def waiting_tables(request: Request, changing: Session, sha256: str) -> SentTables:
    """Read a file that waits once more.

    Raises:
        Problem: 409, there is none; 422.
    """
    with _in_office(changing, SentTables()):
        since = changing.now - WAITS
        waiting = upload_rows.find(changing.conn, changing.asker.id, bytes.fromhex(sha256), since)
    if waiting is None:
        raise Problem(409, UPLOAD_GONE)
    name, sheet, encoding, content = waiting
    return read(request, TableFile(name, content, sheet, encoding, changing.policy.zone.key, known_codes(changing)))


def terms_of(changing: Session) -> UploadTerms:
    """Return the terms of a comparison."""
    limited = {limit.home_class for limit in changing.policy.rules_at(changing.now).limits}
    return UploadTerms(changing.policy.zone, changing.now, limited)


@contextmanager
def _in_office(changing: Session, tables: SentTables) -> Iterator[None]:
    try:
        with changing.conn.transaction(), in_office(changing.conn):
            locks.wait_at_most(changing.conn, LOCK_S)
            yield
    except LockNotAvailable:
        raise unavailable(UPLOAD_BUSY) from None
    except ImportRefused as refusal:
        raise refused(refusal, tables.left_out) from None


def refused(refusal: ImportRefused, left_out: int = 0) -> Problem:
    """Make the problem of a file with problems: each with file, line and column."""
    faults = [
        FieldFault(f"{one.file}:{one.line}" + (f": {one.column}" if one.column else ""), one.fault)
        for one in refusal.problems[:MOST_TOLD]
    ]
    return Problem(422, UPLOAD_REFUSED.fill(count=len(refusal.problems) + left_out), faults=faults)


def told(sha256: str, tables: SentTables, found: RegistryComparison, waits_until: Instant | None) -> UploadComparison:
    """Make the answer of a comparison."""
    others = {"residents": found.residents, "contacts": found.contacts, "plan": found.plan}
    return UploadComparison.model_validate(
        {
            "sha256": sha256,
            "version": found.version,
            "waits_until": waits_until,
            "tables": [{"table": table, "how": how.en, "how_zh": how.zh} for table, how in tables.understood.items()],
            **{kind: count._asdict() for kind, count in found.report._asdict().items()},
            **{kind: count._asdict() if count else None for kind, count in others.items()},
            "losses": found.losses._asdict(),
            "added": [one._asdict() for one in found.added[:MOST_TOLD]],
            "added_count": len(found.added),
            "changes": [one._asdict() for one in found.changes[:MOST_TOLD]],
            "changes_count": len(found.changes),
        }
    )

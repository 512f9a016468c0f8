"""The page on which tables of the registry are uploaded: compared, then applied."""

from contextlib import contextmanager
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from api.desk_pages.measuring import PLAN
from api.desk_pages.show import desk_page
from api.files.upload import refusal
from api.http.problem import Problem
from api.http.session import LEADERS, Session, surroundings
from api.office import uploads
from api.office.uploads import Digest, EncodingName, SheetName, UploadApply, UploadComparison
from api.office_pages.find import REGISTRY
from api.office_pages.forms import NOTHING_TRIED, AskingLeader, Fields, SentForm, tried
from api.staff.file_form import FileFormRoute
from api.staff.frame import language_of
from api.staff.session import signed_in
from api.words.problems import ONE_FILE
from domain.files import MOST_BYTES, FileFault
from registry.reading import TableFile
from store.base.access import Right

UPLOADS = f"{REGISTRY}/uploads"
ENCODINGS = ("utf-8", "utf-16", "gb18030", "big5", "windows-1252", "windows-1251", "windows-1250")
UNTAKEN = (409, 413, 422, 503)
reading = contextmanager(signed_in(LEADERS))
writing = contextmanager(signed_in(LEADERS, Right.WRITE))
ENCODING: TypeAdapter[str] = TypeAdapter(EncodingName)

router = APIRouter(prefix=UPLOADS, route_class=FileFormRoute, include_in_schema=False)


def known(request: Request) -> list[str]:
    """Return the codes that stay as they are written, to a person who may upload."""
    with writing(request) as session:
        return uploads.known_codes(session)


async def received(request: Request, known: Annotated[list[str], Depends(known)]) -> TableFile | Problem:
    """Return the file of the form, or what is wrong with it."""
    form = await request.form()  # read and bounded when it was admitted
    sent = form.get("file")
    if not isinstance(sent, UploadFile):
        return Problem(422, ONE_FILE)
    content = await sent.read()
    if len(content) > MOST_BYTES:  # a form may be longer than its file
        return refusal(FileFault.LARGE)
    sheet = next((one for one in get_args(SheetName) if one == form.get("sheet")), "")
    try:
        encoding = ENCODING.validate_python(form.get("encoding") or "")
    except ValidationError:
        encoding = ""
    zone = surroundings(request).policy.zone.key
    return TableFile(uploads.plain_name(sent.filename or ""), content, sheet, encoding, zone, known)


@router.get("")
def begin(request: Request, asking: AskingLeader, done: Annotated[bool, Query()] = False) -> Response:
    """Show the form for a file."""
    return shown(request, asking, done=done)


@router.post("")
def compare(request: Request, sent: Annotated[TableFile | Problem, Depends(received, scope="function")]) -> Response:
    """Compare a file with the registry and show what it would change."""
    found, untaken = None, sent if isinstance(sent, Problem) else None
    if isinstance(sent, TableFile):
        try:
            tables = uploads.read(request, sent)
            with writing(request) as changing:
                found = uploads.keep(changing, sent, tables)
        except Problem as problem:
            untaken = problem
    if untaken and untaken.status not in UNTAKEN:
        raise untaken
    with reading(request) as asking:
        return shown(request, asking, found=found, untaken=untaken)


@router.post("/{sha256}/apply")
def apply(request: Request, sha256: Digest, told: Fields) -> Response:
    """Apply a file that was compared; what stands in the way is shown with the comparison as it is now."""

    applied: list[UploadComparison] = []

    def act(changing: Session) -> None:
        sent = {"version": told.get("version", ""), "reason": told.get("reason", "")}
        applied.append(uploads.apply(request, changing, sha256, UploadApply.model_validate(sent)))

    failed = tried(request, LEADERS, "apply", told, act)
    if failed is None:
        return RedirectResponse(f"{PLAN if applied[0].plan else UPLOADS}?done=true", 303)
    found, untaken = None, None
    try:
        with writing(request) as changing:
            found = uploads.compare_again(request, changing, sha256)
    except Problem as problem:
        if problem.status not in UNTAKEN:
            raise
        untaken = problem
    with reading(request) as asking:
        return shown(request, asking, found=found, untaken=untaken, failed=failed)


def shown(
    request: Request,
    asking: Session,
    *,
    found: UploadComparison | None = None,
    untaken: Problem | None = None,
    failed: SentForm = NOTHING_TRIED,
    done: bool = False,
) -> Response:
    """Show the page: what a file would change, or why it was not taken, and the form for another one."""
    language = language_of(request, asking)
    return desk_page(
        request,
        asking,
        "office/upload.html",
        untaken.status if untaken else failed.status,
        found=found,
        sheets=uploads.SHEETS,
        encodings=ENCODINGS,
        untaken=untaken.details(language) if untaken else None,
        sent=failed.shown(language),
        done=done,
    )

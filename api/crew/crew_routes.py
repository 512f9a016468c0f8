"""Routes of a crew's pages: the jobs, one job, and what is done about it. They share the functions of the API.

A form is answered with a page; for the script, which keeps what was done until there is a network, with JSON.
"""

import re
from collections.abc import Callable
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.crew.job import RefusedForm, job_content
from api.crew.jobs import CREW, job_address, jobs_content
from api.crew.measuring import MeasurementForm, file_measurement, read_measurement
from api.crew.show import CREWS, AskingCrew, crew_page
from api.crew.signature import DRAWN, DrawnSignature, drawn_signature, keep_signature
from api.desk.desk_routes import Number, find, make_move
from api.desk.once import do_once
from api.desk_pages.contact import REASONS, reveal
from api.desk_pages.forms import Told
from api.desk_pages.move_forms import SentMove
from api.desk_pages.show import reader_of
from api.desk_pages.ticket_routes import DONE_TEXTS, read_reason, read_sent, read_told
from api.http.language import said
from api.http.problem import Problem
from api.http.session import Session
from api.staff.file_form import FileForm, is_about_file, read_file_form
from api.staff.file_pages import files_router
from api.staff.frame import language_of
from api.staff.session import StaffRoute, local_path, person_of, seal, shown_token, signed_in
from domain.tickets import UNDISTURBING_ON_SITE, EventKind, changes_course
from store.base.access import Right

KEY = re.compile(r"[A-Za-z0-9-]{16,64}")
SIGNED = "signed on the glass"  # stands for the reference until the signature has one
SIGNED_MOVES = frozenset({EventKind.CONFIRMED, EventKind.HEAT_ON, EventKind.HEAT_OFF})
reading = contextmanager(signed_in(CREWS))
writing = contextmanager(signed_in(CREWS, Right.WRITE))

router = APIRouter(prefix=CREW, route_class=StaffRoute, include_in_schema=False)
files = files_router(f"{CREW}/tickets/{{number}}/files", CREWS)
ReadTold = Annotated[Told, Depends(read_told)]


def read_crew_move(request: Request, told: ReadTold) -> SentMove:
    """Read the form of a move; a signature drawn on the glass stands for the number of a signed paper."""
    if told.get(DRAWN) and told.get("move") in SIGNED_MOVES:
        told = {**told, "confirmation": SIGNED}
    return read_sent(request, told)


@router.get("")
def jobs(request: Request, asking: AskingCrew) -> Response:
    """Show the jobs."""
    shown = jobs_content(asking, person_of(asking).name, language_of(request, asking))
    return crew_page(request, asking, "crew/jobs.html", **shown)


@router.get("/begin")
def begin(_: AskingCrew, next: Annotated[str, Query(max_length=2_000)] = CREW) -> Response:
    """Lead on who has signed in, past the worker, which keeps pages of the `person` in the address from now on."""
    return RedirectResponse(local_path(next) or CREW, 303)


@router.get("/state")
def state(request: Request, asking: AskingCrew) -> JSONResponse:
    """Tell the script whose session it is, the present, and the seal with which it may send forms."""
    token = shown_token(request) or ""
    return JSONResponse(
        {"owner": person_of(asking).staff_id, "now": asking.now.isoformat(), "seal": seal(token)._asdict()}
    )


@router.get("/jobs/{number}")
def job(
    request: Request, asking: AskingCrew, number: Number, done: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """Show a job."""
    return _job(request, asking, number, done=done)


@router.post("/jobs/{number}")
def move(request: Request, number: Number, sent: Annotated[SentMove, Depends(read_crew_move)]) -> Response:
    """Make a move once; what is not taken is shown with what was told."""
    if sent.move is None:
        return _untaken(request, number, RefusedForm(told=sent.told, faults=sent.faults, sent=sent), 422)

    def make(changing: Session, signature: DrawnSignature | None) -> None:
        made = sent.move
        assert made is not None
        if signature is not None and sent.kind in SIGNED_MOVES:
            made = made.model_copy(update={"confirmation": keep_signature(request, changing, number, signature)})
        make_move(changing, number, made, sent.version if changes_course(sent.kind) else None, UNDISTURBING_ON_SITE)

    return _take(request, number, RefusedForm(told=sent.told, sent=sent), make, sent.kind)


@router.post("/jobs/{number}/measurements")
def measurement(
    request: Request, number: Number, told: ReadTold, form: Annotated[MeasurementForm, Depends(read_measurement)]
) -> Response:
    """File a measurement of the job's home once, signed on the glass or on paper."""

    def make(changing: Session, signature: DrawnSignature | None) -> None:
        reference = keep_signature(request, changing, number, signature) if signature else None
        file_measurement(changing, number, form, reference)

    return _take(request, number, RefusedForm(told=told), make, EventKind.MEASURED)


def _take(
    request: Request,
    number: str,
    form: RefusedForm,
    make: Callable[[Session, DrawnSignature | None], None],
    kind: EventKind,
) -> Response:
    """Do what a form says, once, and lead back to the job; `form` is how it is shown if it is not taken."""
    key = form.told.get("once", "")
    try:
        signature = drawn_signature(request, form.told)
        with writing(request) as changing:
            sent = key if KEY.fullmatch(key) else form.once
            do_once(changing, number, sent, lambda: make(changing, signature))
    except Problem as problem:
        if not is_about_file(problem):
            raise
        return _untaken(request, number, form.because(problem), problem.status)
    return _taken(request, number, kind)


@files.post("")
def send_file(request: Request, sent: Annotated[FileForm, Depends(read_file_form)]) -> Response:
    """Attach a photo to the job's ticket; the same photo again is the same file."""
    try:
        file = sent.prepared(request)
        with writing(request) as changing:
            sent.attach(request, changing, file)
    except Problem as problem:
        if not is_about_file(problem):
            raise
        return _untaken(request, sent.number, RefusedForm(told=sent.fields).because(problem), problem.status)
    return _taken(request, sent.number, EventKind.ATTACHED)


@router.post("/jobs/{number}/contact")
def contact(request: Request, number: Number, reason: Annotated[str, Depends(read_reason)]) -> Response:
    """Show how to reach the user, against a reason."""
    with writing(request) as changing:
        revealed = reveal(changing, number, reason)
    with reading(request) as asking:
        return _job(request, asking, number, revealed=revealed)


def _taken(request: Request, number: str, kind: EventKind) -> Response:
    if wants_json(request):
        return JSONResponse({"done": kind.value})
    return RedirectResponse(f"{job_address(quote(number))}?done={kind}", 303)


def _untaken(request: Request, number: str, form: RefusedForm, status: int) -> Response:
    """Show a job as it is now beside a form that was not taken; to the script, why."""
    with reading(request) as asking:
        if wants_json(request):
            return JSONResponse({"detail": form.why(find(asking, number), language_of(request, asking))}, status)
        return _job(request, asking, number, status, refused=form)


def wants_json(request: Request) -> bool:
    """Return whether the script asks."""
    return request.headers.get("accept") == "application/json"


def _job(
    request: Request,
    asking: Session,
    number: str,
    status: int = 200,
    refused: RefusedForm | None = None,
    **outcome: Any,
) -> Response:
    reader = reader_of(request, asking)
    done = DONE_TEXTS.get(outcome.get("done") or "")
    return crew_page(
        request,
        asking,
        "crew/job.html",
        status,
        **job_content(asking, number, reader, refused),
        done=said(done, reader.language) if done else None,
        revealed=outcome.get("revealed"),
        reasons=REASONS,
    )

"""The page of one's own home: opened by a link, asked by a cookie, without script."""

import secrets
from collections.abc import Iterator
from datetime import datetime, time
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.security import HTTPAuthorizationCredentials
from starlette.responses import RedirectResponse, Response

from api.evidence import dossier_routes
from api.homes import exports
from api.http.download import Download
from api.http.language import Language
from api.http.problem import Problem, no_such
from api.http.session import Session, surroundings
from api.pages import look, visit
from api.pages.render import HOME, Times, page, say
from api.pages.report import SUBJECTS, ReportForm, read, take
from domain.cases import SUBJECT_TEXTS
from papers.exports.formats import Format
from store.base.access import Right
from store.base.rows import Row

router = APIRouter(prefix=HOME, route_class=visit.PageRoute, include_in_schema=False)
Code = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
Token = Annotated[str | None, Query(max_length=visit.LONGEST_TOKEN)]
Key = Annotated[str | None, Query(max_length=64)]


@router.get("")
def home(
    request: Request,
    token: Token = None,
    opened: str | None = None,
    lang: Literal["zh", "en"] | None = None,
    home: Code = None,
    sent: Key = None,
) -> Response:
    """The page; or what a link or a choice of language leads to."""
    if token is not None:
        return _by_link(request, token, opened)
    if lang is not None:
        return visit.choosing(request, lang)
    if opened is not None and visit.shown_token(request) is None:
        return page("opening.html", visit.language_of(request), here=f"{HOME}?", go=HOME)
    with visit.reading(request, visit.bearer(request)) as asking:
        return visit.marked(request, shown(request, asking, home, sent=look.taken(asking, sent)))


def _by_link(request: Request, token: str, opened: str | None) -> Response:
    """Open the page of a link; where another one is open already, ask first."""
    if not visit.is_another(request, token):
        return visit.let_in(request, token)
    with visit.reading(request, HTTPAuthorizationCredentials(scheme="Bearer", credentials=token)) as asking:
        wanted = look.places(asking)
    language = visit.language_of(request)
    if visit.shown_token(request) is None and opened is None:
        # From a page of this site the cookie comes along.
        answer = page(
            "opening.html", language, here=f"{HOME}?", go=f"{HOME}?{urlencode({'token': token, 'opened': 1})}"
        )
    else:
        try:
            open_now = _open_now(request)
        except Problem as problem:
            if problem.status not in (401, 403):
                raise
            return visit.let_in(request, token)  # what was open does not hold any more
        key = secrets.token_urlsafe(24)
        code = visit.form_token(visit.shown_token(request) or "", f"{key} {token}")
        fields = {"link": token, "key": key, "code": code}
        answer = page("another.html", language, here=f"{HOME}?", wanted=wanted, open_now=open_now, fields=fields)
    answer.headers["Referrer-Policy"] = "strict-origin"  # the address has the link in it
    return answer


def _open_now(request: Request) -> list[Row]:
    """The homes of the page that is open in this browser; none: it does not say."""
    if (bearer := visit.bearer(request)) is None:
        return []
    with visit.reading(request, bearer) as asking:
        return look.places(asking)


@router.post("/another")
def another(
    request: Request,
    link: Annotated[str, Form(max_length=visit.LONGEST_TOKEN)],
    key: Annotated[str, Form(max_length=64)],
    code: Annotated[str, Form(max_length=64)],
) -> Response:
    """Open the page of another link instead of the one that is open."""
    return visit.change_over(request, link, key, code)


@router.post("")
def send(request: Request, report: Annotated[ReportForm, Depends(read)]) -> Response:
    """Take what a form says, once; the answer leads back to the page, so that reloading sends nothing."""
    if visit.shown_token(request) is not None and not visit.is_ours(request, report.key, report.token):
        return visit.sorry(request, "not_ours", 403)
    refused = None
    if not report.faults:
        try:
            with visit.writing(request, visit.bearer(request)) as changing:
                take(changing, chosen(look.places(changing), report.home), report)
            asked = urlencode({"home": report.home, "sent": report.once})
            return RedirectResponse(f"{HOME}?{asked}#sent", 303)
        except Problem as problem:
            if problem.status not in (409, 429):
                raise
            refused = problem
    with visit.reading(request, visit.bearer(request)) as asking:
        return shown(request, asking, report.home, report=report, refused=refused)


@router.post("/leave")
def leave(request: Request) -> Response:
    """Forget the link on this device."""
    return visit.let_out(request)


def open_export(request: Request) -> Iterator[exports.Export]:
    """As the API's exports, for who has the cookie."""
    yield from exports.exporting(request, visit.bearer(request), visit.CUSTOMERS)


Exporting = Annotated[exports.Export, Depends(open_export, scope="function")]


@router.get("/readings/season.{form}")
def readings(export: Exporting, form: Format, home: Code = None) -> Download:
    """All readings of the season, to take away."""
    asking = export.asking
    place, begin = chosen(look.places(asking), home), look.season_days(asking)[0]
    start = datetime.combine(begin, time(0), asking.policy.zone)
    return exports.readings(place["code"], form, export, start, asking.now)


@router.get("/evidence/season.zip")
def dossier(request: Request, written: dossier_routes.Place, home: Code = None) -> Response:
    """The evidence of the season, to take away."""
    with visit.reading(request, visit.bearer(request)) as asking:
        place, (first, end) = chosen(look.places(asking), home), look.season_days(asking)
        return dossier_routes.evidence(request, place["code"], written, asking, dossier_routes.DossierQuery(first, end))


def chosen(places: list[Row], code: str | None) -> Row:
    """The home that is asked for, or the first one.

    Raises:
        Problem: 404, it is not among those of the token.
    """
    found = next((place for place in places if code in (None, "", place["code"])), None)
    if found is None:
        raise no_such("home")
    return found


def shown(
    request: Request,
    asking: Session,
    code: str | None,
    *,
    sent: str | None = None,
    report: ReportForm | None = None,
    refused: Problem | None = None,
) -> Response:
    """The page of a home, after something was sent or could not be."""
    language = visit.language_of(request)
    places = look.places(asking)
    place = chosen(places, code)
    key = report.key if report and report.faults else secrets.token_urlsafe(24)
    answer = page(
        "home.html",
        language,
        **look.look(asking, place, language, Times(language, asking.policy.zone, asking.now)),
        places=places,
        sent=sent,
        may_send=Right.WRITE in asking.asker.rights,
        report=report or ReportForm(),
        refused=_refusal(refused, language),
        key=key,
        form_token=visit.form_token(visit.shown_token(request) or "", key),
        subjects=[(subject.value, getattr(SUBJECT_TEXTS[subject], language)) for subject in SUBJECTS],
        hotline=surroundings(request).company.hotline,
        here=f"{HOME}?home={quote(place['code'])}&",
        zone=asking.policy.zone.key,
        now=asking.now,
    )
    if refused:
        answer.status_code = refused.status
        answer.headers.update(refused.headers)
    elif report and report.faults:
        answer.status_code = 422
    return answer


def _refusal(refused: Problem | None, language: Language) -> str | None:
    if refused is None:
        return None
    return say(language, "open_there") if "open_tickets" in refused.members else refused.details(language).detail

"""The page of a customer's own home: opened by a link, authenticated by a cookie, without JavaScript."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.evidence import dossier_routes
from api.homes import exports
from api.homes.wechat_routes import WechatLink
from api.http.download import Download
from api.http.language import Language
from api.http.problem import Problem, no_such
from api.http.session import Session, surroundings
from api.live import live_routes
from api.live.live_routes import LastEventId, ListenerStream
from api.pages import content, refund_told, visit
from api.pages.render import HOME, SCRIPT_POLICY, Times, page, say
from api.pages.report import NO_REPORT, SUBJECTS, ReportForm, read, take
from api.pages.statement import NO_STATEMENT, StatementForm, TicketForms
from api.pages.wechat_told import wechat_told
from domain.words.desk import SUBJECT_TEXTS
from papers.exports.formats import Format
from store.base.access import Right
from store.base.rows import Row
from store.figures import live_feed

router = APIRouter(prefix=HOME, route_class=visit.PageRoute, include_in_schema=False)
Code = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
Token = Annotated[str | None, Query(max_length=visit.LONGEST_TOKEN)]
Key = Annotated[str | None, Query(max_length=64)]


def open_asking(request: Request) -> Iterator[Session]:
    """Open a session by the cookie."""
    with visit.reading(request, visit.bearer(request)) as asking:
        yield asking


AskingHome = Annotated[Session, Depends(open_asking, scope="function")]


@dataclass(frozen=True)
class TakenForms:
    """The forms just taken: the key of one that opened a ticket (`sent`), the ticket that one was about (`said`)."""

    sent: Key = None
    said: Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]+$")] = None


@router.get("")
def home(
    request: Request,
    taken: Annotated[TakenForms, Depends()],
    token: Token = None,
    opened: str | None = None,
    lang: Literal["zh", "en"] | None = None,
    home: Code = None,
) -> Response:
    """Show the page, or follow a link or a choice of language."""
    if token is not None:
        return _by_link(request, token, opened)
    if lang is not None:
        return visit.choosing(request, lang)
    if opened is not None and visit.shown_token(request) is None:
        return page("opening.html", visit.language_of(request), here=f"{HOME}?", go=HOME)
    with visit.reading(request, visit.bearer(request)) as asking:
        outcome = FormOutcome(sent=content.taken(asking, taken.sent), said=content.known(asking, taken.said))
        return visit.marked(request, shown(request, asking, home, outcome))


def _by_link(request: Request, token: str, opened: str | None) -> Response:
    """Open the page of a link; ask first if the browser has another one open."""
    if not visit.is_another(request, token):
        return visit.let_in(request, token)
    with visit.reading(request, visit.as_bearer(token)) as asking:
        wanted = content.places(asking)
    language = visit.language_of(request)
    if visit.shown_token(request) is None and opened is None:
        # Navigation from a page of this site sends the SameSite=Strict cookie.
        answer = page(
            "opening.html", language, here=f"{HOME}?", go=f"{HOME}?{urlencode({'token': token, 'opened': 1})}"
        )
    else:
        try:
            open_now = _open_now(request)
        except Problem as problem:
            if problem.status not in (401, 403):
                raise
            return visit.let_in(request, token)  # the page that was open is no longer valid
        key = secrets.token_urlsafe(24)
        code = visit.form_token(visit.shown_token(request) or "", f"{key} {token}")
        fields = {"link": token, "key": key, "code": code}
        answer = page("another.html", language, here=f"{HOME}?", wanted=wanted, open_now=open_now, fields=fields)
    answer.headers["Referrer-Policy"] = "strict-origin"  # the URL contains the token
    return answer


def _open_now(request: Request) -> list[Row]:
    """Return the homes of the page open in this browser; empty if the browser does not send its cookie."""
    if (bearer := visit.bearer(request)) is None:
        return []
    with visit.reading(request, bearer) as asking:
        return content.places(asking)


@router.get("/events", response_class=ListenerStream)
async def events(
    request: Request,
    asking: AskingHome,
    home: Code = None,
    after: Annotated[str | None, Query(max_length=20_000)] = None,
    last_event_id: LastEventId = None,
) -> ListenerStream:
    """Stream what happens to a home, to a page that is open: from where it was read (`after`) on."""
    place = await run_in_threadpool(lambda: chosen(content.places(asking), home))
    bearer = visit.bearer(request)
    return await live_routes.home_events(place["code"], request, bearer, asking, last_event_id or after)


@router.post("/another")
def another(
    request: Request,
    link: Annotated[str, Form(max_length=visit.LONGEST_TOKEN)],
    key: Annotated[str, Form(max_length=64)],
    code: Annotated[str, Form(max_length=64)],
) -> Response:
    """Replace the open page by that of another link."""
    return visit.change_over(request, link, key, code)


@router.post("")
def send(request: Request, report: Annotated[ReportForm, Depends(read)]) -> Response:
    """Record a form once and redirect back to the page, so that reloading does not send it again."""
    token = visit.shown_token(request)
    if token is not None and not visit.is_ours(request, token, report.key, report.token):
        return visit.sorry(request, "not_ours", 403)
    refused = None
    if not report.faults:
        try:
            with visit.writing(request, visit.bearer(request)) as changing:
                take(changing, chosen(content.places(changing), report.home), report)
            asked = urlencode({"home": report.home, "sent": report.once})
            return RedirectResponse(f"{HOME}?{asked}#sent", 303)
        except Problem as problem:
            if problem.status not in (409, 429):
                raise
            refused = problem
    with visit.reading(request, visit.bearer(request)) as asking:
        return shown(request, asking, report.home, FormOutcome(report=report, refused=refused))


@router.post("/leave")
def leave(request: Request) -> Response:
    """Sign out on this device."""
    return visit.let_out(request)


def open_export(request: Request) -> Iterator[exports.Export]:
    """Open an export as the API does, authenticated by the cookie."""
    yield from exports.exporting(request, visit.bearer(request), visit.CUSTOMERS)


Exporting = Annotated[exports.Export, Depends(open_export, scope="function")]


@router.get("/readings/season.{form}")
def readings(export: Exporting, form: Format, home: Code = None) -> Download:
    """Download all readings of the season."""
    asking = export.asking
    place, begin = chosen(content.places(asking), home), content.season_days(asking)[0]
    start = datetime.combine(begin, time(0), asking.policy.zone)
    return exports.readings(place["code"], form, export, start, asking.now)


@router.get("/evidence/season.zip")
def dossier(request: Request, written: dossier_routes.Place, home: Code = None) -> Response:
    """Download the evidence of the season."""
    with visit.reading(request, visit.bearer(request)) as asking:
        place, (first, end) = chosen(content.places(asking), home), content.season_days(asking)
        return dossier_routes.evidence(request, place["code"], written, asking, dossier_routes.DossierQuery(first, end))


def chosen(places: list[Row], code: str | None) -> Row:
    """Choose the requested home, or the first one.

    Raises:
        Problem: 404, the home is not one of the token's.
    """
    found = next((place for place in places if code in (None, "", place["code"])), None)
    if found is None:
        raise no_such("home")
    return found


@dataclass(frozen=True, kw_only=True)
class FormOutcome:
    """The outcome of a form: the ticket it opened (`sent`) or spoke about (`said`), or the form and its refusal.

    `link`: one that was just made for a WeChat account.
    """

    sent: str | None = None
    said: str | None = None
    report: ReportForm = NO_REPORT
    statement: StatementForm = NO_STATEMENT
    refused: Problem | None = None
    link: WechatLink | None = None


NOTHING = FormOutcome()


def shown(request: Request, asking: Session, code: str | None, outcome: FormOutcome = NOTHING) -> Response:
    """Render the page of a home, with the outcome of a form if one was sent."""
    report, refused = outcome.report, outcome.refused
    language = visit.language_of(request)
    at_feed = live_feed.now(asking.conn)  # before the rest is read, so that nothing between is missed
    places = content.places(asking)
    place = chosen(places, code)
    key = report.key if report.faults else secrets.token_urlsafe(24)
    form_token = visit.form_token(visit.shown_token(request) or "", key)
    told = content.home_content(asking, place, language, Times(language, asking.policy.zone, asking.now))
    answer = page(
        "home.html",
        language,
        **told,
        its=TicketForms(place["code"], key, form_token, told["times_offered"], told["reachable"], outcome.statement),
        at_feed=at_feed,
        places=places,
        wechat=wechat_told(request, asking, place["code"], outcome.link),
        refund=refund_told.of_customer(request, asking, place["code"], language),
        sent=outcome.sent,
        said=outcome.said,
        may_send=Right.WRITE in asking.asker.rights,
        report=report,
        refused=_refusal(refused, language),
        key=key,
        form_token=form_token,
        subjects=[(subject.value, getattr(SUBJECT_TEXTS[subject], language)) for subject in SUBJECTS],
        hotline=surroundings(request).company.hotline,
        here=f"{HOME}?home={quote(place['code'])}&",
        zone=asking.policy.zone.key,
        now=asking.now,
    )
    answer.headers["Content-Security-Policy"] = SCRIPT_POLICY
    if refused:
        answer.status_code = refused.status
        answer.headers.update(refused.headers)
    elif report.faults:
        answer.status_code = 422
    return answer


def _refusal(refused: Problem | None, language: Language) -> str | None:
    if refused is None:
        return None
    return say(language, "open_there") if "open_tickets" in refused.members else refused.details(language).detail

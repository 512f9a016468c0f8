"""Signing in with name and password, and a code by time where the person has set that up; signing out.

A wrong name, a wrong password and a name that is locked have the same answer, after the same work.
"""

from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.http import vouching
from api.http.limits import Try
from api.http.problem import Problem, forbidden
from api.http.session import STAFF, surroundings
from api.pages import visit
from api.pages.render import page
from api.staff import door, passwords, provider
from api.staff.cookies import PageCookie
from api.staff.door import DoorRoute, Field, Next, NextField, Outside
from api.staff.frame import here, language_of
from api.staff.session import (
    SESSION,
    SIGN_IN,
    ChangingPerson,
    SecretRoute,
    local_path,
    person_of,
    seal,
    shown_token,
    signed_in,
    start_of,
)
from api.words.problems import NOT_SEALED
from domain import totp
from store.base.access import Role
from store.staff import credential_rows, session_rows
from store.staff.credential_rows import KnownPerson, OwingPerson
from store.staff.session_rows import SessionSpan

CODE = f"{SIGN_IN}/code"
PENDING_COOKIE = PageCookie("hearth-pending", "__Secure-hearth-pending", SIGN_IN, "strict")
PENDING = SessionSpan(timedelta(minutes=5), timedelta(minutes=5))
# What the page says above the form: a key of its words. Those of the second line are no good news.
Notice = Literal["signed_out_says", "password_set_says", "provider_refused", "provider_away"] | None
BAD_NEWS = ("provider_refused", "provider_away")

router = APIRouter(route_class=DoorRoute, include_in_schema=False)
leaving = APIRouter(route_class=SecretRoute, include_in_schema=False)
reading = contextmanager(signed_in(STAFF))


@router.get(SIGN_IN)
def ask(request: Request, next: Next = None, notice: Notice = None) -> Response:
    """Show the form, or lead on if somebody is signed in."""
    with suppress(Problem), reading(request) as session:
        return RedirectResponse(local_path(next) or start_of(session.asker.role), 303)
    return _form(request, local_path(next), notice=notice)


@router.post(SIGN_IN)
def sign_in(request: Request, name: Field = "", password: Field = "", next: NextField = None) -> Response:
    """Check name and password, and begin a session, or ask for the code."""
    asked, onward = name.strip().lower(), local_path(next)
    tried = door.try_password(request, asked)
    with door.outside(request) as at:
        known = credential_rows.known(at.conn, asked, at.now)
    if not passwords.is_right(known.hash if known and tried.allowed else None, password) or known is None:
        return _wrong(request, tried, known, name, onward)
    door.right_password(request, asked)
    newer = passwords.hashed(password) if passwords.is_outdated(known.hash) else None
    with door.outside(request, writes=True) as at:
        answer = _begin(request, at, known, newer, onward)
    return answer or _wrong(request, tried, known, name, onward)


def _begin(request: Request, at: Outside, known: KnownPerson, newer: str | None, onward: str | None) -> Response | None:
    """Begin a session, or ask for the code; None if the password is another since it was checked, which takes a while.

    `newer`: the hash to keep from now on, if the one that is known was made with other parameters.
    """
    if credential_rows.hold(at.conn, known.staff_id) != known.hash:
        return None
    if newer:
        credential_rows.set_password(at.conn, known.staff_id, newer, at.now)
    return _pending(request, at, known, onward) if known.has_totp else door.let_in(request, at, known, onward)


def _wrong(request: Request, tried: Try, known: KnownPerson | None, name: str, onward: str | None) -> Response:
    with door.outside(request, writes=True) as at:
        door.note(request, at, known, refused="password" if tried.allowed else "too many tries")
    request.state.delay_s = tried.delay_s
    return _form(request, onward, name=name[:100], fault="sign_in_wrong")


def _form(
    request: Request, onward: str | None, *, name: str = "", notice: Notice = None, fault: str | None = None
) -> Response:
    address = f"{SIGN_IN}?{urlencode({'next': onward})}&" if onward else f"{SIGN_IN}?"
    answer = page(
        "staff/sign_in.html",
        visit.language_of(request),
        next=onward,
        name=name,
        notice=notice if notice not in BAD_NEWS else None,
        fault=notice if notice in BAD_NEWS else fault,
        has_provider=surroundings(request).provider is not None,
        here=address,
    )
    answer.status_code = 401 if fault else 200
    return answer


def _pending(request: Request, at: Outside, known: KnownPerson, onward: str | None) -> Response | None:
    """Lead to the page that asks for the code."""
    token = session_rows.begin_pending(at.conn, known.staff_id, door.device(request), PENDING, at.now)
    if token is None:
        return None
    answer = RedirectResponse(f"{CODE}?{urlencode({'next': onward})}" if onward else CODE, 303)
    PENDING_COOKIE.keep(request, answer, token, PENDING.longest)
    return answer


@router.get(CODE)
def ask_code(request: Request, next: Next = None) -> Response:
    """Show the form for the code, after the password."""
    token = PENDING_COOKIE.shown(request) or ""
    with door.outside(request) as at:
        owing = credential_rows.owing(at.conn, token, at.now)
    return _code_form(request, token, local_path(next)) if owing else RedirectResponse(SIGN_IN, 303)


@router.post(CODE)
def check_code(
    request: Request, digits: Field = "", key: Field = "", code: Field = "", next: NextField = None
) -> Response:
    """Check the code and begin the session."""
    token, onward = PENDING_COOKIE.shown(request) or "", local_path(next)
    if not visit.is_ours(request, token, key, code):
        raise forbidden(NOT_SEALED)
    with door.outside(request, writes=True) as at:
        owing = credential_rows.owing(at.conn, token, at.now)
        if owing is None:
            return RedirectResponse(SIGN_IN, 303)
        return _take_code(request, at, owing, digits, onward) or _code_form(request, token, onward, "code_wrong")


def _take_code(request: Request, at: Outside, owing: OwingPerson, digits: str, onward: str | None) -> Response | None:
    """Begin the session if the code is right; back to the password after too many tries; else None."""
    limiter = surroundings(request).guard.limiter
    tried = limiter.try_code(owing.staff_id)
    counter = totp.matching(owing.secret, digits, at.now) if tried.allowed else None
    if counter is not None and _took(at, owing, counter):
        limiter.right_code(owing.staff_id)
        return _without_pending(request, door.let_in(request, at, owing, onward, code=True))
    request.state.delay_s = tried.delay_s
    door.note(request, at, owing, refused="code" if tried.allowed else "too many tries")
    if tried.allowed:
        return None
    session_rows.end_one(at.conn, owing.staff_id, owing.session, at.now)
    return _without_pending(request, None)


def _took(at: Outside, owing: OwingPerson, counter: int) -> bool:
    """Take a code, and the proof of the password with it, unless it has ended since: by another password, say."""
    credential_rows.hold(at.conn, owing.staff_id)
    is_taken = credential_rows.take_code(at.conn, owing.staff_id, counter)
    return is_taken and session_rows.end_one(at.conn, owing.staff_id, owing.session, at.now)


def _without_pending(request: Request, answer: Response | None) -> Response:
    answer = answer or RedirectResponse(SIGN_IN, 303)
    PENDING_COOKIE.drop(request, answer)
    return answer


def _code_form(request: Request, token: str, onward: str | None, fault: str | None = None) -> Response:
    answer = page(
        "staff/code.html", visit.language_of(request), seal=seal(token), next=onward, fault=fault, here=here(request)
    )
    answer.status_code = 401 if fault else 200
    return answer


@leaving.post("/sign-out")
def sign_out(request: Request, session: ChangingPerson) -> Response:
    """End the session of this browser, and the one at the provider that it is of."""
    person = person_of(session)
    tokens = vouching.tokens_of(session.conn, shown_token(request) or "", person.session)
    session_rows.end_one(session.conn, person.staff_id, person.session, session.now)
    way = provider.way_out(request, tokens.identity) if tokens and tokens.identity else None
    answer: Response = RedirectResponse(f"{SIGN_IN}?notice=signed_out_says", 303)
    if way:
        # A form may lead to this site alone (form-action): the page that answers it leads on.
        answer = page("staff/leaving.html", language_of(request, session), way=way, here="/sign-in?")
    SESSION.drop(request, answer)
    if session.asker.role is Role.CREW:
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'  # the jobs that its phone keeps
    return answer

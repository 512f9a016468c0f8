"""A person's own account: open sessions, password, codes by time."""

import re
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.http.session import STAFF, Session
from api.pages.qr import picture
from api.staff import door, passwords
from api.staff.door import Field
from api.staff.frame import staff_page
from api.staff.session import AskingPerson, ChangingPerson, SecretRoute, person_of, signed_in
from domain import totp
from store.base.access import Right
from store.base.rows import Row
from store.staff import credential_rows, person_rows, session_rows

ACCOUNT = "/account"
ISSUER = "Hearth"
Done = Literal["session_ended", "others_ended", "password_changed", "codes_on", "codes_off"] | None
# The first that is named in what a browser says of itself; each names those that came before it, too.
BROWSERS = {"Edg": "Edge", "MicroMessenger": "WeChat", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS",
           "Linux": "Linux"}  # fmt: skip

router = APIRouter(prefix=ACCOUNT, route_class=SecretRoute, include_in_schema=False)
reading = contextmanager(signed_in(STAFF))
changing = contextmanager(signed_in(STAFF, Right.WRITE))


@router.get("")
def account(request: Request, session: AskingPerson, done: Done = None) -> Response:
    """Show the account."""
    return _shown(request, session, done=done)


def _shown(request: Request, session: Session, **faults: str | None) -> Response:
    person = person_of(session)
    answer = staff_page(
        request,
        session,
        "staff/account.html",
        **{"done": None, "password_fault": None, "codes_fault": None, **faults},
        own=_own(session),
        sessions=session_rows.sessions(session.conn, person.staff_id, session.now),
        device=described,
    )
    answer.status_code = 422 if faults.keys() - {"done"} else 200
    return answer


def _own(session: Session) -> Row:
    own = person_rows.one(session.conn, person_of(session).staff_id)
    assert own is not None
    return own


def described(device: str) -> str:
    """Shorten what a browser says of itself: `Chrome, Windows`."""
    found = [next((name for mark, name in names.items() if mark in device), "") for names in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, found)) or re.sub(r"\s+", " ", device)[:40] or "–"


def _done(what: str) -> Response:
    return RedirectResponse(f"{ACCOUNT}?done={what}", 303)


@router.post("/sessions/end")
def end_session(session: ChangingPerson, number: Annotated[int, Form(ge=1, le=2**31 - 1)]) -> Response:
    """End one of one's sessions."""
    session_rows.end_one(session.conn, person_of(session).staff_id, number, session.now)
    session.notes["session"] = number
    return _done("session_ended")


@router.post("/sessions/end-others")
def end_others(session: ChangingPerson) -> Response:
    """End all of one's sessions but this one."""
    session.notes["ended"] = session_rows.end_others(session.conn, person_of(session), session.now)
    return _done("others_ended")


@router.post("/password")
def change_password(request: Request, old: Field = "", new: Field = "", again: Field = "") -> Response:
    """Change one's password, which ends all other sessions."""
    with reading(request) as session:
        own = _own(session)
        fault = _password_fault(request, session, own, old) or passwords.fault(new, own["sign_in_name"])
        fault = fault or ("fault_password_again" if new != again else None)
        if fault:
            return _shown(request, session, password_fault=fault)
    made = passwords.hashed(new)
    with changing(request) as session:
        person = person_of(session)
        credential_rows.set_password(session.conn, person.staff_id, made, session.now)
        session.notes["ended"] = session_rows.end_others(session.conn, person, session.now)
    return _done("password_changed")


def _password_fault(request: Request, session: Session, own: Row, password: str) -> str | None:
    """Return the key of the words for what is wrong with one's present password, given again; None: it is right."""
    name = own["sign_in_name"] or ""
    tried = door.try_password(request, name)
    known = credential_rows.known(session.conn, name, session.now)
    if not passwords.is_right(known.hash if known and tried.allowed else None, password):
        request.state.delay_s = tried.delay_s
        return "fault_password_wrong"
    door.right_password(request, name)
    return None


@router.get("/codes")
def ask_for_codes(request: Request, session: AskingPerson) -> Response:
    """Show a new secret for an authenticator app, and ask for its first code; codes that are on are ended first."""
    if _own(session)["totp_set_at"]:
        return RedirectResponse(ACCOUNT, 303)
    return _secret_shown(request, session, totp.new_secret())


def _secret_shown(request: Request, session: Session, secret: bytes, fault: str | None = None) -> Response:
    address = totp.address(secret, ISSUER, _own(session)["sign_in_name"] or person_of(session).name)
    answer = staff_page(
        request, session, "staff/codes.html", secret=totp.written(secret), picture=picture(address), fault=fault
    )
    answer.status_code = 422 if fault else 200
    return answer


@router.post("/codes")
def set_up_codes(request: Request, session: ChangingPerson, secret: Field = "", digits: Field = "") -> Response:
    """Ask for codes from now on, once the first one is right; those that are on stay, without the password."""
    if _own(session)["totp_set_at"]:
        return RedirectResponse(ACCOUNT, 303)
    read = totp.read(secret)
    if read is None:
        return RedirectResponse(f"{ACCOUNT}/codes", 303)
    counter = totp.matching(read, digits, session.now)
    if counter is None:
        return _secret_shown(request, session, read, "code_wrong")
    credential_rows.set_totp(session.conn, person_of(session).staff_id, read, counter, session.now)
    return _done("codes_on")


@router.post("/codes/off")
def end_codes(request: Request, password: Field = "") -> Response:
    """Ask for codes no more; the password proves who wants that."""
    with reading(request) as session:
        if fault := _password_fault(request, session, _own(session), password):
            return _shown(request, session, codes_fault=fault)
    with changing(request) as session:
        credential_rows.set_totp(session.conn, person_of(session).staff_id, None, None, session.now)
    return _done("codes_off")

"""An invitation: the link with which a person sets the first password, or a new one after the old one was forgotten."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.http.problem import no_such
from api.http.session import surroundings
from api.pages import visit
from api.pages.render import page
from api.staff import door, passwords
from api.staff.door import DoorRoute, Field, Outside
from api.staff.session import SIGN_IN
from store.base.rows import Row
from store.staff import credential_rows, person_rows

router = APIRouter(prefix="/invitation", route_class=DoorRoute, include_in_schema=False)


@router.get("/{code}")
def invitation(request: Request, code: str) -> Response:
    """Show the invited person, and ask for a password."""
    with door.outside(request) as at:
        return _shown(request, _invited(at, code))


def _invited(at: Outside, code: str) -> Row:
    """Return the person that a code invites.

    Raises:
        Problem: 404, there is no such invitation, or it was used, or is too old.
    """
    staff_id = credential_rows.invited(at.conn, code, at.now)
    person = person_rows.one(at.conn, staff_id) if staff_id is not None else None
    if person is None:
        raise no_such("invitation")
    return person


def _shown(request: Request, person: Row, fault: str | None = None) -> Response:
    answer = page(
        "staff/invitation.html",
        visit.CHOICES.get(request.cookies.get(visit.LANGUAGE_COOKIE)) or person["language"],
        person=person,
        fault=fault,
        here=f"{request.url.path}?",
        hotline=surroundings(request).company.hotline,
    )
    answer.status_code = 422 if fault else 200
    answer.headers["Referrer-Policy"] = "strict-origin"  # the address has the code in it
    return answer


@router.post("/{code}")
def accept(request: Request, code: str, new: Field = "", again: Field = "") -> Response:
    """Set the password; the link is worth nothing afterwards."""
    with door.outside(request) as at:
        person = _invited(at, code)
    fault = passwords.fault(new, person["sign_in_name"]) or ("fault_password_again" if new != again else None)
    if fault:
        return _shown(request, person, fault)
    made = passwords.hashed(new)
    with door.outside(request, writes=True) as at:
        taken = credential_rows.accept(at.conn, code, made, at.now)
        if taken is None:
            raise no_such("invitation")
        door.note(request, at, taken)
    return RedirectResponse(f"{SIGN_IN}?notice=password_set_says", 303)

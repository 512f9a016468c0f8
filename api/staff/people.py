"""The pages on which administrators keep the list of the company's people."""

from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from api.desk.once import is_first
from api.http.paging import LONGEST_CURSOR, Paging
from api.http.problem import no_such
from api.http.session import Session
from api.pages.render import asset
from api.staff.frame import staff_page
from api.staff.session import StaffRoute, person_of, signed_in
from store.base.access import Right, Role
from store.base.rows import Row
from store.staff import credential_rows, person_rows, session_rows
from store.staff.person_rows import StaffEntry, StaffRefused

PEOPLE = "/desk/staff"
PAGE_PEOPLE = 100
ADMINS = frozenset({Role.ADMIN})
ROLES = tuple(role.value for role in Role if role is not Role.CUSTOMER)
Done = Literal["person_changed", "person_ended", "sessions_ended"] | None
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
AskingAdmin = Annotated[Session, Depends(signed_in(ADMINS), scope="function")]
ChangingAdmin = Annotated[Session, Depends(signed_in(ADMINS, Right.WRITE), scope="function")]
FormKey = Annotated[str, Form(max_length=100)]
Word = Annotated[str, Field(max_length=200)]

router = APIRouter(prefix=PEOPLE, route_class=StaffRoute, include_in_schema=False)


class PersonForm(BaseModel):
    """A person as the form has it; what is left empty is not given."""

    name: Word = ""
    role: Literal["crew", "dispatcher", "supervisor", "admin"] = "dispatcher"
    station: Word = ""
    telephone: Word = ""
    language: Literal["zh", "en"] = "zh"
    sign_in_name: Word = ""

    def entry(self, session: Session) -> StaffEntry:
        """Return the entry of the form, whose time with the company begins now."""
        return StaffEntry(
            name=self.name.strip(),
            role=Role(self.role),
            station=self.station.strip() or None,
            telephone=self.telephone.strip() or None,
            language=self.language,
            sign_in_name=self.sign_in_name.strip().lower() or None,
            active_from=session.now,
        )


@dataclass(frozen=True)
class PeopleQuery:
    """The query keys of the list."""

    sought: Annotated[str, Query(alias="q", max_length=100, pattern=r"^[^\x00]*$")] = ""
    cursor: Annotated[str | None, Query(max_length=LONGEST_CURSOR)] = None

    def address(self, cursor: str | None = None) -> str:
        """Return the address of those who are sought, from a cursor on."""
        told = {key: value for key, value in (("q", self.sought.strip()), ("cursor", cursor)) if value}
        return f"{PEOPLE}?{urlencode(told)}" if told else PEOPLE


@router.get("")
def people(request: Request, session: AskingAdmin, query: Annotated[PeopleQuery, Depends()]) -> Response:
    """List people, a page at a time, with a form for another one."""
    return _list(request, session, PersonForm(), query)


def _list(
    request: Request, session: Session, form: PersonForm, query: PeopleQuery, fault: str | None = None
) -> Response:
    paged, sought = Paging(query.cursor or None, PAGE_PEOPLE), query.sought.strip()
    found = person_rows.page(session.conn, sought, paged.position(), paged.fetched)
    rows, following = paged.cut(found, "leaves", "staff_id")
    answer = staff_page(
        request,
        session,
        "staff/people.html",
        asset=asset,
        people=rows,
        count=person_rows.count(session.conn, sought),
        query=query,
        following=query.address(following) if following else None,
        form=form,
        fault=fault,
        roles=ROLES,
        now=session.now,
    )
    answer.status_code = 422 if fault else 200
    return answer


@router.post("")
def add(request: Request, session: ChangingAdmin, form: Annotated[PersonForm, Form()]) -> Response:
    """Add a person and show the invitation."""
    try:
        staff_id = person_rows.add(session.conn, form.entry(session))
    except StaffRefused as refused:
        return _list(request, session, form, PeopleQuery(), f"rule_{refused.rule}")
    session.notes["staff"] = staff_id
    return _with_invitation(request, session, staff_id)


@router.get("/{number}")
def person(request: Request, session: AskingAdmin, number: Number, done: Done = None) -> Response:
    """Show a person."""
    return _shown(request, session, _found(session, number), done=done)


def _found(session: Session, number: int) -> Row:
    found = person_rows.one(session.conn, number)
    if found is None:
        raise no_such("person")
    return found


def _shown(
    request: Request,
    session: Session,
    shown: Row,
    *,
    done: str | None = None,
    link: str | None = None,
    fault: str | None = None,
) -> Response:
    answer = staff_page(
        request,
        session,
        "staff/person.html",
        person=shown,
        roles=ROLES,
        done=done,
        link=link,
        fault=fault,
        is_self=shown["staff_id"] == person_of(session).staff_id,
        is_over=shown["active_to"] is not None and shown["active_to"] <= session.now,
    )
    answer.status_code = 422 if fault else 200
    return answer


@router.post("/{number}")
def change(request: Request, session: ChangingAdmin, number: Number, form: Annotated[PersonForm, Form()]) -> Response:
    """Change a person; another role or station ends the sessions."""
    found = _found(session, number)
    try:
        person_rows.change(session.conn, number, form.entry(session))
    except StaffRefused as refused:
        return _shown(request, session, {**found, **form.model_dump()}, fault=f"rule_{refused.rule}")
    return _done(number, "person_changed")


@router.post("/{number}/invitation")
def invite(request: Request, session: ChangingAdmin, number: Number, key: FormKey) -> Response:
    """Make an invitation and show its link, this once."""
    _found(session, number)
    if not is_first(session, key):
        return RedirectResponse(f"{PEOPLE}/{number}", 303)
    return _with_invitation(request, session, number)


@router.post("/{number}/reset")
def reset(request: Request, session: ChangingAdmin, number: Number, key: FormKey) -> Response:
    """Forget password and codes, end the sessions, and make an invitation."""
    _found(session, number)
    if not is_first(session, key):
        return RedirectResponse(f"{PEOPLE}/{number}", 303)
    credential_rows.forget(session.conn, number, session.now)
    return _with_invitation(request, session, number)


def _with_invitation(request: Request, session: Session, staff_id: int) -> Response:
    code = credential_rows.invite(session.conn, staff_id, session.now)
    link = f"{request.url.scheme}://{request.url.netloc}/invitation/{code}"
    return _shown(request, session, _found(session, staff_id), link=link)


@router.post("/{number}/sessions/end")
def end_sessions(session: ChangingAdmin, number: Number) -> Response:
    """End all sessions of a person."""
    session.notes["ended"] = session_rows.end_all(session.conn, number, session.now)
    return _done(number, "sessions_ended")


@router.post("/{number}/end")
def end(request: Request, session: ChangingAdmin, number: Number) -> Response:
    """Let a person's time with the company end; who does it cannot lock the last door from outside."""
    found = _found(session, number)
    if number == person_of(session).staff_id:
        return _shown(request, session, found, fault="rule_self")
    person_rows.end(session.conn, number, session.now)
    return _done(number, "person_ended")


def _done(number: int, what: str) -> Response:
    return RedirectResponse(f"{PEOPLE}/{number}?done={what}", 303)

"""The way in for people who are not signed in yet: forms without a session, and the beginning of one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, NamedTuple, Protocol

from fastapi import Form, Query, Request
from psycopg import Connection
from starlette.responses import RedirectResponse, Response

from api.http import vouching
from api.http.code_flow import ProviderTokens
from api.http.limits import Try
from api.http.problem import Problem, forbidden, too_many
from api.http.session import address_of, surroundings
from api.pages import visit
from api.staff.session import StaffRoute, keep_session, shown_token, way_in
from api.words.problems import NOT_SEALED
from store.base import access, audit
from store.base.access import NOWHERE, Role
from store.staff import session_rows

Next = Annotated[str | None, Query(max_length=2_000)]
NextField = Annotated[str | None, Form(max_length=2_000)]
Field = Annotated[str, Form(max_length=1_000)]
TROUBLES = {403: "not_ours", 404: "not_found", 413: "too_large", 429: "too_many", 503: "away"}
UNKNOWN = "unknown"  # the actor and the role in the audit log, of a name that nobody has


class Known(Protocol):
    """A person before the session: as the rows of credentials have it."""

    @property
    def staff_id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...


class Outside(NamedTuple):
    """A request of somebody who has not signed in: a connection that reaches nothing, and the present."""

    conn: Connection
    now: datetime


class DoorRoute(StaffRoute):
    """A route for people who are not signed in: browsers have to say that a form is from this site."""

    async def admit(self, request: Request) -> None:
        """Refuse a form of another site, which could sign somebody in as somebody else."""
        if request.method not in ("GET", "HEAD") and not visit.is_from_here(request, must=True):
            raise forbidden(NOT_SEALED)

    def explain(self, request: Request, problem: Problem) -> Response:
        """Answer a problem."""
        trouble = TROUBLES.get(problem.status, "fault")
        return self.sorry(request, trouble, problem.status, problem.headers)


@contextmanager
def outside(request: Request, *, writes: bool = False) -> Iterator[Outside]:
    """Open a transaction for somebody who has not signed in; it is committed at the end."""
    given = surroundings(request)
    with given.pool.connection() as conn:
        conn.read_only = not writes
        access.enter(conn, NOWHERE)
        yield Outside(conn, given.clock())


def note(request: Request, at: Outside, person: Known | None, **detail: Any) -> None:
    """Record a try to sign in; what was typed as a name is not kept, it may be a password."""
    entry = audit.AuditEntry(
        at=at.now,
        actor=access.actor_of(person.staff_id, person.name) if person else UNKNOWN,
        role=person.role if person else UNKNOWN,
        address=address_of(request),
        action=f"{request.method} {request.scope['route'].path}",
        target={},
        detail=detail,
    )
    audit.record(at.conn, entry)


def try_password(request: Request, name: str) -> Try:
    """Count a try at the password of a name.

    Raises:
        Problem: 429, the address has tried too often; that is told without any work.
    """
    tried = surroundings(request).guard.limiter.try_password(address_of(request) or "", name)
    if tried.wait_s:
        raise too_many(tried.wait_s)
    return tried


def right_password(request: Request, name: str) -> None:
    """Take back a try: the password was right."""
    surroundings(request).guard.limiter.right_password(address_of(request) or "", name)


def let_in(
    request: Request,
    at: Outside,
    person: Known,
    onward: str | None,
    *,
    tokens: ProviderTokens | None = None,
    **detail: Any,
) -> Response | None:
    """Begin a session and lead on; None if the person's time with the company is over.

    A session that the browser had before ends: no token that was there before signing in is good afterwards.
    `tokens`: of the provider that vouches for it.
    """
    role = Role(person.role)
    token = session_rows.begin(at.conn, person.staff_id, device(request), surroundings(request).spans.of(role), at.now)
    if token is None:
        return None
    end_shown(request, at)
    if tokens and (flow := surroundings(request).provider):
        vouching.keep(at.conn, flow, token, tokens, at.now)
    note(request, at, person, **detail)
    answer = RedirectResponse(way_in(role, person.staff_id, onward), 303)
    keep_session(request, answer, token, role)
    return answer


def end_shown(request: Request, at: Outside) -> None:
    """End the session that the browser shows, if it is one."""
    token = shown_token(request)
    found = access.find(at.conn, token, at.now) if token else None
    if found is not None and found.person is not None:
        session_rows.end_one(at.conn, found.person.staff_id, found.person.session, at.now)


def device(request: Request) -> str:
    """Return what the browser says of itself."""
    return "".join(letter for letter in request.headers.get("user-agent", "") if letter.isprintable())

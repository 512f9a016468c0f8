"""The session of a request: its caller and one database connection, limited by row-level security to their scope.

`Asking` reads, `Looking` also leaves an entry in the audit log. `Changing` writes: its changes are committed with an
entry in the audit log before the response is sent. `asked_by`, `looked_by` and `changed_by` make the same for
some roles only.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from psycopg import Connection
from psycopg_pool import ConnectionPool

from alerts.notices.wechat import WechatAccount
from api.http import callers, vouching
from api.http.basemap import Basemap
from api.http.callers import vouched
from api.http.code_flow import CodeFlow
from api.http.company import Company
from api.http.download import TransferSlots
from api.http.guard import Guard
from api.http.limits import Limiter, subscriber
from api.http.oidc import Claims
from api.http.problem import Problem, RecordedRefusal, forbidden, too_many, unauthorised
from api.words import problems
from archives.history import TABLE_ALONE, OneHistory
from domain.policy import Policy
from domain.refunds.rules import RefundRules
from store.base import audit
from store.base.access import Asker, Right, Role, Scope
from store.staff.session_rows import SessionSpan
from store.tickets.file_contents import DATABASE, FileStore

UNNAMED = "anonymous"  # key of a note: the audit log must not name the actor
EXPORTS_AT_ONCE = 3  # being written: each occupies a connection meanwhile
DOWNLOADS = 64  # being sent: each occupies a file
DOWNLOADS_OF = {"token": 4, "address": 16}
UPLOADS = 8  # on their way in: each occupies so much memory as its file has bytes
UPLOADS_OF = {"token": 2, "address": 4}
READ_AT_ONCE = 2  # files decoded: each by a process of its own
EVERYONE = frozenset(Role)
STAFF = EVERYONE - {Role.CUSTOMER}
DESK = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN})
LEADERS = frozenset({Role.SUPERVISOR, Role.ADMIN})


USUAL_SPAN = SessionSpan(timedelta(hours=12), timedelta(days=7))
CREW_SPAN = SessionSpan(timedelta(days=7), timedelta(days=30))


@dataclass(frozen=True)
class SessionSpans:
    """Spans of sessions, by role: crews stay signed in longer, as their telephones are their own."""

    usual: SessionSpan = USUAL_SPAN
    crew: SessionSpan = CREW_SPAN

    def of(self, role: Role) -> SessionSpan:
        """Return that of a role."""
        return self.crew if role is Role.CREW else self.usual


@dataclass(frozen=True)
class Attachments:
    """The store of files of tickets, the operator's command that checks them, and the bounds on taking them."""

    store: FileStore = DATABASE
    check: Sequence[str] = ()
    uploads: TransferSlots = field(
        default_factory=lambda: TransferSlots(UPLOADS, UPLOADS_OF, problems.TOO_MANY_UPLOADS)
    )
    reading: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(READ_AT_ONCE))


@dataclass(frozen=True)
class AppContext:
    """The dependencies that create_app was given."""

    pool: ConnectionPool
    clock: Callable[[], datetime]
    policy: Policy
    guard: Guard = field(default_factory=Guard)
    company: Company = field(default_factory=Company)
    exports: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(EXPORTS_AT_ONCE))
    downloads: TransferSlots = field(default_factory=lambda: TransferSlots(DOWNLOADS, DOWNLOADS_OF))
    spans: SessionSpans = field(default_factory=SessionSpans)
    provider: CodeFlow | None = None  # at which people sign in; None: by password alone
    attachments: Attachments = field(default_factory=Attachments)
    basemap: Basemap = field(default_factory=Basemap)
    history: OneHistory = TABLE_ALONE
    refunds: RefundRules | None = None  # None: no refund is computed
    wechat: WechatAccount | None = None  # None: nobody is told by WeChat


@dataclass(frozen=True)
class Session:
    """The context of a route. `now` is frozen once per request."""

    conn: Connection
    asker: Asker
    now: datetime
    policy: Policy
    limiter: Limiter = field(default_factory=Limiter)
    history: OneHistory = TABLE_ALONE
    notes: dict[str, Any] = field(default_factory=dict)  # further details for the audit log; no personal data

    @property
    def zone(self) -> str:
        """The utility's IANA time zone."""
        return self.policy.zone.key

    @property
    def scope(self) -> Scope:
        """The homes within the caller's reach."""
        return self.asker.scope


def surroundings(request: Request) -> AppContext:
    """Return the context of the app that serves a request."""
    given: AppContext = request.app.state.surroundings
    return given


Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
Opening = Callable[[Request, Bearer], Iterator[Session]]


def asked_by(roles: Collection[Role]) -> Opening:
    """Make a dependency that opens a read-only session until the route returns, for these roles only.

    It raises Problem: 401 without a valid token, 403 if the role or the token's rights do not suffice.
    """

    def open_session(request: Request, bearer: Bearer) -> Iterator[Session]:
        with session_of(request, bearer, roles, Right.READ) as session:
            yield session

    return open_session


def changed_by(roles: Collection[Role]) -> Opening:
    """Make a dependency like `asked_by` that writes: it commits with an audit entry when the route returns.

    An exception rolls everything back, but not a refusal that is to stay on record.
    """

    def open_change(request: Request, bearer: Bearer) -> Iterator[Session]:
        refusal = None
        with session_of(request, bearer, roles, Right.WRITE) as session:
            try:
                yield session
            except RecordedRefusal as refused:
                refusal = refused
            audit.record(session.conn, entry(request, session))
        if refusal:
            raise refusal

    return open_change


def looked_by(roles: Collection[Role]) -> Opening:
    """Make a dependency like `asked_by` that leaves an audit entry: for what may show personal data."""

    def open_look(request: Request, bearer: Bearer) -> Iterator[Session]:
        with session_of(request, bearer, roles, Right.READ, leaves_entry=True) as session:
            yield session
            audit.record(session.conn, entry(request, session))

    return open_look


@contextmanager
def session_of(
    request: Request, bearer: Bearer, roles: Collection[Role], right: Right, *, leaves_entry: bool = False
) -> Iterator[Session]:
    """Open a session for as long as the block lasts; what it writes has no entry in the audit log yet.

    Raises:
        Problem: 401, 403, 429.
    """
    if bearer is None:
        raise unauthorised(problems.NO_TOKEN)
    given = surroundings(request)
    now = given.clock()
    with _keeping_waiting(request):
        claims = vouched(given.guard.oidc, bearer.credentials, now)
    with given.pool.connection() as conn:
        conn.read_only = right is Right.READ and not leaves_entry
        with _keeping_waiting(request):
            asker = _entered(given, conn, bearer.credentials, claims, now)
        request.state.asker = asker  # for a page that tells of a refusal
        _check(asker, roles, right)
        if seconds := given.guard.limiter.wait_token(asker.actor):
            raise too_many(seconds)
        yield Session(conn, asker, now, given.policy, given.guard.limiter, given.history)


def _entered(given: AppContext, conn: Connection, token: str, claims: Claims | None, now: datetime) -> Asker:
    """Resolve a token to the caller; a session for which the provider has not vouched lately is asked about first."""
    try:
        return callers.enter(conn, token, claims, now)
    except Problem as problem:
        if given.provider is None or claims is not None or not callers.is_wrong_token(problem):
            raise
    conn.rollback()
    was_read_only, conn.read_only = conn.read_only, False
    vouching.ask_again(conn, given.provider, token, now)
    conn.commit()
    conn.read_only = was_read_only
    return callers.enter(conn, token, claims, now)


@contextmanager
def _keeping_waiting(request: Request) -> Iterator[None]:
    """Delay the answer to a wrong token, longer with each repetition."""
    try:
        yield
    except Problem as problem:
        if callers.is_wrong_token(problem):
            problem.delay_s = surroundings(request).guard.limiter.delay_wrong(address_of(request) or "")
        raise


def _check(asker: Asker, roles: Collection[Role], right: Right) -> None:
    if asker.role not in roles:
        raise forbidden(problems.ROLE_FORBIDDEN.fill(role=asker.role))
    if right not in asker.rights:
        raise forbidden(problems.RIGHT_MISSING.fill(right=right))


def names_of(request: Request, session: Session) -> dict[str, str]:
    """Return the names that the downloads of a request are counted under: see DOWNLOADS_OF."""
    return {"token": session.asker.actor, "address": subscriber(address_of(request) or "")}


def address_of(request: Request) -> str | None:
    """Return the address that a request comes from."""
    return request.client.host if request.client else None


def entry(request: Request, session: Session) -> audit.AuditEntry:
    """Build the audit entry of a request: actor, address, route and path parameters.

    An anonymous case is logged without actor and address.
    """
    route = getattr(request.scope.get("route"), "path", request.url.path)
    unknown = bool(session.notes.get(UNNAMED))
    return audit.AuditEntry(
        at=session.now,
        actor="unknown" if unknown else session.asker.actor,
        role=session.asker.role,
        address=None if unknown else address_of(request),
        action=f"{request.method} {route}",
        target=request.path_params,
        detail=session.notes,
    )


# scope="function": the connection returns to the pool before the response goes out to a slow client.
Asking = Annotated[Session, Depends(asked_by(EVERYONE), scope="function")]
AskingStaff = Annotated[Session, Depends(asked_by(STAFF), scope="function")]
AskingDesk = Annotated[Session, Depends(asked_by(DESK), scope="function")]
AskingLeaders = Annotated[Session, Depends(asked_by(LEADERS), scope="function")]
LookingStaff = Annotated[Session, Depends(looked_by(STAFF), scope="function")]
Changing = Annotated[Session, Depends(changed_by(EVERYONE), scope="function")]
ChangingStaff = Annotated[Session, Depends(changed_by(STAFF), scope="function")]
ChangingDesk = Annotated[Session, Depends(changed_by(DESK), scope="function")]
ChangingLeaders = Annotated[Session, Depends(changed_by(LEADERS), scope="function")]
ChangingUserOrDesk = Annotated[Session, Depends(changed_by(EVERYONE - {Role.CREW}), scope="function")]
AskingUserOrDesk = Annotated[Session, Depends(asked_by(EVERYONE - {Role.CREW}), scope="function")]

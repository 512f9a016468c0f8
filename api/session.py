"""A request's view of the database: one connection, read only, and the scope of the token that asks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from psycopg import Connection
from psycopg_pool import ConnectionPool

from api.problem import unauthorised
from store.access import Scope, find


@dataclass(frozen=True)
class Surroundings:
    """What the API is given from outside; `zone` is the utility's IANA time zone."""

    pool: ConnectionPool
    clock: Callable[[], datetime]
    zone: str


@dataclass(frozen=True)
class Session:
    """What a route works with. `now` is the same for all that a request does."""

    conn: Connection
    scope: Scope
    now: datetime
    zone: str


def surroundings(request: Request) -> Surroundings:
    """What create_app was given."""
    given: Surroundings = request.app.state.surroundings
    return given


Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


def open_session(request: Request, bearer: Bearer) -> Iterator[Session]:
    """Check the token, then lend a connection until the route has returned.

    Raises:
        Problem: 401.
    """
    if bearer is None:
        raise unauthorised("a bearer token is needed")
    given = surroundings(request)
    now = given.clock()
    with given.pool.connection() as conn:
        conn.read_only = True
        scope = find(conn, bearer.credentials, now)
        if scope is None:
            raise unauthorised("the token is unknown, expired or revoked")
        yield Session(conn, scope, now, given.zone)


# "function": the connection is back in the pool before the answer is on its way to a slow client.
Asking = Annotated[Session, Depends(open_session, scope="function")]

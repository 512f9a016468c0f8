"""Sessions of people: tokens that end when they are not used, and when their person's time or role does."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection

from store.base import access
from store.base.rows import Row, fetch

# What is written each time it is used would make each page a change; the idle end may come early by as much.
WRITTEN_EVERY = timedelta(minutes=5)
LONGEST_DEVICE = 200

SELECT_OPEN = """
SELECT credential.open_session(
  %(staff_id)s, %(hash)s, %(device)s, %(now)s, %(idle)s, %(expires_at)s, %(pending)s
)
"""
SELECT_USE = "SELECT credential.use_session(%(session)s, %(now)s)"
SELECT_END = "SELECT credential.end_sessions(%(staff_id)s, %(one)s, %(spared)s, %(now)s)"
SELECT_SESSIONS = """
SELECT t.token_id AS session, t.device, t.created_at, t.used_at, least(t.used_at + t.idle, t.expires_at) AS ends_at
FROM token AS t JOIN staff AS s USING (staff_id)
WHERE t.staff_id = %(staff_id)s AND NOT t.pending AND t.revoked_at IS NULL AND t.expires_at > %(now)s
  AND t.used_at + t.idle > %(now)s AND s.role = t.role AND s.station IS NOT DISTINCT FROM t.station
ORDER BY t.used_at DESC, t.token_id DESC
"""


@dataclass(frozen=True)
class SessionSpan:
    """The span of a session: without use, and at all."""

    idle: timedelta
    longest: timedelta


def begin(conn: Connection, staff_id: int, device: str, span: SessionSpan, now: datetime) -> str | None:
    """Begin a session and return its token; None if the person is not active."""
    return _open(conn, staff_id, device, span, now, pending=False)


def begin_pending(conn: Connection, staff_id: int, device: str, span: SessionSpan, now: datetime) -> str | None:
    """Return a token that proves the password, for the step in which the code is asked for; it is good for no more."""
    return _open(conn, staff_id, device, span, now, pending=True)


def _open(
    conn: Connection, staff_id: int, device: str, span: SessionSpan, now: datetime, *, pending: bool
) -> str | None:
    token = access.new_token()
    values = {
        "staff_id": staff_id,
        "hash": access.digest(token),
        "device": device[:LONGEST_DEVICE],
        "now": now,
        "idle": span.idle,
        "expires_at": now + span.longest,
        "pending": pending,
    }
    return token if conn.execute(SELECT_OPEN, values).fetchone() != (None,) else None


def use(conn: Connection, person: access.Person, now: datetime) -> None:
    """Record that a session is in use."""
    conn.execute(SELECT_USE, {"session": person.session, "now": now})


def is_to_be_written(person: access.Person, now: datetime) -> bool:
    """Return whether the use of a session has to be recorded again."""
    return now - person.used_at >= WRITTEN_EVERY


def sessions(conn: Connection, staff_id: int, now: datetime) -> list[Row]:
    """Return the sessions of a person that are open, the last used first."""
    return fetch(conn, SELECT_SESSIONS, {"staff_id": staff_id, "now": now})


def end_one(conn: Connection, staff_id: int, session: int, now: datetime) -> bool:
    """End a session of a person; False if it is no open one of theirs."""
    return _end(conn, staff_id, session, None, now) > 0


def end_others(conn: Connection, person: access.Person, now: datetime) -> int:
    """End all sessions of a person but the one in use; return how many."""
    return _end(conn, person.staff_id, None, person.session, now)


def end_all(conn: Connection, staff_id: int, now: datetime) -> int:
    """End all sessions of a person; return how many."""
    return _end(conn, staff_id, None, None, now)


def _end(conn: Connection, staff_id: int, one: int | None, spared: int | None, now: datetime) -> int:
    values = {"staff_id": staff_id, "one": one, "spared": spared, "now": now}
    row = conn.execute(SELECT_END, values).fetchone()
    return int(row[0]) if row else 0

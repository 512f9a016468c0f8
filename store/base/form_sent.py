"""Idempotency keys of forms and of phones' moves: each is processed once, however often it is submitted."""

import hashlib
from datetime import datetime, timedelta

from psycopg import Connection

from store.base.locks import lock_text

KEPT = timedelta(days=15)  # longer than a phone may keep a move: domain.move_times.LONGEST

SELECT_NUMBER = "SELECT f.number FROM form_sent AS f WHERE f.key = %(key)s"
INSERT = "INSERT INTO form_sent (key, at, number) VALUES (%(key)s, %(at)s, %(number)s)"
DELETE_OLD = "DELETE FROM form_sent WHERE at < %(before)s"


def lock(conn: Connection, key: str) -> None:
    """Serialise concurrent submissions of the same form until the transaction ends."""
    lock_text(conn, _hash(key).hex())


def number(conn: Connection, key: str) -> str | None:
    """Return the number of the ticket that a form created; None if it has not been processed."""
    row = conn.execute(SELECT_NUMBER, {"key": _hash(key)}).fetchone()
    return row[0] if row else None


def keep(conn: Connection, key: str, number: str, at: datetime) -> None:
    """Record a processed form, and delete records older than KEPT."""
    conn.execute(DELETE_OLD, {"before": at - KEPT})
    conn.execute(INSERT, {"key": _hash(key), "at": at, "number": number})


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()

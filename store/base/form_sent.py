"""Forms of the customer page that were sent: each is taken once, however often it comes."""

import hashlib
from datetime import datetime, timedelta

from psycopg import Connection

KEPT = timedelta(days=2)

SELECT_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(encode(%(key)s, 'hex'), 0))"
SELECT_NUMBER = "SELECT f.number FROM form_sent AS f WHERE f.key = %(key)s"
INSERT = "INSERT INTO form_sent (key, at, number) VALUES (%(key)s, %(at)s, %(number)s)"
DELETE_OLD = "DELETE FROM form_sent WHERE at < %(before)s"


def lock(conn: Connection, key: str) -> None:
    """Let the same form wait, if it comes twice at a time, until the transaction ends."""
    conn.execute(SELECT_LOCK, {"key": _hash(key)})


def number(conn: Connection, key: str) -> str | None:
    """The ticket that came of a form; None if it has not been taken."""
    row = conn.execute(SELECT_NUMBER, {"key": _hash(key)}).fetchone()
    return row[0] if row else None


def keep(conn: Connection, key: str, number: str, at: datetime) -> None:
    """Note that a form was taken, and forget those of days ago."""
    conn.execute(DELETE_OLD, {"before": at - KEPT})
    conn.execute(INSERT, {"key": _hash(key), "at": at, "number": number})


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()

"""Sessions that an identity provider has to vouch for, and the sealed tokens that it is asked with."""

from datetime import datetime
from typing import NamedTuple

from psycopg import Connection

from store.base import access

SELECT_VOUCH = "SELECT credential.vouch(%(hash)s, %(sealed)s, %(until)s)"
SELECT_UNVOUCHED = "SELECT * FROM credential.unvouched(%(hash)s, %(now)s)"
SELECT_SEALED = "SELECT credential.provider_tokens_of(%(session)s)"


class UnvouchedSession(NamedTuple):
    """A session that lacks its provider's word alone; `subject`: the provider's issuer and identifier of the person."""

    session: int
    staff_id: int
    subject: str
    sealed: bytes


def vouch(conn: Connection, token: str, sealed: bytes, until: datetime | None) -> None:
    """Keep what the provider is asked with next time, and until when it has vouched; None: it is not asked again."""
    conn.execute(SELECT_VOUCH, {"hash": access.digest(token), "sealed": sealed, "until": until})


def unvouched(conn: Connection, token: str, now: datetime) -> UnvouchedSession | None:
    """Return the session of a token if it lacks its provider's word alone, and lock it."""
    row = conn.execute(SELECT_UNVOUCHED, {"hash": access.digest(token), "now": now}).fetchone()
    return UnvouchedSession(*row) if row else None


def sealed_of(conn: Connection, session: int) -> bytes | None:
    """Return what is kept for a session."""
    row = conn.execute(SELECT_SEALED, {"session": session}).fetchone()
    return bytes(row[0]) if row and row[0] is not None else None

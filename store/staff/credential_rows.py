"""Passwords, codes by time, and invitations: reached one person at a time, by functions of the schema `credential`."""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import Connection

from store.base import access

INVITATION_HOLDS = timedelta(days=7)
CODE_BYTES = 24

SELECT_KNOWN = """
SELECT k.staff_id, k.name, k.role, k.hash, k.has_totp FROM credential.known(%(asked)s, %(now)s) AS k
"""
SELECT_HOLD = "SELECT credential.hold_password(%(staff_id)s)"
SELECT_OWING = """
SELECT o.staff_id, o.name, o.role, o.token_id, o.secret FROM credential.owing(%(hash)s, %(now)s) AS o
"""
SELECT_TAKE_CODE = "SELECT credential.take_code(%(staff_id)s, %(counter)s)"
SELECT_SET_PASSWORD = "SELECT credential.set_password(%(staff_id)s, %(hash)s, %(now)s)"
SELECT_SET_TOTP = "SELECT credential.set_totp(%(staff_id)s, %(secret)s, %(counter)s, %(now)s)"
SELECT_INVITE = "SELECT credential.invite(%(staff_id)s, %(hash)s, %(now)s, %(until)s)"
SELECT_INVITED = "SELECT credential.invited(%(hash)s, %(now)s)"
SELECT_ACCEPT = """
SELECT s.staff_id, s.name, s.role FROM credential.accept(%(hash)s, %(password)s, %(now)s) AS taken (staff_id)
JOIN staff AS s USING (staff_id)
"""
SELECT_FORGET = "SELECT credential.forget(%(staff_id)s, %(now)s)"


class KnownPerson(NamedTuple):
    """A person by sign-in name: the hash of the password, and whether a code is asked for as well."""

    staff_id: int
    name: str
    role: str
    hash: str
    has_totp: bool


class OwingPerson(NamedTuple):
    """A person who has given the password and owes the code; `session` is the number of the token that proves it."""

    staff_id: int
    name: str
    role: str
    session: int
    secret: bytes


class ProvenPerson(NamedTuple):
    """A person who has taken an invitation, or that the identity provider vouches for."""

    staff_id: int
    name: str
    role: str


def known(conn: Connection, sign_in_name: str, now: datetime) -> KnownPerson | None:
    """Return the active person of a sign-in name; None if there is none, or none with a password."""
    row = conn.execute(SELECT_KNOWN, {"asked": sign_in_name, "now": now}).fetchone()
    return KnownPerson(*row) if row else None


def hold(conn: Connection, staff_id: int) -> str | None:
    """Return the hash of a person's password, which nobody changes until the end of the transaction."""
    row = conn.execute(SELECT_HOLD, {"staff_id": staff_id}).fetchone()
    return row[0] if row else None


def owing(conn: Connection, token: str, now: datetime) -> OwingPerson | None:
    """Return the person whose code is awaited after this token."""
    row = conn.execute(SELECT_OWING, {"hash": access.digest(token), "now": now}).fetchone()
    return OwingPerson(*row) if row else None


def take_code(conn: Connection, staff_id: int, counter: int) -> bool:
    """Take the code of a step of time; False if it, or a later one, was taken before."""
    return conn.execute(SELECT_TAKE_CODE, {"staff_id": staff_id, "counter": counter}).fetchone() == (True,)


def set_password(conn: Connection, staff_id: int, password_hash: str, now: datetime) -> None:
    """Set the hash of a person's password."""
    conn.execute(SELECT_SET_PASSWORD, {"staff_id": staff_id, "hash": password_hash, "now": now})


def set_totp(conn: Connection, staff_id: int, secret: bytes | None, counter: int | None, now: datetime) -> None:
    """Ask a person for codes by this secret from now on, unless it is asked already; None: no more.

    `counter`: of the code that proved the secret.
    """
    conn.execute(SELECT_SET_TOTP, {"staff_id": staff_id, "secret": secret, "counter": counter, "now": now})


def invite(conn: Connection, staff_id: int, now: datetime) -> str:
    """Make an invitation to set a password, and return its code, this once; one before it that was not used is void."""
    code = secrets.token_urlsafe(CODE_BYTES)
    until = now + INVITATION_HOLDS
    conn.execute(SELECT_INVITE, {"staff_id": staff_id, "hash": access.digest(code), "now": now, "until": until})
    return code


def invited(conn: Connection, code: str, now: datetime) -> int | None:
    """Return the number of the person that a code invites; None if it does not hold."""
    row = conn.execute(SELECT_INVITED, {"hash": access.digest(code), "now": now}).fetchone()
    return row[0] if row else None


def accept(conn: Connection, code: str, password_hash: str, now: datetime) -> ProvenPerson | None:
    """Take an invitation and set the password; return the person, None if it does not hold (any more)."""
    values = {"hash": access.digest(code), "password": password_hash, "now": now}
    row = conn.execute(SELECT_ACCEPT, values).fetchone()
    return ProvenPerson(*row) if row else None


def forget(conn: Connection, staff_id: int, now: datetime) -> None:
    """Forget password, codes and invitation of a person, and end the sessions."""
    conn.execute(SELECT_FORGET, {"staff_id": staff_id, "now": now})

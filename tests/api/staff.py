"""Members of the staff, and their browsers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import httpx
from argon2 import PasswordHasher
from psycopg import Connection

from api.http.session import SessionSpans
from api.pages.visit import LANGUAGE_COOKIE
from api.staff import passwords
from api.staff.session import COOKIE, FormSeal, seal
from store.base.access import Role
from store.staff import credential_rows, person_rows, session_rows
from store.staff.person_rows import StaffEntry
from tests.api.conftest import Api
from tests.api.town import NOW
from tests.conftest import ANSWER_S, PLAIN_HTTP

PASSWORD = "four unrelated words here"
# A tenth of a second for each hash is meant for those who guess.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
vars(passwords).update(_HASHER=CHEAP)


def member(
    conn: Connection,
    role: str = "dispatcher",
    sign_in_name: str = "li.na",
    *,
    name: str = "Li Na",
    station: str | None = None,
    password: str | None = None,
) -> int:
    """Add a person who began yesterday; returns the number."""
    entry = StaffEntry(
        name=name, role=Role(role), sign_in_name=sign_in_name, station=station, active_from=NOW - timedelta(days=1)
    )
    staff_id = person_rows.add(conn, entry)
    if password:
        credential_rows.set_password(conn, staff_id, passwords.hashed(password), NOW)
    return staff_id


def session_of(conn: Connection, staff_id: int, device: str = "a test", at: datetime = NOW) -> str:
    """Begin a session; returns its token."""
    token = session_rows.begin(conn, staff_id, device, SessionSpans().usual, at)
    assert token is not None
    return token


@contextmanager
def browser(api: Api, token: str | None = None) -> Iterator[httpx.Client]:
    """Yield a browser without any looks, with a session; its forms come from this site."""
    api.conn.commit()
    base = str(api.client.base_url)
    headers = {"Origin": base.rstrip("/"), "Accept-Language": "en"}
    with httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=ANSWER_S, verify=PLAIN_HTTP) as client:
        client.cookies.set(LANGUAGE_COOKIE, "en", domain="127.0.0.1")
        if token:
            client.cookies.set(COOKIE, token, domain="127.0.0.1")
        yield client


def sealed(token: str, **fields: str) -> dict[str, str]:
    """Return the fields of a form of a session, with its seal."""
    made: FormSeal = seal(token)
    return {**made._asdict(), **fields}

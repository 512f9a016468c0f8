"""Tokens that are made and ended for a caller: the database gives none more than its maker has."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from store.base import access, token_rows
from store.base.access import Right, Role, Scope, Since, TokenGrant
from store.base.office_role import in_office
from tests.api import town
from tests.api.town import NOW
from tests.conftest import Database, Servers, fresh_database

pytestmark = pytest.mark.plain_only
DAY = timedelta(days=1)
# Since ten days R1 lives in H1, and R2 will from tomorrow on; H2 is of another station, and of nobody on record.
TENANCIES = """
INSERT INTO residence (home_id, resident, starts_at, first_day, ends_at) VALUES
  (1, 'R1', %(then)s, %(then)s::date + 1, %(later)s), (1, 'R2', %(later)s, %(later)s::date + 1, NULL)
"""
PERSON = "INSERT INTO staff (name, role, sign_in_name, active_from, active_to) VALUES ('Li', 'admin', 'li', %s, %s)"
SESSION = """
INSERT INTO token (hash, role, created_at, expires_at, staff_id, device, used_at, idle, pending)
VALUES (%s, 'admin', %s, %s, 1, 'd', %s, interval '1 hour', false)
"""


def grant(role: Role, *rights: Right, **terms: Any) -> TokenGrant:
    return TokenGrant(role, rights=rights or [Right.READ], **{"expires_at": NOW + DAY, **terms})


R, W = Right.READ, Right.WRITE
ADMIN = grant(Role.ADMIN, R, W)
SUPERVISOR = grant(Role.SUPERVISOR, R, W)
CREW = grant(Role.CREW, R, W, station="North")
RESIDENT = grant(Role.CUSTOMER, R, W, homes=["H1"])
NEWER = Since(NOW - 2 * DAY, (NOW - DAY).date())


@pytest.fixture(scope="module")
def company(servers: Servers) -> Iterator[Database]:
    """Two homes at two stations, and an administrator with a session who leaves in a month."""
    databases = fresh_database(servers.of("plain"), "plain")
    database: Database = next(databases)
    with database.connect() as conn:
        town.home(conn, "H1", building="B1", station="North")
        town.home(conn, "H2", building="B2", station="South")
        conn.execute(TENANCIES, {"then": NOW - 10 * DAY, "later": NOW + DAY})
        conn.execute(PERSON, (NOW - DAY, NOW + 30 * DAY))
        conn.execute(SESSION, (access.digest("session"), NOW, NOW + DAY, NOW))
    yield database
    next(databases, None)


def entered(conn: Connection, maker: TokenGrant) -> None:
    access.enter_by(conn, access.create(conn, maker, NOW), NOW)


def beyond(conn: Connection, wanted: TokenGrant) -> str | None:
    """Ask the database itself, without the checks in front of it."""
    values = access.values_of(wanted, access.new_token(), NOW)
    try:
        with in_office(conn):
            conn.execute(token_rows.SELECT_MAKE_TOKEN, values)
    except psycopg.errors.InsufficientPrivilege as error:
        return error.diag.constraint_name
    return None


@pytest.mark.parametrize(
    ("maker", "wanted", "why"),
    [
        (ADMIN, grant(Role.ADMIN, R, W), None),
        (ADMIN, grant(Role.CUSTOMER, homes=["H1", "H2"]), None),
        (ADMIN, grant(Role.CUSTOMER, homes=["H1"], resident="R2"), None),
        (ADMIN, grant(Role.DISPATCHER, Right.REVEAL), "rights"),
        (ADMIN, grant(Role.DISPATCHER, expires_at=None), "expiry"),
        (ADMIN, grant(Role.DISPATCHER, expires_at=NOW + DAY + timedelta(seconds=1)), "expiry"),
        (grant(Role.ADMIN, R), grant(Role.CREW, station="North"), "rights"),
        (SUPERVISOR, ADMIN, "role"),
        (SUPERVISOR, SUPERVISOR, None),
        (CREW, grant(Role.DISPATCHER), "role"),
        (CREW, CREW, None),
        (CREW, grant(Role.CREW, station="South"), "reach"),
        (CREW, RESIDENT, None),
        (CREW, grant(Role.CUSTOMER, homes=["H1", "H2"]), "reach"),
        (CREW, grant(Role.CUSTOMER, homes=["H1"], resident="R2"), "reach"),
        (RESIDENT, RESIDENT, None),
        (RESIDENT, grant(Role.CUSTOMER, homes=["H1"], since=NEWER), None),
        (RESIDENT, grant(Role.CUSTOMER, homes=["H2"]), "reach"),
        (RESIDENT, grant(Role.CUSTOMER, homes=["H1"], resident="R2"), "reach"),
        (grant(Role.CUSTOMER, R, W, homes=["H1"], since=NEWER), RESIDENT, "reach"),
    ],
)
def test_a_token_has_nothing_that_its_maker_lacks(
    company: Database, maker: TokenGrant, wanted: TokenGrant, why: str | None
) -> None:
    with company.connect() as conn:
        entered(conn, maker)
        assert beyond(conn, wanted) == (why and f"token_within_{why}")
        conn.rollback()


def test_a_token_may_outlast_a_session_but_not_the_person_s_access(company: Database) -> None:
    for days, why in ((29, None), (31, "token_within_expiry")):
        with company.connect() as conn:
            access.enter_by(conn, "session", NOW)
            assert beyond(conn, grant(Role.ADMIN, expires_at=NOW + days * DAY)) == why
            conn.rollback()


def test_where_nothing_is_said_of_the_caller_nothing_is_made_or_ended(company: Database) -> None:
    with company.connect() as conn:
        access.create(conn, CREW, NOW)
        number = town.one(conn, "SELECT max(token_id) FROM token", None)
        access.enter(conn, Scope(True, None, []))
        assert not token_rows.end(conn, number, NOW)
        assert beyond(conn, grant(Role.CUSTOMER, homes=["H1"])) == "token_within_rights"
        conn.rollback()


@pytest.mark.parametrize(
    ("ender", "of", "may"),
    [
        (ADMIN, grant(Role.ADMIN, R, W, Right.REVEAL, expires_at=None), True),
        (grant(Role.ADMIN, R), CREW, False),
        (SUPERVISOR, ADMIN, False),
        (CREW, CREW, True),
        (CREW, grant(Role.CREW, station="South"), False),
        (CREW, grant(Role.CUSTOMER, homes=["H2"]), False),
    ],
)
def test_a_token_is_ended_by_those_who_reach_as_much(
    company: Database, ender: TokenGrant, of: TokenGrant, may: bool
) -> None:
    with company.connect() as conn:
        access.create(conn, of, NOW)
        number = town.one(conn, "SELECT max(token_id) FROM token", None)
        entered(conn, ender)
        assert token_rows.end(conn, number, NOW) is may
        assert token_rows.end(conn, number, NOW) is False
        conn.rollback()


def test_a_session_is_no_token_that_can_be_ended(company: Database) -> None:
    with company.connect() as conn:
        access.enter_by(conn, "session", NOW)
        assert not token_rows.end(conn, town.one(conn, "SELECT token_id FROM token WHERE staff_id = 1", None), NOW)
        conn.rollback()

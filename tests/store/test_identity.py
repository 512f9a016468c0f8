"""Identities of complainants are behind a wall in the database: tried with the accounts of processes."""

import psycopg
import pytest
from psycopg import Connection

from domain.cases import CaseChannel, NewCase, Reveal, Subject
from store.base import access
from store.base.access import Scope
from store.tickets import case_rows
from tests.api import town
from tests.api.town import NOW
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

EVERYWHERE = Scope(True, None, [])
TRIES = "SELECT actor, role, station, reason, outcome FROM identity.reveal ORDER BY reveal_id"
REASON = "the complainant asks to be called"


def complaint(conn: Connection, *, anonymous: bool = False, station: str | None = "North") -> int:
    """Return a complaint about a station, made by who lives in B1-101."""
    home = town.home(conn)
    ticket, _ = town.ticket(conn, None, kind="complaint")
    new = NewCase(
        case_class="complaint",
        subject=Subject.CONDUCT,
        channel=CaseChannel.PHONE,
        text="Nobody came.",
        about_station=station,
        anonymous=anonymous,
        name="Wang",
        phone="024-1",
        home_id=home,
    )
    case_rows.insert(conn, ticket, new, "the desk", NOW)
    conn.commit()
    return ticket


def ask(
    conn: Connection, ticket: int, role: str = "supervisor", station: str | None = None, reason: str = REASON
) -> case_rows.RevealedIdentity:
    return case_rows.reveal(conn, ticket, case_rows.IdentityRequest("token 1", role, station, reason), NOW)


def as_api(database: Database) -> Connection:
    """Return the account of the API in a transaction that reaches everything."""
    conn = psycopg.connect(database.url_as("api"))
    access.enter(conn, EVERYWHERE)
    return conn


def test_a_leader_with_a_reason_is_told_and_it_is_written_down(database: Database) -> None:
    with database.connect() as owner:
        ticket = complaint(owner)
        with as_api(database) as conn:
            assert ask(conn, ticket) == (Reveal.SHOWN, "Wang", "024-1", "B1-101")
            assert conn.execute("SELECT current_user").fetchone() == ("hearth_api",)
        assert owner.execute(TRIES).fetchall() == [("token 1", "supervisor", None, REASON, "shown")]


@pytest.mark.parametrize(
    ("role", "station", "reason", "outcome"),
    [
        ("dispatcher", None, REASON, Reveal.ROLE),
        ("crew", "North", REASON, Reveal.OWN_STATION),
        ("admin", "North", REASON, Reveal.OWN_STATION),  # whatever the role
        ("crew", "South", REASON, Reveal.ROLE),
        ("admin", None, "   curious    ", Reveal.NO_REASON),
    ],
)
def test_others_are_not_told_and_that_is_written_down_too(
    database: Database, role: str, station: str | None, reason: str, outcome: Reveal
) -> None:
    with database.connect() as owner:
        ticket = complaint(owner)
        with as_api(database) as conn:
            assert ask(conn, ticket, role, station, reason) == (outcome, None, None, None)
        assert [row[4] for row in owner.execute(TRIES)] == [outcome.value]


def test_of_an_anonymous_complaint_nothing_is_kept(database: Database) -> None:
    with database.connect() as owner:
        ticket = complaint(owner, anonymous=True)
        assert ask(owner, ticket).outcome is Reveal.UNKNOWN
        assert owner.execute("SELECT count(*) FROM identity.complainant").fetchone() == (0,)
        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute("SELECT identity.keep(%s, 'Wang', NULL, NULL, now())", (ticket,))


def test_what_is_no_case_has_nobody_behind_it(database: Database) -> None:
    with database.connect() as owner:
        ticket, _ = town.ticket(owner, town.home(owner))
        assert ask(owner, ticket).outcome is Reveal.NO_CASE


@pytest.mark.parametrize("process", ["api", "ingest", "watch", "notify", "grafana"])
def test_no_process_reads_the_tables(database: Database, process: str) -> None:
    with database.connect() as owner:
        complaint(owner)
    for relation in ("complainant", "reveal"):
        for statement in (f"SELECT * FROM identity.{relation}", f"DELETE FROM identity.{relation}"):
            with psycopg.connect(database.url_as(process)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement.encode())


def test_the_role_of_the_desk_can_leave_a_name_and_never_ask(database: Database) -> None:
    with database.connect() as owner:
        town.home(owner)
        ticket, _ = town.ticket(owner, None, kind="complaint")
        owner.commit()
    new = NewCase(case_class="complaint", subject=Subject.FEES, channel=CaseChannel.BOX, text="Too much.", name="Li")
    with as_api(database) as conn:
        case_rows.insert(conn, ticket, new, "the desk", NOW)
        conn.commit()
        access.enter(conn, EVERYWHERE)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("SELECT * FROM identity.reveal(1, 'a', 'admin', NULL, 'because I like to', now())")


def test_nobody_rewrites_who_said_what_or_who_looked(database: Database) -> None:
    with database.connect(autocommit=True) as owner:
        ask(owner, complaint(owner))
        for relation in ("complainant", "reveal"):
            for statement in (
                f"UPDATE identity.{relation} SET ticket_id = ticket_id",
                f"DELETE FROM identity.{relation}",
                f"TRUNCATE identity.{relation}",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only ever added to"):
                    owner.execute(statement.encode())


def test_the_home_of_a_complainant_stands_nowhere_else(database: Database) -> None:
    with database.connect() as owner:
        ticket = complaint(owner)
        assert owner.execute("SELECT home_id FROM ticket WHERE ticket_id = %s", (ticket,)).fetchone() == (None,)
        (shown,) = case_rows.cases(owner, EVERYWHERE, case_rows.CaseFilter(), limit=10)
        assert not {"home", "name", "phone", "home_id"} & set(shown)


def test_only_the_homes_that_are_reached_are_told_of_their_cases(database: Database) -> None:
    with database.connect() as owner:
        ticket = complaint(owner)
        (home,) = owner.execute("SELECT home_id FROM home").fetchone() or (0,)
    for scope, expected in (
        (Scope(False, None, [home]), [ticket]),
        (Scope(False, None, [home + 1]), []),
        (Scope(False, "North", []), []),
        (EVERYWHERE, []),
    ):
        with psycopg.connect(database.url_as("api")) as conn:
            access.enter(conn, scope)
            assert conn.execute("SELECT reach_cases()").fetchone() == (expected,)
            assert conn.execute("SELECT count(*) FROM ticket").fetchone() == (int(bool(expected or scope.everywhere)),)
            conn.rollback()

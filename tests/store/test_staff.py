"""People of the company: what the database holds them to, and sessions that end."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
import typer
from psycopg import Connection
from typer.testing import CliRunner

from domain.errors import UsageError
from hearth.commands import staff
from store.base import access, many_callers, token_rows
from store.base.access import Role, Scope
from store.staff import credential_rows, person_rows, session_rows
from store.staff.person_rows import StaffEntry
from store.staff.session_rows import SessionSpan
from tests.api import town
from tests.api.town import NOW
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

SPAN = SessionSpan(timedelta(hours=12), timedelta(days=7))
SECOND = timedelta(seconds=1)
HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
ENTRY: Mapping[str, Any] = {
    "name": "Li Na", "role": Role.DISPATCHER, "sign_in_name": "li.na", "active_from": NOW - timedelta(days=1),
}  # fmt: skip


def add(conn: Connection, **other: Any) -> int:
    return person_rows.add(conn, StaffEntry(**{**ENTRY, **other}))


def begun(conn: Connection, staff_id: int, span: SessionSpan = SPAN, at: datetime = NOW) -> str:
    token = session_rows.begin(conn, staff_id, "a browser", span, at)
    assert token is not None
    return token


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "--name"),
        ({"name": " Li"}, "--name"),
        ({"name": "x" * 101}, "--name"),
        ({"name": "Li\x00Na"}, "cannot be printed"),
        ({"name": "Li\nNa"}, "cannot be printed"),
        ({"subject": "https://id.example \x1b[2J"}, "cannot be printed"),
        ({"role": Role.CREW, "station": "North\x00"}, "cannot be printed"),
        ({"role": Role.CUSTOMER}, "--role"),
        ({"role": Role.CREW}, "--station"),
        ({"role": Role.CREW, "station": "Nowhere"}, "--station"),
        ({"station": "North"}, "--station"),
        ({"telephone": "call me"}, "--telephone"),
        ({"sign_in_name": "Li Na"}, "--sign-in"),
        ({"sign_in_name": None}, "--sign-in"),
        ({"active_to": NOW - timedelta(days=2)}, "the end"),
    ],
)
def test_a_person_who_breaks_a_rule_is_refused_in_words(
    connection: Connection, wrong: dict[str, Any], said: str
) -> None:
    town.home(connection, station="North")
    with pytest.raises(UsageError, match=said):
        add(connection, **wrong)
    assert person_rows.everybody(connection) == []


def test_a_sign_in_name_is_one_person_s(connection: Connection) -> None:
    add(connection)
    with pytest.raises(UsageError, match="somebody has this name"):
        add(connection, name="Li Nan")
    assert len(person_rows.everybody(connection)) == 1


def test_a_session_is_a_token_of_its_person(connection: Connection) -> None:
    town.home(connection, station="North")
    desk, crew = add(connection), add(connection, sign_in_name="wang", role=Role.CREW, station="North")
    found = access.find(connection, begun(connection, desk), NOW)
    assert found is not None
    assert (found.actor, found.role, found.scope) == (f"staff {desk} (Li Na)", Role.DISPATCHER, access.EVERYWHERE)
    assert found.person is not None
    assert (found.person.staff_id, found.person.name, found.person.language) == (desk, "Li Na", "zh")
    found = access.find(connection, begun(connection, crew), NOW)
    assert found is not None
    assert found.scope == Scope(False, "North", [])


def test_a_session_that_is_not_used_ends_and_one_that_is_goes_on(connection: Connection) -> None:
    token = begun(connection, add(connection))
    found = access.find(connection, token, NOW + SPAN.idle - SECOND)
    assert found is not None
    assert found.person is not None
    assert access.find(connection, token, NOW + SPAN.idle) is None
    session_rows.use(connection, found.person, NOW + SPAN.idle - SECOND)
    assert access.find(connection, token, NOW + SPAN.idle + SPAN.idle - 2 * SECOND)


def test_a_session_ends_however_much_it_is_used(connection: Connection) -> None:
    token = begun(connection, add(connection))
    at = NOW
    while at < NOW + SPAN.longest - SPAN.idle / 2:
        at += SPAN.idle / 2
        found = access.find(connection, token, at - SECOND)
        assert found is not None
        assert found.person is not None
        session_rows.use(connection, found.person, at - SECOND)
    assert access.find(connection, token, NOW + SPAN.longest) is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE staff SET active_to = '2026-01-15 04:00+00'",
        "UPDATE staff SET active_from = '2026-01-16+00'",
        "UPDATE staff SET role = 'supervisor'",
        "UPDATE staff SET role = 'crew', station = 'North'",
        "UPDATE token SET revoked_at = now()",
    ],
)
def test_who_is_no_longer_that_is_out_at_once(connection: Connection, change: str) -> None:
    token = begun(connection, add(connection))
    held = many_callers.find_all(connection, [token], NOW)
    assert held
    connection.execute(change.encode())
    assert access.find(connection, token, NOW) is None
    assert many_callers.find_all(connection, [token], NOW) == {}


def test_a_crew_that_moves_to_another_station_is_out(connection: Connection) -> None:
    for station in ("North", "South"):
        town.home(connection, station, building=station, station=station)
    token = begun(connection, add(connection, role=Role.CREW, station="North"))
    connection.execute("UPDATE staff SET station = 'South'")
    assert access.find(connection, token, NOW) is None


def test_nobody_begins_a_session_before_or_after_the_time_with_the_company(connection: Connection) -> None:
    early = add(connection, sign_in_name="early", active_from=NOW + SECOND)
    late = add(connection, sign_in_name="late", active_to=NOW)
    for staff_id in (early, late, 99):
        assert session_rows.begin(connection, staff_id, "", SPAN, NOW) is None
    for staff_id, name in ((early, "early"), (late, "late")):
        credential_rows.set_password(connection, staff_id, HASH, NOW)
        assert credential_rows.known(connection, name, NOW) is None


def test_a_pending_session_opens_nothing(connection: Connection) -> None:
    staff_id = add(connection)
    credential_rows.set_totp(connection, staff_id, b"0" * 20, 1, NOW)
    token = session_rows.begin_pending(connection, staff_id, "", SPAN, NOW)
    assert token is not None
    assert access.find(connection, token, NOW) is None
    owing = credential_rows.owing(connection, token, NOW)
    assert owing is not None
    assert (owing.staff_id, owing.secret) == (staff_id, b"0" * 20)
    assert session_rows.sessions(connection, staff_id, NOW) == []
    assert credential_rows.owing(connection, begun(connection, staff_id), NOW) is None  # a session owes nothing
    assert session_rows.end_one(connection, staff_id, owing.session, NOW)
    assert credential_rows.owing(connection, token, NOW) is None


def test_sessions_are_ended_by_their_person_alone(connection: Connection) -> None:
    mine, other = add(connection), add(connection, sign_in_name="wang")
    tokens = [begun(connection, mine) for _ in range(3)]
    theirs = begun(connection, other)
    first, second, third = (found.person for token in tokens if (found := access.find(connection, token, NOW)))
    assert first is not None
    assert second is not None
    assert third is not None
    assert not session_rows.end_one(connection, other, second.session, NOW)
    assert session_rows.end_one(connection, mine, second.session, NOW)
    assert not session_rows.end_one(connection, mine, second.session, NOW)
    assert session_rows.end_others(connection, first, NOW) == 1
    assert [row["session"] for row in session_rows.sessions(connection, mine, NOW)] == [first.session]
    assert access.find(connection, theirs, NOW)
    assert session_rows.end_all(connection, mine, NOW) == 1
    assert access.find(connection, tokens[0], NOW) is None


def test_sessions_are_no_tokens_of_machines(connection: Connection) -> None:
    staff_id = add(connection)
    begun(connection, staff_id)
    access.create(connection, access.TokenGrant(Role.ADMIN), NOW)
    assert len(token_rows.tokens(connection)) == 1
    for wrong in (
        "UPDATE token SET idle = NULL WHERE staff_id IS NOT NULL",
        "UPDATE token SET expires_at = NULL WHERE staff_id IS NOT NULL",
        "UPDATE token SET device = 'x' WHERE staff_id IS NULL",
        "UPDATE token SET pending = true WHERE staff_id IS NULL",
        f"UPDATE token SET staff_id = {staff_id} WHERE staff_id IS NULL",
    ):
        with pytest.raises(psycopg.errors.CheckViolation, match="token_session"), connection.transaction():
            connection.execute(wrong.encode())


def test_old_sessions_are_forgotten(connection: Connection) -> None:
    staff_id = add(connection)
    begun(connection, staff_id)
    begun(connection, staff_id, at=NOW + SPAN.longest + timedelta(days=91))
    assert town.one(connection, "SELECT count(*) FROM token", None) == 1


def test_a_code_is_taken_once_and_none_before_it(connection: Connection) -> None:
    staff_id = add(connection)
    credential_rows.set_totp(connection, staff_id, b"0" * 20, 10, NOW)
    taken = [credential_rows.take_code(connection, staff_id, counter) for counter in (10, 11, 11, 10, 12)]
    assert taken == [False, True, False, False, True]
    credential_rows.set_totp(connection, staff_id, None, None, NOW)
    assert not credential_rows.take_code(connection, staff_id, 13)


def test_an_invitation_holds_once_and_ends_what_was_before(connection: Connection) -> None:
    staff_id = add(connection)
    token = begun(connection, staff_id)
    void = credential_rows.invite(connection, staff_id, NOW)
    code = credential_rows.invite(connection, staff_id, NOW)
    assert credential_rows.invited(connection, void, NOW) is None
    assert credential_rows.invited(connection, code, NOW) == staff_id
    assert credential_rows.accept(connection, code, HASH, NOW) == (staff_id, "Li Na", "dispatcher")
    assert credential_rows.accept(connection, code, HASH, NOW) is None
    assert credential_rows.invited(connection, code, NOW) is None
    assert access.find(connection, token, NOW) is None
    assert credential_rows.known(connection, "li.na", NOW) == (staff_id, "Li Na", "dispatcher", HASH, False)
    assert code not in str(connection.execute("SELECT i FROM credential.invitation AS i").fetchall())


def test_an_invitation_ends_after_a_week_and_with_the_time_of_its_person(connection: Connection) -> None:
    staff_id = add(connection)
    code = credential_rows.invite(connection, staff_id, NOW)
    assert credential_rows.invited(connection, code, NOW + timedelta(days=7) - SECOND) == staff_id
    assert credential_rows.accept(connection, code, HASH, NOW + timedelta(days=7)) is None
    assert person_rows.end(connection, staff_id, NOW)
    assert not person_rows.end(connection, staff_id, NOW)
    assert credential_rows.accept(connection, code, HASH, NOW) is None


def test_what_a_person_proves_itself_with_can_be_forgotten(connection: Connection) -> None:
    staff_id = add(connection)
    token = begun(connection, staff_id)
    credential_rows.set_password(connection, staff_id, HASH, NOW)
    credential_rows.set_totp(connection, staff_id, b"0" * 20, 10, NOW)
    code = credential_rows.invite(connection, staff_id, NOW)
    credential_rows.forget(connection, staff_id, NOW)
    assert credential_rows.known(connection, "li.na", NOW) is None
    assert credential_rows.invited(connection, code, NOW) is None
    assert access.find(connection, token, NOW) is None
    (row,) = person_rows.everybody(connection)
    assert (row["password_set_at"], row["totp_set_at"], row["invited_until"]) == (None, None, None)


@pytest.mark.parametrize("table", ["password", "totp", "invitation"])
def test_no_process_reads_what_people_prove_themselves_with(database: Database, table: str) -> None:
    for process in ("api", "watch", "notify", "ingest", "grafana"):
        with psycopg.connect(database.url_as(process)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(f"SELECT FROM credential.{table}".encode())


def test_the_api_can_make_no_token_of_a_machine(database: Database) -> None:
    with database.connect() as conn:
        staff_id = add(conn)
    with psycopg.connect(database.url_as("api")) as conn:
        assert session_rows.begin(conn, staff_id, "", SPAN, NOW)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            access.create(conn, access.TokenGrant(Role.ADMIN), NOW)


class TestCommand:
    """`hearth staff`."""

    @pytest.fixture
    def hearth(self, plain_database: Database, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
        """A program with the command, pointed at a town of one home."""
        monkeypatch.setenv("HEARTH_DATABASE_URL", plain_database.url)
        monkeypatch.setenv("COLUMNS", "160")
        with plain_database.connect() as conn:
            town.home(conn, station="North")
        program = typer.Typer()
        program.add_typer(staff.app, name="staff")
        return program

    @staticmethod
    def states(hearth: typer.Typer) -> dict[str, str]:
        told = json.loads(CliRunner().invoke(hearth, ["staff", "list", "--json"]).stdout)
        return {row["sign_in_name"]: row["state"] for row in told}

    def test_a_person_is_added_invited_again_and_ended(self, hearth: typer.Typer, plain_database: Database) -> None:
        add = ["staff", "add", "Li.Na", "--name", "李娜", "--role", "crew", "--station", "North"]
        planned = CliRunner().invoke(hearth, [*add, "--dry-run"])
        assert (planned.exit_code, planned.stdout) == (0, "would add 李娜 as crew and make an invitation\n")
        assert self.states(hearth) == {}
        first = CliRunner().invoke(hearth, add).stdout.strip()
        assert first.startswith("http://127.0.0.1:8080/invitation/")
        assert self.states(hearth) == {"li.na": "invited"}
        listed = CliRunner().invoke(hearth, ["staff", "list"]).stdout
        assert "李娜" in listed
        assert "crew of North" in listed
        later = CliRunner().invoke(hearth, ["staff", "invite", "li.na"]).stdout.strip()
        with plain_database.connect() as conn:
            (now,) = conn.execute("SELECT now()").fetchone() or (NOW,)
            assert credential_rows.invited(conn, first.rpartition("/")[2], now) is None
            assert credential_rows.accept(conn, later.rpartition("/")[2], HASH, now)
        assert self.states(hearth) == {"li.na": "active"}
        for words in (["staff", "invite", "li.na", "--reset", "--dry-run"], ["staff", "end", "li.na", "--dry-run"]):
            assert "would" in CliRunner().invoke(hearth, words).stdout
        assert self.states(hearth) == {"li.na": "active"}
        assert CliRunner().invoke(hearth, ["staff", "invite", "LI.NA", "--reset"]).exit_code == 0
        assert self.states(hearth) == {"li.na": "invited"}
        assert CliRunner().invoke(hearth, ["staff", "end", "li.na"]).stdout == "ended: 李娜 (crew)\n"
        assert self.states(hearth) == {"li.na": "ended"}

    @pytest.mark.parametrize(
        "words",
        [
            ["add", "x", "--name", "X", "--role", "admin"],
            ["add", "xx", "--name", "X", "--role", "crew"],
            ["add", "xx", "--name", "X", "--role", "customer"],
            ["end", "nobody"],
            ["end", "99"],
            ["invite", "nobody"],
        ],
    )
    def test_errors_of_the_user_are_one_line(self, hearth: typer.Typer, words: list[str]) -> None:
        made = CliRunner().invoke(hearth, ["staff", *words])
        assert isinstance(made.exception, UsageError)
        assert "\n" not in str(made.exception)


def names_by_page(connection: Connection, sought: str = "", size: int = 3) -> list[str]:
    """Return the names on all pages, one after the other."""
    found: list[str] = []
    behind: tuple[datetime, int] | None = None
    while rows := person_rows.page(connection, sought, behind, size):
        found += [row["name"] for row in rows]
        behind = rows[-1]["leaves"], rows[-1]["staff_id"]
    return found


def town_hall(connection: Connection) -> None:
    """Add people of all roles: some alike by name, some with a known end, some who have left."""
    town.home(connection, station="North")
    town.home(connection, "B2-101", station="South")
    for n in range(12):
        role, station = ((Role.DISPATCHER, None), (Role.CREW, "North"), (Role.CREW, "South"))[n % 3]
        until = {0: None, 1: NOW + timedelta(days=9), 2: NOW - timedelta(hours=1)}[n // 4]
        add(connection, name=f"Li {n % 2}", role=role, station=station, sign_in_name=f"li.{n}", active_to=until)


@pytest.mark.parametrize("size", [1, 3, 50])
def test_pages_together_are_everybody_in_order(connection: Connection, size: int) -> None:
    town_hall(connection)
    everybody = [row["staff_id"] for row in person_rows.everybody(connection)]
    found: list[int] = []
    behind: tuple[datetime, int] | None = None
    while rows := person_rows.page(connection, "", behind, size):
        assert len(rows) <= size
        found += [row["staff_id"] for row in rows]
        behind = rows[-1]["leaves"], rows[-1]["staff_id"]
    assert found == everybody
    assert person_rows.count(connection, "") == len(everybody) == 12


def test_who_leaves_between_two_pages_takes_nobody_along(connection: Connection) -> None:
    town_hall(connection)
    everybody = [row["staff_id"] for row in person_rows.everybody(connection)]
    first = person_rows.page(connection, "", None, 3)
    assert person_rows.end(connection, first[-1]["staff_id"], NOW)
    rest = person_rows.page(connection, "", (first[-1]["leaves"], first[-1]["staff_id"]), 50)
    assert {row["staff_id"] for row in rest} >= {*everybody[3:]}


@pytest.mark.parametrize(
    ("sought", "count"), [("", 12), ("LI 1", 6), ("li.1", 3), ("north", 4), ("South", 4), ("%", 0), ("nobody", 0)]
)
def test_people_are_found_by_name_sign_in_name_and_station(connection: Connection, sought: str, count: int) -> None:
    town_hall(connection)
    assert person_rows.count(connection, sought) == len(names_by_page(connection, sought)) == count

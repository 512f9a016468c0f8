"""Tokens: made once, kept as a hash, found while they hold."""

import hashlib
import json
from datetime import timedelta

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from domain.errors import UsageError
from hearth.commands import token as command
from store.base import access
from store.base.access import Role, Scope
from tests.api import town
from tests.api.town import NOW
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

SECOND = timedelta(seconds=1)


def scope_of(conn: psycopg.Connection, token: str) -> Scope | None:
    found = access.find(conn, token, NOW)
    return found.scope if found else None


def test_only_the_hash_is_kept(connection: psycopg.Connection) -> None:
    token = access.create(connection, access.TokenGrant(Role.ADMIN), NOW)
    assert token.startswith("hearth_")
    assert len(token) == len("hearth_") + 43  # 32 bytes
    (row,) = connection.execute("SELECT t, t.hash FROM token AS t").fetchall()
    assert row[1] == hashlib.sha256(token.encode()).digest()
    assert token not in str(row[0])
    assert token.removeprefix("hearth_") not in str(row[0])


def test_no_two_tokens_are_alike(connection: psycopg.Connection) -> None:
    assert len({access.create(connection, access.TokenGrant(Role.ADMIN), NOW) for _ in range(10)}) == 10


def test_the_reach_of_each_role(connection: psycopg.Connection) -> None:
    first, second = (town.home(connection, code) for code in ("B1-101", "B1-102"))
    town.home(connection, "B1-103")
    customer = access.create(connection, access.TokenGrant(Role.CUSTOMER, homes=["B1-102", "B1-101"]), NOW)
    found = access.find(connection, customer, NOW)
    assert found is not None
    assert found.role is Role.CUSTOMER
    assert (found.scope.everywhere, found.scope.own_station) == (False, None)
    assert sorted(found.scope.own_homes) == [first, second]
    crew = access.create(connection, access.TokenGrant(Role.CREW, station="North"), NOW)
    assert scope_of(connection, crew) == Scope(False, "North", [])
    for role in (Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN):
        token = access.create(connection, access.TokenGrant(role), NOW)
        assert scope_of(connection, token) == Scope(True, None, [])


def test_a_token_holds_until_it_expires(connection: psycopg.Connection) -> None:
    token = access.create(connection, access.TokenGrant(Role.ADMIN, expires_at=NOW + SECOND), NOW)
    assert access.find(connection, token, NOW)
    assert access.find(connection, token, NOW + SECOND) is None


def test_a_revoked_token_is_not_found(connection: psycopg.Connection) -> None:
    token, other = (access.create(connection, access.TokenGrant(Role.ADMIN), NOW) for _ in range(2))
    hashed = hashlib.sha256(token.encode()).digest()
    connection.execute("UPDATE token SET revoked_at = %s WHERE hash = %s", (NOW, hashed))
    assert access.find(connection, token, NOW) is None
    assert access.find(connection, other, NOW)


def test_what_is_no_token_is_not_found(connection: psycopg.Connection) -> None:
    token = access.create(connection, access.TokenGrant(Role.ADMIN), NOW)
    for wrong in ("", "hearth_", token[:-1], token + "x", token.upper(), "é\x00"):
        assert access.find(connection, wrong, NOW) is None


@pytest.mark.parametrize(
    ("role", "homes", "station", "message"),
    [
        (Role.CUSTOMER, [], None, "--home: a customer's token needs at least one"),
        (Role.ADMIN, ["B1-101"], None, "no other role takes any"),
        (Role.CREW, [], None, "--station: a crew's token needs"),
        (Role.DISPATCHER, [], "North", "no other role takes one"),
        (Role.CUSTOMER, ["B1-101", "B9-9", "B9-1"], None, "--home: there is no home B9-1, B9-9"),
        (Role.CREW, [], "East", "--station: no substation belongs to a station East"),
    ],
)
def test_a_reach_that_does_not_fit_is_refused(
    connection: psycopg.Connection, role: Role, homes: list[str], station: str | None, message: str
) -> None:
    town.home(connection)
    with pytest.raises(UsageError, match=message):
        access.create(connection, access.TokenGrant(role, homes=homes, station=station), NOW)
    assert connection.execute("SELECT count(*) FROM token").fetchone() == (0,)


class TestCommand:
    """`hearth token create`."""

    @pytest.fixture
    def hearth(self, plain_database: Database, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
        """A program with the command, pointed at a town of one home."""
        monkeypatch.setenv("HEARTH_DATABASE_URL", plain_database.url)
        with plain_database.connect() as conn:
            town.home(conn)
        program = typer.Typer()
        program.add_typer(command.app, name="token")
        return program

    def test_prints_the_token_alone(self, hearth: typer.Typer, plain_database: Database) -> None:
        made = CliRunner().invoke(hearth, ["token", "create", "--role", "customer", "--home", "B1-101"])
        token = made.stdout.removesuffix("\n")
        assert (made.exit_code, token.split()) == (0, [token])
        assert made.stderr == f"page: http://127.0.0.1:8080/home?token={token}\n"  # for people, not for programs
        with plain_database.connect() as conn:
            found = access.find(conn, token, NOW + timedelta(days=36_500))
        assert found is not None
        assert len(found.scope.own_homes) == 1

    def test_days_set_the_end(self, hearth: typer.Typer, plain_database: Database) -> None:
        assert CliRunner().invoke(hearth, ["token", "create", "--role", "admin", "--days", "7"]).exit_code == 0
        with plain_database.connect() as conn:
            row = conn.execute("SELECT expires_at - created_at FROM token").fetchone()
        assert row == (timedelta(days=7),)

    def test_an_unknown_home_is_an_error_of_the_user(self, hearth: typer.Typer) -> None:
        made = CliRunner().invoke(hearth, ["token", "create", "--role", "customer", "--home", "B9-9"])
        assert isinstance(made.exception, UsageError)
        assert made.stdout == ""

    def test_an_unknown_role_is_an_error_of_the_user(self, hearth: typer.Typer) -> None:
        assert CliRunner().invoke(hearth, ["token", "create", "--role", "king"]).exit_code == 2

    def test_an_absent_database_is_an_error_of_the_user(
        self, hearth: typer.Typer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HEARTH_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        made = CliRunner().invoke(hearth, ["token", "create", "--role", "admin"])
        assert isinstance(made.exception, UsageError)
        assert "\n" not in str(made.exception)

    def test_list_and_revoke(self, hearth: typer.Typer, plain_database: Database) -> None:
        runner = CliRunner()
        created = ["token", "create", "--role", "customer", "--home", "B1-101", "--label", "flat", "--right", "read"]
        token = runner.invoke(hearth, created).stdout.strip()
        listed = runner.invoke(hearth, ["token", "list"]).stdout
        assert [word.strip() for word in listed.splitlines()[3].strip("│").split("│")] == [
            *("1", "customer", "B1-101", "read", "valid", "flat")
        ]
        assert runner.invoke(hearth, ["token", "revoke", "1"]).exit_code == 0
        (told,) = json.loads(runner.invoke(hearth, ["token", "list", "--json"]).stdout)
        assert (told["token_id"], told["state"], told["homes"]) == (1, "revoked", ["B1-101"])
        with plain_database.connect() as conn:
            assert access.find(conn, token, NOW) is None
        again = runner.invoke(hearth, ["token", "revoke", "1"])
        assert isinstance(again.exception, UsageError)

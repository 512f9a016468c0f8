"""The access matrix: every operation of the API × every role × one's own and another's home.

The operations come from the OpenAPI document: a new one without an entry in OPERATIONS fails. The second half does the
same with the application's checks switched off: row-level security alone keeps foreign rows in.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from psycopg import Connection

from api.http import callers, limits, session
from store.base.access import Asker, Role, Scope
from tests.api.conftest import Api, served_database
from tests.api.operations import (
    DESK,
    HOMES,
    OPERATIONS,
    STAFF,
    Operation,
    people_the,
)
from tests.conftest import Database, Servers, fresh_database

REACHED = {
    Role.CUSTOMER: {"home-mine"},
    Role.CREW: {"home-mine", "home-near"},
    **{role: set(HOMES) for role in DESK},
}


@dataclass(frozen=True)
class Town:
    """A running API over a town, with a token for each role."""

    api: Api
    tokens: Mapping[Role, str]
    paths: Mapping[str, Mapping[str, Mapping[str, str]]]  # what → home → the parameters of the path

    def call(self, name: str, role: Role | None, home: str) -> httpx.Response:
        """Call an operation for a home."""
        operation = OPERATIONS[name]
        method, _, path = name.partition(" ")
        parameters = self.paths[operation.of][home] if operation.of else {}
        body = json.dumps(operation.body(home)).encode() if operation.body else operation.file
        headers = {**(operation.headers or {}), **({"Authorization": f"Bearer {self.tokens[role]}"} if role else {})}
        if body is not None:
            headers["Content-Type"] = "application/json" if operation.body else "application/octet-stream"
        url = path.format(**parameters)
        return self.api.client.request(method, url, params=operation.query, content=body, headers=headers)


@pytest.fixture(scope="module")
def place(servers: Servers) -> Iterator[Town]:
    """The town, on the server that Hearth is for."""
    databases = fresh_database(servers.of("timescale"), "timescale")
    database: Database = next(databases)
    with pytest.MonkeyPatch.context() as patch, served_database(database) as api:
        patch.setattr(limits, "PATIENT", 1_000_000)  # so many wrong proofs of platforms would be answered ever later
        paths = people_the(api)
        tokens = {role: api.token(role) for role in DESK}
        tokens |= {Role.CUSTOMER: api.token("customer", "home-mine"), Role.CREW: api.token("crew", station="North")}
        api.conn.commit()
        yield Town(api, tokens, paths)
    next(databases, None)


@pytest.fixture
def without_checks(place: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The same town, where the application lets everybody do everything."""
    everywhere: dict[str, Any] = {"everywhere": True, "own_station": None, "own_homes": []}
    monkeypatch.setattr(Scope, "parameters", lambda scope: everywhere)
    monkeypatch.setattr(session, "_check", lambda *_: None)
    return place


def test_every_operation_has_its_entry(place: Town) -> None:
    document = place.api.client.get("/v1/openapi.json").json()
    described = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert described == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_without_a_token_there_is_nothing_but_what_is_public(place: Town, name: str) -> None:
    answer = place.call(name, None, "home-mine")
    assert answer.status_code == (200 if OPERATIONS[name].roles is None else 401)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_role_sees_its_own_and_nobody_else_s(place: Town, name: str, role: Role) -> None:
    operation = OPERATIONS[name]
    if operation.roles is not None and role not in operation.roles:  # also of its own
        assert place.call(name, role, "home-mine").status_code == operation.refusal
        return
    for home in HOMES:
        answer = place.call(name, role, home)
        if is_foreign(operation, role, home):
            assert answer.status_code == 404, home
            assert home not in answer.text
        else:
            assert reached(answer), (home, answer.text)
        if operation.listed and role in (operation.roles or ()):
            assert named_in(answer) == REACHED[role]
        if operation.buildings and role in STAFF:
            assert ("South" in answer.text) == (role in DESK)


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.CREW])
@pytest.mark.parametrize("name", OPERATIONS)
def test_row_level_security_alone_lets_no_foreign_row_out(without_checks: Town, name: str, role: Role) -> None:
    operation = OPERATIONS[name]
    for home in HOMES:
        answer = without_checks.call(name, role, home)
        assert named_in(answer) <= REACHED[role], home
        assert not operation.buildings or "South" not in answer.text
        if is_foreign(operation, role, home):
            assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.CREW])
def test_row_level_security_alone_keeps_a_dossier_to_its_home(without_checks: Town, role: Role) -> None:
    numbers = {home: without_checks.paths["ticket"][home]["number"] for home in HOMES}
    for home in REACHED[role]:
        answer = without_checks.call("GET /v1/homes/{code}/evidence", role, home)
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            told = b"".join(archive.read(name) for name in archive.namelist()).decode(errors="replace")
        assert {other for other in HOMES if other in told or numbers[other] in told} == {home}
        assert f"sensor-{home}" in told


def test_the_second_wall_is_what_holds(place: Town, without_checks: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of row-level security can fail: with that switched off too, foreign rows come out."""
    enter = callers.enter

    def enter_everywhere(conn: Connection, *of: Any) -> Asker:
        asker = enter(conn, *of)
        conn.execute("SELECT set_config('hearth.everywhere', 'on', true)")
        return asker

    monkeypatch.setattr(callers, "enter", enter_everywhere)
    answer = without_checks.call("GET /v1/flags", Role.CUSTOMER, "home-mine")
    assert named_in(answer) == set(HOMES)


def is_foreign(operation: Operation, role: Role, home: str) -> bool:
    if operation.of in (None, "kind", "peer", "platform", "rota", "shift", "told", "token", "upload"):
        return False
    if operation.of == "case":
        return role not in DESK
    if operation.of in ("incident", "building"):
        return role not in DESK and HOMES[home] != "North"
    return home not in REACHED[role]


def named_in(answer: httpx.Response) -> set[str]:
    """Return the homes that an answer tells of."""
    return {home for home in HOMES if home in answer.text}


def reached(answer: httpx.Response) -> bool:
    """Return whether the operation was carried out, or refused for what the thing is, not for who asks."""
    return answer.status_code < 500 and answer.status_code not in (401, 403, 404)

"""Requests that change something: who may, that they are committed before the answer, and what the audit log tells."""

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from psycopg_pool import ConnectionPool

from api.app import create_app
from api.http.problem import Problem
from api.http.session import AppContext, Asking, Changing, ChangingDesk
from store.base import access
from tests.api import town
from tests.api.answers import check
from tests.api.conftest import POLICY, Api, served
from tests.api.town import NOW
from tests.conftest import ANSWER_S, PLAIN_HTTP, Database

pytestmark = pytest.mark.plain_only


def with_a_change(app: FastAPI) -> None:
    """Add routes that write a ticket."""

    def write(session: Changing, code: str) -> None:
        row = session.conn.execute("SELECT home_id FROM home WHERE code = %s", (code,)).fetchone()
        if row is None:
            raise Problem(404, "no such home")
        town.ticket(session.conn, row[0], kind="leak")

    @app.post("/v1/try/{code}")
    def change(code: str, changing: Changing) -> dict[str, str]:
        write(changing, code)
        changing.notes["kind"] = "leak"
        return {"done": code}

    @app.post("/v1/try/{code}/refused")
    def refused(code: str, changing: Changing) -> None:
        write(changing, code)
        raise Problem(409, "not now")

    @app.post("/v1/desk-only")
    def desk_only(changing: ChangingDesk) -> dict[str, str]:
        return {}

    @app.get("/v1/read-only/{code}")
    def read_only(code: str, asking: Asking) -> None:
        write(asking, code)


@pytest.fixture
def api(database: Database) -> Iterator[Api]:
    """An API with some routes more."""
    with ConnectionPool(database.url_as("api"), min_size=1, max_size=2, open=True) as pool:
        app = create_app(AppContext(pool, lambda: NOW, POLICY))
        with_a_change(app)
        with (
            served(app) as url,
            httpx.Client(base_url=url, trust_env=False, timeout=ANSWER_S, verify=PLAIN_HTTP) as client,
            database.connect() as conn,
        ):
            yield Api(client, conn, app)


def post(api: Api, path: str, token: str) -> httpx.Response:
    api.conn.commit()
    return api.client.post(path, headers={"Authorization": f"Bearer {token}"})


def test_a_change_is_committed_with_its_entry_in_the_audit_log(api: Api) -> None:
    town.home(api.conn)
    token = access.create(api.conn, access.TokenGrant(access.Role.CUSTOMER, homes=["B1-101"], label="flat 101"), NOW)
    assert post(api, "/v1/try/B1-101", token).json() == {"done": "B1-101"}
    assert api.conn.execute("SELECT class FROM ticket").fetchall() == [("leak",)]
    entries = api.conn.execute("SELECT at, actor, role, address, action, target, detail FROM audit").fetchall()
    assert entries == [
        (
            NOW,
            "token 1 (flat 101)",
            "customer",
            "127.0.0.1",
            "POST /v1/try/{code}",
            {"code": "B1-101"},
            {"kind": "leak"},
        )
    ]


def test_what_is_refused_leaves_nothing(api: Api) -> None:
    town.home(api.conn)
    check(post(api, "/v1/try/B1-101/refused", api.token()), 409)
    for table in ("ticket", "audit"):
        assert api.conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)


def test_another_s_home_is_not_there(api: Api) -> None:
    town.home(api.conn)
    town.home(api.conn, "mine")
    check(post(api, "/v1/try/B1-101", api.token("customer", "mine")), 404)


def test_a_token_to_read_with_does_not_write(api: Api) -> None:
    town.home(api.conn)
    token = access.create(api.conn, access.TokenGrant(access.Role.ADMIN, rights=[access.Right.READ]), NOW)
    assert api.get("/v1/homes/B1-101", token).status_code == 200
    check(post(api, "/v1/try/B1-101", token), 403)


def test_a_token_to_write_with_does_not_read(api: Api) -> None:
    token = access.create(api.conn, access.TokenGrant(access.Role.ADMIN, rights=[access.Right.WRITE]), NOW)
    check(api.get("/v1/flags", token), 403)


def test_some_routes_are_for_some_roles(api: Api) -> None:
    town.home(api.conn)
    for role, status in (("customer", 403), ("crew", 403), ("dispatcher", 200), ("supervisor", 200), ("admin", 200)):
        token = api.token(
            role, *(["B1-101"] if role == "customer" else []), station="North" if role == "crew" else None
        )
        assert post(api, "/v1/desk-only", token).status_code == status


def test_a_route_that_asks_cannot_write(api: Api) -> None:
    town.home(api.conn)
    check(api.get("/v1/read-only/B1-101", api.token()), 500)
    assert api.conn.execute("SELECT count(*) FROM ticket").fetchone() == (0,)

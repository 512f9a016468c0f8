"""Health, readiness, figures, and the description of the API."""

import time
from pathlib import Path

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.http.session import AppContext
from hearth.serving import open_pool
from hearth.settings import Settings
from local.postgres import Postgres
from store.base.readiness import unapplied
from tests.api import town
from tests.api.answers import check
from tests.api.conftest import POLICY, Api, served
from tests.api.town import NOW
from tests.conftest import ANSWER_S, PLAIN_HTTP

pytestmark = pytest.mark.plain_only


def test_a_healthy_api(api: Api) -> None:
    assert api.get("/healthz").json() == {"status": "ok"}
    assert api.get("/readyz").json() == {"status": "ready"}


def test_missing_migrations_are_named(api: Api) -> None:
    api.conn.execute("DELETE FROM schema_migration WHERE name = '0009_access.sql' OR name LIKE 'flavour/%'")
    body = check(api.get("/readyz"), 503)
    assert body["detail"] == "migrations not applied: 0009_access.sql, flavour"


def test_a_database_without_any_migration(connection: psycopg.Connection) -> None:
    connection.execute("DROP TABLE schema_migration")
    assert unapplied(connection)[0] == "0001_registry.sql"


def test_figures_are_by_route_and_tell_of_no_home(api: Api) -> None:
    town.home(api.conn)
    api.get("/v1/homes/B1-101", api.token())
    api.get("/v1/homes/B1-101")
    text = api.get("/metrics").text
    for status in (200, 401):
        label = f'route="/v1/homes/{{code}}",status="{status}"'
        assert f"hearth_api_request_seconds_count{{{label}}} 1.0" in text
    assert "B1-101" not in text


def test_the_description_knows_problems_and_tokens(api: Api) -> None:
    described = api.get("/v1/openapi.json").json()
    operation = described["paths"]["/v1/homes/{code}"]["get"]
    assert set(operation["responses"]) == {"200", "default"}
    assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]
    assert operation["security"] == [{"HTTPBearer": []}]
    assert "class" in described["components"]["schemas"]["Home"]["properties"]


@pytest.mark.slow
def test_the_database_goes_away_and_comes_back(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "db", settings={"fsync": "off"}).start()
    settings = Settings(database_url=SecretStr(server.url()))
    try:
        server.stop()
        with open_pool(settings) as pool, served(create_app(AppContext(pool, lambda: NOW, POLICY))) as url:
            assert ready(url) == (503, "the database is not responding")
            assert httpx.get(f"{url}/healthz", trust_env=False, verify=PLAIN_HTTP, timeout=ANSWER_S).status_code == 200
            for _ in range(2):
                server.start()
                assert until_unlike(url, "the database is not responding").startswith("migrations not applied")
                server.stop()
                assert ready(url) == (503, "the database is not responding")
    finally:
        server.remove()


def ready(url: str) -> tuple[int, str]:
    """Return status and detail of /readyz of a database without migrations."""
    answer = httpx.get(f"{url}/readyz", trust_env=False, verify=PLAIN_HTTP, timeout=10)
    return answer.status_code, str(check(answer, 503)["detail"])


def until_unlike(url: str, detail: str) -> str:
    """Ask /readyz, for 20 seconds at most, until it says something else."""
    deadline = time.monotonic() + 20
    while (said := ready(url)[1]) == detail and time.monotonic() < deadline:
        time.sleep(0.1)
    return said

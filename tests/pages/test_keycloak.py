"""Signing in by a real Keycloak with the realm that is shipped: there and back in a browser, and out on both sides."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jmespath
import jwt
import pytest
from psycopg import Connection

from api.http.code_flow import CodeFlow
from api.http.oidc import provider
from api.staff.session import start_of
from local import keycloak
from local.compose import config
from local.keycloak import ADMINISTRATOR, PASSWORD, REALM, SECRETS, Keycloak
from local.trixie import COMPOSE
from store.base.access import Role
from store.staff import person_rows
from tests.api import town
from tests.api.conftest import Api
from tests.conftest import ANSWER_S, PLAIN_HTTP, no_trixie, unavailable
from tests.pages.conftest import DESKTOP, Visitor, Visitors

HOUR_S = 3_600
# The people of the realm, and what each is there.
PEOPLE: dict[str, dict[str, list[str]]] = {
    "wang.qiang": {"groups": ["Dongcheng"]},
    "li.na": {"groups": ["desk"]},
    "zhao.min": {"realmRoles": ["supervisor"]},
    "chen.jing": {"realmRoles": ["admin"]},
}
NAMES = {
    "wang.qiang": ("Qiang", "Wang"),
    "li.na": ("Na", "Li"),
    "zhao.min": ("Min", "Zhao"),
    "chen.jing": ("Jing", "Chen"),
    "sun.li": ("Li", "Sun"),
}
GRAFANA_ROLES = {"wang.qiang": None, "li.na": "Viewer", "zhao.min": "Editor", "chen.jing": "Admin"}


class Console:
    """The administrator's side of a Keycloak."""

    def __init__(self, server: Keycloak) -> None:
        self.server = server
        self.client = httpx.Client(
            base_url=server.url(f"/admin/realms/{REALM}"), trust_env=False, timeout=ANSWER_S, verify=PLAIN_HTTP
        )
        form = {"grant_type": "password", "client_id": "admin-cli", "username": ADMINISTRATOR, "password": PASSWORD}
        answer = self.client.post(server.url("/realms/master/protocol/openid-connect/token"), data=form)
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def change(self, path: str, **changes: Any) -> None:
        """Change an object."""
        assert self.client.put(path, json={**self.client.get(path).json(), **changes}).is_success

    def client_path(self, name: str) -> str:
        """Return the path of a client of the realm."""
        (found,) = self.client.get("/clients", params={"clientId": name}).json()
        return f"/clients/{found['id']}"

    def person_path(self, name: str) -> str:
        """Return the path of a person."""
        (found,) = self.client.get("/users", params={"username": name, "exact": True}).json()
        return f"/users/{found['id']}"

    def add(self, name: str, groups: list[str] = [], realmRoles: list[str] = []) -> None:  # noqa: B006
        """Add a person, whose password is the name."""
        first, last = NAMES[name]
        entry = {"username": name, "enabled": True, "firstName": first, "lastName": last, "groups": groups}
        more = {"email": f"{name}@example.org", "credentials": [{"type": "password", "value": name}]}
        assert self.client.post("/users", json={**entry, **more}).status_code == 201
        roles = [self.client.get(f"/roles/{role}").json() for role in realmRoles]
        assert self.client.post(f"{self.person_path(name)}/role-mappings/realm", json=roles).is_success

    def claims(self, client: str, name: str) -> dict[str, Any]:
        """Return the claims of the ID token that a person gets as a client's user."""
        form = {"grant_type": "password", "client_id": client, "client_secret": SECRETS["GRAFANA_CLIENT_SECRET"]}
        more = {"username": name, "password": name, "scope": "openid profile email"}
        answer = self.client.post(f"{self.server.issuer}/protocol/openid-connect/token", data={**form, **more})
        claims: dict[str, Any] = jwt.decode(answer.json()["id_token"], options={"verify_signature": False})
        return claims


@pytest.fixture(scope="module")
def console(server_folder: Any) -> Iterator[Console]:
    """A Keycloak with people, started once. Its tokens hold for an hour: the tests set the clock of Hearth forward."""
    if reason := keycloak.why_not():
        pytest.skip(f"NOT TESTED WITH KEYCLOAK: {reason}")
    server = Keycloak(server_folder / "keycloak", keycloak.program()).start()
    try:
        console = Console(server)
        console.change("", accessTokenLifespan=HOUR_S)
        for name, told in PEOPLE.items():
            console.add(name, **told)
        yield console
        console.client.close()
    finally:
        server.remove()


@pytest.fixture
def company(api: Api, console: Console) -> Api:
    """The API whose people sign in there; one home, of a station."""
    town.home(api.conn, station="Dongcheng")
    api.conn.commit()
    api.clock.now = datetime.now(UTC)
    console.change(console.client_path("hearth"), rootUrl=str(api.client.base_url).rstrip("/"))
    issuer = console.server.issuer
    oidc = provider(issuer, "of no token here", f"{issuer}/protocol/openid-connect/certs")
    context = api.app.state.surroundings
    flow = CodeFlow(oidc, "hearth", SECRETS["HEARTH_CLIENT_SECRET"])
    api.app.state.surroundings = replace(context, provider=flow)
    return api


def signs_in(person: Visitor, name: str, start: str) -> None:
    """Sign in at Keycloak's page, to which Hearth's leads, and come back to where a role starts."""
    person.go("/sign-in")
    proves(person, name)
    person.page.wait_for_url(person.base + start)


def proves(person: Visitor, name: str) -> None:
    """Go to Keycloak's page and give name and password there."""
    person.page.click("a.button[href^='/sign-in/provider']")
    person.page.fill("#username", name)
    person.page.fill("#password", name)
    person.page.click("#kc-login")


def is_at(person: Visitor, path: str) -> bool:
    return person.page.url.partition("?")[0] == person.base + path


def staff(conn: Connection) -> set[tuple[str, str, str | None]]:
    conn.rollback()
    return {(row["name"], row["role"], row["station"]) for row in person_rows.everybody(conn)}


def test_people_of_a_keycloak_come_and_go(company: Api, console: Console, visitor: Visitors) -> None:
    """A crew comes in with its station, and out on both sides; a dispatcher who is disabled there is out here."""
    crew = visitor("en", DESKTOP)
    signs_in(crew, "wang.qiang", start_of(Role.CREW))
    assert staff(company.conn) == {("Qiang Wang", "crew", "Dongcheng")}
    asked = next(parse_qs(urlsplit(one).query) for one in crew.foreign if "/protocol/openid-connect/auth?" in one)
    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    crew.page.click("nav .me summary")
    crew.page.click("form[action='/sign-out'] button")
    crew.page.wait_for_url("**/sign-in")
    crew.page.click("a.button[href^='/sign-in/provider']")
    crew.page.wait_for_selector("#password")  # it is asked for again

    console.add("sun.li", groups=["desk"])
    desk = visitor("zh", DESKTOP)
    signs_in(desk, "sun.li", "/desk")
    token = next(c["value"] for c in desk.page.context.cookies() if c.get("name") == "hearth-staff")
    began = company.clock.now
    for minutes in (6, 12):  # each time with the refresh token of before
        company.clock.now = began + timedelta(minutes=minutes)
        desk.go("/account")
        assert is_at(desk, "/account")
    console.change(console.person_path("sun.li"), enabled=False)
    desk.go("/account")
    assert is_at(desk, "/account")  # for some minutes
    company.clock.now = began + timedelta(minutes=18)
    assert company.get("/v1/flags", token).status_code == 401
    desk.go("/account")
    assert is_at(desk, "/sign-in")
    proves(desk, "sun.li")
    desk.page.wait_for_selector("text=Account is disabled")  # says Keycloak


def test_grafana_gives_each_role_its_own(console: Console) -> None:
    """Ask the expression of docker-compose.yml what it makes of the claims of Keycloak's own tokens."""
    if reason := no_trixie(COMPOSE):
        unavailable(f"NOT TESTED WITH DOCKER COMPOSE: {reason}")
    told = config(keycloak.REALM_FILE.parents[2], "docker-compose.yml")["services"]["grafana"]["environment"]
    console.change(console.client_path("grafana"), directAccessGrantsEnabled=True)
    expression = jmespath.compile(told["GF_AUTH_GENERIC_OAUTH_ROLE_ATTRIBUTE_PATH"])
    claims = {name: console.claims("grafana", name) for name in PEOPLE}
    assert {name: expression.search(one) or None for name, one in claims.items()} == GRAFANA_ROLES
    for name, one in claims.items():
        assert one[told["GF_AUTH_GENERIC_OAUTH_LOGIN_ATTRIBUTE_PATH"]] == name
        assert one[told["GF_AUTH_GENERIC_OAUTH_NAME_ATTRIBUTE_PATH"]] == " ".join(NAMES[name])

"""Signing in at an identity provider: a real one over HTTP, which checks the code, the verifier and the client."""

import base64
import hashlib
import html
import json
import re
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from api.http.code_flow import CodeFlow, Journey
from api.http.oidc import provider
from api.staff.provider import JOURNEY_COOKIE
from store.base import access
from store.staff import person_rows
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import browser, sealed
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

CLIENT, SECRET = "hearth pages", "a:secret%"
AT = int(NOW.timestamp())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Realm(ThreadingHTTPServer):
    """An identity provider. `claims` are those of the person in front of it; a test may change all of it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.issuer = f"http://127.0.0.1:{self.server_port}/realm"
        self.metadata: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "end_session_endpoint": f"{self.issuer}/out",
        }
        self.claims: dict[str, Any] = {"sub": "u-1", "name": "Li Na", "hearth_role": "dispatcher"}
        self.key = RSA
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh = "refresh-0"  # the one token that it takes next; empty: it vouches for nobody any more
        self.asked = 0
        self.away = False

    def agree(self, address: str) -> str:
        """Let the person sign in, as the provider's page would; returns the address that the browser is sent to."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["tenant"] == "1"
        assert (asked["response_type"], asked["client_id"], asked["scope"]) == ("code", CLIENT, "openid profile")
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        said = {"code": code, "state": asked["state"], "iss": self.issuer}
        return f"{asked['redirect_uri']}?{urlencode(said)}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, str] | None:
        """Exchange a code, or the present refresh token, once, for the client it was made for."""
        if form["grant_type"] == "refresh_token":
            return self.renewed(form, authorization)
        asked = self.codes.pop(form.get("code", ""), None)
        pair = base64.b64encode(b"hearth%20pages:a%3Asecret%25").decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or authorization != f"Basic {pair}" or asked["code_challenge"] != challenge:
            return None
        if form["grant_type"] != "authorization_code" or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        return self.given(asked["nonce"])

    def renewed(self, form: dict[str, str], authorization: str) -> dict[str, str] | None:
        """Take the present refresh token for the next one."""
        self.asked += 1
        if not self.refresh or form["refresh_token"] != self.refresh or not authorization.startswith("Basic "):
            return None
        self.refresh = f"refresh-{self.asked}"
        return self.given(None)

    def given(self, nonce: str | None) -> dict[str, str]:
        usual = {"iss": self.issuer, "aud": CLIENT, "iat": AT, "exp": AT + 3_600, "nonce": nonce}
        payload = {name: value for name, value in {**usual, **self.claims}.items() if value is not None}
        token = jwt.encode(payload, self.key, "RS256", headers={"kid": "one"})
        return {"id_token": token, "access_token": "x", "refresh_token": self.refresh}


class Desk(BaseHTTPRequestHandler):
    """Answers for the realm."""

    def realm(self) -> Realm:
        assert isinstance(self.server, Realm)
        return self.server

    def do_GET(self) -> None:
        keys = {"keys": [{**json.loads(RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "one", "use": "sig"}]}
        answers = {"/realm/.well-known/openid-configuration": self.realm().metadata, "/realm/keys": keys}
        self.answer(answers.get(self.path), 404)

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        one_each = {name: values[0] for name, values in parse_qs(form).items()}
        self.answer(self.realm().token(one_each, self.headers.get("Authorization", "")), 400)

    def answer(self, told: dict[str, Any] | None, otherwise: int) -> None:
        body = json.dumps(told or {"error": "invalid_grant"}).encode()
        self.send_response(500 if self.realm().away else 200 if told else otherwise)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def realm() -> Iterator[Realm]:
    """The identity provider."""
    server = Realm()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def api(plain_api: Api, realm: Realm) -> Api:
    """The API whose people sign in at the realm; one home, of the North."""
    town.home(plain_api.conn, station="North")
    plain_api.conn.commit()
    oidc = provider(realm.issuer, "another audience", f"{realm.issuer}/keys")
    context = plain_api.app.state.surroundings
    plain_api.app.state.surroundings = replace(context, provider=CodeFlow(oidc, CLIENT, SECRET, rests_s=0))
    return plain_api


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    """A browser in which nobody is signed in."""
    with browser(api) as client:
        yield client


def through(client: httpx.Client, realm: Realm, path: str = "/sign-in/provider") -> httpx.Response:
    """Go to the provider, sign in there, and come back."""
    return client.get(realm.agree(client.get(path).headers["location"]))


def refused(answer: httpx.Response) -> bool:
    return answer.headers["location"] == "/sign-in?notice=provider_refused"


def test_a_person_is_made_of_the_claims_and_signed_in(api: Api, realm: Realm, client: httpx.Client) -> None:
    assert 'href="/sign-in/provider?next=/account"' in client.get("/sign-in?next=/account").text
    answer = through(client, realm, "/sign-in/provider?next=/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    page = client.get("/account").text
    assert "Li Na" in page
    assert 'action="/account/password"' not in page  # there is none
    (person,) = person_rows.everybody(api.conn)
    assert (person["name"], person["role"], person["sign_in_name"]) == ("Li Na", "dispatcher", None)
    assert person["subject"] == f"{realm.issuer} u-1"
    assert client.get("/desk/staff").status_code == 403


def test_a_person_of_the_provider_is_kept_by_administrators_too(api: Api, realm: Realm, client: httpx.Client) -> None:
    realm.claims |= {"hearth_role": "admin"}
    through(client, realm)
    (person,) = person_rows.everybody(api.conn)
    page = client.get(f"/desk/staff/{person['staff_id']}").text
    assert "/invitation" not in page  # there is no name that a password would be for
    token = client.cookies["hearth-staff"]
    fields = {"name": "Li Na", "role": "admin", "telephone": "024 1234"}
    answer = client.post(f"/desk/staff/{person['staff_id']}", data=sealed(token, **fields))
    assert answer.status_code == 303
    assert [row["telephone"] for row in person_rows.everybody(api.conn)] == ["024 1234"]


def test_a_crew_s_station_comes_by_claim(api: Api, realm: Realm, client: httpx.Client) -> None:
    realm.claims |= {"hearth_role": "crew", "hearth_station": "North", "name": None, "preferred_username": "wang"}
    assert through(client, realm).headers["location"].startswith("/crew/begin?person=")
    assert [(row["name"], row["station"]) for row in person_rows.everybody(api.conn)] == [("wang", "North")]


def test_another_role_by_then_ends_sessions_of_before(api: Api, realm: Realm, client: httpx.Client) -> None:
    through(client, realm)
    with browser(api) as another:
        realm.claims |= {"hearth_role": "supervisor", "name": "Li Na (now leading)"}
        through(another, realm)
        assert another.get("/account").status_code == 200
    assert client.get("/account").status_code == 303
    (person,) = person_rows.everybody(api.conn)
    assert (person["name"], person["role"]) == ("Li Na (now leading)", "supervisor")


WRONG: dict[str, dict[str, Any]] = {
    "no role": {"hearth_role": None},
    "a customer": {"hearth_role": "customer", "hearth_homes": ["B1-101"]},
    "two roles": {"hearth_role": ["admin", "crew"]},
    "a crew of no station": {"hearth_role": "crew"},
    "a crew of a station that is not there": {"hearth_role": "crew", "hearth_station": "Nowhere"},
    "another audience": {"aud": "another audience"},
    "an audience among others, for another": {"aud": [CLIENT, "grafana"], "azp": "grafana"},
    "an audience among others, for nobody": {"aud": [CLIENT, "grafana"]},
    "another issuer": {"iss": "https://elsewhere.example"},
    "another nonce": {"nonce": "n"},
    "no nonce": {"nonce": None},
    "over": {"exp": AT - 31},
    "no subject": {"sub": None},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_claims_that_do_not_hold_let_nobody_in(api: Api, realm: Realm, client: httpx.Client, wrong: str) -> None:
    realm.claims |= WRONG[wrong]
    assert refused(through(client, realm))
    assert "did not work" in client.get("/sign-in?notice=provider_refused").text
    assert client.get("/account").status_code == 303
    assert person_rows.everybody(api.conn) == []


def test_an_audience_among_others_holds_for_its_party(realm: Realm, client: httpx.Client) -> None:
    realm.claims |= {"aud": [CLIENT, "grafana"], "azp": CLIENT}
    assert not refused(through(client, realm))


def test_a_key_of_somebody_else_lets_nobody_in(realm: Realm, client: httpx.Client) -> None:
    realm.key = STRANGER
    assert refused(through(client, realm))


def test_an_answer_counts_in_the_browser_that_asked_and_once(api: Api, realm: Realm, client: httpx.Client) -> None:
    """Else somebody could be signed in as somebody else by a link."""
    address = realm.agree(client.get("/sign-in/provider").headers["location"])
    with browser(api) as victim:
        assert refused(victim.get(address))
        victim.get("/sign-in/provider")
        assert refused(victim.get(address))
    assert not refused(client.get(address))
    assert JOURNEY_COOKIE.name not in client.cookies
    assert refused(client.get(address))


@pytest.mark.parametrize(
    "change", [{"state": "x"}, {"state": ""}, {"code": "x"}, {"code": ""}, {"iss": "https://elsewhere.example"}]
)
def test_an_answer_that_was_changed_is_refused(realm: Realm, client: httpx.Client, change: dict[str, str]) -> None:
    parts = urlsplit(realm.agree(client.get("/sign-in/provider").headers["location"]))
    said = {**dict(parse_qsl(parts.query)), **change}
    assert refused(client.get(f"{parts.path}?{urlencode(said)}"))
    assert client.get("/account").status_code == 303


def test_who_does_not_agree_is_told(client: httpx.Client) -> None:
    state = dict(parse_qsl(urlsplit(client.get("/sign-in/provider").headers["location"]).query))["state"]
    assert refused(client.get("/sign-in/provider/back", params={"error": "access_denied", "state": state}))


NESTED = base64.urlsafe_b64encode(b"[" * 3_000).decode()


@pytest.mark.parametrize("cookie", ["", "x", "e30=", "WyIiLCIiLCIiLCIiXQ==", "WzEsMiwzLDRd", "bnVsbA==", NESTED])
def test_a_cookie_that_is_none_of_ours_is_refused(realm: Realm, client: httpx.Client, cookie: str) -> None:
    assert Journey.read(cookie) is None
    client.cookies.set(JOURNEY_COOKIE.name, cookie, domain="127.0.0.1")
    assert refused(client.get("/sign-in/provider/back?code=x&state="))


def test_whose_access_has_ended_is_not_let_in_again(api: Api, realm: Realm, client: httpx.Client) -> None:
    through(client, realm)
    api.conn.execute("UPDATE staff SET active_to = active_from")
    api.conn.commit()
    assert client.get("/account").status_code == 303
    assert refused(through(client, realm))


def test_nobody_is_led_elsewhere_afterwards(realm: Realm, client: httpx.Client) -> None:
    for path in ("https://evil.example/", "//evil.example/desk"):
        assert through(client, realm, f"/sign-in/provider?next={path}").headers["location"] == "/desk"
    journey = Journey("s", "n", "v", "https://evil.example/")
    assert Journey.read(journey.written()) == journey
    address = realm.agree(client.get("/sign-in/provider").headers["location"])
    planted = Journey.read(client.cookies[JOURNEY_COOKIE.name].strip('"'))
    assert planted is not None
    client.cookies.set(
        JOURNEY_COOKIE.name, planted._replace(onward="https://evil.example/").written(), domain="127.0.0.1"
    )
    assert client.get(address).headers["location"] == "/desk"


@pytest.mark.parametrize("change", [{"issuer": "https://elsewhere.example"}, {"token_endpoint": None}])
def test_a_provider_that_says_something_else_is_not_believed(
    realm: Realm, client: httpx.Client, change: dict[str, Any]
) -> None:
    realm.metadata |= change
    first = client.get("/sign-in/provider").headers["location"]
    last = first if first.startswith("/sign-in") else client.get(realm.agree(first)).headers["location"]
    assert last == "/sign-in?notice=provider_away"


def test_without_the_provider_the_page_says_so_and_passwords_still_work(realm: Realm, client: httpx.Client) -> None:
    realm.away = True
    answer = client.get("/sign-in/provider")
    assert answer.headers["location"] == "/sign-in?notice=provider_away"
    page = client.get(answer.headers["location"]).text
    assert "cannot be reached" in page
    assert 'name="password"' in page
    realm.away = False
    assert client.get("/sign-in/provider").headers["location"].startswith(realm.issuer)


def test_one_signs_out_at_the_provider_too(realm: Realm, client: httpx.Client) -> None:
    assert 'href="/sign-in/provider/out"' in client.get("/sign-in?notice=signed_out_says").text
    way = client.get("/sign-in/provider/out").headers["location"]
    assert way.startswith(f"{realm.issuer}/out?client_id=hearth+pages&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1")
    assert way.endswith("%2Fsign-in")


def test_without_a_provider_there_is_no_such_way(plain_api: Api) -> None:
    with browser(plain_api) as client:
        assert "provider" not in client.get("/sign-in").text
        for path in ("", "/back", "/out"):
            assert client.get(f"/sign-in/provider{path}").status_code == 404


def test_a_session_by_the_provider_is_a_token_of_the_api_as_well(api: Api, realm: Realm, client: httpx.Client) -> None:
    through(client, realm)
    token = client.cookies["hearth-staff"]
    found = access.find(api.conn, token, NOW)
    assert found is not None
    assert found.actor.endswith("(Li Na)")
    assert api.get("/v1/flags", token).status_code == 200


def later(api: Api, minutes: float) -> None:
    api.clock.now = NOW + timedelta(minutes=minutes)


def is_in(client: httpx.Client) -> bool:
    return client.get("/account").status_code == 200


def test_the_provider_is_asked_again_and_its_no_ends_the_session_everywhere(
    api: Api, realm: Realm, client: httpx.Client
) -> None:
    through(client, realm)
    token = client.cookies["hearth-staff"]
    later(api, 4)
    assert (is_in(client), realm.asked) == (True, 0)
    for n in (1, 2):  # each refresh token is good once
        later(api, n * 6)
        assert (is_in(client), api.get("/v1/flags", token).status_code, realm.asked) == (True, 200, n)
    ((sealed,),) = api.conn.execute("SELECT sealed FROM credential.provider_tokens").fetchall()
    assert b"refresh" not in sealed
    realm.refresh = ""
    later(api, 16)
    assert is_in(client)
    later(api, 18)
    assert api.get("/v1/flags", token).status_code == 401
    assert not is_in(client)
    assert realm.asked == 3
    realm.refresh = "refresh-0"
    later(api, 19)
    assert not is_in(client)  # it has ended, for good
    assert api.conn.execute("SELECT count(*) FROM credential.provider_tokens").fetchone() == (0,)


def test_a_provider_that_is_away_is_asked_once_a_minute_and_sessions_hold(
    api: Api, realm: Realm, client: httpx.Client
) -> None:
    through(client, realm)
    realm.away = True
    for minutes in (6, 6.5, 7.1):
        later(api, minutes)
        assert is_in(client)
    assert realm.asked == 2
    realm.away = False
    realm.refresh = "refresh-0"
    later(api, 8.2)
    assert is_in(client)
    later(api, 8.2 + 24 * 60)  # unused for too long: the provider is not even asked
    assert not is_in(client)
    assert realm.asked == 3


def test_a_provider_that_did_not_answer_is_not_asked_about_each_session(
    api: Api, realm: Realm, client: httpx.Client
) -> None:
    """Each request that waits for it holds a connection of the pool."""
    context = api.app.state.surroundings
    api.app.state.surroundings = replace(context, provider=replace(context.provider, rests_s=60))
    through(client, realm)
    with browser(api) as another:
        through(another, realm)
        realm.away = True
        later(api, 6)
        assert (is_in(client), is_in(another), realm.asked) == (True, True, 1)


CHANGED: dict[str, dict[str, Any]] = {
    "another role": {"hearth_role": "supervisor"},
    "no role": {"hearth_role": None},
    "a customer": {"hearth_role": "customer", "hearth_homes": ["B1-101"]},
    "a crew of no station": {"hearth_role": "crew"},
    "somebody else": {"sub": "u-2"},
    "another client": {"aud": [CLIENT, "grafana"], "azp": "grafana"},
}


@pytest.mark.parametrize("changed", CHANGED)
def test_other_claims_by_then_end_the_session(api: Api, realm: Realm, client: httpx.Client, changed: str) -> None:
    through(client, realm)
    realm.claims |= CHANGED[changed]
    later(api, 6)
    assert not is_in(client)
    (person,) = person_rows.everybody(api.conn)
    assert person["role"] == ("supervisor" if changed == "another role" else "dispatcher")


def test_of_requests_at_once_one_asks(api: Api, realm: Realm, client: httpx.Client) -> None:
    through(client, realm)
    token = client.cookies["hearth-staff"]
    later(api, 6)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: api.get("/v1/flags", token).status_code, range(4)))
    assert (answers, realm.asked) == ([200] * 4, 1)


def test_tokens_of_another_session_open_nothing(api: Api, realm: Realm, client: httpx.Client) -> None:
    """Put the tokens of one session to another one in the database: only the browser has what they are opened with."""
    through(client, realm)
    with browser(api) as another:
        through(another, realm)
        api.conn.execute(
            "UPDATE credential.provider_tokens SET sealed = (SELECT min(sealed) FROM credential.provider_tokens)"
        )
        api.conn.commit()
        later(api, 6)
        assert sorted((is_in(client), is_in(another))) == [False, True]


def test_signing_out_leads_to_the_provider_with_the_token_of_the_session(
    api: Api, realm: Realm, client: httpx.Client
) -> None:
    through(client, realm)
    token = client.cookies["hearth-staff"]
    answer = client.post("/sign-out", data=sealed(token))
    way = html.unescape(re.findall('content="0; url=([^"]+)"', answer.text)[0])
    said = dict(parse_qsl(urlsplit(way).query))
    assert way.startswith(f"{realm.issuer}/out?")
    assert said["post_logout_redirect_uri"].endswith("/sign-in")
    assert jwt.decode(said["id_token_hint"], options={"verify_signature": False})["sub"] == "u-1"
    assert not is_in(client)
    assert api.get("/v1/flags", token).status_code == 401

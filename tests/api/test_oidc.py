"""Tokens of an identity provider: signatures checked against keys that a real HTTP server gives."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from api.http.guard import Guard
from api.http.oidc import KeyFile, Oidc, provider
from store.base import access
from tests.api import town
from tests.api.answers import check
from tests.api.conftest import Api, served_database
from tests.api.town import NOW
from tests.conftest import Database

ISSUER, AUDIENCE = "https://id.example/realm", "hearth"
AT = int(NOW.timestamp())
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_set(*more: dict[str, Any]) -> dict[str, Any]:
    one = json.loads(RSAAlgorithm.to_jwk(RSA.public_key()))
    two = json.loads(ECAlgorithm.to_jwk(EC.public_key()))
    return {"keys": [{**one, "kid": "rsa", "use": "sig", "alg": "RS256"}, {**two, "kid": "ec", "use": "sig"}, *more]}


class Provider(ThreadingHTTPServer):
    """Serves a JWKS; `answer` may be changed, None is a failure."""

    answer: dict[str, Any] | None
    asked = 0


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Provider)
        self.server.asked += 1
        body = json.dumps(self.server.answer).encode()
        self.send_response(200 if self.server.answer else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def identity() -> Iterator[Provider]:
    """An identity provider."""
    server = Provider(("127.0.0.1", 0), Page)
    server.answer = key_set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def api(plain_database: Database, identity: Provider) -> Iterator[Api]:
    """The API, believing the provider; a home of the North and one of the South."""
    address = f"http://127.0.0.1:{identity.server_port}/keys"
    with served_database(plain_database, Guard(oidc=provider(ISSUER, AUDIENCE, address))) as api:
        town.home(api.conn, "mine")
        town.home(api.conn, "far", building="B2", station="South")
        yield api


def token(key: Any = RSA, kid: str = "rsa", algorithm: str = "RS256", **claims: Any) -> str:
    """Return a token that holds, but for what is said otherwise; a claim of None is left out."""
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u-1", "iat": AT, "exp": AT + 300, "hearth_role": "dispatcher"}
    payload = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return jwt.encode(payload, key, algorithm, headers={"kid": kid})


def test_a_person_reaches_what_the_role_reaches(api: Api) -> None:
    desk = token()
    crew = token(hearth_role="crew", hearth_station="North")
    customer = token(hearth_role="customer", hearth_homes=["mine", "unknown"])
    for bearer, mine, far in ((desk, 200, 200), (crew, 200, 404), (customer, 200, 404)):
        assert api.get("/v1/homes/mine", bearer).status_code == mine
        assert api.get("/v1/homes/far", bearer).status_code == far


def test_other_algorithms_with_private_keys_hold_too(api: Api) -> None:
    assert api.get("/v1/flags", token(EC, "ec", "ES256")).status_code == 200


WRONG: dict[str, dict[str, Any]] = {
    "another key": {"key": STRANGER},
    "a key nobody has": {"kid": "other"},
    "an algorithm with a shared secret": {"key": "s" * 40, "algorithm": "HS256"},
    "another issuer": {"iss": "https://elsewhere.example"},
    "another audience": {"aud": "grafana"},
    "no audience": {"aud": None},
    "no end": {"exp": None},
    "over": {"exp": AT - 31},
    "not yet": {"nbf": AT + 31},
    "issued in the future": {"iat": AT + 31},
    "no subject": {"sub": None},
    "no role": {"hearth_role": None},
    "an unknown role": {"hearth_role": "king"},
    "two roles": {"hearth_role": ["admin", "crew"]},
    "a crew of no station": {"hearth_role": "crew"},
    "a customer of no home": {"hearth_role": "customer"},
    "homes that are no text": {"hearth_role": "customer", "hearth_homes": [1]},
    "an end that is no time": {"exp": "soon"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_hold_is_refused_without_a_reason(api: Api, wrong: str) -> None:
    body = check(api.get("/v1/flags", token(**WRONG[wrong])), 401)
    assert body["detail"] == "the token is unknown, expired or revoked"


@pytest.mark.parametrize("text", ["a.b.c", "..", "eyJhbGciOiJub25lIn0.e30.", "x" * 9_000, f"{'W1tb' * 900}.e30."])
def test_what_is_no_token_is_refused(api: Api, text: str) -> None:
    check(api.get("/v1/flags", text), 401)


def test_an_unsigned_token_is_refused(api: Api) -> None:
    payload = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u", "exp": AT + 300, "hearth_role": "admin"}
    check(api.get("/v1/flags", jwt.encode(payload, "", "none", headers={"kid": "rsa"})), 401)


def test_clocks_may_differ_a_little(api: Api) -> None:
    for times in ({"exp": AT - 29}, {"nbf": AT + 29}, {"iat": AT + 29}):
        claims: dict[str, Any] = dict(times)
        assert api.get("/v1/flags", token(**claims)).status_code == 200


def test_the_role_may_lie_deeper_and_among_others(plain_database: Database, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(key_set()))
    oidc = Oidc(ISSUER, AUDIENCE, KeyFile(file), role_claim="realm_access.roles", homes_claim="https://x.example/homes")
    with served_database(plain_database, Guard(oidc=oidc)) as api:
        town.home(api.conn, "mine")
        claims: dict[str, Any] = {
            "hearth_role": None,
            "realm_access": {"roles": ["offline_access", "customer"]},
            "https://x.example/homes": "mine",
        }
        assert api.get("/v1/homes/mine", token(**claims)).status_code == 200
        # A key that is new in the file is found, one that has gone is not believed any more.
        new = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        check(api.get("/v1/homes/mine", token(new, "new", **claims)), 401)
        jwk = {**json.loads(RSAAlgorithm.to_jwk(new.public_key())), "kid": "new"}
        file.write_text(json.dumps({"keys": [jwk]}) + "\n")
        assert api.get("/v1/homes/mine", token(new, "new", **claims)).status_code == 200
        check(api.get("/v1/homes/mine", token(**claims)), 401)


def test_rights_come_from_the_scope(api: Api) -> None:
    assert api.get("/v1/flags", token(scope="openid hearth:read")).status_code == 200
    check(api.get("/v1/flags", token(scope="openid hearth:write")), 403)
    assert api.get("/v1/flags", token(scope="openid")).status_code == 200


def test_without_its_keys_nobody_is_let_in_and_ours_still_are(api: Api, identity: Provider) -> None:
    identity.answer = None
    check(api.get("/v1/flags", token()), 503)
    assert api.get("/v1/flags", api.token()).status_code == 200


def test_the_provider_is_not_asked_for_each_request(api: Api, identity: Provider) -> None:
    for _ in range(5):
        api.get("/v1/flags", token())
        api.get("/v1/flags", token(kid="no such key"))
    assert identity.asked == 1


def test_without_a_provider_its_tokens_are_nothing(plain_api: Api) -> None:
    check(plain_api.get("/v1/flags", token()), 401)


def test_our_own_tokens_expire_beside_it(api: Api) -> None:
    expired = access.create(api.conn, access.TokenGrant(access.Role.ADMIN, expires_at=NOW - timedelta(seconds=1)), NOW)
    check(api.get("/v1/flags", expired), 401)

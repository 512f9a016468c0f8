"""The guard around every request: headers, sizes, limits, ETags, other pages' scripts."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest
from fastapi import FastAPI

from api.app import ROUTERS
from api.http.guard import FILES, Guard, surround
from api.http.limits import LONGEST_DELAY_S, PATIENT, Limiter, Windows, subscriber
from api.http.problem import answer_with_problems
from api.staff.file_form import FileFormRoute
from api.staff.session import StaffRoute
from domain.rate_limit import RateLimit
from tests.api import town
from tests.api.answers import check
from tests.api.conftest import Api, served, served_database
from tests.conftest import ANSWER_S, PLAIN_HTTP, Database

pytestmark = pytest.mark.plain_only

ORIGIN = "https://portal.example"
Serve = Callable[[Guard], AbstractContextManager[Api]]


@pytest.fixture
def serve(plain_database: Database) -> Serve:
    """Runs the API with a guard."""
    return lambda guard: served_database(plain_database, guard)


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **more}


def test_answers_carry_headers_that_keep_browsers_out_of_trouble(plain_api: Api) -> None:
    for answer in (plain_api.client.get("/healthz"), plain_api.get("/v1/flags"), plain_api.client.get("/v1/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "strict-transport-security" not in answer.headers
        assert "server" not in answer.headers or "uvicorn" in answer.headers["server"]
    assert plain_api.get("/v1/flags").headers["cache-control"] == "no-store"


def test_a_body_has_its_limit_whether_it_says_how_long_it_is_or_not() -> None:
    app = FastAPI()
    answer_with_problems(app)
    surround(app, Guard(body_bytes=1_000))

    @app.post("/v1/count")
    def count(body: dict[str, str]) -> int:
        return len(body["x"])

    def dripping(size: int) -> Iterator[bytes]:
        yield from (b'{"x":"', *[b"x" * 100] * (size // 100), b'"}')

    with served(app) as url, httpx.Client(base_url=url, trust_env=False, timeout=ANSWER_S, verify=PLAIN_HTTP) as client:
        for body in (b"x" * 1_001, dripping(1_000)):
            check(client.post("/v1/count", content=body, headers={"Content-Type": "application/json"}), 413)
        assert (
            client.post("/v1/count", content=dripping(900), headers={"Content-Type": "application/json"}).json() == 900
        )


@pytest.mark.parametrize("path", ["/sign-in", "/desk/call", "/desk/registry/uploads"])
@pytest.mark.parametrize("charset", ["punycode", "UTF-7", '"raw_unicode_escape"'])
def test_a_form_is_in_utf8(plain_api: Api, path: str, charset: str) -> None:
    """Python has codecs that are quadratic, and some that make halves of characters; a form may name any of them."""
    form = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\na-' + b"b" * 60_000 + b"\r\n--x--\r\n"
    origin = {"Origin": str(plain_api.client.base_url).rstrip("/")}
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    check(plain_api.client.post(path, content=form, headers={**origin, "Content-Type": kind}), 415)
    utf8 = "multipart/form-data; boundary=x; charset=UTF-8"
    assert plain_api.client.post(path, content=form, headers={**origin, "Content-Type": utf8}).status_code != 415


@pytest.mark.parametrize(
    "path", ["/desk/registry/uploads", "/desk/rules/trial", "/desk/tickets/T00000001/files", "/crew/tickets/T1/files"]
)
def test_who_sends_a_file_is_known_before_it_is_read(plain_api: Api, path: str) -> None:
    url = plain_api.client.base_url
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {url.host}:{url.port}",
        "Cookie: hearth-staff=hearth_of-nobody",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Length: 8000000",
    )
    with socket.create_connection((url.host, url.port or 80), timeout=ANSWER_S) as stranger:
        stranger.sendall(("\r\n".join(lines) + "\r\n\r\n--x").encode())
        assert stranger.recv(100).startswith(b"HTTP/1.1 303")


def test_every_form_that_may_be_long_knows_its_sender_first() -> None:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, StaffRoute)]
    long = [route for route in routes if "POST" in (route.methods or ()) and FILES.fullmatch(route.path)]
    assert len(long) >= 4
    assert [route.path for route in long if not isinstance(route, FileFormRoute)] == []


def test_an_address_that_asks_too_much_waits(serve: Serve) -> None:
    with serve(Guard(limiter=Limiter(per_address="3/minute"))) as api:
        token = api.token()
        assert [api.get("/v1/flags", token).status_code for _ in range(3)] == [200] * 3
        answer = api.get("/v1/flags", token)
        check(answer, 429)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert api.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/v1/status", "/status", "/home"])
def test_what_needs_no_token_is_counted_too(serve: Serve, path: str) -> None:
    with serve(Guard(limiter=Limiter(per_address="3/minute"))) as api:
        told = [api.client.get(path).status_code for _ in range(4)]
        assert told == [401 if path == "/home" else 200] * 3 + [429]


def test_a_token_that_asks_too_much_waits_and_no_other(serve: Serve) -> None:
    with serve(Guard(limiter=Limiter(per_token="1/2second"))) as api:
        token, other = api.token(), api.token()
        told = [api.get("/v1/flags", token).status_code for _ in range(6)]
        assert told[0] == 200
        assert 429 in told
        assert api.get("/v1/flags", other).status_code == 200
        time.sleep(2.1)
        assert api.get("/v1/flags", token).status_code == 200


def test_wrong_tokens_are_answered_ever_later_and_right_ones_at_once(plain_api: Api) -> None:
    right = plain_api.token()

    def seconds(token: str) -> float:
        begun = time.monotonic()
        assert plain_api.get("/v1/flags", token).status_code == (200 if token == right else 401)
        return time.monotonic() - begun

    for _ in range(PATIENT + 2):
        seconds("hearth_wrong")
    assert seconds("hearth_wrong") > 0.7
    assert min(seconds(right) for _ in range(3)) < 0.5  # a busy machine only adds


def test_the_delay_doubles_up_to_its_limit() -> None:
    limiter = Limiter()
    delays = [limiter.delay_wrong("a") for _ in range(12)]
    assert delays[:PATIENT] == [0.0] * PATIENT
    assert delays[PATIENT : PATIENT + 3] == [0.2, 0.4, 0.8]
    assert delays[-1] == LONGEST_DELAY_S
    assert limiter.delay_wrong("b") == 0.0


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/minute", RateLimit(600, 60)),
        ("20/second", RateLimit(20, 1)),
        ("100 per 5 minutes", RateLimit(100, 300)),
        ("2/2second", RateLimit(2, 2)),
        ("10/day", RateLimit(10, 86_400)),
    ],
)
def test_rates(text: str, rate: RateLimit) -> None:
    assert RateLimit.parse(text) == rate


@pytest.mark.parametrize(
    "text", ["", "600", "/minute", "-1/minute", "600/fortnight", "1.5/second", "600/minute;1/second"]
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="is not a limit such as 600/minute"):
        RateLimit.parse(text)


def test_a_window_begins_with_its_first_event_and_ends() -> None:
    windows, key = Windows(), ("token", "a")
    assert [windows.count(key, 0.2)[0] for _ in range(3)] == [1, 2, 3]
    assert windows.count(("token", "b"), 0.2)[0] == 1
    time.sleep(0.25)
    assert windows.count(key, 0.2)[0] == 1


def test_addresses_of_one_subscriber_count_together() -> None:
    limiter = Limiter(per_address="3/minute")
    for n in range(PATIENT):
        assert limiter.delay_wrong(f"2001:db8:1:2::{n:x}") == 0.0
    assert limiter.delay_wrong("2001:db8:1:2:ffff:ffff:ffff:ffff") > 0
    assert limiter.delay_wrong("2001:db8:1:3::1") == 0.0
    assert [subscriber(a) for a in ("192.0.2.7", "::ffff:192.0.2.7", "fe80::1%eth0", "unix")] == [
        "192.0.2.7", "192.0.2.7", "fe80::/64", "unix",
    ]  # fmt: skip
    for n in range(3):
        assert limiter.wait_address(f"2001:db8:9:9:{n}::1") == 0
    assert limiter.wait_address("2001:db8:9:9:abcd::") > 0
    assert limiter.wait_address("192.0.2.1") == 0


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/%6detrics", "/read%79z", "/metrics?x"])
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "X-Real-IP", "Via"])
def test_what_is_for_the_inside_is_not_there_behind_a_proxy(plain_api: Api, path: str, header: str) -> None:
    assert plain_api.client.get(path).status_code == 200
    assert plain_api.client.get(path, headers={header: "x"}).status_code == 404


def preflight(api: Api) -> httpx.Response:
    wish = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    return api.client.options("/v1/flags", headers=wish)


def test_pages_of_others_may_not_ask_unless_they_are_named(serve: Serve) -> None:
    with serve(Guard()) as api:
        assert "access-control-allow-origin" not in preflight(api).headers
        answer = api.client.get("/v1/flags", headers=bearer(api.token(), Origin=ORIGIN))
        assert "access-control-allow-origin" not in answer.headers
    with serve(Guard(cors_origins=[ORIGIN])) as api:
        assert preflight(api).headers["access-control-allow-origin"] == ORIGIN
        other = api.client.get("/healthz", headers={"Origin": "https://elsewhere.example"})
        assert "access-control-allow-origin" not in other.headers


def test_who_has_it_already_gets_304(api: Api) -> None:
    town.home(api.conn)
    token = api.token()
    first = api.get("/v1/homes/B1-101", token)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for wanted in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = api.client.get("/v1/homes/B1-101", headers=bearer(token, **{"If-None-Match": wanted}))
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    api.conn.execute("UPDATE home_state SET state = 5")
    api.conn.commit()
    changed = api.client.get("/v1/homes/B1-101", headers=bearer(token, **{"If-None-Match": tag}))
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_a_problem_has_no_etag(plain_api: Api) -> None:
    assert "etag" not in plain_api.get("/v1/homes/nobody", plain_api.token()).headers

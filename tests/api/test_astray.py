"""A browser that went astray gets a page, and a program a problem, of the same status."""

import httpx
import pytest

from api.http.guard import Guard
from api.http.limits import Limiter
from tests.api import town
from tests.api.answers import check
from tests.api.conftest import Api, served_database
from tests.api.staff import browser, member, session_of
from tests.conftest import ANSWER_S, PLAIN_HTTP, Database

pytestmark = pytest.mark.plain_only

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}


def asked(api: Api, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{api.client.base_url}{path}", headers=headers, timeout=ANSWER_S, verify=PLAIN_HTTP)


@pytest.mark.parametrize("path", ["/nothing", "/desk/nothing/at/all", "/status/nothing", "/calendar/wrong.ics", "/v2"])
def test_no_such_page(plain_api: Api, path: str) -> None:
    shown = asked(plain_api, path, **BROWSER)
    program = asked(plain_api, path)
    assert (shown.status_code, program.headers["content-type"]) == (program.status_code, "application/problem+json")
    assert "Page not found" in shown.text
    assert shown.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert (shown.headers["x-content-type-options"], shown.headers["cache-control"]) == ("nosniff", "no-store")


def test_the_api_answers_programs_whatever_they_accept(plain_api: Api) -> None:
    check(asked(plain_api, "/v1/nothing", **BROWSER), 404)


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/desk/call/take?lang=zh", "/desk/call?lang=zh"),
        ("/desk/homes/B1-101/heat", "/desk/homes/B1-101"),
        ("/desk/tokens/1/end", "/desk/tokens"),
        ("/account/password", "/account"),
        ("/sign-out", None),
    ],
)
def test_the_address_of_a_form_leads_to_its_page(plain_api: Api, path: str, page: str | None) -> None:
    answer = asked(plain_api, path, **BROWSER)
    assert (answer.status_code, answer.headers.get("location")) == ((303, page) if page else (405, None))
    assert asked(plain_api, path).status_code == 405


def test_a_refused_form_is_read_in_the_other_language(plain_api: Api) -> None:
    town.home(plain_api.conn)
    with browser(plain_api, session_of(plain_api.conn, member(plain_api.conn))) as desk:
        seal = desk.get("/desk/call").text.partition('name="key" value="')[2]
        key, _, rest = seal.partition('"')
        code = rest.partition('name="code" value="')[2].partition('"')[0]
        before = {"Referer": f"{desk.headers['Origin']}/desk/call?home=B1-101"}
        form = {"home": "B1-101", "kind": "leak", "words": "", "about": "new", "key": key, "code": code}
        refused = desk.post("/desk/call/take", data=form, headers=before)
    assert refused.status_code == 422
    assert 'class="language" href="/desk/call?home=B1-101&amp;lang=zh"' in refused.text


def test_limits_are_told_on_a_page(plain_database: Database) -> None:
    guard = Guard(body_bytes=100, limiter=Limiter(per_address="3/minute"))
    with served_database(plain_database, guard) as api:
        door = f"{api.client.base_url}/sign-in"
        long = httpx.post(door, data={"name": "x" * 200}, headers=BROWSER, verify=PLAIN_HTTP)
        assert (long.status_code, "longer than allowed" in long.text) == (413, True)
        answers = [asked(api, "/status", **BROWSER) for _ in range(4)]
    assert (answers[-1].status_code, "Too many requests" in answers[-1].text) == (429, True)
    assert int(answers[-1].headers["retry-after"]) > 0

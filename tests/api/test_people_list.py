"""The list of the company's people: a page at a time, and found by what is known of somebody."""

import html
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.api.conftest import Api
from tests.api.staff import browser, member, sealed, session_of

pytestmark = pytest.mark.plain_only

NAMES = [f"Person {n:03}" for n in range(120)]


@pytest.fixture
def admin(plain_api: Api) -> Iterator[tuple[httpx.Client, str]]:
    """The browser of an administrator among 120 others, and the token of the session."""
    token = session_of(plain_api.conn, member(plain_api.conn, "admin", "the.admin", name="The Admin"))
    for n, name in enumerate(NAMES):
        member(plain_api.conn, sign_in_name=f"person.{n:03}", name=name)
    with browser(plain_api, token) as client:
        yield client, token


def listed(answer: httpx.Response) -> list[str]:
    """Return the names on a page."""
    return re.findall(r'<th scope="row"><a href="/desk/staff/\d+">([^<]+)<', answer.text)


def test_people_are_shown_a_page_at_a_time(admin: tuple[httpx.Client, str]) -> None:
    client, token = admin
    first = client.get("/desk/staff")
    (onward,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = client.get(html.unescape(onward))
    assert [len(listed(page)) for page in (first, second)] == [100, 21]
    assert sorted(listed(first) + listed(second)) == [*NAMES, "The Admin"]
    assert 'rel="next"' not in second.text
    assert 'href="/desk/staff">Back to the first page' in second.text
    assert all('<span class="number">121</span>' in page.text for page in (first, second))
    assert client.get("/desk/staff", params={"cursor": "x"}).status_code == 422

    refused = client.post("/desk/staff", data=sealed(token, name="", role="dispatcher", language="en"))
    assert (refused.status_code, listed(refused)) == (422, listed(first))


def test_people_are_found_on_all_pages(admin: tuple[httpx.Client, str]) -> None:
    client, _ = admin
    assert listed(client.get("/desk/staff", params={"q": " PERSON 11 "})) == NAMES[110:]
    assert listed(client.get("/desk/staff", params={"q": "son.00"})) == NAMES[:10]
    many = client.get("/desk/staff", params={"q": "person"})
    (onward,) = re.findall(r'rel="next" href="([^"]+)"', many.text)
    assert listed(client.get(html.unescape(onward))) == NAMES[100:]
    nobody = client.get("/desk/staff", params={"q": "nobody <b>"}).text
    assert "Nobody was found" in nobody
    assert "nobody <b>" not in nobody
    assert client.get("/desk/staff", params={"q": "\x00"}).status_code == 404

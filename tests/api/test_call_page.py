"""The page of a call over HTTP: roles, seals of forms, what is on record, and what is in no address."""

import html
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.staff.session import COOKIE
from registry.place_index import bring_up
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import browser, member, session_of

SEAL = re.compile(r'name="key" value="([^"]+)"><input type="hidden" name="code" value="([^"]+)"')
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
AUDIT = "SELECT actor, action, detail FROM audit WHERE action LIKE '%/call%' ORDER BY audit_id"
KEPT = "SELECT description, actor FROM ticket JOIN ticket_event USING (ticket_id)"
COUNT = "SELECT count(*) FROM ticket"


@pytest.fixture
def desk(plain_api: Api) -> Iterator[httpx.Client]:
    """The browser of a dispatcher, in a town of two homes."""
    town.home(plain_api.conn)
    town.home(plain_api.conn, "B1-102")
    bring_up(plain_api.conn)
    with browser(plain_api, session_of(plain_api.conn, member(plain_api.conn))) as client:
        yield client


def seal(client: httpx.Client, path: str = "/desk/call") -> dict[str, str]:
    """Return the fields that prove that a form is of this site."""
    found = SEAL.findall(client.get(path).text)[-1]
    return {"key": found[0], "code": found[1]}


def take(client: httpx.Client, **fields: str) -> httpx.Response:
    return client.post("/desk/call/take", data={"home": "B1-101", **seal(client), **fields})


def test_a_search_is_a_form_that_leaves_no_trace(desk: httpx.Client, plain_api: Api) -> None:
    answer = desk.post("/desk/call", data={**seal(desk), "q": "b1-101"})
    assert answer.status_code == 200
    assert "/desk/call?home=B1-101" in answer.text
    part = desk.post("/desk/call", data={**seal(desk), "q": "b1", "part": "found"})
    assert "<html" not in part.text
    assert part.text.count("data-home=") == 2
    assert desk.post("/desk/call", data={"q": "b1"}).status_code == 403
    assert desk.post("/desk/call", data={**seal(desk), "q": "\x00 <b>"}).status_code == 200
    assert plain_api.conn.execute(AUDIT).fetchall() == []


def test_each_home_that_was_looked_at_is_on_record(desk: httpx.Client, plain_api: Api) -> None:
    assert desk.get("/desk/call", params={"home": "B1-101"}).status_code == 200
    assert desk.get("/desk/call/panel", params={"home": "B1-102"}).status_code == 200
    assert desk.get("/desk/call", params={"home": "nowhere"}).status_code == 404
    entries: list[Any] = plain_api.conn.execute(AUDIT).fetchall()
    assert [
        (actor.endswith("(Li Na)"), action, detail["home"], detail["people"]) for actor, action, detail in entries
    ] == [
        (True, "GET /desk/call", "B1-101", 0),
        (True, "GET /desk/call/panel", "B1-102", 0),
    ]


def test_a_call_is_taken_down_once_however_often_it_is_sent(desk: httpx.Client, plain_api: Api) -> None:
    fields = {"home": "B1-101", **seal(desk), "kind": "leak", "words": "it drips", "contact": "", "responsible": "Wang"}
    for _ in range(2):
        answer = desk.post("/desk/call/take", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/tickets/T00000001")
    assert plain_api.conn.execute(COUNT).fetchone() == (1,)


def test_what_is_not_taken_is_shown_with_what_was_told(desk: httpx.Client, plain_api: Api) -> None:
    empty = take(desk, kind="leak", words="", contact="139")
    assert empty.status_code == 422
    assert "call-description-fault" in empty.text
    assert 'value="139"' in empty.text
    assert take(desk, kind="", words="it drips").status_code == 422
    assert take(desk, kind="leak", words="it drips").status_code == 303
    unsaid = take(desk, kind="leak", words="it still drips")
    assert unsaid.status_code == 409
    assert "call-refused" in unsaid.text
    assert "it still drips" in unsaid.text
    assert take(desk, words="it still drips", about="T00000001").status_code == 303
    assert take(desk, kind="repair", words="a valve", about="new").status_code == 303
    assert take(desk, home="nowhere", kind="leak", words="it drips").status_code == 404
    assert plain_api.conn.execute(COUNT).fetchone() == (2,)


def test_a_call_about_a_building_or_a_substation_is_taken_down_once(desk: httpx.Client, plain_api: Api) -> None:
    path = "/desk/call/place"
    assert f'href="{path}"' in desk.get("/desk/call").text
    found = desk.get(path, params={"q": "b1"}).text
    (place,) = set(re.findall(rf'href="({path}\?building=[^"]+)"', found))
    assert "B1-101" not in found  # a home has a page of its own
    assert "Nothing found" in desk.get(path, params={"q": "nowhere"}).text
    assert desk.get(path, params={"building": "nowhere"}).status_code == 404
    code = place.partition("=")[2]
    form = {"building": code, **seal(desk, place), "class": "leak", "contact": "139"}
    empty = desk.post(path, data={**form, "description": " "})
    assert (empty.status_code, "place-description-fault" in empty.text, 'value="139"' in empty.text) == (
        422,
        True,
        True,
    )
    for _ in range(2):
        answer = desk.post(path, data={**form, "description": "water in the cellar"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/tickets/T00000001")
    again = {**form, **seal(desk, place), "class": "repair", "description": "it still runs"}
    unsaid = desk.post(path, data=again)
    assert (unsaid.status_code, 'name="about" value="T00000001" checked' in unsaid.text) == (409, True)
    assert "it still runs" in unsaid.text
    assert desk.post(path, data={**again, "about": "T00000001"}).headers["location"] == "/desk/tickets/T00000001"
    other = desk.post(path, data={**again, "about": "new"})
    assert other.headers["location"] == "/desk/tickets/T00000002"
    assert plain_api.conn.execute("SELECT class, building_id IS NULL FROM ticket ORDER BY 1").fetchall() == [
        ("leak", False),
        ("repair", False),
    ]
    for building, status in (("", 422), ("nowhere", 404), ("\0", 422)):
        assert desk.post(path, data={**again, "building": building, "about": ""}).status_code == status


def test_calling_the_user_is_noted_with_one_press(desk: httpx.Client, plain_api: Api) -> None:
    assert "attempt-again" not in desk.get("/desk/call", params={"home": "B1-101"}).text  # nothing is open
    assert take(desk, kind="leak", words="it drips").status_code == 303
    assert "attempt-again" in desk.get("/desk/call", params={"home": "B1-101"}).text
    sealed = seal(desk)

    def attempt(what: str, again_at: str = "", number: str = "T00000001") -> httpx.Response:
        fields = {"home": "B1-101", **sealed, "number": number, "what": what, "again_at": again_at}
        return desk.post("/desk/call/attempt", data=fields)

    for _ in range(2):
        assert attempt("tried", "2026-01-15T14:30").status_code == 303
    assert "to be called again 14:30" in re.sub("<[^>]*>", "", desk.get("/desk/call", params={"home": "B1-101"}).text)
    assert attempt("contacted").headers["location"] == "/desk/call?home=B1-101#call-last"
    events = plain_api.conn.execute(
        "SELECT kind, data FROM ticket_event WHERE kind IN ('tried', 'contacted') ORDER BY seq"
    ).fetchall()
    assert events == [("tried", {"again_at": "2026-01-15T14:30:00+08:00"}), ("contacted", {})]
    assert attempt("tried", "soon").status_code == 422
    assert attempt("tried", number="T00000009").status_code == 404
    assert attempt("closed").status_code == 400


def test_the_page_is_for_the_desk(desk: httpx.Client, plain_api: Api) -> None:
    person = member(plain_api.conn, "crew", "wang", name="Wang", station="North")
    with browser(plain_api, session_of(plain_api.conn, person)) as crew:
        assert crew.get("/desk/call").status_code == 403
        assert crew.get("/desk/call/panel", params={"home": "B1-101"}).status_code == 403
    with browser(plain_api) as nobody:
        assert nobody.get("/desk/call").headers["location"].startswith("/sign-in?next=/desk/call")


def written(page: str) -> list[tuple[str, str]]:
    """Return the fields of the form that a page shows again."""
    return [(name, html.unescape(value)) for name, value in FIELD.findall(page.partition("<main")[2])]


def test_what_was_written_outlives_the_session(desk: httpx.Client, plain_api: Api) -> None:
    words = 'Water <b>"everywhere"</b>\nin the hall'
    form = {"home": "B1-101", **seal(desk), "kind": "leak", "words": words, "contact": "13900000001", "about": "new"}
    desk.cookies.delete(COOKIE, domain="127.0.0.1")
    refused = desk.post(
        "/desk/call/take", data=form, headers={"Referer": f"{desk.headers['Origin']}/desk/call?home=B1-101"}
    )
    assert refused.status_code == 401
    assert 'href="/sign-in?next=/desk/call%3Fhome%3DB1-101" target="_blank"' in refused.text
    assert (dict(written(refused.text)), plain_api.conn.execute(COUNT).fetchone()) == (form, (0,))

    desk.cookies.set(COOKIE, session_of(plain_api.conn, member(plain_api.conn, "supervisor", "wu", name="Wu")))
    plain_api.conn.commit()
    asked = desk.post("/desk/call/take", data=dict(written(refused.text)))
    again = dict(written(asked.text))
    assert (asked.status_code, plain_api.conn.execute(COUNT).fetchone()) == (403, (0,))
    assert {**again, "code": ""} == {**form, "code": ""}
    taken = [desk.post("/desk/call/take", data=again).headers["location"] for _ in range(2)]
    assert taken == ["/desk/tickets/T00000001"] * 2
    kept = plain_api.conn.execute(
        "SELECT description, actor FROM ticket JOIN ticket_event USING (ticket_id)"
    ).fetchall()
    assert {(text, actor.endswith("(Wu)")) for text, actor in kept} == {(words, True)}


def test_no_other_site_and_no_secret_comes_again(desk: httpx.Client) -> None:
    form = {"home": "B1-101", "key": "k" * 32, "code": "forged", "kind": "leak", "words": "pour", "about": "new"}
    ours = desk.headers.pop("Origin")
    for origin in ("https://evil.example", "null", None):
        headers = {"Origin": origin} if origin else {}
        asked = desk.post("/desk/call/take", data=form, headers=headers)
        assert (asked.status_code, "pour" in asked.text, written(asked.text)) == (403, False, [])
    desk.headers["Origin"] = ours
    passwords = {**form, "present": "four unrelated words", "new": "words", "again": "words"}
    assert "unrelated" not in desk.post("/account/password", data=passwords).text
    desk.cookies.delete(COOKIE, domain="127.0.0.1")
    assert desk.post("/account/password", data=passwords).headers["location"] == "/sign-in"

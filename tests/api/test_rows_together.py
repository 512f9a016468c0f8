"""The rows of the queue, asked for by many desks at once, are those of the route, byte for byte, each of its person."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from starlette.responses import HTMLResponse

from api.desk_pages import queue_routes, rows_together
from api.http.guard import Guard
from api.http.limits import Limiter
from api.pages.visit import LANGUAGE_COOKIE
from store.staff import session_rows
from tests.api import town
from tests.api.conftest import Api, served_database
from tests.api.desk import Desk
from tests.api.staff import browser, member, session_of
from tests.api.town import NOW
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

SCRIPT = {"Sec-Fetch-Dest": "empty"}
END_STAFF = "UPDATE staff SET active_to = %s WHERE staff_id = %s"
PLACE = re.compile(r'data-at="[^"]*"')
ROLES = ("dispatcher", "supervisor", "admin", "dispatcher", "crew")
QUERIES = (
    *("", "?view=mine", "?view=late&station=North", "?station=&class=&state=&priority=", "?class=leak", "?state=bad"),
    *(
        "?view=none",
        "?cursor=bad",
        "?view=all&view=late",
        "?unknown=1",
        "?station=%00",
        "?station=%E5%8C%97",
    ),
)


@pytest.fixture
def people(plain_api: Api) -> Iterator[list[httpx.Client]]:
    """Yield browsers of people of all roles of the staff, one in Chinese, one by the person's own language."""
    conn = plain_api.conn
    town.home(conn, "N1", station="North")
    members = [
        member(conn, role, f"p{n}", name=f"P{n}", station="North" if role == "crew" else None)
        for n, role in enumerate(ROLES)
    ]
    with ExitStack() as opened:
        browsers = [opened.enter_context(browser(plain_api, session_of(conn, one))) for one in members]
        browsers[1].cookies.set(LANGUAGE_COOKIE, "zh", domain="127.0.0.1")
        browsers[2].cookies.delete(LANGUAGE_COOKIE)
        yield browsers


def told(answer: httpx.Response) -> tuple[int, str, dict[str, Any]]:
    """Return all of an answer but the moment and the place in the feed, which go on."""
    kept = {name: value for name, value in answer.headers.items() if name not in ("date", "content-length")}
    return answer.status_code, PLACE.sub("", answer.text), kept


def test_answers_are_those_of_the_route(
    plain_api: Api, people: list[httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(plain_api)
    desk.move(desk.opened("leak"), "assigned", responsible="P0")
    desk.opened("repair", new=True)
    asked = [(who, f"/desk/rows{query}") for query in QUERIES for who in people]

    def answers() -> list[httpx.Response]:
        with ThreadPoolExecutor(12) as pool:
            return list(pool.map(lambda one: one[0].get(one[1], headers=SCRIPT), asked))

    together = [told(answer) for answer in answers()]
    monkeypatch.setattr(rows_together, "read_question", lambda _: None)
    by_route = [told(answer) for answer in answers()]
    assert together == by_route
    assert {status for status, _, _ in together} == {200, 403, 404, 422}


def test_a_choice_of_language_is_taken(people: list[httpx.Client]) -> None:
    answer = people[0].get("/desk/rows?lang=zh", headers=SCRIPT, follow_redirects=False)
    assert answer.status_code in (302, 303, 307)
    assert answer.cookies[LANGUAGE_COOKIE] == "zh"


def test_a_script_is_answered_before_the_route_and_counted_as_there(
    plain_api: Api, people: list[httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this the two could be the same because no question is answered together."""
    monkeypatch.setattr(queue_routes, "rows_answer", lambda *_: HTMLResponse("by the route"))
    assert 'id="live"' in people[0].get("/desk/rows", headers=SCRIPT).text
    assert people[0].get("/desk/rows").text == "by the route"  # somebody opened it
    counted = 'hearth_api_request_seconds_count{route="/desk/rows",status="200"} 2.0'
    assert counted in plain_api.client.get("/metrics").text


def test_a_session_is_over_on_the_very_next_request(plain_api: Api) -> None:
    conn = plain_api.conn
    ended, left = member(conn, sign_in_name="p0"), member(conn, sign_in_name="p1", name="B")
    tokens = [session_of(conn, ended), session_of(conn, left)]
    with browser(plain_api, tokens[0]) as one, browser(plain_api, tokens[1]) as other:
        assert [who.get("/desk/rows", headers=SCRIPT).status_code for who in (one, other)] == [200, 200]
        conn.execute(END_STAFF, (NOW, ended))
        conn.commit()
        assert [who.get("/desk/rows", headers=SCRIPT).status_code for who in (one, other)] == [401, 200]


def test_a_look_by_itself_is_not_a_use_of_the_session(plain_api: Api, people: list[httpx.Client]) -> None:
    plain_api.clock.now = NOW + session_rows.WRITTEN_EVERY * 2
    used = "SELECT max(used_at) FROM token WHERE staff_id IS NOT NULL"
    people[0].get("/desk/rows", headers=SCRIPT)
    assert plain_api.conn.execute(used).fetchone() == (NOW,)
    people[0].get("/desk")
    plain_api.conn.rollback()
    assert plain_api.conn.execute(used).fetchone() == (plain_api.clock.now,)


def test_looks_are_counted_by_person(plain_database: Database) -> None:
    with served_database(plain_database, guard=Guard(limiter=Limiter(per_token="3/minute"))) as api:
        token = session_of(api.conn, member(api.conn))
        with browser(api, token) as client:
            statuses = [client.get("/desk/rows", headers=SCRIPT).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]

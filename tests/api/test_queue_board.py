"""The queue is read once for all desks that ask for the same, and again as soon as something happens to a ticket."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.desk_pages import queue_board
from api.desk_pages.queue_board import KEPT_FOR
from api.pages.visit import LANGUAGE_COOKIE
from store.tickets import queue_rows
from tests.api.conftest import Api
from tests.api.desk import Desk
from tests.api.staff import browser, member, session_of

pytestmark = pytest.mark.plain_only

COUNT = re.compile(r'id="view-(\w+)".*?<span class="count">(\d+)</span>')


@pytest.fixture
def desk(plain_api: Api) -> Desk:
    return Desk(plain_api)


@pytest.fixture
def people(desk: Desk) -> Iterator[list[httpx.Client]]:
    """Six people with a browser each."""
    api = desk.api
    tokens = [session_of(api.conn, member(api.conn, sign_in_name=f"p{n}", name=f"P{n}")) for n in range(6)]
    opened = [browser(api, token) for token in tokens]
    yield [one.__enter__() for one in opened]
    for one in opened:
        one.__exit__(None, None, None)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect the filters by which the queue was read."""
    found: list[Any] = []
    real = queue_rows.queue

    def counting(*args: Any, **named: Any) -> Any:
        found.append(args[2])
        return real(*args, **named)

    monkeypatch.setattr(queue_rows, "queue", counting)
    return found


def counts(answer: httpx.Response) -> dict[str, str]:
    return dict(COUNT.findall(answer.text))


def asked(people: list[httpx.Client], path: str = "/desk/rows") -> list[httpx.Response]:
    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(lambda one: one.get(path), people))


def test_desks_that_ask_for_the_same_at_once_cost_one_reading(
    desk: Desk, people: list[httpx.Client], read: list[Any]
) -> None:
    ticket = desk.opened()
    shown = [re.sub(r'data-at="[^"]*"', "", answer.text) for answer in asked(people)]
    assert len(read) == 1
    assert len(set(shown)) == 1
    assert ticket["number"] in shown[0]
    asked(people)
    assert len(read) == 1


def test_a_change_is_there_at_once(desk: Desk, people: list[httpx.Client], read: list[Any]) -> None:
    ticket = desk.opened()
    asked(people)
    desk.move(ticket, "accepted")
    assert all("state-of-accepted" in answer.text for answer in asked(people))
    assert len(read) == 2
    desk.opened(new=True)
    assert {counts(answer)["all"] for answer in asked(people)} == {"2"}


def test_views_filters_pages_and_languages_are_kept_apart(
    desk: Desk, people: list[httpx.Client], read: list[Any]
) -> None:
    first = desk.opened("leak")
    desk.opened("repair", new=True)
    one = people[0]
    assert counts(one.get("/desk/rows"))["all"] == "2"
    assert first["number"] in one.get("/desk/rows?view=leaks").text
    assert first["number"] not in one.get("/desk/rows?class=repair").text
    assert first["number"] not in one.get("/desk/rows?station=South").text
    people[1].cookies.set(LANGUAGE_COOKIE, "zh", domain="127.0.0.1")
    assert one.get("/desk/rows").text != people[1].get("/desk/rows").text
    assert len(read) == 4  # a language is another rendering of what was read


def test_each_person_has_a_number_and_a_view_of_their_own(
    desk: Desk, people: list[httpx.Client], read: list[Any]
) -> None:
    mine, _ = desk.opened(), desk.opened(new=True)
    desk.move(mine, "assigned", responsible="P0")
    answers = asked(people, "/desk/rows?view=mine")
    assert [counts(answer)["mine"] for answer in answers] == ["1", "0", "0", "0", "0", "0"]
    assert [mine["number"] in answer.text for answer in answers] == [True] + [False] * 5
    assert {counts(answer)["mine"] for answer in asked(people)} == {"1", "0"}


def test_what_no_event_tells_is_read_again_after_a_moment(desk: Desk, people: list[httpx.Client]) -> None:
    desk.opened("leak")
    due = desk.api.conn.execute("SELECT due_at FROM ticket_next").fetchone()
    assert due is not None
    assert "urgency-late" not in people[0].get("/desk/rows").text
    desk.api.clock.now = due[0] + timedelta(seconds=1)
    answer = people[0].get("/desk/rows")
    assert "urgency-late" in answer.text
    assert counts(answer)["late"] == "1"
    desk.api.conn.execute("UPDATE building SET name = 'Riverside'")
    desk.api.conn.commit()
    desk.api.clock.now += KEPT_FOR
    assert "Riverside" in people[0].get("/desk/rows").text


def test_what_is_kept_has_a_bound(
    desk: Desk, people: list[httpx.Client], monkeypatch: pytest.MonkeyPatch, read: list[Any]
) -> None:
    monkeypatch.setattr(queue_board, "MOST_KEPT", 8)
    for station in ("A", "B", "C", "A"):
        people[0].get(f"/desk/rows?station={station}")
    assert len(read) == 4

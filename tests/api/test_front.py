"""The front page of an installation: doors, and no token, whatever the settings say."""

import asyncio
import re

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse

from api.pages.front import FrontDoors
from api.staff.session import start_of
from hearth.demo.doors import OWN_PAGES, DemoPeople, DoorKeys, doors
from hearth.demo.lan import COOKIE, Threshold
from hearth.settings import Settings
from hearth.words.demo import PEOPLE
from store.base.access import Role
from tests.api import town
from tests.api.conftest import Api
from tests.conftest import ANSWER_S, PLAIN_HTTP

# By role: people, their sessions, and how many of these have ended.
SELECT_PEOPLE = """
SELECT s.role, count(DISTINCT s.staff_id), count(*), count(t.revoked_at)
FROM staff AS s JOIN token AS t USING (staff_id) GROUP BY s.role ORDER BY s.role
"""
TOKEN = re.compile(r"hearth_[\w-]{43}")


@pytest.mark.parametrize(("language", "words"), [("zh", "请选择入口。"), ("en", "Please choose where to go.")])
def test_it_has_doors_and_no_token(api: Api, language: str, words: str) -> None:
    api.token("admin")
    answer = api.client.get("/", headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert words in answer.text
    assert set(re.findall('<h2><a href="([^"]+)"', answer.text)) == {"/home", "/status", "/sign-in"}
    assert "/door/" not in answer.text
    assert TOKEN.search(answer.text) is None


def test_an_installation_has_no_doors_of_a_demo(api: Api) -> None:
    assert api.client.get("/door/dispatcher").status_code == 404
    assert not any("demo" in name or "door" in name for name in Settings.model_fields)


def test_a_language_can_be_chosen(api: Api) -> None:
    answer = api.client.get("/?lang=zh", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    ("client", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8080", 200),
        ("127.0.0.1", "localhost:8080", 200),
        ("127.0.0.1", "127.0.0.1", 200),
        ("127.0.0.1", "elsewhere.example", 403),  # a name that was made to point here
        ("127.0.0.1", "127.0.0.1.elsewhere.example:8080", 403),
        ("192.168.1.7", "192.168.1.20:8080", 403),
        ("192.168.1.7", "127.0.0.1:8080", 403),  # what it says of itself is no proof
    ],
)
def test_the_threshold_of_a_demo(client: str, host: str, status: int) -> None:
    app = FastAPI()
    app.add_api_route("/", lambda: PlainTextResponse("in"))
    app.add_middleware(Threshold, key="thekey")

    async def ask(cookie: str) -> int:
        transport = httpx.ASGITransport(app, client=(client, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://demo") as visitor:
            return (await visitor.get("/", headers={"Host": host, "Cookie": cookie})).status_code

    assert asyncio.run(ask("")) == status
    assert asyncio.run(ask(f"{COOKIE}=another")) == status
    assert asyncio.run(ask(f"{COOKIE}=thekey")) == 200


def test_each_door_of_a_demo_signs_in_one_person_of_its_role(api: Api) -> None:
    """Go in twice by each door: there is one person of each role, and the session before ends with the next one."""
    town.home(api.conn, "B1-101", station="Dongcheng")
    api.conn.commit()
    api.app.include_router(doors(DoorKeys(), DemoPeople("Dongcheng"), None))
    with httpx.Client(base_url=api.client.base_url, trust_env=False, timeout=ANSWER_S, verify=PLAIN_HTTP) as visitor:
        visitor.headers["Accept-Language"] = "en"
        for role in ("dispatcher", "crew", "supervisor", "admin") * 2:
            answer = visitor.get(f"/door/{role}")
            start = "/crew/begin" if role == "crew" else OWN_PAGES.get(Role(role), start_of(Role(role)))
            assert answer.headers["location"].partition("?")[0] == start
            there = visitor.get("/account")
            assert (there.status_code, PEOPLE[role] in there.text, 'lang="en"' in there.text) == (200, True, True)
        assert visitor.get("/door/owner").status_code == 404
    assert api.conn.execute(SELECT_PEOPLE).fetchall() == [
        (role, 1, 2, 1 if role == "admin" else 2) for role in sorted(PEOPLE)
    ]


def test_the_doors_of_a_demo_are_addresses_alone() -> None:
    assert set(FrontDoors.__dataclass_fields__) == {"roles", "phone"}

"""Others see at once who looks at a ticket or writes on it, and no longer than that."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from api.live.listener import HubLimits
from api.live.presence import StreamNotes
from store.base import access
from store.base.access import Scope
from store.tickets import presence_rows
from store.tickets.presence_rows import RENEWED_S, Doing, PresenceNote
from tests.api import town
from tests.api.conftest import Api, served_town
from tests.api.desk import Desk
from tests.api.staff import browser, member, session_of
from tests.api.town import NOW
from tests.conftest import PLAIN_HTTP, Database, Servers

pytestmark = pytest.mark.plain_only

LONG = HubLimits(longest_s=60, ping_s=1, read_s=2, homes_s=2, recheck_s=0.2)
PATIENCE_S = 15
NUMBERS = count(1)
NUMBER_OF = "SELECT staff_id FROM token WHERE hash = %s"
COUNT = "SELECT count(*) FROM ticket_presence"


@pytest.fixture(scope="module")
def desk(servers: Servers) -> Iterator[Desk]:
    """One desk for all of these tests; each has tickets and people of its own."""
    with served_town(servers, pace=LONG) as api:
        yield Desk(api)


@pytest.fixture
def api(desk: Desk) -> Api:
    return desk.api


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.01)


class Heard:
    """The people at tickets, as a client of the stream has them."""

    def __init__(self) -> None:
        self.people: dict[str, list[dict[str, Any]]] = {}
        self.begun = False

    def take(self, line: str) -> None:
        if line.startswith("data: ") and '"whole"' in line:
            told = json.loads(line.removeprefix("data: "))
            self.people = {} if told["whole"] else self.people
            self.people |= {one["ticket"]: one["people"] for one in told["tickets"]}
            self.begun = True

    def says(self, number: str) -> list[tuple[str | None, str]]:
        return [(one["name"], one["doing"]) for one in self.people.get(number, [])]


@contextmanager
def listening(api: Api, token: str, **query: str) -> Iterator[Heard]:
    """Hold a stream that is told who is there, from its first word on."""
    api.conn.commit()
    heard = Heard()
    with (
        httpx.Client(base_url=api.client.base_url, trust_env=False, verify=PLAIN_HTTP, timeout=PATIENCE_S) as client,
        client.stream(
            "GET", "/v1/events", headers={"Authorization": f"Bearer {token}"}, params={"presence": "true", **query}
        ) as response,
    ):
        assert response.status_code == 200, response.read()

        def listen() -> None:
            try:
                for line in response.iter_lines():
                    heard.take(line)
            except (httpx.HTTPError, httpx.StreamError):
                pass

        thread = threading.Thread(target=listen)
        thread.start()
        until(lambda: heard.begun)
        try:
            yield heard
        finally:
            response.close()
            thread.join()


def person(api: Api, name: str, role: str = "dispatcher", station: str | None = None) -> str:
    signs_in = f"{name.lower().replace(' ', '.')}.{next(NUMBERS)}"
    return session_of(api.conn, member(api.conn, role, signs_in, name=name, station=station))


def test_who_looks_or_writes_is_told_to_the_others_until_the_page_is_closed(desk: Desk, api: Api) -> None:
    number = desk.opened(new=True)["number"]
    li, wang = person(api, "Li Na"), person(api, "Wang Wei")
    with listening(api, wang) as heard, browser(api, wang) as client:
        assert heard.people == {}
        with listening(api, li, ticket=number):
            until(lambda: heard.says(number) == [("Li Na", "looking")])
            path = f"/v1/tickets/{number}/presence"
            mine = town.one(api.conn, NUMBER_OF, (access.digest(li),))
            told = {"number": mine, "name": "Li Na", "role": "dispatcher", "doing": "looking"}
            assert api.get(path, wang).json() == {"ticket": number, "people": [told]}
            assert api.get(path, li).json()["people"] == []  # nobody else
            assert "Li Na is looking" in client.get("/desk").text
            assert "Li Na is looking" in client.get(f"/desk/tickets/{number}").text
            with listening(api, li, ticket=number, doing="writing"):  # a second window
                until(lambda: heard.says(number) == [("Li Na", "writing")])
                with listening(api, person(api, "Sun Li")) as late:
                    assert late.says(number) == [("Li Na", "writing")]
            until(lambda: heard.says(number) == [("Li Na", "looking")])
        until(lambda: heard.says(number) == [])
        assert town.one(api.conn, COUNT, ()) == 0
        assert "is looking" not in client.get("/desk/rows").text


def test_a_crew_hears_of_its_own_tickets_and_knows_its_own_people(desk: Desk, api: Api) -> None:
    number = desk.opened(new=True)["number"]
    away, _ = town.ticket(api.conn, town.home(api.conn, "B9-1", building="B9", station="South"))
    elsewhere = f"T{away:08}"
    crew, colleague = person(api, "Zhao", "crew", "North"), person(api, "Qian", "crew", "North")
    with listening(api, crew) as heard, listening(api, colleague, ticket=number):
        with listening(api, person(api, "Li Na"), ticket=number, doing="writing"):
            until(lambda: heard.says(number) == [(None, "writing"), ("Qian", "looking")])
            people = api.get(f"/v1/tickets/{number}/presence", crew).json()["people"]
            assert [(one["name"], one["number"] is None, one["role"]) for one in people] == [
                (None, True, "dispatcher"), ("Qian", False, "crew"),
            ]  # fmt: skip
        with listening(api, person(api, "Sun Li"), ticket=elsewhere) as everything:
            until(lambda: elsewhere in everything.people)
            until(lambda: heard.says(number) == [("Qian", "looking")])
            assert elsewhere not in heard.people
    assert api.get(f"/v1/tickets/{elsewhere}/presence", crew).status_code == 404
    assert api.get(f"/v1/events?ticket={elsewhere}", crew).status_code == 404
    refused = api.get(f"/v1/events?ticket={number}", desk.dispatcher)  # a machine is nobody
    assert (refused.status_code, refused.json()["detail"]) == (403, "only a person who is signed in can do this")


def test_a_session_that_is_ended_is_seen_no_more_and_notes_of_a_dead_process_run_out(desk: Desk, api: Api) -> None:
    conn, now = api.conn, "now() + interval '45 s'"
    ticket, number = town.ticket(conn, desk.home)
    token = person(api, "Li Na")
    insert = f"INSERT INTO ticket_presence SELECT 1, %s, token_id, 'looking', {now} FROM token WHERE hash = %s"
    conn.execute(insert, (ticket, access.digest(token)))
    path, other = f"/v1/tickets/{number}/presence", person(api, "Wang Wei")
    conn.commit()
    assert len(api.get(path, other).json()["people"]) == 1
    conn.execute("UPDATE ticket_presence SET until = now()")
    conn.commit()
    assert api.get(path, other).json()["people"] == []
    conn.execute(f"UPDATE ticket_presence SET until = {now}")
    conn.execute("UPDATE token SET revoked_at = %s WHERE hash = %s", (NOW, access.digest(token)))
    conn.commit()
    assert api.get(path, other).json()["people"] == []
    conn.execute("DELETE FROM ticket_presence")
    conn.commit()


def test_notes_are_renewed_together_and_only_now_and_then(plain_database: Database) -> None:
    with plain_database.connect() as conn:
        ticket, _ = town.ticket(conn, town.home(conn))
        staff = member(conn)
        session_of(conn, staff)
        session = town.one(conn, "SELECT token_id FROM token", ())
        clock = [0.0]
        notes = StreamNotes(lambda: clock[0])
        for stream in (3, 1, 2):
            notes.add(PresenceNote(stream, ticket, session, Doing.LOOKING))
        assert notes.is_pending()
        notes.write(conn)
        assert not notes.is_pending()
        conn.execute("UPDATE ticket_presence SET until = now() + interval '1 s'")
        notes.remove(PresenceNote(2, ticket, session, Doing.LOOKING))
        assert notes.is_pending()
        notes.write(conn)
        left = "SELECT count(*) FROM ticket_presence WHERE until < now() + interval '2 s'"
        assert (town.one(conn, COUNT, ()), town.one(conn, left, ())) == (2, 2)
        clock[0] = RENEWED_S + 0.1
        assert notes.is_pending()
        notes.write(conn)
        assert (town.one(conn, COUNT, ()), town.one(conn, left, ())) == (2, 0)
        with conn.transaction(force_rollback=True):  # the second wall
            for station, there in (("North", 1), ("South", 0)):
                access.enter(conn, Scope(False, station, []))
                assert len(presence_rows.at(conn, [ticket])) == there
        conn.execute("UPDATE ticket_presence SET until = now() - %s", (timedelta(seconds=1),))
        notes.end(conn)
        assert town.one(conn, COUNT, ()) == 0

"""Streams of events: a change is told once, in order, to its audience, through cuts and restarts."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from api.live.changes import ListenerView
from api.live.listener import HubLimits, Listener, Lost
from local.postgres import Postgres
from store.base import access
from store.base.access import Asker
from store.figures.live_feed import Snapshot
from tests.api import town
from tests.api.conftest import Api, served_database
from tests.api.town import NOW
from tests.conftest import PLAIN_HTTP, SETTINGS, Database, fresh_database, make_template

LONG = HubLimits(longest_s=60, ping_s=0.2, read_s=2, homes_s=0.2, recheck_s=0.2)
PATIENCE_S = 15
ANOTHER_EVENT = """
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data) VALUES (%s, 0, %s, %s, 'desk', 'open', %s)
"""
CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ~ 'live_event|LISTEN'
"""


@dataclass(frozen=True)
class Event:
    """One event as a browser would have it."""

    kind: str
    id: str
    data: Any


@dataclass
class Ear:
    """Listens to a stream in a thread of its own."""

    response: httpx.Response
    last: str = ""  # as a browser's lastEventId
    events: list[Event] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        kind, data = "", ""
        try:
            for line in self.response.iter_lines():
                name, _, value = line.partition(": ")
                if line.startswith(":"):
                    self.comments.append(line)
                elif name == "id":
                    self.last = value
                elif name == "event":
                    kind = value
                elif name == "data":
                    data = value
                elif not line and data:
                    self.events.append(Event(kind, self.last, json.loads(data)))
                    kind, data = "", ""
        except (httpx.HTTPError, httpx.StreamError):
            pass
        self.over.set()

    def changes(self) -> list[Event]:
        """Return what happened, without how homes are."""
        return [event for event in self.events if event.kind != "home"]

    def homes(self) -> list[Any]:
        """Return how the home was, one time after the other."""
        return [event.data for event in self.events if event.kind == "home"]

    def wait(self, count: int) -> list[Event]:
        """Wait for so many changes."""
        until(lambda: len(self.changes()) >= count)
        return self.changes()

    def numbers(self) -> list[int]:
        """Return the numbers of remarks, in the order in which they were told."""
        return [
            e.data["event"]["data"]["n"] for e in self.events if e.kind == "ticket" and "n" in e.data["event"]["data"]
        ]


def until(true: Any) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.01)


@contextmanager
def listening(api: Api, path: str, token: str, last: str | None = None, **query: Any) -> Iterator[Ear]:
    """Listen to a stream, from when it is known where it is."""
    api.conn.commit()
    headers = {"Authorization": f"Bearer {token}", **({"Last-Event-ID": last} if last else {})}
    with (
        httpx.Client(base_url=api.client.base_url, trust_env=False, verify=PLAIN_HTTP, timeout=PATIENCE_S) as client,
        client.stream("GET", path, headers=headers, params=query) as response,
    ):
        assert response.status_code == 200, response.read()
        ear = Ear(response)
        thread = threading.Thread(target=ear.listen)
        thread.start()
        until(lambda: ear.last)
        try:
            yield ear
        finally:
            response.close()
            thread.join()


@contextmanager
def many(api: Api, token: str, count: int) -> Iterator[list[socket.socket]]:
    """Connect so many listeners without a thread each."""
    request = f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    with ExitStack() as stack:
        sockets = []
        for _ in range(count):
            address = (api.client.base_url.host, api.client.base_url.port)
            sockets.append(stack.enter_context(socket.create_connection(address, PATIENCE_S)))
            sockets[-1].sendall(request)
            assert heard(sockets[-1], b"id: ")
        yield sockets


def heard(each: socket.socket, wanted: bytes) -> bool:
    """Read until something comes; False if the stream ends before."""
    text = b""
    while wanted not in text:
        if not (more := each.recv(65_536)):
            return False
        text += more
    return True


@pytest.fixture
def live(database: Database) -> Iterator[Api]:
    """The API with streams that last, over a fresh database of each flavour."""
    with served_database(database, pace=LONG) as api:
        yield api


@pytest.fixture
def plain(plain_database: Database) -> Iterator[Api]:
    """The same on plain PostgreSQL alone."""
    with served_database(plain_database, pace=LONG) as api:
        yield api


def remark(conn: psycopg.Connection, ticket: int, number: int, kind: str = "remark") -> None:
    """Add a remark to a ticket."""
    conn.execute(ANOTHER_EVENT, (ticket, NOW, kind, Jsonb({"n": number, "remark": "seen"})))


def test_a_customer_hears_of_its_home_as_a_customer_may(live: Api) -> None:
    home = town.home(live.conn, "mine", state=2)
    sensor = town.sensor(live.conn, home)
    town.sensor_now(live.conn, sensor, home, 19.5)
    token = live.token("customer", "mine")
    with listening(live, "/v1/homes/mine/events", token) as ear:
        until(lambda: ear.events)
        assert ear.comments[0] == ": hearth"
        assert ear.events[0].data == live.get("/v1/homes/mine", token).json()
        ticket, number = town.ticket(live.conn, home)
        town.flag(live.conn, home, ticket)
        remark(live.conn, ticket, 1)  # among the staff
        live.conn.commit()
        told = ear.wait(2)
        assert [event.kind for event in told] == ["ticket", "flag"]
        assert told[0].data["ticket"]["number"] == number
        assert told[1].data == {"what": "raised", "flag": live.get("/v1/flags", token).json()["items"][0]}
        until(lambda: ear.homes()[-1]["flag"])
        assert ear.homes()[-1] == live.get("/v1/homes/mine", token).json()
        live.conn.execute("UPDATE sensor_now SET celsius = 17.5")
        live.conn.commit()
        until(lambda: ear.homes()[-1]["temperature"] == 17.5)
        live.conn.execute("UPDATE flag SET lowest = 12")  # no news: that comes with each colder reading
        live.conn.execute("UPDATE flag SET cleared_at = %s, clear_reason = 'recovered'", (NOW,))
        live.conn.commit()
        assert ear.wait(3)[2].data["what"] == "cleared"
        assert len(ear.changes()) == 3


def test_what_comes_in_the_instant_of_a_ping_is_told() -> None:
    before, after = Snapshot(1, 1), Snapshot(5, 5)
    at = [before]
    pace = HubLimits(ping_s=0.01)
    listener = Listener(
        ListenerView(True, None), Asker("desk", "desk", access.Role.ADMIN, access.EVERYWHERE), "t", pace
    )
    listener.at = before

    def deliver() -> None:
        at[0] = after
        listener.put(Lost(after, "too_many"))

    async def said() -> bytes:
        stream = listener.stream(b"", lambda: at[0])
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(2 * pace.ping_s, deliver)
        time.sleep(5 * pace.ping_s)  # both are due now: the wait is over, and then something comes
        return await asyncio.wait_for(waiting, PATIENCE_S)

    assert b"event: reset" in asyncio.run(said())


def test_staff_hear_what_was_said_among_them(live: Api) -> None:
    home = town.home(live.conn, "mine")
    ticket, number = town.ticket(live.conn, home)
    with listening(live, "/v1/events", live.token("dispatcher")) as ear:
        remark(live.conn, ticket, 7)
        live.conn.commit()
        (told,) = ear.wait(1)
        shown = live.get(f"/v1/tickets/{number}", live.token()).json()
        # How to reach somebody is not sent around: it is asked for with the ticket.
        asked_for = ("contact", "round")
        assert told.data["event"] == {k: v for k, v in shown["events"][-1].items() if k not in asked_for}
        assert told.data["ticket"] == {name: shown[name] for name in told.data["ticket"]}


@pytest.mark.parametrize("role", ["customer", "crew", "dispatcher"])
def test_each_hears_of_what_it_reaches(live: Api, role: str) -> None:
    homes = {code: town.home(live.conn, code, building=code, station=station) for code, station in
             (("mine", "North"), ("near", "North"), ("far", "South"))}  # fmt: skip
    reached = {"customer": {"mine"}, "crew": {"mine", "near"}, "dispatcher": set(homes)}[role]
    token = live.token(role, *(["mine"] if role == "customer" else []), station="North" if role == "crew" else None)
    path = "/v1/homes/mine/events" if role == "customer" else "/v1/events"
    assert role == "dispatcher" or live.get("/v1/homes/far/events", token).status_code == 404
    if role == "customer":
        assert live.get("/v1/events", token).status_code == 403
    with listening(live, path, token) as ear:
        before = ear.last
        for home in homes.values():
            town.flag(live.conn, home, town.ticket(live.conn, home)[0])
            town.ticket(live.conn, home, kind="complaint")  # may be about the crew
        live.conn.commit()
        each = 2 if role == "crew" else 3
        told = ear.wait(each * len(reached))
        # Positions may differ: they name the transactions seen, and those of others on the server count.
        with listening(live, path, token, before) as late:
            assert [(e.kind, e.data) for e in late.wait(len(told))] == [(e.kind, e.data) for e in told]
        assert homes_in(told) == reached
        assert len(ear.changes()) == each * len(reached)
        assert ("complaint" in {e.data.get("ticket", {}).get("class") for e in told}) == (role != "crew")


def homes_in(events: Sequence[Event]) -> set[str]:
    return {(event.data.get("ticket") or event.data["flag"])["home"] for event in events}


def test_a_desk_may_listen_to_a_part(live: Api) -> None:
    for code, station in (("mine", "North"), ("far", "South")):
        town.home(live.conn, code, building=code, station=station)
    token = live.token()
    with listening(live, "/v1/events", token, station="South", kind=["flag", "incident"]) as ear:
        for home in (1, 2):
            town.flag(live.conn, home, town.ticket(live.conn, home)[0])
        live.conn.commit()
        (told,) = ear.wait(1)
        assert told.kind == "flag"
        assert told.data["flag"]["home"] == "far"


def test_what_is_committed_later_is_told_though_its_number_is_lower(live: Api, database: Database) -> None:
    ticket, _ = town.ticket(live.conn, town.home(live.conn))
    token = live.token()
    with listening(live, "/v1/events", token) as ear, database.connect() as slow:
        other, _ = town.ticket(live.conn, town.home(live.conn, "other"))
        live.conn.commit()
        ear.wait(1)
        start = ear.last
        remark(slow, ticket, 1)  # the lower number, not committed yet
        remark(live.conn, other, 2)
        live.conn.commit()
        until(lambda: ear.numbers() == [2])
        between = ear.last
        with listening(live, "/v1/events", token, between) as cut:
            slow.commit()
            until(lambda: ear.numbers() == [2, 1])
            until(lambda: cut.numbers() == [1])
        with listening(live, "/v1/events", token, between) as resumed:
            until(lambda: resumed.numbers() == [1])
        with listening(live, "/v1/events", token, start) as all_anew:
            until(lambda: len(all_anew.numbers()) == 2)
        low, high = live.conn.execute("SELECT live_event_id FROM live_event ORDER BY at, 1").fetchall()[-2:]
        assert sorted(all_anew.numbers()) == [1, 2]
        assert low != high


def test_cut_anywhere_nothing_is_lost_and_nothing_twice(live: Api, database: Database) -> None:
    """Four transactions at a time commit in any order; a listener is cut after every few events and goes on."""
    tickets = [town.ticket(live.conn, town.home(live.conn, f"h{n}", building=f"b{n}"))[0] for n in range(4)]
    token = live.token()
    count, threads = 60, []

    def write(worker: int) -> None:
        with database.connect() as conn:
            for n in range(count // 3):
                for part in range(3):
                    remark(conn, tickets[worker], (worker * count) + 3 * n + part)
                    time.sleep(0.001 * (worker + 1))
                conn.commit()

    with listening(live, "/v1/events", token) as ear:
        last = ear.last
        for worker in range(4):
            threads.append(threading.Thread(target=write, args=(worker,)))
            threads[-1].start()
        heard: list[int] = []
        cut = 5
        while len(heard) < 4 * count:
            with listening(live, "/v1/events", token, last) as part:
                wanted = min(cut, 4 * count - len(heard))
                until(lambda part=part, wanted=wanted: len(part.numbers()) >= wanted)
                told = [e for e in part.events if e.kind == "ticket"][:cut]
            heard += [e.data["event"]["data"]["n"] for e in told]
            last = told[-1].id
            cut = cut * 2 % 17
        until(lambda: len(ear.numbers()) == 4 * count)
    for thread in threads:
        thread.join()
    assert sorted(heard) == list(range(4 * count))
    assert sorted(ear.numbers()) == list(range(4 * count))
    for worker in range(4):  # what one transaction after the other did is told in that order
        assert (own := [n for n in heard if n // count == worker]) == sorted(own)


def test_a_place_that_is_not_known_is_answered_with_reset(plain: Api) -> None:
    town.home(plain.conn, "mine")
    future = "999999999:999999999:"
    for last, reason in (("7", "unknown"), ("x/y/z", "unknown"), (future, "unknown"), ("1:1:", "too_old")):
        plain.conn.execute("UPDATE live_forgotten SET upto = '5'")
        with listening(plain, "/v1/events", plain.token(), last) as ear:
            assert [(e.kind, e.data) for e in ear.wait(1)] == [("reset", {"reason": reason})]
            town.ticket(plain.conn, 1, kind="repair")
            plain.conn.commit()
            assert ear.wait(2)[1].kind == "ticket"


def test_who_missed_too_much_is_told_to_read_anew(plain_database: Database) -> None:
    with served_database(plain_database, pace=replace(LONG, most=10)) as api:
        ticket, _ = town.ticket(api.conn, town.home(api.conn))
        token = api.token()
        with listening(api, "/v1/events", token) as ear:
            start = ear.last
            for n in range(11):
                remark(api.conn, ticket, n)
            api.conn.commit()
            assert ear.wait(1)[0].data == {"reason": "slow"}
            assert ear.changes()[0].kind == "end"
        with listening(api, "/v1/events", token, start) as ear:
            assert (ear.wait(1)[0].kind, ear.changes()[0].data) == ("reset", {"reason": "too_many"})


def test_a_mark_tells_an_idle_listener_where_it_is(plain: Api) -> None:
    ticket, _ = town.ticket(plain.conn, town.home(plain.conn, "mine"))
    town.home(plain.conn, "far", station="South", building="far")
    crew = plain.token("crew", station="South")
    with listening(plain, "/v1/events", crew) as ear:
        first = ear.last
        remark(plain.conn, ticket, 1)
        plain.conn.commit()
        until(lambda: ear.last != first)
        assert ": ping" in ear.comments
        assert ear.events == []
    with listening(plain, "/v1/events", plain.token(), ear.last) as ear:
        time.sleep(0.3)
        assert ear.events == []


def test_a_token_that_is_revoked_is_cut(plain: Api) -> None:
    town.home(plain.conn, "mine")
    town.home(plain.conn, "other")
    revoked, narrowed, kept = (plain.token("customer", "mine", "other") for _ in range(3))
    with ExitStack() as stack:
        ears = [stack.enter_context(listening(plain, "/v1/homes/mine/events", t)) for t in (revoked, narrowed, kept)]
        access.revoke(plain.conn, 1, NOW)
        plain.conn.execute("DELETE FROM token_home WHERE token_id = 2 AND home_id = 1")
        plain.conn.commit()
        for ear in ears[:2]:
            assert (ear.wait(1)[0].kind, ear.changes()[0].data) == ("end", {"reason": "token"})
            assert ear.over.wait(PATIENCE_S)
        assert not ears[2].over.is_set()


def test_a_token_that_expires_is_cut(plain: Api) -> None:
    expiring = access.create(
        plain.conn, access.TokenGrant(access.Role.DISPATCHER, expires_at=NOW + timedelta(hours=1)), NOW
    )
    with listening(plain, "/v1/events", expiring) as ear:
        plain.clock.now = NOW + timedelta(hours=2)
        assert ear.wait(1)[0].data == {"reason": "token"}


def test_a_crew_whose_home_has_moved_hears_no_more_of_it(plain: Api) -> None:
    town.home(plain.conn, "mine")
    with listening(plain, "/v1/homes/mine/events", plain.token("crew", station="North")) as ear:
        plain.conn.execute("UPDATE substation SET station = 'South'")
        plain.conn.commit()
        assert ear.wait(1)[0].data == {"reason": "token"}


def test_so_many_and_no_more(plain_database: Database) -> None:
    with (
        served_database(plain_database, pace=replace(LONG, listeners=3, per_token=2)) as api,
        ExitStack() as stack,
    ):
        one, other = api.token(), api.token()
        for token in (one, one, other):
            ear = stack.enter_context(listening(api, "/v1/events", token))
        assert api.get("/v1/events", one).status_code == 429
        assert (refused := api.get("/v1/events", other)).status_code == 503
        assert refused.headers["retry-after"]
        assert refused.headers["content-type"] == "application/problem+json"
        ear.response.close()
        until(lambda: api.get("/metrics").text.count("hearth_api_listeners 2.0"))
        stack.enter_context(listening(api, "/v1/events", other))


def test_a_stream_ends_after_its_time(plain_database: Database) -> None:
    with (
        served_database(plain_database, pace=HubLimits(longest_s=0.3)) as api,
        listening(api, "/v1/events", api.token()) as ear,
    ):
        assert ear.over.wait(PATIENCE_S)
        assert [(e.kind, e.data) for e in ear.events] == [("end", {"reason": "time"})]


def test_a_server_that_stops_says_so_and_does_not_hang(plain_database: Database) -> None:
    with ExitStack() as stack:
        with served_database(plain_database, pace=HubLimits()) as api:
            ears = [stack.enter_context(listening(api, "/v1/events", api.token())) for _ in range(5)]
            began = time.monotonic()
        assert time.monotonic() - began < PATIENCE_S
        for ear in ears:
            assert ear.over.wait(PATIENCE_S)
            assert ear.events[-1] == Event("end", ear.last, {"reason": "shutdown"})


@pytest.mark.slow
def test_a_database_that_restarts_costs_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Postgres(tmp_path_factory.mktemp("restarted") / "server", settings=SETTINGS).start()
    try:
        make_template(server)
        databases = fresh_database(server, "plain")
        database = next(databases)
        with served_database(database, pace=LONG) as api:
            ticket, _ = town.ticket(api.conn, town.home(api.conn))
            token = api.token()
            with listening(api, "/v1/events", token) as ear:
                remark(api.conn, ticket, 1)
                api.conn.commit()
                until(lambda: ear.numbers() == [1])
                server.stop()
                server.start()
                with database.connect() as conn:
                    remark(conn, ticket, 2)
                until(lambda: ear.numbers() == [1, 2])
                with database.connect() as conn:
                    remark(conn, ticket, 3)
                until(lambda: len(ear.numbers()) == 3)
                # Each once and in order, over the same answer: the reader has noticed nothing.
                assert ear.numbers() == [1, 2, 3]
                assert not ear.over.is_set()
    finally:
        server.remove()


@pytest.mark.slow
def test_hundreds_listen_with_one_connection(plain_database: Database) -> None:
    count = 500
    pace = HubLimits(per_token=count, longest_s=120, homes_s=60)
    with served_database(plain_database, pace=pace) as api:
        ticket, _ = town.ticket(api.conn, town.home(api.conn))
        token = api.token()
        api.conn.commit()
        with many(api, token, count) as sockets:
            remark(api.conn, ticket, 42)
            api.conn.commit()
            for each in sockets:
                assert heard(each, b'"n":42')
            assert town.one(api.conn, CONNECTIONS, None) <= 3  # this one, the one that listens, the pool's last

"""The rota by the API and at the desk: planning, swaps that need both, load, and calendars without signing in."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from api.http.session import SessionSpans
from store.staff import rota_rows, session_rows
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW
from tests.conftest import ANSWER_S, PLAIN_HTTP, Database

pytestmark = pytest.mark.plain_only

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
INSERT_TICKET = """
INSERT INTO ticket (class, state, priority, source, station, responsible, opened_at, replied_at, done_at, closed_at)
VALUES ('complaint', %s, 3, 'phone', 'North', 'Li', %s, %s, %s, %s) RETURNING ticket_id
"""
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
OUTBOX = "SELECT kind, staff_id FROM outbox ORDER BY outbox_id"
FEED = re.compile(r"http://[^<\s\"]+/calendar/[A-Za-z0-9_-]{32}\.ics")


def span(begin: datetime, length: timedelta = 8 * HOUR) -> dict[str, str]:
    return {"starts_at": begin.isoformat(), "ends_at": (begin + length).isoformat()}


@dataclass
class Crew:
    """Li, Wang and the lead Zhao of the station North, which keeps a rota, and Sun of South; they ask as themselves."""

    api: Api
    people: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, station: str | None = "North", role: str = "crew") -> None:
        number = member(self.api.conn, role, f"{name.lower()}.x", name=name, station=station)
        self.people[name], self.tokens[name] = number, session_of(self.api.conn, number)

    def call(self, who: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask as a person; the answer is no error of the service."""
        self.api.conn.commit()
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        answer = self.api.client.request(method, f"/v1/rota{path}", headers=headers, json=body)
        assert answer.status_code < 500
        return answer

    def plan(self, who: str, to: str, *spans: dict[str, str], station: str = "North") -> httpx.Response:
        body = {"station": station, "person": self.people[to], "spans": list(spans)}
        return self.call(who, "POST", "/shifts", body)

    def shift(self, to: str, begin: datetime, length: timedelta = 8 * HOUR) -> int:
        answer = self.plan("Zhao", to, span(begin, length))
        assert answer.status_code == 201, answer.text
        return int(answer.json()[0]["number"])

    def on_call(self) -> list[tuple[str, datetime]]:
        """Return who is on call, from when, in the week from now."""
        shifts = self.call("Zhao", "GET", "").json()["shifts"]
        return [(one["person"]["name"], datetime.fromisoformat(one["starts_at"])) for one in shifts]


@pytest.fixture
def crew(plain_api: Api) -> Crew:
    """The people; the desk's supervisor has begun the rota of North."""
    town.home(plain_api.conn, station="North")
    town.home(plain_api.conn, "B2-101", building="B2", station="South")
    made = Crew(plain_api)
    for name in ("Li", "Wang", "Zhao"):
        made.add(name)
    made.add("Sun", "South")
    made.add("Chief", None, "supervisor")
    assert made.call("Chief", "PUT", "/stations/North", {"lead": made.people["Zhao"]}).status_code == 200
    return made


def test_leaders_and_the_station_s_lead_plan_and_nobody_else(crew: Crew) -> None:
    assert crew.plan("Li", "Li", span(NOW)).status_code == 403
    assert crew.plan("Zhao", "Sun", span(NOW), station="South").status_code == 403
    assert crew.plan("Chief", "Sun", span(NOW), station="South").status_code == 409  # it keeps no rota
    assert crew.plan("Zhao", "Li", span(NOW), span(NOW + DAY)).status_code == 201
    assert crew.plan("Chief", "Wang", span(NOW + 2 * DAY)).status_code == 201
    assert crew.on_call() == [("Li", NOW), ("Li", NOW + DAY), ("Wang", NOW + 2 * DAY)]
    assert crew.call("Zhao", "PUT", "/stations/North", {"lead": None}).status_code == 403
    assert crew.call("Chief", "PUT", "/stations/Nowhere", {"lead": None}).status_code == 404
    assert crew.call("Chief", "PUT", "/stations/North", {"lead": crew.people["Sun"]}).status_code == 409


@pytest.mark.parametrize(
    ("begin", "length", "status"),
    [
        (timedelta(), HOUR, 409),  # Li is on call then
        (7 * HOUR + timedelta(minutes=59), HOUR, 409),
        (8 * HOUR, HOUR, 201),  # the minute after
        (-3 * HOUR, HOUR, 409),  # over
        (2 * DAY, timedelta(), 409),
        (2 * DAY, -HOUR, 409),
        (2 * DAY, 193 * HOUR, 409),
        (2 * DAY, 192 * HOUR, 201),
        (timedelta(days=63_000), HOUR, 201),  # the year 2198
        (timedelta(days=63_600), HOUR, 422),
    ],
)
def test_a_shift_is_one_that_a_person_can_stand(crew: Crew, begin: timedelta, length: timedelta, status: int) -> None:
    crew.shift("Li", NOW)
    assert crew.plan("Zhao", "Li", span(NOW + 100 * DAY), span(NOW + begin, length)).status_code == status
    assert crew.api.conn.execute("SELECT count(*) FROM shift").fetchone() == (
        3 if status == 201 else 1,
    )  # all, or none


def test_what_has_been_stays_and_what_lies_ahead_is_cancelled(crew: Crew) -> None:
    running, ahead = crew.shift("Li", NOW - HOUR), crew.shift("Li", NOW + DAY)
    assert crew.call("Li", "POST", f"/shifts/{running}/cancel").status_code == 403
    assert crew.call("Sun", "POST", f"/shifts/{ahead}/cancel").status_code == 403
    assert crew.call("Zhao", "POST", f"/shifts/{ahead}/cancel").status_code == 204
    assert crew.call("Zhao", "POST", f"/shifts/{ahead}/cancel").status_code == 409
    assert crew.call("Zhao", "POST", "/shifts/999999/cancel").status_code == 403
    assert crew.call("Chief", "POST", "/shifts/999999/cancel").status_code == 404
    assert crew.on_call() == [("Li", NOW)]  # planned an hour late: it has begun now


def test_gaps_are_told_and_a_crew_sees_its_own_station(crew: Crew) -> None:
    crew.shift("Li", NOW + HOUR)
    crew.shift("Wang", NOW + 5 * HOUR)
    assert crew.call("Chief", "PUT", "/stations/South", {"lead": None}).status_code == 200
    path = f"?from={NOW:%Y-%m-%dT%H:%M:%SZ}&to={NOW + DAY:%Y-%m-%dT%H:%M:%SZ}"
    (north,) = crew.call("Li", "GET", path).json()["stations"]
    gaps = [
        (datetime.fromisoformat(one["starts_at"]), datetime.fromisoformat(one["ends_at"])) for one in north["uncovered"]
    ]
    assert gaps == [(NOW, NOW + HOUR), (NOW + 13 * HOUR, NOW + DAY)]
    assert [one["station"] for one in crew.call("Sun", "GET", path).json()["stations"]] == ["South"]
    assert crew.call("Sun", "GET", path + "&station=North").json()["shifts"] == []
    assert [one["station"] for one in crew.call("Chief", "GET", path).json()["stations"]] == ["North", "South"]
    for wrong in ("?from=2026-01-15", f"?from={NOW:%Y-%m-%dT%H:%M:%SZ}&to={NOW:%Y-%m-%dT%H:%M:%SZ}",
                  "?from=2026-01-01T00:00:00Z&to=2026-05-01T00:00:00Z", "?station=%00"):  # fmt: skip
        assert crew.call("Chief", "GET", wrong).status_code == 422


def test_a_swap_counts_when_the_colleague_agrees(crew: Crew) -> None:
    mine, theirs = crew.shift("Li", NOW + DAY), crew.shift("Wang", NOW + 2 * DAY)
    before = crew.on_call()
    wanted = {"shift": mine, "colleague": crew.people["Wang"], "in_return": theirs}
    assert crew.call("Zhao", "POST", "/swaps", wanted).status_code == 409  # not Zhao's to ask for
    assert crew.call("Li", "POST", "/swaps", wanted | {"colleague": crew.people["Sun"]}).status_code == 409
    assert crew.call("Li", "POST", "/swaps", wanted | {"colleague": crew.people["Li"]}).status_code == 409
    assert crew.call("Li", "POST", "/swaps", wanted | {"in_return": mine}).status_code == 409
    asked = crew.call("Li", "POST", "/swaps", wanted)
    assert asked.status_code == 201
    assert crew.call("Li", "POST", "/swaps", wanted).status_code == 201  # takes the place of the first
    (open_one,) = crew.call("Wang", "GET", "").json()["swaps"]
    number = open_one["number"]
    assert crew.on_call() == before
    assert crew.call("Wang", "POST", f"/swaps/{asked.json()['number']}/answer", {"agreed": True}).status_code == 409
    assert crew.call("Li", "POST", f"/swaps/{number}/answer", {"agreed": True}).status_code == 409
    assert crew.call("Wang", "POST", f"/swaps/{number}/withdraw").status_code == 409
    assert crew.call("Wang", "POST", f"/swaps/{number}/answer", {"agreed": True}).status_code == 204
    assert crew.on_call() == [("Wang", NOW + DAY), ("Li", NOW + 2 * DAY)]
    assert crew.call("Wang", "POST", f"/swaps/{number}/answer", {"agreed": False}).status_code == 409
    told = crew.api.conn.execute(OUTBOX).fetchall()
    assert told[-1] == ("swap_agreed", crew.people["Li"])
    assert ("swap_asked", crew.people["Wang"]) in told


def test_a_swap_that_would_put_somebody_on_call_twice_is_not_made(crew: Crew) -> None:
    mine = crew.shift("Li", NOW + DAY)
    number = crew.call("Li", "POST", "/swaps", {"shift": mine, "colleague": crew.people["Wang"]}).json()["number"]
    crew.shift("Wang", NOW + DAY + HOUR)
    before = crew.on_call()
    assert crew.call("Wang", "POST", f"/swaps/{number}/answer", {"agreed": True}).status_code == 409
    assert crew.on_call() == before
    assert crew.call("Wang", "POST", f"/swaps/{number}/answer", {"agreed": False}).status_code == 204
    assert crew.api.conn.execute(OUTBOX).fetchall()[-1] == ("swap_declined", crew.people["Li"])


def test_who_agrees_and_who_asks_somebody_else_do_not_wait_for_each_other(crew: Crew, plain_database: Database) -> None:
    """Asking holds the shift, then writes its swaps; so agreeing has to wait for the shift first."""
    mine = crew.shift("Li", NOW + HOUR)
    number = crew.call("Li", "POST", "/swaps", {"shift": mine, "colleague": crew.people["Wang"]}).json()["number"]
    conn = crew.api.conn
    rota_rows.lock(conn, [mine])
    with ThreadPoolExecutor(1) as wang, plain_database.connect(autocommit=True) as looking:
        headers = {"Authorization": f"Bearer {crew.tokens['Wang']}"}
        path = f"/v1/rota/swaps/{number}/answer"
        answer = wang.submit(crew.api.client.post, path, json={"agreed": True}, headers=headers)
        until = time.monotonic() + ANSWER_S
        while not looking.execute(WAITING).fetchall():
            assert time.monotonic() < until
            time.sleep(0.005)
        conn.execute("SELECT FROM shift_swap FOR UPDATE NOWAIT")
        conn.commit()
        assert answer.result().status_code == 204


@pytest.mark.parametrize("why", ["withdrawn", "cancelled", "begun"])
def test_nobody_agrees_to_what_cannot_be_made_any_more(crew: Crew, why: str) -> None:
    mine = crew.shift("Li", NOW + HOUR)
    number = crew.call("Li", "POST", "/swaps", {"shift": mine, "colleague": crew.people["Wang"]}).json()["number"]
    match why:
        case "withdrawn":
            assert crew.call("Li", "POST", f"/swaps/{number}/withdraw").status_code == 204
        case "cancelled":
            assert crew.call("Zhao", "POST", f"/shifts/{mine}/cancel").status_code == 204
        case "begun":
            crew.api.conn.execute("UPDATE shift SET starts_at = %s", (NOW,))
    assert crew.call("Wang", "GET", "").json()["swaps"] == []
    assert crew.call("Wang", "POST", f"/swaps/{number}/answer", {"agreed": True}).status_code == 409
    assert crew.api.conn.execute("SELECT staff_id FROM shift").fetchone() == (crew.people["Li"],)


def test_load_counts_tickets_and_hours(crew: Crew) -> None:
    conn = crew.api.conn
    crew.shift("Li", NOW, 8 * HOUR)
    crew.shift("Li", datetime.fromisoformat("2026-01-31T12:00:00+08:00"), DAY)  # half of it is of February
    for state, due, opened in (("open", HOUR, NOW), ("accepted", -HOUR, NOW), ("working", 30 * HOUR, NOW - 40 * DAY),
                               ("closed", None, NOW), ("closed", None, NOW - 40 * DAY)):  # fmt: skip
        ended = NOW if state == "closed" else None
        (ticket,) = conn.execute(INSERT_TICKET, (state, opened, ended, ended, ended)).fetchone() or (0,)
        if due is not None:
            town.clock(conn, ticket, "done", NOW + due)
    loads = {one["person"]["name"]: one for one in crew.call("Chief", "GET", "/load?station=North").json()}
    assert set(loads) == {"Li", "Wang", "Zhao"}
    li = {key: loads["Li"][key] for key in ("open", "due", "late", "month", "on_call_hours")}
    assert li == {"open": 3, "due": 1, "late": 1, "month": 3, "on_call_hours": 20.0}
    assert [one["person"]["name"] for one in crew.call("Sun", "GET", "/load").json()] == ["Sun"]


def test_a_calendar_shows_one_s_own_shifts_until_its_address_is_ended(crew: Crew) -> None:
    crew.shift("Li", NOW + DAY)
    crew.shift("Wang", NOW + 2 * DAY)
    first = crew.call("Li", "POST", "/calendar").json()["address"]
    with httpx.Client(trust_env=False, verify=PLAIN_HTTP, timeout=ANSWER_S) as client:
        feed = client.get(first)
        assert feed.headers["content-type"] == "text/calendar; charset=utf-8"
        assert feed.text.count("BEGIN:VEVENT") == 1
        assert f"DTSTART:{NOW + DAY:%Y%m%dT%H%M%SZ}" in feed.text
        assert "Wang" not in feed.text
        second = crew.call("Li", "POST", "/calendar").json()["address"]
        assert (client.get(first).status_code, client.get(second).status_code) == (404, 200)
        crew.api.conn.execute("UPDATE staff SET active_to = %s WHERE name = 'Li'", (NOW,))
        crew.api.conn.commit()
        assert client.get(second).status_code == 404  # nobody reads on who has left
        crew.api.conn.execute("UPDATE staff SET active_to = NULL WHERE name = 'Li'")
        crew.api.conn.commit()
        assert client.get(second).status_code == 200
        assert crew.call("Li", "DELETE", "/calendar").status_code == 204
        assert client.get(second).status_code == 404
    secret = second.rpartition("/")[2].removesuffix(".ics")
    audited = crew.api.conn.execute("SELECT coalesce(string_agg(a::text, ' '), '') FROM audit AS a").fetchone()
    assert audited is not None
    assert secret not in audited[0]


@pytest.fixture
def page(crew: Crew) -> Iterator[tuple[httpx.Client, str]]:
    """The browser of the lead."""
    with browser(crew.api, crew.tokens["Zhao"]) as client:
        yield client, crew.tokens["Zhao"]


def test_the_page_does_what_the_api_does(crew: Crew, page: tuple[httpx.Client, str]) -> None:
    client, token = page
    form = {"station": "North", "person": str(crew.people["Li"]), "first": "2026-01-15", "last": "2026-01-18",
            "opens": "20:00", "closes": "08:00", "week": "2026-01-12"}  # fmt: skip
    days = [("weekdays", str(day)) for day in (3, 5)]
    sent = client.post("/desk/rota/plan", data={**form, **sealed(token), "weekdays": [day for _, day in days]})
    assert sent.status_code == 303
    assert sent.headers["location"] == "/desk/rota?week=2026-01-12&done=planned"
    evening = NOW.replace(hour=12)  # 20:00 in Shanghai
    assert crew.on_call() == [("Li", evening), ("Li", evening + 2 * DAY)]
    shown = client.get(sent.headers["location"]).text
    assert "Planned." in shown
    assert shown.count("20:00–08:00") >= 2
    assert "nobody:" in shown
    again = client.post("/desk/rota/plan", data={**form, **sealed(token), "weekdays": ["3"]})
    assert (again.status_code, "on call at that time already" in again.text) == (409, True)
    none = client.post("/desk/rota/plan", data={**form, **sealed(token)})
    assert (none.status_code, "check the days and hours" in none.text) == (422, True)


def test_a_swap_is_asked_for_and_agreed_to_on_the_page(crew: Crew) -> None:
    mine = crew.shift("Li", NOW + DAY)
    with browser(crew.api, crew.tokens["Li"]) as client:
        fields = sealed(crew.tokens["Li"], shift=str(mine), colleague=str(crew.people["Wang"]), in_return="0")
        assert client.post("/desk/rota/swaps", data=fields).status_code == 303
        assert "Withdraw" in client.get("/desk/rota").text
        form = sealed(crew.tokens["Li"])
        made = client.post("/desk/rota/calendar", data=form)
        (address,) = set(FEED.findall(made.text))
        assert client.post("/desk/rota/calendar", data=form).headers["location"] == "/desk/rota"  # the page is reloaded
        assert client.get(address).status_code == 200
        assert not FEED.search(client.get("/desk/rota").text)
    with browser(crew.api, crew.tokens["Wang"]) as client:
        (form,) = set(re.findall(r'action="(/desk/rota/swaps/\d+/agreed)"', client.get("/desk/rota").text))
        assert client.post(form, data=sealed(crew.tokens["Wang"])).status_code == 303
    assert crew.on_call() == [("Wang", NOW + DAY)]


def test_a_token_of_a_machine_is_nobody_on_call(crew: Crew) -> None:
    token = session_rows.begin(crew.api.conn, crew.people["Li"], "x", SessionSpans().usual, NOW)
    assert token
    machine = crew.api.token("crew", station="North")
    crew.api.conn.commit()
    answer = crew.api.client.post("/v1/rota/calendar", headers={"Authorization": f"Bearer {machine}"})
    assert answer.status_code == 403

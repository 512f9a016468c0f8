"""Outages and incidents on the pages of the desk, and the preview of an announcement, which tells what happens then."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from alerts.notices import expand
from tests.api import town
from tests.api.answers import check
from tests.api.conftest import POLICY, Api
from tests.api.operations import INSERT_INCIDENT
from tests.api.people import contact
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

HOUR = timedelta(hours=1)
INSERT_RESIDENCE = """
INSERT INTO residence (home_id, resident, starts_at, first_day, ends_at) VALUES (%s, %s, %s, '2026-01-01', %s)
"""
TOLD = """
SELECT h.code, a.channel FROM notice AS n JOIN addressee AS a USING (addressee_id) JOIN home AS h USING (home_id)
ORDER BY 1, 2
"""
BODY = {"kind": "fault", "reason": "a burst pipe", "begins_at": NOW.isoformat()}
FORM = {"kind": "fault", "stops_heating": "yes", "reason": "a burst pipe", "begins_at": "2026-01-15T12:00"}


@pytest.fixture
def homes(plain_api: Api) -> list[int]:
    """Five homes of a building and one elsewhere; people of all sorts."""
    api = plain_api
    homes = [town.home(api.conn, f"B1-10{n}") for n in range(1, 6)]
    other = town.home(api.conn, "B2-101", building="B2", station="South")
    contact(api.conn, homes[0], name="Li")
    contact(api.conn, homes[0], "email", name="Li")
    contact(api.conn, homes[1], consent_at=None)
    contact(api.conn, homes[1], "email", consent_at=NOW + HOUR)
    contact(api.conn, homes[2], ended_at=NOW - HOUR)
    api.conn.execute(INSERT_RESIDENCE, (homes[3], "old", NOW - 99 * HOUR, NOW - HOUR))
    api.conn.execute(INSERT_RESIDENCE, (homes[3], "new", NOW - HOUR, None))
    contact(api.conn, homes[3], resident="old", consent_at=NOW - 9 * HOUR)
    contact(api.conn, homes[3], "email", resident="new")
    contact(api.conn, other)
    api.conn.commit()
    return homes


@pytest.fixture
def li(plain_api: Api) -> Iterator[tuple[httpx.Client, str]]:
    """The browser of a dispatcher, and the token of the session."""
    token = session_of(plain_api.conn, member(plain_api.conn))
    with browser(plain_api, token) as client:
        yield client, token


def previewed(api: Api, **changes: Any) -> dict[str, Any]:
    answer = api.post("/v1/outages/preview", api.token("dispatcher"), **{**BODY, **changes})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("area", [{"buildings": ["B1"]}, {"substations": ["S-North"], "homes": ["B1-101", "B2-101"]}])
def test_a_preview_counts_exactly_those_who_are_told(plain_api: Api, homes: list[int], area: dict[str, Any]) -> None:
    api = plain_api
    shown = previewed(api, area=area)
    assert api.conn.execute("SELECT count(*) FROM outage").fetchone() == (0,), "a preview writes nothing"
    assert api.post("/v1/outages", api.token("dispatcher"), **BODY, area=area).status_code == 201
    api.conn.commit()
    api.conn.autocommit = True
    expand.expand(api.conn, POLICY, NOW)
    told = api.conn.execute(TOLD).fetchall()
    assert shown["messages"] == len(told) > 0
    assert shown["reached"] == len({home for home, _ in told})
    assert shown["people"] == shown["reached"], "two ways to reach one person are one person"
    by_channel = {one["channel"]: one["messages"] for one in shown["channels"]}
    assert by_channel == {name: [c for _, c in told].count(name) for name in by_channel}
    assert shown["homes"] == (5 if "buildings" in area else 6)
    assert shown["why"] == "fault"


def test_a_preview_says_why_when_and_in_which_words(plain_api: Api, homes: list[int]) -> None:
    short = previewed(plain_api, kind="planned", expected_end=(NOW + 2 * HOUR).isoformat(), area={"buildings": ["B1"]})
    assert short["why"] is None
    plain_api.clock.now = NOW + 12 * HOUR  # midnight there
    begins = (NOW + 24 * HOUR).isoformat()
    long = previewed(
        plain_api,
        kind="planned",
        begins_at=begins,
        expected_end=(NOW + 32 * HOUR).isoformat(),
        area={"buildings": ["B1"]},
    )
    assert long["why"] == "expected_long"
    assert long["not_before"] is not None
    assert "您家（B1-101）：2026-01-16 12:00 起停热" in long["texts"]["zh"]["body"]
    assert "Your home (B1-101): no heat from 2026-01-16 12:00" in long["texts"]["en"]["body"]
    soon = previewed(plain_api, begins_at=plain_api.clock.now.isoformat(), area={"buildings": ["B1"]})
    assert soon["not_before"] is None, "a fault now wakes people"


def test_a_preview_is_refused_as_the_outage_would_be(plain_api: Api, homes: list[int]) -> None:
    token = plain_api.token("dispatcher")
    unknown = plain_api.post("/v1/outages/preview", token, **BODY, area={"buildings": ["B9"]})
    check(unknown, 422)
    assert unknown.json()["errors"][0]["parameter"] == "area.buildings"
    early = (NOW - HOUR).isoformat()
    check(plain_api.post("/v1/outages/preview", token, **BODY, expected_end=early, area={"buildings": ["B1"]}), 409)


def test_places_are_found_by_a_part_of_their_name(plain_api: Api, homes: list[int]) -> None:
    plain_api.conn.execute("UPDATE building SET name = '幸福里3号楼', address = '南京南街 120 号' WHERE code = 'B1'")
    desk = plain_api.token("dispatcher")

    def found(q: str) -> list[tuple[str, str, int]]:
        items = plain_api.get("/v1/places", desk, q=q).json()["items"]
        return [(one["kind"], one["code"], one["homes"]) for one in items]

    assert found("幸福里") == found(" 南京南街 ") == [("building", "B1", 5)]
    assert found("s-") == [("substation", "S-North", 5), ("substation", "S-South", 1)]
    assert found("b1-101") == [("home", "B1-101", 1)]
    assert found("%") == found("_") == []
    check(plain_api.get("/v1/places", desk, q=" "), 422)
    check(plain_api.get("/v1/places", desk, q="B\x001"), 422)


def test_an_outage_is_announced_changed_and_ended_in_the_browser(
    plain_api: Api, homes: list[int], li: tuple[httpx.Client, str]
) -> None:
    client, token = li
    full = {**FORM, "buildings": "B1", "expected_end": "2026-01-15T20:00"}
    page = client.post("/desk/outages/draft", data=sealed(token, **full))
    assert "Tells people in 2 of 5 homes: 2 people, 3 messages." in page.text
    assert "Because: a fault stops the heat" in page.text
    assert "您家（B1-101）：2026-01-15 12:00 起停热，预计 2026-01-15 20:00 恢复" in page.text
    fields = sealed(token, **full)
    answers = [client.post("/desk/outages", data=fields) for _ in range(2)]
    assert [answer.headers["location"] for answer in answers] == ["/desk/outages/O00000001?done=recorded"] * 2
    shown = client.get("/desk/outages/O00000001").text
    (version,) = set(re.findall(r'name="version" value="(\d+)"', shown))
    change = {**FORM, "kind": "changed", "expected_end": "2026-01-15T22:00", "version": version}
    assert client.post("/desk/outages/O00000001", data=sealed(token, **change)).status_code == 303
    late = client.post("/desk/outages/O00000001", data=sealed(token, **{**change, "reason": "a pump"}))
    assert (late.status_code, "This outage changed while you were writing" in late.text) == (409, True)
    assert "a pump" in late.text, "what was told is kept"
    for kind, more in (("widened", {"buildings": "B2"}), ("explained", {"explanation": "old pipe"}), ("restored", {})):
        sent = client.post("/desk/outages/O00000001", data=sealed(token, kind=kind, version="9", **more))
        assert sent.headers["location"] == f"/desk/outages/O00000001?done={kind}", sent.text
    ended = client.post("/desk/outages/O00000001", data=sealed(token, kind="cancelled", version="9"))
    assert (ended.status_code, "Heat has already been restored." in ended.text) == (409, True)
    listed = client.get("/desk/outages?state=restored").text
    assert "O00000001" in listed
    assert "O00000001" not in client.get("/desk/outages?state=late").text
    assert client.get("/desk/outages/O00000001/notices").status_code == 200
    actors = plain_api.conn.execute("SELECT DISTINCT actor FROM outage_event").fetchall()
    assert {actor for (actor,) in actors} == {"hearth", "staff 1 (Li Na)"}
    kinds = plain_api.conn.execute("SELECT kind FROM outage_event ORDER BY seq").fetchall()
    assert [kind for (kind,) in kinds] == ["recorded", "announced", "changed", "widened", "explained", "restored"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reason": " "}, 'id="reason-fault"'),
        ({"begins_at": "soon"}, 'id="begins_at-fault"'),
        ({"buildings": ""}, 'id="area-fault"'),
        ({"buildings": "B9"}, 'id="area-fault"'),
        ({"kind": "planned"}, "A planned outage needs an expected end."),
        ({"expected_end": "2026-01-15T11:00"}, "The expected end must be after the beginning."),
        ({"kind": "flood"}, "Not recorded"),
    ],
)
def test_what_is_wrong_with_an_outage_is_said_beside_its_field(
    homes: list[int], li: tuple[httpx.Client, str], fields: dict[str, str], said: str
) -> None:
    client, token = li
    answer = client.post("/desk/outages", data=sealed(token, **{**FORM, "buildings": "B1", **fields}))
    assert answer.status_code in (409, 422)
    assert said in answer.text
    assert 'value="2026-01-15T12:00"' in answer.text or "soon" in answer.text


def test_a_change_that_is_none_and_a_move_that_is_none_are_told(
    plain_api: Api, homes: list[int], li: tuple[httpx.Client, str]
) -> None:
    client, token = li
    client.post("/desk/outages", data=sealed(token, **FORM, buildings="B1"))
    for fields in ({**FORM, "kind": "changed"}, {**FORM, "kind": "announced"}, {"kind": "widened"}):
        answer = client.post("/desk/outages/O00000001", data=sealed(token, version="9", **fields))
        assert (answer.status_code, "Not done" in answer.text) == (422, True)
    assert plain_api.conn.execute("SELECT count(*) FROM outage_event").fetchone() == (2,)


def test_an_incident_shows_its_homes_and_leads_to_its_crew_and_an_outage(
    plain_api: Api, homes: list[int], li: tuple[httpx.Client, str]
) -> None:
    ticket, number = town.ticket(plain_api.conn, homes[0])
    row = plain_api.conn.execute(INSERT_INCIDENT, (ticket, NOW, "North")).fetchone()
    assert row is not None
    child, child_number = town.ticket(plain_api.conn, homes[1])
    plain_api.conn.execute(
        "INSERT INTO incident_ticket (incident_id, ticket_id, joined_at) SELECT incident_id, %s, %s FROM incident",
        (child, NOW),
    )
    plain_api.conn.commit()
    client, _ = li
    assert str(row[0]) in client.get("/desk/incidents").text
    assert str(row[0]) not in client.get("/desk/incidents?state=closed").text
    page = client.get(f"/desk/incidents/{row[0]}").text
    for link in (f"/desk/tickets/{number}", f"/desk/tickets/{child_number}", "/desk/outages/new?substations=S-North"):
        assert link in page
    assert client.get("/desk/incidents/I99999999").status_code == 404
    assert 'value="S-North" checked' in client.get("/desk/outages/new?substations=S-North").text

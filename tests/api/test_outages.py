"""Outages over HTTP: recorded and followed by the desk, read by those they concern."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from alerts.notices import expand
from tests.api import town
from tests.api.answers import check
from tests.api.conftest import POLICY, Api
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

HOUR = timedelta(hours=1)
PLANNED = {
    "kind": "planned",
    "reason": "a new valve",
    "begins_at": (NOW + HOUR).isoformat(),
    "expected_end": (NOW + 9 * HOUR).isoformat(),
    "area": {"buildings": ["B1"]},
}


@pytest.fixture
def homes(api: Api) -> dict[str, int]:
    """Two homes of one building and one of another station."""
    return {
        "B1-101": town.home(api.conn),
        "B1-102": town.home(api.conn, "B1-102"),
        "B2-101": town.home(api.conn, "B2-101", building="B2", station="South"),
    }


def post(api: Api, path: str, body: Any, token: str) -> httpx.Response:
    api.conn.commit()
    return api.client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})


def recorded(api: Api, token: str, **changes: Any) -> dict[str, Any]:
    answer = post(api, "/v1/outages", {**PLANNED, **changes}, token)
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


def happened(api: Api, number: str, token: str, **body: Any) -> httpx.Response:
    return post(api, f"/v1/outages/{number}/events", body, token)


def test_it_is_recorded_announced_and_followed_to_its_end(api: Api, homes: dict[str, int]) -> None:
    desk = api.token("dispatcher")
    outage = recorded(api, desk)
    number = outage["number"]
    assert outage["state"] == "planned"
    assert outage["announced_at"] == "2026-01-15T04:00:00Z"
    assert outage["area"] == {"substations": [], "buildings": ["B1"], "homes": []}
    assert outage["homes"] == 2
    assert outage["announcement"] == {"homes": 2, "told": 0, "waiting": 0, "failed": 0, "unreachable": 2}
    later = (NOW + 10 * HOUR).isoformat()
    assert (
        happened(api, number, desk, kind="changed", expected_end=later).json()["expected_end"] == "2026-01-15T14:00:00Z"
    )
    assert happened(api, number, desk, kind="widened", area={"homes": ["B2-101"]}).json()["homes"] == 3
    assert happened(api, number, desk, kind="explained", explanation="it is old").json()["explanation"] == "it is old"
    over = happened(api, number, desk, kind="cancelled").json()
    assert over["state"] == "cancelled"
    kinds = [event["kind"] for event in over["events"]]
    assert kinds == ["recorded", "announced", "changed", "widened", "explained", "cancelled"]
    assert {event["actor"] for event in over["events"]} == {"hearth", "token 1"}


def test_what_cannot_be_said_now_is_a_conflict_in_both_languages(api: Api, homes: dict[str, int]) -> None:
    desk = api.token("dispatcher")
    fault = recorded(api, desk, kind="fault", begins_at=(NOW - HOUR).isoformat(), expected_end=None)
    answer = happened(api, fault["number"], desk, kind="cancelled")
    assert check(answer, 409)["detail"] == "The outage has begun: it can be ended but not cancelled."
    assert happened(api, fault["number"], desk, kind="restored").json()["restored_at"] == "2026-01-15T04:00:00Z"
    assert (
        check(happened(api, fault["number"], desk, kind="restored"), 409)["detail"] == "Heat has already been restored."
    )
    endless = post(api, "/v1/outages", {**PLANNED, "expected_end": None}, desk)
    assert check(endless, 409)["detail"] == "A planned outage needs an expected end."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({**PLANNED, "area": {}}, "give at least one place"),
        ({**PLANNED, "area": {"homes": ["nowhere"]}}, "area.homes: nowhere is not in the registry"),
        ({**PLANNED, "kind": "war"}, "kind"),
        ({**PLANNED, "reason": "  "}, "reason"),
        ({**PLANNED, "reason": "a\x00b"}, "reason"),
        ({**PLANNED, "reason": "x" * 1001}, "reason"),
        ({**PLANNED, "begins_at": "2026-01-15T04:00:00"}, "RFC 3339"),
        ({**PLANNED, "colour": "red"}, "colour"),
        ({**PLANNED, "area": {"homes": ["x"] * 1001}}, "area.homes"),
    ],
)
def test_a_body_that_is_wrong_is_named(api: Api, homes: dict[str, int], body: dict[str, Any], said: str) -> None:
    answer = post(api, "/v1/outages", body, api.token("dispatcher"))
    assert answer.status_code == 422
    assert said in answer.text


@pytest.mark.parametrize(
    "body", [{"kind": "changed"}, {"kind": "changed", "begins_at": None}, {"kind": "late"}, {"kind": "explained"}, {}]
)
def test_an_event_that_is_wrong_is_refused(api: Api, homes: dict[str, int], body: dict[str, Any]) -> None:
    desk = api.token("dispatcher")
    number = recorded(api, desk)["number"]
    assert happened(api, number, desk, **body).status_code == 422


def test_the_desk_writes_and_nobody_else(api: Api, homes: dict[str, int]) -> None:
    number = recorded(api, api.token("supervisor"))["number"]
    for token in (api.token("crew", station="North"), api.token("customer", "B1-101")):
        assert post(api, "/v1/outages", PLANNED, token).status_code == 403
        assert happened(api, number, token, kind="cancelled").status_code == 403
        assert api.get(f"/v1/outages/{number}/notices", token).status_code == 403
        assert api.get("/v1/notices", token).status_code == 403
    assert (
        check(happened(api, "O99999999", api.token("dispatcher"), kind="cancelled"), 404)["detail"] == "no such outage"
    )


def test_it_is_read_by_those_whom_it_concerns(api: Api, homes: dict[str, int]) -> None:
    desk = api.token("dispatcher")
    building = recorded(api, desk)["number"]
    both = recorded(api, desk, area={"homes": ["B1-102", "B2-101"]})["number"]

    def seen(token: str, **query: str) -> list[str]:
        return [item["number"] for item in api.get("/v1/outages", token, **query).json()["items"]]

    assert seen(desk) == [both, building]
    assert seen(desk, station="South") == [both]
    assert seen(desk, home="B1-101") == [building]
    assert seen(desk, state="planned") == [both, building]
    assert seen(desk, state="running") == []
    assert seen(api.token("crew", station="North")) == [both, building]
    assert seen(api.token("crew", station="South")) == [both]
    assert seen(api.token("customer", "B1-101")) == [building]
    mine = api.token("customer", "B1-102")
    assert seen(mine) == [both, building]
    answer = api.get(f"/v1/outages/{both}", mine).json()
    assert answer["area"] == {"substations": [], "buildings": [], "homes": ["B1-102"]}
    assert answer["events"] is None
    assert answer["announcement"] is None
    assert api.get(f"/v1/outages/{building}", api.token("customer", "B2-101")).status_code == 404


def test_pages_follow_each_other(api: Api, homes: dict[str, int]) -> None:
    desk = api.token("dispatcher")
    numbers = [recorded(api, desk)["number"] for _ in range(3)]
    first = api.get("/v1/outages", desk, limit=2).json()
    second = api.get("/v1/outages", desk, limit=2, cursor=first["next"]).json()
    assert [item["number"] for item in first["items"] + second["items"]] == numbers[::-1]
    assert second["next"] is None


def test_who_was_told_is_listed_with_the_result(api: Api, homes: dict[str, int]) -> None:
    desk = api.token("dispatcher")
    api.conn.execute(
        "WITH made AS (INSERT INTO addressee (audience, home_id, channel, language) "
        "SELECT 'user', home_id, 'email', 'zh' FROM home RETURNING addressee_id) "
        "INSERT INTO person.contact SELECT addressee_id, 'secret@example.com', '2020-01-01' FROM made"
    )
    number = recorded(api, desk)["number"]

    expand.expand(api.conn, POLICY, NOW)
    expand.write(api.conn, POLICY, NOW)
    api.conn.execute(
        "UPDATE message SET state = 'sent', due_at = NULL, finished_at = created_at, attempts = 1 WHERE message_id = 1"
    )
    listed = api.get(f"/v1/outages/{number}/notices", desk)
    assert "secret" not in listed.text
    items = listed.json()["items"]
    assert sorted(item["home"] for item in items) == ["B1-101", "B1-102"]
    assert {item["what"] for item in items} == {"outage_announced"}
    assert sorted(item["state"] for item in items) == ["sent", "waiting"]
    (sent,) = api.get("/v1/notices", desk, state="sent").json()["items"]
    assert (sent["channel"], sent["audience"], sent["attempts"], sent["finished_at"]) == (
        "email",
        "user",
        1,
        "2026-01-15T04:00:00Z",
    )
    assert api.get("/v1/notices", desk, home="B2-101").json()["items"] == []
    whole = api.get(f"/v1/outages/{number}", desk).json()
    assert whole["announcement"] == {"homes": 2, "told": 1, "waiting": 1, "failed": 0, "unreachable": 0}


def test_a_flag_tells_the_outages_during_which_it_was_cold(api: Api, homes: dict[str, int]) -> None:
    desk = api.token("dispatcher")
    number = recorded(api, desk, kind="fault", begins_at=(NOW - 2 * HOUR).isoformat(), expected_end=None)["number"]
    for home, outages in (("B1-101", [number]), ("B2-101", [])):
        ticket, _ = town.ticket(api.conn, homes[home])
        town.flag(api.conn, homes[home], ticket, since=NOW - HOUR)
        (flag,) = api.get(f"/v1/homes/{home}/flags", api.token("customer", home)).json()["items"]
        assert flag["outages"] == outages


@pytest.mark.parametrize(
    "end", ["9999-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "2026-01-16T00:00:00+16:00", "0001-01-01T00:00:00Z"]
)
def test_an_end_that_no_page_could_show_is_refused(plain_api: Api, end: str) -> None:
    town.home(plain_api.conn)
    body = {**PLANNED, "expected_end": end}
    assert post(plain_api, "/v1/outages", body, plain_api.token("dispatcher")).status_code == 422

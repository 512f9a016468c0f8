"""Complaints and reports over HTTP: taken down, followed up, and whose they are told with a reason only."""

from typing import Any

import pytest

from store.base.access import Right, TokenGrant, create
from store.base.access import Role as TokenRole
from tests.api import town
from tests.api.answers import post
from tests.api.conftest import Api
from tests.api.town import NOW

STORY = {"class": "complaint", "subject": "conduct", "channel": "phone", "text": "Nobody came.",
         "about_station": "North"}  # fmt: skip
WHO = {"name": "Wang Wu", "phone": "024-4711", "home": "B1-101"}
REASON = {"reason": "the complainant asked to be called back"}


def taken(api: Api, **other: Any) -> dict[str, Any]:
    """Return a complaint of who lives in B1-101."""
    if not api.conn.execute("SELECT FROM home").fetchall():
        town.home(api.conn)
    answer = post(api, "/v1/cases", api.token("dispatcher"), {**STORY, **other})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_case_is_taken_down_and_shown_without_who_made_it(plain_api: Api) -> None:
    api = plain_api
    case = taken(api, **WHO)
    assert (case["class"], case["state"], case["about_station"], case["anonymous"]) == (
        "complaint",
        "open",
        "North",
        False,
    )
    shown = api.get(f"/v1/cases/{case['number']}", api.token("dispatcher"))
    assert shown.json() == case
    for path in ("/v1/cases", f"/v1/cases/{case['number']}", f"/v1/tickets/{case['number']}", "/v1/tickets"):
        said = api.get(path, api.token("supervisor")).text
        assert "Wang" not in said
        assert "4711" not in said
        assert "B1-101" not in said
    assert api.get("/v1/cases", api.token("crew", station="North")).status_code == 403
    assert api.get(f"/v1/tickets/{case['number']}", api.token("crew", station="North")).status_code == 404
    audit = api.conn.execute("SELECT string_agg(a::text, ' ') FROM audit AS a").fetchone() or ("",)
    assert "Wang" not in audit[0]


def test_who_made_it_is_told_to_a_leader_with_a_reason_and_that_is_on_record(plain_api: Api) -> None:
    api = plain_api
    path = f"/v1/cases/{taken(api, **WHO)['number']}/identity"
    assert post(api, path, api.token("dispatcher"), REASON).status_code == 403
    assert post(api, path, api.token("supervisor"), {"reason": "curious"}).status_code == 422
    assert post(api, path, api.token("supervisor"), REASON).json() == WHO
    tries = api.conn.execute("SELECT role, reason, outcome FROM identity.reveal").fetchall()
    assert tries == [("supervisor", REASON["reason"], "shown")]
    narrow = create(api.conn, TokenGrant(TokenRole.ADMIN, rights={Right.READ, Right.WRITE}), NOW)
    assert post(api, path, narrow, REASON).status_code == 403
    looks = api.conn.execute("SELECT detail ->> 'outcome' FROM audit WHERE action LIKE '%identity' ORDER BY audit_id")
    assert [outcome for (outcome,) in looks] == ["shown", "role"]  # the refused one, too


def test_of_who_wants_to_stay_unknown_nothing_is_taken(plain_api: Api) -> None:
    api = plain_api
    assert (
        post(api, "/v1/cases", api.token("dispatcher"), {**STORY, "anonymous": True, "name": "Wang"}).status_code == 422
    )
    path = f"/v1/cases/{taken(api, anonymous=True)['number']}/identity"
    assert post(api, path, api.token("admin"), REASON).json() == {"name": None, "phone": None, "home": None}


def test_follow_ups_are_made_once(plain_api: Api) -> None:
    api = plain_api
    path = f"/v1/cases/{taken(api)['number']}/follow-ups"
    token = api.token("dispatcher")
    done = post(api, path, token, {"what": "escalated", "note": "to the manager"})
    assert done.json()["escalated_at"] == "2026-01-15T04:00:00Z"
    again = post(api, path, token, {"what": "escalated", "note": "to the manager"})
    assert (again.status_code, "already been done" in again.text) == (409, True)
    assert post(api, path, token, {"what": "example", "note": "n"}).status_code == 409
    assert post(api, "/v1/cases/T99999999/follow-ups", token, {"what": "example", "note": "n"}).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"about_station": "Nowhere"}, {"subject": "weather"}, {"text": " "}, {"text": "x" * 4001}, {"who": "me"}],
)
def test_what_cannot_be_is_refused(plain_api: Api, wrong: dict[str, Any]) -> None:
    town.home(plain_api.conn)
    assert post(plain_api, "/v1/cases", plain_api.token("dispatcher"), {**STORY, **wrong}).status_code == 422


MINE = {"class": "complaint", "subject": "repair", "text": "Nobody called back."}


def test_a_customer_complains_and_follows_it(plain_api: Api) -> None:
    api = plain_api
    town.home(api.conn)
    town.home(api.conn, "B1-102")
    token, neighbour = api.token("customer", "B1-101"), api.token("customer", "B1-102")
    made = post(api, "/v1/cases", token, MINE | {"channel": "phone", "phone": "024-4711"})
    assert made.status_code == 201, made.text
    number = made.json()["number"]
    assert (made.json()["channel"], made.json()["class"]) == ("online", "complaint")
    assert post(api, f"/v1/tickets/{number}/events", api.token(), {"kind": "replied", "text": "We are sorry.",
                "channel": "phone"}).status_code == 201  # fmt: skip
    ticket = api.get(f"/v1/tickets/{number}", token).json()
    assert [clock["name"] for clock in ticket["clocks"]] == ["answer"]
    assert ticket["clocks"][0]["met_at"] is not None
    assert ticket["events"][-1]["data"] == {"text": "We are sorry.", "channel": "phone"}
    assert [case["number"] for case in api.get("/v1/cases", token).json()["items"]] == [number]
    assert [t["number"] for t in api.get("/v1/tickets", token).json()["items"]] == [number]
    assert api.get(f"/v1/cases/{number}", token).json()["text"] == MINE["text"]
    for path in (f"/v1/cases/{number}", f"/v1/tickets/{number}"):
        assert api.get(path, neighbour).status_code == 404
    for path in ("/v1/cases", "/v1/tickets", "/v1/homes/B1-102/tickets"):
        assert api.get(path, neighbour).json()["items"] == []


def test_neither_record_nor_log_says_which_customer_complained(plain_api: Api) -> None:
    api = plain_api
    town.home(api.conn)
    number = post(api, "/v1/cases", api.token("customer", "B1-101"), MINE | {"name": "Wang"}).json()["number"]
    for path in (f"/v1/cases/{number}", f"/v1/tickets/{number}"):
        said = api.get(path, api.token("supervisor")).text
        assert "B1-101" not in said
        assert "token" not in said
        assert "Wang" not in said
    audit = api.conn.execute("SELECT string_agg(a::text, ' ') FROM audit AS a").fetchone() or ("",)
    assert number not in audit[0]
    told = post(api, f"/v1/cases/{number}/identity", api.token("supervisor"), REASON).json()
    assert told == {"name": "Wang", "phone": None, "home": "B1-101"}


def test_of_an_anonymous_complaint_of_a_customer_nothing_leads_back(plain_api: Api) -> None:
    api = plain_api
    town.home(api.conn)
    token = api.token("customer", "B1-101")
    number = post(api, "/v1/cases", token, MINE | {"anonymous": True}).json()["number"]
    assert api.get(f"/v1/cases/{number}", token).status_code == 404
    assert api.get("/v1/cases", token).json()["items"] == []
    assert api.conn.execute("SELECT count(*) FROM identity.complainant").fetchone() == (0,)
    tried = api.conn.execute("SELECT actor, address, target, detail FROM audit").fetchall()
    assert tried == [("unknown", None, {}, {"anonymous": True})]


def test_which_home_complains_is_one_of_the_customer_s(plain_api: Api) -> None:
    api = plain_api
    for code in ("B1-101", "B1-102", "B1-103"):
        town.home(api.conn, code)
    token = api.token("customer", "B1-101", "B1-102")
    assert post(api, "/v1/cases", token, MINE).status_code == 422
    assert post(api, "/v1/cases", token, MINE | {"home": "B1-102"}).status_code == 201
    assert post(api, "/v1/cases", token, MINE | {"home": "B1-103"}).status_code == 404
    assert post(api, "/v1/cases", api.token("dispatcher"), MINE).status_code == 422  # a channel is missing


def test_a_customer_complains_within_measure(plain_api: Api) -> None:
    api = plain_api
    town.home(api.conn)
    token = api.token("customer", "B1-101")
    assert [post(api, "/v1/cases", token, MINE).status_code for _ in range(6)] == [201] * 5 + [409]
    other = api.token("customer", "B1-101")
    unnamed = [post(api, "/v1/cases", other, MINE | {"anonymous": True}).status_code for _ in range(11)]
    assert set(unnamed) == {409}  # the home has as many open as are worked at a time, for every caller


def test_what_is_anonymous_is_counted_by_who_asks(plain_api: Api) -> None:
    api = plain_api
    town.home(api.conn)
    token = api.token("customer", "B1-101")
    told = [post(api, "/v1/cases", token, MINE | {"anonymous": True}).status_code for _ in range(11)]
    assert told == [201] * 10 + [429]

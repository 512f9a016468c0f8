"""Complaints and reports over HTTP: taken down, followed up, and whose they are told with a reason only."""

from typing import Any

import httpx
import pytest

from store.access import Right, create
from store.access import Role as TokenRole
from tests.api import town
from tests.api.conftest import Api
from tests.api.town import NOW

STORY = {"class": "complaint", "subject": "conduct", "channel": "phone", "text": "Nobody came.",
         "about_station": "North"}  # fmt: skip
WHO = {"name": "Wang Wu", "phone": "024-4711", "home": "B1-101"}
REASON = {"reason": "the complainant asked to be called back"}


def post(api: Api, path: str, token: str, body: Any) -> httpx.Response:
    api.conn.commit()
    return api.client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})


def taken(api: Api, **other: Any) -> dict[str, Any]:
    """A complaint of who lives in B1-101."""
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
    narrow = create(api.conn, TokenRole.ADMIN, now=NOW, rights={Right.READ, Right.WRITE})
    assert post(api, path, narrow, REASON).status_code == 403


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
    assert (again.status_code, "done already" in again.text) == (409, True)
    assert post(api, path, token, {"what": "example", "note": "n"}).status_code == 409
    assert post(api, "/v1/cases/T99999999/follow-ups", token, {"what": "example", "note": "n"}).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"about_station": "Nowhere"}, {"subject": "weather"}, {"text": " "}, {"text": "x" * 4001}, {"who": "me"}],
)
def test_what_cannot_be_is_refused(plain_api: Api, wrong: dict[str, Any]) -> None:
    town.home(plain_api.conn)
    assert post(plain_api, "/v1/cases", plain_api.token("dispatcher"), {**STORY, **wrong}).status_code == 422

"""Measurements over HTTP: a crew files them, what does not count stays, and what is due."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api import town
from tests.api.answers import everything, post
from tests.api.conftest import Api
from tests.api.town import NOW

SHEET = {"room": "living", "room_kind": "living", "measured_at": NOW.isoformat(), "celsius": 17.5, "instrument": "T7",
         "measurer": "Zhao", "signature": "sheet 4"}  # fmt: skip
PATH = "/v1/homes/B1-101/measurements"


def test_a_crew_files_a_record_and_flag_and_ticket_come_of_it(plain_api: Api) -> None:
    api = plain_api
    town.home(api.conn)
    crew = api.token("crew", station="North")
    filed = post(api, PATH, crew, SHEET)
    assert filed.status_code == 201, filed.text
    assert filed.json() == {
        **SHEET,
        "number": "M00000001",
        "home": "B1-101",
        "measured_at": "2026-01-15T04:00:00Z",
        "state": "cold",
        "limit": 18.0,
        "policy": "seed@2020-01-01",
        "worth": "valid",
        "corrects": None,
        "reason": None,
        "corrected_by": None,
        "recorded_at": "2026-01-15T04:00:00Z",
        "recorded_by": filed.json()["recorded_by"],
        "filed_late": False,
        "sensor": None,
        "sensor_celsius": None,
        "disagrees": False,
    }
    (flag,) = api.get("/v1/homes/B1-101/flags", crew).json()["items"]
    (ticket,) = api.get("/v1/homes/B1-101/tickets", crew).json()["items"]
    assert (flag["state"], flag["ticket"], ticket["class"]) == ("open", ticket["number"], "cold")
    assert api.get("/v1/homes/B1-101", crew).json()["flag"]["id"] == flag["id"]


def test_a_correction_names_the_record_and_both_stay(plain_api: Api) -> None:
    api = plain_api
    town.home(api.conn)
    crew = api.token("crew", station="North")
    post(api, PATH, crew, SHEET)
    post(api, PATH, crew, {**SHEET, "celsius": 19.5, "signature": None, "corrects": "M00000001", "reason": "misread"})
    right = {**SHEET, "celsius": 19.5, "corrects": "M00000001", "reason": "misread"}
    assert post(api, PATH, crew, right).status_code == 201
    assert post(api, PATH, crew, right).status_code == 409
    records = api.get(PATH, crew).json()["items"]
    assert [(one["number"], one["worth"], one["corrected_by"]) for one in records] == [
        ("M00000003", "valid", None),
        ("M00000002", "unsigned", None),
        ("M00000001", "corrected", "M00000003"),
    ]
    assert [flag["state"] for flag in api.get("/v1/homes/B1-101/flags", crew).json()["items"]] == ["cleared"]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"celsius": 85}, 422),
        ({"measured_at": (NOW + timedelta(hours=1)).isoformat()}, 422),
        ({"corrects": "M00000001"}, 422),
        ({"corrects": "M00000009", "reason": "r"}, 422),
        ({"room_kind": "attic"}, 422),
        ({"celsius": 16.0}, 409),
    ],
)
def test_what_cannot_be_is_refused(plain_api: Api, wrong: dict[str, Any], status: int) -> None:
    town.home(plain_api.conn)
    crew = plain_api.token("crew", station="North")
    post(plain_api, PATH, crew, SHEET)
    assert post(plain_api, PATH, crew, {**SHEET, **wrong}).status_code == status


def test_what_is_due_comes_page_by_page_and_ends_with_a_valid_record(plain_api: Api) -> None:
    api = plain_api
    for unit in range(3):
        home = town.home(api.conn, f"B1-10{unit}")
        api.conn.execute(
            "INSERT INTO measuring_point (home_id, room, room_kind, every_days, starts_at) "
            "VALUES (%s, 'living', 'living', 7, %s)",
            (home, NOW - timedelta(days=1)),
        )
    town.home(api.conn, "far", building="B2", station="South")
    desk = api.token("dispatcher")
    wish = {"due_at": (NOW + timedelta(days=3)).isoformat()}
    assert post(api, "/v1/homes/B1-101/measurement-requests", desk, wish).status_code == 204
    for limit in (1, 2, 10):
        tasks: list[Any] = everything(api, "/v1/measurements/due", desk, limit)
        assert [(one["home"], one["reason"]) for one in tasks] == [
            ("B1-100", "plan"),
            ("B1-101", "plan"),
            ("B1-102", "plan"),
            ("B1-101", "asked"),
        ]
    assert len(api.get("/v1/measurements/due", desk, within=0).json()["items"]) == 3
    post(api, PATH, desk, SHEET)
    assert [one["home"] for one in everything(api, "/v1/measurements/due", desk, 9)] == ["B1-100", "B1-102"]  # type: ignore[index]
    assert api.get("/v1/measurements/due", api.token("crew", station="South")).json()["items"] == []

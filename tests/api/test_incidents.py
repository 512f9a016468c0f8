"""Incidents over HTTP: the crew's own, and all for the desk."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.network.incidents import look
from domain import policy_file
from tests.api import town
from tests.api.answers import everything
from tests.api.conftest import Api
from tests.api.town import NOW
from tests.store.incident_rules import RULE

pytestmark = pytest.mark.plain_only


def cold_building(api: Api, station: str, building: str, homes: int = 4) -> None:
    """Store a building in which all homes are cold, and let watch look at it."""
    for unit in range(homes):
        home = town.home(api.conn, f"{building}-{unit}", building=building, station=station, state=5)
        town.flag(api.conn, home, town.ticket(api.conn, home)[0])
    api.conn.commit()
    seed = policy_file.builtin("seed")
    api.conn.autocommit = True
    look(api.conn, replace(seed, versions=(replace(seed.versions[0], incident=RULE),)), NOW)
    api.conn.autocommit = False


def test_an_incident_with_its_homes(api: Api) -> None:
    cold_building(api, "North", "B1")
    (shown,) = api.get("/v1/incidents", api.token()).json()["items"]
    assert api.get(f"/v1/incidents/{shown['number']}", api.token()).json() == shown
    why = shown.pop("why")
    assert (why["judged"], why["cold"], why["policy"]) == (4, 4, "seed@2020-01-01")
    assert shown == {
        "number": "I00000001",
        "kind": "cold_homes",
        "state": "open",
        "place": "B1",
        "substation": "S-North",
        "building": "B1",
        "riser": None,
        "station": "North",
        "opened_at": "2026-01-15T04:00:00Z",
        "recovering_since": None,
        "closed_at": None,
        "close_reason": None,
        "merged_into": None,
        "ticket": "T00000005",
        "homes": 4,
        "still_cold": 4,
    }
    parts: list[Any] = everything(api, "/v1/incidents/I00000001/homes", api.token(), 3)
    assert [part["home"] for part in parts] == ["B1-3", "B1-2", "B1-1", "B1-0"]
    assert parts[0] == {
        "home": "B1-3",
        "ticket": "T00000004",
        "state": "open",
        "cold": True,
        "joined_at": "2026-01-15T04:00:00Z",
        "left_at": None,
        "left_reason": None,
        "dispatched_at": None,
    }


def test_a_crew_sees_the_incidents_of_its_station_alone(plain_api: Api) -> None:
    api = plain_api
    cold_building(api, "North", "B1")
    cold_building(api, "South", "B2")
    south = api.token("crew", station="South")
    (shown,) = api.get("/v1/incidents", south).json()["items"]
    assert (shown["building"], shown["homes"], shown["still_cold"]) == ("B2", 4, 4)
    assert api.get("/v1/incidents/I00000001", south).status_code == 404
    assert api.get("/v1/incidents/I00000001/homes", south).status_code == 404
    assert len(api.get(f"/v1/incidents/{shown['number']}/homes", south).json()["items"]) == 4
    assert len(api.get("/v1/incidents", api.token("dispatcher")).json()["items"]) == 2
    assert len(api.get("/v1/incidents", api.token("dispatcher"), station="North").json()["items"]) == 1
    assert api.get("/v1/incidents", api.token("customer", "B1-0")).status_code == 403


@pytest.mark.parametrize(("state", "count"), [("open", 1), ("closed", 1), (None, 2)])
def test_incidents_are_chosen_by_state(plain_api: Api, state: str | None, count: int) -> None:
    api = plain_api
    cold_building(api, "North", "B1")
    api.conn.execute("UPDATE incident SET closed_at = %s, close_reason = 'recovered'", (NOW,))
    api.conn.execute("UPDATE incident_ticket SET left_at = %s, left_reason = 'recovered'", (NOW,))
    api.conn.execute("UPDATE flag SET cleared_at = %s, clear_reason = 'recovered'", (NOW,))
    cold_building(api, "South", "B2")
    items = api.get("/v1/incidents", api.token(), **({"state": state} if state else {})).json()["items"]
    assert [item["building"] for item in items] == {"open": ["B2"], "closed": ["B1"], None: ["B2", "B1"]}[state]
    assert len(items) == count

"""All layers of the map at once: what they hold, for which station, in which datum, and when they are sent again."""

import gzip
from datetime import timedelta
from typing import Any

import pytest

from domain.states import HomeState
from tests.api import town
from tests.api.conftest import Api
from tests.api.operations import INSERT_INCIDENT
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

PATH = "/v1/map/areas"
PLACE = "UPDATE building SET lat = %s, lon = %s WHERE code = %s"
PLACES = {"cold": (41.80, 123.43), "unknown": (41.81, 123.45), "warm": (41.82, 123.47)}
JOIN = "INSERT INTO incident_ticket (incident_id, ticket_id, joined_at) SELECT incident_id, %s, %s FROM incident"
INSERT_JOB = """
INSERT INTO ticket (class, state, priority, substation_id, source, station, opened_at)
SELECT 'device', 'accepted', 3, substation_id, 'flag', station, %s FROM substation WHERE station = 'South'
"""


@pytest.fixture
def city(plain_api: Api) -> Api:
    """Three buildings of two stations, one of them cold with a ticket and an incident, and a job at a substation."""
    conn = plain_api.conn
    for code, station, state in (
        ("cold", "North", HomeState.COLD),
        ("unknown", "North", HomeState.UNKNOWN),
        ("warm", "South", HomeState.WARM),
        ("nowhere", "South", HomeState.WARM),
    ):
        home = town.home(conn, f"{code}-1", building=code, station=station, state=state)
        conn.execute(PLACE, (*PLACES.get(code, (None, None)), code))
        if code == "cold":
            ticket, _ = town.ticket(conn, home)
            conn.execute(INSERT_INCIDENT, (ticket, NOW, "North"))
            conn.execute(JOIN, (ticket, NOW))
    conn.execute("UPDATE substation SET lat = 41.83, lon = 123.5")
    conn.execute(INSERT_JOB, (NOW,))
    return plain_api


def layers(answer: Any) -> dict[str, list[Any]]:
    """Return the features of an answer by kind."""
    found: dict[str, list[Any]] = {}
    for one in answer.json()["features"]:
        found.setdefault(one["properties"]["kind"], []).append(one)
    return found


def test_every_layer_within_reach(city: Api) -> None:
    found = layers(city.get(PATH, city.token("dispatcher")))
    assert {kind: len(some) for kind, some in found.items()} == {"supply": 2, "incident": 1, "building": 3, "job": 1}
    states = {one["properties"]["code"]: one["properties"]["state"] for one in found["building"]}
    assert states == {"cold": "cold", "unknown": "unknown", "warm": "warm"}
    (cold,) = [one["properties"] for one in found["building"] if one["properties"]["code"] == "cold"]
    assert (cold["tickets"], cold["underway"], cold["ticket"]) == (1, 0, "T00000001")
    assert found["job"][0]["properties"]["underway"] == 1
    for one in (*found["supply"], *found["incident"]):
        (ring,) = one["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        assert len(ring) > 8
    mine = layers(city.get(PATH, city.token("crew", station="South")))
    assert {kind: len(some) for kind, some in mine.items()} == {"supply": 1, "building": 1, "job": 1}


def test_what_the_caller_has_is_not_sent_again(city: Api) -> None:
    token = city.token("dispatcher")
    first = city.get(PATH, token)
    headers = {"Authorization": f"Bearer {token}", "If-None-Match": first.headers["etag"]}
    again = city.client.get(PATH, headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    assert len(first.headers.get_list("etag")) == 1
    assert first.headers["content-encoding"] == "gzip"
    plain = city.client.get(PATH, headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"})
    assert plain.content == first.content
    assert len(gzip.compress(plain.content)) < len(plain.content)


def test_a_ticket_is_on_the_map_at_once_and_the_rest_in_time(city: Api) -> None:
    token = city.token("dispatcher")
    before = city.get(PATH, token)
    city.conn.execute("UPDATE building SET name = 'renamed' WHERE code = 'warm'")
    assert city.get(PATH, token).content == before.content
    city.clock.now += timedelta(seconds=15)
    renamed = city.get(PATH, token)
    assert b"renamed" in renamed.content
    (home,) = city.conn.execute("SELECT home_id FROM home WHERE code = 'warm-1'").fetchone() or ()
    town.ticket(city.conn, home, kind="repair")
    found = layers(city.get(PATH, token))["building"]
    assert [one["properties"]["tickets"] for one in found if one["properties"]["code"] == "warm"] == [1]


def test_the_datum_of_the_map_on_which_they_are_drawn(city: Api) -> None:
    token = city.token("dispatcher")
    (there,) = [one for one in layers(city.get(PATH, token))["building"] if one["properties"]["code"] == "cold"]
    shifted = layers(city.get(PATH, token, datum="gcj02"))["building"]
    (here,) = [one for one in shifted if one["properties"]["code"] == "cold"]
    lon, lat = (a - b for a, b in zip(here["geometry"]["coordinates"], there["geometry"]["coordinates"], strict=True))
    assert 0.004 < lon < 0.008
    assert 0.0005 < lat < 0.003
    assert city.get(PATH, token, datum="nad27").status_code == 422

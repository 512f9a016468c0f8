"""Maps: buildings and substations, as GeoJSON."""

import pytest

from tests.api import town
from tests.api.answers import check
from tests.api.conftest import Api

pytestmark = pytest.mark.plain_only


@pytest.fixture
def token(api: Api) -> str:
    """For a town of two buildings with places and one without."""
    for code, building, station, state in (
        ("a", "B1", "North", 5),
        ("b", "B1", "North", 2),
        ("c", "B2", "South", 1),
        ("d", "B3", "South", 2),
    ):
        home = town.home(api.conn, code, building=building, station=station, state=state)
        town.sensor_now(api.conn, town.sensor(api.conn, home, f"s-{code}"), home, 17.0 if state == 5 else 20.006)
    api.conn.execute("UPDATE building SET lon = 116.4 + building_id, lat = 39.9 WHERE code <> 'B3'")
    api.conn.execute("UPDATE substation SET lon = 116.4, lat = 39.9 WHERE station = 'North'")
    return api.token()


def test_buildings_with_their_homes_counted(api: Api, token: str) -> None:
    answer = api.get("/v1/map/buildings", token)
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert body["type"] == "FeatureCollection"
    first, _, last = body["features"]
    assert first == {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [117.4, 39.9]},
        "properties": {
            "code": "B1",
            "name": "B1",
            "address": "",
            "substation": "S-North",
            "station": "North",
            "homes": 2,
            "compliant": 1,
            "cold": 1,
            "severe": 0,
            "unknown": 0,
            "not_judged": 0,
            "coldest": 17.0,
            "mean": 18.5,
            "flags": 0,
        },
    }
    assert last["geometry"] is None


def test_within_a_box(api: Api, token: str) -> None:
    def codes(path: str, box: str) -> list[str]:
        answer = api.get(path, token, bbox=box)
        return [feature["properties"]["code"] for feature in answer.json()["features"]]

    assert codes("/v1/map/buildings", "117,39,118,40") == ["B1"]
    assert codes("/v1/map/buildings", "-180,-90,180,90") == ["B1", "B2"]
    assert codes("/v1/map/substations", "116,39,117,40") == ["S-North"]
    for box in ("", "1,2,3", "a,b,c,d", "nan,0,1,1", "10,0,5,1", "0,0,0,91"):
        check(api.get("/v1/map/buildings", token, bbox=box), 422)


def test_a_crew_sees_its_station(api: Api, token: str) -> None:
    crew = api.token("crew", station="North")
    for path in ("/v1/map/buildings", "/v1/map/substations"):
        features = api.get(path, crew).json()["features"]
        assert {feature["properties"]["station"] for feature in features} == {"North"}
        check(api.get(path, api.token("customer", "a")), 403)

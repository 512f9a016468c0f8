"""A map whose homes nobody has counted, or not for long: a large city is not counted by a request, and says so."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from psycopg import Connection

from domain.states import HomeState
from store.figures import building_rows, map_rows
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import browser, member, session_of

pytestmark = pytest.mark.plain_only

NEVER_LIVE = """
CREATE OR REPLACE FUNCTION building_live(
  of_building integer, OUT homes bigint, OUT compliant bigint, OUT cold bigint, OUT severe bigint, OUT unknown bigint,
  OUT not_judged bigint, OUT coldest real, OUT mean double precision, OUT flags bigint
)
LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$ BEGIN RAISE 'homes are counted by a request'; END $$
"""
AGE = "UPDATE building_round SET counted_at = now() - %s::interval"
TOLD = re.compile(r'id="map-old" role="status">(.*?)</p>')


@pytest.fixture
def city(plain_api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Four homes of two buildings, one of them cold, where four are too many to count at a look."""
    monkeypatch.setattr(map_rows, "MOST_COUNTED", 3)
    for n in range(4):
        state = HomeState.COLD if n == 0 else HomeState.WARM
        town.home(plain_api.conn, f"B{n % 2}-{n}", building=f"B{n % 2}", state=state)
    plain_api.conn.execute("UPDATE building SET lon = 123.4, lat = 41.8 + building_id / 100.0")
    return plain_api


@pytest.fixture
def desk(city: Api) -> Iterator[httpx.Client]:
    """The browser of a dispatcher."""
    with browser(city, session_of(city.conn, member(city.conn))) as client:
        yield client


def counted(conn: Connection, ago: timedelta) -> None:
    building_rows.count_all(conn, datetime.now(UTC))
    conn.execute(AGE, (ago,))
    conn.commit()


def homes_of(city: Api) -> dict[str, tuple[int, int]]:
    """Return the homes and the cold ones of each building, by the layers of the map and by the list of buildings."""
    token = city.token("dispatcher")
    layers, listed = (city.get(path, token).json() for path in ("/v1/map/areas", "/v1/map/buildings"))
    assert (layers["figures"], layers["counted_at"]) == (listed["figures"], listed["counted_at"])
    told = [
        {p["code"]: (p["homes"], p["cold"]) for one in body["features"] if "cold" in (p := one["properties"])}
        for body in (layers, listed)
    ]
    assert told[0] == told[1]
    return told[0]


def figures(city: Api) -> str:
    return str(city.get("/v1/map/areas", city.token("dispatcher")).json()["figures"])


def test_a_large_city_that_was_never_counted_says_so_and_counts_nothing(city: Api, desk: httpx.Client) -> None:
    city.conn.execute(NEVER_LIVE)
    city.conn.commit()
    page = desk.get("/desk/map")
    assert page.status_code == 200
    (told,) = TOLD.findall(page.text)
    assert "have not been counted yet" in told
    assert "2 buildings." in page.text
    assert "0/0" not in page.text
    assert (figures(city), homes_of(city)) == ("none", {"B0": (0, 0), "B1": (0, 0)})
    desk.cookies.set("hearth-language", "zh", domain="127.0.0.1")
    assert "尚未统计" in TOLD.findall(desk.get("/desk/map").text)[0]


def test_a_large_city_shows_what_was_counted_last_and_when(city: Api, desk: httpx.Client) -> None:
    counted(city.conn, timedelta(minutes=5))
    city.conn.execute(NEVER_LIVE)
    city.conn.commit()
    page = desk.get("/desk/map").text
    assert "have not been counted since <time" in TOLD.findall(page)[0]
    assert "2 buildings, 4 homes, 1 of them cold." in page
    assert (figures(city), homes_of(city)) == ("old", {"B0": (2, 1), "B1": (2, 0)})


@pytest.mark.parametrize("most", [3, 4])
def test_where_watch_counts_or_homes_are_few_figures_are_of_now(
    city: Api, desk: httpx.Client, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(map_rows, "MOST_COUNTED", most)
    if most == 3:
        counted(city.conn, timedelta(0))
    page = desk.get("/desk/map").text
    assert not TOLD.search(page)
    assert "2 buildings, 4 homes, 1 of them cold." in page
    assert (figures(city), homes_of(city)) == ("now", {"B0": (2, 1), "B1": (2, 0)})

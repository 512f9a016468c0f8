"""The map of the desk: what is drawn, what is listed, and what an area leads to."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from api.http.basemap import basemap_of
from api.pages.libraries import MAPLIBRE, library
from domain.datum import Datum
from domain.states import HomeState
from tests.api import town
from tests.api.conftest import Api
from tests.api.operations import INSERT_INCIDENT
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

PLACE = "UPDATE building SET lat = %s, lon = %s, name = %s WHERE code = %s"
INSERT_CHILD = """
INSERT INTO incident_ticket (incident_id, ticket_id, joined_at) SELECT incident_id, %s, %s FROM incident
"""


@pytest.fixture
def token(plain_api: Api) -> str:
    """A city of four buildings: one cold, one unknown, two warm, one of these without a place; and an incident."""
    conn = plain_api.conn
    for code, station, state, lat, lon in (
        ("cold", "North", HomeState.COLD, 41.80, 123.43),
        ("unknown", "North", HomeState.UNKNOWN, 41.81, 123.45),
        ("warm", "South", HomeState.WARM, 41.82, 123.47),
        ("nowhere", "South", HomeState.WARM, None, None),
    ):
        home = town.home(conn, f"{code}-1", building=code, station=station, state=state)
        conn.execute(PLACE, (lat, lon, f"<{code}>", code))
        if code == "cold":
            ticket, _ = town.ticket(conn, home)
            conn.execute(INSERT_INCIDENT, (ticket, NOW, "North"))
            conn.execute(INSERT_CHILD, (ticket, NOW))
    return session_of(conn, member(conn))


@pytest.fixture
def client(plain_api: Api, token: str) -> Iterator[httpx.Client]:
    """The browser of somebody at the desk."""
    with browser(plain_api, token) as client:
        yield client


def drawn(text: str) -> set[str]:
    """Return what the marks of a page say."""
    return set(re.findall(r'<a class="mark (\w+)"', text))


def listed(text: str) -> list[str]:
    return re.findall(r'<tr role="row" id="b-(\w+)"', text)


def test_the_city_is_drawn_and_listed_by_need(client: httpx.Client) -> None:
    page = client.get("/desk/map").text
    assert drawn(page) == {"cold", "unknown", "warm"}
    assert listed(page) == ["cold", "unknown", "nowhere", "warm"]
    assert "they have no place: 1." in page
    assert re.search(r'<polygon class="area-incident" points="[0-9., -]{60,}"', page)
    assert "&lt;cold&gt;: cold, 1 of 1 homes cold, 1 tickets" in page
    assert "<cold>" not in page


def test_an_area_holds_its_buildings_only_and_is_chosen(client: httpx.Client) -> None:
    page = client.get("/desk/map", params={"bbox": "123.42,41.79,123.44,41.805"}).text
    assert listed(page) == ["cold"]
    assert re.findall(r'name="buildings" value="(\w+)"[^>]* checked', page) == ["cold"]
    assert listed(client.get("/desk/map", params={"station": "South"}).text) == ["nowhere", "warm"]
    assert listed(client.get("/desk/map", params={"show": "unknown"}).text) == ["unknown"]


@pytest.mark.parametrize(
    "bbox", ["x", "1,2,3", "9,9,1,1", "nan,nan,nan,nan", "0,0,0,0", "-180,-90,180,90", "1e9,0,1e9,1"]
)
def test_any_box_has_a_map(client: httpx.Client, bbox: str) -> None:
    answer = client.get("/desk/map", params={"bbox": bbox})
    assert answer.status_code == 200
    assert re.search(r'data-box="[-0-9.]+(,[-0-9.]+){3}"', answer.text)


def test_what_is_chosen_becomes_an_outage_with_its_preview(client: httpx.Client, token: str) -> None:
    begins_at = re.findall(r'name="begins_at" value="([^"]+)"', client.get("/desk/map").text)[0]
    fields = {"buildings": ["cold", "unknown"], "begins_at": begins_at, **sealed(token)}
    page = client.post("/desk/outages/draft", data=fields).text
    assert re.findall(r'name="buildings" value="(\w+)" checked', page) == ["cold", "unknown"]
    assert f'value="{begins_at}"' in page


def test_links_lead_on(client: httpx.Client) -> None:
    page = client.get("/desk/map").text
    for address in re.findall(r'href="(/desk/map\?bbox[^"]+)"', page):
        assert client.get(address.replace("&amp;", "&")).status_code == 200
    closer = re.findall(r'id="map-closer" href="([^"]+)"', page)[0]
    farther = re.findall(r'id="map-farther" href="([^"]+)"', page)[0]
    assert len(listed(client.get(closer).text)) <= len(listed(client.get(farther).text)) == 3


def test_a_drawn_area_holds_what_is_inside_of_it(client: httpx.Client) -> None:
    """A triangle whose box has all three buildings, and which has two."""
    page = client.get("/desk/map", params={"area": "123.42,41.79 123.48,41.79 123.42,41.84"}).text
    assert listed(page) == ["cold", "unknown"]
    assert len(re.findall(r'name="buildings" value="\w+"[^>]* checked', page)) == 2
    assert '<polygon class="chosen"' in page
    assert listed(client.get("/desk/map", params={"building": "warm"}).text) == ["warm"]


@pytest.mark.parametrize("area", ["x", "1,2", "1,2 3,4", "nan,nan 1,1 2,2", "200,0 1,1 2,2", "1,1 " * 101])
def test_what_is_no_area_is_left_out(client: httpx.Client, area: str) -> None:
    answer = client.get("/desk/map", params={"area": area})
    assert answer.status_code == 200
    assert len(listed(answer.text)) == 4


def test_a_box_in_the_datum_of_the_basemap(client: httpx.Client) -> None:
    """The box around the cold building holds it where its corners are read in the right datum."""
    gcj = {"bbox": "123.4353,41.8010,123.4373,41.8024", "datum": "gcj02"}
    assert listed(client.get("/desk/map", params=gcj).text) == ["cold"]
    assert listed(client.get("/desk/map", params={"bbox": gcj["bbox"]}).text) == []


def test_a_crew_is_sent_for_the_tickets_of_an_area(plain_api: Api, client: httpx.Client, token: str) -> None:
    chosen = {"buildings": ["cold", "unknown"]}
    page = client.post("/desk/map/crew", data={**chosen, **sealed(token)}).text
    (seen,) = re.findall(r'name="tickets" value="([^"]+)"', page)
    assert 'value="North" selected' in page
    form = {**chosen, "tickets": [seen], "station": "South", "responsible": "Zhang Wei", **sealed(token)}
    sent = client.post("/desk/map/crew/send", data=form)
    assert "Sent for 1 tickets." in sent.text
    row = plain_api.conn.execute("SELECT station, responsible FROM ticket").fetchone()
    assert row == ("South", "Zhang Wei")
    assert "nobody was sent twice" in client.post("/desk/map/crew/send", data=form).text
    # Another page, whose ticket has changed meanwhile.
    late = client.post("/desk/map/crew/send", data={**form, **sealed(token)})
    assert "Not sent:" in late.text
    assert plain_api.conn.execute("SELECT count(*) FROM ticket_event WHERE kind = 'assigned'").fetchone() == (1,)


def test_a_crew_needs_a_ticket_and_a_destination(client: httpx.Client, token: str) -> None:
    for fields in ({"tickets": ["T00000001:1"]}, {"station": "North"}, {"tickets": ["x"], "responsible": "Li"}):
        answer = client.post("/desk/map/crew/send", data={"buildings": ["cold"], **fields, **sealed(token)})
        assert answer.status_code == 422
    nowhere = {"buildings": ["cold"], "tickets": ["T00000001:1"], "station": "West", **sealed(token)}
    assert "Not sent:" in client.post("/desk/map/crew/send", data=nowhere).text


def test_the_homes_of_what_is_chosen(client: httpx.Client, token: str) -> None:
    page = client.post("/desk/map/homes", data={"buildings": ["warm", "cold"], **sealed(token)}).text
    assert re.findall(r'href="/desk/call\?home=([^"]+)"', page) == ["cold-1", "warm-1"]
    assert "warm-1" in client.get("/desk/map/homes", params={"buildings": "warm"}).text
    assert "No building is chosen." in client.get("/desk/map/homes").text


def test_the_basemap_of_the_page_and_what_it_may_ask(plain_api: Api, client: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "city.pmtiles").write_bytes(bytes(range(100)))
    sources = {
        "city": {"type": "vector", "url": "pmtiles://city.pmtiles"},
        "more": {"type": "raster", "tiles": ["https://tiles.example/{z}/{x}/{y}.png"]},
    }
    (tmp_path / "style.json").write_text(json.dumps({"version": 8, "sources": sources, "layers": []}))
    state = plain_api.app.state
    basemap = basemap_of(str(tmp_path / "style.json"), "© <us>", Datum.GCJ02)
    assert "connect-src 'self'; worker-src 'self'" in client.get("/desk/map").headers["content-security-policy"]
    state.surroundings = replace(state.surroundings, basemap=basemap)
    page = client.get("/desk/map")
    policy = page.headers["content-security-policy"]
    assert policy.endswith("connect-src 'self' https://tiles.example; worker-src 'self'")
    assert "© &lt;us&gt;" in page.text
    assert client.get("/desk/map/style").json()["sources"]["city"]["url"].endswith("/desk/map/ground/city.pmtiles")
    part = client.get("/desk/map/ground/city.pmtiles", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    assert client.get("/desk/map/ground/style.json").status_code == 404
    assert client.get("/desk/map/ground/..%2Fstyle.json").status_code == 404
    (mine,) = [
        one for one in client.get("/desk/map/areas").json()["features"] if one["properties"].get("code") == "cold"
    ]
    assert mine["geometry"]["coordinates"] != [123.43, 41.8]
    if address := library(MAPLIBRE):
        assert f'data-library="{address}"' in page.text
        worker = client.get(address.replace(MAPLIBRE, "maplibre-gl-worker.mjs"))
        assert worker.headers["content-type"].startswith("text/javascript")
        assert worker.headers["content-security-policy"].endswith("connect-src 'self' https://tiles.example")
        assert client.get("/pages/lib/0/maplibre-gl.mjs").status_code == 404

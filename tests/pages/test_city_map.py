"""The map that MapLibre draws, in Chromium with WebGL in software: what is drawn, chosen and led to."""

import io
import json
import shutil
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from api.http.basemap import Basemap, basemap_of
from api.pages.libraries import MAPLIBRE, library
from domain.datum import Datum
from domain.states import HomeState
from tests.api import town
from tests.api.conftest import Api
from tests.api.operations import INSERT_INCIDENT
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.pages.conftest import Visitor, Visitors
from tests.pages.waiting import PATIENCE_S, until

pytestmark = pytest.mark.plain_only

WEBGL = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
GROUND = (0xAB, 0xCD, 0xEF)
SCREEN = {"width": 1366, "height": 768}
PLACE = "UPDATE building SET lat = %s, lon = %s, name = %s WHERE code = %s"
JOIN = "INSERT INTO incident_ticket (incident_id, ticket_id, joined_at) SELECT incident_id, %s, %s FROM incident"
DRAWN = "() => document.getElementById('stage').map.queryRenderedFeatures({layers: [%r]}).map(one => one.properties)"
AT = "place => { const p = document.getElementById('stage').map.project(place); return [p.x, p.y]; }"
CENTRE = "document.getElementById('stage').map.getCenter().toArray()"
SEVEN_METRES = 0.000084  # of longitude
NORTH = ((41.8000, 123.4300), (41.8004, 123.4308), (41.8008, 123.4300))


@pytest.fixture(scope="module")
def drawing(browser: Browser) -> Iterator[Browser]:
    """Chromium with WebGL."""
    if library(MAPLIBRE) is None:
        pytest.skip("NOT TESTED: MapLibre has not been fetched (deploy/fetch-libraries)")
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    chromium = browser.browser_type.launch(executable_path=program, args=WEBGL)
    yield chromium
    chromium.close()


@pytest.fixture
def city(api: Api) -> None:
    """Two estates: three buildings in the north, one of them cold with an incident, and one far in the south."""
    conn = api.conn
    for n, (lat, lon) in enumerate(NORTH):
        home = town.home(
            conn, f"N{n}-1", building=f"N{n}", state=(HomeState.COLD, HomeState.WARM, HomeState.UNKNOWN)[n]
        )
        conn.execute(PLACE, (lat, lon, f"幸福里{n}号楼", f"N{n}"))
        if not n:
            ticket, _ = town.ticket(conn, home)
            conn.execute(INSERT_INCIDENT, (ticket, NOW, "North"))
            conn.execute(JOIN, (ticket, NOW))
    town.home(conn, "S0-1", building="S0", station="South", state=HomeState.WARM)
    conn.execute(PLACE, (41.780, 123.470, "South 0", "S0"))


@pytest.fixture
def ground(api: Api, tmp_path: Path) -> Basemap:
    """A style with one tile of one colour, as PMTiles beside it."""
    picture = io.BytesIO()
    Image.new("RGB", (256, 256), GROUND).save(picture, "PNG")
    (tmp_path / "city.pmtiles").write_bytes(pmtiles(picture.getvalue()))
    city = {"type": "raster", "url": "pmtiles://city.pmtiles", "tileSize": 256}
    style = {"version": 8, "sources": {"city": city}, "layers": [{"id": "city", "type": "raster", "source": "city"}]}
    (tmp_path / "style.json").write_text(json.dumps(style), encoding="utf-8")
    return basemap_of(str(tmp_path / "style.json"), "© city", Datum.GCJ02)


def pmtiles(tile: bytes) -> bytes:
    """Return an archive of the one tile of zoom 0 (PMTiles 3); nothing is compressed."""
    directory = bytes((1, 0, 1, len(tile) & 127 | 128, len(tile) >> 7, 1))
    metadata = b"{}"
    parts = (
        127,
        len(directory),
        127 + len(directory),
        len(metadata),
        0,
        0,
        127 + len(directory) + len(metadata),
        len(tile),
    )
    numbers = struct.pack("<11Q", *parts, 1, 1, 1)
    bounds = struct.pack("<4iB2i", -1_800_000_000, -850_000_000, 1_800_000_000, 850_000_000, 0, 0, 0)
    return b"PMTiles\x03" + numbers + bytes((1, 1, 1, 2, 0, 0)) + bounds + directory + metadata + tile


@pytest.fixture
def arrive(drawing: Browser, api: Api, city: None) -> Iterator[Visitor]:
    """A dispatcher before a map that is drawn."""
    token = session_of(api.conn, member(api.conn))
    api.conn.commit()
    visitors = Visitors(drawing, str(api.client.base_url))
    person = visitors.signed_in(token, "en", SCREEN)
    person.go("/desk/map")
    expect(person.page.locator("#stage[data-ready]")).to_be_visible(timeout=20_000)
    yield person
    visitors.close()


def at(page: Page, lat: float, lon: float) -> tuple[float, float]:
    """Return where a place is on the screen."""
    x, y = page.evaluate(AT, [lon, lat])
    box = page.locator("#canvas").bounding_box()
    assert box is not None
    return box["x"] + x, box["y"] + y


Colour = tuple[int, int, int]


def shows(page: Page, *wanted: Colour) -> bool:
    """Return whether the map has these colours, once it has: tiles fade in after the map is ready."""
    end = time.monotonic() + PATIENCE_S
    while not (has := set(wanted) <= colours(page)) and time.monotonic() < end:
        time.sleep(0.1)
    return has


def colours(page: Page) -> set[Colour]:
    """Return the colours of the map."""
    picture = Image.open(io.BytesIO(page.locator("#canvas").screenshot())).convert("RGB")
    return set(zip(*(iter(picture.tobytes()),) * 3, strict=True))


@pytest.fixture
def next_door(city: None, api: Api) -> None:
    """Two buildings of the estate in the north, a few steps apart."""
    api.conn.execute(PLACE, (NORTH[0][0], NORTH[0][1] + SEVEN_METRES, "next door", "N1"))


def test_buildings_a_few_steps_apart_come_apart_at_the_nearest(next_door: None, arrive: Visitor) -> None:
    page = arrive.page
    page.evaluate(f"document.getElementById('stage').map.jumpTo({{center: {[NORTH[0][1], NORTH[0][0]]}, zoom: 18}})")
    until(page, f"({DRAWN % 'mark'})().some(one => one.point_count === 2)")
    page.mouse.click(*at(page, NORTH[0][0], NORTH[0][1] + SEVEN_METRES / 2))
    until(page, f"({DRAWN % 'mark'})().filter(one => 'N0,N1'.includes(one.code)).length === 2")


def test_a_dispatcher_works_on_the_map(arrive: Visitor, api: Api, ground: Basemap) -> None:
    page = arrive.page
    arrive.keep("city-map")
    centre = page.evaluate(CENTRE)
    marks = page.evaluate(DRAWN % "mark")
    assert sorted(one.get("point_count", 1) for one in marks) == [1, 3]
    assert len(page.evaluate(DRAWN % "supply")) == 2
    assert [one["kind"] for one in page.evaluate(DRAWN % "incident")] == ["incident"]
    assert shows(page, (0x8A, 0x43, 0x00), (0x1C, 0x6B, 0x3F))  # the lines of cold and of warm marks
    # Closer, by a click on what is drawn together; then a building, whose card leads on.
    page.mouse.click(*at(page, 41.8004, 123.4303))
    until(page, f"({DRAWN % 'mark'})().length === 3 && !document.getElementById('stage').map.isMoving()")
    assert {one["state"] for one in page.evaluate(DRAWN % "mark")} == {"cold", "warm", "unknown"}
    page.mouse.click(*at(page, *NORTH[0]))
    expect(page.locator("#map-card h2")).to_have_text("幸福里0号楼")
    expect(page.locator("#map-card a").first).to_have_attribute("href", "/desk/tickets/T00000001")
    arrive.keep("city-map-card")
    arrive.is_well()
    # A line around two of them becomes the list, and what is ticked an outage.
    page.keyboard.press("Escape")
    page.click("#select-draw")
    (left, top), (right, bottom) = at(page, 41.8010, 123.4298), at(page, 41.7998, 123.4303)
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top)):
        page.mouse.move(x, y, steps=3)
    page.mouse.up()
    expect(page.locator("#map-found tbody tr")).to_have_count(2)
    expect(page.locator("#map-found input:checked")).to_have_count(2)
    assert "area=" in page.url
    arrive.keep("city-map-area")
    page.get_by_role("button", name="Announce an outage").click()
    expect(page.locator("#chosen input:checked")).to_have_count(2)
    arrive.is_well()
    stand_on_tiles(arrive, api, ground, centre)


def test_homes_without_a_sensor_are_hatched_where_it_is_looked(arrive: Visitor, api: Api) -> None:
    for n in (1, 2):  # a building with both
        home = town.home(api.conn, f"N1-{n + 1}", building="N1")
        if n == 1:
            town.sensor_now(api.conn, town.sensor(api.conn, home, "sn1"), home, 18.5)
    api.conn.commit()
    page = arrive.page
    assert page.evaluate(DRAWN % "hatch") == []
    page.check("#filter-unmeasured")
    page.click(".filters button")
    expect(page.locator("#stage[data-ready]")).to_be_visible(timeout=20_000)
    until(page, f"({DRAWN % 'hatch'})().length === 4")
    assert {one["code"]: one["unmeasured"] for one in page.evaluate(DRAWN % "hatch")} == {
        "N0": 1,
        "N1": 2,
        "N2": 1,
        "S0": 1,
    }
    arrive.keep("city-map-unmeasured")
    page.mouse.click(*at(page, 41.8004, 123.4303))
    until(page, f"({DRAWN % 'mark'})().length === 3 && !document.getElementById('stage').map.isMoving()")
    until(page, f"({DRAWN % 'hatch'})().length === 3")
    page.mouse.click(*at(page, *NORTH[1]))
    expect(page.locator("#map-card")).to_contain_text("2 of 3 homes without a sensor, the lowest estimated 18.")
    arrive.keep("city-map-unmeasured-card")
    arrive.is_well()


def stand_on_tiles(arrive: Visitor, api: Api, ground: Basemap, centre: list[float]) -> None:
    """See the city on a tile beside the style, stretched over the world; marks are where the basemap's datum has them.

    The map begins at another centre then, because Chinese maps are shifted.
    """
    api.app.state.surroundings = replace(api.app.state.surroundings, basemap=ground)
    arrive.page.emulate_media(color_scheme="dark")
    arrive.go("/desk/map")
    expect(arrive.page.locator("#stage[data-ready]")).to_be_visible(timeout=20_000)
    assert shows(arrive.page, GROUND)
    shifted = arrive.page.evaluate(CENTRE)
    assert 0.004 < shifted[0] - centre[0] < 0.008
    assert len(arrive.page.evaluate(DRAWN % "mark")) >= 2
    arrive.keep("city-map-ground")
    arrive.is_well()

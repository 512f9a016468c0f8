"""Incidents and outages in a browser: a dispatcher announces an outage by keys alone, knowing who will be told."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from domain.states import HomeState
from tests.api import town
from tests.api.conftest import Api
from tests.api.operations import INSERT_INCIDENT
from tests.api.people import contact
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.pages.conftest import PHONE, Visitor, Visitors

pytestmark = pytest.mark.plain_only

SCREEN = {"width": 1366, "height": 768}
SIZES = {"screen": SCREEN, "phone": PHONE}
Arrival = Callable[..., Visitor]
# A key of an average typist, and a thought before each step: the keystroke-level model (Card, Moran and Newell 1980).
KEY_S, THOUGHT_S = 0.28, 1.35
KEYS_OF_A_HAN_CHARACTER = 4  # its pinyin
NO_WEBGL = "HTMLCanvasElement.prototype.getContext = () => null"  # the map is then the drawing of the server


@pytest.fixture
def arrive(api: Api, visitor: Visitors) -> Arrival:
    """Returns a function that signs a dispatcher in."""
    staff_id = member(api.conn)

    def come(language: str = "en", size: dict[str, int] = SCREEN, **options: object) -> Visitor:
        token = session_of(api.conn, staff_id)
        api.conn.commit()
        return visitor.signed_in(token, language, size, **options)

    return come


@pytest.fixture
def estate(api: Api) -> str:
    """An estate of two buildings with people, and an incident; returns its number."""
    for n in range(1, 7):
        home = town.home(api.conn, f"B1-10{n}", state=HomeState.COLD if n < 4 else HomeState.WARM)
        contact(api.conn, home, "phone", name=f"P{n}")
        if n < 3:
            contact(api.conn, home, "email", name=f"P{n}")
    town.home(api.conn, "B2-101", building="B2")
    api.conn.execute("UPDATE building SET name = '幸福里3号楼', address = '安和区长江路12号' WHERE code = 'B1'")
    api.conn.execute("UPDATE building SET name = '幸福里5号楼', address = '安和区长江路14号' WHERE code = 'B2'")
    api.conn.execute("UPDATE substation SET name = '安和换热站1号'")
    ticket, _ = town.ticket(api.conn, home)
    row = api.conn.execute(INSERT_INCIDENT, (ticket, NOW, "North")).fetchone()
    assert row is not None
    child, _ = town.ticket(api.conn, home - 1)
    api.conn.execute(
        "INSERT INTO incident_ticket (incident_id, ticket_id, joined_at) SELECT incident_id, %s, %s FROM incident",
        (child, NOW),
    )
    api.conn.commit()
    return str(row[0])


def hand_s(*steps: str) -> float:
    """Return how long a person takes for steps, by what is typed in each."""
    keys = sum(1 if char.isascii() else KEYS_OF_A_HAN_CHARACTER for step in steps for char in step)
    return len(steps) * THOUGHT_S + keys * KEY_S


def test_an_outage_is_announced_by_keys_with_its_preview_beside_it(api: Api, estate: str, arrive: Arrival) -> None:
    desk = arrive()
    desk.go("/desk")
    page, keys = desk.page, desk.page.keyboard
    begun = time.monotonic()
    keys.press("Shift+O")
    page.wait_for_url("**/desk/outages")
    keys.press("a")
    page.wait_for_url("**/desk/outages/new")
    page.focus("#place-q")
    keys.type("幸福里3")
    expect(page.locator("#found input")).to_have_count(1)
    keys.press("Enter")
    keys.press("Space")
    expect(page.locator("#chosen input:checked")).to_have_count(1)
    expect(page.locator("#told")).to_have_text("Tells people in 6 of 6 homes: 6 people, 8 messages.")
    page.focus("#reason")
    keys.type("main valve burst")
    page.fill("#expected_end", "2026-01-15T20:00")
    expect(page.locator("#preview")).to_contain_text("expected back at 2026-01-15 20:00. Reason: main valve burst")
    keys.press("Control+Enter")
    page.wait_for_url("**/desk/outages/O00000001?done=recorded")
    typed = hand_s("O", "a", "幸福里3", "\n", " ", "main valve burst", "20260115 2000", "^\n")
    assert typed + time.monotonic() - begun < 60  # "in under a minute", with somebody on the telephone
    assert "0 told" in page.inner_text("main")
    keys.press("c")
    page.fill("#changed-expected_end", "2026-01-15T23:30")
    page.click("#move-changed button[type=submit]")
    page.wait_for_url("**done=changed")
    assert api.conn.execute("SELECT expected_end::text FROM outage").fetchone() == ("2026-01-15 15:30:00+00",)
    desk.is_well()


def test_the_same_without_script(api: Api, estate: str, arrive: Arrival) -> None:
    desk = arrive(java_script_enabled=False)
    desk.go("/desk/outages/new")
    page = desk.page
    page.fill("#place-q", "长江路14")
    page.click(".find-place button")
    page.check("#found input")
    page.fill("#reason", "a new valve")
    page.click("#show-preview")
    expect(page.locator("#told")).to_contain_text("0 of 1 homes")
    page.click("#outage-form .actions button >> nth=0")
    page.wait_for_url("**/desk/outages/O00000001?done=recorded")
    page.click("#move-widened summary")
    page.fill("#place-q", "长江路12")
    page.click(".find-place button")
    page.check("#found input")
    page.click("#move-widened form > button")
    page.wait_for_url("**done=widened")
    assert "幸福里3号楼" in page.inner_text("main")


@pytest.mark.parametrize("size", SIZES)
def test_the_pages_of_incidents_and_outages(api: Api, estate: str, arrive: Arrival, size: str) -> None:
    for n, language in enumerate(("zh", "en")):
        person = arrive(language=language, size=SIZES[size])
        person.go("/desk/outages/new?buildings=B1&substations=S-North")
        if not n:
            person.page.fill("#reason", "主管道爆裂")
            person.page.click("#outage-form .actions button >> nth=0")
            person.page.wait_for_url("**done=recorded")
        paths = {
            "outages": "/desk/outages", "outage": "/desk/outages/O00000001", "incidents": "/desk/incidents",
            "incident": f"/desk/incidents/{estate}", "outage-notices": "/desk/outages/O00000001/notices",
            "outage-new": "/desk/outages/new?buildings=B1",
        }  # fmt: skip
        for name, path in paths.items():
            assert person.go(path).status == 200
            if name == "outage":
                person.page.click("#move-changed summary")
            person.keep(f"{name}-{language}-{size}")
            person.is_well()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", SIZES)
def test_the_map_is_for_everybody(arrive: Arrival, estate: str, api: Api, language: str, size: str) -> None:
    api.conn.execute("UPDATE building SET lat = 41.8 + building_id * 0.01, lon = 123.4 + building_id * 0.01")
    api.conn.commit()
    person = arrive(language, SIZES[size])
    person.page.add_init_script(NO_WEBGL)
    person.go("/desk/map")
    expect(person.page.locator(".mark")).to_have_count(2)
    person.keep(f"map-{language}-{size}")
    person.fits()
    person.is_well()


def test_a_box_that_is_dragged_is_announced(arrive: Arrival, estate: str, api: Api) -> None:
    api.conn.execute("UPDATE building SET lat = 41.8 + building_id * 0.01, lon = 123.4 + building_id * 0.01")
    api.conn.commit()
    person = arrive()
    person.page.add_init_script(NO_WEBGL)
    person.go("/desk/map")
    box = person.page.locator(".mark.cold circle").bounding_box()
    assert box is not None
    person.page.mouse.move(box["x"] - 20, box["y"] - 20)
    person.page.mouse.down()
    person.page.mouse.move(box["x"] + box["width"] + 20, box["y"] + box["height"] + 20, steps=4)
    person.page.mouse.up()
    expect(person.page.locator("tbody tr")).to_have_count(1)
    expect(person.page.get_by_role("checkbox", name="幸福里3号楼")).to_be_checked()
    person.page.get_by_role("button", name="Announce an outage").click()
    expect(person.page.locator("#preview")).to_contain_text("6 of 6 homes")
    person.is_well()


def test_the_map_works_without_script(arrive: Arrival, estate: str, api: Api) -> None:
    api.conn.execute("UPDATE building SET lat = 41.8 + building_id * 0.01, lon = 123.4 + building_id * 0.01")
    api.conn.commit()
    person = arrive(java_script_enabled=False)
    person.go("/desk/map")
    person.page.locator("#map-farther").click()
    expect(person.page.locator(".mark")).to_have_count(2)
    person.page.locator(".mark").first.focus()
    person.page.keyboard.press("Enter")
    person.page.wait_for_url("**#b-B*")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", SIZES)
def test_homes_without_a_sensor_are_hatched(arrive: Arrival, estate: str, api: Api, language: str, size: str) -> None:
    api.conn.execute("UPDATE building SET lat = 41.8 + building_id * 0.01, lon = 123.4 + building_id * 0.01")
    for row in api.conn.execute("SELECT home_id FROM home WHERE code IN ('B1-101', 'B1-102')").fetchall():
        town.sensor_now(api.conn, town.sensor(api.conn, row[0], f"s{row[0]}"), row[0], 18.5)
    api.conn.commit()
    person = arrive(language, SIZES[size])
    person.page.add_init_script(NO_WEBGL)
    person.go("/desk/map")
    expect(person.page.locator(".hatched")).to_have_count(0)
    person.page.check("#filter-unmeasured")
    person.page.click(".filters button")
    expect(person.page.locator("circle.hatched")).to_have_count(2)
    expect(person.page.locator("#b-B1")).to_contain_text({"zh": "6 户中 4 户", "en": "4 of 6"}[language])
    person.keep(f"map-unmeasured-{language}-{size}")
    person.fits()
    person.is_well()

"""The pages of what insight asks for, in a browser: warnings of the evening, early signs, and where to measure."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from domain.states import HomeState
from tests.api import town
from tests.api.conftest import Api
from tests.api.insight_rows import INSERT_SIGNS, warned
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.pages.conftest import PHONE, Visitor, Visitors

pytestmark = pytest.mark.plain_only

SIZES = {"screen": {"width": 1366, "height": 768}, "phone": PHONE}
SHEET = {"measured_at": "2026-01-15T11:30", "celsius": "17.9", "instrument": "T7", "measurer": "Zhao", "signature": "4"}
Arrival = Callable[..., Visitor]


@pytest.fixture
def arrive(api: Api, visitor: Visitors) -> Arrival:
    """Returns a function that signs a dispatcher in, in a town of which insight has something to say."""
    homes = [town.home(api.conn, f"B1-10{n}", state=HomeState.WARM) for n in range(3)]
    warned(api.conn, *homes)
    town.flag(api.conn, homes[1], town.ticket(api.conn, homes[1])[0], since=NOW)
    town.sensor_now(api.conn, town.sensor(api.conn, homes[0], "s0"), homes[0], 18.4)
    for station in ("South", "West"):
        town.home(api.conn, f"{station}-1", building=f"B-{station}", station=station)
    api.conn.execute(INSERT_SIGNS, {"now": NOW})
    token = session_of(api.conn, member(api.conn))
    api.conn.commit()
    return lambda language="en", size="screen": visitor.signed_in(token, language, SIZES[size])


def test_a_visit_becomes_a_measurement_and_who_was_not_helped_stands_out(arrive: Arrival) -> None:
    desk = arrive()
    page = desk.page
    desk.go("/desk/warnings")
    lines = page.locator("table tbody tr")
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_contain_text("B1-100")
    expect(page.locator("tr strong")).to_have_text(["warned of, not visited, and cold"])
    expect(lines.nth(1).locator("strong")).to_be_visible()
    lines.nth(2).get_by_role("link", name="Enter a measurement").click()
    page.wait_for_url("**/desk/measurements/home?home=B1-102")
    page.fill("#record-room", "living")
    page.select_option("#record-room_kind", "living")
    for name, value in SHEET.items():
        page.fill(f"#record-{name}", value)
    page.locator("form[action='/desk/measurements/home'] button").click()
    page.wait_for_url("**done=M00000001")
    desk.go("/desk/warnings")
    expect(lines.nth(2)).to_contain_text("measured on site")
    expect(lines.nth(0)).to_contain_text("not visited yet")
    desk.is_well()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_fit_and_are_well(arrive: Arrival, language: str, size: str) -> None:
    person = arrive(language, size)
    for name in ("warnings", "substations", "measurements/where"):
        assert person.go(f"/desk/{name}").status == 200
        person.keep(f"{name.replace('/', '-')}-{language}-{size}")
        person.fits()
        person.is_well()


def test_a_key_puts_the_home_that_tells_most_on_todays_plan(arrive: Arrival) -> None:
    desk = arrive()
    page = desk.page
    desk.go("/desk/measurements/where?substation=S-North")
    forms = page.locator("form[method=post][action='/desk/measurements/where']")
    expect(forms).to_have_count(2)
    for left in (1, 0):
        page.keyboard.press("p")
        expect(forms).to_have_count(left)
    expect(page.locator(".done")).to_contain_text("is on today's plan")
    desk.go("/desk/measurements")
    expect(page.locator("a.open")).to_have_count(2)

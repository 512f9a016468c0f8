"""The registry at the desk as people use it: a sensor moves, contacts are looked at, a token is made."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.states import HomeState
from store.sensors import unknown_rows
from store.sensors.unknown_rows import HeardSensor
from tests.api import town
from tests.api.conftest import Api
from tests.api.people import contact
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.pages.conftest import Visitor, Visitors

SCREEN = {"width": 1366, "height": 768}
NARROW = {"width": 360, "height": 640}
Arrival = Callable[..., Visitor]


@pytest.fixture
def arrive(api: Api, visitor: Visitors) -> Arrival:
    """A home with a history, a neighbour with a sensor; returns a function that signs an administrator in."""
    conn = api.conn
    home = town.home(conn, "B1-101", state=HomeState.COLD)
    moved = town.sensor(conn, home, "s-0001", valid_to=NOW - timedelta(days=9))
    town.sensor(conn, home, "s-0002", valid_from=NOW - timedelta(days=9))
    town.sensor(conn, town.home(conn, "B1-102"), "s-0003")
    town.reading(conn, moved, NOW - timedelta(days=10), 17)
    town.ticket(conn, home)
    heard = HeardSensor("a84041000181c061", "v3/heat/up", "gw-7", {"temperature": 20.6}, None, NOW)
    unknown_rows.note(conn, [heard])
    contact(conn, home, name="李娜", resident="R-1")
    token = session_of(conn, member(conn, "admin", name="王主任"))
    conn.commit()

    def come(language: str = "en", size: dict[str, int] = SCREEN, **options: object) -> Visitor:
        return visitor.signed_in(token, language, size, **options)

    return come


def told(person: Visitor, kept: str) -> None:
    """Take a picture of a page that stands as it should."""
    person.fits()
    person.is_well()
    person.keep(kept)


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [("zh", SCREEN, "light"), ("en", NARROW, "dark")],
)
def test_a_sensor_moves_contacts_are_looked_at_and_a_token_is_made(
    arrive: Arrival, language: str, size: dict[str, int], scheme: str
) -> None:
    person = arrive(language, size, color_scheme=scheme)
    page, kept = person.page, f"{language}-{size['width']}-{scheme}"
    person.go("/desk/unknown-sensors")
    told(person, f"office-unknown-{kept}")
    page.fill("form.place input[name=home]", "B1-101")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sensors-title")
    assert page.input_value("#sensors-sensor") == "a84041000181c061"
    assert page.input_value("#sensors-gateway") == "gw-7"
    person.go("/desk/registry")
    page.fill("#office-q", "B1-101")
    page.keyboard.press("Enter")
    page.wait_for_selector("#office-found")
    told(person, f"office-find-{kept}")
    page.click("a[href='/desk/homes/B1-101']")
    page.wait_for_selector("#sensors-title")
    told(person, f"office-home-{kept}")
    page.click("details:has(#sensors-sensor) summary")
    page.fill("#sensors-sensor", "s-0003")
    page.fill("#sensors-room", "卧室")
    page.select_option("#sensors-room_kind", "bedroom")
    page.fill("#sensors-reason", "notice 17")
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=moved_from]", state="attached")
    assert page.input_value("#sensors-room") == "卧室"
    assert "409" in person.errors.pop()  # a browser's console names the status of a refusal
    told(person, f"office-move-{kept}")
    page.click("form:has(input[name=moved_from]) button")
    page.wait_for_selector("#sensor")
    assert page.locator("tr:not(.past) th:text('s-0003')").count() == 1
    page.fill("#reveal-reason", "to agree on a visit")
    page.keyboard.press("Enter")
    page.wait_for_selector("#revealed")
    assert page.input_value("#name-0") == "李娜"
    told(person, f"office-contacts-{kept}")
    person.go("/desk/tokens")
    page.select_option("#token-role", "customer")
    page.fill("#token-homes", "B1-101")
    page.fill("#token-reason", "asked for at the counter")
    page.click("form:has(#token-role) button")
    page.wait_for_selector("#secret")
    told(person, f"office-token-{kept}")
    page.click("nav summary >> nth=0")
    page.click("nav a[href='/desk/rules/trial']")
    told(person, f"office-trial-{kept}")
    page.fill("#trial-from", "2026-01-04")
    page.fill("[name='numbers.cold_below']", "20")
    page.keyboard.press("Enter")
    page.wait_for_selector("#outcome")
    told(person, f"office-tried-{kept}")

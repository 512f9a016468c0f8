"""A call in a browser: the home is found as one types, and a crew is on its way before the caller has hung up."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from api.staff.session import COOKIE
from domain.states import HomeState
from registry.place_index import bring_up
from store.staff import session_rows
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.pages import flat
from tests.pages.conftest import PHONE, Visitor, Visitors

SCREEN = {"width": 1366, "height": 768}
SIZES = {"screen": SCREEN, "phone": PHONE}
OPENED = """
SELECT t.class, t.priority, t.description, k.contact, t.responsible,
  (SELECT array_agg(e.kind ORDER BY e.seq) FROM ticket_event AS e WHERE e.ticket_id = t.ticket_id)
FROM ticket AS t LEFT JOIN ticket_contact AS k USING (ticket_id) ORDER BY t.ticket_id DESC LIMIT 1
"""
INSERT_PERSON = """
WITH who AS (
  INSERT INTO addressee (audience, home_id, channel, language) VALUES ('user', %s, 'phone', 'zh') RETURNING addressee_id
), kept AS (
  INSERT INTO person.contact (addressee_id, address, name) SELECT addressee_id, '13800000001', '李娜' FROM who
  RETURNING addressee_id
)
INSERT INTO person.search_key (key, kind, addressee_id) SELECT '10000000831', 'telephone', addressee_id FROM kept
"""
Arrival = Callable[..., Visitor]


@pytest.fixture
def arrive(api: Api, visitor: Visitors) -> Arrival:
    """Returns a function that signs a dispatcher in."""

    def come(language: str = "en", size: dict[str, int] = SCREEN, **options: object) -> Visitor:
        token = session_of(api.conn, member(api.conn))
        api.conn.commit()
        return visitor.signed_in(token, language, size, **options)

    return come


@pytest.fixture
def homes(api: Api) -> int:
    """Three homes of an estate, one with a day of readings and a person; returns its key."""
    conn = api.conn
    home = flat.flat(conn, "B1-202", state=HomeState.COLD, celsius=16.6)
    conn.execute("UPDATE building SET name = '幸福里3号楼', address = '安和区长江路12号'")
    conn.execute("UPDATE home SET unit = '2单元202'")
    for door in ("201", "301"):
        town.home(conn, f"B1-{door}", building="B1")
    conn.execute("UPDATE building SET name = '幸福里3号楼', address = '安和区长江路12号'")
    conn.execute(INSERT_PERSON, (home,))
    bring_up(conn)
    conn.commit()
    return home


def keys(page: Page, *names: str) -> int:
    """Press keys; returns how many."""
    for name in names:
        page.keyboard.press(name)
    return len(names)


def test_a_leak_is_taken_down_and_a_crew_sent_with_few_keys(api: Api, homes: int, arrive: Arrival) -> None:
    desk = arrive()
    page, loads = desk.page, []
    desk.go("/desk")
    page.on("load", lambda _: loads.append(page.url))
    pressed = keys(page, "n")
    expect(page.locator("#call-q")).to_be_focused()
    page.keyboard.type("xfl3-2-202")
    expect(page.locator("#call-found a")).to_have_count(1)
    pressed += keys(page, "Enter")
    expect(page.locator("#call-kind-leak")).to_be_focused()
    expect(page.locator("#call-people-list")).to_contain_text("李娜")
    desk.keep("call-leak")
    pressed += keys(page, "1")
    expect(page.locator("#call-words")).to_be_focused()
    page.keyboard.type("Water runs from the ceiling")
    pressed += keys(page, "Tab")
    page.keyboard.type("139 0000 0002")
    pressed += keys(page, "Tab")
    page.keyboard.type("Wang")
    pressed += keys(page, "Enter")
    expect(page.locator("h1")).to_contain_text("T0000")
    assert pressed <= 12
    assert len(loads) <= 2
    row = api.conn.execute(OPENED).fetchone()
    assert row is not None
    assert row[:5] == (
        "leak", 1, "Water runs from the ceiling", "139 0000 0002", "Wang",
    )  # fmt: skip
    assert row[5] == ["opened", "assigned"]
    assert desk.errors == []


def test_what_is_said_is_added_to_what_is_open_with_one_key(api: Api, homes: int, arrive: Arrival) -> None:
    number = flat.cold_ticket(api.conn, homes)
    api.conn.commit()
    desk = arrive()
    page = desk.page
    desk.go("/desk/call")
    page.keyboard.type("138 0000 0001")
    expect(page.locator("#call-found a")).to_have_count(1)
    keys(page, "Enter")
    expect(page.locator(f"#call-about-{number}")).to_be_checked()
    expect(page.locator("#call-contact")).to_have_value("13800000001")
    desk.keep("call-open")
    desk.is_well()
    keys(page, "a")
    page.keyboard.type("Still cold")
    keys(page, "Control+Enter")
    expect(page.locator("h1")).to_contain_text(number)
    row = api.conn.execute("SELECT kind, data ->> 'text' FROM ticket_event ORDER BY event_id DESC LIMIT 1").fetchone()
    assert row == ("user_said", "Still cold")


def test_arrow_keys_go_through_the_homes_and_the_page_says_how_many(homes: int, arrive: Arrival) -> None:
    desk = arrive()
    page = desk.page
    desk.go("/desk/call")
    page.keyboard.type("幸福理")
    expect(page.locator("#call-found a")).to_have_count(3)
    expect(page.locator("#call-count")).to_contain_text("3 homes")
    keys(page, "ArrowDown", "ArrowDown")
    expect(page.locator("#call-found a").nth(1)).to_be_focused()
    keys(page, "ArrowUp", "ArrowUp")
    expect(page.locator("#call-q")).to_be_focused()
    page.locator("#call-q").fill("nowhere at all")
    expect(page.locator("#call-count")).to_contain_text("Nothing found")
    assert "q=" not in page.url
    page.locator("#call-q").fill("幸福里")
    expect(page.locator("#call-found a")).to_have_count(3)
    desk.keep("call-found")
    desk.is_well()


def test_without_script_it_is_a_form_and_links(api: Api, homes: int, arrive: Arrival) -> None:
    desk = arrive(java_script_enabled=False)
    page = desk.page
    desk.go("/desk/call")
    page.locator("#call-q").fill("xingfuli 3 2 202")
    page.keyboard.press("Enter")
    assert "xingfuli" not in page.url
    page.locator("#call-found a").first.click()
    page.locator("#call-kind-leak").check()
    page.locator("#call-words").fill("It drips")
    page.locator("#call-form button[type=submit]").click()
    row = api.conn.execute(OPENED).fetchone()
    assert row is not None
    assert row[:3] == ("leak", 1, "It drips")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", list(SIZES))
def test_the_page_is_well(api: Api, homes: int, arrive: Arrival, language: str, size: str) -> None:
    flat.cold_ticket(api.conn, homes)
    api.conn.commit()
    desk = arrive(language, SIZES[size])
    for name, address in (("call", "/desk/call?home=B1-202"), ("place", "/desk/call/place?building=B1")):
        desk.go(address)
        desk.keep(f"{name}-{language}-{size}")
        desk.is_well()
        desk.fits()


def test_words_outlive_a_session_that_ends_while_they_are_written(api: Api, homes: int, arrive: Arrival) -> None:
    person = arrive()
    page = person.page
    person.go("/desk/call?home=B1-202")
    page.check("[name=kind][value=leak]")
    page.fill("[name=words]", "水从天花板流下来")
    (staff_id,) = api.conn.execute("SELECT staff_id FROM staff").fetchone() or ()
    session_rows.end_all(api.conn, staff_id, NOW)
    api.conn.commit()
    page.fill("#call-q", "B1-301")  # asks, and hears that the session is over
    expect(page.locator(".signed-out")).to_be_visible()
    person.errors = [one for one in person.errors if "401" not in one]
    person.keep("signed-out-writing")
    person.is_well()
    assert page.input_value("[name=words]") == "水从天花板流下来"

    page.click("#call-form button[type=submit]")
    expect(page.locator("main .quote")).to_have_text("水从天花板流下来")
    person.errors = [one for one in person.errors if "401" not in one]
    person.keep("again-signed-out")
    person.is_well()
    person.page.context.add_cookies(
        [{"name": COOKIE, "value": session_of(api.conn, member(api.conn, sign_in_name="wu")), "url": person.base}]
    )
    api.conn.commit()
    page.click("main button")
    expect(page.locator("main a")).to_have_count(0)
    person.keep("again-signed-in")
    page.click("main button")
    page.wait_for_url("**/desk/tickets/T00000001")
    assert api.conn.execute(OPENED).fetchone()[:3] == ("leak", 1, "水从天花板流下来")  # type: ignore[index]


def test_words_go_along_to_the_home_that_was_meant(homes: int, arrive: Arrival) -> None:
    person = arrive()
    page = person.page
    person.go("/desk/call?home=B1-202")
    page.check("[name=kind][value=leak]")
    page.fill("[name=words]", "水从天花板流下来")
    page.fill("[name=contact]", "13900000001")
    page.fill("#call-q", "B1-301")
    page.press("#call-q", "Enter")
    expect(page.locator("#call-home")).to_contain_text("B1-301")
    expect(page.locator("#call-words")).to_be_focused()
    assert page.is_checked("[name=kind][value=leak]")
    assert [page.input_value(f"[name={name}]") for name in ("words", "contact")] == ["水从天花板流下来", "13900000001"]
    person.is_well()

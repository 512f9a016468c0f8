"""The desk in a browser: a ticket worked by keys alone, two dispatchers at one ticket, and what it looks like."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from api.http.company import Company
from api.live.listener import HubLimits
from domain.states import HomeState
from store.sensors import unknown_rows
from store.sensors.unknown_rows import HeardSensor
from tests.api import town
from tests.api.conftest import Api, served_database
from tests.api.desk import HOUR, Desk
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.conftest import Database
from tests.pages import flat
from tests.pages.conftest import HOTLINE, PHONE, Visitor, Visitors

SCREEN = {"width": 1366, "height": 768}
FOUR_K = {"width": 3840, "height": 2160}
NARROW = {"width": 360, "height": 640}
SIZES = {"screen": SCREEN, "phone": PHONE, "narrow": NARROW, "4k": FOUR_K}
COUNT = "SELECT count(*) FROM ticket_event WHERE kind = %s"
INSERT_EVENT = """
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data)
SELECT ticket_id, 0, %s, 'remark', 'staff 9 (Sun Li)', state, '{"remark": "seen"}' FROM ticket WHERE number = %s
"""
WARM = {"temperature": 21.25, "humidity": 38.0, "battery": 97.0}
NEW_SENSORS = (
    HeardSensor("0x00124b0022a1f3c7", "zigbee2mqtt/0x00124b0022a1f3c7", "0x00124b0022a1f3c7", WARM, None, NOW - HOUR),
    HeardSensor("a81758fffe0346f5", "milesight/24E124FFFEF5A1B2/up", "24E124FFFEF5A1B2", WARM, "A81758FFFE0346F5", NOW),
    HeardSensor(
        "SUB-7-primary-side-return-temperature-and-pressure", "neuron/plant-7/group-of-the-primary-side/upload",
        "plant-7", {"return_temperature": 41.5, "return_pressure": 0.35, "flow": 118.25}, None, NOW - 30 * HOUR,
    ),
)  # fmt: skip
Arrival = Callable[..., Visitor]


@pytest.fixture
def api(plain_database: Database) -> Iterator[Api]:
    """The API with streams of events that last, and boards."""
    company = Company(hotline=HOTLINE, boards="https://boards.example")
    with served_database(plain_database, company=company, pace=HubLimits()) as api:
        yield api


@pytest.fixture
def arrive(api: Api, visitor: Visitors) -> Arrival:
    """Returns a function that signs a person in, in a browser of their own."""

    def come(name: str = "Li Na", language: str = "en", size: dict[str, int] = SCREEN, **options: Any) -> Visitor:
        token = session_of(api.conn, member(api.conn, sign_in_name=name.lower().replace(" ", "."), name=name))
        api.conn.commit()
        return visitor.signed_in(token, language, size, **options)

    return come


def busy_town(api: Api) -> str:
    """Store tickets of each urgency and state; returns the number of one of a cold home."""
    conn = api.conn
    home = flat.flat(conn, "B1-202", state=HomeState.COLD, celsius=16.6)
    conn.execute("UPDATE building SET name = '幸福里3号楼', address = '沈阳市和平区南京南街 120 号'")
    number = flat.cold_ticket(conn, home)
    rows = (
        ("leak", "open", timedelta(minutes=25), 1, None), ("repair", "accepted", timedelta(minutes=95), 3, "Wang"),
        ("cold", "working", timedelta(hours=7), 2, "Li Na"), ("cold", "open", -HOUR, 1, None),
        ("device", "open", timedelta(days=3), 4, None), ("complaint", "open", timedelta(days=6), 3, None),
        ("leak", "done", None, 1, "Li Na"),
    )  # fmt: skip
    for nth, (kind, state, left, priority, responsible) in enumerate(rows):
        other = town.home(conn, f"B2-{nth}01", building=f"B{nth % 3 + 2}", station="South" if nth % 2 else "North")
        conn.execute("UPDATE building SET address = '沈河区青年大街 8 号', name = '河畔花园 2 号楼' WHERE address = ''")
        ticket, _ = town.ticket(conn, None if kind == "complaint" else other, kind=kind)
        done = NOW if state == "done" else None
        conn.execute(
            "UPDATE ticket SET state = %s, priority = %s, responsible = %s, done_at = %s WHERE ticket_id = %s",
            (state, priority, responsible, done, ticket),
        )
        if left is not None:
            town.clock(conn, ticket, "on_site" if kind != "complaint" else "answer", NOW + left)
    conn.commit()
    return number


def focused(person: Visitor) -> str:
    return str(person.page.evaluate("document.activeElement.id"))


def test_a_ticket_is_worked_by_keys_alone(api: Api, arrive: Arrival) -> None:
    """From the queue to the answer, and back to where the dispatcher was."""
    desk = Desk(api)
    town.clock(api.conn, town.ticket(api.conn, desk.home, kind="cold")[0], "done", NOW + HOUR)
    number = desk.opened(new=True)["number"]
    person = arrive()
    person.go("/desk")
    keys = person.page.keyboard
    keys.press("3")  # nobody has accepted it
    person.page.wait_for_url("**view=unanswered")
    keys.press("j")
    assert focused(person) == f"open-{number}"  # its clocks run out first
    keys.press("j")
    assert focused(person) == "open-T00000001"
    keys.press("k")
    keys.press("Enter")
    person.page.wait_for_url(f"**/desk/tickets/{number}")
    keys.press("c")
    keys.type("vent the radiator")
    keys.press("Control+Enter")
    person.page.wait_for_url("**done=accepted")
    assert "Saved: Accept." in person.page.inner_text("#done")
    keys.press("d")
    keys.type("vented; warm at once")
    keys.press("Control+Enter")
    person.page.wait_for_url("**done=done")
    keys.press("r")
    person.page.click("#move-replied a[data-answer] >> nth=1")
    assert person.page.input_value("#replied-text").startswith(f"The problem you reported (ticket {number})")
    keys.press("Tab")
    keys.press("t")  # telephone, in a list: no key of the page
    keys.press("Control+Enter")
    person.page.wait_for_url("**done=replied")
    ticket = api.get(f"/v1/tickets/{number}", desk.dispatcher).json()
    assert [event["kind"] for event in ticket["events"]] == ["opened", "accepted", "done", "replied"]
    assert {event["actor"] for event in ticket["events"][1:]} == {"staff 1 (Li Na)"}
    keys.press("q")
    person.page.wait_for_url("**view=unanswered")
    keys.press("?")
    assert person.page.locator("#keys").is_visible()
    keys.press("Escape")
    assert not person.page.locator("#keys").is_visible()
    person.is_well()


def test_keys_can_be_switched_off(api: Api, arrive: Arrival) -> None:
    busy_town(api)
    person = arrive()
    person.go("/desk")
    person.page.keyboard.press("?")
    person.page.uncheck("#keys-on")
    person.page.keyboard.press("Escape")
    person.page.keyboard.press("2")
    person.page.keyboard.press("j")
    person.go("/desk")
    person.page.keyboard.press("j")
    assert focused(person) == ""


def test_two_dispatchers_meet_on_one_ticket(api: Api, arrive: Arrival) -> None:
    """Each sees at once what the other does; the second form overwrites nothing, and shows both."""
    number = Desk(api).opened()["number"]
    li, wang = arrive("Li Na"), arrive("Wang Wei", "zh")
    for person in (li, wang):
        person.go(f"/desk/tickets/{number}")
    here = f"#here-{number}"
    expect(li.page.locator(here)).to_have_text("Wang Wei is looking")
    li.page.keyboard.press("a")
    expect(wang.page.locator(here)).to_have_text("Li Na 正在写")
    li.page.fill("#assigned-responsible", "Team 1")
    wang.page.keyboard.press("a")
    wang.page.fill("#assigned-responsible", "Team 2")
    wang.page.keyboard.press("Control+Enter")
    wang.page.wait_for_url("**done=assigned")
    expect(li.page.locator("#changed")).to_contain_text("Wang Wei has just changed this ticket: Assigned.")
    assert li.page.input_value("#assigned-responsible") == "Team 1"  # nothing that was written is lost
    expect(li.page.locator("#live .events")).to_contain_text("Team 2")
    li.page.keyboard.press("Control+Enter")
    conflict = li.page.locator("#conflict")
    expect(conflict).to_contain_text("nothing was overwritten")
    expect(conflict).to_contain_text("Team 1")
    expect(conflict).to_contain_text("Team 2")
    assert town.one(api.conn, COUNT, ("assigned",)) == 1
    li.keep("conflict-en-screen")
    li.errors = [error for error in li.errors if "409" not in error]  # the status of the page
    li.is_well()
    li.page.click("#move-assigned button[type=submit]")
    li.page.wait_for_url("**done=assigned")
    expect(wang.page.locator("#live .events")).to_contain_text("Team 1")  # nobody writes there: it is simply shown
    assert wang.errors == []
    wang.go("/desk")
    expect(wang.page.locator(here)).to_have_text("Li Na 正在看")
    expect(li.page.locator(here)).to_have_text("")
    li.page.keyboard.press("q")
    expect(wang.page.locator(here)).to_have_text("")


def test_the_queue_follows_without_losing_ones_place(api: Api, arrive: Arrival) -> None:
    number = busy_town(api)
    person = arrive(size={"width": 1366, "height": 420})
    person.go("/desk")
    expect(person.page.locator(".queue tbody tr")).to_have_count(8)
    person.page.focus(f"#open-{number}")
    top = person.page.evaluate(f"document.getElementById('row-{number}').getBoundingClientRect().top")
    home = town.home(api.conn, "B9-1", building="B9")
    ticket, late = town.ticket(api.conn, home, kind="leak")
    town.clock(api.conn, ticket, "on_site", NOW - 9 * HOUR)
    api.conn.commit()
    expect(person.page.locator(".queue tbody tr").first).to_have_attribute("id", f"row-{late}")
    assert focused(person) == f"open-{number}"
    expect(person.page.locator("#view-all .count")).to_have_text("9")
    expect(person.page.locator("#said")).to_have_text("The queue changed: 1 new, 0 gone.")
    assert person.page.evaluate("scrollY") == 0 or abs(
        person.page.evaluate(f"document.getElementById('row-{number}').getBoundingClientRect().top") - top
    ) < 2  # fmt: skip
    person.is_well()


def test_a_ticket_that_nobody_writes_on_is_shown_anew(api: Api, arrive: Arrival) -> None:
    number = busy_town(api)
    person = arrive()
    person.go(f"/desk/tickets/{number}")
    api.conn.execute(INSERT_EVENT, (NOW, number))
    api.conn.commit()
    expect(person.page.locator(".events .event").first).to_contain_text("Sun Li")
    assert not person.page.locator("#changed").is_visible()
    assert person.errors == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_desk_is_read_and_worked_without_script(api: Api, arrive: Arrival, language: str) -> None:
    number = busy_town(api)
    person = arrive(language=language, java_script_enabled=False)
    person.go("/desk")
    expect(person.page.locator(".queue tbody tr")).to_have_count(8)
    person.page.click("#view-late")
    expect(person.page.locator(".queue tbody tr")).to_have_count(2)
    person.page.click(f"#open-{number}")
    person.page.click("#move-remark summary")
    person.page.fill("#remark-remark", "seen")
    person.page.click("#move-remark button[type=submit]")
    expect(person.page.locator("#done")).to_be_visible()
    expect(person.page.locator(".events .event").first).to_contain_text("seen")


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [("zh", "phone", "light"), ("en", "screen", "light"), ("en", "narrow", "dark"), ("zh", "4k", "dark")],
)
def test_the_pages_of_the_desk(api: Api, arrive: Arrival, language: str, size: str, scheme: str) -> None:
    """The queue, a view of it without tickets, a ticket with all that it can show, one of its forms, new sensors."""
    number = busy_town(api)
    unknown_rows.note(api.conn, NEW_SENSORS)
    person = arrive(language=language, size=SIZES[size], color_scheme=scheme)
    for name, path in (
        ("unknown-sensors", "/desk/unknown-sensors"), ("queue", "/desk"), ("empty", "/desk?view=still_cold"),
        ("ticket", f"/desk/tickets/{number}"),
    ):  # fmt: skip
        assert person.go(path).status == 200
        person.fits()
        person.keep(f"{name}-{language}-{size}")
        person.is_well()
    person.page.click("#move-replied summary")
    person.page.click("#move-delayed summary")
    person.keep(f"form-{language}-{size}")
    person.is_well()
    if size == "screen":
        person.page.keyboard.press("Escape")
        person.page.keyboard.press("?")
        person.keep(f"keys-{language}-{size}")
        person.is_well()

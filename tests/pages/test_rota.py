"""The page of the rota as people see it: a week with a gap, a swap, load, and a ticket that nobody has accepted."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from alerts.desk import rota
from alerts.notices import on_call
from domain.rota import ShiftSpan
from tests.api import town
from tests.api.conftest import Api
from tests.api.desk import Desk
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.pages.conftest import PHONE, Visitor, Visitors
from tests.store.company import SEED

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SCREEN = {"width": 1366, "height": 768}
NARROW = {"width": 360, "height": 640}
FOUR_K = {"width": 3840, "height": 2160}
PEOPLE = (
    ("李娜", "li.na", "North"),
    ("王伟", "wang.wei", "North"),
    ("赵敏", "zhao.min", "North"),
    ("孙强", "sun", "South"),
)
FIRST_SHIFT = "SELECT min(shift_id) FROM shift WHERE staff_id = %s AND starts_at > %s"
Arrival = Callable[..., Visitor]


@pytest.fixture
def tokens(api: Api) -> dict[str, str]:
    """The week of a station, with a gap, a swap that is asked for and a ticket; sessions by name."""
    desk, conn = Desk(api), api.conn
    town.home(conn, "B2-101", building="B2", station="South")
    people = {name: member(conn, "crew", short, name=name, station=station) for name, short, station in PEOPLE}
    people["王主任"] = member(conn, "supervisor", "chief", name="王主任")
    conn.execute("UPDATE staff SET telephone = '13800000000' WHERE name <> '赵敏'")
    rota.keep(conn, "North", people["赵敏"], NOW - DAY)
    rota.keep(conn, "South", None, NOW - DAY)
    morning = NOW - 4 * HOUR
    for day in range(4):
        begin = morning + day * DAY
        for name, starts_at in (("李娜", begin), ("王伟", begin + 12 * HOUR)):
            if (day, name) != (1, "王伟"):
                rota.plan(conn, "North", people[name], [ShiftSpan(starts_at, starts_at + 12 * HOUR)], NOW - DAY)
    (mine,) = conn.execute(FIRST_SHIFT, (people["李娜"], NOW)).fetchone() or (0,)
    rota.ask_swap(conn, people["李娜"], people["王伟"], mine, None, NOW)
    made = {name: session_of(conn, number) for name, number in people.items()}
    conn.commit()
    desk.opened(new=True)
    conn.commit()
    conn.autocommit = True
    on_call.set_people(conn, ["sms"], NOW)
    on_call.call_out(conn, SEED, NOW)
    conn.autocommit = False
    return made


@pytest.fixture
def arrive(tokens: dict[str, str], visitor: Visitors) -> Arrival:
    """Returns a function that signs somebody in."""

    def come(name: str, language: str = "en", size: dict[str, int] = SCREEN) -> Visitor:
        return visitor.signed_in(tokens[name], language, size, java_script_enabled=size is not PHONE)

    return come


def test_a_swap_is_answered_by_hand_and_the_page_is_fit_for_everybody(arrive: Arrival) -> None:
    colleague = arrive("王伟", "zh", NARROW)
    colleague.go("/desk/rota")
    colleague.page.get_by_role("button", name="同意", exact=True).click()
    expect(colleague.page.locator("main")).to_contain_text("已换班")
    colleague.page.get_by_role("button", name="生成新地址").click()
    expect(colleague.page.locator("main")).to_contain_text("/calendar/")
    colleague.is_well()
    for name, language, size, kept in (("王主任", "zh", SCREEN, "screen"), ("王主任", "en", SCREEN, "screen-en"),
                                       ("赵敏", "zh", NARROW, "narrow"), ("王主任", "en", FOUR_K, "4k")):  # fmt: skip
        person = arrive(name, language, size)
        person.go("/desk/rota")
        person.fits()
        assert person.page.locator(".left-late").count() > 0  # the gap
        person.keep(f"rota-{kept}")
        person.is_well()
        if size is SCREEN:
            person.page.emulate_media(color_scheme="dark")
            person.keep(f"rota-{kept}-dark")
            person.is_well()


def test_it_is_read_without_script(arrive: Arrival) -> None:
    person = arrive("李娜", "zh", PHONE)
    person.go("/desk/rota")
    person.keep("rota-phone")
    assert "现在值班" in person.page.inner_text("main")

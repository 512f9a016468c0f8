"""A crew's phone in a browser: a whole job, half of it without a network, and what its pages look like."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from api.staff.session import COOKIE
from domain.instants import instant
from tests.api import town
from tests.api.conftest import Api
from tests.api.desk import HOUR, MINUTE, Desk
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.pages.conftest import PHONE, Visitor
from tests.pages.crew.phone import (
    PATIENCE_MS,
    WORKER_IS_ON,
    Arrival,
    attached,
    begun,
    job,
    keeps,
    kinds,
    last_person,
    photo,
    press,
    try_again,
)
from tests.pages.glass import sign
from tests.pages.waiting import until

pytestmark = pytest.mark.plain_only

SCREEN = {"width": 1366, "height": 768}
NARROW = {"width": 360, "height": 640}
LEFT_BEHIND = """async () => [
  await caches.keys(), (await indexedDB.databases()).map((one) => one.name), Object.keys(localStorage),
  (await navigator.serviceWorker.getRegistrations()).length,
]"""
# What a thumb has to hit, lower than 48 px; the box of a tick is as high as its label.
SMALL = """() => [...document.querySelectorAll('a, button, summary, input, select')]
  .filter((one) => one.offsetParent && !one.matches('.skip, .job a, .file a, [type=checkbox], [type=radio]'))
  .filter((one) => one.getBoundingClientRect().height < 48).map((one) => one.outerHTML)"""


def work_in_the_cellar(page: Page) -> None:
    """Do what is left of a job: seven moves, with a photo and two signatures, each when the one before it is kept.

    What is kept is listed above the forms: it would move the glass away under the hand that signs.
    """
    waiting = page.locator("#outbox li.waiting")
    page.click("#once-arrived")
    expect(waiting).to_have_count(1)
    page.click("#photo summary")
    page.set_input_files("#photo-file", photo(2_400, 1_800))
    press(page, "photo")
    expect(waiting).to_have_count(2, timeout=PATIENCE_MS)
    page.click("#move-cause_found summary")
    page.select_option("#move-cause_found select", "riser_air")
    press(page, "move-cause_found")
    expect(waiting).to_have_count(3)
    page.click("#move-part_used summary")
    page.fill("#part_used-part", "DN15 排气阀")
    press(page, "move-part_used")
    expect(waiting).to_have_count(4)
    page.click("#measure summary")
    page.fill("#measure-celsius", "19.5")
    page.fill("#measure-instrument", "T-0042")
    sign(page, "#measure-sign", 50)
    press(page, "measure")
    expect(waiting).to_have_count(5)
    page.click("#move-confirmed summary")
    sign(page, "#confirmed-sign", 60)
    press(page, "move-confirmed")
    expect(waiting).to_have_count(6)
    page.click("#move-done summary")
    page.fill("#done-result", "立管排气，已热")
    press(page, "move-done")
    expect(waiting).to_have_count(7)


def test_a_crew_does_a_whole_job_half_of_it_without_a_network(desk: Desk, api: Api, arrive: Arrival) -> None:
    number = job(desk, "B1-202")
    person = arrive()
    page, network = person.page, person.page.context.set_offline
    person.go("/crew")
    until(page, WORKER_IS_ON)
    keeps(page, last_person(api), f"/crew/jobs/{number}")
    page.click(f"#job-{number} a")
    page.click("#call summary")
    page.select_option("#contact-reason", "visit")
    page.click("#call button")
    expect(page.locator("#call a")).to_have_attribute("href", "tel:13900000000")
    page.click("#once-accepted")
    page.wait_for_url("**done=accepted")
    page.click("#once-contacted")
    page.wait_for_url("**done=contacted")
    person.is_well()

    network(True)
    work_in_the_cellar(page)
    waiting = page.locator("#outbox li.waiting")
    page.reload()
    expect(waiting).to_have_count(7)
    expect(page.locator("#standing")).to_contain_text("没有网络")
    expect(page.locator("#once-arrived")).to_be_disabled()
    person.keep("crew-offline")
    page.click(".back a")
    # The service worker gives a network six seconds before it answers with what it keeps.
    expect(page.locator(f"#job-{number}")).to_be_visible(timeout=PATIENCE_MS)
    expect(waiting).to_have_count(7)

    api.clock.now = NOW + 3 * HOUR
    network(False)
    expect(page.locator(f"#job-{number}")).to_have_count(0, timeout=PATIENCE_MS)  # the list is shown as it is now
    person.go(f"/crew/jobs/{number}")
    expect(page.locator("#outbox")).to_be_hidden(timeout=PATIENCE_MS)
    person.keep("crew-back")
    person.errors = [one for one in person.errors if "ERR_INTERNET_DISCONNECTED" not in one]
    person.is_well()
    check_record(desk, number)
    add_at_the_desk(arrive("en", SCREEN, "dispatcher"), number)
    meet_a_change(desk, person, number)
    leave(person)


def check_record(desk: Desk, number: str) -> None:
    """Check that moves are on record once, with the time at which they were made beside that of recording."""
    attached(desk, number, 3)
    events = desk.api.get(f"/v1/tickets/{number}", desk.dispatcher).json()["events"]
    late = [event for event in events[3:] if event["kind"] != "clock_breached"]
    assert [event["kind"] for event in late] == [
        "arrived", "cause_found", "part_used", "attached", "attached", "confirmed", "done", "attached"
    ]  # fmt: skip  # the photo comes last
    assert {instant(event["at"]) for event in late} == {NOW + 3 * HOUR}
    assert {NOW <= instant(event["data"]["made_at"]) <= NOW + 5 * MINUTE for event in late} == {True}
    (record,) = desk.api.get("/v1/homes/B1-202/measurements", desk.dispatcher).json()["items"]
    assert (record["celsius"], record["worth"]) == (19.5, "valid")
    assert instant(record["measured_at"]) < NOW + 5 * MINUTE


def add_at_the_desk(person: Visitor, number: str) -> None:
    """See the photo and the signatures at the desk, and add a photo there."""
    page = person.page
    person.go(f"/desk/tickets/{number}")
    expect(page.locator(".file img")).to_have_count(3)
    page.set_input_files("#file", photo(300, 400))
    page.click(".file-form button")
    page.wait_for_url("**done=attached")
    expect(page.locator(".file img")).to_have_count(4)
    until(page, "[...document.querySelectorAll('.file img')].every((one) => one.naturalWidth)")
    person.keep("crew-desk")
    person.is_well()


def meet_a_change(desk: Desk, person: Visitor, number: str) -> None:
    """Find a ticket changed by somebody else; what was done stays on the phone until it is sent as a note."""
    page, network = person.page, person.page.context.set_offline
    network(True)
    page.click("#move-tried summary")
    press(page, "move-tried")
    expect(page.locator("#outbox li.waiting")).to_have_count(1)
    desk.move({"number": number}, "void", reason="登记有误")
    network(False)
    refused = page.locator("#outbox li.refused")
    expect(refused).to_have_count(1, timeout=PATIENCE_MS)
    person.keep("crew-refused")
    person.errors = []
    person.is_well()
    page.reload()
    expect(refused).to_have_count(1)
    refused.get_by_role("button", name="改为备注发送").click()
    expect(page.locator("#outbox")).to_be_hidden()
    events = desk.api.get(f"/v1/tickets/{number}", desk.dispatcher).json()["events"]
    assert [event["kind"] for event in events[-2:]] == ["void", "remark"]


def leave(person: Visitor) -> None:
    """Sign out; nothing is left on the phone."""
    page = person.page
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("nav .me summary")
    page.click("nav form button")
    page.wait_for_url("**/sign-in*")
    assert page.evaluate(LEFT_BEHIND) == [[], [], [], 0]


def test_what_the_service_has_not_said_to_be_done_waits(desk: Desk, arrive: Arrival) -> None:
    person, number = begun(desk, arrive, "B1-301")
    page, waiting = person.page, person.page.locator("#outbox li.waiting")
    way = f"**/crew/jobs/{number}"
    page.route(way, lambda one: one.fulfill(status=200, content_type="text/html", body="<h1>Welcome to our hotel</h1>"))
    page.click("#once-arrived")
    expect(page.locator("#standing")).to_contain_text("没有网络")
    expect(waiting).to_have_count(1)
    assert kinds(desk, number) == []

    def lose(one: Route) -> None:
        one.fetch()
        one.abort()

    page.unroute(way)
    page.route(way, lose)
    with page.expect_event("requestfailed"):
        try_again(page)
    assert kinds(desk, number) == ["arrived"]
    expect(waiting).to_have_count(1)
    page.unroute(way)
    page.evaluate("() => { const right = Date.now; Date.now = () => right() - 9e10; }")  # it lost its battery
    page.click("#move-part_used summary")
    page.fill("#part_used-part", "阀")
    press(page, "move-part_used")
    page.wait_for_url("**done=part_used")
    expect(page.locator("#outbox")).to_be_hidden()
    assert kinds(desk, number) == ["arrived", "part_used"]


def test_what_is_refused_or_too_heavy_keeps_no_move_behind_it_waiting(desk: Desk, arrive: Arrival) -> None:
    person, number = begun(desk, arrive, "B1-302")
    page, network = person.page, person.page.context.set_offline
    page.route(f"**/crew/tickets/{number}/files", lambda one: one.abort("timedout"))
    network(True)
    page.set_input_files("#photo-file", photo(30, 20))
    press(page, "photo")
    page.click("#measure summary")
    page.fill("#measure-celsius", "很冷")
    page.fill("#measure-instrument", "T-0042")
    press(page, "measure")
    page.evaluate("() => { const right = Date.now; Date.now = () => right() + 9e8; }")  # somebody has set the clock
    page.click("#once-arrived")
    expect(page.locator("#outbox li")).to_have_count(3)
    network(False)
    try_again(page)
    refused = page.locator("#outbox li.refused")
    expect(refused).to_have_count(1, timeout=PATIENCE_MS)
    expect(refused).to_contain_text("很冷")
    expect(page.locator("#outbox li.waiting")).to_have_count(1)
    assert kinds(desk, number) == ["arrived"]
    person.keep("crew-behind")


def test_moves_are_sent_by_nobody_else(desk: Desk, api: Api, arrive: Arrival) -> None:
    person, number = begun(desk, arrive, "B1-303")
    page, network = person.page, person.page.context.set_offline
    network(True)
    page.click("#once-arrived")
    expect(page.locator("#outbox li.waiting")).to_have_count(1)
    other = session_of(api.conn, member(api.conn, "crew", "b.crew", name="Wu Gang", station="North"))
    api.conn.commit()
    page.context.add_cookies([{"name": COOKIE, "value": other, "url": person.base}])
    held: list[Route] = []  # the page of the other person, while that of the one before goes on

    def hold(one: Route) -> None:
        if one.request.method == "GET":
            held.append(one)
        else:
            one.continue_()

    page.route(f"**/crew/jobs/{number}", hold)
    with page.expect_event("request", lambda one: one.method == "GET" and one.url.endswith(number)):
        network(False)
    for _ in range(5):  # not by the page, which answers nothing while another is on its way
        page.context.request.get(f"{person.base}/crew/state")
    assert [one.url for one in person.requests if one.method == "POST"] == []
    held.pop().continue_()
    expect(page.locator("nav .me")).to_contain_text("Wu Gang", timeout=PATIENCE_MS)
    expect(page.locator("#standing")).to_contain_text("其他人未发送的 1 项")
    assert kinds(desk, number) == []


def test_a_phone_whose_storage_is_full_is_worked_with_a_network(desk: Desk, arrive: Arrival) -> None:
    number, person = job(desk, "B1-304"), arrive()
    page = person.page
    person.go("/crew")
    until(page, WORKER_IS_ON)
    of_browser = page.context.new_cdp_session(page)
    of_browser.send("Storage.overrideQuotaForOrigin", {"origin": person.base, "quotaSize": 1})
    assert person.go(f"/crew/jobs/{number}").status == 200
    page.click("#once-arrived")
    page.wait_for_url("**done=arrived")
    assert kinds(desk, number) == ["arrived"]
    page.context.set_offline(True)
    page.click("#move-tried summary")
    press(page, "move-tried")
    expect(page.locator("#standing")).to_contain_text("手机无法保存")
    expect(page.locator("#move-tried form")).to_be_visible()  # with what was told


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [("zh", PHONE, "light"), ("en", NARROW, "dark")],
    ids=["zh-phone", "en-narrow-dark"],
)
def test_the_pages_are_well(
    desk: Desk, api: Api, arrive: Arrival, request: Any, language: str, size: dict[str, int], scheme: str
) -> None:
    number = job(desk, f"B1-{language}")
    home = town.home(api.conn, f"B2-{language}", building="B-North")
    town.clock(api.conn, town.ticket(api.conn, home)[0], "on_site", NOW - HOUR)
    person = arrive(language, size, color_scheme=scheme)
    for name, path in (("jobs", "/crew"), ("job", f"/crew/jobs/{number}")):
        assert person.go(path).status == 200
        person.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        person.fits()
        assert person.page.evaluate(SMALL) == []
        person.keep(f"crew-{name}-{request.node.callspec.id}")
        person.is_well()

"""A queue on a crew's phone: limits, sessions that end, phones that are shared, and updates of the app meanwhile."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Route, expect
from starlette.responses import Response

from api.crew import crew_routes
from api.http.problem import unavailable
from api.pages import render
from api.staff.session import COOKIE
from api.words.problems import FILE_SLOW
from domain.files import MOST_BYTES
from tests.api.conftest import Api
from tests.api.desk import Desk
from tests.api.staff import PASSWORD, member, session_of
from tests.api.town import NOW
from tests.pages.conftest import PHONE, Visitor, Visitors
from tests.pages.crew.phone import (
    KEPT,
    PATIENCE_MS,
    WORKER_IS_ON,
    Arrival,
    begun,
    job,
    keeps,
    kinds,
    last_person,
    photo,
    press,
    recorded,
    try_again,
)
from tests.pages.waiting import until
from tests.pictures import drawn, encoded

pytestmark = pytest.mark.plain_only

SET_ROLE = "UPDATE staff SET role = %s, station = %s WHERE staff_id = %s"
END_SESSIONS = "UPDATE token SET expires_at = %s WHERE staff_id = %s"
NO_DECODING = "() => { self.createImageBitmap = undefined; }"  # an old telephone: photos stay as large as they are


def waiting(page: Page) -> Any:
    """Return what waits on the phone, as it is shown."""
    return page.locator("#outbox li.waiting")


def queue(page: Page, *moves: str) -> None:
    """Do some moves without a network, one after the other."""
    page.context.set_offline(True)
    for nth, move in enumerate(moves, 1):
        if move == "arrived":
            page.click("#once-arrived")
        else:
            page.click(f"#move-{move} summary")
            if move == "part_used":
                page.fill("#part_used-part", "阀")
            press(page, f"move-{move}")
        expect(waiting(page)).to_have_count(nth)


def connect(page: Page) -> None:
    """Give the phone its network back."""
    page.context.set_offline(False)
    try_again(page)


def enter(person: Visitor, api: Api, staff_id: int) -> None:
    """Let the browser show a new session of a person, which is on record before the page can ask by it."""
    token = session_of(api.conn, staff_id)
    api.conn.commit()
    person.page.context.add_cookies([{"name": COOKIE, "value": token, "url": person.base}])


def test_a_photo_near_the_limit_is_on_record_once(
    desk: Desk, arrive: Arrival, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, number = begun(desk, arrive, "B1-401")
    page = person.page
    page.evaluate(NO_DECODING)
    small, chosen = encoded(drawn(600, 400)), tmp_path / "1.jpg"
    large = small + bytes(MOST_BYTES - len(small) - 1_000)
    taken, calls = crew_routes._taken, []

    def lose(*given: Any) -> Any:
        calls.append(given)
        return taken(*given) if len(calls) > 1 else Response(status_code=500)  # the answer is lost

    monkeypatch.setattr(crew_routes, "_taken", lose)
    page.context.set_offline(True)
    page.click("#photo summary")
    chosen.write_bytes(large + bytes(2_000))
    page.set_input_files("#photo-file", chosen)
    page.click("#photo button")
    expect(page.locator("#standing")).to_contain_text("8 MB")
    chosen.write_bytes(large)
    page.set_input_files("#photo-file", chosen)
    page.click("#photo button")
    expect(waiting(page)).to_have_count(1)
    connect(page)
    expect(page.locator("#outbox")).to_be_hidden(timeout=PATIENCE_MS)
    assert len(calls) == 2
    assert kinds(desk, number) == ["attached"]


def test_what_was_refused_is_sent_again_by_a_button(desk: Desk, arrive: Arrival) -> None:
    person, number = begun(desk, arrive, "B1-402")
    page, way = person.page, f"**/crew/tickets/{number}/files"
    page.route(way, lambda one: one.fulfill(status=422, json={"detail": "虚拟原因"}))
    page.click("#photo summary")
    page.set_input_files("#photo-file", photo(60, 40))
    page.click("#photo button")
    refused = page.locator("#outbox li.refused")
    expect(refused).to_contain_text("虚拟原因")
    page.unroute(way)
    refused.get_by_role("button", name="再次发送").click()
    expect(page.locator("#outbox")).to_be_hidden(timeout=PATIENCE_MS)
    assert kinds(desk, number) == ["attached"]


def test_a_limit_puts_off_what_comes_after_too(desk: Desk, arrive: Arrival) -> None:
    person, number = begun(desk, arrive, "B1-403")
    page, way, sent = person.page, f"**/crew/jobs/{number}", list[str]()
    queue(page, "arrived", "part_used")

    def limit(one: Route) -> None:
        sent.append(next(kind for kind in ("arrived", "part_used") if kind in (one.request.post_data or "")))
        one.fulfill(status=429, headers={"Retry-After": "30"}, body="slow down")

    page.route(way, limit)
    with page.expect_response(lambda one: one.status == 429):
        connect(page)
    expect(page.locator("#standing")).to_have_text("待发送 2 项")  # and not that there is no network
    assert set(sent) == {"arrived"}
    page.unroute(way)
    try_again(page)
    expect(page.locator("#outbox")).to_be_hidden(timeout=PATIENCE_MS)
    assert kinds(desk, number) == ["arrived", "part_used"]


@pytest.mark.parametrize("how", ["session", "role"])
def test_what_waits_outlives_the_session_and_is_sent_by_its_person(
    desk: Desk, api: Api, arrive: Arrival, how: str
) -> None:
    person, number = begun(desk, arrive, f"B1-404-{how}")
    page = person.page
    staff_id = last_person(api)
    queue(page, "arrived")
    if how == "role":
        api.conn.execute(SET_ROLE, ("dispatcher", None, staff_id))
        enter(person, api, staff_id)
    else:
        api.conn.execute(END_SESSIONS, (NOW, staff_id))
        api.conn.commit()
    connect(page)
    expect(page.locator("#standing")).to_contain_text("待发送的内容不会丢失")
    expect(page.locator("#standing a")).to_have_attribute("href", "/sign-in?next=/crew")
    expect(waiting(page)).to_have_count(1)
    api.conn.execute(SET_ROLE, ("crew", "North", staff_id))
    other = member(api.conn, "crew", f"b.{how}", name="Wu Gang", station="North")
    enter(person, api, other)
    person.go("/crew")
    expect(page.locator("#standing")).to_contain_text("其他人未发送的 1 项")
    assert kinds(desk, number) == []
    enter(person, api, staff_id)
    person.go("/crew")
    recorded(desk, number, "arrived")
    expect(page.locator("#standing")).to_be_hidden()


def sign_in(person: Visitor, name: str) -> None:
    """Sign in with a password."""
    page = person.page
    person.go("/sign-in")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    page.click("main button", no_wait_after=True)


def test_nobody_is_shown_what_a_shared_phone_keeps_of_another(
    desk: Desk, api: Api, visitor: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, person = job(desk, "B1-405"), visitor("zh", PHONE)
    first = member(api.conn, "crew", "c.first", name="Zhao Min", station="North", password=PASSWORD)
    second = member(api.conn, "crew", "c.second", name="Wu Gang", station="North", password=PASSWORD)
    api.conn.commit()
    page = person.page
    sign_in(person, "c.first")
    until(page, WORKER_IS_ON)
    of_first = f"/crew/jobs/{number}"
    keeps(page, first, of_first)
    api.conn.execute(END_SESSIONS, (NOW, first))
    api.conn.commit()
    monkeypatch.setattr(crew_routes, "jobs_content", _never)  # the network fails as the second is let in
    sign_in(person, "c.second")
    page.wait_for_url("**/crew")
    page.context.set_offline(True)
    for path in ("/crew", of_first):
        with pytest.raises(Error, match="ERR_"):
            page.goto(person.base + path)
    page.context.set_offline(False)
    monkeypatch.undo()
    person.go("/crew")
    expect(page.locator("nav .me")).to_contain_text("Wu Gang")
    keeps(page, second, of_first)
    assert list(page.evaluate(KEPT)) == [f"crew-pages-{second}"]
    page.context.set_offline(True)
    for path in ("/crew", of_first):
        page.goto(person.base + path)
        expect(page.locator("nav .me")).to_contain_text("Wu Gang")


def _never(*_: Any) -> Any:
    raise unavailable(FILE_SLOW)


def test_an_update_of_the_app_loses_nothing_that_waits(
    desk: Desk, arrive: Arrival, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, person = job(desk, "B1-406"), arrive()
    page = person.page
    person.go("/crew")
    until(page, WORKER_IS_ON)
    person.go(f"/crew/jobs/{number}")
    queue(page, "arrived", "part_used")
    before = page.get_attribute("script[type=module]", "src")
    folder = tmp_path / "static"
    shutil.copytree(str(render.STATIC_FOLDER), folder)
    for name in ("crew.js", "crew-worker.js"):
        (folder / name).write_text((folder / name).read_text() + "\nself.isNew = true;\n")
    monkeypatch.setattr(render, "STATIC_FOLDER", folder)
    render.static_version.cache_clear()
    try:
        connect(page)
        expect(page.locator("#outbox")).to_be_hidden(timeout=PATIENCE_MS)
        assert kinds(desk, number) == ["arrived", "part_used"]
        person.go("/crew")
        until(page, "self.isNew")
        assert page.get_attribute("script[type=module]", "src") != before
        until(page, "navigator.serviceWorker.ready.then((one) => !one.installing)")
        keeps(page, last_person(desk.api), f"/crew/jobs/{number}")
        person.go(f"/crew/jobs/{number}")
        queue(page, "part_used")
        page.reload()  # the page and the scripts of the new version are kept
        expect(waiting(page)).to_have_count(1, timeout=PATIENCE_MS)
        connect(page)
        expect(page.locator("#outbox")).to_be_hidden(timeout=PATIENCE_MS)
        assert kinds(desk, number) == ["arrived", "part_used", "part_used"]
    finally:
        render.static_version.cache_clear()

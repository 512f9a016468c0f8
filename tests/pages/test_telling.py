"""Cover the forms about an open ticket on a customer's own page."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from api.http.company import Company
from api.live.listener import HubLimits
from api.pages.render import HOME
from domain.states import HomeState
from tests.api import town
from tests.api.conftest import Api, served_town
from tests.conftest import Servers
from tests.pages import flat
from tests.pages.conftest import DESKTOP, HOTLINE, Visitors
from tests.pictures import encoded


@pytest.fixture(scope="module")
def api(servers: Servers) -> Iterator[Api]:
    """The API with streams of events that last; each test has a home of its own."""
    with served_town(servers, company=Company(hotline=HOTLINE), pace=HubLimits()) as api:
        yield api


def test_a_customer_speaks_with_the_desk(api: Api, visitor: Visitors) -> None:
    """On a phone, in Chinese: a number is asked for, times are offered, and the words are shown back."""
    conn = api.conn
    home = flat.flat(conn, "B1-202", state=HomeState.COLD, celsius=16.6)
    number = flat.cold_ticket(conn, home)
    token = api.token("customer", "B1-202")
    conn.commit()
    person = visitor("zh")
    person.go(f"/home?token={token}")
    page = person.page
    assert "我们没有您的电话" in page.inner_text(f"#say-{number}")
    person.keep("telling-zh")
    page.fill(f"#phone-{number}", "13800001111")
    page.click(f"#say-{number} button")
    assert number in page.inner_text("#said")
    page.wait_for_load_state()
    assert "我们没有您的电话" not in page.inner_text("main")
    page.click(f"#times-{number} summary")
    page.check("input[value='2026-01-16 morning']")
    page.check("input[value='2026-01-17 evening']")
    person.keep("telling-times-zh")
    page.click(f"#times-{number} button")
    expect(page.locator(f"#{number}")).to_contain_text("1月16日（周五）上午、1月17日（周六）晚上")
    page.click(f"#photo-{number} summary")
    page.set_input_files(f"#file-{number}", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": encoded()})
    page.click(f"#photo-{number} button")
    thumbnail = page.locator(f"#{number} .photos img")
    thumbnail.wait_for()
    assert thumbnail.evaluate("async (image) => { await image.decode(); return image.naturalWidth > 0; }")
    # The desk works on, and the page tells it without being reloaded; what is being written stays.
    page.evaluate("window.same = true")
    dispatcher = api.token("dispatcher")
    api.conn.commit()
    for body in (
        {"kind": "accepted", "responsible": "王师傅"},
        {"kind": "appointment", "appointment_at": "2026-01-16T09:30:00+08:00"},
    ):
        assert api.post(f"/v1/tickets/{number}/events", dispatcher, **body).status_code == 201
    page.wait_for_selector("text=明天 09:30")
    expect(page.locator(f"#{number}")).to_contain_text("上门人员：王师傅")
    expect(page.locator("#told")).to_have_text("页面已更新")
    assert page.evaluate("window.same")
    person.keep("telling-pushed-zh")
    page.click(f"#say-{number} summary")
    page.fill(f"#words-{number}", "卧室")
    assert api.post(f"/v1/tickets/{number}/events", dispatcher, kind="done", result="已排气").status_code == 201
    page.wait_for_selector("#stale:not([hidden])")
    assert page.input_value(f"#words-{number}") == "卧室"
    page.click("#stale a")
    page.click(f"#{number} button[value=persists]")
    expect(page.locator(f"#{number}")).to_contain_text("还是冷。工单已重新处理。")
    expect(page.locator(f"#{number}")).to_contain_text("等待供热站受理")
    person.keep("telling-said-zh")
    person.is_well()


def test_photos_by_the_page_are_guarded(api: Api) -> None:
    """Nobody else sees them, a forged form is not taken, and the staff is told of each."""
    home = town.home(api.conn)
    town.home(api.conn, "B1-102")
    ticket, number = town.ticket(api.conn, home, kind="leak")
    mine, theirs = api.token("customer", "B1-101"), api.token("customer", "B1-102")
    api.conn.commit()
    path = f"{HOME}/tickets/{number}/files"
    text = api.client.get("/home", headers={"Cookie": f"hearth={mine}"}).text
    fields = {name: re.findall(rf'name="{name}" value="([^"]*)"', text)[0] for name in ("home", "key", "token")}

    def send(bearer: str | None, content: bytes = encoded(), **other: str) -> httpx.Response:
        cookie = {"Cookie": f"hearth={bearer}"} if bearer else {}
        return api.client.post(path, data={**fields, **other}, files={"file": ("a", content)}, headers=cookie)

    assert send(mine).status_code == 303
    assert send(mine).status_code == 303  # the same photo again is taken once
    told = api.conn.execute("SELECT kind, audience FROM outbox WHERE ticket_id = %s", (ticket,)).fetchall()
    assert told == [("user_said", "dispatch"), ("user_said", "crew")]
    assert send(mine, token="forged").status_code == 403
    assert (send(theirs).status_code, send(None).status_code) == (404, 401)
    refused = send(mine, b"GIF89a")
    assert (refused.status_code, "JPEG" in refused.text) == (415, True)
    assert send(mine, b"").status_code == 422
    file = town.one(api.conn, "SELECT file_id FROM ticket_file WHERE ticket_id = %s", (ticket,))
    for one in (f"{path}/{file}", f"{path}/{file}/thumbnail"):
        shown = api.client.get(one, headers={"Cookie": f"hearth={mine}"})
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
        assert api.client.get(one, headers={"Cookie": f"hearth={theirs}"}).status_code == 404
        assert api.client.get(one).status_code == 401
    assert api.client.get(f"{HOME}/events?home=B1-101", headers={"Cookie": f"hearth={theirs}"}).status_code == 404


def test_a_paid_repair_is_agreed_to_and_rated_without_script(api: Api, visitor: Visitors) -> None:
    flat.flat(api.conn, "B1-303")
    token, dispatcher = api.token("customer", "B1-303"), api.token("dispatcher")
    api.conn.commit()
    leak = {"class": "leak", "description": "it drips", "contact": "1"}
    number = api.post("/v1/homes/B1-303/tickets", dispatcher, **leak).json()["number"]
    terms = {
        "kind": "responsibility",
        "responsibility": "user",
        "paid": True,
        "for_what": "a valve",
        "amount": "120.50",
    }
    assert api.post(f"/v1/tickets/{number}/events", dispatcher, **terms).status_code == 201
    person = visitor("en", DESKTOP, java_script_enabled=False, color_scheme="dark")
    person.go(f"/home?token={token}")
    person.go("/home")
    page = person.page
    assert "120.50" in page.inner_text(f"#terms-{number}")
    person.keep("terms-en")
    page.click(f"#terms-{number} button[value=yes]")
    page.wait_for_load_state()
    assert page.locator(f"#terms-{number}").count() == 0
    assert api.post(f"/v1/tickets/{number}/events", dispatcher, kind="done").status_code == 201
    person.go("/home")
    page.check(f"#rate-{number} input[value='4']")
    page.fill(f"#rate-words-{number}", "quick")
    person.keep("rate-en")
    page.click(f"#rate-{number} button")
    expect(page.locator(f"#{number}")).to_contain_text("Your rating: 4 of 5")

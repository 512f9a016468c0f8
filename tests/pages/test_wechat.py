"""WeChat on pages: a customer binds an account, sees what it agreed to and ends it; the office sees the settings."""

from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import expect

from alerts.notices.wechat import load
from tests.api import town
from tests.api.conftest import POLICY, Api
from tests.api.staff import member, session_of
from tests.pages.conftest import PHONE, Visitors
from tests.wechat import file, served

pytestmark = pytest.mark.plain_only

SCREEN = {"width": 1366, "height": 768}


def let_wechat(api: Api, port: int) -> None:
    """Set the company's account."""
    app: Any = api.app
    app.state.surroundings = replace(app.state.surroundings, wechat=load(file(port), "wechat", POLICY.zone))


def test_an_account_is_bound_seen_and_ended(api: Api, visitor: Visitors) -> None:
    town.home(api.conn)
    link = f"/home?token={api.token('customer', 'B1-101')}"
    person = session_of(api.conn, member(api.conn, "dispatcher", "a.desk"))
    api.conn.commit()
    office = visitor.signed_in(person, "en", SCREEN)
    office.go("/desk/homes/B1-101")
    expect(office.page.locator("#wechat-card")).to_contain_text("HEARTH_WECHAT")
    expect(office.page.locator("#wechat-card button")).to_have_count(0)
    with served() as wechat:
        let_wechat(api, wechat.port)
        family = visitor("zh", PHONE)
        family.go(link)
        card = family.page.locator("section:has(> #wechat)")
        expect(card).to_contain_text("尚未绑定微信账号。")
        card.get_by_role("button", name="绑定一个微信账号").click()
        shown = family.page.locator("#wechat-link")
        expect(shown).to_contain_text("微信小程序")
        family.fits()
        family.is_well()
        family.keep("wechat-link-phone")
        wish = {"link": shown.locator("code").inner_text(), "code": "good", "consents": 2}
        assert api.client.post("/v1/wechat/bindings", json=wish).status_code == 201
        family.go("/home")
        expect(card).to_contain_text("已绑定 1 个微信账号。还可接收 2 条消息。")
        family.keep("wechat-bound-phone")

        office.go("/desk/homes/B1-101")
        mine = office.page.locator("#wechat-card")
        expect(mine).to_contain_text("mini-program wx1")
        expect(mine).to_contain_text("WeChat accounts bound: 1.")
        mine.get_by_role("button", name="Bind a WeChat account").click()
        expect(office.page.locator("#wechat-link code")).to_be_visible()
        office.fits()
        office.is_well()
        office.keep("wechat-office-desk")

        card.get_by_role("button", name="解除全部绑定").click()
        expect(card).to_contain_text("尚未绑定微信账号。")
        office.go("/desk/homes/B1-101")
        expect(mine).to_contain_text("No WeChat account is bound.")

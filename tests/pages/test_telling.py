"""Cover the forms about an open ticket on a customer's own page."""

from domain.states import HomeState
from tests.api.conftest import Api
from tests.pages import flat
from tests.pages.conftest import Visitors


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
    assert "我们没有您的电话" not in page.inner_text("main")
    page.click(f"#times-{number} summary")
    page.check("input[value='2026-01-16 morning']")
    page.check("input[value='2026-01-17 evening']")
    person.keep("telling-times-zh")
    page.click(f"#times-{number} button")
    assert "1月16日（周五）上午、1月17日（周六）晚上" in page.inner_text(f"#{number}")
    page.click(f"#{number} button[value=persists]")
    assert "还是冷" in page.inner_text(f"#{number} .quote >> nth=-1")
    person.keep("telling-said-zh")
    person.is_well()

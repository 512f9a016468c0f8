"""Signing in, in a browser: from the link of an invitation to the end of the session."""

import re

import pytest

from domain import totp
from store.staff import credential_rows
from tests.api.conftest import Api
from tests.api.staff import PASSWORD, member
from tests.api.town import NOW
from tests.pages.conftest import DESKTOP, PHONE, Visitors

NEW = "another four unrelated words"
SIZES = {"phone": PHONE, "desk": DESKTOP}


@pytest.mark.parametrize(("language", "size"), [("zh", "phone"), ("en", "desk")])
def test_from_an_invitation_to_codes_and_out_again(api: Api, visitor: Visitors, language: str, size: str) -> None:
    person = visitor(language, SIZES[size])
    page = person.page
    staff_id = member(api.conn, "admin")
    code = credential_rows.invite(api.conn, staff_id, NOW)
    api.conn.execute("UPDATE staff SET language = %s", (language,))
    api.conn.commit()

    person.go(f"/invitation/{code}")
    person.keep(f"invitation-{language}-{size}")
    person.is_well()
    page.fill("#new", NEW)
    page.fill("#again", NEW)
    page.click("main button")
    assert page.url.endswith("/sign-in?notice=password_set_says")

    person.go("/account")  # leads to signing in, and back
    assert "next=/account" in page.url
    page.fill("#name", "li.na")
    page.fill("#password", "wrong")
    person.keep(f"sign-in-{language}-{size}")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    person.errors = [one for one in person.errors if "401" not in one]  # the browser tells of each such answer
    person.is_well()
    page.fill("#password", NEW)
    page.keyboard.press("Enter")
    page.wait_for_url("**/account")
    person.keep(f"account-{language}-{size}")
    person.is_well()

    page.click("main a[href='/account/codes']")
    person.keep(f"codes-{language}-{size}")
    person.is_well()
    secret = totp.read(page.inner_text(".secret"))
    assert secret is not None
    page.fill("#digits", totp.code(secret, totp.counter_at(NOW)))
    page.click("main button")
    page.wait_for_url("**done=codes_on")

    page.click("nav summary >> nth=0")
    page.click("nav a[href='/desk/staff']")
    box = page.locator("nav").bounding_box()
    assert box is not None
    assert box["height"] < 50  # one line, whatever the size
    assert page.get_attribute("nav a[href='/desk/staff']", "aria-current") == "page"
    person.keep(f"people-{language}-{size}")
    person.is_well()
    page.click("table a")
    person.keep(f"person-{language}-{size}")
    person.is_well()

    page.click("nav .me summary")
    page.click("nav form button")
    page.wait_for_url("**/sign-in*")
    api.clock.now = NOW.replace(minute=1)
    page.fill("#name", "li.na")
    page.fill("#password", NEW)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code*")
    person.is_well()
    page.fill("#digits", totp.code(secret, totp.counter_at(api.clock.now)))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/desk$"))
    assert person.foreign == []


def test_a_link_from_elsewhere_arrives_signed_in_and_a_form_does_not(api: Api, visitor: Visitors) -> None:
    member(api.conn, "admin", password=PASSWORD)
    api.conn.commit()
    person = visitor("en", DESKTOP)
    person.go("/sign-in?next=/account")
    person.page.fill("#name", "li.na")
    person.page.fill("#password", PASSWORD)
    person.page.click("main button")
    person.page.wait_for_url("**/account")
    elsewhere = (
        f'<a href="{person.base}/account">a board</a>'
        f'<form method="post" action="{person.base}/account/sessions/end-others"><button>win</button></form>'
    )
    person.page.route("http://grafana.example/", lambda r: r.fulfill(body=elsewhere, content_type="text/html"))
    person.page.goto("http://grafana.example/")
    person.page.click("a")
    assert "Li Na" in person.page.inner_text("h1")
    person.page.goto("http://grafana.example/")
    person.page.click("button")
    assert person.page.url != f"{person.base}/account?done=others_ended"
    assert "Li Na" not in person.page.content()  # the cookie did not come along

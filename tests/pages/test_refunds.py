"""Refunds in a browser: a home is cold for three days, and its family sees and receives what it is owed."""

import pytest

from domain.states import HomeState
from tests.api.conftest import Api
from tests.api.staff import member, session_of
from tests.pages import flat, refund_story
from tests.pages.conftest import PHONE, Visitor, Visitors

SCREEN = {"width": 1366, "height": 768}
NARROW = {"width": 360, "height": 640}


def looked_at(person: Visitor, name: str) -> None:
    """Take a picture of a page that stands as it should."""
    person.fits()
    person.is_well()
    person.keep(name)


@pytest.mark.parametrize(
    ("language", "size", "scheme"), [("zh", NARROW, "dark"), ("en", SCREEN, "light")], ids=["zh-narrow", "en-screen"]
)
def test_a_family_sees_and_receives_its_refund(
    api: Api, visitor: Visitors, language: str, size: dict[str, int], scheme: str
) -> None:
    conn = api.conn
    refund_story.has_rules(api)
    refund_story.is_cold_for_three_days(conn, flat.flat(conn, state=HomeState.WARM))
    kept = f"{language}-{size['width']}"

    def staff(role: str, name: str) -> Visitor:
        token = session_of(conn, member(conn, role, name, name=name))
        conn.commit()
        return visitor.signed_in(token, language, size, color_scheme=scheme)

    token = api.token("customer", "B1-101")
    conn.commit()
    family = visitor(language, PHONE if size is NARROW else size, color_scheme=scheme, java_script_enabled=False)
    family.go(f"/home?token={token}")
    family.go("/home")
    assert family.page.locator(".refund-runs .owed").count() == 0
    assert "24.00 CNY" in family.page.inner_text("section:has(#refund) .refund-runs")  # had they asked

    desk = staff("dispatcher", "li")
    refund_story.desk_notes_a_request(desk)
    looked_at(desk, f"refund-desk-{kept}")
    supervisor, admin = staff("supervisor", "wang"), staff("admin", "zhao")
    number = refund_story.supervisor_makes_a_sheet(supervisor)
    assert supervisor.page.locator("section:has(#approve) button").count() == 0  # one person approves once
    looked_at(supervisor, f"refund-sheet-{kept}")
    file = refund_story.another_approves_and_pays(admin, number)
    assert f"{number},B1-101,2026-01-11,2026-01-12,2,16.00,CNY" in file
    looked_at(admin, f"refund-list-{kept}")
    admin.go("/desk/refunds?state=settled")
    assert number in admin.page.inner_text("table.work")

    family.go("/home")
    said = family.page.inner_text("section:has(#refund)")
    assert said.count("16.00 CNY") >= 3  # owed in all, on the sheet, and paid
    assert number in said
    family.fits()
    family.keep(f"refund-family-{kept}")
    with family.page.expect_download() as given:
        family.page.click("section:has(#refund) a[href*=pdf]")
    assert given.value.path().read_bytes().startswith(b"%PDF")


def test_what_cannot_be_is_said_where_it_was_sent(api: Api, visitor: Visitors) -> None:
    """A fact with an end it may not have; a sheet that the record no longer gives; one without rules."""
    conn = api.conn
    refund_story.has_rules(api)
    home = flat.flat(conn)
    refund_story.is_cold_for_three_days(conn, home)
    token = session_of(conn, member(conn, "supervisor", name="王主任"))
    conn.commit()
    person = visitor.signed_in(token, "en", SCREEN)
    page = person.page
    person.go("/desk/homes/B1-101/refund")
    page.fill("#fact-until", "2026-01-11T09:00")
    page.fill("#fact-reference", "call 1")
    page.click("#note button")
    assert "until is of refused" in page.inner_text("[role=alert]")
    assert page.input_value("#fact-reference") == "call 1"
    number = refund_story.supervisor_makes_a_sheet(person)
    conn.execute("UPDATE ledger SET cold_us = cold_us + 1 WHERE home_id = %s AND day = '2026-01-11'", (home,))
    conn.commit()
    person.go(f"/desk/refunds/{number}")
    page.fill("#sheet-reason", "late readings")
    page.click("section:has(#correct) button")
    page.wait_for_selector("#done")
    assert number in page.inner_text("main")
    person.go(f"/desk/refunds/{number}")
    looked_at_now = page.inner_text("main")
    assert "differs" in looked_at_now
    assert page.locator("section:has(#approve)").count() == 0
    assert [text for text in person.errors if "422" not in text] == []

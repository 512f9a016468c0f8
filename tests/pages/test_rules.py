"""Seasons and holidays in a browser: looked at, a change drafted, its file taken; in both languages."""

import pytest

from domain import policy_file
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import member, session_of
from tests.pages.conftest import Visitors

SCREEN = {"width": 1366, "height": 768}
NARROW = {"width": 360, "height": 740}
INSERT_DAY = "INSERT INTO ledger VALUES (%s, '2026-01-10', 0, 0, 0, 0, 0, 0, 0, 0, NULL, 'seed@2020-01-01', true)"


@pytest.mark.parametrize(("language", "size", "scheme"), [("zh", SCREEN, "light"), ("en", NARROW, "dark")])
def test_a_season_is_drafted(api: Api, visitor: Visitors, language: str, size: dict[str, int], scheme: str) -> None:
    api.conn.execute(INSERT_DAY, (town.home(api.conn, "H1"),))
    token = session_of(api.conn, member(api.conn, "supervisor", name="王主任"))
    api.conn.commit()
    person = visitor.signed_in(token, language, size, color_scheme=scheme, java_script_enabled=True)
    page, kept = person.page, f"{language}-{size['width']}"

    def looked_at(name: str) -> None:
        page.wait_for_selector("main")
        person.fits()
        person.is_well()
        person.keep(f"rules-{name}-{kept}")

    person.go("/desk/registry")
    page.click(".doors a[href='/desk/rules']")
    page.wait_for_selector("#holidays-title")
    assert ("春节" if language == "zh" else "Spring Festival") in page.inner_text("main")
    looked_at("shown")
    page.fill("#to-0", "2026-01-12")
    page.fill("#from-2", "2026-01-14")
    page.fill("#to-2", "2026-03-16")
    page.fill("#holidays", "2027-01-01\n2027-01-04")
    page.keyboard.press("Tab")
    page.click("form[action='/desk/rules'] button")
    page.wait_for_selector("#again")
    assert "hearth recheck --from 2026-01-12 --to 2026-01-14" in page.inner_text("main")
    looked_at("drafted")
    with page.expect_download() as got:
        page.click("form[action$='policy.toml'] button")
    policy = policy_file.load(got.value.path().read_text(encoding="utf-8"), "draft")
    assert [str(season.first) for season in policy.seasons] == ["2025-11-15", "2026-01-14", "2026-11-15"]
    page.fill("#from-0", "2026-03-01")
    page.click("form[action='/desk/rules'] button", no_wait_after=True)
    page.wait_for_selector("#untaken")
    person.errors = [error for error in person.errors if "422" not in error]  # that of the status of the page
    looked_at("refused")

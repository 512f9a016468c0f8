"""A table of the registry uploaded in a browser: compared, looked at, applied; in both languages."""

import pytest

from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import member, session_of
from tests.pages.conftest import PHONE, Visitors

SCREEN = {"width": 1366, "height": 768}
HOMES = """户号,楼栋,门牌,类别,是否供热,合同温度(℃)
B1-101,B1,1单元101,楼房,供热,18.5
B1-102,B1,<i>1-102</i>,楼房,供热,
"""


@pytest.mark.parametrize(("language", "size", "scheme"), [("zh", SCREEN, "light"), ("en", PHONE, "dark")])
def test_a_table_is_compared_and_applied(
    api: Api, visitor: Visitors, language: str, size: dict[str, int], scheme: str
) -> None:
    town.home(api.conn, "B1-101")
    token = session_of(api.conn, member(api.conn, "supervisor", name="王主任"))
    api.conn.commit()
    person = visitor.signed_in(token, language, size, color_scheme=scheme, java_script_enabled=True)
    page, kept = person.page, f"{language}-{size['width']}"

    def send(text: str) -> None:
        page.set_input_files("#file", {"name": "住户.csv", "mimeType": "text/csv", "buffer": text.encode("gb18030")})
        page.click("form[enctype] button", no_wait_after=True)
        page.wait_for_load_state("load")
        page.wait_for_selector("main")
        person.fits()
        person.errors = [error for error in person.errors if "422" not in error]  # that of the status of a page
        person.is_well()

    person.go("/desk/registry")
    page.click("a[href='/desk/registry/uploads']")
    send(HOMES.replace("B1-102,B1", "B1-102,B9"))
    assert "住户.csv:3" in page.inner_text(".notice.bad")
    person.keep(f"upload-refused-{kept}")
    send(HOMES)
    read = page.inner_text("section[aria-labelledby=read]")
    assert ("GB18030，以逗号分隔" if language == "zh" else "GB18030, separated by commas") in read
    assert "1单元101" in page.inner_text("main")
    person.keep(f"upload-compared-{kept}")
    page.fill("input[name=reason]", "list of May")
    page.click("form[action$='/apply'] button")
    page.wait_for_selector(".notice.good")
    person.is_well()
    person.keep(f"upload-applied-{kept}")
    found = api.conn.execute("SELECT unit, contract_limit FROM home WHERE code LIKE 'B1-10_' ORDER BY code").fetchall()
    assert found == [("1单元101", 18.5), ("<i>1-102</i>", None)]
    person.go("/desk/measurements")
    page.click("a[href='/desk/measurements/plan']")
    page.fill("#point-building", "B1")
    page.fill("#point-room", "客厅")
    page.fill("#point-every_days", "14")
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=version]", state="attached")
    assert "B1-102 客厅" in page.inner_text("main")
    page.fill("input[name=reason]", "plan of the season")
    page.click("form[action$='/apply'] button")
    page.wait_for_selector("#points")
    assert page.locator("th a[href^='/desk/homes/B1-10']").count() == 2
    person.fits()
    person.is_well()
    person.keep(f"plan-{kept}")

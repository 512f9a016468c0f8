"""From cold days to money, as family, desk and supervisors see it in their browsers: steps of a story."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from psycopg import Connection

from domain.refunds.rules_file import pack
from domain.registry import HomeFee
from store.registry import fee_rows
from tests.api.conftest import Api
from tests.pages.conftest import Visitor

FIRST = date(2025, 11, 15)
COLD = date(2026, 1, 10)
DAY_US = 86_400_000_000
INSERT_DAY = """
INSERT INTO ledger VALUES (%(home)s, %(day)s, %(warm)s, %(cold)s, 0, 0, 0, 0, %(heat)s, 0, %(lowest)s, 'p', true, NULL)
"""


def has_rules(api: Api) -> None:
    """Name rules of refunds: Luoyang's, which begin with a request for a measurement."""
    api.app.state.surroundings = replace(api.app.state.surroundings, refunds=pack("luoyang"))


def is_cold_for_three_days(
    conn: Connection, home: int, code: str = "B1-101", *, heat_from: date = FIRST, cold_from: date = COLD
) -> None:
    """Give a home a fee and days with heat until two days after three cold ones."""
    fee_rows.bring(conn, [HomeFee(code, FIRST, Decimal("80.5"), Decimal("24.05"))])
    for nth in range((cold_from - heat_from).days + 5):
        day = heat_from + timedelta(days=nth)
        cold_us = 3_600_000_000 * (cold_from <= day < cold_from + timedelta(days=3))
        values = {"home": home, "day": day, "cold": cold_us, "warm": DAY_US - cold_us, "heat": 19_000 * DAY_US}
        conn.execute(INSERT_DAY, values | {"lowest": 17.0 if cold_us else 19.0})
    conn.commit()


def desk_notes_a_request(desk: Visitor, code: str = "B1-101", at: str = "2026-01-11T09:00") -> None:
    """Note on the page of a home that a measurement was asked for, on the second cold day."""
    desk.go(f"/desk/homes/{code}/refund")
    desk.page.select_option("#fact-kind", "request")
    desk.page.fill("#fact-at", at)
    desk.page.fill("#fact-reference", "call 4711")
    desk.page.click("#note button")
    desk.page.wait_for_selector("#done")


def supervisor_makes_a_sheet(supervisor: Visitor, code: str = "B1-101") -> str:
    """Make the sheet and approve it as the first; returns its number."""
    supervisor.go(f"/desk/homes/{code}/refund")
    supervisor.page.click("#make button")
    supervisor.page.wait_for_selector("#done")
    number = supervisor.page.url.partition("?")[0].rpartition("/")[2]
    supervisor.page.click("section:has(#approve) button")
    supervisor.page.wait_for_url("**done=approved")
    return number


def another_approves_and_pays(other: Visitor, number: str) -> str:
    """Approve a sheet as the second, from the list, and pay it; returns the file for the bank."""
    page = other.page
    other.go("/desk/refunds")
    page.check(f"input[name='sheet-{number}']")
    page.click("form:has(table) > button")
    page.wait_for_url("**done=approved")
    other.go("/desk/refunds?state=approved")
    page.check(f"input[name='sheet-{number}']")
    page.click("form:has(table) > button")
    page.wait_for_selector("#paid")
    with page.expect_download() as given:
        page.click("#paid a")
    return given.value.path().read_text(encoding="utf-8")

"""A family applies for heat, is inspected by a crew's phone, gets its notice, is warm, then cold, and is paid back.

Another one stops.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from domain.states import HomeState
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.pages import refund_story
from tests.pages.conftest import PHONE, Visitor, Visitors
from tests.pages.glass import sign
from tests.store.desk import Desk as Sensors

pytestmark = pytest.mark.plain_only

SCREEN = {"width": 1366, "height": 768}
MINUTE = timedelta(minutes=1)
Arrival = Callable[..., Visitor]


@pytest.fixture
def arrive(api: Api, visitor: Visitors) -> Arrival:
    """Returns a function that signs a person of the staff in."""

    def come(role: str, language: str = "zh", **options: Any) -> Visitor:
        station = "North" if role == "crew" else None
        name = f"{role}.{api.clock.now:%d}"  # nobody is signed in for days
        token = session_of(api.conn, member(api.conn, role, name, name=name, station=station), at=api.clock.now)
        api.conn.commit()
        return visitor.signed_in(token, language, PHONE if role == "crew" else SCREEN, **options)

    return come


def tell(page: Page, kind: str, **told: str) -> None:
    """Make a move by its form: texts are filled in, `yes` and `no` ticked, options chosen."""
    form = page.locator(f"#move-{kind}")
    form.locator("summary").click()
    for name, value in told.items():
        if value in ("yes", "no"):
            form.locator(f"#{kind}-{name}-{value}").check()
        elif value in ("completion", "intermediate"):
            form.locator(f"#{kind}-{name}").select_option(value)
        else:
            form.locator(f"#{kind}-{name}").fill(value)
    form.get_by_role("button").last.click()
    expect(page.locator("#done")).to_be_visible()


def test_a_family_applies_is_inspected_gets_its_notice_is_warm_and_is_paid_for_cold_days(
    api: Api, visitor: Visitors, arrive: Arrival
) -> None:
    home = town.home(api.conn, state=HomeState.NOT_JUDGED)
    town.sensor(api.conn, home)
    api.conn.execute("UPDATE home_status SET status = 'stopped'")
    api.conn.execute("UPDATE building SET name = '幸福里3号楼', address = '青年大街1号'")
    link = f"/home?token={api.token('customer', 'B1-101')}"
    api.conn.commit()
    family = visitor("zh", PHONE)
    family.go(link)
    family.page.locator("#form-application summary").click()
    family.page.locator("#application-kind").select_option("connect")
    family.page.locator("input[name=documents][value=identity]").check()
    family.page.locator("input[name=documents][value=ownership]").check()
    family.page.locator("#application-words").fill("新房，申请今年供热。")
    family.page.locator("#application-contact").fill("李先生 13900000000")
    family.fits()
    family.keep("application-form-phone")
    family.page.locator("#form-application button[type=submit]").click()
    expect(family.page.locator("#said")).to_contain_text("T00000001")
    family.is_well()
    family.keep("application-received-phone")

    desk = arrive("dispatcher")
    desk.go("/desk/applications")
    expect(desk.page.locator("#open-T00000001")).to_be_visible()
    desk.fits()
    desk.is_well()
    desk.keep("applications-desk")
    desk.go("/desk/tickets/T00000001")
    tell(desk.page, "plan_answered", plan="换一只阀门，月底前验收。", charges="按市价格文件每平方米25元")
    desk.is_well()
    desk.keep("application-ticket-desk")

    crew = arrive("crew")
    crew.go("/crew/jobs/T00000001")
    found = {"stage": "completion", "passed": "yes", "findings": "系统严密，无渗漏。", "persons": "王工、赵工"}
    tell(crew.page, "inspected", **found)
    crew.fits()
    crew.is_well()
    crew.keep("application-job-phone")

    desk.go("/desk/tickets/T00000001")
    tell(desk.page, "contract_offered", contract="HT-2026-118", terms="室温18℃以上，按面积计费。")
    family.go("/home")
    sign = family.page.locator("#contract-T00000001")
    expect(sign).to_contain_text("HT-2026-118")
    family.keep("application-contract-phone")
    sign.get_by_role("button").click()
    expect(family.page.locator("#said")).to_be_visible()
    expect(sign).to_have_count(0)

    lead = arrive("supervisor", "en")
    lead.go("/desk/tickets/T00000001")
    tell(lead.page, "heat_notice")
    expect(lead.page.locator("#timeline-title + ol")).to_contain_text("N00000001")
    lead.is_well()
    lead.keep("application-notice-desk")
    crew.go("/crew/jobs/T00000001")
    tell(crew.page, "heat_on", filled="yes", no_leaks="yes", confirmation="A-1")
    crew.keep("application-heat-on-phone")

    api.clock.now = NOW + 20 * MINUTE
    Sensors(api.conn).say(("a1", NOW + 15 * MINUTE, 20.5))
    api.conn.commit()
    family.go("/home")
    expect(family.page.locator("#T00000001")).to_contain_text("已供热")
    expect(family.page.locator("#part-now.state-compliant")).to_be_visible()
    family.is_well()
    family.keep("application-warm-phone")
    lead.go("/desk/applications?view=all")
    lead.keep("applications-figures-desk")
    cold_days_are_paid_back(api, home, family, arrive)


def cold_days_are_paid_back(api: Api, home: int, family: Visitor, arrive: Arrival) -> None:
    """Let the same home be cold for three days after its heat came: its family sees and receives the refund."""
    refund_story.has_rules(api)
    refund_story.is_cold_for_three_days(api.conn, home, heat_from=date(2026, 1, 15), cold_from=date(2026, 1, 16))
    api.clock.now = NOW + timedelta(days=6)
    refund_story.desk_notes_a_request(arrive("dispatcher"), at="2026-01-17T09:00")
    number = refund_story.supervisor_makes_a_sheet(arrive("supervisor"))
    file = refund_story.another_approves_and_pays(arrive("admin"), number)
    assert f"{number},B1-101,2026-01-17,2026-01-18,2,16.00,CNY" in file
    link = f"/home?token={api.token('customer', 'B1-101')}"
    api.conn.commit()
    family.go(link)
    family.go("/home")
    said = family.page.inner_text("section:has(#refund)")
    assert number in said
    assert said.count("16.00") >= 3  # owed in all, on the sheet, and paid
    family.keep("application-refund-phone")


def test_a_stop_is_settled_approved_and_executed_and_judging_follows_the_execution(
    api: Api, visitor: Visitors, arrive: Arrival
) -> None:
    home = town.home(api.conn)
    town.sensor(api.conn, home)
    link = f"/home?token={api.token('customer', 'B1-101')}"
    api.conn.commit()
    family, sensors = visitor("zh", PHONE), Sensors(api.conn)
    family.go(link)
    family.page.locator("#form-application summary").click()
    family.page.locator("#application-kind").select_option("stop")
    family.page.locator("input[name=documents][value=identity]").check()
    family.page.locator("#form-application button[type=submit]").click()
    expect(family.page.locator("#said")).to_contain_text("T00000001")

    desk, lead, crew = arrive("dispatcher", "en"), arrive("supervisor"), arrive("crew")
    desk.go("/desk/tickets/T00000001")
    tell(desk.page, "plan_answered", plan="We come on Friday.")
    tell(desk.page, "fees_settled", reference="R-8", amount="0")
    crew.go("/crew/jobs/T00000001")
    expect(crew.page.locator("#move-heat_off")).to_have_count(0)
    lead.go("/desk/tickets/T00000001")
    tell(lead.page, "approved")
    lead.is_well()
    sensors.say(("a1", NOW - MINUTE, 20.5))  # wished and approved: heat is on, and the home is judged
    api.conn.commit()
    family.go("/home")
    expect(family.page.locator("#part-now.state-compliant")).to_be_visible()

    crew.go("/crew/jobs/T00000001")
    crew.page.locator("#move-heat_off summary").click()
    for name in ("own_branches", "pipe_removed", "ends_insulated", "drained", "no_leaks"):
        crew.page.locator(f"#heat_off-{name}-yes").check()
    sign(crew.page, "#heat_off-sign", 60)
    crew.fits()
    crew.keep("stop-checklist-phone")
    crew.page.locator("#move-heat_off button[type=submit]").click()
    expect(crew.page.locator("#done")).to_be_visible()

    api.clock.now = NOW + 20 * MINUTE
    sensors.say(("a1", NOW + 15 * MINUTE, 11.0))
    api.conn.commit()
    family.go("/home")
    expect(family.page.locator("#part-now.state-not_judged")).to_be_visible()
    expect(family.page.locator("#T00000001")).to_contain_text("已断热")
    family.is_well()
    family.keep("stop-done-phone")

"""Complaints, measurements and the figures of supervisors in a browser: worked by keys, and what they look like."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from alerts.figures import kpi
from domain.kpi import Month
from domain.states import HomeState
from tests.api import town
from tests.api.case_files import DAY, case
from tests.api.conftest import POLICY, Api
from tests.api.operations import INSERT_REQUEST
from tests.api.staff import member, session_of
from tests.api.town import NOW
from tests.pages import flat
from tests.pages.conftest import PHONE, Visitor, Visitors

SCREEN = {"width": 1366, "height": 768}
NARROW = {"width": 360, "height": 640}
FOUR_K = {"width": 3840, "height": 2160}
TEXT = "UPDATE case_file SET text = %s, subject = %s, escalated_at = %s FROM ticket WHERE number = %s " \
       "AND ticket.ticket_id = case_file.ticket_id"  # fmt: skip
INSERT_RECORD = """
INSERT INTO measurement (
  home_id, room, room_kind, measured_at, celsius, instrument, measurer, signature, recorded_at, recorded_by, filed_late,
  state, limit_celsius, policy, disagrees
)
VALUES (%s, 'living', 'living', %s, %s, 'T7', '赵敏', %s, %s, 'staff 1 (赵敏)', false, %s, 18, 'seed', false)
"""
INSERT_HEAT = """
INSERT INTO kpi_heat (
  shard, month, station, homes, judged_homes, qualified_homes, compliant_us, cold_us, severe_us, unknown_us,
  not_judged_us, shortfall_us, deficit
)
VALUES (0, %(month)s, 'North', 1200, 1130, 1130 - 12 * %(cold)s, 1000 - %(cold)s, %(cold)s, 1, 90, 0, 9, 1)
"""
Arrival = Callable[..., Visitor]


@pytest.fixture
def arrive(api: Api, visitor: Visitors) -> Arrival:
    """Returns a function that signs somebody in."""

    def come(language: str = "en", size: dict[str, int] = SCREEN, role: str = "supervisor", **options: Any) -> Visitor:
        token = session_of(api.conn, member(api.conn, role, name="王主任"))
        api.conn.commit()
        return visitor.signed_in(token, language, size, **options)

    return come


@pytest.fixture
def busy(api: Api) -> list[str]:
    """A town with cases, measurements and late tickets; returns the numbers of the cases, the most overdue first."""
    conn = api.conn
    home = flat.flat(conn, "B1-202", state=HomeState.COLD, celsius=16.6)
    flat.flat(conn, "B2-301", station="South")
    conn.execute("UPDATE building SET name = '幸福里3号楼', address = '沈阳市和平区南京南街 120 号'")
    days = ((-3, "North"), (-2, "South"), (-0.2, "North"), (0.05, "South"), (2, "North"), (4, "North"))
    numbers = [case(api, DAY * nth, station=station) for nth, station in days]
    words = "报修三天没人来，打电话说已经派单，等到晚上九点也没有人联系。家里只有十五度，请尽快处理并给出书面答复。"
    for number, subject in zip(numbers, ("repair", "conduct", "temperature", "fees", "outage", "other"), strict=True):
        conn.execute(TEXT, (words, subject, NOW if subject in ("conduct", "fees") else None, number))
    case(api, -DAY, answered=True)
    case(api, DAY, "closed")
    for nth in (-2, 0.1, 3):
        conn.execute(INSERT_REQUEST, (home, NOW - 5 * DAY + nth * timedelta(minutes=1), NOW + nth * DAY))
    for celsius, signature, state in ((17.5, "sheet 4", HomeState.COLD), (19.2, None, HomeState.WARM)):
        conn.execute(INSERT_RECORD, (home, NOW - 6 * DAY, celsius, signature, NOW - 6 * DAY, int(state)))
    flat.cold_ticket(conn, home)
    figured(api)
    conn.commit()
    return numbers


def figured(api: Api) -> None:
    """Count a year of rates that rise and fall, with late work of two people, one without a reason."""
    conn = api.conn
    for nth in range(12):
        conn.execute(INSERT_HEAT, {"month": date(2025 + (nth > 10), (nth + 1) % 12 + 1, 1), "cold": 2 + 9 * (nth % 4)})
    for nth, person in enumerate(("赵敏", "赵敏", "Li Na", None)):
        home = town.home(conn, f"B3-{nth}01", building="B3", station="North" if nth % 2 else "South")
        ticket, _ = town.ticket(conn, home, kind="leak")
        conn.execute("UPDATE ticket SET responsible = %s WHERE ticket_id = %s", (person, ticket))
        town.clock(conn, ticket, "on_site", NOW - (nth + 1) * timedelta(hours=5))
        if nth % 2 == 0:
            flat.happened(conn, ticket, "delayed", reason="parts", until=NOW.isoformat())
    kpi.count(conn, Month.parse("2026-01"), POLICY, NOW)


def test_a_supervisor_finds_the_latest_cases_and_takes_the_package_by_keys(busy: list[str], arrive: Arrival) -> None:
    """From the queue: the figures, the case that is most overdue, back, and the package, which proves itself."""
    person = arrive()
    page, keys = person.page, person.page.keyboard
    person.go("/desk")
    keys.press("F")
    page.wait_for_url("**/desk/figures")
    shown = page.locator("section:has(#overdue) li").all_inner_texts()
    assert [number for number, line in zip(busy, shown, strict=False) if number in line] == busy[:3]
    for nth, number in enumerate(busy[:3]):
        keys.press(str(nth + 1))
        page.wait_for_url(f"**/desk/tickets/{number}")
        page.go_back()
        page.wait_for_url("**/desk/figures")
    with page.expect_download() as given:
        keys.press("p")
    assert given.value.suggested_filename == "figures-2026-01.zip"
    with zipfile.ZipFile(given.value.path()) as archive:
        told = json.loads(archive.read("manifest.json"))["files"]
        assert {one["name"]: one["sha256"] for one in told} == {
            name: hashlib.sha256(archive.read(name)).hexdigest()
            for name in archive.namelist() if name != "manifest.json"
        }  # fmt: skip
    keys.press("b")
    page.wait_for_url("**/desk/figures?month=2025-12")
    assert not page.locator("#package").count()
    person.is_well()


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [("zh", PHONE, "light"), ("en", SCREEN, "light"), ("en", NARROW, "dark"), ("zh", FOUR_K, "dark")],
    ids=["zh-phone", "en-screen", "en-narrow", "zh-4k"],
)
def test_the_pages_are_well(
    busy: list[str], arrive: Arrival, request: Any, language: str, size: dict[str, int], scheme: str
) -> None:
    person = arrive(language, size, color_scheme=scheme)
    pages = {
        "cases": "/desk/cases",
        "case-new": "/desk/cases/new",
        "case": f"/desk/tickets/{busy[1]}",
        "plan": "/desk/measurements?view=week",
        "records": "/desk/measurements?view=records",
        "figures": "/desk/figures",
        "measure": "/desk/measurements/home?home=B1-202&room=living",
    }
    for name, path in pages.items():
        assert person.go(path).status == 200
        person.fits()
        person.keep(f"sup-{name}-{request.node.callspec.id}")
        person.is_well()

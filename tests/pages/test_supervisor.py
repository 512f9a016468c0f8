"""Complaints, measurements and the figures of supervisors in a browser: worked by keys, and what they look like."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from api.staff.session import COOKIE
from domain.states import HomeState
from tests.api.case_files import DAY, case
from tests.api.conftest import Api
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
Arrival = Callable[..., Visitor]


@pytest.fixture
def arrive(api: Api, visitor: Visitors) -> Arrival:
    """Returns a function that signs somebody in."""

    def come(language: str = "en", size: dict[str, int] = SCREEN, role: str = "supervisor", **options: Any) -> Visitor:
        person = visitor(language, size, **options)
        token = session_of(api.conn, member(api.conn, role, name="王主任"))
        api.conn.commit()
        cookies = [(COOKIE, token), ("hearth-language", language)]
        person.page.context.add_cookies([{"name": name, "value": value, "url": person.base} for name, value in cookies])
        return person

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
    conn.commit()
    return numbers


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
        "measure": "/desk/measurements/home?home=B1-202&room=living",
    }
    for name, path in pages.items():
        assert person.go(path).status == 200
        assert person.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        person.keep(f"sup-{name}-{request.node.callspec.id}")
        person.is_well()

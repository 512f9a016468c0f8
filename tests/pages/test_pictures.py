"""Pictures of the pages, in both languages on phone and desktop, in every state."""

from datetime import timedelta

import pytest

from domain.states import HomeState
from tests.api import town
from tests.api.conftest import Api
from tests.api.town import NOW
from tests.pages import flat
from tests.pages.conftest import DESKTOP, PHONE, Visitors

SIZES = {"phone": PHONE, "desktop": DESKTOP}
INSERT_OUTAGE = """
INSERT INTO outage (kind, stops_heating, reason, begins_at, expected_end, announced_at)
VALUES ('planned', true, '更换一次网阀门', %s, %s, %s) RETURNING outage_id
"""


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_home(api: Api, visitor: Visitors, language: str, size: str) -> None:
    """Warm with a history; then cold, with a ticket whose clocks run and ran out; then nothing known; then errors."""
    conn = api.conn
    warm = flat.flat(conn, "B1-101")
    flat.days(conn, warm)
    flat.past_ticket(conn, warm)
    cold = flat.flat(conn, "B1-202", state=HomeState.COLD, celsius=16.6)
    flat.days(conn, cold)
    flat.cold_ticket(conn, cold)
    outage = town.one(conn, INSERT_OUTAGE, (NOW + timedelta(hours=20), NOW + timedelta(hours=30), NOW))
    conn.execute("INSERT INTO outage_area (outage_id, home_id) VALUES (%s, %s)", (outage, cold))
    town.home(conn, "B1-303", building="B-North", state=HomeState.UNKNOWN)
    token = api.token("customer", "B1-101", "B1-202", "B1-303")
    conn.commit()
    person = visitor(language, SIZES[size])
    person.go(f"/home?token={token}")
    for name, path in (
        ("warm", "/home"),
        ("cold", "/home?home=B1-202"),
        ("nothing", "/home?home=B1-303"),
    ):
        assert person.go(path).status == 200
        person.keep(f"{name}-{language}-{size}")
        person.is_well()

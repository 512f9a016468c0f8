"""Late work as supervisors see it: the clocks of the monthly figures, by person, with the reasons given."""

from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb

from alerts.figures import kpi
from domain.causes import known_causes
from domain.kpi import Month
from domain.words.text import Text
from tests.api import town
from tests.api.conftest import POLICY, Api
from tests.api.staff import browser, member, session_of
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

VOID = "UPDATE ticket SET state = 'closed', closed_at = opened_at, ending = 'void' WHERE ticket_id = %s"
HOUR = timedelta(hours=1)


@pytest.fixture
def late(plain_api: Api) -> Api:
    """Two late tickets of Zhao, one with a reason, and one of nobody that is in time."""
    conn = plain_api.conn
    for nth, person, due in ((1, "Zhao", -3 * HOUR), (2, "Zhao", -HOUR), (3, None, HOUR)):
        ticket, _ = town.ticket(conn, town.home(conn, f"B1-10{nth}"), kind="leak")
        conn.execute("UPDATE ticket SET responsible = %s WHERE ticket_id = %s", (person, ticket))
        for name in ("on_site", "done"):
            town.clock(conn, ticket, name, NOW + due)
        if nth == 1:
            conn.execute(town.INSERT_EVENT, (ticket, 2, NOW, "delayed", Jsonb({"reason": "parts"})))
    kpi.count(conn, Month.parse("2026-01"), POLICY, NOW)
    conn.commit()
    return plain_api


def test_late_work_is_what_the_figures_count(late: Api) -> None:
    token = late.token("supervisor")
    told = late.get("/v1/supervision", token, month="2026-01").json()
    assert told["late"] == [
        {"station": "North", "person": "Zhao", "tickets": 2, "clocks": 4, "unmet": 4, "longest_s": 10_800.0,
         "reasons": {"": 1, "parts": 1}}
    ]  # fmt: skip
    company = late.get("/v1/kpi", token, month="2026-01").json()["figures"][0]
    assert sum(clock["late"] + clock["unmet"] for clock in company["clocks"]) == 4
    assert [(one["person"], one["open"], one["late"], one["due_soon"]) for one in told["load"]] == [
        ("Zhao", 2, 2, 0), (None, 1, 0, 1),
    ]  # fmt: skip
    assert (told["causes"], late.get("/v1/supervision", token, month="2025-12").json()["late"]) == ([], [])
    assert late.get("/v1/supervision", late.token("dispatcher")).status_code == 403


def test_the_page_shows_it_and_gives_the_api_s_package(late: Api) -> None:
    with browser(late, session_of(late.conn, member(late.conn, "supervisor"))) as client:
        page = client.get("/desk/figures?month=2026-01").text
        assert "1 × Waiting for parts." in page
        assert "1 × none given" in page
        package = client.get("/desk/figures/package.zip?month=2026-01").content
        assert "not been counted" in client.get("/desk/figures?month=2025-01").text
    assert package == late.get("/v1/kpi/package", late.token("admin"), month="2026-01").content


def test_single_late_tickets_are_told_by_station_and_person(late: Api) -> None:
    token = late.token("supervisor")
    two = late.get("/v1/supervision/late", token, month="2026-01").json()["items"]
    assert [(one["number"], one["clocks"], one["unmet"], one["reason"]) for one in two] == [
        ("T00000001", ["done", "on_site"], 2, "parts"), ("T00000002", ["done", "on_site"], 2, None),
    ]  # fmt: skip
    first = late.get("/v1/supervision/late", token, month="2026-01", limit=1).json()
    rest = late.get("/v1/supervision/late", token, month="2026-01", limit=1, cursor=first["next"]).json()
    assert [*first["items"], *rest["items"]] == two
    assert rest["next"] is None
    for station, person, count in (("North", "Zhao", 2), ("North", "", 0), ("South", "Zhao", 0), ("North", None, 2)):
        asked = {"station": station} | ({"person": person} if person is not None else {})
        assert len(late.get("/v1/supervision/late", token, month="2026-01", **asked).json()["items"]) == count
    assert late.get("/v1/supervision/late", token, month="2026-01", person="\0").status_code == 422
    with browser(late, session_of(late.conn, member(late.conn, "supervisor"))) as client:
        page = client.get("/desk/figures?month=2026-01&station=North&person=Zhao").text
        assert page.count('href="/desk/tickets/T0000000') == 2
        assert 'href="/desk/figures?month=2026-01&amp;station=North&amp;person=Zhao#single"' in page
        assert 'href="/desk/tickets/T' not in client.get("/desk/figures?month=2026-01&person=").text


def test_causes_are_counted_by_station(late: Api) -> None:
    conn, policy = late.conn, known_causes(())
    far, _ = town.ticket(conn, town.home(conn, "S1-101", building="S1", station="South"))
    void, _ = town.ticket(conn, town.home(conn, "S1-102", building="S1", station="South"))
    own = Text("自定", "our own")  # which has been taken from the list since
    for nth, (ticket, code, text, at) in enumerate(
        (
            (1, "riser_air", policy["riser_air"], NOW),
            (1, "riser_air", policy["riser_air"], NOW),  # twice on one ticket
            (1, "filter", policy["filter"], NOW),
            (2, "riser_air", policy["riser_air"], NOW),
            (3, "pump", policy["pump"], NOW - timedelta(days=31)),
            (far, "own", own, NOW),
            (void, "pump", policy["pump"], NOW),
        )
    ):
        conn.execute(town.INSERT_EVENT, (ticket, 10 + nth, at, "cause_found", Jsonb({"cause": code, **text._asdict()})))
    conn.execute(VOID, [void])
    told = late.get("/v1/supervision", late.token("supervisor"), month="2026-01").json()["causes"]
    assert [(one["station"], one["cause"], one["tickets"]) for one in told] == [
        ("North", "riser_air", 2), ("North", "filter", 1), ("South", "own", 1),
    ]  # fmt: skip
    assert (told[2]["zh"], told[2]["en"]) == own
    with browser(late, session_of(conn, member(conn, "supervisor"))) as client:
        page = client.get("/desk/figures?month=2026-01").text
    assert "<td>air in the riser</td><td>2</td>" in page

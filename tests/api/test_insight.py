"""Scores of forecasts and early warnings, over HTTP and on the desk's page."""

from datetime import timedelta

import pytest

from store.insight import foresight_rows
from tests.api import town
from tests.api.conftest import Api
from tests.api.insight_rows import MORNING, network_of, warned
from tests.api.staff import browser, member, session_of
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only


def test_warnings_say_why_and_who_was_not_helped(plain_api: Api) -> None:
    conn = plain_api.conn
    homes = [town.home(conn, f"B1-10{n}") for n in range(2)]
    warned(conn, *homes)
    ticket, _ = town.ticket(conn, homes[1])
    town.flag(conn, homes[1], ticket, since=NOW)
    conn.commit()
    told = plain_api.get("/v1/insight/warnings", plain_api.token("dispatcher")).json()
    assert told["day"] == MORNING.isoformat()
    assert [(one["home"], one["reason"], one["chance"], one["not_helped"]) for one in told["warnings"]] == [
        ("B1-100", "falling", pytest.approx(0.9), False),
        ("B1-101", "falling", pytest.approx(0.8), True),
    ]
    assert plain_api.get("/v1/insight/warnings", plain_api.token("crew", station="North")).status_code == 403
    with browser(plain_api, session_of(conn, member(conn, "dispatcher"))) as client:
        page = client.get("/desk/warnings").text
        assert page.index("B1-100") < page.index("B1-101")
        assert "warned of, not visited, and cold" in page
        assert "/desk/measurements/home?home=B1-100" in page
        assert "No warnings" in client.get("/desk/warnings?day=2026-01-10").text


def test_a_home_with_an_open_flag_is_not_warned_of(plain_api: Api) -> None:
    conn = plain_api.conn
    home = town.home(conn)
    ticket, _ = town.ticket(conn, home)
    town.flag(conn, home, ticket)
    warned(conn, home)
    assert plain_api.get("/v1/insight/warnings", plain_api.token("dispatcher")).json()["warnings"] == []


def test_the_score_adds_up_over_networks(plain_api: Api) -> None:
    conn = plain_api.conn
    networks = [network_of(conn, town.home(conn, f"{s}-101", building=s, station=s)) for s in ("North", "South")]
    for nth, network in enumerate(networks):
        at = NOW - timedelta(days=1)
        conn.execute(
            "INSERT INTO foresight_seen (substation_id, at, homes, celsius) VALUES (%s, %s, '', '')", (network, at)
        )
        foresight_rows.add_told(conn, network, foresight_rows.Told(at, b"", b"", [], b"", []))
        chance = {
            "day": at.date(), "horizon": 6, "pairs": 100, "events": 10, "brier": 4.0 + 4 * nth,
            "brier_persistence": 8.0, "hits": 8, "false_warnings": 2,
            "bins": [90.0, 1.0, 3.0, *[0.0] * 24, 10.0, 9.0, 9.5],
        }  # fmt: skip
        error = {"day": at.date(), "lead": 6, "pairs": 100, "error": 30.0, "error_persistence": 60.0, "covered": 90}
        for _ in range(2):  # a second time is not counted
            foresight_rows.add_scores(conn, network, at, [chance], [error])
        foresight_rows.judge(conn, network, at.date(), 50, NOW)
    conn.commit()
    told = plain_api.get("/v1/insight/score", plain_api.token("crew", station="North")).json()
    (total,) = told["total"]
    assert {name: total[name] for name in ("pairs", "events", "brier_skill", "recall", "precision")} == {
        "pairs": 200, "events": 20, "brier_skill": 0.25, "recall": 0.8, "precision": 0.8,
    }  # fmt: skip
    assert [one["pairs"] for one in total["reliability"]] == [180, 20]
    assert told["temperatures"] == [{"lead_h": 6, "pairs": 200, "mae": 0.3, "mae_persistence": 0.6, "coverage": 0.9}]
    assert [one["shown"] for one in told["networks"]] == [True, True]
    assert plain_api.get("/v1/insight/score", plain_api.token("customer", "North-101")).status_code == 403

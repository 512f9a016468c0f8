"""Likely causes of cold homes, who sees them, and what crews found beside them."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from psycopg.types.json import Jsonb

from alerts.figures.cases import labelled_cases
from alerts.network.incidents import look
from domain import policy_file
from insight.labelled import LabelledCase
from store.sensors import estimate_rows
from tests.api import town
from tests.api.conftest import Api
from tests.api.desk import Desk
from tests.api.staff import browser, member, session_of
from tests.api.town import NOW
from tests.store.incident_rules import RULE

pytestmark = pytest.mark.plain_only

INSERT_FOUND = """
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data)
SELECT %(ticket)s, max(e.seq) + 1, %(at)s, 'cause_found', 'token 1', 'open', %(data)s FROM ticket_event AS e
WHERE e.ticket_id = %(ticket)s
"""


@pytest.fixture
def riser(plain_api: Api) -> list[int]:
    """Four homes on a riser of station Seven, three with a sensor; all have lost 5 K for three hours."""
    conn = plain_api.conn
    homes = [town.home(conn, code, building="B7", station="Seven") for code in ("r1", "r2", "r3", "r4")]
    conn.execute("UPDATE home SET riser = 'R1', floor = home_id - %s WHERE home_id = ANY (%s)", (homes[0] - 1, homes))
    for nth, home in enumerate(homes[:3]):
        sensor = town.sensor(conn, home, f"sr{nth}")
        for step in range(1, 120):
            celsius = (16.0 if step < 10 else 21.0) + step % 7 / 100
            town.reading(conn, sensor, NOW - timedelta(minutes=20 * step), celsius)
        town.sensor_now(conn, sensor, home, 16.0)
    conn.commit()
    return homes


def test_a_cold_home_is_explained_with_its_neighbours(plain_api: Api, riser: list[int]) -> None:
    token = plain_api.token("dispatcher")
    found = plain_api.get("/v1/insight/causes/r1", token).json()
    assert (found["cause"], found["fell"], found["homes"]) == ("riser", pytest.approx(5.0, abs=0.1), ["r2", "r3"])
    assert "2 of 2 measured homes beside it fell, too, among them r2, r3" in found["en"]
    assert found["zh"].startswith("可能是立管：比平时低 5.0 K")
    assert plain_api.get("/v1/insight/causes/r4", token).status_code == 404, "it has no sensor"


def test_an_incident_is_explained_by_its_homes(plain_api: Api, riser: list[int]) -> None:
    town.home(plain_api.conn, "x1", building="B8", station="Eight")
    for home in riser:
        town.flag(plain_api.conn, home, town.ticket(plain_api.conn, home)[0])
    plain_api.conn.commit()
    plain_api.conn.autocommit = True
    seed = policy_file.builtin("seed")
    rule = replace(RULE, building_homes=9, riser_homes=3)
    look(plain_api.conn, replace(seed, versions=(replace(seed.versions[0], incident=rule),)), NOW)
    (incident,) = plain_api.get("/v1/incidents", plain_api.token()).json()["items"]
    assert (incident["riser"], incident["homes"]) == ("R1", 4)
    address = f"/v1/incidents/{incident['number']}/cause"
    found = plain_api.get(address, plain_api.token("crew", station="Seven")).json()
    assert (found["cause"], found["homes"], found["looked_at"]) == ("riser", 3, 3)  # the fourth has no sensor
    assert found["zh"].startswith("可能是立管：已查看的 3 户低温住户中有 3 户如此")
    assert "so for 3 of 3 cold homes looked at, among them r" in found["en"]
    assert plain_api.get(address, plain_api.token("crew", station="Eight")).status_code == 404
    with browser(plain_api, session_of(plain_api.conn, member(plain_api.conn, "dispatcher"))) as client:
        shown = client.get(f"/desk/incidents/{incident['number']}").text
    assert "Likely the riser: so for 3 of 3" in shown
    assert "<h1>B7, riser R1 " in shown


def test_what_the_crew_found_stands_beside_what_was_likely(plain_api: Api, riser: list[int]) -> None:
    desk = Desk(plain_api)
    number, unmeasured = (town.ticket(plain_api.conn, home)[1] for home in (riser[0], riser[3]))
    plain_api.conn.commit()
    crew = plain_api.token("crew", station="Seven")
    for one in (number, unmeasured):
        desk.move({"number": one}, "cause_found", crew, cause="riser_air")
    items = plain_api.get("/v1/insight/causes", plain_api.token("supervisor")).json()["items"]
    assert [(one["found"], one["likely"], one["tickets"]) for one in items] == [
        ("riser_air", "riser", 1),
        ("riser_air", None, 1),
    ]
    assert plain_api.get("/v1/insight/causes", plain_api.token("dispatcher")).status_code == 403
    with browser(plain_api, session_of(plain_api.conn, member(plain_api.conn, "supervisor"))) as client:
        assert "Likely the riser: 5.0 K below" in client.get(f"/desk/tickets/{number}").text
        assert "Likely" not in client.get(f"/desk/tickets/{unmeasured}").text
        assert "<td>the riser</td>" in client.get("/desk/figures").text


def test_cases_of_a_year_that_is_over_are_of_no_home(plain_api: Api) -> None:
    evidence = {"sure": 0.9, "fell_k": 3.2, "since_h": 7.0, "beside": 3, "beside_fell": 2, "supply_lost": 0.13}
    for nth in range(6):
        ticket, _ = town.ticket(plain_api.conn, town.home(plain_api.conn, f"H{nth}"))
        outdoor = -23.0 if nth == 5 else -7.0
        data = {"cause": "riser_air", "likely": "riser", "evidence": {**evidence, "outdoor": outdoor}}
        plain_api.conn.execute(INSERT_FOUND, {"ticket": ticket, "at": NOW, "data": Jsonb(data)})
    told = labelled_cases(plain_api.conn, 2025, policy_file.builtin("seed").zone)
    assert told.cases == [LabelledCase("-10..-5", "6..24", "2..4", "most", ">=12", "riser", "riser_air")] * 5
    assert told.left_out == 1, "it is of a day that no other home shares"
    plain_api.conn.commit()
    token = plain_api.token("supervisor")
    assert plain_api.get("/v1/insight/cases.csv", token).text == "outdoor,since,fell,beside,supply,likely,found\n"
    assert plain_api.get("/v1/insight/cases.parquet", token).status_code == 200
    refused = plain_api.get("/v1/insight/cases.csv", token, year=2025)
    assert (refused.status_code, "the last one is 2024" in refused.text) == (422, True)


def test_of_a_large_network_some_buildings_are_looked_into(plain_api: Api, riser: list[int]) -> None:
    conn = plain_api.conn
    for building in range(45):
        for n in range(4):
            home = town.home(conn, f"o{building:02}-{n}", building=f"O{building:02}", station="Seven")
            town.sensor_now(conn, town.sensor(conn, home, f"so{building:02}-{n}"), home, 20.0)
    around = estimate_rows.around(conn, ["r1"], 60, NOW)
    assert [home.home for home in around if home.building == "B7"] == ["r1", "r2", "r3"], "r4 has no sensor"
    others = Counter(home.building for home in around if home.building != "B7")
    assert set(others.values()) == {3}, "of each the same number"
    chosen = [int(building.removeprefix("O")) for building in sorted(others)]
    assert {late - early for early, late in pairwise(chosen)} == {2, 3}, "20 of 45, from one end of them to the other"
    assert [home.home for home in estimate_rows.around(conn, ["r1"], 200, NOW)[:8:4]] == ["o02-0", "o04-0"]
    assert estimate_rows.around(conn, ["r4"], 60, NOW) == [], "what was never measured has nothing to explain"

"""A call: the home is found by what the caller says, and what there is to say is there at once."""

from datetime import timedelta
from typing import Any

import pytest

from registry.place_index import bring_up
from store.base import access
from store.base.access import Right, Role, TokenGrant
from tests.api import town
from tests.api.answers import check
from tests.api.conftest import Api
from tests.api.desk import HOUR, MINUTE, Desk
from tests.api.town import NOW

AUDIT = "SELECT role, action, target, detail FROM audit ORDER BY audit_id"
INSERT_PERSON = """
WITH who AS (
  INSERT INTO addressee (audience, home_id, channel, language) VALUES ('user', %(home)s, 'phone', 'zh')
  RETURNING addressee_id
), kept AS (
  INSERT INTO person.contact (addressee_id, address, name) SELECT addressee_id, '13800000001', '李娜' FROM who
  RETURNING addressee_id
)
INSERT INTO person.search_key (key, kind, addressee_id)
SELECT k.key, k.kind, kept.addressee_id
FROM kept, (
  VALUES ('10000000831', 'telephone'), ('李娜', 'name'), ('lina', 'said'), ('ln', 'initials')
) AS k (key, kind)
"""
PLACE = "UPDATE building SET name = '幸福里3号楼', address = '安和区长江路12号' WHERE code = 'B1'"


@pytest.fixture
def desk(plain_api: Api) -> Desk:
    desk = Desk(plain_api)
    conn = plain_api.conn
    town.home(conn, "B9-101", building="B9", station="South")
    conn.execute(PLACE)
    conn.execute("UPDATE home SET unit = '2单元501' WHERE code = 'B1-101'")
    conn.execute(INSERT_PERSON, {"home": desk.home})
    bring_up(conn)
    return desk


def found(desk: Desk, token: str, q: str) -> list[dict[str, Any]]:
    answer = desk.api.get("/v1/homes", token, q=q)
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] is None
    return list(answer.json()["items"])


def test_a_home_is_found_by_what_is_typed(desk: Desk) -> None:
    assert found(desk, desk.dispatcher, "xfl3-2-501") == [
        {
            "home": "B1-101",
            "building": "B1",
            "building_name": "幸福里3号楼",
            "address": "安和区长江路12号",
            "unit": "2单元501",
            "station": "North",
            "state": "compliant",
            "by": "address",
        }
    ]
    assert [(one["home"], one["by"]) for one in found(desk, desk.dispatcher, "b1-101")] == [("B1-101", "code")]
    assert found(desk, desk.dispatcher, "nowhere at all") == []


def test_people_are_found_by_the_desk_alone_and_not_named(desk: Desk) -> None:
    reader = access.create(desk.api.conn, TokenGrant(Role.DISPATCHER, rights={Right.READ}), NOW)
    for q in ("13800000001", "李娜", "ln"):
        answers = found(desk, desk.dispatcher, q)
        assert [one["home"] for one in answers] == ["B1-101"]
        assert "李娜" not in str(answers)
        assert "13800000001" not in str(answers)
        assert found(desk, desk.crew, q) == []
        assert found(desk, reader, q) == []
    assert desk.api.conn.execute(AUDIT).fetchall() == []  # nobody was shown


def test_a_crew_finds_homes_of_its_station_and_a_customer_none(desk: Desk) -> None:
    assert [one["home"] for one in found(desk, desk.crew, "B")] == ["B1-101"]
    assert {one["home"] for one in found(desk, desk.dispatcher, "B")} == {"B1-101", "B9-101"}
    check(desk.api.get("/v1/homes", desk.user, q="B"), 403)
    check(desk.api.get("/v1/homes/B1-101/call", desk.user), 403)
    check(desk.api.get("/v1/homes/B9-101/call", desk.crew), 404)


@pytest.mark.parametrize("q", ["", " ", "x" * 121, "a\x00b"])
def test_a_search_for_nothing_is_refused(desk: Desk, q: str) -> None:
    check(desk.api.get("/v1/homes", desk.dispatcher, q=q), 422)


@pytest.mark.parametrize("q", ["%", "_", "'", "\\", "～", "😀", "ﷺ", "‮", "0", "-", "(", "a' OR '1'='1"])
def test_odd_signs_are_no_trouble(desk: Desk, q: str) -> None:
    assert len(found(desk, desk.dispatcher, q)) <= 2


def test_the_panel_shows_what_there_is_to_say(desk: Desk) -> None:
    conn = desk.api.conn
    sensor = town.sensor(conn, desk.home)
    for minutes in (5, 15, 25):
        town.reading(conn, sensor, NOW - minutes * MINUTE, 19.0)
    town.sensor_now(conn, sensor, desk.home, 19.0)
    ticket = desk.opened("leak", contact="13800000001")
    desk.api.clock.now = NOW + MINUTE
    desk.move(ticket, "tried", again_at=(NOW + HOUR).isoformat())
    closed = desk.opened("repair", new=True)
    desk.move(closed, "void", reason="by mistake")
    outage = desk.api.post(
        "/v1/outages",
        desk.dispatcher,
        kind="fault",
        reason="a burst pipe",
        begins_at=NOW.isoformat(),
        area={"buildings": ["B1"]},
    ).json()
    panel = desk.api.get("/v1/homes/B1-101/call", desk.dispatcher).json()
    assert (panel["home"]["code"], panel["home"]["temperature"], panel["unit"]) == ("B1-101", 19.0, "2单元501")
    assert panel["people"] == [{"name": "李娜", "channel": "phone", "address": "13800000001"}]
    assert [point["mean"] for point in panel["curve"]] == [19.0, 19.0, 19.0]
    assert [one["number"] for one in panel["tickets"]] == [ticket["number"]]
    assert [one["number"] for one in panel["outages"]] == [outage["number"]]
    assert panel["incidents"] == []
    assert [(call["kind"], call["words"], call["contact"]) for call in panel["calls"]] == [
        ("opened", "the radiator knocks", None),
        ("tried", None, None),
        ("opened", "the radiator knocks", "13800000001"),
    ]
    assert panel["calls"][1]["again_at"] == "2026-01-15T05:00:00Z"


def test_who_is_shown_people_of_a_home_is_on_record_and_others_see_none(desk: Desk) -> None:
    reader = access.create(desk.api.conn, TokenGrant(Role.SUPERVISOR, rights={Right.READ}), NOW)
    for token in (desk.crew, reader):
        assert desk.api.get("/v1/homes/B1-101/call", token).json()["people"] is None
    assert desk.api.get("/v1/homes/B1-101/call", desk.dispatcher).json()["people"] is not None
    entries = desk.api.conn.execute(AUDIT).fetchall()
    assert [(role, action, target, detail["people"]) for role, action, target, detail in entries] == [
        ("crew", "GET /v1/homes/{code}/call", {"code": "B1-101"}, None),
        ("supervisor", "GET /v1/homes/{code}/call", {"code": "B1-101"}, None),
        ("dispatcher", "GET /v1/homes/{code}/call", {"code": "B1-101"}, 1),
    ]
    assert "13800000001" not in str(entries)


def test_who_has_moved_out_is_neither_found_nor_shown(desk: Desk) -> None:
    conn = desk.api.conn
    conn.execute("UPDATE person.contact SET resident = 'R1'")
    conn.execute(
        "INSERT INTO residence (home_id, resident, starts_at, first_day, ends_at) "
        "VALUES (%s, 'R1', '-infinity', '-infinity', %s)",
        (desk.home, NOW - timedelta(days=1)),
    )
    assert found(desk, desk.dispatcher, "13800000001") == []
    assert desk.api.get("/v1/homes/B1-101/call", desk.dispatcher).json()["people"] == []

"""The record of a home: each change is of the version that was read, goes the way of an import, and is on record."""

from datetime import timedelta
from typing import Any

import pytest

from api.http.problem import Problem
from api.http.session import Session
from api.office.edits import recording
from api.words.office import SENSOR_OUT_OF_REACH
from domain.policy_file import builtin
from registry.editing import Edit, PlacedElsewhere, SensorPlacing, place_sensor, record_of
from store.base import access
from store.base.access import ALL_RIGHTS, Asker, Right, Role, Scope, TokenGrant
from store.base.office_role import in_office
from store.registry import registry_lines
from tests.api import town
from tests.api.conftest import Api
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only
WHY = {"reason": "notice 17 of the station"}
POLICY = builtin("seed")
AT = "2026-01-14T00:00:00Z"


@pytest.fixture
def lead(plain_api: Api) -> str:
    """Two homes, a sensor in the first; returns the token of a supervisor."""
    first = town.home(plain_api.conn, "H1")
    town.home(plain_api.conn, "H2")
    town.sensor(plain_api.conn, first, "S1")
    return plain_api.token("supervisor")


def version(api: Api, token: str, home: str = "H1") -> str:
    return str(api.get(f"/v1/homes/{home}/registry", token).json()["version"])


def change(api: Api, token: str, path: str, home: str = "H1", **body: object) -> Any:
    return api.post(f"/v1/homes/{home}/{path}", token, **{"version": version(api, token, home), **WHY, **body})


def queued(api: Api) -> dict[str, str]:
    api.conn.rollback()
    rows = api.conn.execute("SELECT h.code, r.from_at::date::text FROM rejudge AS r JOIN home AS h USING (home_id)")
    return dict(rows.fetchall())


def test_facts_change_and_the_past_is_judged_again(plain_api: Api, lead: str) -> None:
    answer = change(plain_api, lead, "registry", contract_limit=19.5, contract_from="06:00", contract_to="21:00")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["contract_limit"], told["contract_from"], told["unit"]) == (19.5, "06:00", "1")
    assert queued(plain_api) == {"H1": "2000-01-01"}
    (entry,) = plain_api.conn.execute("SELECT detail FROM audit").fetchone() or ({},)
    assert entry["reason"] == WHY["reason"]
    assert entry["changes"] == [
        {"code": "H1", "field": "contract", "before": None, "after": "19.5 °C 06:00-21:00"},
    ]


def test_a_change_to_another_version_is_refused_and_writes_nothing(plain_api: Api, lead: str) -> None:
    read = version(plain_api, lead)
    assert change(plain_api, lead, "registry", unit="2").status_code == 200
    answer = plain_api.post("/v1/homes/H1/registry", lead, version=read, **WHY, unit="3")
    assert answer.status_code == 409
    assert plain_api.get("/v1/homes/H1/registry", lead).json()["unit"] == "2"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"building": "B9"}, "building"),
        ({"building": None}, "building"),
        ({"contract_from": "06:00"}, "contract_to"),
        ({"contract_limit": 18.0001}, "contract_limit"),
        ({"unit": "a\x00b"}, "unit"),
        ({"unit": "=1+1"}, "unit"),
        ({"class": "villa"}, "class"),
        ({"reason": "x"}, "reason"),
        ({"reason": "a\nb line"}, "reason"),
        ({"heat_status": "stopped"}, "heat_status"),
    ],
)
def test_what_is_wrong_is_named_in_both_languages(plain_api: Api, lead: str, body: dict[str, Any], field: str) -> None:
    sent = {"version": version(plain_api, lead), **WHY, **body}
    for language in ("zh", "en"):
        headers = {"Authorization": f"Bearer {lead}", "Accept-Language": language}
        answer = plain_api.client.post("/v1/homes/H1/registry", json=sent, headers=headers)
        assert answer.status_code == 422
        (fault, *_) = answer.json()["errors"]
        assert fault["parameter"] == field
        assert any("\u4e00" <= letter <= "\u9fff" for letter in fault["detail"]) == (language == "zh")


def test_heat_stops_and_is_on_again_with_its_dates(plain_api: Api, lead: str) -> None:
    assert change(plain_api, lead, "heat", status="stopped", since=AT).status_code == 200
    assert queued(plain_api) == {"H1": "2026-01-14"}
    again = change(plain_api, lead, "heat", status="stopped", since="2026-01-14T12:00:00Z")
    assert (again.status_code, again.json()["errors"][0]["parameter"]) == (422, "status")
    ahead = (NOW + timedelta(days=30)).isoformat()
    told = change(plain_api, lead, "heat", status="on", since=ahead).json()
    assert [entry["status"] for entry in told["heat"]] == ["on", "stopped", "on"]


def test_a_sensor_is_replaced_and_what_it_measured_stays(plain_api: Api, lead: str) -> None:
    answer = change(plain_api, lead, "sensors", sensor="S2", since=AT, replaces="S1", offset=0.5)
    assert answer.status_code == 200, answer.text
    places = {one["sensor"]: one for one in answer.json()["sensors"]}
    assert places["S1"]["valid_to"] == places["S2"]["valid_from"] == AT
    assert {places["S2"][name] for name in ("room", "room_kind")} == {"living"}
    assert (places["S2"]["interval_s"], places["S2"]["offset"]) == (600, 0.5)
    assert queued(plain_api) == {"H1": "2026-01-14"}


def test_a_sensor_moves_only_from_where_it_is_said_to_be(plain_api: Api, lead: str) -> None:
    body: dict[str, Any] = {"sensor": "S1", "since": AT, "room": "bed", "room_kind": "bedroom"}
    answer = change(plain_api, lead, "sensors", "H2", **body)
    assert answer.status_code == 409
    assert "H1" in answer.json()["detail"]
    assert change(plain_api, lead, "sensors", "H2", **body, moved_from="H3").status_code == 409
    told = change(plain_api, lead, "sensors", "H2", **body, moved_from="H1").json()
    assert [(one["home"], one["room"], one["valid_to"]) for one in told["sensors"]] == [
        ("H1", "living", AT), ("H2", "bed", None),
    ]  # fmt: skip
    assert set(queued(plain_api)) == {"H1", "H2"}


def test_where_a_sensor_hangs_is_not_told_beyond_the_reach(plain_api: Api, lead: str) -> None:
    """By two walls: row-level security hides the place, and it is named to those alone who reach all homes."""
    conn, north = plain_api.conn, Scope(False, "North", [])
    town.sensor(conn, town.home(conn, "far", building="B9", station="South"), "S9")
    access.enter(conn, north, Role.CREW, ALL_RIGHTS)
    record = record_of(conn, "H1")
    assert record is not None
    edit = Edit("H1", record.version, NOW, POLICY.zone)
    cells = {"room": "r", "room_kind": "living", "interval_s": "60"}
    for moved_from in (None, "far"):
        with pytest.raises(PlacedElsewhere) as refused, conn.transaction(), in_office(conn):
            place_sensor(conn, edit, SensorPlacing("S9", cells, NOW, moved_from=moved_from))
        assert refused.value.place is None
    session = Session(conn, Asker("x", Role.CREW, north), NOW, POLICY)
    with pytest.raises(Problem) as answer, recording(session):
        raise PlacedElsewhere("far")
    assert answer.value.detail is SENSOR_OUT_OF_REACH
    conn.rollback()


def test_a_sensor_is_set_otherwise_from_an_instant_on(plain_api: Api, lead: str) -> None:
    told = change(plain_api, lead, "sensors", sensor="S1", since=AT, offset=-0.3).json()
    assert [(one["offset"], one["room"], one["valid_from"]) for one in told["sensors"]] == [
        (0.0, "living", None), (-0.3, "living", AT),
    ]  # fmt: skip
    for wrong in ({"since": "2026-01-13T00:00:00Z"}, {"since": AT, "replaces": "S1"}, {"since": AT, "replaces": "S9"}):
        answer = change(plain_api, lead, "sensors", **{"sensor": "S1", **wrong})
        assert answer.status_code == 422, wrong
    corrected = change(plain_api, lead, "sensors", sensor="S1", since=AT, offset=0.1).json()
    assert [one["offset"] for one in corrected["sensors"]] == [0.0, 0.1]


def test_a_new_sensor_says_where_it_is(plain_api: Api, lead: str) -> None:
    answer = change(plain_api, lead, "sensors", sensor="S7", since=AT)
    assert {fault["parameter"] for fault in answer.json()["errors"]} == {"interval_s"}
    answer = change(plain_api, lead, "sensors", sensor="a/b", since=AT, interval_s=60, room="r", room_kind="other")
    assert answer.json()["errors"][0]["parameter"] == "id"


def test_a_sensor_is_taken_away(plain_api: Api, lead: str) -> None:
    told = change(plain_api, lead, "sensors/end", sensor="S1", at=AT).json()
    assert [one["valid_to"] for one in told["sensors"]] == [AT]
    assert change(plain_api, lead, "sensors/end", sensor="S1", at=NOW.isoformat()).status_code == 422
    assert change(plain_api, lead, "sensors/end", "H2", sensor="S1", at=AT).status_code == 422


def test_contacts_are_looked_at_with_a_reason_and_replaced_as_a_whole(plain_api: Api, lead: str) -> None:
    assert plain_api.post("/v1/homes/H1/contacts/reveal", lead, reason="").status_code == 422
    book = plain_api.post("/v1/homes/H1/contacts/reveal", lead, reason="called back").json()
    one = {"channel": "phone", "address": "+86 138 0000 0001", "name": "李娜", "consent": AT}
    body = {"version": book["version"], **WHY, "contacts": [one]}
    made = plain_api.post("/v1/homes/H1/contacts", lead, **body)
    assert made.status_code == 200, made.text
    assert made.json()["contacts"][0]["name"] == "李娜"
    assert plain_api.post("/v1/homes/H1/contacts", lead, **body).status_code == 409
    assert plain_api.get("/v1/homes", lead, q="13800000001").json()["items"][0]["home"] == "H1"
    body = {"version": made.json()["version"], **WHY}
    wrong = plain_api.post("/v1/homes/H1/contacts", lead, **body, contacts=[{**one, "address": "x"}, one, one])
    assert [fault["parameter"] for fault in wrong.json()["errors"]] == ["contacts.0.address", "contacts.2.address"]
    assert plain_api.post("/v1/homes/H1/contacts", lead, **body, contacts=[]).json()["contacts"] == []
    audited = str(plain_api.conn.execute("SELECT array_agg(detail) FROM audit").fetchone())
    assert "called back" in audited
    assert "138" not in audited
    assert "李娜" not in audited


def test_contacts_need_the_right(plain_api: Api, lead: str) -> None:
    grant = TokenGrant(Role.SUPERVISOR, rights=[Right.READ, Right.WRITE])
    token = access.create(plain_api.conn, grant, NOW)
    for path, body in (("reveal", {}), ("", {"version": "0" * 16, "contacts": []})):
        answer = plain_api.post(f"/v1/homes/H1/contacts/{path}".rstrip("/"), token, **WHY, **body)
        assert answer.status_code == 403


def test_a_dispatcher_places_sensors_and_leaves_facts_and_heat_to_leaders(plain_api: Api, lead: str) -> None:
    token = plain_api.token("dispatcher")
    assert change(plain_api, token, "sensors/end", sensor="S1", at=AT).status_code == 200
    assert change(plain_api, token, "registry", unit="9").status_code == 403
    assert change(plain_api, token, "heat", status="stopped", since=AT).status_code == 403
    assert [home.unit for home in registry_lines.homes(plain_api.conn, ["H1"])] == ["1"]

"""The record of a home: each change is of the version that was read, goes the way of an import, and is on record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
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
from tests.api.conftest import Api, served_town
from tests.api.town import NOW
from tests.conftest import Servers

pytestmark = pytest.mark.plain_only
WHY = {"reason": "notice 17 of the station"}
POLICY = builtin("seed")
AT = "2026-01-14T00:00:00Z"
LAST_AUDITED = "SELECT detail FROM audit ORDER BY audit_id DESC LIMIT 1"
QUEUED = """
SELECT h.code, r.from_at::date::text FROM rejudge AS r JOIN home AS h USING (home_id) WHERE h.code LIKE %s
"""


NUMBERS = count(1)


@pytest.fixture(scope="module")
def town_api(servers: Servers) -> Iterator[Api]:
    """One town for all of these tests; each has homes and a sensor of its own."""
    with served_town(servers) as api:
        yield api


@dataclass(frozen=True)
class House:
    """Two homes with a sensor in the first, and a supervisor who writes on their record."""

    api: Api
    lead: str
    number: int

    @property
    def first(self) -> str:
        return f"H{self.number}-1"

    @property
    def second(self) -> str:
        return f"H{self.number}-2"

    @property
    def sensor(self) -> str:
        return f"T{self.number}"

    def read(self, home: str) -> dict[str, Any]:
        return dict(self.api.get(f"/v1/homes/{home}/registry", self.lead).json())

    def change(self, path: str, home: str | None = None, *, token: str | None = None, **body: object) -> Any:
        home = home or self.first
        sent = {"version": self.read(home)["version"], **WHY, **body}
        return self.api.post(f"/v1/homes/{home}/{path}", token or self.lead, **sent)

    def queued(self) -> dict[str, str]:
        """Return from when on the homes are judged again."""
        self.api.conn.rollback()
        rows = self.api.conn.execute(QUEUED, (f"H{self.number}-%",))
        return dict(rows.fetchall())


@pytest.fixture
def house(town_api: Api) -> House:
    made = House(town_api, town_api.token("supervisor"), next(NUMBERS))
    first = town.home(town_api.conn, made.first)
    town.home(town_api.conn, made.second)
    town.sensor(town_api.conn, first, made.sensor)
    town_api.conn.commit()
    return made


def test_facts_change_and_the_past_is_judged_again(house: House) -> None:
    answer = house.change("registry", contract_limit=19.5, contract_from="06:00", contract_to="21:00")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["contract_limit"], told["contract_from"], told["unit"]) == (19.5, "06:00", "1")
    assert house.queued() == {house.first: "2000-01-01"}
    (entry,) = house.api.conn.execute(LAST_AUDITED).fetchone() or ({},)
    assert entry["reason"] == WHY["reason"]
    assert entry["changes"] == [
        {"code": house.first, "field": "contract", "before": None, "after": "19.5 °C 06:00-21:00"},
    ]


def test_a_change_to_another_version_is_refused_and_writes_nothing(house: House) -> None:
    read = house.read(house.first)["version"]
    assert house.change("registry", unit="2").status_code == 200
    answer = house.api.post(f"/v1/homes/{house.first}/registry", house.lead, version=read, **WHY, unit="3")
    assert answer.status_code == 409
    assert house.api.get(f"/v1/homes/{house.first}/registry", house.lead).json()["unit"] == "2"


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
def test_what_is_wrong_is_named_in_both_languages(house: House, body: dict[str, Any], field: str) -> None:
    sent = {"version": house.read(house.first)["version"], **WHY, **body}
    for language in ("zh", "en"):
        headers = {"Authorization": f"Bearer {house.lead}", "Accept-Language": language}
        answer = house.api.client.post(f"/v1/homes/{house.first}/registry", json=sent, headers=headers)
        assert answer.status_code == 422
        (fault, *_) = answer.json()["errors"]
        assert fault["parameter"] == field
        assert any("\u4e00" <= letter <= "\u9fff" for letter in fault["detail"]) == (language == "zh")


def test_heat_stops_with_its_dates_and_is_not_on_again_without_a_notice(house: House) -> None:
    assert house.change("heat", status="stopped", since=AT).status_code == 200
    assert house.queued() == {house.first: "2026-01-14"}
    again = house.change("heat", status="stopped", since="2026-01-14T12:00:00Z")
    assert (again.status_code, again.json()["errors"][0]["parameter"]) == (422, "status")
    ahead = (NOW + timedelta(days=30)).isoformat()
    refused = house.change("heat", status="on", since=ahead)
    assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "status")
    assert [entry["status"] for entry in house.read(house.first)["heat"]] == ["on", "stopped"]


def test_a_sensor_is_replaced_and_what_it_measured_stays(house: House) -> None:
    new = f"{house.sensor}-new"
    answer = house.change("sensors", sensor=new, since=AT, replaces=house.sensor, offset=0.5)
    assert answer.status_code == 200, answer.text
    places = {one["sensor"]: one for one in answer.json()["sensors"]}
    assert places[house.sensor]["valid_to"] == places[new]["valid_from"] == AT
    assert {places[new][name] for name in ("room", "room_kind")} == {"living"}
    assert (places[new]["interval_s"], places[new]["offset"]) == (600, 0.5)
    assert house.queued() == {house.first: "2026-01-14"}


def test_a_sensor_moves_only_from_where_it_is_said_to_be(house: House) -> None:
    body: dict[str, Any] = {"sensor": house.sensor, "since": AT, "room": "bed", "room_kind": "bedroom"}
    answer = house.change("sensors", house.second, **body)
    assert answer.status_code == 409
    assert house.first in answer.json()["detail"]
    assert house.change("sensors", house.second, **body, moved_from="H3").status_code == 409
    told = house.change("sensors", house.second, **body, moved_from=house.first).json()
    assert [(one["home"], one["room"], one["valid_to"]) for one in told["sensors"]] == [
        (house.first, "living", AT), (house.second, "bed", None),
    ]  # fmt: skip
    assert set(house.queued()) == {house.first, house.second}


def test_where_a_sensor_hangs_is_not_told_beyond_the_reach(house: House) -> None:
    """By two walls: row-level security hides the place, and it is named to those alone who reach all homes."""
    conn, north = house.api.conn, Scope(False, "North", [])
    town.sensor(conn, town.home(conn, "far", building="B9", station="South"), "S9")
    access.enter(conn, north, Role.CREW, ALL_RIGHTS)
    record = record_of(conn, house.first)
    assert record is not None
    edit = Edit(house.first, record.version, NOW, POLICY.zone)
    cells = {"room": "r", "room_kind": "living", "interval_s": "60"}
    for moved_from in (None, "far"):
        with pytest.raises(PlacedElsewhere) as refused, conn.transaction(), in_office(conn):
            place_sensor(conn, edit, SensorPlacing("S9", cells, NOW, moved_from=moved_from))
        assert refused.value.place is None
    session = Session(conn, Asker("x", "x", Role.CREW, north), NOW, POLICY)
    with pytest.raises(Problem) as answer, recording(session):
        raise PlacedElsewhere("far")
    assert answer.value.detail is SENSOR_OUT_OF_REACH
    conn.rollback()


def test_a_sensor_is_set_otherwise_from_an_instant_on(house: House) -> None:
    told = house.change("sensors", sensor=house.sensor, since=AT, offset=-0.3).json()
    assert [(one["offset"], one["room"], one["valid_from"]) for one in told["sensors"]] == [
        (0.0, "living", None), (-0.3, "living", AT),
    ]  # fmt: skip
    for wrong in (
        {"since": "2026-01-13T00:00:00Z"},
        {"since": AT, "replaces": house.sensor},
        {"since": AT, "replaces": "S9"},
    ):
        answer = house.change("sensors", **{"sensor": house.sensor, **wrong})
        assert answer.status_code == 422, wrong
    corrected = house.change("sensors", sensor=house.sensor, since=AT, offset=0.1).json()
    assert [one["offset"] for one in corrected["sensors"]] == [0.0, 0.1]


def test_a_new_sensor_says_where_it_is(house: House) -> None:
    answer = house.change("sensors", sensor="S7", since=AT)
    assert {fault["parameter"] for fault in answer.json()["errors"]} == {"interval_s"}
    answer = house.change("sensors", sensor="a/b", since=AT, interval_s=60, room="r", room_kind="other")
    assert answer.json()["errors"][0]["parameter"] == "id"


def test_a_sensor_is_taken_away(house: House) -> None:
    told = house.change("sensors/end", sensor=house.sensor, at=AT).json()
    assert [one["valid_to"] for one in told["sensors"]] == [AT]
    assert house.change("sensors/end", sensor=house.sensor, at=NOW.isoformat()).status_code == 422
    assert house.change("sensors/end", house.second, sensor=house.sensor, at=AT).status_code == 422


def test_contacts_are_looked_at_with_a_reason_and_replaced_as_a_whole(house: House) -> None:
    assert house.api.post(f"/v1/homes/{house.first}/contacts/reveal", house.lead, reason="").status_code == 422
    book = house.api.post(f"/v1/homes/{house.first}/contacts/reveal", house.lead, reason="called back").json()
    one = {"channel": "phone", "address": "+86 138 0000 0001", "name": "李娜", "consent": AT}
    body = {"version": book["version"], **WHY, "contacts": [one]}
    made = house.api.post(f"/v1/homes/{house.first}/contacts", house.lead, **body)
    assert made.status_code == 200, made.text
    assert made.json()["contacts"][0]["name"] == "李娜"
    assert house.api.post(f"/v1/homes/{house.first}/contacts", house.lead, **body).status_code == 409
    assert house.api.get("/v1/homes", house.lead, q="13800000001").json()["items"][0]["home"] == house.first
    body = {"version": made.json()["version"], **WHY}
    bad = [{**one, "address": "x"}, one, one]
    wrong = house.api.post(f"/v1/homes/{house.first}/contacts", house.lead, **body, contacts=bad)
    assert [fault["parameter"] for fault in wrong.json()["errors"]] == ["contacts.0.address", "contacts.2.address"]
    none = house.api.post(f"/v1/homes/{house.first}/contacts", house.lead, **body, contacts=[])
    assert none.json()["contacts"] == []
    audited = str(house.api.conn.execute("SELECT array_agg(detail) FROM audit").fetchone())
    assert "called back" in audited
    assert "138" not in audited
    assert "李娜" not in audited


def test_contacts_need_the_right(house: House) -> None:
    grant = TokenGrant(Role.SUPERVISOR, rights=[Right.READ, Right.WRITE])
    token = access.create(house.api.conn, grant, NOW)
    for path, body in (("reveal", {}), ("", {"version": "0" * 16, "contacts": []})):
        answer = house.api.post(f"/v1/homes/{house.first}/contacts/{path}".rstrip("/"), token, **WHY, **body)
        assert answer.status_code == 403


def test_a_dispatcher_places_sensors_and_leaves_facts_and_heat_to_leaders(house: House) -> None:
    token = house.api.token("dispatcher")
    assert house.change("sensors/end", token=token, sensor=house.sensor, at=AT).status_code == 200
    assert house.change("registry", token=token, unit="9").status_code == 403
    assert house.change("heat", token=token, status="stopped", since=AT).status_code == 403
    assert [home.unit for home in registry_lines.homes(house.api.conn, [house.first])] == ["1"]

"""The pages of measurements: the plan of the day, a record entered once, corrections, and requests."""

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from registry.place_index import bring_up
from tests.api import town
from tests.api.conftest import Api
from tests.api.operations import INSERT_REQUEST
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

HOUR = timedelta(hours=1)
ROWS = re.compile(r'class="open" href="[^"]*">([^<]+)')
COUNT = re.compile(r'id="view-(\w+)".*?<span class="count">(\d*)</span>')
SHEET = {"at": "B1-101", "room": "living", "room_kind": "living", "measured_at": "2026-01-15T11:30", "celsius": "17.5",
         "instrument": "T7", "measurer": "Zhao", "signature": "sheet 4"}  # fmt: skip
RECORDS = "SELECT number, celsius, signature, corrects IS NOT NULL, recorded_by FROM measurement ORDER BY number"


@pytest.fixture
def desk(plain_api: Api) -> Iterator[tuple[httpx.Client, str]]:
    """The browser of a dispatcher, in a town of homes that are to be measured at different times."""
    conn = plain_api.conn
    # NOW is noon: the day ends in twelve hours.
    for code, station, due in (
        ("B1-101", "North", -HOUR), ("B1-102", "North", 11 * HOUR), ("B1-103", "North", 13 * HOUR),
        ("B2-101", "South", 2 * HOUR), ("B2-102", "South", 24 * 8 * HOUR),
    ):  # fmt: skip
        home = town.home(conn, code, building=code[:2], station=station)
        conn.execute(INSERT_REQUEST, (home, NOW - 24 * HOUR, NOW + due))
    bring_up(conn)
    token = session_of(conn, member(conn))
    with browser(plain_api, token) as client:
        yield client, token


def test_the_plan_of_the_day_ends_at_midnight(desk: tuple[httpx.Client, str]) -> None:
    client, _ = desk
    wanted = {
        "day": ["B1-101", "B2-101", "B1-102"],
        "late": ["B1-101"],
        "week": ["B1-101", "B2-101", "B1-102", "B1-103"],
    }
    for view, homes in wanted.items():
        page = client.get("/desk/measurements", params={"view": view}).text
        assert [home for home in ROWS.findall(page) if home in page] == homes
        assert dict(COUNT.findall(page)) == {"day": "3", "late": "1", "week": "4", "records": ""}
    page = client.get("/desk/measurements?station=South").text
    assert ROWS.findall(page) == ["B2-101"]
    assert "South: 1, of which 0 overdue." in page


def test_a_record_is_entered_once_and_takes_the_home_off_the_plan(
    plain_api: Api, desk: tuple[httpx.Client, str]
) -> None:
    client, token = desk
    page = client.get("/desk/measurements/home?home=B1-101&room=living").text
    assert 'value="2026-01-15T12:00"' in page  # now, in the company's zone
    form = sealed(token, **SHEET)
    answers = [client.post("/desk/measurements/home", data=form) for _ in range(2)]
    assert {one.headers["location"] for one in answers} == {"/desk/measurements/home?home=B1-101&done=M00000001"}
    done = client.get(answers[0].headers["location"]).text
    assert "M00000001 entered: 17.5 °C, too cold, counts." in done.replace("Too cold", "too cold")
    (row,) = plain_api.conn.execute(RECORDS).fetchall()
    assert row[:4] == ("M00000001", 17.5, "sheet 4", False)
    assert row[4].endswith("(Li Na)")
    assert ROWS.findall(client.get("/desk/measurements?view=late").text) == []
    listed = client.get("/desk/measurements?view=records").text
    assert "M00000001" in listed
    api = plain_api.get("/v1/measurements", plain_api.token("dispatcher")).json()["items"]
    assert [(one["number"], one["home"]) for one in api] == [("M00000001", "B1-101")]
    south = plain_api.get("/v1/measurements", plain_api.token("crew", station="South")).json()["items"]
    assert south == []


def test_a_correction_keeps_the_old_record_and_says_why(plain_api: Api, desk: tuple[httpx.Client, str]) -> None:
    client, token = desk
    client.post("/desk/measurements/home", data=sealed(token, **SHEET))
    page = client.get("/desk/measurements/home?home=B1-101&corrects=M00000001").text
    assert 'name="celsius" type="text" inputmode="decimal" value="17.5"' in page
    right = {**SHEET, "celsius": "19.5", "corrects": "M00000001"}
    why = client.post("/desk/measurements/home", data=sealed(token, **right))
    assert (why.status_code, 'id="refused"' in why.text) == (422, True)
    assert client.post("/desk/measurements/home", data=sealed(token, **right, reason="misread")).status_code == 303
    again = client.post("/desk/measurements/home", data=sealed(token, **right, reason="misread"))
    assert (again.status_code, "already been corrected" in again.text) == (422, True)
    rows = plain_api.conn.execute(RECORDS).fetchall()
    assert [(row[1], row[3]) for row in rows] == [(17.5, False), (19.5, True)]
    assert "corrected since" in client.get("/desk/measurements/home?home=B1-101").text
    other = client.get("/desk/measurements/home?home=B1-102&corrects=M00000001").text
    assert 'value="17.5"' not in other  # a record of another home


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"celsius": "warm"}, "record-celsius-fault"),
        ({"celsius": "nan"}, "record-celsius-fault"),
        ({"celsius": "85"}, "record-celsius-fault"),
        ({"measured_at": "2026-01-15T13:00"}, "record-measured_at-fault"),
        ({"measured_at": ""}, "record-measured_at-fault"),
        ({"room_kind": "cellar"}, "record-room_kind-fault"),
        ({"measurer": "\x00"}, "record-measurer-fault"),
    ],
)
def test_what_is_wrong_with_a_record_is_said_beside_its_field(
    plain_api: Api, desk: tuple[httpx.Client, str], fields: dict[str, str], fault: str
) -> None:
    client, token = desk
    answer = client.post("/desk/measurements/home", data=sealed(token, **{**SHEET, **fields}))
    assert answer.status_code == 422
    assert f'id="{fault}"' in answer.text
    assert plain_api.conn.execute(RECORDS).fetchall() == []


def test_a_measurement_is_asked_for(plain_api: Api, desk: tuple[httpx.Client, str]) -> None:
    client, token = desk
    form = sealed(token, at="B2-102", due_at="2026-01-15T20:00")
    for _ in range(2):
        answer = client.post("/desk/measurements/request", data=form)
        assert answer.headers["location"] == "/desk/measurements/home?home=B2-102&done=asked"
    assert town.one(plain_api.conn, "SELECT count(*) FROM measurement_request WHERE asked_by LIKE '%%(Li Na)'", ()) == 1
    assert "B2-102" in client.get("/desk/measurements").text
    assert client.post("/desk/measurements/request", data=sealed(token, at="B2-102")).status_code == 422
    for path in ("/desk/measurements/home", "/desk/measurements/request"):
        nowhere = sealed(token, **{**SHEET, "at": "nowhere"}, due_at="2026-01-15T20:00")
        assert client.post(path, data=nowhere).status_code == 404
    assert client.get("/desk/measurements/home?home=nowhere").status_code == 404


def test_a_home_is_found_by_what_is_typed_without_a_trace_in_the_address(desk: tuple[httpx.Client, str]) -> None:
    client, token = desk
    page = client.post("/desk/measurements", data=sealed(token, q="b2-102"))
    assert 'href="/desk/measurements/home?home=B2-102"' in page.text
    assert client.post("/desk/measurements", data=sealed(token, q="\x00<b>")).status_code == 200

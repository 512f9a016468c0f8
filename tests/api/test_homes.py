"""A home through the API: its state, readings, flags and tickets."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.homes.buckets import Every, edges
from tests.api import town
from tests.api.answers import everything
from tests.api.conftest import Api
from tests.api.town import NOW

HOUR = timedelta(hours=1)


def text(at: object) -> str:
    return str(at).replace(" ", "T").replace("+00:00", "Z")


def test_a_home_shows_its_coldest_room_and_open_flag(api: Api) -> None:
    home = town.home(api.conn, state=5)
    town.sensor_now(api.conn, town.sensor(api.conn, home, "warm"), home, 19.0)
    town.sensor_now(api.conn, town.sensor(api.conn, home, "cold"), home, 17.006)
    ticket, number = town.ticket(api.conn, home)
    flag = town.flag(api.conn, home, ticket)
    answer = api.get("/v1/homes/B1-101", api.token())
    assert answer.status_code == 200
    assert answer.json() == {
        "code": "B1-101",
        "building": "B1",
        "class": "multistorey",
        "heat_status": "on",
        "temperature": 17.01,
        "measured_at": "2026-01-15T04:00:00Z",
        "state": "cold",
        "flag": {
            "id": flag,
            "home": "B1-101",
            "severity": "cold",
            "state": "open",
            "cold_since": "2026-01-15T02:00:00Z",
            "raised_at": "2026-01-15T02:00:00Z",
            "cleared_at": None,
            "lowest": 17.0,
            "limit": 18.0,
            "policy": "seed@2020-01-01",
            "why": {"reason": "window_opened"},
            "ticket": number,
            "outages": [],
        },
    }


def test_a_home_without_readings_and_with_a_past_flag(api: Api) -> None:
    home = town.home(api.conn, state=1)
    ticket, _ = town.ticket(api.conn, home, state="closed")
    town.flag(api.conn, home, ticket, cleared_at=NOW)
    answer = api.get("/v1/homes/B1-101", api.token()).json()
    assert (answer["temperature"], answer["measured_at"], answer["state"]) == (None, None, "unknown")
    assert answer["flag"] is None


def test_readings_are_those_of_the_home_while_the_sensor_was_there(api: Api) -> None:
    home, other = town.home(api.conn), town.home(api.conn, "B1-102")
    moved_at = NOW - 2 * HOUR
    sensor = town.sensor(api.conn, home, offset_k=0.5, valid_to=moved_at)
    town.sensor(api.conn, other, valid_from=moved_at)
    for hours in (1, 2, 3, 30):
        town.reading(api.conn, sensor, NOW - hours * HOUR, 18.0)
    answer = api.get("/v1/homes/B1-101/readings", api.token()).json()
    assert answer == {
        "items": [
            {
                "sensor": "a1",
                "room": "living",
                "measured_at": "2026-01-15T01:00:00Z",
                "temperature": 18.5,
                "offset": 0.5,
                "humidity": None,
                "battery": None,
                "quality": "good",
            }
        ],
        "next": None,
    }
    moved = api.get("/v1/homes/B1-102/readings", api.token()).json()["items"]
    assert [item["measured_at"] for item in moved] == ["2026-01-15T02:00:00Z", "2026-01-15T03:00:00Z"]


def test_a_span_is_half_open_and_takes_any_offset(api: Api) -> None:
    sensor = town.sensor(api.conn, town.home(api.conn))
    for hours in (1, 2, 3):
        town.reading(api.conn, sensor, NOW - hours * HOUR, 18.0)
    span = {"from": "2026-01-15T09:00:00+08:00", "to": "2026-01-15T03:00:00Z"}
    items = api.get("/v1/homes/B1-101/readings", api.token(), **span).json()["items"]
    assert [item["measured_at"] for item in items] == ["2026-01-15T01:00:00Z", "2026-01-15T02:00:00Z"]


def test_a_bare_plus_in_the_address_is_understood(api: Api) -> None:
    town.home(api.conn)
    path = "/v1/homes/B1-101/readings?from=2026-01-15T09:00:00+08:00"
    assert api.get(path, api.token()).status_code == 200


@pytest.mark.parametrize("every", [None, "PT10M"])
def test_pages_of_readings_lose_and_double_nothing(api: Api, every: str | None) -> None:
    home = town.home(api.conn)
    sensors = [town.sensor(api.conn, home, code, room=code) for code in ("a", "b", "c")]
    for minutes in range(0, 70, 10):
        for sensor in sensors[: 1 + minutes % 3]:
            town.reading(api.conn, sensor, NOW - timedelta(minutes=minutes + 5), 18.0 + minutes / 100)
    wanted = {"every": every} if every else {}
    moment = "start" if every else "measured_at"
    token = api.token()
    whole = api.get("/v1/homes/B1-101/readings", token, **wanted).json()["items"]
    paged = everything(api, "/v1/homes/B1-101/readings", token, 2, **wanted)
    assert len(whole) == 13
    assert paged == whole
    assert whole == sorted(whole, key=lambda item: (item[moment], item["sensor"]))


def test_buckets_by_the_hour_leave_bad_readings_out(api: Api) -> None:
    sensor = town.sensor(api.conn, town.home(api.conn), offset_k=0.5)
    for minutes, celsius in ((0, 18.0), (20, 18.2), (40, 18.1)):
        town.reading(api.conn, sensor, NOW - HOUR + timedelta(minutes=minutes), celsius)
    town.reading(api.conn, sensor, NOW - timedelta(minutes=10), 85.0, quality=1)
    town.reading(api.conn, sensor, NOW - 2 * HOUR, 17.0)
    answer = api.get("/v1/homes/B1-101/readings", api.token(), every="PT1H").json()
    head = {"sensor": "a1", "room": "living"}
    assert answer["items"] == [
        {**head, "start": "2026-01-15T02:00:00Z", "min": 17.5, "mean": 17.5, "max": 17.5, "count": 1, "coverage": 0.5},
        {**head, "start": "2026-01-15T03:00:00Z", "min": 18.5, "mean": 18.6, "max": 18.7, "count": 3, "coverage": 1.0},
    ]


def test_a_day_is_a_local_day(api: Api) -> None:
    sensor = town.sensor(api.conn, town.home(api.conn))
    for at in (NOW - 13 * HOUR, NOW - 12 * HOUR, NOW):  # 23:00, 00:00 and 12:00 in Shanghai
        town.reading(api.conn, sensor, at, 18.0)
    span = {"from": text(NOW - 24 * HOUR), "to": text(NOW + HOUR), "every": "P1D"}
    items = api.get("/v1/homes/B1-101/readings", api.token(), **span).json()["items"]
    assert [(item["start"], item["count"]) for item in items] == [
        ("2026-01-13T16:00:00Z", 1),
        ("2026-01-14T16:00:00Z", 2),
    ]


def test_what_is_no_number_is_shown_as_null(api: Api) -> None:
    sensor = town.sensor(api.conn, town.home(api.conn))
    town.reading(api.conn, sensor, NOW - HOUR, float("nan"), quality=2)
    item = api.get("/v1/homes/B1-101/readings", api.token()).json()["items"][0]
    assert (item["temperature"], item["quality"]) == (None, "out_of_range")


def test_flags_and_tickets_of_one_home(api: Api) -> None:
    home, other = town.home(api.conn), town.home(api.conn, "B1-102")
    ticket, number = town.ticket(api.conn, home)
    past = town.flag(api.conn, home, ticket, since=NOW - 9 * HOUR, cleared_at=NOW - 8 * HOUR)
    present = town.flag(api.conn, home, ticket, severe=True, suspended_at=NOW)
    other_ticket, _ = town.ticket(api.conn, other)
    town.flag(api.conn, other, other_ticket)
    flags = api.get("/v1/homes/B1-101/flags", api.token()).json()["items"]
    shown = [(flag["id"], flag["state"], flag["severity"], flag["ticket"]) for flag in flags]
    assert shown == [(present, "suspended", "severe", number), (past, "cleared", "cold", number)]
    tickets = api.get("/v1/homes/B1-101/tickets", api.token()).json()["items"]
    assert [(ticket["number"], ticket["flags"]) for ticket in tickets] == [(number, [past, present])]


def test_coverage_is_what_was_known_of_the_part_that_was_asked_for(api: Api) -> None:
    """A sensor of 600 s: each reading holds for 30 minutes, as the built-in policy says."""
    sensor = town.sensor(api.conn, town.home(api.conn))
    for minutes in (150, 60, 50):
        town.reading(api.conn, sensor, NOW - timedelta(minutes=minutes), 18.0)
    span = {"from": text(NOW - 3 * HOUR), "to": text(NOW - 15 * timedelta(minutes=1)), "every": "PT1H"}
    items = api.get("/v1/homes/B1-101/readings", api.token(), **span).json()["items"]
    # 01:30 to 02:00 of the first hour; 03:00 to 03:40 of the 45 minutes asked for of the third.
    assert [(item["start"], item["coverage"]) for item in items] == [
        ("2026-01-15T01:00:00Z", 0.5),
        ("2026-01-15T03:00:00Z", 0.8889),
    ]


def test_times_and_days_in_a_zone(api: Api) -> None:
    sensor = town.sensor(api.conn, town.home(api.conn))
    for at in (NOW - 6 * HOUR, NOW - 4 * HOUR - timedelta(seconds=1), NOW - HOUR):  # midnight in Berlin is 23:00 UTC
        town.reading(api.conn, sensor, at, 18.0)
    path, token = "/v1/homes/B1-101/readings", api.token()
    raw = api.get(path, token, tz="Europe/Berlin").json()["items"]
    assert [item["measured_at"] for item in raw] == [
        "2026-01-14T23:00:00+01:00",
        "2026-01-15T00:59:59+01:00",
        "2026-01-15T04:00:00+01:00",
    ]
    days = api.get(path, token, tz="Europe/Berlin", every="P1D").json()["items"]
    assert [(day["start"], day["count"]) for day in days] == [
        ("2026-01-14T00:00:00+01:00", 1),
        ("2026-01-15T00:00:00+01:00", 2),
    ]


def test_a_day_is_as_long_as_the_clock_makes_it() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)):
        start = datetime.combine(day, time(12), berlin)
        low, high = edges(Every.DAY, start, start + timedelta(minutes=1), berlin)
        assert (high.astimezone(UTC) - low.astimezone(UTC)) == hours * HOUR


@pytest.mark.parametrize("every", ["PT10M", "PT1H", "P1D"])
def test_pages_of_buckets_over_months_lose_and_double_nothing(plain_api: Api, every: str) -> None:
    home = town.home(plain_api.conn)
    for code in ("a", "b"):
        sensor = town.sensor(plain_api.conn, home, code, room=code)
        for days in (0, 1, 2, 40, 41, 120):
            town.reading(plain_api.conn, sensor, NOW - timedelta(days=days, minutes=7), 18.0)
    path, token, since = "/v1/homes/B1-101/readings", plain_api.token(), {"from": text(NOW - timedelta(days=200))}
    whole = plain_api.get(path, token, **since, every=every).json()["items"]
    assert len(whole) == 12
    assert everything(plain_api, path, token, 5, **since, every=every) == whole

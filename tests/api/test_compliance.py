"""The ledger of a home through the API."""

from typing import Any

import pytest

from tests.api import town
from tests.api.answers import check, everything, opaque
from tests.api.conftest import Api
from tests.api.days import DAY, TODAY, ledger_day

pytestmark = pytest.mark.plain_only

PATH = "/v1/homes/B1-101/compliance"
STATES = ("compliant_s", "cold_s", "severe_s", "unknown_s", "not_judged_s")


def days(answer: Any) -> list[str]:
    return [item["day"] for item in answer.json()["items"]]


def test_a_day_tells_its_seconds_exactly_and_rounds_temperatures(api: Api) -> None:
    home = town.home(api.conn)
    cold, compliant = 10_000_000_001, 70_000_123_456
    ledger_day(
        api,
        home,
        TODAY - DAY,
        cold=cold,
        compliant=compliant,
        unknown=86_400_000_000 - cold - compliant,
        shortfall=1,
        heat=17_996 * (cold + compliant),
        deficit=700 * cold,
        lowest=17.006,
    )
    answer = api.get(PATH, api.token())
    assert answer.json() == {
        "items": [
            {
                "day": "2026-01-14",
                "compliant_s": 70000.123456,
                "cold_s": 10000.000001,
                "severe_s": 0.0,
                "unknown_s": 6399.876543,
                "not_judged_s": 0.0,
                "shortfall_s": 0.000001,
                "min": 17.01,
                "mean": 18.0,
                "kelvin_hours": 1.944,
                "policy": "seed@2020-01-01",
                "closed": True,
            }
        ],
        "next": None,
    }
    assert b'"cold_s":10000.000001,' in answer.content
    (item,) = answer.json()["items"]
    assert sum(round(item[state] * 1_000_000) for state in STATES) == 86_400_000_000


def test_a_day_of_which_nothing_is_known(api: Api) -> None:
    ledger_day(api, town.home(api.conn), TODAY, compliant=0, unknown=43_200_000_000)
    (item,) = api.get(PATH, api.token()).json()["items"]
    assert (item["min"], item["mean"], item["closed"]) == (None, None, False)


def test_the_last_thirty_days_with_today_unless_told_otherwise(api: Api) -> None:
    home, other = town.home(api.conn), town.home(api.conn, "B1-102")
    for back in range(-1, 40):
        ledger_day(api, home, TODAY - back * DAY)
    ledger_day(api, other, TODAY)
    token = api.token()
    usual = days(api.get(PATH, token))
    assert (len(usual), usual[0], usual[-1]) == (30, "2025-12-17", "2026-01-15")
    assert days(api.get(PATH, token, **{"from": "2026-01-13"})) == ["2026-01-13", "2026-01-14", "2026-01-15"]
    assert days(api.get(PATH, token, **{"from": "2026-01-13", "to": "2026-01-14"})) == ["2026-01-13"]
    assert len(days(api.get(PATH, token, to="2025-12-20"))) == 13  # there are no more
    assert days(api.get(PATH, token, **{"from": "2026-01-14", "to": "2026-01-13"})) == []


def test_today_is_that_of_the_zone(api: Api) -> None:
    """At 04:00 UTC it is noon in Shanghai; a day later than that is not shown."""
    home = town.home(api.conn)
    for day in (TODAY, TODAY + DAY):
        ledger_day(api, home, day)
    assert days(api.get(PATH, api.token())) == ["2026-01-15"]


def test_pages_of_days_lose_and_double_nothing(api: Api) -> None:
    home = town.home(api.conn)
    for back in range(7):
        ledger_day(api, home, TODAY - back * DAY)
    token = api.token()
    assert everything(api, PATH, token, 2) == api.get(PATH, token).json()["items"]


@pytest.mark.parametrize(
    ("role", "codes", "station", "seen"),
    [
        ("customer", ("mine",), None, {"mine"}),
        ("crew", (), "North", {"mine", "near"}),
        ("supervisor", (), None, {"mine", "near", "far"}),
    ],
)
def test_another_s_ledger_looks_like_none(
    plain_api: Api, role: str, codes: tuple[str, ...], station: str | None, seen: set[str]
) -> None:
    for code, place in (("mine", "North"), ("near", "North"), ("far", "South")):
        ledger_day(plain_api, town.home(plain_api.conn, code, building=f"B-{place}", station=place), TODAY)
    token = plain_api.token(role, *codes, station=station)
    absent = plain_api.get("/v1/homes/nobody/compliance", token)
    check(absent, 404)
    for code in ("mine", "near", "far"):
        answer = plain_api.get(f"/v1/homes/{code}/compliance", token)
        if code in seen:
            assert days(answer) == ["2026-01-15"]
        else:
            assert (answer.status_code, answer.content) == (404, absent.content)


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "20260115", "2026-01-15T00:00:00Z", "0999-01-01", "0"])
@pytest.mark.parametrize("parameter", ["from", "to"])
def test_what_is_no_day_is_named(plain_api: Api, parameter: str, day: str) -> None:
    town.home(plain_api.conn)
    body = check(plain_api.get(PATH, plain_api.token(), **{parameter: day}), 422)
    assert str(body["detail"]).startswith(f"{parameter}: ")


@pytest.mark.parametrize("cursor", ["", "!", opaque("7"), opaque("2026-01-15|1"), opaque("2026-13-01")])
def test_a_cursor_of_another_list_is_refused(plain_api: Api, cursor: str) -> None:
    town.home(plain_api.conn)
    body = check(plain_api.get(PATH, plain_api.token(), cursor=cursor), 422)
    assert str(body["detail"]).startswith("cursor: ")


def test_the_ends_of_time(plain_api: Api) -> None:
    town.home(plain_api.conn)
    token = plain_api.token()
    for parameter in ("from", "to"):
        for day in ("1970-01-01", "2199-12-31"):
            assert days(plain_api.get(PATH, token, **{parameter: day})) == []

"""Seasons and holidays: what is in force, drafts of a change, and the days that a draft has judged again."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest

from alerts.judging.history import History
from alerts.judging.rejudge import Rejudging
from domain import policy_file
from domain.policy import Policy
from store.base.stage import open_stages
from store.judging import ledger_rows
from tests.api import town
from tests.api.conftest import POLICY, Api
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only
BEGIN = datetime(2026, 1, 9, 14, tzinfo=UTC)  # two hours before the first local day
IN_FORCE = [{"from": "2025-11-15", "to": "2026-03-16"}, {"from": "2026-11-15", "to": "2027-03-16"}]
PAUSE = [{"from": "2025-11-15", "to": "2026-01-12"}, {"from": "2026-01-14", "to": "2026-03-16"}]
FLAGS = "SELECT home_id, cold_since, cleared_at, clear_reason FROM flag ORDER BY flag_id"
LEDGER = "SELECT day, compliant_us + cold_us + severe_us, not_judged_us, policy FROM ledger ORDER BY home_id, day"


@pytest.fixture
def homes(plain_api: Api) -> Api:
    """Two homes of 17.4 °C and 19.0 °C for five days, judged by the policy in force."""
    for nth, celsius in enumerate((17.4, 19.0), 1):
        sensor = town.sensor(plain_api.conn, town.home(plain_api.conn, f"H{nth}"), f"T{nth}")
        for step in range(6 * 24 * 3):
            town.reading(plain_api.conn, sensor, BEGIN + step * timedelta(minutes=20), celsius)
    judge(plain_api, POLICY, date(2026, 1, 10), None)
    return plain_api


def judge(api: Api, policy: Policy, first: date, end: date | None) -> None:
    """Judge as `hearth recheck` does."""
    open_stages(api.conn)
    all_homes, again = list(ledger_rows.homes(api.conn, None)), Rejudging(api.conn, History(policy), NOW)
    again.days(all_homes, first, end) if end else again.from_day(all_homes, first)
    api.conn.commit()


def ledger(api: Api) -> list[tuple[Any, ...]]:
    """Return the ledger."""
    return api.conn.execute(LEDGER).fetchall()


def flags(api: Api) -> list[tuple[Any, ...]]:
    """Return the flags."""
    return api.conn.execute(FLAGS).fetchall()


def test_what_is_in_force_is_told(plain_api: Api) -> None:
    token = plain_api.token("dispatcher")
    told = plain_api.get("/v1/seasons", token).json()
    assert [season["stands"] for season in told["seasons"]] == ["running", "coming"]
    assert [{key: season[key] for key in ("from", "to")} for season in told["seasons"]] == IN_FORCE
    assert told["sha256"] == sha256(POLICY.text.encode()).hexdigest()
    told = plain_api.get("/v1/holidays", token).json()
    assert (told["year"], told["known"]) == (2026, True)
    festival = next(day for day in told["days"] if day["day"] == "2026-02-17")
    assert festival == {
        "day": "2026-02-17", "kind": "holiday", "source": "public", "zh": "春节", "en": "Spring Festival",
    }  # fmt: skip
    assert {day["kind"] for day in told["days"]} == {"holiday", "workday"}
    told = plain_api.get("/v1/holidays", token, year=2190).json()
    assert (told["known"], told["days"]) == (False, [])
    assert plain_api.get("/v1/holidays", token, year=10_000).status_code == 422


@pytest.mark.parametrize(
    ("seasons", "command", "changed"),
    [
        (PAUSE, "hearth recheck --from 2026-01-12 --to 2026-01-14", {12, 13}),
        ([{"from": "2025-11-15", "to": "2026-01-13"}], "hearth recheck --from 2026-01-13", {13, 14, 15}),
    ],
)
def test_the_days_of_a_draft_are_those_that_it_judges_otherwise(
    homes: Api, seasons: list[dict[str, str]], command: str, changed: set[int]
) -> None:
    before, flagged = ledger(homes), flags(homes)
    answer = homes.post("/v1/rules/drafts", homes.token("supervisor"), seasons=seasons)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(one["command"], one["becomes"]) for one in told["again"]] == [(command, "not_judged")]
    assert told["kept_before"] is None
    assert ledger(homes) == before
    drafted = policy_file.load(told["policy"], "draft")
    first, last = (date.fromisoformat(told["again"][0][key]) for key in ("first", "last"))
    judge(homes, drafted, first, last + timedelta(days=1) if "--to" in command else None)
    again = ledger(homes)
    assert {row[0].day for row in set(before) ^ set(again)} == changed
    assert all(judged == 0 for day, judged, _, _ in again if day.day in changed)
    ended = flags(homes)
    assert ended != flagged
    # Nothing else was to be judged again: not from the day of the change on, nor up to it, nor all of it.
    for begin, end in ((first, None), (date(2026, 1, 10), first), (date(2026, 1, 10), None)):
        judge(homes, drafted, begin, end)
        assert (ledger(homes), flags(homes)) == (again, ended)
    judge(homes, POLICY, first, None)  # the way back is the same
    assert ledger(homes) == before
    assert [flag for flag in flags(homes) if flag[3] != "withdrawn"] == flagged


def test_days_whose_readings_are_gone_stay_and_holidays_touch_no_day(homes: Api) -> None:
    token = homes.token("admin")
    calendar = {"years": [2027], "holidays": ["2027-01-01"], "workdays": ["2027-01-02"]}
    told = homes.post("/v1/rules/drafts", token, calendar=calendar).json()
    assert (told["again"], told["kept_before"]) == ([], None)
    assert policy_file.load(told["policy"], "draft").calendar.years == {2027}
    homes.conn.execute("UPDATE readings_kept SET since = '2026-01-05T15:00:00Z'")
    told = homes.post("/v1/rules/drafts", token, seasons=PAUSE).json()
    assert (told["kept_before"], told["again"][0]["first"]) == ("2026-01-13", "2026-01-13")
    homes.conn.execute("UPDATE readings_kept SET since = '2026-01-14T15:00:00Z'")
    told = homes.post("/v1/rules/drafts", token, seasons=PAUSE).json()
    assert (told["kept_before"], told["again"]) == ("2026-01-22", [])


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({}, "seasons"),
        ({"seasons": IN_FORCE[::-1]}, "seasons"),  # in another order they are the same
        ({"seasons": []}, "seasons"),
        ({"seasons": [{"from": "2026-01-02", "to": "2026-01-02"}]}, "seasons.0.to"),
        ({"seasons": [*IN_FORCE, {"from": "2026-03-15", "to": "2026-04-01"}]}, "seasons"),
        ({"seasons": [{"from": "9999-01-01", "to": "2026-01-02"}]}, "seasons.0.from"),
        ({"seasons": IN_FORCE * 40}, "seasons"),
        ({"calendar": {"holidays": ["2027-01-01"], "workdays": ["2027-01-01"]}}, "calendar.workdays"),
        ({"calendar": {"years": [27]}}, "calendar.years.0"),
    ],
)  # fmt: skip
def test_what_is_no_draft_is_refused(plain_api: Api, wanted: dict[str, Any], field: str) -> None:
    answer = plain_api.post("/v1/rules/drafts", plain_api.token("admin"), **wanted)
    assert answer.status_code == 422
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [field]


@pytest.fixture
def desk(plain_api: Api) -> Iterator[tuple[httpx.Client, str]]:
    """A supervisor at a browser."""
    token = session_of(plain_api.conn, member(plain_api.conn, "supervisor"))
    with browser(plain_api, token) as client:
        yield client, token


def test_the_page_drafts_and_gives_the_file(desk: tuple[httpx.Client, str]) -> None:
    client, token = desk
    page = client.get("/desk/rules").text
    fields = dict(re.findall(r'name="((?:from|to)-\d+)" value="([\d-]*)"', page))
    assert [fields["from-0"], fields["to-1"], fields["from-2"]] == ["2025-11-15", "2027-03-16", ""]
    assert "are not known" in client.get("/desk/rules?year=2190").text
    fields |= {"from-2": "2027-11-15", "to-2": "2028-03-16", "holidays": "2027-01-01，2027-01-04", "years": "2027"}
    answer = client.post("/desk/rules", data=sealed(token, **fields))
    assert answer.status_code == 200
    assert "No day that has been judged is touched" in answer.text
    file = client.post("/desk/rules/policy.toml", data=sealed(token, **fields))
    assert file.headers["content-disposition"] == 'attachment; filename="policy.toml"'
    policy = policy_file.load(file.text, "draft")
    assert policy.seasons[-1].end == date(2028, 3, 16)
    assert len(policy.calendar.holidays) == 2
    for name, given, told in (
        ("holidays", "2027-01-01 <b>", "&lt;b&gt;"),
        ("years", "\x0027", "is no year"),
        ("to-2", "2027-11-01", "Season 3: must end after it begins"),
    ):
        answer = client.post("/desk/rules", data=sealed(token, **fields | {name: given}))
        assert (answer.status_code, told in answer.text) == (422, True), answer.text

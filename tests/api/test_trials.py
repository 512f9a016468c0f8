"""Another policy tried over a span of the past: figures as counted by hand, bounds, and nothing written."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.office import trials
from domain.policy_file import builtin_text
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import browser, member, sealed, session_of

pytestmark = pytest.mark.plain_only
SPAN = {"from": "2026-01-12", "to": "2026-01-14"}
BEGIN = datetime(2026, 1, 11, 14, tzinfo=UTC)  # two hours before the first local day
RELATIONS = (
    "SELECT c.oid::regclass::text FROM pg_class AS c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


def contents(api: Api) -> dict[str, Any]:
    """Return the number of rows and the newest transaction of every table."""
    api.conn.rollback()
    names = [name for (name,) in api.conn.execute(RELATIONS).fetchall()]
    found = {
        name: api.conn.execute(f"SELECT count(*), max(xmin::text::bigint) FROM {name}".encode()).fetchone()
        for name in names
    }
    api.conn.rollback()
    return found


@pytest.fixture
def homes(plain_api: Api) -> Api:
    """Two homes of 17.4 °C and 19.0 °C for two days, which nobody has judged."""
    for nth, celsius in enumerate((17.4, 19.0), 1):
        sensor = town.sensor(plain_api.conn, town.home(plain_api.conn, f"H{nth}"), f"T{nth}")
        for step in range(52 * 6):
            town.reading(plain_api.conn, sensor, BEGIN + step * timedelta(minutes=10), celsius)
    plain_api.conn.commit()
    return plain_api


def test_a_limit_is_tried_and_nothing_is_written(homes: Api) -> None:
    token = homes.token("supervisor")
    homes.conn.commit()
    before = contents(homes)
    answer = homes.post("/v1/rules/trials", token, **SPAN, numbers={"cold_below": 20})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["homes_all"], told["homes_tried"], told["recorded"]["homes"]) == (2, 2, 0)
    tried = told["tried"]
    assert (tried["homes"], tried["homes_cold"], tried["homes_flagged"], tried["tickets"]) == (2, 2, 2, 2)
    # The limit of the regulation holds from 06:00 to 24:00, and the homes are cold all the time.
    assert tried["cold_hours"] + tried["severe_hours"] + tried["compliant_hours"] == 2 * 48
    warm = homes.post("/v1/rules/trials", token, **SPAN, numbers={"cold_below": 18}).json()["tried"]
    assert (warm["homes_cold"], warm["homes_flagged"], warm["flags"]) == (1, 1, tried["flags"] // 2)
    assert warm["cold_hours"] == tried["cold_hours"] / 2 > 0
    as_file = builtin_text("seed").replace("below = 18.0", "below = 20.0")
    assert homes.post("/v1/rules/trials", token, **SPAN, policy=as_file).json()["tried"] == tried
    headers = {"Authorization": f"Bearer {token}"}
    for form in (False, True):
        parts: dict[str, Any] = {"files": {"file": ("rules.toml", as_file)}} if form else {"content": as_file.encode()}
        sent = homes.client.post("/v1/rules/trials/file", params=SPAN, headers=headers, **parts)
        assert (sent.status_code, sent.json()["tried"]) == (200, tried)
    one = homes.post("/v1/rules/trials", token, **SPAN, numbers={"cold_below": 20}, most_homes=1).json()
    assert (one["homes_tried"], one["tried"]["homes_cold"]) == (1, 1)
    assert contents(homes) == before


def test_a_page_tries_rules_and_sets_them_beside_what_is_on_record(homes: Api) -> None:
    """Numbers, a file and a pasted text; what is wrong is said beside what was entered, and nothing is written."""
    token = session_of(homes.conn, member(homes.conn, "supervisor"))
    as_file = builtin_text("seed").replace("below = 18.0", "below = 20.0")
    span = {"from": "2026-01-12", "last": "2026-01-13"}
    with browser(homes, token) as client:
        before = contents(homes)
        page = client.get("/desk/rules/trial").text
        assert 'value="2026-01-08"' in page
        assert "now 18" in page

        def send(fields: dict[str, str], file: bytes = b"") -> tuple[int, str]:
            files = {"file": ("rules.toml" if file else "", file)}
            answer = client.post("/desk/rules/trial", data=sealed(token, **{**span, **fields}), files=files)
            return answer.status_code, answer.text

        twenty = "Homes that were too cold: 2, on record 0: 2 more."
        text = as_file.encode()
        for fields, file in (({"numbers.cold_below": "20"}, b""), ({"policy": as_file}, b""), ({"policy": "no"}, text)):
            status, page = send(fields, file)
            assert (status, twenty in page, "2 of 2 homes tried" in page) == (200, True, True), page
        assert "below = 20.0" in page  # the text of the file, so that it can be changed and tried again
        assert "Flags: 0, on record 0: the same." in send({"numbers.cold_below": "0"})[1]
        for fields, file, told in (
            ({}, b"", "change a number"),
            ({"numbers.cold_below": "warm"}, b"", 'id="trial-numbers.cold_below-fault"'),
            ({"numbers.cold_below": "20", "last": "2026-01-15"}, b"", 'id="trial-last-fault"'),
            ({"numbers.cold_below": "20", "last": "9999-12-31"}, b"", 'id="trial-last-fault"'),
            ({}, b"\xff\xfe", "is not text in UTF-8"),
            ({}, b"#" * 70_000, "60000 characters at most"),
            ({}, "暖".encode() * 80_001, "60000 characters at most"),
            ({"policy": "<b>"}, b"", "Nothing was tried"),
        ):
            status, page = send(fields, file)
            assert (status, told in page, "<b>" in page) == (422, True, False), page
        assert trials._ONE.acquire(blocking=False)
        status, page = send({"numbers.cold_below": "20"})
        trials._ONE.release()
        assert (status, "another trial is under way" in page, 'value="20"' in page) == (503, True, True)
        assert contents(homes) == before


def test_a_trial_is_bounded(homes: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = homes.token("admin")
    many = "limits = [" + "{class = 'bungalow', severity = 'cold', below = 18.0}, " * 31 + "]"
    seed = builtin_text("seed")
    for sent, told in (
        ({"policy": "a = " + "[" * 50_000}, "nested too deeply"),
        ({"policy": "name = " + "9" * 5_000}, "policy"),
        ({"policy": seed.replace("deadband_k", "deadband")}, "deadband"),
        ({"policy": seed.partition("limits = [")[0] + many + "\n[version.clocks.cold]\ndone = 'PT24H'\n"}, "too many"),
        ({}, "change a number"),
        ({"numbers": {"cold_below": "NaN"}}, "cold_below"),
        ({"numbers": {"cold_below": 20}, "to": "2026-01-16"}, "not after today"),
        ({"numbers": {"cold_below": 20}, "from": "2025-12-01"}, "31 days"),
    ):
        answer = homes.post("/v1/rules/trials", token, **{**SPAN, **sent})
        assert (answer.status_code, told in answer.text) == (422, True), answer.text
        asked = {"Authorization": f"Bearer {token}", "Accept-Language": "zh"}
        answer = homes.client.post("/v1/rules/trials", json={**SPAN, **sent}, headers=asked)
        fault = answer.json()["errors"][0]["detail"]
        assert re.search("[\u4e00-\u9fff]", fault)
        assert not re.search("[a-z]+ [a-z]+", fault)
    monkeypatch.setattr(trials, "WORK_S", -1.0)
    none = homes.post("/v1/rules/trials", token, **SPAN, numbers={"cold_below": 20}).json()
    assert (none["homes_all"], none["homes_tried"], none["tried"]["homes"]) == (2, 0, 0)
    assert trials._ONE.acquire(blocking=False)
    busy = homes.post("/v1/rules/trials", token, **SPAN, numbers={"cold_below": 20})
    trials._ONE.release()
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")

"""Judging the past again over a span, for good, for show, and by other rules."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alerts.judging.history import History
from alerts.judging.rejudge import Rejudging
from alerts.judging.what_if import imagine, recorded
from domain import policy_file
from domain.policy import Policy
from domain.refunds import rules_file
from domain.refunds.rules import RefundRules
from domain.refunds.season import DAY_FACTS
from domain.registry import HomeFee
from store.registry import fee_rows
from tests import registry_rows as town
from tests.acceptance import processes
from tests.api import town as rows
from tests.conftest import Database
from tests.refund_rules import BEGINS
from tests.store.desk import MINUTE, NOON, Desk
from tests.store.histories import finish, record
from tests.unit.refunds import slow_refunds

DAYS = 3
SEASON, SEASON_DAYS = date(2025, 11, 15), 121
RULES = BEGINS + "rows = [{below = 17.0, percent = 100}, {below = 18.0, percent = 50}, {below = 22.0, percent = 20}]"
INSERT_VISIT = "INSERT INTO clock (ticket_id, name, started_at, met_at) VALUES (%s, 'on_site', '2026-01-01+00', %s)"
NOW = NOON + timedelta(days=DAYS)
FIRST = NOON.date()


@pytest.fixture
def desk(plain_database: Database) -> Iterator[Desk]:
    with plain_database.connect(autocommit=True) as conn:
        for n in (1, 2):
            town.sensor(conn, f"s{n}", town.home(conn, f"H{n}"), interval_s=600)
        desk = Desk(conn)
        for hour in range(DAYS * 24):
            instants = [(n, NOON + n * 10 * MINUTE) for n in range(6 * hour, 6 * hour + 6)]
            desk.say(*(said for n, at in instants for said in (("s1", at, 16.5 + n % 40 / 10), ("s2", at, 21.0))))
        finish(desk, NOW)
        yield desk


def again(desk: Desk, first: date, end: date, write: bool = True) -> Any:
    with desk.conn.transaction(force_rollback=not write):
        return Rejudging(desk.conn, History(policy_file.builtin("seed")), NOW).days([1, 2], first, end)


def test_what_is_right_stays_untouched(desk: Desk) -> None:
    before = record(desk)
    for end in (FIRST + timedelta(days=1), FIRST + timedelta(days=2), NOW.date() + timedelta(days=1)):
        outcome = again(desk, FIRST, end)
        assert (outcome.days, outcome.changes) == (0, [])
    assert record(desk) == before


def test_what_was_spoilt_is_mended_and_nothing_else(desk: Desk) -> None:
    before = record(desk)
    desk.conn.execute("UPDATE ledger SET cold_us = cold_us + 1 WHERE home_id = 1 AND day = %s", (FIRST,))
    desk.conn.execute("UPDATE flag SET lowest = 3 WHERE flag_id = (SELECT min(flag_id) FROM flag)")
    shown = again(desk, FIRST, FIRST + timedelta(days=2), write=False)
    assert record(desk) != before
    outcome = again(desk, FIRST, FIRST + timedelta(days=2))
    assert (outcome.days, outcome.corrected, outcome.raised, outcome.withdrawn) == (1, 1, 0, 0)
    assert (shown.days, shown.corrected) == (1, 1)
    assert record(desk) == before


def test_where_the_machine_stood_at_the_end_of_a_day_is_brought_in_line(desk: Desk) -> None:
    day, select = FIRST + timedelta(days=1), "SELECT machine FROM ledger WHERE home_id = 1 ORDER BY day"
    before = desk.rows(select)
    desk.conn.execute("UPDATE ledger SET machine = %s WHERE home_id = 1 AND day = %s", (b"spoilt", FIRST))
    assert desk.rows(select) != before
    outcome = again(desk, FIRST, day + timedelta(days=1))
    assert (outcome.days, outcome.changes) == (0, [])
    assert desk.rows(select) == before


def test_a_span_that_ends_otherwise_than_recorded_is_judged_on_to_now(desk: Desk) -> None:
    desk.conn.execute("UPDATE point SET offset_k = -8 WHERE home_id = 2")
    outcome = again(desk, FIRST, FIRST + timedelta(days=1))
    assert outcome.raised == 1
    flag = next(f for f in desk.flags() if f["home_id"] == 2)
    assert (flag["cold_since"], flag["cleared_at"]) == (NOON, None)
    assert flag["lowest"] == 13.0
    assert desk.rows("SELECT flag_id FROM home_state WHERE home_id = 2") == [{"flag_id": flag["flag_id"]}]


def test_another_policy_is_only_imagined(desk: Desk) -> None:
    before = record(desk)
    text = policy_file.builtin_text("seed").replace("below = 18.0", "below = 22.0")
    homes, end = np.array([1, 2], np.int32), NOON.replace(hour=0) + timedelta(days=2)
    own, other = History(policy_file.builtin("seed")), History(policy_file.load(text, "test"))
    with desk.conn.transaction():
        now_figures = recorded(desk.conn, own, homes, FIRST, end)
        assert imagine(desk.conn, own, homes, FIRST, end) == now_figures
        warmer = imagine(desk.conn, other, homes, FIRST, end)
    assert (now_figures.homes, now_figures.homes_flagged, warmer.homes_flagged) == (2, 1, 2)
    assert warmer.cold_hours > now_figures.cold_hours
    assert record(desk) == before


def adopted(desk: Desk, policy: Policy, rules: RefundRules, end: date) -> int:
    """Return what is owed once a policy is in force and all was judged again by it, slowly computed from the ledger."""
    total = 0
    with desk.conn.transaction(force_rollback=True):
        Rejudging(desk.conn, History(policy), NOW).days([1, 2], FIRST, NOW.date() + timedelta(days=1))
        for home in (1, 2):
            days = desk.rows(f"SELECT * FROM ledger WHERE home_id = {home} AND day < '{end}' ORDER BY day")
            facts = [slow_facts(day) for day in days]
            versions = [rules.version_on(day["day"]) for day in days]
            total += sum(day.amount for day in slow_refunds.refunds(versions, facts, 200_000, SEASON_DAYS))
    return total


def slow_facts(day: dict[str, Any]) -> dict[str, Any]:
    known = day["compliant_us"] + day["cold_us"] + day["severe_us"]
    told = {"known": known, "breach": day["cold_us"] + day["severe_us"], "unknown": day["unknown_us"]}
    told |= {"lowest": round(day["lowest"] * 1000), "heat": day["heat"], "measured": slow_refunds.NONE}
    return dict.fromkeys(DAY_FACTS.names or (), 0) | told


def test_what_other_rules_would_cost_is_what_they_cost_once_adopted(
    desk: Desk, plain_database: Database, tmp_path: Path
) -> None:
    fee_rows.bring(desk.conn, [HomeFee(code, SEASON, Decimal(80), Decimal(25)) for code in ("H1", "H2")])
    ticket, _ = rows.ticket(desk.conn, 1, state="closed")
    desk.conn.execute(INSERT_VISIT, (ticket, rows.NOW - timedelta(hours=1)))
    (tmp_path / "refunds.toml").write_text(RULES, encoding="utf-8")
    warmer = policy_file.builtin_text("seed").replace("below = 18.0", "below = 22.0")
    (tmp_path / "other.toml").write_text(warmer, encoding="utf-8")
    ours = {"HEARTH_DATABASE_URL": plain_database.url, "HEARTH_REFUNDS": str(tmp_path / "refunds.toml")}
    asked = ["--from", "2026-01-15", "--to", "2026-01-18", "--policy", str(tmp_path / "other.toml"), "--dry-run"]
    done = processes.run(ours, "recheck", *asked, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    # 2,000 a season of 121 days: 16.53 a day; the other home is at 21 degrees, of which 20 % are given back
    assert [told[side]["refund_units"] for side in ("recorded", "imagined")] == [3 * 1653, 3 * (1653 + 331)]
    rules, end = rules_file.load(RULES, "test"), date(2026, 1, 18)
    assert told["recorded"]["refund_units"] == adopted(desk, policy_file.builtin("seed"), rules, end)
    assert told["imagined"]["refund_units"] == adopted(desk, policy_file.load(warmer, "test"), rules, end)
    month = told["imagined"]["months"]["2026-01"]
    assert (month["refund_units"], month["tickets"]) == (3 * (1653 + 331), told["imagined"]["tickets"])
    assert told["imagined"]["crew_hours"] == told["imagined"]["tickets"] > told["recorded"]["crew_hours"] > 0
    shown = processes.run({**ours, "COLUMNS": "200"}, "recheck", *asked, "--refunds", "heilongjiang-2021").stdout
    assert "refunds CNY" in shown
    assert "By month" in shown
    assert "unpaid fees" in shown
    without = processes.run({"HEARTH_DATABASE_URL": plain_database.url}, "recheck", *asked, "--json")
    assert json.loads(without.stdout)["imagined"]["refund_units"] is None


def test_the_command_says_what_it_did(desk: Desk, plain_database: Database, tmp_path: Path) -> None:
    desk.conn.execute("UPDATE ledger SET heat = 0 WHERE home_id = 1")
    run = partial(processes.run, {"HEARTH_DATABASE_URL": plain_database.url}, "recheck")
    done = run("--from", "2026-01-15", "--to", "2026-01-18", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["days"] >= DAYS
    assert "0 ledger days" in run("--from", "2026-01-15", "--to", "2026-01-18").stdout
    other = tmp_path / "other.toml"
    other.write_text(policy_file.builtin_text("seed").replace("18.0", "20.0"))
    tried = run("--from", "2026-01-15", "--to", "2026-01-18", "--policy", str(other), "--dry-run", "--json")
    figures = json.loads(tried.stdout)
    assert figures["imagined"]["cold_hours"] > figures["recorded"]["cold_hours"] > 0
    refused = run("--from", "2026-01-15", "--policy", str(other))
    assert (refused.returncode, "--dry-run" in refused.stderr) == (2, True)
    assert "--home" in run("--from", "2026-01-15", "--home", "nobody").stderr

"""Statements about time, against what the same means when it is counted one by one."""

import random
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from bench.panels import expand, questions
from dashboards.collection import dashboards
from dashboards.home import FLAG_STEPS, OF_HOME, SIGNAL, TOUCHES
from dashboards.links import HOME, SUBSTATION
from dashboards.look import Look
from dashboards.series import FLAGS_OVER_TIME, limit, with_gaps
from dashboards.words import titles
from domain.policy import Policy
from domain.policy_file import builtin, builtin_names
from tests.api import town
from tests.dashboards.conftest import look

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BOARDS = dashboards(look())
CONTRACT = "UPDATE home SET class = %s, contract_limit = %s, contract_from = %s, contract_to = %s WHERE code = 'h'"


def ask(conn: Connection, statement: str, since: datetime, until: datetime) -> list[Any]:
    chosen = {"home": "h", "substation": "S-North"}
    return conn.execute(expand(statement, chosen, since, until).encode()).fetchall()


def step(rows: list[Any], at: datetime) -> Any:
    """Return the value in force at an instant, as a line in steps shows it."""
    index = bisect_right([row[0] for row in rows], at) - 1
    return rows[index][1] if index >= 0 else None


def strictest(policy: Policy, at: datetime, home_class: str, severity: str, contract: Any = None) -> float | None:
    """Return the limit at an instant, from the rules themselves."""
    version = policy.version_at(at)
    if version is None or not policy.in_season(at):
        return None
    clock = at.astimezone(policy.zone).time()
    found = [
        x.below_celsius
        for x in version.limits
        if (x.home_class, x.severity) == (home_class, severity) and x.holds_at(clock)
    ]
    if contract and severity == "cold" and (contract[1] is None or contract[1] <= clock < contract[2]):
        found.append(contract[0])
    return max(found, default=None)


@pytest.mark.parametrize("severity", ["cold", "severe"])
@pytest.mark.parametrize("name", builtin_names())
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin"])
def test_limits_are_those_of_the_policy(connection: Connection, name: str, zone: str, severity: str) -> None:
    policy = builtin(name, zone)
    town.home(connection, "h")
    draw = random.Random(f"{name} {zone} {severity}")
    look = Look("en", policy, datetime(2026, 1, 15, tzinfo=UTC), "")
    # Seasons end and begin here, versions change, and clocks are turned forward in Berlin.
    for since in (
        datetime(2025, 11, 12, tzinfo=UTC),
        datetime(2026, 1, 8, tzinfo=UTC),
        datetime(2026, 3, 13, tzinfo=UTC),
    ):
        until = since + timedelta(days=6)
        rows = ask(connection, limit(look, severity), since, until)
        for _ in range(60):
            at = since + draw.randrange(int((until - since) / MINUTE)) * MINUTE
            assert step(rows, at) == strictest(policy, at, "multistorey", severity), at


def test_a_contract_counts_where_it_is_stricter(connection: Connection) -> None:
    policy, since = builtin("sample-all-day"), datetime(2026, 1, 8, tzinfo=UTC)
    town.home(connection, "h")
    contract = (21.0, datetime(2026, 1, 1, 7).time(), datetime(2026, 1, 1, 20).time())  # noqa: DTZ001
    connection.execute(CONTRACT, ("bungalow", *contract))
    rows = ask(connection, limit(Look("en", policy, since, ""), "cold"), since, since + timedelta(days=2))
    values = {step(rows, since + n * 7 * MINUTE) for n in range(400)}
    assert values == {20.0, 21.0}
    for n in range(400):
        at = since + n * 7 * MINUTE
        assert step(rows, at) == strictest(policy, at, "bungalow", "cold", contract)


def test_a_home_without_rules_has_no_limit(connection: Connection) -> None:
    town.home(connection, "h")
    connection.execute(CONTRACT, ("bungalow", None, None, None))
    since = datetime(2026, 1, 8, tzinfo=UTC)
    look = Look("en", builtin("seed"), since, "")
    assert ask(connection, limit(look, "cold"), since, since + timedelta(days=1)) == []


def test_a_line_ends_where_nothing_is_known(connection: Connection) -> None:
    samples = """
SELECT to_timestamp(t) AS time, room, interval '10 s' AS hold, v AS celsius
FROM (VALUES (0, 'a', 1), (5, 'b', 2), (10, 'a', 3), (40, 'a', 4)) AS x (t, room, v)
"""
    rows = connection.execute(with_gaps(samples, ("celsius",), by="room").encode()).fetchall()
    found = [(int(time.timestamp()), room, value) for time, room, value in rows]
    assert sorted(found, key=str) == sorted(
        [(0, "a", 1), (5, "b", 2), (10, "a", 3), (15, "b", None), (20, "a", None), (40, "a", 4), (50, "a", None)],
        key=str,
    )
    assert [time for time, _, _ in found] == sorted(time for time, _, _ in found)


def test_each_flag_counts_from_its_beginning_to_its_end(connection: Connection) -> None:
    draw = random.Random(5)
    since, until = town.NOW, town.NOW + timedelta(hours=6)
    spans = []
    for n in range(25):
        home = town.home(connection, f"h{n}")
        begins = since + draw.randrange(-300, 400) * MINUTE
        ends = begins + draw.randrange(1, 400) * MINUTE if draw.random() < 0.7 else None
        ticket, _ = town.ticket(connection, home)
        town.flag(connection, home, ticket, since=begins, cleared_at=ends)
        spans.append((begins, ends))
    rows = ask(connection, FLAGS_OVER_TIME, since, until)
    for n in range(360):
        at = since + n * MINUTE
        assert step(rows, at) == sum(begins <= at and (ends is None or at < ends) for begins, ends in spans)


def test_the_steps_of_a_flag(connection: Connection) -> None:
    home = town.home(connection, "h")
    ticket, _ = town.ticket(connection, home)
    since, until = town.NOW, town.NOW + timedelta(hours=6)
    town.flag(connection, home, ticket, since=since - 60 * MINUTE, cleared_at=since + 30 * MINUTE)
    later = town.flag(connection, home, ticket, since=since + 60 * MINUTE)
    connection.execute("UPDATE flag SET severity = 2, severe_at = %s WHERE flag_id = %s", (since + 90 * MINUTE, later))
    rows = ask(connection, FLAG_STEPS.format(by="", chosen=OF_HOME, touches=TOUCHES), since, until)
    assert [((time - since) / MINUTE, flag) for time, flag in rows] == [
        (0, "cold"), (30, None), (60, "cold"), (90, "severe"),
    ]  # fmt: skip


def test_when_a_room_was_heard(connection: Connection) -> None:
    home = town.home(connection, "h")
    sensor = town.sensor(connection, home)
    for minute in (0, 10, 20, 90, 100):
        town.reading(connection, sensor, town.NOW + minute * MINUTE, 20.0)
    signal = SIGNAL.format(holds=3, archive="'old'")
    rows = ask(connection, signal, town.NOW, town.NOW + timedelta(hours=6))
    assert [((time - town.NOW) / MINUTE, signal) for time, _, signal in rows] == [
        (0, "known"), (50, "silent"), (90, "known"), (130, "silent"),
    ]  # fmt: skip
    # Nobody says of days that the table has lost that the room was silent.
    lose(connection, town.NOW + 85 * MINUTE)
    rows = ask(connection, signal, town.NOW - HOUR, town.NOW + timedelta(hours=6))
    assert [((time - town.NOW) / MINUTE, room == "old", signal) for time, room, signal in rows] == [
        (-60, True, "archived"), (0, False, "known"), (85, True, None), (90, False, "known"), (130, False, "silent"),
    ]  # fmt: skip


def lose(connection: Connection, since: datetime) -> None:
    """Have the table know that it has lost to the archive what is older."""
    connection.execute("UPDATE readings_kept SET since = %s", (since,))
    connection.execute(
        "INSERT INTO archive_entry VALUES (1, 'reading', decode(repeat('00', 32), 'hex'), '2026-01-01', 0, now())"
    )


def test_days_that_the_table_has_lost_are_told_with_the_command_that_brings_them_back(connection: Connection) -> None:
    home, substation = (
        next(q.sql for q in questions(BOARDS[board]) if q.place == titles.OUT_OF_THE_TABLE.en)
        for board in (HOME, SUBSTATION)
    )
    assert ask(connection, home, town.NOW - HOUR, town.NOW) == []
    since = town.NOW - 2 * DAY
    connection.execute("UPDATE readings_kept SET since = %s", (since,))
    ((_, _, text, _),) = ask(connection, home, since - 5 * DAY, town.NOW)
    assert "HEARTH_READING_DAYS" in text
    lose(connection, since)
    ((begin, end, text, _),) = ask(connection, home, since - 5 * DAY, town.NOW)
    assert (begin, end) == (since - 5 * DAY, since)
    told = f"hearth archive restore --from {begin:%Y-%m-%d} --to {end + DAY:%Y-%m-%d}"
    assert text.endswith(f"{told} --home h")
    ((_, _, text, _),) = ask(connection, substation, begin, town.NOW)
    assert text.endswith(told)
    assert ask(connection, home, since, town.NOW) == []

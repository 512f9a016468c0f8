"""`hearth recheck` is interrupted and killed in the middle and repeated: the record is as if nothing had happened."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from alerts.judging.pool import CHUNK_HOMES, WORKERS
from bench.town import HOMES
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, World
from tests.conftest import Database

# What waits in the queue of the workers is more than what they may have begun.
TOWN = (2 * WORKERS + 4) * CHUNK_HOMES
DAYS = 2
# Every third home is cold from time to time.
SAID = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
SELECT s, at, at, 20.5 - 4 * (s %% 3 = 0 AND extract(hour FROM at)::integer %% 8 = 3)::integer, 0, true
FROM generate_series(1, %(homes)s) AS s,
  generate_series(%(start)s, %(start)s + %(days)s * interval '1 day', interval '15 min') AS at
"""
FLAGS = """
SELECT home_id, severity, cold_since, confirmed_at, severe_at, suspended_at, cleared_at, clear_reason, lowest,
  limit_celsius, policy, state
FROM flag JOIN ticket USING (ticket_id, home_id) ORDER BY home_id, cold_since
"""
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hearth recheck'"
JUDGED_HOMES = "SELECT count(DISTINCT home_id) FROM ledger"


@pytest.mark.slow
def test_interrupted_and_repeated(new_world: Making, database: Database, plain_database: Database) -> None:
    midnight = datetime.now(UTC).replace(hour=16, minute=0, second=0, microsecond=0)  # of the built-in rules
    start = midnight - timedelta(days=DAYS + 1)
    world = settled(new_world(database), start)
    arguments = ("recheck", "--from", str(start.date()), "--json")

    with psycopg.connect(database.url) as busy:
        # Only the first chunk can be judged, until we let go.
        busy.execute("SELECT 1 FROM home_state WHERE home_id > %s FOR UPDATE", [CHUNK_HOMES])
        recheck = world.start(*arguments)
        until(lambda: world.one(JUDGED_HOMES) > 0, "a chunk of homes is judged", seconds=60)
        recheck.interrupt()
        time.sleep(1)
    assert recheck.wait() == 130
    (line,) = recheck.said().splitlines()
    assert "interrupted" in line
    assert "run it again" in line
    assert CHUNK_HOMES <= world.one(JUDGED_HOMES) < TOWN

    with psycopg.connect(database.url) as busy:
        busy.execute("SELECT 1 FROM home_state WHERE home_id > %s FOR UPDATE", [TOWN - CHUNK_HOMES])
        killed, before = world.start(*arguments), world.one(JUDGED_HOMES)
        until(lambda: world.one(JUDGED_HOMES) > before, "another chunk of homes is judged", seconds=60)
        killed.kill()
    until(lambda: world.one(OTHERS) == 0, "its workers have gone", seconds=60)
    assert world.one(JUDGED_HOMES) < TOWN

    assert json.loads(world.command(*arguments).stdout)["homes"] == TOWN
    repeated = record(world, start)
    assert len(repeated[0]) >= TOWN // 3
    assert len(repeated[1]) == TOWN * DAYS
    outcome = json.loads(world.command(*arguments).stdout)
    assert (outcome["raised"], outcome["withdrawn"], outcome["corrected"]) == (0, 0, 0)

    undisturbed = settled(new_world(plain_database), start)
    undisturbed.command(*arguments)
    assert record(undisturbed, start) == repeated


def settled(world: World, start: datetime) -> World:
    """Settle a town that has spoken for some days from an instant."""
    world.policy()
    with psycopg.connect(world.database.url) as conn, psycopg.ClientCursor(conn) as cur:
        cur.execute(HOMES, {"homes": TOWN})
        cur.execute(SAID, {"homes": TOWN, "start": start, "days": DAYS})
    return world


def record(world: World, start: datetime) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return flags with the state of their tickets, and the days that the town spoke on."""
    days = f"SELECT * FROM ledger WHERE day <= DATE '{start.date() + timedelta(days=DAYS)}' ORDER BY home_id, day"
    return world.rows(FLAGS), world.rows(days)

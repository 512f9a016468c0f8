"""A whole season leaves as it is read: what the API holds of it in memory does not grow with its length."""

from datetime import UTC, datetime, timedelta

import pytest

from tests import registry_rows as town
from tests.acceptance.processes import Process
from tests.acceptance.world import Making
from tests.conftest import Database

FIRST = datetime(2025, 11, 1, tzinfo=UTC)
EVERY = timedelta(seconds=10)
SHORT, LONG = timedelta(days=10), timedelta(days=120)
# Held whole, a season takes 50 MB more.
MOST_MORE_MB = 35
SAID = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
SELECT s.sensor_id, at, at, 20 + sin(extract(epoch FROM at))::real, 0, true
FROM sensor AS s, generate_series(%(first)s, %(end)s - %(every)s, %(every)s) AS at
"""


@pytest.mark.slow
def test_a_season_takes_no_more_memory_than_some_days(new_world: Making, plain_database: Database) -> None:
    world = new_world(plain_database)
    with plain_database.connect() as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        conn.execute(SAID, {"first": FIRST, "end": FIRST + LONG, "every": EVERY})
    port, api = world.start_api()
    reader = world.reader(port, "customer", "H1")
    for form in ("csv", "jsonl", "parquet"):
        sizes, peaks = [], []
        # As many batches each, so that as many of the server's threads have had one: each keeps some 20 MB of it.
        for span, times in ((SHORT, LONG // SHORT), (LONG, 1)):
            path = f"homes/H1/readings.{form}?from={FIRST:%Y-%m-%dT%H:%M:%SZ}&to={FIRST + span:%Y-%m-%dT%H:%M:%SZ}"
            for _ in range(times):
                size = reader.swallow(path)
            sizes.append(size)
            peaks.append(peak_mb(api))
        assert sizes[1] > 10 * sizes[0], form
        assert peaks[1] - peaks[0] < MOST_MORE_MB, (form, sizes, peaks)


def peak_mb(process: Process) -> float:
    """Return the most memory that a process ever held (VmHWM), MB."""
    (line,) = (line for line in process.status().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1000

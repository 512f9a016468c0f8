"""The commands of the archive are killed at any moment: nothing is lost, and nothing is there twice."""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest

from alerts.evidence.reading_seals import seal_days
from archives import manifest, sealing
from archives.place import ArchivePlace
from archives.reading import ReadingArchive
from bench.town import HOMES
from local.port import free_port
from tests.acceptance import processes
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, World
from tests.conftest import Database

TOWN = 150
DAY = timedelta(days=1)
SAID = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed)
SELECT s, at + s * interval '1 ms', at + s * interval '2 ms', 20.5 - s %% 7 / 10.0, 0, true
FROM generate_series(1, %(homes)s) AS s,
  generate_series(%(start)s, %(start)s + interval '4 days', interval '15 min') AS at
"""
SUM = "SELECT count(*), md5(string_agg(r::text, ',' ORDER BY sensor_id, measured_at)) FROM reading AS r"
KILLS = 5


@pytest.fixture
def world(new_world: Making, plain_database: Database, tmp_path: Path) -> World:
    """A town whose days are settled, and a folder for its archive."""
    world = new_world(plain_database)
    world.environment["HEARTH_ARCHIVE"] = (tmp_path / "archive").as_uri()
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - 60 * DAY
    with psycopg.connect(plain_database.url, autocommit=True) as conn, psycopg.ClientCursor(conn) as cur:
        cur.execute(HOMES, {"homes": TOWN})
        settle(conn, start)
        cur.execute(SAID, {"homes": TOWN, "start": start})
        settle(conn, datetime.now(UTC))
    return world


def settle(conn: psycopg.Connection, now: datetime) -> None:
    for _ in range(4):
        while seal_days(conn, now):
            pass


def killed(world: World, chance: random.Random, *arguments: str) -> None:
    """Start a command again and again, and kill it each time."""
    for _ in range(KILLS):
        process = world.start(*arguments)
        time.sleep(chance.uniform(0.0, 0.7))
        process.kill()


def test_killed_at_any_moment_and_run_again(world: World, plain_database: Database, tmp_path: Path) -> None:
    chance = random.Random(7)
    ((rows, whole),) = [tuple(row.values()) for row in world.rows(SUM)]
    assert "reading: nothing yet" in world.command("archive", "status").stdout
    assert "reading: " in world.command("archive", "seal", "--dry-run").stdout
    killed(world, chance, "archive", "seal")
    world.command("archive", "seal")
    killed(world, chance, "archive", "verify")
    found = json.loads(world.command("archive", "verify", "--json").stdout)
    assert (found["faults"], found["rows"]) == ([], rows)
    status = json.loads(world.command("archive", "status", "--json").stdout)
    assert status["reading"]["rows"] == rows
    assert status["noted"] == status["entries"]
    assert f"{rows:,} rows" in world.command("archive", "status").stdout
    with psycopg.connect(plain_database.url, autocommit=True) as conn:
        archive = ReadingArchive.open(ArchivePlace(world.environment["HEARTH_ARCHIVE"]), "main")
        while sealing.drop(conn, archive, datetime.now(UTC), 100_000):
            pass
    assert world.one("SELECT count(*) FROM reading") == 0
    span = ("--from", f"{datetime.now(UTC) - 70 * DAY:%Y-%m-%d}", "--to", f"{datetime.now(UTC):%Y-%m-%d}")
    assert f"{rows:,} would be put back" in world.command("archive", "restore", *span, "--dry-run").stdout
    killed(world, chance, "archive", "restore", *span)
    world.command("archive", "restore", *span)
    assert [tuple(row.values()) for row in world.rows(SUM)] == [(rows, whole)]
    # One that the manifest names: beside it may lie the file of an attempt that was cut off.
    path = tmp_path / "archive" / manifest.home("main") / archive.files()[0].path
    content = path.read_bytes()
    path.write_bytes(content[:99] + bytes([content[99] ^ 1]) + content[100:])
    verdict = processes.run(world.environment, "archive", "verify")
    assert verdict.returncode == 1
    assert f"{path.relative_to(tmp_path / 'archive')}: is not as it was written" in verdict.stdout


def test_watch_seals_what_is_settled_and_drops_what_is_sealed(world: World) -> None:
    rows = world.one("SELECT count(*) FROM reading")
    port = free_port()
    watch = world.start("watch", HEARTH_READING_DAYS="30", HEARTH_WATCH_METRICS_PORT=str(port))
    until(lambda: world.one("SELECT count(*) FROM reading") == 0, "the table has lost what the archive has", seconds=60)
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert 'hearth_archive_due_seconds{kind="reading"}' in answer.read().decode()
    assert watch.stop() == 0
    assert "as sealed, readings up to" in world.command("check", "archive").stdout
    status = json.loads(world.command("archive", "status", "--json").stdout)
    assert status["reading"]["rows"] == rows
    assert status["table_since"] is not None
    found = json.loads(world.command("archive", "verify", "--json").stdout)
    assert (found["faults"], found["strays"]) == ([], [])
    verified = json.loads(world.command("verify", "readings", "--json").stdout)
    assert verified["counts"]["readings"] == rows

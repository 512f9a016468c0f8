"""Answers of the API out of the archive alone: a home's day, the season of a home, the season of a building.

The table has lost all of it. `docs/performance.md` tells how each figure is taken.
"""

import argparse
import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import psycopg
from numpy.typing import NDArray

from archives import manifest
from archives.layout import READINGS
from archives.manifest import ManifestEntry, Reached
from archives.place import ArchivePlace
from archives.writing import Target, write
from bench.api import (
    INTERVAL_S,
    Season,
    Size,
    asked_at,
    by_account,
    customers,
    day_of,
    make_account,
    of_rounds,
    served,
)
from bench.asking import PATIENCE_S, run
from bench.town import found
from domain.instants import to_us
from local import trixie
from local.port import LOOPBACK
from local.trixie import TimescalePostgres
from store.base import access
from store.base.access import Role

DATABASE, UTILITY = "archived", "main"
HOMES_OF_BUILDING = 100
SENSORS_AT_ONCE = 20
JITTER_MS = 3_000
SETTINGS = {"shared_buffers": "256MB", "shared_preload_libraries": "timescaledb"}

BUILDINGS = f"""
INSERT INTO building (code, substation_id, name, address)
SELECT 'B' || n, substation_id, 'B', ''
FROM substation, generate_series(0, (SELECT count(*) FROM home) / {HOMES_OF_BUILDING}) AS n;
UPDATE home AS h SET building_id = b.building_id
FROM building AS b WHERE b.code = 'B' || substr(h.code, 2)::integer / {HOMES_OF_BUILDING};
"""


@dataclass(frozen=True)
class Town:
    """A season in an archive, and who may ask for it."""

    season: Season
    leader: str  # token of a supervisor
    buildings: int


def main() -> None:
    """Take all figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that only shows that it runs")
    parser.add_argument("--homes", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each round of days")
    parser.add_argument("--rate", type=float, default=200.0, help="days asked for in a second")
    args = parser.parse_args()
    size = Size(homes=args.homes, seconds=args.seconds, rate=args.rate, customers=min(args.homes, 200))
    if args.quick:
        size = Size(homes=20, days=40, seconds=2.0, rounds=2, rate=20.0, customers=5, exports=2)
    trixie.ensure()
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with TimescalePostgres(folder / "postgres", settings=SETTINGS) as server:
            print(json.dumps(measure(settled(server, folder / "archive", size), size)))


def settled(server: TimescalePostgres, folder: Path, size: Size) -> Town:
    """Make a town whose readings are all in the archive."""
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {DATABASE}".encode())
    owner = server.url(DATABASE)
    found(owner, size.homes)
    make_account(owner)
    until = datetime.combine(datetime.now(UTC).date(), datetime.min.time(), UTC)
    archive(ArchivePlace(folder.as_uri()), size, until - timedelta(days=size.days), until)
    with psycopg.connect(owner, autocommit=True) as conn:
        conn.execute(BUILDINGS.encode())
        conn.execute("UPDATE readings_kept SET since = %s", (until,))
        leader = access.create(conn, access.TokenGrant(Role.SUPERVISOR), datetime.now(UTC))
        conn.execute("VACUUM ANALYZE")
    first = (until - timedelta(days=size.days)).date()
    season = Season(by_account(owner), owner, first, size.days, customers(owner, size), folder.as_uri())
    return Town(season, leader, size.homes // HOMES_OF_BUILDING)


def archive(place: ArchivePlace, size: Size, start: datetime, end: datetime) -> None:
    """Write the archive of a season, a file and an entry for each month; sensors are numbered from 1."""
    random, previous, number = np.random.default_rng(1), manifest.FIRST, 0
    while start < end:
        month = f"{start:%Y-%m}"
        until = min(end, (start.replace(day=1) + timedelta(days=32)).replace(day=1))
        number += 1
        target = Target(place, UTILITY, READINGS, month, 0, manifest.BASE, f"base-{number:08}")
        file = write(target, months(random, size.homes, start, (until - start).days))
        assert file is not None
        reached = Reached(begins=f"{start:%Y-%m-%d}", upto=f"{until:%Y-%m-%d}", late=0, whole=True)
        entry = ManifestEntry(
            number=number,
            previous=previous,
            made_at="",
            reached={READINGS.name: reached},
            shards={"0": [(1, size.homes)]} if number == 1 else {},
            files=(file,),
        )
        manifest.add(place, UTILITY, entry)
        previous, start = entry.root, until


def months(random: np.random.Generator, sensors: int, start: datetime, days: int) -> Iterator[NDArray[np.void]]:
    """Yield the readings of sensors for some days: the rooms of bench.size."""
    count = days * 86_400 // INTERVAL_S
    nth = np.arange(count)
    for first in range(1, sensors + 1, SENSORS_AT_ONCE):
        some = range(first, min(first + SENSORS_AT_ONCE, sensors + 1))
        rows = np.zeros((len(some), count), READINGS.dtype)
        for row, sensor in zip(rows, some, strict=True):
            phase = int(random.integers(0, (INTERVAL_S - 3) * 1_000))
            milliseconds = nth * INTERVAL_S * 1_000 + phase + random.integers(0, JITTER_MS, count)
            row["sensor_id"] = sensor
            row["measured_at"] = to_us(start) + milliseconds * 1_000
            row["received_at"] = row["measured_at"] + (50_000 + random.exponential(300_000, count)).astype(np.int64)
            wander = np.cumsum(random.random(count) - 0.5) * 0.1
            row["temperature"] = np.round(21 + 1.5 * np.sin(nth / 46 + sensor) + wander, 1)
            row["humidity"] = np.round(2 * (40 + 8 * np.sin(nth / 90 + sensor) + random.random(count))) / 2
            row["battery"] = 100 - nth // 2_000
        rows["self_timed"] = True
        yield rows.reshape(-1)


def measure(town: Town, size: Size) -> dict[str, float]:
    """Return all figures."""
    season = town.season
    figures: dict[str, float] = {"homes": size.homes, "days": size.days}
    with served(season) as port:
        days = asked_at(size, lambda random: day_of(season, random, season.days))
        run(port, days[: len(days) // 4], None)
        begun = time.perf_counter()
        run(port, days, None)
        figures["archived_days_per_s"] = round(len(days) / (time.perf_counter() - begun))
        figures |= of_rounds("archived_day", [run(port, days, size.rate) for _ in range(size.rounds)])
        for form in ("parquet", "csv", "jsonl"):
            took = [
                exported(port, season, f"homes/{home}/readings.{form}", token)
                for home, token in season.tokens[: size.exports]
            ]
            rows = season.days * 86_400 // INTERVAL_S
            figures[f"home_export_{form}_rows_per_s"] = round(rows / float(np.median(took)))
        took = [
            exported(port, season, f"buildings/B{nth}/readings.parquet", town.leader)
            for nth in range(max(town.buildings, 1))
        ]
        rows = min(size.homes, HOMES_OF_BUILDING) * season.days * 86_400 // INTERVAL_S
        figures["export_rows_per_s"] = round(rows / float(np.median(took)))
        return figures


def exported(port: int, season: Season, path: str, token: str) -> float:
    """Return the seconds of an export of the season, from the request to the last byte."""
    span = {"from": f"{season.first}T00:00:00Z", "to": f"{season.first + timedelta(days=season.days)}T00:00:00Z"}
    conn, begun = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE_S), time.perf_counter()
    conn.request("GET", f"/v1/{path}?{urlencode(span)}", headers={"Authorization": f"Bearer {token}"})
    answer = conn.getresponse()
    while answer.read(1 << 20):
        pass
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    conn.close()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()

"""The speed of judging the past: the engine alone, `hearth recheck` from table to ledger, and two rivals.

`docs/performance.md` says how each figure is taken.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray
from rich.console import Console

from alerts.engine.days import runs_of
from alerts.engine.lanes import Lanes
from alerts.engine.ledger import ledger
from alerts.engine.machine import fold, idle, idle_homes
from alerts.engine.schedule import Schedules, Terms, compile_schedule
from bench import rivals
from bench.stand import SETTINGS
from bench.town import found, policy_text
from bench.winter import INTERVAL_US, Winter, winter
from domain import policy, policy_file, rows
from domain.instants import EVER_US, to_us
from local import trixie
from local.trixie import TimescalePostgres
from store.base import wire

SEED = Path(policy.__file__).with_name("policies") / "seed.toml"
HEARTH = [sys.executable, "-c", "from hearth.cli import main; main()"]
# A small process in between, because a child begins with the peak memory of its parent. What a program leaves behind
# when it ends, such as what its workers are copied from, becomes a child of this one (PR_SET_CHILD_SUBREAPER) and is
# waited for.
WEIGH = """
import ctypes, os, resource, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
try:
    while True:
        os.wait()
except ChildProcessError:
    pass
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""
ROWS: wire.Layout = {
    "sensor_id": "int4",
    "measured_at": "timestamptz",
    "received_at": "timestamptz",
    "temperature": "float4",
    "quality": "int2",
    "self_timed": "bool",
}
COPY = f"COPY reading ({', '.join(ROWS)}) FROM STDIN (FORMAT BINARY)"
COPY_ROWS = 200_000
LOADED, HALF, WHOLE = "loaded", "half", "whole"  # databases
ROUNDS = 3
console = Console(stderr=True)


@dataclass(frozen=True)
class Size:
    """Sizes of the benchmark."""

    homes: int = 2_000
    days: int = 60
    rival_homes: int = 250  # a rival's rate falls with the size of what it sorts: less is kind to it


QUICK = Size(homes=20, days=5, rival_homes=10)


@dataclass(frozen=True)
class Span:
    """Local days up to today, and the built-in policy with a season over them."""

    first: date
    end: date
    policy_text: str

    @classmethod
    def until_today(cls, days: int) -> "Span":
        """Return the days that are over."""
        end = datetime.now(policy_file.builtin("seed").zone).date()
        first = end - timedelta(days=days)
        return cls(first, end, policy_text(SEED, first, end))

    @cached_property
    def policy(self) -> policy.Policy:
        """The policy to judge by."""
        return policy_file.load(self.policy_text, "benchmark")

    @property
    def low_us(self) -> int:
        """The first midnight."""
        return self._midnight_us(self.first)

    @property
    def high_us(self) -> int:
        """The last midnight."""
        return self._midnight_us(self.end)

    def _midnight_us(self, day: date) -> int:
        return to_us(datetime.combine(day, datetime.min.time(), self.policy.zone))


def main() -> None:
    """Take all figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that only shows that it runs")
    parser.add_argument("--homes", type=int, help="homes to judge")
    parser.add_argument("--only", choices=("engine", "polars", "recheck"), help="one part of it")
    args = parser.parse_args()
    size = QUICK if args.quick else Size(homes=args.homes or Size.homes)
    try:
        print(json.dumps(measure(size, args.only)))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def measure(size: Size, only: str | None = None) -> dict[str, float | None]:
    """Return all figures, or those of one part."""
    span = Span.until_today(size.days)
    console.print(f"judging: {size.homes} homes over {size.days} days")
    said = winter(size.homes, size.days, span.low_us)
    figures: dict[str, float | None] = {"homes": size.homes, "days": size.days, "readings": len(said.home)}
    if only in (None, "engine"):
        figures["engine_readings_per_s"] = round(engine_rate(said, size.homes, span))
        console.print(figures)
    rival = said.of(size.rival_homes)
    figures["rival_readings"] = len(rival.home)
    if only in (None, "polars"):
        figures["polars_readings_per_s"] = polars_rate(rival, min(size.rival_homes, size.homes), span)
    if only in (None, "recheck"):
        figures |= _in_database(said, size, span, rivals_too=only is None)
    # From table to table against from table to table, and arrays in memory against arrays in memory.
    pairs = {
        "recheck_vs_sql": ("recheck", "sql"),
        "ratio_vs_sql": ("engine", "sql"),
        "ratio_vs_polars": ("engine", "polars"),
    }
    for name, (ours, theirs) in pairs.items():
        figures[name] = _ratio(figures.get(f"{ours}_readings_per_s"), figures.get(f"{theirs}_readings_per_s"))
    return figures


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return round(ours / theirs, 2) if ours and theirs else None


def judge(said: Winter, homes: int, span: Span) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Ledger days and ended flags of readings in memory, as stored: the way of `alerts.judging.history`."""
    begin, end = np.full(homes, span.low_us), np.full(homes, span.high_us)
    pieces = compile_schedule(span.policy, Terms("multistorey"), span.first, span.end + timedelta(days=1))
    schedules, machines = Schedules.join([pieces]), idle(homes)
    days, ended = list[NDArray[np.void]](), list[NDArray[np.void]]()
    schedule, quiet = np.zeros(homes, np.int64), idle_homes(machines)
    for part in runs_of(_lanes(said, homes), schedules, schedule, begin, end, quiet):
        mine = rows.take(part, part["start"] < span.high_us)
        days.append(ledger(mine, schedules.pieces))
        ended.append(fold(machines, mine, schedules.pieces))
    return rows.join(days), rows.join(ended)


def _lanes(said: Winter, homes: int) -> Lanes:
    """Return what the engine is given: each reading is held for three intervals, unless the next one comes."""
    home, every = np.arange(homes), np.ones(homes, np.int64)
    first, end = (np.searchsorted(said.home, home, side) for side in ("left", "right"))
    held = (every * 3 * INTERVAL_US, every * EVER_US, np.zeros(homes, np.int32))
    return Lanes(home, home * 0, first, end, *held, said.start, said.celsius)


def engine_rate(said: Winter, homes: int, span: Span) -> float:
    """Return Readings/s of one core, by its own time: others on the machine do not count. The best of some rounds."""
    best = np.inf
    for _ in range(ROUNDS):
        begin = time.thread_time()
        judge(said, homes, span)
        best = min(best, time.thread_time() - begin)
    return len(said.home) / best


def engine_readings_per_s(homes: int = 2_000, days: int = 60) -> int:
    """Return Readings/s of the engine on one core: from times and 32-bit temperatures in memory to ledger and flags."""
    span = Span.until_today(days)
    return round(engine_rate(winter(homes, days, span.low_us), homes, span))


def polars_rate(said: Winter, homes: int, span: Span) -> float | None:
    """Return Readings/s of polars on all cores, its ledger checked; None if it is not installed."""
    if find_spec("polars") is None:
        console.print("polars is not installed (extra `bench`): no figures of it")
        return None
    best = np.inf
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        theirs = rivals.by_polars(said, span.low_us, span.high_us)
        best = min(best, time.perf_counter() - begin)
    ours, _ = judge(said, homes, span)
    for name in ("compliant", "cold", "severe", "unknown", "shortfall", "heat"):
        if not np.array_equal(theirs[name].to_numpy(), ours[name]):
            raise AssertionError(f"polars counts {name} otherwise")
    return round(len(said.home) / best)


def _in_database(said: Winter, size: Size, span: Span, rivals_too: bool) -> dict[str, float | None]:
    """Return `hearth recheck` and the SQL statement on databases with the same readings."""
    trixie.ensure()
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as folder:
        Path(folder).chmod(0o711)
        server = TimescalePostgres(Path(folder) / "postgres", settings=SETTINGS)
        try:
            server.start()
            create(server, LOADED)
            found(server.url(LOADED), size.homes)
            figures: dict[str, float | None] = {"load_s": round(_load(server.url(LOADED), said), 1)}
            console.print(figures)
            figures |= _rechecks(server, said, size, span, Path(folder))
            console.print(figures)
            if rivals_too:
                seconds, differences = _sql(server.url(WHOLE), min(size.rival_homes, size.homes), span)
                rate = round(len(said.of(size.rival_homes).home) / seconds)
                figures |= {"sql_readings_per_s": rate, "sql_differences": differences}
                console.print(figures)
        finally:
            server.remove()
    return figures


def create(server: TimescalePostgres, name: str, template: str = "template1") -> None:
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())


def _rechecks(server: TimescalePostgres, said: Winter, size: Size, span: Span, folder: Path) -> dict[str, float | None]:
    """Run `hearth recheck` of half of the homes and of all, each from an empty ledger: records stay."""
    seconds, mib = {}, {}
    for name, homes in ((HALF, size.homes // 2), (WHOLE, size.homes)):
        create(server, name, LOADED)
        seconds[name], mib[name] = recheck(server.url(name), homes, span, folder)
    return {
        "recheck_readings_per_s": round(len(said.home) / seconds[WHOLE]),
        "recheck_half_homes_readings_per_s": round(len(said.of(size.homes // 2).home) / seconds[HALF]),
        "peak_rss_mib": mib[WHOLE],
        "peak_rss_mib_half_homes": mib[HALF],
    }


def _load(url: str, said: Winter) -> float:
    """Store the readings as they would have come, all homes at a time; returns the seconds."""
    began = time.perf_counter()
    order = np.argsort(said.start, kind="stable")
    parts = [order[i : i + COPY_ROWS] for i in range(0, len(order), COPY_ROWS)]
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(lambda mine: _copy(url, said, mine), [parts[i::cores] for i in range(cores)]))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE reading")
    return time.perf_counter() - began


def _copy(url: str, said: Winter, parts: list[NDArray[np.intp]]) -> None:
    with psycopg.connect(url, autocommit=True) as conn, conn.cursor() as cur:
        for part in parts:
            rows = np.zeros(len(part), wire.native(ROWS))
            rows["sensor_id"], rows["temperature"] = said.home[part] + 1, said.celsius[part]
            rows["measured_at"] = rows["received_at"] = said.start[part]
            rows["self_timed"] = True
            wire.write(cur, COPY, ROWS, rows)


def recheck(url: str, homes: int, span: Span, folder: Path) -> tuple[float, float]:
    """Return seconds and peak memory (MiB, of the largest of its processes) of `hearth recheck` over all days.

    It begins with an empty ledger. Homes beyond `homes` are taken out of what is judged.
    """
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("DELETE FROM home_state WHERE home_id > %s", [homes])
    command = [*HEARTH, "recheck", "--from", str(span.first), "--json"]
    file = folder / "policy.toml"
    file.write_text(span.policy_text, encoding="utf-8")
    environment = {**os.environ, "HEARTH_DATABASE_URL": url, "HEARTH_POLICY": str(file), "HEARTH_LOG_LEVEL": "warning"}
    began = time.perf_counter()
    weighed = [sys.executable, "-c", WEIGH, *command]
    kib = subprocess.run(weighed, env=environment, stdout=subprocess.PIPE, check=True, text=True).stdout
    return time.perf_counter() - began, round(int(kib) / 1024, 1)


def _sql(url: str, homes: int, span: Span) -> tuple[float, float]:
    """Return seconds of the SQL statement, and how many days it counts otherwise than Hearth."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SET work_mem = '256MB'")
        began = time.perf_counter()
        rivals.by_sql(conn, homes, span.first, span.end)
        return time.perf_counter() - began, rivals.sql_differences(conn, homes)


if __name__ == "__main__":
    main()

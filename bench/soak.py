"""A million readings through the whole path: nothing lost, and the worker's memory stays flat.

`docs/performance.md` says how to read the figures.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from threading import Event, Thread

import psycopg
from rich.console import Console

from bench.stand import Ingest, stand
from bench.traffic import INTERVAL_MS, Traffic
from local.server import ServerError

READINGS = 1_000_000
HOMES = 20_000
SLICES = 10  # published one after the other, so that the publisher does not hold all packets at once
SAMPLE_S = 0.25
PROGRESS_S = 5.0
FLAT = 0.10  # how far the last quarter may be from the second
console = Console(stderr=True)


@dataclass(frozen=True)
class Figures:
    """The figures as printed. Memory is the median resident set of the worker while each quarter was stored, MB."""

    readings: int
    lost: int
    duplicates: int
    memory_mb: list[float]
    flat: bool
    duration_s: float


def main() -> None:
    """Run and print one JSON object; exit code 1 if something was lost or memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=READINGS, help="how many, a multiple of 40")
    parser.add_argument("--homes", type=int, default=HOMES, help="homes in the town")
    args = parser.parse_args()
    try:
        figures = soak(args.readings, args.homes)
    except ServerError as error:
        raise SystemExit(f"soak: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    print(json.dumps(asdict(figures)))
    raise SystemExit(0 if figures.flat and not figures.lost else 1)


def soak(readings: int, homes: int) -> Figures:
    """Publish distinct readings in slices and wait until all of them are stored."""
    start_ms = int(time.time() * 1000) - (readings // homes + 3) * INTERVAL_MS
    some = readings // SLICES
    slices = [Traffic(homes, 1 + n * some, some, start_ms) for n in range(SLICES)]
    with stand() as servers:
        url = servers.database(homes)
        with servers.ingest(url, Traffic(homes, 0, 1, start_ms)) as ingest, Memory(url, ingest.process.pid) as memory:
            began = time.monotonic()
            for traffic in slices:
                servers.publish(traffic)
            duration_s = ingest.wait(1 + some * SLICES) - began
            stored, duplicates = _counts(ingest)
    quarters = memory.quarters(some * SLICES)
    flat = abs(quarters[3] - quarters[1]) <= FLAT * quarters[1]
    return Figures(some * SLICES, 1 + some * SLICES - stored, duplicates, quarters, flat, round(duration_s, 1))


def _counts(ingest: Ingest) -> tuple[int, int]:
    """Distinct readings in the table, with the one that woke the worker; and repetitions that were recognised."""
    row = ingest.conn.execute(
        "SELECT (SELECT count(*) FROM reading), (SELECT sum(duplicates)::bigint FROM ingest_worker)"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


class Memory:
    """Samples, in a thread of its own, what a process holds and how much is stored by then."""

    def __init__(self, url: str, pid: int) -> None:
        self.samples: list[tuple[int, float]] = []  # readings stored, MB
        self._url = url
        self._pid = pid
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def quarters(self, readings: int) -> list[float]:
        """Return the median of the samples in each quarter of so many readings."""
        split: list[list[float]] = [[] for _ in range(4)]
        for stored, megabytes in self.samples:
            split[min(stored * 4 // readings, 3)].append(megabytes)
        return [round(median(quarter), 1) for quarter in split]

    def _run(self) -> None:
        told = time.monotonic()
        with psycopg.connect(self._url, autocommit=True) as conn:
            while not self._over.wait(SAMPLE_S):
                row = conn.execute("SELECT sum(stored)::bigint FROM ingest_worker").fetchone()
                self.samples.append((int(row[0]) if row else 0, resident_mb(self._pid)))
                if time.monotonic() - told >= PROGRESS_S:
                    told = time.monotonic()
                    console.print("soak: {:,} stored, {:.0f} MB".format(*self.samples[-1]))


def resident_mb(pid: int) -> float:
    """Return the resident set of a process (VmRSS of /proc/PID/status)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()

"""06:00 in a big city: how long until every home that is too cold has its flag and ticket, while ingest goes on."""

import argparse
import json
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psycopg
from psycopg import Connection
from rich.console import Console
from rich.progress import track

from alerts.judging.by_clock import tick
from alerts.judging.judge import Judge
from bench.stand import SETTINGS
from bench.town import found
from bench.traffic import GATEWAY_SENSORS
from domain import policy_file
from hearth.wiring import work_in_batches
from ingest.batch import Intake, store_batch
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.validate import Limits
from local import trixie
from local.trixie import TimescalePostgres
from store.base.stage import open_stages

SIZES, QUICK_SIZES = (200_000, 1_000_000), (1_000, 3_000)
BATCH_HOMES = 5_000
COLD_EVERY = 20  # every so many homes one is at 17 °C, the others are at 20
INTERVAL_S = 300  # in which each home says its temperature once
BATCH_S = 0.05  # so long the ingest process waits for a batch to fill
LEAD_S = 3.0  # so long before six it is at work
SEED = policy_file.builtin("seed")
OPENS = datetime(2026, 1, 15, 6, 0, tzinfo=SEED.zone)
SAID = OPENS - timedelta(minutes=5)
MID = count(1)
console = Console(stderr=True)


class Desk:
    """A connection that stores readings as the ingest process does."""

    def __init__(self, conn: Connection) -> None:
        open_stages(conn)
        self.conn = conn
        self.intake = Intake("bench", Limits(65_536, 300_000_000), Judge(SEED).readings, SensorPlaces())

    def say(self, gateways: Sequence[range], at: datetime) -> None:
        """Store the temperature of each home in one batch: a message for each gateway's homes."""
        store_batch(self.conn, self.intake, [_message(homes, at) for homes in gateways], at)


class Stored(NamedTuple):
    """A message that was stored: seconds after six at which it came, until its batch was committed, its readings."""

    at_s: float
    delay_s: float
    readings: int


def main() -> None:
    """Take the figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that only shows that it runs")
    parser.add_argument("--homes", type=int, help="homes in the city; without it a large and a very large one")
    args = parser.parse_args()
    sizes = QUICK_SIZES if args.quick else (args.homes,) if args.homes else SIZES
    try:
        print(json.dumps({f"homes_{homes}": measure(homes) for homes in sizes}))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def measure(homes: int) -> dict[str, float]:
    """Return all figures of a city."""
    trixie.ensure()
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as folder:
        Path(folder).chmod(0o711)
        server = TimescalePostgres(Path(folder) / "postgres", settings=SETTINGS)
        try:
            server.start()
            console.print(f"window edge: {homes} homes")
            found(server.url(), homes)
            with psycopg.connect(server.url(), autocommit=True) as conn:
                desk = Desk(conn)
                for low in track(range(0, homes, BATCH_HOMES), "05:55", console=console):
                    desk.say(_gateways(range(low, min(low + BATCH_HOMES, homes))), SAID)
                conn.execute("VACUUM ANALYZE")
                conn.execute("CHECKPOINT")
            return _open_window(server.url(), homes)
        finally:
            server.remove()


def _gateways(homes: range) -> list[range]:
    return [homes[low : low + GATEWAY_SENSORS] for low in range(0, len(homes), GATEWAY_SENSORS)]


def _message(homes: range, at: datetime) -> Message:
    said = [
        {"id": f"s{home}", "ts": int(at.timestamp() * 1000), "temperature": 20.0 if home % COLD_EVERY else 17.0}
        for home in homes
    ]
    topic = f"hearth/v1/g{homes.start // GATEWAY_SENSORS}/telemetry"
    return Message(topic, json.dumps(said).encode(), int(at.timestamp() * 1e6), next(MID), 1, 1, False)


def _open_window(url: str, homes: int) -> dict[str, float]:
    """Let the clock strike six: look at homes until none is due, while another process stores what they say."""
    judge, breaches = Judge(SEED), len(range(0, homes, COLD_EVERY))
    work_in_batches()
    with psycopg.connect(url, autocommit=True) as conn, _ingesting(url, homes) as (strikes, ended):
        open_stages(conn)
        time.sleep(max(0.0, strikes - time.time()))
        looks = [0.0]  # seconds after six
        while tick(conn, judge, OPENS + timedelta(seconds=looks[-1])):
            looks.append(time.time() - strikes)
        row = conn.execute("SELECT count(*) FROM flag WHERE cold_since = %s", [OPENS]).fetchone()
        assert row is not None
        if row[0] != breaches:
            raise AssertionError(f"{row[0]} of {breaches} breaches were flagged")
        stored = [one for one in ended() if 0 <= one.at_s <= looks[-1]]
    delays = np.array([one.delay_s for one in stored] or [0.0]) * 1000
    return {
        "homes": homes,
        "breaches": breaches,
        "flagged_within_s": round(looks[-1], 2),
        "longest_look_s": round(float(np.diff(looks).max()), 2),
        "readings_stored_meanwhile": sum(one.readings for one in stored),
        "ingest_p50_ms": round(float(np.quantile(delays, 0.5)), 1),
        "ingest_p99_ms": round(float(np.quantile(delays, 0.99)), 1),
        "ingest_max_ms": round(float(delays.max()), 1),
    }


@contextmanager
def _ingesting(url: str, homes: int) -> Iterator[tuple[float, Callable[[], list[Stored]]]]:
    """Let a process store what the homes say, at their own pace; gives when six strikes, and what ends it."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_ingest, args=(url, homes, there), name="ingest", daemon=True)
    process.start()

    def ended() -> list[Stored]:
        here.send(None)
        return list(here.recv())

    try:
        yield here.recv(), ended
    finally:
        process.kill()
        process.join()


def _ingest(url: str, homes: int, told: Pipe) -> None:
    """Store messages when they are due: a gateway each, in no order; all have spoken once in the interval."""
    gateways = _gateways(range(homes))
    random.Random(6).shuffle(gateways)
    every = INTERVAL_S / len(gateways)
    with psycopg.connect(url, autocommit=True) as conn:
        desk, stored, nth = Desk(conn), list[Stored](), 0
        work_in_batches()
        desk.say(gateways[-1:], SAID + timedelta(seconds=1))  # what a process does once
        strikes = time.time() + LEAD_S
        told.send(strikes)
        while not told.poll():
            now = time.time() - strikes
            coming = min(int((now + LEAD_S) / every), len(gateways)) - nth
            if coming > 0:
                desk.say(gateways[nth : nth + coming], OPENS + timedelta(seconds=now))
                done = time.time() - strikes
                for n in range(nth, nth + coming):
                    came = n * every - LEAD_S
                    stored.append(Stored(came, done - came, len(gateways[n])))
                nth += coming
            time.sleep(max(0.0, BATCH_S - (time.time() - strikes - now)))
        told.send(stored)


if __name__ == "__main__":
    main()

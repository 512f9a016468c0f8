"""06:00 in a big city: how long until every home that is too cold has its flag and ticket, while ingest goes on."""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

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
from ingest.batch import Intake, store_batch
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.validate import Limits
from local import trixie
from local.trixie import TimescalePostgres
from store.base.stage import open_stages

HOMES, QUICK_HOMES = 200_000, 2_000
BATCH_HOMES = 5_000
COLD_EVERY = 20  # every so many homes one is at 17 °C, the others are at 20
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

    def say(self, homes: range, at: datetime) -> None:
        """Store the temperature of each home, in one batch."""
        gateways = range(homes.start, homes.stop, GATEWAY_SENSORS)
        messages = [_message(range(low, min(low + GATEWAY_SENSORS, homes.stop)), at) for low in gateways]
        store_batch(self.conn, self.intake, messages, at)


def main() -> None:
    """Take the figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that only shows that it runs")
    parser.add_argument("--homes", type=int, help="homes in the city")
    args = parser.parse_args()
    try:
        print(json.dumps(measure(QUICK_HOMES if args.quick else args.homes or HOMES)))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def measure(homes: int) -> dict[str, float]:
    """Return all figures."""
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
                for homes_of_batch in track(list(_batches(homes)), "05:55", console=console):
                    desk.say(homes_of_batch, SAID)
                conn.execute("VACUUM ANALYZE")
            return _open_window(server.url(), homes)
        finally:
            server.remove()


def _batches(homes: int) -> Iterator[range]:
    return (range(low, min(low + BATCH_HOMES, homes)) for low in range(0, homes, BATCH_HOMES))


def _message(homes: range, at: datetime) -> Message:
    said = [
        {"id": f"s{home}", "ts": int(at.timestamp() * 1000), "temperature": 20.0 if home % COLD_EVERY else 17.0}
        for home in homes
    ]
    topic = f"hearth/v1/g{homes.start // GATEWAY_SENSORS}/telemetry"
    return Message(topic, json.dumps(said).encode(), int(at.timestamp() * 1e6), next(MID), 1, 1, False)


def _open_window(url: str, homes: int) -> dict[str, float]:
    """Return the clock strikes six: look at homes until none is due, while others send their next readings."""
    judge = Judge(SEED)
    breaches = len(range(0, homes, COLD_EVERY))
    with psycopg.connect(url, autocommit=True) as conn, _ingesting(url, homes) as stored:
        open_stages(conn)
        before, began = stored[0], time.perf_counter()
        looked_at = 0
        while found_due := tick(conn, judge, OPENS):
            looked_at += found_due
        seconds, stored_meanwhile = time.perf_counter() - began, stored[0] - before
        row = conn.execute("SELECT count(*) FROM flag WHERE cold_since = %s AND ticket_id > 0", [OPENS]).fetchone()
    assert row is not None
    if row[0] != breaches:
        raise AssertionError(f"{row[0]} of {breaches} breaches were flagged")
    return {
        "homes": homes,
        "breaches": breaches,
        "looked_at_by_clock": looked_at,
        "flagged_within_s": round(seconds, 2),
        "readings_stored_meanwhile": stored_meanwhile,
    }


@contextmanager
def _ingesting(url: str, homes: int) -> Iterator[list[int]]:
    """Store the next readings of the homes over and over in a thread; gives how many are stored."""
    stored, stop = [0], threading.Event()

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as conn:
            desk, at = Desk(conn), SAID
            while not stop.is_set():
                at += timedelta(seconds=1)
                for some in _batches(homes):
                    if stop.is_set():
                        return
                    desk.say(some, at)
                    stored[0] += len(some)

    thread = threading.Thread(target=work, name="ingest")
    thread.start()
    try:
        yield stored
    finally:
        stop.set()
        thread.join()


if __name__ == "__main__":
    main()

"""The repair desk under load: the look at the clocks of 100,000 tickets, and one failing network of 20,000 homes."""

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection
from rich.console import Console
from rich.progress import track

from alerts.desk.moves import act
from alerts.evidence import chain
from alerts.judging.judge import Judge
from alerts.network import incidents
from alerts.tickets import clocks
from alerts.tickets.docket import Docket, Opening
from bench.stand import SETTINGS
from bench.town import found
from bench.traffic import GATEWAY_SENSORS
from domain import policy_file
from domain.priority import Cold, priority
from domain.tickets import EventKind, NewEvent, TicketClass, TicketSource
from hearth.logs import set_up_logging
from ingest.batch import Intake, store_batch
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.validate import Limits
from local import trixie
from local.trixie import TimescalePostgres
from store.base.stage import open_stages

TICKETS, QUICK_TICKETS = 100_000, 2_000  # open before the storm, one in each home
STORM, QUICK_STORM = 20_000, 1_000  # homes of the network that fails
BATCH_HOMES = 5_000
LOOKS = 100
SEED = policy_file.builtin("seed")
NOON = datetime(2026, 1, 15, 12, 0, tzinfo=SEED.zone)
DAY = timedelta(days=1)
LOOK_EVERY = timedelta(seconds=0.5)
# The homes behind the network that fails: its own substation, 100 homes to a building.
SPLIT = """
INSERT INTO substation (code, name, station) VALUES ('F', 'F', 'West');
INSERT INTO building (code, substation_id, name, address)
SELECT 'F' || n, substation_id, 'F', '' FROM substation, generate_series(0, %(homes)s / 100) AS n WHERE code = 'F';
UPDATE home AS h SET building_id = b.building_id
FROM building AS b
WHERE substr(h.code, 2)::integer >= %(first)s AND b.code = 'F' || (substr(h.code, 2)::integer - %(first)s) / 100;
"""
# Of tickets opened since: those from before have clocks that ring meanwhile, which is no news of the storm.
TOLD = """
SELECT count(*) FILTER (WHERE fate IS NULL AND kind <> 'ticket_opened'), count(*) FILTER (WHERE fate IS NULL),
  count(*) FILTER (WHERE fate = 'grouped')
FROM outbox JOIN ticket USING (ticket_id)
WHERE audience = 'dispatch' AND opened_at >= %s
"""
MID = count(1)
console = Console(stderr=True)


class Desk:
    """A connection that stores readings as the ingest process does."""

    def __init__(self, conn: Connection) -> None:
        open_stages(conn)
        self.conn = conn
        self.nth = 0
        self.intake = Intake("bench", Limits(65_536, 300_000_000), Judge(SEED).readings, SensorPlaces())

    def say(self, homes: range, at: datetime, celsius: float) -> None:
        """Store the same temperature of each home, in one batch."""
        gateways = range(homes.start, homes.stop, GATEWAY_SENSORS)
        parts = [range(low, min(low + GATEWAY_SENSORS, homes.stop)) for low in gateways]
        store_batch(self.conn, self.intake, [_message(part, at, celsius) for part in parts], at)


def _message(homes: range, at: datetime, celsius: float) -> Message:
    said = [{"id": f"s{home}", "ts": int(at.timestamp() * 1000), "temperature": celsius} for home in homes]
    topic = f"hearth/v1/g{homes.start // GATEWAY_SENSORS}/telemetry"
    return Message(topic, json.dumps(said).encode(), int(at.timestamp() * 1e6), next(MID), 1, 1, False)


def main() -> None:
    """Take the figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that only shows that it runs")
    args = parser.parse_args()
    set_up_logging("warning")  # on standard error: what is printed is the figures alone
    try:
        print(json.dumps(measure(*((QUICK_TICKETS, QUICK_STORM) if args.quick else (TICKETS, STORM)))))
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def measure(tickets: int, storm: int) -> dict[str, float]:
    """Return all figures."""
    trixie.ensure()
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as folder:
        Path(folder).chmod(0o711)
        server = TimescalePostgres(Path(folder) / "postgres", settings=SETTINGS)
        try:
            server.start()
            return _measure(server.url(), tickets, storm)
        finally:
            server.remove()


def _measure(url: str, tickets: int, storm: int) -> dict[str, float]:
    console.print(f"desk: {tickets} tickets, a storm of {storm}")
    found(url, tickets + storm)
    with psycopg.connect(url, autocommit=True) as conn, psycopg.ClientCursor(conn) as cur:
        cur.execute(SPLIT, {"homes": storm, "first": tickets})
        opened_s = open_tickets(conn, tickets)
        warm_up(conn, tickets, storm)
        settle(conn)
        conn.execute("VACUUM ANALYZE")
        figures = {"tickets_opened_per_s": round(tickets / opened_s), **clock_scan(conn)}
        figures |= strike(url, conn, tickets, storm)
        return {**figures, **verify(conn)}


def open_tickets(conn: Connection, tickets: int) -> float:
    """Open tickets over the day before, as they would have come; seconds."""
    began = time.perf_counter()
    for low in track(range(0, tickets, 50), "tickets", console=console):
        docket = Docket(conn, SEED, NOON - DAY + DAY * low / tickets)
        docket.reserve(min(50, tickets - low))
        for home in range(low, min(low + 50, tickets)):
            docket.open(
                Opening(
                    ticket_class=TicketClass.REPAIR,
                    source=TicketSource.PHONE,
                    priority=priority(TicketClass.REPAIR, Cold(), None),
                    home_id=home + 1,
                )
            )
        with conn.transaction():
            docket.write()
    return time.perf_counter() - began


def warm_up(conn: Connection, tickets: int, storm: int) -> None:
    """Make every home warm, so that what comes next finds rows that are there."""
    desk = Desk(conn)
    for homes in _batches(0, tickets + storm):
        desk.say(homes, NOON - timedelta(minutes=5), 20.0)


def settle(conn: Connection) -> None:
    """Work off what ran out before the figures are taken."""
    while clocks.run_out(conn, SEED, NOON):
        pass
    for seconds in (1, 2):
        chain.seal(conn, NOON + timedelta(seconds=seconds))


def clock_scan(conn: Connection) -> dict[str, float]:
    """Return the look that watch takes twice a second, with what falls due at this pace: median and longest, ms."""
    row = conn.execute("SELECT count(*) FROM ticket WHERE state <> 'closed'").fetchone()
    rang = "SELECT count(*) FROM ticket_event WHERE kind IN ('clock_warned', 'clock_breached')"
    before, spent = conn.execute(rang).fetchone(), []
    for n in range(1, LOOKS + 1):
        began = time.perf_counter()
        clocks.run_out(conn, SEED, NOON + n * LOOK_EVERY)
        spent.append(time.perf_counter() - began)
    after = conn.execute(rang).fetchone()
    assert row is not None
    assert before is not None
    assert after is not None
    return {
        "open_tickets": row[0],
        "clock_scan_ms": round(statistics.median(spent) * 1000, 2),
        "clock_scan_longest_ms": round(max(spent) * 1000, 2),
        "clocks_rung": after[0] - before[0],
    }


def strike(url: str, conn: Connection, tickets: int, storm: int) -> dict[str, float]:
    """Return the network fails: its homes say 17 °C while others go on talking and watch goes on looking."""
    at = NOON + timedelta(minutes=5)
    commits: list[float] = []
    with _beside(url, lambda desk: _talk(desk, tickets, at, commits)), _beside(url, lambda desk: _watch(desk.conn, at)):
        desk = Desk(conn)
        time.sleep(0.5)
        began, first = time.perf_counter(), len(commits)
        for homes in _batches(tickets, tickets + storm):
            desk.say(homes, at, 17.0)
            commits.append(time.perf_counter())
        flagged_s = time.perf_counter() - began
        settled = at + timedelta(seconds=1)
        while incidents.look(conn, SEED, settled):
            pass
        told = conn.execute(TOLD, (at,)).fetchone()
        passed_s, longest_s = work(conn, settled)
        ended = time.perf_counter()
    during = sorted([began, *(c for c in commits[first:] if began <= c <= ended), ended])
    cold = conn.execute("SELECT count(*) FROM ticket WHERE class = 'cold' AND opened_at = %s", (at,)).fetchone()
    assert cold is not None
    assert told is not None
    if cold[0] != storm:
        raise AssertionError(f"{cold[0]} of {storm} homes have a ticket")
    return {
        "storm_tickets": cold[0],
        "storm_ticketed_within_s": round(flagged_s, 2),
        "storm_ingest_pause_s": round(max(b - a for a, b in pairwise(during)), 2),
        "storm_work_told_within_s": round(passed_s, 2),
        "storm_work_longest_s": round(longest_s, 2),
        "storm_notices": told[1],
        "storm_notices_of_incidents": told[0],
        "storm_notices_spared": told[2],
    }


def work(conn: Connection, at: datetime) -> tuple[float, float]:
    """Let the crew answer, come and be done; return the time until all tickets say so, and the longest look, s."""
    row = conn.execute("SELECT ticket_id FROM incident WHERE closed_at IS NULL").fetchone()
    assert row is not None
    spent = []
    for kind in (EventKind.ACCEPTED, EventKind.ARRIVED, EventKind.DONE):
        with conn.transaction():
            act(conn, SEED, NewEvent(row[0], kind), at, "crew")
        more = True
        while more:
            began = time.perf_counter()
            more = incidents.look(conn, SEED, at)
            spent.append(time.perf_counter() - began)
    return sum(spent), max(spent)


def verify(conn: Connection) -> dict[str, float]:
    """Return the check of the whole chain."""
    for seconds in (1, 2):
        chain.seal(conn, NOON + timedelta(hours=1, seconds=seconds))
    began = time.perf_counter()
    report = chain.verify(conn)
    spent = time.perf_counter() - began
    if report.faults:
        raise AssertionError(report.told[:5])
    return {"verified_events": report.events, "verify_events_per_s": round(report.events / spent)}


def _batches(first: int, end: int) -> Iterator[range]:
    return (range(low, min(low + BATCH_HOMES, end)) for low in range(first, end, BATCH_HOMES))


def _talk(desk: Desk, tickets: int, at: datetime, commits: list[float]) -> None:
    """Send one more batch of the homes that have nothing to do with it."""
    desk.nth += 1
    low = desk.nth * BATCH_HOMES % tickets
    desk.say(range(low, min(low + BATCH_HOMES, tickets)), at + timedelta(milliseconds=desk.nth), 20.0)
    commits.append(time.perf_counter())


def _watch(conn: Connection, at: datetime) -> None:
    """Run the rounds of watch meanwhile."""
    clocks.run_out(conn, SEED, at)
    incidents.look(conn, SEED, at)
    time.sleep(0.2)


@contextmanager
def _beside(url: str, work: Callable[[Desk], Any]) -> Iterator[None]:
    """Do something over and over in a thread; what fails there fails here."""
    stop, failed = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            with psycopg.connect(url, autocommit=True) as conn:
                desk = Desk(conn)
                while not stop.is_set():
                    work(desk)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]


if __name__ == "__main__":
    main()

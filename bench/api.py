"""Response times of the API, on a database with a season of at least 50 million readings.

`docs/performance.md` tells how each figure is taken. Filling takes minutes: `--folder` keeps the database.
"""

import argparse
import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from urllib.parse import urlencode, urlsplit, urlunsplit

import numpy as np
import psycopg
from rich.console import Console

from bench.asking import PATIENCE_S, run
from bench.listening import heard
from bench.stand import SETTINGS, process
from bench.town import found
from local import trixie
from local.port import LOOPBACK, free_port
from local.trixie import TimescalePostgres
from store.base import access
from store.base.access import Role
from store.base.migrate import migrate

HEARTH_API = [sys.executable, "-c", "from hearth.cli import main; main()", "api"]
INTERVAL_S = 300
# Days that are older lie sensor by sensor, as the columnstore of the Community edition keeps them from then on; later
# ones in the order in which they came.
RECENT_DAYS = 7
DATABASE = "season"
ACCOUNT = "bench_api"
# The season is in memory, as the days that people ask for are; bench.stand's 1 GB would hold a sixth of it.
MEMORY = {**SETTINGS, "shared_buffers": "8GB"}
console = Console(stderr=True)

INSERT_DAY = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, humidity, battery, quality, self_timed)
SELECT
  s, at + s %% %(interval)s * interval '1 second', at + s %% %(interval)s * interval '1 second',
  20 + 2 * sin(s + extract(epoch FROM at) / 13751)::real, 40, 90, 0, true
FROM generate_series(%(start)s::timestamptz, %(start)s::timestamptz + interval '23 hours 59 minutes',
  make_interval(secs => %(interval)s)) AS at, generate_series(1, %(homes)s) AS s
ORDER BY CASE WHEN %(ordered)s THEN s END, at
"""

WARM = """
SELECT sum(pg_prewarm(c.oid)) FROM pg_class AS c
WHERE c.relkind IN ('r', 'i') AND c.relnamespace = '_timescaledb_internal'::regnamespace
"""


@dataclass(frozen=True)
class Size:
    """Sizes of the benchmark."""

    homes: int = 1_500
    days: int = 121
    seconds: float = 20.0
    rounds: int = 5
    rate: float = 200.0  # requests/s
    customers: int = 200
    exports: int = 12
    listeners: int = 2_000
    events: int = 40


QUICK = Size(homes=20, days=5, seconds=2.0, rounds=2, rate=20.0, customers=5, exports=2, listeners=50, events=5)


@dataclass(frozen=True)
class Season:
    """The season: where its readings are, and the tokens that may ask for them."""

    url: str
    owner: str  # the same database, as one who may do anything there
    first: date
    days: int
    tokens: Sequence[tuple[str, str]]  # home, token of its customer
    archive: str | None = None  # its URI


def main() -> None:
    """Take all figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that only shows that it runs")
    parser.add_argument("--folder", type=Path, help="keep the filled database here, or take it from here")
    parser.add_argument("--fill", action="store_true", help="fill the database of --folder and measure nothing")
    args = parser.parse_args()
    size = QUICK if args.quick else Size()
    with ExitStack() as stack:
        folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hearth-bench-")))
        season = stack.enter_context(filled(folder, size))
        if not args.fill:
            print(json.dumps(measure(season, size)))


@contextmanager
def filled(folder: Path, size: Size) -> Iterator[Season]:
    """Yield a running server with a season in it; filled where that has not been done."""
    trixie.ensure()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    with TimescalePostgres(folder / "postgres", settings=MEMORY) as server:
        note = folder / "season.json"
        if not note.exists():
            fill(server, size)
            made = {"first": first_day(size).isoformat(), "tokens": customers(server.url(DATABASE), size)}
            note.write_text(json.dumps(made), encoding="utf-8")
        with psycopg.connect(server.url(DATABASE)) as conn:
            migrate(conn)  # one that was kept may be older than the program
        known = json.loads(note.read_text(encoding="utf-8"))
        tokens = [tuple(pair) for pair in known["tokens"]]
        owner = server.url(DATABASE)
        yield Season(by_account(owner), owner, date.fromisoformat(known["first"]), size.days, tokens)


def first_day(size: Size) -> date:
    """Return the season ends today."""
    return datetime.now(UTC).date() - timedelta(days=size.days)


def fill(server: TimescalePostgres, size: Size) -> None:
    """Make the database: a chunk a day, two days at a time."""
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)".encode())
        conn.execute(f"CREATE DATABASE {DATABASE}".encode())
    found(server.url(DATABASE), size.homes)
    make_account(server.url())

    def one_day(number: int) -> None:
        with psycopg.connect(server.url(DATABASE), options="-c synchronous_commit=off -c timezone=UTC") as conn:
            start = datetime.combine(first_day(size) + timedelta(days=number), datetime.min.time(), UTC)
            ordered = number < size.days - RECENT_DAYS
            conn.execute(INSERT_DAY, {"start": start, "interval": INTERVAL_S, "homes": size.homes, "ordered": ordered})

    with ThreadPoolExecutor(2) as pool:
        for number, _ in enumerate(pool.map(one_day, range(size.days))):
            if number % 10 == 0:
                console.print(f"day {number} of {size.days}")
    with psycopg.connect(server.url(DATABASE), autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")


def make_account(url: str) -> None:
    """Make the account of `hearth api`, a member of its role and no more."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"DROP ROLE IF EXISTS {ACCOUNT}".encode())
        conn.execute(f"CREATE ROLE {ACCOUNT} LOGIN PASSWORD '{ACCOUNT}' IN ROLE hearth_api".encode())


def by_account(url: str) -> str:
    """Return the address of a database for that account."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{ACCOUNT}:{ACCOUNT}@{LOOPBACK}:{parts.port}"))


def customers(url: str, size: Size) -> list[tuple[str, str]]:
    """Return tokens of customers, of homes that lie far from each other."""
    homes = [f"h{n}" for n in range(0, size.homes, max(1, size.homes // size.customers))][: size.customers]
    with psycopg.connect(url) as conn:
        return [
            (home, access.create(conn, access.TokenGrant(Role.CUSTOMER, homes=[home]), datetime.now(UTC)))
            for home in homes
        ]


def measure(season: Season, size: Size) -> dict[str, float]:
    """Return all figures."""
    with psycopg.connect(season.owner) as conn:
        conn.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        conn.execute(WARM)
    with served(season) as port:
        figures: dict[str, float] = {"homes": size.homes, "days": size.days, "readings": readings_in(season, size)}
        figures["readings_day_per_s"] = size.rate
        for name, span in (("readings_day", season.days), ("readings_recent_day", min(RECENT_DAYS, season.days))):
            days = asked_at(size, partial(day_of, season, last=span))
            run(port, days, None)  # the first requests open connections, and each of these comes to know the chunks
            figures |= of_rounds(name, [run(port, days, size.rate) for _ in range(size.rounds)])
        console.print(figures)
        homes = asked_at(size, lambda random: (f"/v1/homes/{(pair := random.choice(season.tokens))[0]}", pair[1]))
        rates = [answered_per_s(port, homes) for _ in range(size.rounds)]
        figures |= {"home_rps": round(float(np.median(rates))), "home_rps_best": round(max(rates))}
        for form in ("csv", "jsonl", "parquet"):
            name = "season_export_rows_per_s" if form == "csv" else f"season_export_{form}_rows_per_s"
            figures[name] = round(float(np.median([exported(port, season, size, form) for _ in range(size.rounds)])))
            console.print({name: figures[name]})
        return figures | heard(port, season.owner, size.listeners, size.events)


def answered_per_s(port: int, requests: list[tuple[str, str]]) -> float:
    """Return how many of these are answered a second, each connection asking as soon as it has its answer."""
    begun = time.perf_counter()
    run(port, requests, None)
    return len(requests) / (time.perf_counter() - begun)


def of_rounds(name: str, rounds: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return the percentiles of the middle round, ms, and the 99th of the worst.

    A machine that others share halts for a moment now and then, and one halt of 200 ms meets a hundredth of a round.
    """
    p50, p99 = np.percentile(np.array(rounds) * 1e3, (50, 99), axis=1)
    middle = {f"{name}_p50_ms": np.median(p50), f"{name}_p99_ms": np.median(p99), f"{name}_p99_worst_ms": p99.max()}
    return {key: round(float(ms), 1) for key, ms in middle.items()}


def readings_in(season: Season, size: Size) -> int:
    """Estimate the readings from the planner's statistics: counting them would take a minute."""
    return size.homes * size.days * 86_400 // INTERVAL_S


def day_of(season: Season, random: Random, last: int) -> tuple[str, str]:
    """Return one home's day of so many last ones, as its page asks for it: path and token."""
    home, token = random.choice(season.tokens)
    start = season.first + timedelta(days=season.days - last + random.randrange(last))
    span = {"from": f"{start}T00:00:00Z", "to": f"{start + timedelta(days=1)}T00:00:00Z", "limit": 1000}
    return f"/v1/homes/{home}/readings?{urlencode(span)}", token


def asked_at(size: Size, make: Callable[[Random], tuple[str, str]]) -> list[tuple[str, str]]:
    """Return so many requests, the same at each run."""
    random = Random(1)
    return [make(random) for _ in range(round(size.seconds * size.rate))]


def exported(port: int, season: Season, size: Size, form: str) -> float:
    """Return Rows/s of the season of one home after the other, from the request to the last byte."""
    rows, begun = 0, time.perf_counter()
    for home, token in season.tokens[: size.exports]:
        conn = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE_S)
        span = {"from": f"{season.first}T00:00:00Z", "to": f"{season.first + timedelta(days=season.days)}T00:00:00Z"}
        path = f"/v1/homes/{home}/readings.{form}?{urlencode(span)}"
        conn.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = conn.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        expected = season.days * 86_400 // INTERVAL_S
        if form != "parquet" and abs(body.count(b"\n") - expected) > 1:
            raise RuntimeError(f"{path}: not {expected} rows")
        rows += expected
        conn.close()
    return rows / (time.perf_counter() - begun)


@contextmanager
def served(season: Season) -> Iterator[int]:
    """Yield the real `hearth api` without limits, answering; gives its port."""
    port = free_port()
    environment = {
        **os.environ,
        "HEARTH_DATABASE_URL": season.url,
        "HEARTH_API_PORT": str(port),
        "HEARTH_API_TOKEN_LIMIT": "none",
        "HEARTH_API_ADDRESS_LIMIT": "none",
        "HEARTH_API_TOKEN_LISTENERS": "5000",
        "HEARTH_LOG_LEVEL": "warning",
        **({"HEARTH_ARCHIVE": season.archive} if season.archive else {}),
    }
    with process(HEARTH_API, environment):
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                conn = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
                conn.request("GET", "/readyz")
                if conn.getresponse().status == 200:
                    break
            except OSError:
                pass
            if time.monotonic() > end:
                raise TimeoutError("hearth api is not ready")
            time.sleep(0.1)
        yield port


if __name__ == "__main__":
    main()

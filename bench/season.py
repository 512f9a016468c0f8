"""`python -m bench.season`: a season as open files, sealed, judged again, asked for and exported.

The season is sown (`bench.sowing`) into an archive by the code that seals; `hearth recheck` then judges it from an
empty ledger, as a user runs it, with a tenth of the homes and with all, once more, which changes nothing, and on Spark.
Figures of the table come from a small one that is filled, settled and sealed. Each part tells its figures on stderr as
soon as they are known; interrupted, it prints what it has. `--homes 29000 --days 121 --sown FOLDER` is 10⁹ readings.
"""

import argparse
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
import psycopg
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import Progress

from alerts.evidence.reading_seals import seal_days
from archives import sealing
from archives.place import ArchivePlace
from archives.reading import ReadingArchive
from bench import api, asking, judging, records
from bench.far import seconds_on_spark
from bench.judging import HEARTH, SEED, WEIGH
from bench.sowing import UTILITY, Field, rooms, sow
from bench.stand import SETTINGS
from bench.town import found, policy_text
from local import trixie
from local.port import LOOPBACK
from local.trixie import TimescalePostgres
from store.base import wire
from store.readings import reading_rows

Figures = dict[str, float | bool | str | None]
LOADED, TENTH, WHOLE, FAR, TABLE = "loaded", "tenth", "whole", "far", "filled"  # databases
DAYS_ASKED, RATE = 400, 40.0
EXPORTS = 40
GATEWAYS = (4, 16)
console = Console(stderr=True)


@dataclass(frozen=True)
class Season:
    """A sown archive, and how it is judged."""

    folder: Path
    sown: Path
    field: Field
    readings: int
    archive_bytes: int

    @property
    def first(self) -> date:
        """The first local day that is there from its begin."""
        return self.field.first + timedelta(days=1)

    def environment(self, url: str) -> dict[str, str]:
        """Return what programs of Hearth are started with; an installation has them compiled."""
        file = self.folder / "policy.toml"
        file.write_text(policy_text(SEED, self.field.first, self.field.end), encoding="utf-8")
        return {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "HEARTH_DATABASE_URL": url,
            "HEARTH_POLICY": str(file),
            "HEARTH_ARCHIVE": (self.sown / "archive").as_uri(),
            "HEARTH_ARCHIVE_UTILITY": UTILITY,
            "HEARTH_LOG_LEVEL": "warning",
        }


@dataclass
class Run:
    """The common ground of all parts, with the figures so far."""

    server: TimescalePostgres
    season: Season
    table_homes: int
    known: Figures = field(default_factory=dict)

    def tell(self, part: str, figures: Figures, seconds: float) -> None:
        """Take figures in and tell them."""
        self.known |= figures
        print(json.dumps({"part": part, "took_s": round(seconds, 1), **figures}), file=sys.stderr, flush=True)


def main() -> None:
    """Take all figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=60, help="days that are sealed; at least 3")
    parser.add_argument("--interval", type=int, default=300, help="seconds between readings of a sensor")
    parser.add_argument("--table-homes", type=int, default=500, help="homes of the table that is filled and sealed")
    parser.add_argument("--folder", type=Path, help="where databases are; several GB for 10⁹ readings")
    parser.add_argument("--sown", type=Path, help="keep the archive here (6 GB for 10⁹); one that is there is taken")
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), default=list(PARTS), help="parts, in their order")
    args = parser.parse_args()
    if {"again", "asked"} & set(args.only) and "whole" not in args.only:
        parser.error("--only: again and asked are about what whole has judged")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    trixie.ensure()
    with ExitStack() as stack:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="hearth-bench-", dir=args.folder))
        folder = Path(made)
        folder.chmod(0o711)
        end = datetime.now(UTC).date()
        wanted = Field(args.homes, end - timedelta(days=args.days), args.days, args.interval)
        season, figures, seconds = sown(wanted, folder, args.sown or folder)
        server = TimescalePostgres(folder / "postgres", settings=SETTINGS)
        stack.callback(server.remove)
        server.start()
        run = Run(server, season, args.table_homes)
        run.tell("sown", figures, seconds)
        take(run, args.only)


def take(run: Run, parts: Sequence[str]) -> None:
    """Take parts one after the other; print what is known in the end, be it that of an interruption."""
    try:
        for name in PARTS:
            if name in parts:
                began = time.perf_counter()
                run.tell(name, PARTS[name](run), time.perf_counter() - began)
    except KeyboardInterrupt:
        print("interrupted: without what was not told yet", file=sys.stderr)
    print(json.dumps(run.known))


def sown(wanted: Field, folder: Path, keep: Path) -> tuple[Season, Figures, float]:
    """Write the season, or take the one that is kept; also returns its figures, and the seconds."""
    keep.mkdir(parents=True, exist_ok=True)
    ours, began = field_in(keep, wanted), time.perf_counter()
    place = ArchivePlace((keep / "archive").as_uri())
    fresh = not ReadingArchive.open(place, UTILITY).number
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("files", total=None)
        archive = sow(place, ours, lambda done, of: progress.update(task, completed=done, total=of))
    seconds, files = time.perf_counter() - began, archive.files()
    season = Season(folder, keep, ours, sum(file.rows for file in files), sum(file.size for file in files))
    figures: Figures = {"homes": ours.homes, "days": ours.days, "readings": season.readings}
    figures["bytes_per_reading_archive"] = round(season.archive_bytes / season.readings, 2)
    if fresh:
        figures["write_readings_per_s"] = round(season.readings / seconds)
    return season, figures, seconds


def field_in(folder: Path, wanted: Field) -> Field:
    """Return the season that is kept in a folder, which may lie some days back; or note the one that will be."""
    file = folder / "field.json"
    if not file.exists():
        file.write_bytes(msgspec.json.encode(wanted))
        return wanted
    kept = msgspec.json.decode(file.read_bytes(), type=Field)
    if replace(wanted, first=kept.first) != kept:
        raise SystemExit(f"--sown {folder}: another season is there ({kept}): ask for its sizes, or another folder")
    return kept


def of_gateways(run: Run) -> Figures:
    """Return what a reading takes in files where sensors share the messages of a gateway."""
    folder = run.season.folder
    return {f"bytes_per_reading_archive_{gateway}_a_gateway": packed(folder, gateway) for gateway in GATEWAYS}


def packed(folder: Path, gateway: int) -> float:
    """Return bytes a reading where so many sensors share the messages of a gateway."""
    field = Field(256, date(2026, 1, 1), 31, gateway=gateway)
    files = sow(ArchivePlace((folder / f"by-{gateway}").as_uri()), field, lambda *_: None).files()
    return round(sum(file.size for file in files) / sum(file.rows for file in files), 2)


def of_table(run: Run) -> Figures:
    """Return what a reading takes in the table, and how fast settled days are sealed out of it."""
    server, homes, end = run.server, run.table_homes, datetime.now(UTC)
    field = Field(homes, end.date() - timedelta(days=14), 13)
    judging.create(server, TABLE)
    found(server.url(TABLE), homes)
    with psycopg.connect(server.url(TABLE), autocommit=True, options="-c timezone=UTC") as conn:
        settle(conn, datetime.combine(field.first, datetime.min.time(), UTC) + timedelta(hours=13))
        count = filled(conn, field)
        (size,) = conn.execute("SELECT hypertable_size('reading')").fetchone() or (0,)
        settle(conn, end)
        archive = ReadingArchive.open(ArchivePlace((run.season.folder / "sealed").as_uri()), UTILITY)
        began = time.perf_counter()
        while (more := sealing.seal(conn, archive, end, timedelta(days=1), lambda *_: None)) is not archive:
            archive = more
        seconds = time.perf_counter() - began
    rows = sum(file.rows for file in archive.files())
    return {"bytes_per_reading_table": round(size / count, 1), "seal_readings_per_s": round(rows / seconds)}


def settle(conn: psycopg.Connection, now: datetime) -> None:
    """Give settled days their digests; what is settled is asked for in one turn, and found in another."""
    for _ in range(4):
        while seal_days(conn, now):
            pass


def filled(conn: psycopg.Connection, field: Field) -> int:
    """Store the readings of a field day by day, in the order in which they were received."""
    count = 0
    for day in range(field.days):
        span = (field.first + timedelta(days=day), field.first + timedelta(days=day + 1))
        rows = rooms(field, 1, field.homes + 1, span)
        rows = rows[rows["received_at"].argsort(kind="stable")]
        with conn.cursor() as cur:
            wire.write(cur, reading_rows.COPY_READING, reading_rows.READING, rows)
        count += len(rows)
    conn.execute("VACUUM ANALYZE reading")
    return count


def loaded(run: Run) -> None:
    """Make the database that rechecks begin with, once: homes, and no readings."""
    with psycopg.connect(run.server.url(), autocommit=True) as conn:
        if conn.execute("SELECT FROM pg_database WHERE datname = %s", [LOADED]).rowcount:
            return
    judging.create(run.server, LOADED)
    found(run.server.url(LOADED), run.season.field.homes)
    with psycopg.connect(run.server.url(LOADED), autocommit=True) as conn:
        conn.execute(
            "UPDATE readings_kept SET since = %s", [datetime.combine(run.season.field.end, datetime.min.time(), UTC)]
        )


def of_tenth(run: Run) -> Figures:
    """Judge a tenth of the homes from an empty ledger: memory is to be that of all."""
    loaded(run)
    judging.create(run.server, TENTH, LOADED)
    some = run.season.field.homes // 10
    with psycopg.connect(run.server.url(TENTH), autocommit=True) as conn:
        conn.execute("DELETE FROM home_state WHERE home_id > %s", [some])
    _, mib, _ = recheck(run.season, run.server.url(TENTH))
    return {f"peak_rss_mib_{some}_homes": mib}


def of_whole(run: Run) -> Figures:
    """Judge all homes from an empty ledger."""
    loaded(run)
    judging.create(run.server, WHOLE, LOADED)
    seconds, mib, outcome = recheck(run.season, run.server.url(WHOLE))
    return {
        "recheck_readings_per_s": round(run.season.readings / seconds),
        "recheck_s": round(seconds, 1),
        "peak_rss_mib": mib,
        "ledger_days": outcome["days"],
        "flags": outcome["raised"],
        "ledger_sha256": digest(run.server.url(WHOLE), run.season),
    }


def of_whole_again(run: Run) -> Figures:
    """Judge all homes once more, which changes nothing."""
    seconds, _, outcome = recheck(run.season, run.server.url(WHOLE))
    changes = outcome["days"] + sum(outcome[name] for name in ("raised", "withdrawn", "corrected"))
    return {
        "recheck_again_readings_per_s": round(run.season.readings / seconds),
        "recheck_again_changes": changes,
    }


def recheck(
    season: Season, url: str, told: Sequence[str] = (), variables: Mapping[str, str] | None = None
) -> tuple[float, float, dict[str, int]]:
    """Return seconds, peak memory (MiB, of the largest of its processes) and outcome of `hearth recheck`."""
    command = [*HEARTH, "recheck", "--from", str(season.first), "--to", str(season.field.end), "--json", *told]
    out, began = season.folder / "outcome.json", time.perf_counter()
    weigh = WEIGH.replace("subprocess.DEVNULL", f"open({str(out)!r}, 'w')")
    kib = subprocess.run(
        [sys.executable, "-c", weigh, *command],
        env={**season.environment(url), **(variables or {})},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    return time.perf_counter() - began, round(int(kib) / 1024, 1), json.loads(out.read_text())


def on_spark(run: Run) -> Figures:
    """Run the same recheck from an empty ledger on a cluster of Spark; without one the figures are None."""
    loaded(run)
    judging.create(run.server, FAR, LOADED)
    season, url = run.season, run.server.url(FAR)
    took = seconds_on_spark(season.folder / "spark", lambda told, variables: recheck(season, url, told, variables)[0])
    if took is None:
        return dict.fromkeys(("spark_readings_per_s", "spark_vs_single", "ledger_equal"))
    rate, single = season.readings / took, run.known.get("recheck_readings_per_s")
    return {
        "spark_readings_per_s": round(rate),
        "spark_s": round(took, 1),
        "spark_vs_single": round(rate / float(single), 2) if single else None,
        "ledger_equal": digest(url, season) == run.known.get("ledger_sha256") if single else None,
    }


def digest(url: str, season: Season) -> str:
    """Return the digest of the record before the last day: what is open at the end is counted by the clock, too."""
    with psycopg.connect(url, options="-c timezone=UTC") as conn:
        return records.digest(conn, season.field.end)


def asked(run: Run) -> Figures:
    """Ask the real API for archived days of homes, and for their seasons as Parquet."""
    season, owner = run.season, run.server.url(WHOLE)
    with psycopg.connect(owner, autocommit=True) as conn:
        conn.execute(f"DROP ROLE IF EXISTS {api.ACCOUNT}".encode())
        conn.execute(f"CREATE ROLE {api.ACCOUNT} LOGIN PASSWORD '{api.ACCOUNT}' IN ROLE hearth_api".encode())
    parts = urlsplit(owner)
    url = urlunsplit(parts._replace(netloc=f"{api.ACCOUNT}:{api.ACCOUNT}@{LOOPBACK}:{parts.port}"))
    size = api.Size(homes=season.field.homes, days=season.field.days)
    tokens = api.customers(owner, size)
    there = api.Season(url, owner, season.field.first, season.field.days, tokens)
    with archived(season, url), api.served(there) as port:
        days = api.asked_at(api.Size(seconds=DAYS_ASKED / RATE, rate=RATE), partial(api.day_of, there, last=there.days))
        asking.run(port, days, RATE)
        figures = api.of_rounds("home_day", [asking.run(port, days, RATE) for _ in range(3)])
        rows, seconds = 0, 0.0
        for home, token in tokens[:EXPORTS]:
            began = time.perf_counter()
            body = exported(port, there, home, token)
            seconds += time.perf_counter() - began
            rows += pq.read_metadata(io.BytesIO(body)).num_rows
    return {**figures, "export_rows_per_s": round(rows / seconds)}


def engine(_: Run) -> Figures:
    """Return the rate of judging what is in memory, on one core."""
    return {"engine_readings_per_s": judging.engine_readings_per_s(500, 60)}


@contextmanager
def archived(season: Season, url: str) -> Iterator[None]:
    """Have the archive in the environment from which programs are started."""
    before = dict(os.environ)
    os.environ.update(season.environment(url))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def exported(port: int, season: api.Season, home: str, token: str) -> bytes:
    """Return the season of a home as Parquet."""
    conn = http.client.HTTPConnection(LOOPBACK, port, timeout=asking.PATIENCE_S)
    span = {"from": f"{season.first}T00:00:00Z", "to": f"{season.first + timedelta(days=season.days)}T00:00:00Z"}
    path = f"/v1/homes/{home}/readings.parquet?{urlencode(span)}"
    conn.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = conn.getresponse()
    body = answer.read()
    conn.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return body


PARTS: Mapping[str, Callable[[Run], Figures]] = {  # what needs most comes before what may be asked for elsewhere
    "tenth": of_tenth,
    "whole": of_whole,
    "again": of_whole_again,
    "spark": on_spark,
    "asked": asked,
    "table": of_table,
    "gateways": of_gateways,
    "engine": engine,
}

if __name__ == "__main__":
    main()

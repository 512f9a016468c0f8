"""`python -m bench.season`: a season as open files, sealed, judged again, asked for and exported.

The season is sown (`bench.sowing`) into an archive by the code that seals; `hearth recheck` then judges it from an
empty ledger, as a user runs it, with a tenth of the homes and with all, and once more, which changes nothing. Figures
of the table come from a small one that is filled, settled and sealed. `--homes 29000 --days 121` is 10⁹ readings.
"""

import argparse
import http.client
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit, urlunsplit

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
GATEWAYS = (1, 4, 16)
console = Console(stderr=True)


@dataclass(frozen=True)
class Season:
    """A sown archive, and how it is judged."""

    folder: Path
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
        file.write_text(policy_text(SEED, self.field.end - judging.MARGIN), encoding="utf-8")
        return {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "HEARTH_DATABASE_URL": url,
            "HEARTH_POLICY": str(file),
            "HEARTH_ARCHIVE": (self.folder / "archive").as_uri(),
            "HEARTH_ARCHIVE_UTILITY": UTILITY,
            "HEARTH_LOG_LEVEL": "warning",
        }


def main() -> None:
    """Take all figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=60, help="days that are sealed; at least 3")
    parser.add_argument("--interval", type=int, default=300, help="seconds between readings of a sensor")
    parser.add_argument("--table-homes", type=int, default=500, help="homes of the table that is filled and sealed")
    parser.add_argument("--folder", type=Path, help="where the archive is written; several GB for 10⁹ readings")
    args = parser.parse_args()
    trixie.ensure()
    with ExitStack() as stack:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="hearth-bench-", dir=args.folder))
        folder = Path(made)
        folder.chmod(0o711)
        end = datetime.now(UTC).date()
        field = Field(args.homes, end - timedelta(days=args.days), args.days, args.interval)
        server = TimescalePostgres(folder / "postgres", settings=SETTINGS)
        stack.callback(server.remove)
        server.start()
        print(json.dumps(measure(server, field, folder, args.table_homes)))


def measure(server: TimescalePostgres, field: Field, folder: Path, table_homes: int) -> Figures:
    """Return all figures; those of Spark stay None where it is not there."""
    figures: Figures = {"homes": field.homes, "days": field.days}
    season, seconds = sown(field, folder)
    figures |= {"readings": season.readings, "write_readings_per_s": round(season.readings / seconds)}
    figures["bytes_per_reading_archive"] = round(season.archive_bytes / season.readings, 2)
    for gateway in GATEWAYS[1:]:
        figures[f"bytes_per_reading_archive_{gateway}_a_gateway"] = packed(folder, gateway)
    console.print(figures)
    figures |= of_table(server, folder, table_homes)
    console.print(figures)
    figures |= rechecks(server, season)
    console.print(figures)
    figures["engine_readings_per_s"] = judging.engine_readings_per_s(500, 60)
    figures |= asked(server, season)
    return figures | on_spark(server, season, figures)


def sown(field: Field, folder: Path) -> tuple[Season, float]:
    """Write the season; also returns the seconds of writing and of making it up."""
    place, began = ArchivePlace((folder / "archive").as_uri()), time.perf_counter()
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("files", total=None)
        archive = sow(place, field, lambda done, of: progress.update(task, completed=done, total=of))
    files = archive.files()
    season = Season(folder, field, sum(file.rows for file in files), sum(file.size for file in files))
    return season, time.perf_counter() - began


def packed(folder: Path, gateway: int) -> float:
    """Return bytes a reading where so many sensors share the messages of a gateway."""
    field = Field(256, date(2026, 1, 1), 31, gateway=gateway)
    files = sow(ArchivePlace((folder / f"by-{gateway}").as_uri()), field, lambda *_: None).files()
    return round(sum(file.size for file in files) / sum(file.rows for file in files), 2)


def of_table(server: TimescalePostgres, folder: Path, homes: int) -> Figures:
    """Return what a reading takes in the table, and how fast settled days are sealed out of it."""
    end = datetime.now(UTC)
    field = Field(homes, end.date() - timedelta(days=14), 13)
    judging.create(server, TABLE)
    found(server.url(TABLE), homes)
    with psycopg.connect(server.url(TABLE), autocommit=True, options="-c timezone=UTC") as conn:
        settle(conn, datetime.combine(field.first, datetime.min.time(), UTC) + timedelta(hours=13))
        count = filled(conn, field)
        (size,) = conn.execute("SELECT hypertable_size('reading')").fetchone() or (0,)
        settle(conn, end)
        archive = ReadingArchive.open(ArchivePlace((folder / "sealed").as_uri()), UTILITY)
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


def rechecks(server: TimescalePostgres, season: Season) -> Figures:
    """Run `hearth recheck` with a tenth of the homes and with all, from an empty ledger, and then again."""
    homes = season.field.homes
    judging.create(server, LOADED)
    found(server.url(LOADED), homes)
    with psycopg.connect(server.url(LOADED), autocommit=True) as conn:
        conn.execute(
            "UPDATE readings_kept SET since = %s", [datetime.combine(season.field.end, datetime.min.time(), UTC)]
        )
    figures: Figures = {}
    for name, some in ((TENTH, homes // 10), (WHOLE, homes)):
        judging.create(server, name, LOADED)
        with psycopg.connect(server.url(name), autocommit=True) as conn:
            conn.execute("DELETE FROM home_state WHERE home_id > %s", [some])
        seconds, mib, _ = recheck(season, server.url(name))
        console.print({"homes": some, "recheck_s": round(seconds, 1), "peak_rss_mib": mib})
        figures[f"peak_rss_mib_{some}_homes"] = mib
    figures["recheck_readings_per_s"] = round(season.readings / seconds)
    figures["peak_rss_mib"] = mib
    figures["ledger_sha256"] = digest(server.url(WHOLE), season)
    seconds, _, outcome = recheck(season, server.url(WHOLE))
    figures["recheck_again_readings_per_s"] = round(season.readings / seconds)
    figures["recheck_again_changes"] = outcome["days"] + sum(
        outcome[name] for name in ("raised", "withdrawn", "corrected")
    )
    return figures


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


def on_spark(server: TimescalePostgres, season: Season, known: Figures) -> Figures:
    """Run the same recheck from an empty ledger on a cluster of Spark; without one the figures are None."""
    judging.create(server, FAR, LOADED)
    took = seconds_on_spark(
        season.folder / "spark", lambda told, variables: recheck(season, server.url(FAR), told, variables)[0]
    )
    if took is None:
        return dict.fromkeys(("spark_readings_per_s", "spark_vs_single", "ledger_equal"))
    rate = season.readings / took
    single = float(known["recheck_readings_per_s"] or 0)
    equal = digest(server.url(FAR), season) == known["ledger_sha256"]
    return {"spark_readings_per_s": round(rate), "spark_vs_single": round(rate / single, 2), "ledger_equal": equal}


def digest(url: str, season: Season) -> str:
    """Return the digest of the record before the last day: what is open at the end is counted by the clock, too."""
    with psycopg.connect(url, options="-c timezone=UTC") as conn:
        return records.digest(conn, season.field.end)


def asked(server: TimescalePostgres, season: Season) -> dict[str, float]:
    """Ask the real API for archived days of homes, and for their seasons as Parquet."""
    owner = server.url(WHOLE)
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
    return figures | {"export_rows_per_s": round(rows / seconds)}


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


if __name__ == "__main__":
    main()

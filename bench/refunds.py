"""`python -m bench.refunds`: the refund sheets of a season from a ledger in PostgreSQL, as `hearth refunds` makes them.

The ledger is made up by the server: four days in forty are cold for hours. One home in twenty has asked for a
measurement on a cold day, so one in twenty gets a sheet. `docs/performance.md` tells how each figure is taken.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from bench.town import found
from domain import policy
from local import trixie
from local.server import alive, children_of
from local.trixie import TimescalePostgres

HOMES, QUICK_HOMES = 200_000, 4_000
DAYS = 121
DATABASE = "refunds"
LOOK_S = 0.2
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "8GB", "shared_preload_libraries": "timescaledb"}
REFUNDS = [sys.executable, "-c", "from hearth.cli import main; main()", "refunds", "--json"]
INSERT_FEES = """
INSERT INTO home_fee (home_id, season, area_m2, per_m2)
SELECT home_id, %(first)s, 50 + home_id %% 97, 24.5 FROM home
"""
INSERT_LEDGER = """
INSERT INTO ledger (
  home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, heat, deficit, lowest,
  policy, closed
)
SELECT
  h.home_id, %(first)s::date + d.n, 86400000000 - x.cold - x.unknown, x.cold, 0, x.unknown, 0, 0,
  (86400000000 - x.unknown) * 19500, 0, CASE WHEN x.cold > 0 THEN 16.5 ELSE 19 END, 'seed', true
FROM home AS h
CROSS JOIN generate_series(0, %(days)s - 1) AS d (n)
CROSS JOIN LATERAL (
  SELECT
    CASE WHEN (h.home_id + d.n) / 4 %% 10 = 0 THEN 7200000000 ELSE 0 END AS cold,
    (h.home_id * 13 + d.n * 7) %% 3600 * 1000000::bigint AS unknown
) AS x
"""
# What is not there for a ledger that nobody judged: its journal.
UNWATCHED = "ALTER TABLE ledger DISABLE TRIGGER journal_added, DISABLE TRIGGER ledger_has_home"
INSERT_FACTS = """
INSERT INTO refund_fact (home_id, kind, at, reference, recorded_at, recorded_by)
SELECT home_id, 'request', %(at)s::timestamptz + (40 - home_id %% 40) %% 40 * interval '1 day', 'call', %(at)s, 'bench'
FROM home WHERE home_id %% 20 = 0
"""


def main() -> None:
    """Make the sheets of a season and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=HOMES)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_HOMES:,} homes")
    parser.add_argument("--folder", type=Path, help="where the database is made; default: the system's")
    asked, _ = parser.parse_known_args()
    homes = QUICK_HOMES if asked.quick else asked.homes
    trixie.ensure()
    with ExitStack() as stack:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="hearth-bench-", dir=asked.folder))
        folder = Path(made)
        folder.chmod(0o711)
        server = TimescalePostgres(folder / "postgres", settings=SETTINGS)
        stack.callback(server.remove)
        server.start()
        print(json.dumps(measure(server, folder, homes)))


def measure(server: TimescalePostgres, folder: Path, homes: int) -> dict[str, Any]:
    """Return the figures: all homes computed and the sheets of some written, then all computed again for show."""
    first = datetime.now(UTC).date() - timedelta(days=DAYS + 9)
    url = sown(server, homes, first)
    environment = {
        **os.environ,
        "HEARTH_DATABASE_URL": url,
        "HEARTH_POLICY": str(rules(folder, first)),
        "HEARTH_REFUNDS": "luoyang",
    }
    main = int((server.place / "cluster" / "postmaster.pid").read_text().split()[0])
    before = spent(main, with_ended=True)
    season = ran(environment)
    served_s = spent(main, with_ended=True) - before
    left = ran(environment, "--dry-run", "--all")
    return {
        "homes": season.told["homes"],
        "season_sheets_s": round(season.took_s, 2),
        "season_sheets_cpu_s": round(season.cpu_s, 2),  # of the command and its workers
        "season_server_cpu_s": round(served_s, 2),
        "peak_rss_mib": round(season.peak_mib),
        "sheets": season.told["made"],
        "owed": season.told["total"],
        "computed_homes_per_s": round(left.told["homes"] / left.took_s),
    }


def sown(server: TimescalePostgres, homes: int, first: date) -> str:
    """Make a database with a town whose season is in the ledger; returns its address."""
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {DATABASE}".encode())
    url = server.url(DATABASE)
    found(url, homes)
    with psycopg.connect(url, autocommit=True) as conn:
        at = datetime(first.year, first.month, first.day, 9, tzinfo=UTC)
        for statement in (UNWATCHED, INSERT_FEES, INSERT_LEDGER, INSERT_FACTS):
            conn.execute(statement.encode(), {"first": first, "days": DAYS, "at": at})
        conn.execute("VACUUM ANALYZE")
        backend = conn.info.backend_pid
    while alive(backend):  # what it took would be told of the command
        time.sleep(LOOK_S)
    return url


def rules(folder: Path, first: date) -> Path:
    """Write a policy whose one season is that of the ledger; returns the file."""
    seed = (Path(policy.__file__).with_name("policies") / "seed.toml").read_text(encoding="utf-8")
    season = f"seasons = [{{from = {first}, to = {first + timedelta(days=DAYS)}}}]"
    file = folder / "policy.toml"
    file.write_text(re.sub(r"(?m)^seasons = .*$", season, seed, count=1), encoding="utf-8")
    return file


class Ran(NamedTuple):
    """A run of the command: what it told, how long it took, and what its processes took of processors and memory."""

    told: dict[str, Any]
    took_s: float
    cpu_s: float
    peak_mib: float  # of the largest process


def ran(environment: Mapping[str, str], *options: str) -> Ran:
    """Run the command and look at its processes five times a second: nobody waits for those that are copies."""
    began, cpu, peak = time.perf_counter(), dict[int, float](), 0.0
    with subprocess.Popen([*REFUNDS, *options], env=environment, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            for pid in family(process.pid):
                with suppress(OSError, StopIteration):  # it has ended meanwhile
                    cpu[pid] = spent(pid)
                    peak = max(peak, held_mib(pid))
            time.sleep(LOOK_S)
        took = time.perf_counter() - began
        assert process.stdout is not None
        told = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"hearth refunds: ended with {process.returncode}")
    return Ran(json.loads(told), took, sum(cpu.values()), peak)


def family(pid: int) -> Iterator[int]:
    """Yield a process and all that it has started."""
    yield pid
    for child in list(children_of(pid)):
        yield from family(child)


def spent(pid: int, *, with_ended: bool = False) -> float:
    """Return the processors' seconds of a process, perhaps with those of its children that have ended."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, told[11 : 15 if with_ended else 13])) / os.sysconf("SC_CLK_TCK")


def held_mib(pid: int) -> float:
    """Return the most memory that a process has held."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()

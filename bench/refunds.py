"""`python -m bench.refunds`: the refund sheets of a season from a ledger in PostgreSQL, as `hearth refunds` makes them.

The ledger is made up by the server: four days in forty are cold for hours. One home in twenty has asked for a
measurement on a cold day. `docs/performance.md` tells how each figure is taken.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench.town import found
from domain import policy
from local import trixie
from local.trixie import TimescalePostgres

HOMES, QUICK_HOMES = 200_000, 4_000
DAYS = 121
DATABASE = "refunds"
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
    """Return the figures: sheets computed from the ledger, and then written."""
    first = datetime.now(UTC).date() - timedelta(days=DAYS + 9)
    url = sown(server, homes, first)
    environment = {
        **os.environ,
        "HEARTH_DATABASE_URL": url,
        "HEARTH_POLICY": str(rules(folder, first)),
        "HEARTH_REFUNDS": "luoyang",
    }
    told, computed_s, cpu_s = ran(environment, "--dry-run", "--all")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    written, written_s, _ = ran(environment)
    return {
        "homes": told["homes"],
        "season_sheets_s": round(computed_s, 2),
        "season_sheets_cpu_s": round(cpu_s, 2),  # of the command alone, without the server
        "peak_rss_mib": round(peak),
        "owed": told["total"],
        "sheets_written_per_s": round(written["made"] / written_s),
    }


def sown(server: TimescalePostgres, homes: int, first: date) -> str:
    """Make a database with a town whose season is in the ledger; returns its address."""
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {DATABASE}".encode())
    url = server.url(DATABASE)
    found(url, homes)
    with psycopg.connect(url, autocommit=True) as conn:
        at = datetime(first.year, first.month, first.day, 9, tzinfo=UTC)
        for statement in (INSERT_FEES, INSERT_LEDGER, INSERT_FACTS):
            conn.execute(statement.encode(), {"first": first, "days": DAYS, "at": at})
        conn.execute("VACUUM ANALYZE")
    return url


def rules(folder: Path, first: date) -> Path:
    """Write a policy whose one season is that of the ledger; returns the file."""
    seed = (Path(policy.__file__).with_name("policies") / "seed.toml").read_text(encoding="utf-8")
    season = f"seasons = [{{from = {first}, to = {first + timedelta(days=DAYS)}}}]"
    file = folder / "policy.toml"
    file.write_text(re.sub(r"(?m)^seasons = .*$", season, seed, count=1), encoding="utf-8")
    return file


def ran(environment: Mapping[str, str], *options: str) -> tuple[dict[str, Any], float, float]:
    """Run the command; returns what it tells, its seconds, and those of processors for it and its workers."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([*REFUNDS, *options], env=environment, check=True, capture_output=True, text=True)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout), took, cpu


if __name__ == "__main__":
    main()

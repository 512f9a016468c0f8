"""Devices whose clocks stand in other years: how many ledger days do they write, and is it their clock that is blamed?

`python -m bench.hostile_clock` prints JSON. The real `hearth ingest` and `hearth watch`, broker and TimescaleDB.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta

import psycopg

from bench.publish import Publisher
from bench.stand import PATIENCE_S, Stand, process, stand
from bench.traffic import Traffic, publish_packet
from domain.policy import PAST_DAYS

HEARTH_WATCH = [sys.executable, "-c", "from hearth.cli import main; main()", "watch"]
HOMES = 100
DEVICES = 40  # whose clocks are wrong
YEARS = (2010, 2015, 2024)
READINGS = 6  # of each in each year
ROUND_MS = 300_000
SELECT_ANSWERED = (
    "SELECT coalesce((SELECT sum(stored) FROM ingest_worker), 0) + coalesce(sum(count), 0) FROM ingest_dead"
)
SELECT_QUIET = "SELECT NOT EXISTS (SELECT FROM rejudge) AND EXISTS (SELECT FROM ledger_shard)"
SELECT_JOBS = "SELECT count(*) FROM device_job WHERE reason = 'clock'"
SELECT_DAYS = "SELECT count(*) FROM ledger WHERE day < %s"


def measure(quick: bool = False) -> dict[str, float]:
    """Ledger days before the past that readings are taken of, and clock jobs per device whose clock is wrong."""
    devices = 4 if quick else DEVICES
    with stand() as servers:
        url = servers.database(HOMES)
        wake = Traffic(HOMES, HOMES - 1, 1, int(time.time() * 1000) - ROUND_MS)
        with servers.ingest(url, wake) as ingest:
            packets = list(_packets(devices))
            publisher = Publisher(servers.broker.port)
            publisher.send(packets)
            publisher.close()
            _until(ingest.conn, SELECT_ANSWERED, len(packets) + 1)
        with _watch(servers, url), psycopg.connect(url, autocommit=True) as conn:
            _until(conn, SELECT_QUIET, 1)
            _until(conn, SELECT_JOBS, devices)
            jobs = _one(conn, SELECT_JOBS)
            days = _one(conn, SELECT_DAYS, datetime.now(UTC).date() - timedelta(days=PAST_DAYS))
    return {"clock_2015_ledger_days": days, "clock_jobs_per_device": jobs / devices}


def _packets(devices: int) -> Iterator[bytes]:
    """Yield each device speaks as of some days of each year, cold as a stairwell; none of it is from now."""
    mid = 0
    for nth in range(READINGS):
        for year in YEARS:
            day = date(year, 1, 10) + timedelta(days=37 * nth)
            for device in range(devices):
                mid = mid % 65_535 + 1
                ts = f"{day}T08:00:{device % 60:02}Z"
                yield publish_packet(f"g{device // 50}", f'{{"id":"s{device}","ts":"{ts}","temperature":12.5}}', mid)


def _watch(servers: Stand, url: str) -> AbstractContextManager[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "HEARTH_DATABASE_URL": url,
        "HEARTH_POLICY": str(servers.policy),
        "HEARTH_LOG_LEVEL": "warning",
    }
    return process(HEARTH_WATCH, environment)


def _until(conn: psycopg.Connection, statement: str, least: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while (seen := _one(conn, statement)) < least:
        if time.monotonic() > end:
            raise TimeoutError(f"{seen} instead of {least}: {statement}")
        time.sleep(0.2)


def _one(conn: psycopg.Connection, statement: str, *values: object) -> int:
    row = conn.execute(statement.encode(), values or None).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that only shows that it runs")
    print(json.dumps(measure(parser.parse_args().quick)))

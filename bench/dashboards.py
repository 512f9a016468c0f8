"""Every query of every dashboard in a whole city: its time, and whether it reads through all readings."""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection

from bench import city
from bench.panels import Question, expand, questions
from bench.stand import SETTINGS
from dashboards.collection import dashboards
from dashboards.links import HOME, SUBSTATION
from dashboards.look import Look
from domain import policy_file
from local import trixie
from local.postgres import Postgres
from local.trixie import TimescalePostgres
from store.base.stage import open_stages
from store.figures import building_rows
from store.readings import ingest_counts

HOMES, BUILDINGS = 100_000, 3_000
QUICK_HOMES, QUICK_BUILDINGS = 2_000, 60
LIMIT_MS = 200.0
PLAIN_SETTINGS = {name: value for name, value in SETTINGS.items() if name != "shared_preload_libraries"}
TIMES = 5
SPANS = {HOME: timedelta(days=7), SUBSTATION: timedelta(days=7)}
SPAN = timedelta(days=1)
PART = 0.1  # of all readings: a query that touches more reads through them
COUNT = "SELECT sum(stored)::bigint FROM ingest_health"
TIMESCALE = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')"
CHUNKS = "SELECT chunk_name FROM timescaledb_information.chunks WHERE hypertable_name = 'reading'"


class Figure(NamedTuple):
    """The time of a query, the median of some, and whether its plan reads through the readings."""

    question: Question
    took_ms: float
    full_scan: bool


def main() -> None:
    """Take the figures and print them as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=HOMES)
    parser.add_argument("--buildings", type=int, default=BUILDINGS)
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    parser.add_argument("--plain", action="store_true", help="on plain PostgreSQL, not on TimescaleDB")
    parser.add_argument("--all", action="store_true", help="print what each query took as well")
    options, _ = parser.parse_known_args()
    homes, built = (QUICK_HOMES, QUICK_BUILDINGS) if options.quick else (options.homes, options.buildings)
    figures, pieces_ms = measure(homes, built, plain=options.plain)
    found = summary(figures, homes, built, each=options.all)
    print(json.dumps({**found, **counting(pieces_ms)}, ensure_ascii=False))


def summary(figures: list[Figure], homes: int, built: int, *, each: bool = False) -> dict[str, Any]:
    """Return the figures as they are printed."""
    slowest = max(figures, key=lambda figure: figure.took_ms)
    found: dict[str, Any] = {
        "benchmark": "dashboards",
        "panels": len({(f.question.dashboard, f.question.place) for f in figures}),
        "queries": len(figures),
        "homes": homes,
        "buildings": built,
        "slowest_ms": round(slowest.took_ms, 1),
        "slowest_panel": str(slowest.question),
        "over_limit": [str(f.question) for f in figures if f.took_ms > LIMIT_MS],
        "full_scans": [str(f.question) for f in figures if f.full_scan],
    }
    if each:
        found["each_ms"] = {str(f.question): round(f.took_ms, 1) for f in figures}
    return found


def counting(pieces_ms: list[float]) -> dict[str, float]:
    """Measure the count of the buildings: all of a round, and the longest that other work waits for it."""
    return {"map_round_ms": round(sum(pieces_ms), 1), "map_longest_piece_ms": round(max(pieces_ms), 1)}


def measure(homes: int, built: int, *, plain: bool = False) -> tuple[list[Figure], list[float]]:
    """Build the city, ask it everything as Grafana's role, and count its buildings as watch does."""
    if not plain:
        trixie.ensure()
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = (
            Postgres(folder / "postgres", settings=PLAIN_SETTINGS)
            if plain
            else TimescalePostgres(folder / "postgres", settings=SETTINGS)
        ).start()
        try:
            city.build(server.url(), homes, built)
            with psycopg.connect(server.url(), autocommit=True) as conn:
                return list(_figures(conn)), list(_pieces_ms(conn))
        finally:
            server.remove()


def _figures(conn: Connection) -> Iterator[Figure]:
    with conn.transaction():
        ingest_counts.sample(conn, datetime.now(UTC) - timedelta(minutes=1))
        ingest_counts.sample(conn, datetime.now(UTC))
    now = datetime.now(UTC)
    chosen = city.chosen(now)
    look = Look("en", policy_file.builtin("seed"), now, "")
    for uid, board in dashboards(look).items():
        with conn.transaction():
            building_rows.count_all(conn, datetime.now(UTC))
        with conn.transaction():
            conn.execute("SET LOCAL ROLE hearth_grafana")
            for question in questions(board):
                span = question.span or SPANS.get(uid, SPAN)
                sql = expand(question.sql, chosen, now - span, now)
                yield Figure(question, _took_ms(conn, sql), reads_through(conn, sql))


def _pieces_ms(conn: Connection) -> Iterator[float]:
    open_stages(conn)
    reached: int | None = 0
    while reached is not None:
        start = time.perf_counter()
        with conn.transaction():
            reached = building_rows.count(conn, reached, datetime.now(UTC))
        yield (time.perf_counter() - start) * 1000


def _took_ms(conn: Connection, sql: str) -> float:
    """Return the median of some, after one that warms up; with all rows fetched."""
    took = []
    for _ in range(TIMES + 1):
        start = time.perf_counter()
        conn.execute(sql.encode()).fetchall()
        took.append(time.perf_counter() - start)
    return sorted(took[1:])[TIMES // 2] * 1000


def reads_through(conn: Connection, sql: str) -> bool:
    """Return whether a statement touches a good part of all readings: it is run and its rows counted."""
    row = conn.execute(b"EXPLAIN (ANALYZE, TIMING off, FORMAT JSON) " + sql.encode()).fetchone()
    touched = _rows(row[0][0]["Plan"], _readings(conn)) if row else 0.0
    total = conn.execute(COUNT).fetchone()
    return total is not None and touched > PART * total[0]


def _readings(conn: Connection) -> set[str]:
    """Return the tables that readings are in."""
    timescale = conn.execute(TIMESCALE).fetchone() == (True,)
    return {"reading"} | ({name for (name,) in conn.execute(CHUNKS)} if timescale else set())


def _rows(node: dict[str, Any], relations: set[str]) -> float:
    """Return the rows that a plan took from some relations, or passed over there."""
    here = 0.0
    if node.get("Relation Name") in relations:
        passed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        here = (node["Actual Rows"] + passed) * node["Actual Loops"]
    return here + sum(_rows(inner, relations) for inner in node.get("Plans", []))


if __name__ == "__main__":
    main()

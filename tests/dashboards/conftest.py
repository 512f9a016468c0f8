"""Dashboards of the built-in policy, and a town to ask them of."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import Connection

from bench import city
from dashboards.look import Language, Look
from domain.policy_file import builtin
from store.figures import building_rows
from store.readings import ingest_counts
from tests.conftest import Servers, fresh_database

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
CHOSEN = city.chosen(datetime.now(UTC))
HOMES, BUILDINGS = 600, 60


def look(language: Language = "en") -> Look:
    """Return dashboards as they are made for the built-in policy."""
    return Look(language, builtin("seed"), NOW, "https://hearth.example")


FORESEEN = (
    """
    INSERT INTO foresight_chance
    SELECT substation_id, current_date - n, 6, 100, 10, 4, 8, 8, 2, array_fill(1.0, ARRAY[30])
    FROM substation, generate_series(0, 6) AS n
    """,
    """
    INSERT INTO foresight_error
    SELECT substation_id, current_date - n, 6, 100, 30, 60, 90 FROM substation, generate_series(0, 6) AS n
    """,
    """
    INSERT INTO foresight_warning (day, home_id, at, until, celsius, lowest, limit_celsius, chance, reason)
    SELECT current_date, home_id, now() - interval '1 day', now(), 18, 17, 18, 0.5, 'near' FROM home LIMIT 5
    """,
    """
    INSERT INTO substation_sign
    SELECT substation_id, 'return', now(), 600, 43.1, 47.3, 5.1, now() - interval '1 day' FROM substation
    """,
)


@pytest.fixture(scope="package", params=("plain", "timescale"))
def town(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Connection]:
    """A town that has been running for a month, once per flavour; what a test changes is rolled back by it."""
    databases = fresh_database(servers.of(request.param), request.param)
    database = next(databases)
    city.build(database.url, HOMES, BUILDINGS)
    with psycopg.connect(database.url, autocommit=True) as conn:
        with conn.transaction():
            building_rows.count_all(conn, datetime.now(UTC))
            for statement in FORESEEN:
                conn.execute(statement.encode())
            ingest_counts.sample(conn, datetime.now(UTC) - timedelta(minutes=1))
            ingest_counts.sample(conn, datetime.now(UTC))
        yield conn
    next(databases, None)

"""Figures of the database server: replication, jobs, conversion, as an account without rights to any table."""

from datetime import UTC, datetime, timedelta

import pytest
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from store.base import migrate, server_figures
from tests.conftest import Database

NOW = datetime(2026, 1, 15, tzinfo=UTC)


@pytest.fixture
def stranger(database: Database, connection: Connection) -> Connection:
    """A connection in the role of an account that may do nothing at all."""
    role = Identifier(f"stranger_{datetime.now(UTC):%H%M%S%f}")
    connection.execute(SQL("CREATE ROLE {} LOGIN").format(role))
    connection.execute(SQL("SET ROLE {}").format(role))
    return connection


def test_no_right_to_a_table_is_needed(stranger: Connection, database: Database) -> None:
    server = server_figures.server(stranger)
    assert server.bytes > 1_000_000
    assert 0 < server.connections < server.most_connections
    assert server.has_timescale is (database.flavour == "timescale")
    assert not server.is_standby
    assert server_figures.replicas(stranger) == []
    if server.has_timescale:
        assert server_figures.jobs(stranger, NOW) == []  # the Apache edition has none on Hearth's tables
        assert server_figures.conversions(stranger, NOW) == []


def test_a_slot_that_nobody_reads(connection: Connection) -> None:
    name = f"unread_{datetime.now(UTC):%H%M%S%f}"
    connection.execute("SELECT pg_create_physical_replication_slot(%s, true)", (name,))
    try:
        (slot,) = (slot for slot in server_figures.slots(connection) if slot.name == name)
        assert not slot.is_active
        assert slot.kept_bytes >= 0
    finally:
        connection.execute("SELECT pg_drop_replication_slot(%s)", (name,))


def test_jobs_of_the_community_edition(community: Database) -> None:
    """Jobs that never run, as there, and a chunk that should have been converted long ago."""
    with community.connect(autocommit=True) as conn:
        migrate.migrate(conn)
        jobs = server_figures.jobs(conn, datetime.now(UTC))
        assert {job.procedure for job in jobs} >= {"policy_compression", "policy_refresh_continuous_aggregate"}
        assert {job.relation for job in jobs} >= {"reading", "substation_reading"}
        assert not any(job.is_failed for job in jobs)
        assert max(job.overdue_s for job in jobs) < 3600
        later = server_figures.jobs(conn, datetime.now(UTC) + timedelta(days=30))
        assert min(job.overdue_s for job in later if job.relation == "reading") > 86_400
        conn.execute("INSERT INTO reading SELECT 1, %s, now(), 20, NULL, NULL, 0, true", (NOW,))
        behind = {c.relation: c.behind_s for c in server_figures.conversions(conn, NOW + timedelta(days=20))}
        # The chunk of a day ends at its midnight and may stay for seven days.
        assert behind["reading"] == pytest.approx(12 * 86_400, abs=86_400)
        assert behind["substation_reading"] == 0

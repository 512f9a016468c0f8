"""Migrations are frozen from 1.0 on, and a database of 1.0 becomes what a new one is."""

from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
from psycopg import Connection

from domain.errors import UsageError
from store.base import migrate
from store.base.readiness import migrated_for, unapplied
from tests.conftest import Database, Servers, administer
from tests.store.catalogue import catalogue
from tests.store.release_1_0 import apply_1_0, checksums_of_1_0, say_something

NUMBERS = count(1)
STEP = "flavour/timescale_community/0002_readings_by_column.sql"


@pytest.fixture
def empty(servers: Servers, flavour: str) -> Iterator[Connection]:
    """A connection to a database without anything in it, once per flavour."""
    with nothing_in_it(servers, flavour) as conn:
        yield conn


def nothing_in_it(servers: Servers, flavour: str) -> Connection:
    name = f"empty_{next(NUMBERS)}"
    administer(servers.of(flavour), f"CREATE DATABASE {name}")
    return psycopg.connect(servers.of(flavour).url(name))


def test_files_of_a_release_are_frozen() -> None:
    """A file of a release that is changed would be refused by each database that has it: write a new one."""
    text = {name: text for chosen in migrate.LINEAGE for name, text in migrate.scripts(chosen).items()}
    found = {name: migrate.checksum(text[name]) for name in checksums_of_1_0() if name in text}
    assert found == checksums_of_1_0()


def test_later_files_come_after_those_of_a_release() -> None:
    """A database that has the release gets the rest in the order in which a new one gets it."""
    for chosen in migrate.LINEAGE:
        names = list(migrate.scripts(chosen))
        released = [name in checksums_of_1_0() for name in names]
        assert released == sorted(released, reverse=True), names


def test_a_database_of_1_0_becomes_what_a_new_one_is(empty: Connection, servers: Servers, flavour: str) -> None:
    chosen = migrate.flavour(empty)
    apply_1_0(empty, chosen)
    say_something(empty)
    missing = unapplied(empty)
    assert migrate.migrate(empty) == missing
    assert (unapplied(empty), migrated_for(empty), migrate.migrate(empty)) == ([], chosen, [])
    assert empty.execute("SELECT count(*), sum(readings) FROM reading_hour").fetchone() == (100, 100)
    with nothing_in_it(servers, flavour) as new:
        migrate.migrate(new)
        fresh, upgraded = catalogue(new), catalogue(empty)
    del fresh["rows"], upgraded["rows"]  # of which there are readings in one
    assert upgraded == fresh


def test_no_plan_is_compiled(empty: Connection) -> None:
    """A page of measurements that are due took 1.6 s, of which 3 ms were not LLVM."""
    migrate.migrate(empty)
    empty.commit()
    with psycopg.connect(empty.info.dsn, password=empty.info.password) as later:
        assert later.execute("SELECT current_setting('jit')").fetchone() == ("off",)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE home ALTER COLUMN unit DROP NOT NULL",
        "ALTER TABLE ticket ALTER COLUMN paid SET DEFAULT true",
        "ALTER TABLE flag DROP CONSTRAINT flag_exact",
        "ALTER TABLE clock DISABLE TRIGGER clock_stays",
        "ALTER TABLE ingest_deferred ALTER COLUMN payload SET STORAGE EXTENDED",
        "ALTER TABLE message RESET (fillfactor)",
        "ALTER SEQUENCE audit_audit_id_seq CACHE 5",
        "ALTER FUNCTION tenancy(integer, text, timestamptz, timestamptz) SECURITY INVOKER",
        "ALTER FUNCTION point_readings(integer, timestamptz, timestamptz, bigint) RESET enable_sort",
        "ALTER VIEW measurement_valid RESET (security_invoker)",
        "CREATE OR REPLACE VIEW ingest_reject AS SELECT worker, reason, count FROM ingest_dead WHERE count > 0",
        "DROP INDEX flag_raised",
        "DROP POLICY reached ON home",
        "GRANT SELECT ON token TO hearth_grafana",
        "GRANT EXECUTE ON FUNCTION lock_home(integer) TO PUBLIC",
        "COMMENT ON TABLE home IS 'where people live'",
        "INSERT INTO numbering VALUES ('another', 0, 0)",
    ],
)
def test_a_catalogue_tells_of_a_change(migrated: Connection, change: str) -> None:
    before = catalogue(migrated)
    migrated.execute(change.encode())
    assert catalogue(migrated) != before


@pytest.fixture
def migrated(plain_database: Database) -> Iterator[Connection]:
    """A migrated database, in a transaction that is rolled back."""
    with plain_database.connect() as conn:
        yield conn
        conn.rollback()


def test_what_is_missing_in_a_database_without_anything(empty: Connection) -> None:
    assert unapplied(empty) == [*migrate.scripts(None), "flavour"]
    assert migrated_for(empty) is None


def test_a_database_of_another_flavour_is_refused(empty: Connection) -> None:
    migrate.migrate(empty)
    empty.execute("INSERT INTO schema_migration VALUES ('flavour/another/0001.sql', '')")
    with pytest.raises(UsageError, match=r"flavour/another/0001\.sql.*another flavour"):
        migrate.migrate(empty)


@pytest.mark.parametrize("chosen", list(migrate.LINEAGE))
def test_a_database_from_before_1_0_is_refused(plain_database: Database, chosen: str) -> None:
    """Its files had other texts under names that are in use again, and one for each flavour beside the folder."""
    with plain_database.connect() as conn:
        conn.execute("UPDATE schema_migration SET name = %s WHERE name LIKE 'flavour/%%'", (f"flavour/{chosen}.sql",))
        with pytest.raises(UsageError, match=r"made by a release before 1\.0"):
            migrate.migrate(conn)


def test_a_file_that_has_changed_is_refused(empty: Connection) -> None:
    migrate.migrate(empty)
    empty.execute("UPDATE schema_migration SET checksum = '' WHERE name LIKE 'flavour/%/0002_readings.sql'")
    with pytest.raises(UsageError, match=r"0002_readings\.sql has changed"):
        migrate.migrate(empty)


def test_the_apache_edition_neither_gets_nor_takes_what_needs_the_community_licence(servers: Servers) -> None:
    with nothing_in_it(servers, "timescale") as conn:
        migrate.migrate(conn)
        assert migrated_for(conn) == "timescale_apache"
        assert STEP not in migrate.scripts("timescale_apache")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="apache"):
            conn.execute(migrate.scripts("timescale_community")[STEP].encode())


def test_a_database_that_is_not_in_utf_8_is_refused_before_anything_is_written(servers: Servers) -> None:
    """As initdb makes it where no locale is set, its texts come back as bytes: the second migration would fail."""
    server = servers.of("plain")
    with psycopg.connect(server.url(), autocommit=True) as conn:
        conn.execute(
            "CREATE DATABASE other_bytes ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
        )
    try:
        with psycopg.connect(server.url("other_bytes")) as conn:
            with pytest.raises(UsageError, match="is in SQL_ASCII: make it with ENCODING 'UTF8'"):
                migrate.migrate(conn)
            made = conn.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")
            assert made.fetchone() == (0,)
    finally:
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("DROP DATABASE other_bytes")


def test_a_server_that_is_too_old_is_refused_before_anything_is_written(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "OLDEST_SERVER", 990_000)
    with nothing_in_it(servers, "plain") as conn:
        with pytest.raises(UsageError, match=r"this is PostgreSQL [0-9]+, Hearth needs 99 or later"):
            migrate.migrate(conn)
        assert catalogue(conn)["relations"] == []

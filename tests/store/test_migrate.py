"""Databases of earlier releases become what a new one is."""

from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from itertools import count

import numpy as np
import psycopg
import pytest
from psycopg import Connection

from alerts.engine.machine import MACHINE
from domain.errors import UsageError
from domain.milli import NONE_MILLI
from store.base import migrate
from store.base.readiness import migrated_for, unapplied
from tests import registry_rows as town
from tests.conftest import Servers, administer

NUMBERS = count(1)
FIRST_RELEASE = 9  # numbered migrations that the first release had
STEP = "flavour/timescale_community/0019_columnstore.sql"


# Before whole thousandths: the same bytes, with floats.
OLD_MACHINE = np.dtype([(n, np.float32 if n in ("lowest", "limit") else MACHINE[n]) for n in MACHINE.names or ()])
INSERT_DAY = """
INSERT INTO ledger (
  home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, heat, deficit, policy,
  closed, machine
) VALUES (%s, %s, 0, 0, 0, 0, 0, 0, 0, 0, 'seed@2020-01-01', true, %s)
"""


@pytest.fixture
def empty(servers: Servers, flavour: str) -> Iterator[Connection]:
    """A connection to a database without anything in it, once per flavour."""
    with nothing_in_it(servers, flavour) as conn:
        yield conn


def nothing_in_it(servers: Servers, flavour: str) -> Connection:
    name = f"empty_{next(NUMBERS)}"
    administer(servers.of(flavour), f"CREATE DATABASE {name}")
    return psycopg.connect(servers.of(flavour).url(name))


def apply_as_first_release(conn: Connection, chosen: str) -> None:
    """What the first release did: nine numbered files, then that of the flavour."""
    conn.execute(migrate.CREATE_RECORD)
    numbered = [name for name in migrate.scripts(None) if name[:4] <= f"{FIRST_RELEASE:04}"]
    assert len(numbered) == FIRST_RELEASE
    for name in (*numbered, f"flavour/{chosen}.sql"):
        text = (files("store") / "migrations").joinpath(name).read_text(encoding="utf-8")
        conn.execute(text.encode())
        conn.execute(migrate.INSERT_APPLIED, (name, migrate.checksum(text)))
    conn.commit()


def say_something(conn: Connection) -> None:
    """A hundred readings of two sensors, an hour apart."""
    conn.execute(
        "INSERT INTO reading SELECT s, '2026-01-01Z'::timestamptz + n * interval '1 hour', now(), 20, NULL, NULL, 0,"
        " true FROM generate_series(0, 49) AS n, generate_series(1, 2) AS s"
    )
    conn.commit()


def relations(conn: Connection) -> list[tuple[object, ...]]:
    """Every column of every relation."""
    return conn.execute(
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
    ).fetchall()


def test_a_database_of_the_first_release_becomes_what_a_new_one_is(
    empty: Connection, servers: Servers, flavour: str
) -> None:
    chosen = migrate.flavour(empty)
    apply_as_first_release(empty, chosen)
    say_something(empty)
    missing = unapplied(empty)
    assert "0019_retention.sql" in missing
    assert migrate.migrate(empty) == missing
    assert (unapplied(empty), migrated_for(empty), migrate.migrate(empty)) == ([], chosen, [])
    assert empty.execute("SELECT count(*), sum(readings) FROM reading_hour").fetchone() == (100, 100)
    with nothing_in_it(servers, flavour) as new:
        migrate.migrate(new)
        assert relations(new) == relations(empty)


def test_temperatures_of_earlier_releases_become_whole_thousandths(empty: Connection) -> None:
    """17.9 and 0.3 were added in 32 bits; machines of closed days held such floats as bytes."""
    for name, text in migrate.scripts(migrate.flavour(empty)).items():
        if name < "0030" or name.startswith(migrate.FLAVOUR):
            empty.execute(text.encode())
    home = town.home(empty, "H1")
    sensor = town.sensor(empty, "s1", home)
    empty.execute("UPDATE point SET offset_k = 0.30049")
    summed = float(np.float32(17.9) + np.float32(0.3))
    empty.execute("UPDATE sensor_now SET celsius = %s WHERE sensor_id = %s", [summed, sensor])
    old = np.zeros(3, OLD_MACHINE)
    old["lowest"], old["limit"] = [np.inf, 15.9, -0.5], [0, 18, 16]
    for nth, machine in enumerate(old):
        empty.execute(INSERT_DAY, [home, date(2026, 1, 1 + nth), machine.tobytes()])
    empty.execute(migrate.scripts(None)["0030_exact.sql"].encode())
    assert empty.execute("SELECT offset_k, celsius FROM point JOIN sensor_now USING (sensor_id)").fetchone() == (
        0.3,
        18.2,
    )
    found = [np.frombuffer(row[0], MACHINE)[0] for row in empty.execute("SELECT machine FROM ledger ORDER BY day")]
    assert [int(one["lowest"]) for one in found] == [NONE_MILLI, 15_900, -500]
    assert [int(one["limit"]) for one in found] == [0, 18_000, 16_000]


def test_what_is_missing_in_a_database_without_anything(empty: Connection) -> None:
    assert unapplied(empty) == [*migrate.scripts(None), "flavour"]
    assert migrated_for(empty) is None


def test_a_database_of_another_flavour_is_refused(empty: Connection) -> None:
    migrate.migrate(empty)
    empty.execute("INSERT INTO schema_migration VALUES ('flavour/another.sql', '')")
    with pytest.raises(UsageError, match=r"flavour/another\.sql.*another flavour"):
        migrate.migrate(empty)


def test_a_file_that_has_changed_is_refused(empty: Connection) -> None:
    migrate.migrate(empty)
    empty.execute("UPDATE schema_migration SET checksum = '' WHERE name LIKE 'flavour/%/0019_retention.sql'")
    with pytest.raises(UsageError, match=r"0019_retention\.sql has changed"):
        migrate.migrate(empty)


def test_the_apache_edition_neither_gets_nor_takes_what_needs_the_community_licence(servers: Servers) -> None:
    with nothing_in_it(servers, "timescale") as conn:
        migrate.migrate(conn)
        assert migrated_for(conn) == "timescale_apache"
        assert STEP not in migrate.scripts("timescale_apache")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="apache"):
            conn.execute(migrate.scripts("timescale_community")[STEP].encode())


def test_a_server_that_is_too_old_is_refused_before_anything_is_written(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "OLDEST_SERVER", 990_000)
    with nothing_in_it(servers, "plain") as conn:
        with pytest.raises(UsageError, match="this is PostgreSQL 18, Hearth needs 99 or later"):
            migrate.migrate(conn)
        assert relations(conn) == []

"""A day of the ledger is of a home that is there: tried from both sides, alone and by two at once."""

import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import numpy as np
import psycopg
import pytest
from psycopg import Connection, errors

from store.base import wire
from store.judging import ledger_rows
from tests import registry_rows as town
from tests.acceptance.waiting import until
from tests.conftest import Database

INSERT = (
    "INSERT INTO ledger (home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, "
    "heat, deficit, policy, closed) SELECT x, date '2026-01-02' + n, 0, 0, 0, 0, 0, 0, 0, 0, 'p', true "
    "FROM unnest(%s::integer[]) AS x, generate_series(0, 2) AS n"
)
DELETE = "DELETE FROM home WHERE home_id = 1"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
LEFT = "SELECT count(*) FROM ledger AS l WHERE NOT EXISTS (SELECT FROM home AS h WHERE h.home_id = l.home_id)"


@pytest.fixture
def conn(plain_database: Database) -> Iterator[Connection]:
    with plain_database.connect(autocommit=True) as conn:
        for code in ("H1", "H2"):
            town.home(conn, code)
        # What else would keep a home; days alone are to.
        conn.execute("DELETE FROM home_state; DELETE FROM home_status")
        yield conn
        assert conn.execute(LEFT).fetchone() == (0,)


@pytest.mark.parametrize("role", ["origin", "replica"])
def test_a_day_has_its_home(conn: Connection, role: str) -> None:
    conn.execute(f"SET session_replication_role = {role}".encode())
    with pytest.raises(errors.ForeignKeyViolation, match="no home 9 for a row of ledger"):
        conn.execute(INSERT, ([1, 9, 2],))
    conn.execute(INSERT, ([1, 2],))
    for change in ("home_id = 9", "home_id = 2, day = '2027-01-01'", "day = day + 9"):
        with pytest.raises(errors.RestrictViolation):
            conn.execute(f"UPDATE ledger SET {change} WHERE home_id = 1 AND day = '2026-01-02'".encode())


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize(
    "change", [DELETE, "UPDATE home SET home_id = DEFAULT WHERE home_id = 1", "TRUNCATE home CASCADE"]
)
def test_a_home_with_days_stays(conn: Connection, role: str, change: str) -> None:
    conn.execute(INSERT, ([1],))
    conn.execute(f"SET session_replication_role = {role}".encode())
    with pytest.raises((errors.ForeignKeyViolation, errors.RestrictViolation)):
        conn.execute(change.encode())
    conn.execute("DELETE FROM home WHERE home_id = 2")


def test_who_takes_a_home_waits_for_who_writes_its_days(conn: Connection, plain_database: Database) -> None:
    refused = list[BaseException]()

    def take() -> None:
        with plain_database.connect(autocommit=True) as other:
            try:
                other.execute(DELETE)
            except psycopg.Error as error:
                refused.append(error)

    with conn.transaction():
        conn.execute(INSERT, ([1],))
        taker = threading.Thread(target=take)
        taker.start()
        with plain_database.connect(autocommit=True) as third:
            until(lambda: third.execute(WAITING).fetchone() == (1,), "the other waits", seconds=30)
    taker.join()
    assert [type(error) for error in refused] == [errors.ForeignKeyViolation]


def test_who_writes_days_waits_for_who_takes_the_home(conn: Connection, plain_database: Database) -> None:
    refused = list[BaseException]()

    def write() -> None:
        with plain_database.connect(autocommit=True) as other:
            try:
                other.execute(INSERT, ([1],))
            except psycopg.Error as error:
                refused.append(error)

    with conn.transaction():
        conn.execute(DELETE)
        writer = threading.Thread(target=write)
        writer.start()
        with plain_database.connect(autocommit=True) as third:
            until(lambda: third.execute(WAITING).fetchone() == (1,), "the other waits", seconds=30)
    writer.join()
    assert [type(error) for error in refused] == [errors.ForeignKeyViolation]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_an_old_snapshot_takes_no_home(conn: Connection, plain_database: Database, level: str) -> None:
    with plain_database.connect() as other:
        other.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
        other.execute("SELECT count(*) FROM ledger")
        conn.execute(INSERT, ([1],))
        with pytest.raises(psycopg.Error):
            other.execute(DELETE)


@pytest.mark.parametrize("most", [ledger_rows.MOST_AS_ARRAYS, 2])
@pytest.mark.parametrize("write", [ledger_rows.put, ledger_rows.add])
def test_days_that_another_has_added_since_the_look_are_written_over(
    conn: Connection, plain_database: Database, monkeypatch: pytest.MonkeyPatch, write: Callable[..., int], most: int
) -> None:
    """The ledger of a shard is brought up to now without a lock on its homes, beside a recheck that found no days."""
    monkeypatch.setattr(ledger_rows, "MOST_AS_ARRAYS", most)
    first, labels = date(2026, 1, 2), ["p"]
    rows = np.zeros(3, wire.native(ledger_rows.DAY_ROW))
    rows["home_id"], rows["day"], rows["closed"] = 1, first.toordinal() + np.arange(3), True
    theirs = rows.copy()
    theirs["cold"][1] = 5
    span = (first, first + timedelta(days=3))
    with plain_database.connect(autocommit=True) as other, conn.transaction():
        assert ledger_rows.differ(rows, ledger_rows.days(conn, [1], span, labels)).all()
        with other.transaction():
            assert ledger_rows.put(other, theirs, labels) == 3
        assert write(conn, rows, labels) == 1
        assert (ledger_rows.days(conn, [1], span, labels) == rows).all()

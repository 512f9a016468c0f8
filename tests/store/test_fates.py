"""Each reading has one fate, also when a batch repeats what was stored before it."""

from datetime import UTC, datetime

import pytest
from psycopg import Connection

from tests import registry_rows as town
from tests.conftest import Database
from tests.store.desk import Desk

NOON = datetime(2026, 1, 15, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("again", "duplicates", "conflicts"),
    [
        ((20.0,), 1, 0),
        ((21.0,), 0, 1),
        ((20.0, 20.0), 2, 0),
        ((20.0, 21.0), 1, 1),
        ((21.0, 21.0), 0, 2),  # the second repeats the first, but not what is stored
        ((21.0, 20.0, 22.0), 1, 2),
    ],
)
def test_the_same_instant_again(
    connection: Connection, database: Database, again: tuple[float, ...], duplicates: int, conflicts: int
) -> None:
    town.sensor(connection, "s", town.home(connection, "H"))
    connection.commit()
    with database.connect(autocommit=True) as conn:
        desk = Desk(conn)
        assert desk.say(("s", NOON, 20.0)).stored == 1
        fates = desk.say(*(("s", NOON, celsius) for celsius in again))
        assert (fates.stored, fates.duplicates, fates.conflicts) == (0, duplicates, conflicts)
        (row,) = desk.rows("SELECT * FROM ingest_health")
        assert row["messages"] == row["stored"] + row["duplicates"] + row["conflicts"] == 1 + len(again)
        assert len(desk.rows("SELECT * FROM dead_letter WHERE reason = 'conflict'")) == conflicts

"""Rounds that have many tickets in hand: they pass over one in work elsewhere, and come to it at the next look."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from psycopg import Connection

from alerts.desk import recovery
from alerts.judging.history import History
from alerts.tickets import clocks
from domain.tickets import EventKind
from store.tickets import ticket_rows
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.company import CALENDAR_2027, DAY, HOUR, SEED, Company
from tests.store.desk import MINUTE, NOON

pytestmark = pytest.mark.plain_only


@pytest.fixture
def desk(database: Database) -> Iterator[Company]:
    with database.connect(autocommit=True) as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        town.sensor(conn, "s2", town.home(conn, "H2"))
        conn.execute("SET lock_timeout = '2s'")
        yield Company(conn)


def urgent(desk: Company) -> tuple[datetime, Callable[[datetime], object], str]:
    """Make two homes cold for as long as makes them urgent."""
    for hours in (0, 1, 25):
        desk.say(*((code, NOON + hours * HOUR, 17.0) for code in ("s1", "s2")))
    return NOON + 25 * HOUR, lambda now: recovery.look(desk.conn, History(SEED), now), EventKind.PRIORITY


def proven(desk: Company) -> tuple[datetime, Callable[[datetime], object], str]:
    """Let two homes get warm whose tickets are marked done."""
    desk.say(*((code, NOON, 17.0) for code in ("s1", "s2")))
    for ticket in (1, 2):
        desk.let(ticket, EventKind.DONE, NOON + MINUTE)
    for minutes in range(2, 200, 10):
        desk.say(*((code, NOON + minutes * MINUTE, 20.0) for code in ("s1", "s2")))
    return NOON + 200 * MINUTE, lambda now: recovery.look(desk.conn, History(SEED), now), EventKind.PROVEN


def dated(desk: Company) -> tuple[datetime, Callable[[datetime], object], str]:
    """Open two tickets whose clocks end in a year that the calendar knows only later, and are late by then."""
    return (
        desk.two_undated() + DAY,
        lambda now: clocks.date_undated(desk.conn, CALENDAR_2027, now),
        EventKind.CLOCK_DATED,
    )


def had(conn: Connection, kind: str) -> list[int]:
    """Return the tickets that had an event."""
    asked = "SELECT DISTINCT ticket_id FROM ticket_event WHERE kind = %s ORDER BY ticket_id"
    return [row[0] for row in conn.execute(asked, [kind]).fetchall()]


@pytest.mark.parametrize("prepare", [urgent, proven, dated])
def test_a_ticket_in_work_has_its_turn_at_the_next_look(
    desk: Company, database: Database, prepare: Callable[[Company], tuple[datetime, Callable[[datetime], object], str]]
) -> None:
    now, look, kind = prepare(desk)
    with database.connect() as busy:
        ticket_rows.lock(busy, [1])
        look(now)
        assert had(desk.conn, kind) == [2]
    look(now + MINUTE)
    assert had(desk.conn, kind) == [1, 2]

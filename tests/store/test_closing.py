"""Days are closed by one host's clock while readings are stored by another's: none is left out of its day."""

import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from alerts.judging import rejudge
from alerts.judging.by_clock import catch_up, keep_ledger
from alerts.judging.history import History
from domain import policy_file
from store.base.stage import open_stages
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.at_once import until_one_waits
from tests.store.desk import MINUTE, NOON, Desk

HISTORY = History(policy_file.builtin("seed"))
MIDNIGHT = NOON.replace(hour=0) + timedelta(days=1)
COLD = ("s1", MIDNIGHT - 10 * MINUTE, 15.0)


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with database.connect(autocommit=True) as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        desk = Desk(conn)
        desk.say(("s1", MIDNIGHT - 90 * MINUTE, 20.0))
        yield desk


def closed(desk: Desk, day: date) -> list[int]:
    """Return the seconds of severe cold of a closed day."""
    return [row["s"] for row in desk.rows(
        f"SELECT (severe_us / 1000000)::integer AS s FROM ledger WHERE closed AND day = '{day}'"
    )]  # fmt: skip


def judge_again(desk: Desk, now: datetime) -> None:
    while catch_up(desk.conn, HISTORY, now):
        pass


@pytest.mark.parametrize("behind", [2 * MINUTE, 15 * MINUTE])
def test_a_worker_whose_clock_is_behind_has_a_closed_day_judged_again(desk: Desk, behind: timedelta) -> None:
    now = MIDNIGHT + 2 * MINUTE
    keep_ledger(desk.conn, HISTORY, 0, now)
    assert closed(desk, NOON.date()) == [0]
    desk.say(COLD, now=now - MINUTE - behind)
    judge_again(desk, now + MINUTE)
    assert closed(desk, NOON.date()) == [600]


def test_a_day_is_closed_with_what_is_being_stored(desk: Desk, database: Database) -> None:
    def closing() -> None:
        with database.connect(autocommit=True) as conn:
            open_stages(conn)
            keep_ledger(conn, HISTORY, 0, MIDNIGHT + 2 * MINUTE)

    watch = threading.Thread(target=closing)
    with database.connect(autocommit=True) as conn, conn.transaction():
        Desk(conn).say(COLD, now=MIDNIGHT - MINUTE)
        watch.start()
        until_one_waits(desk.conn)
    watch.join()
    judge_again(desk, MIDNIGHT + 3 * MINUTE)
    assert closed(desk, NOON.date()) == [600]


def test_a_day_that_is_closed_again_keeps_no_machine_of_before(desk: Desk) -> None:
    """Judging again closed the day cold, then it turned warm, and the clock of the worker was behind."""
    begin = MIDNIGHT - 60 * MINUTE
    desk.say(("s1", begin, 15.0))
    with desk.conn.transaction():
        rejudge.judge_again(desk.conn, HISTORY, [1], NOON.date(), MIDNIGHT + 2 * MINUTE)
    assert desk.rows("SELECT machine IS NULL AS idle FROM ledger WHERE closed") == [{"idle": False}]
    desk.say(*(("s1", begin + n * MINUTE, 20.0) for n in range(5, 60, 5)), now=MIDNIGHT - MINUTE)
    keep_ledger(desk.conn, HISTORY, 0, MIDNIGHT + 3 * MINUTE)
    assert desk.rows("SELECT machine IS NULL AS idle FROM ledger WHERE closed") == [{"idle": True}]

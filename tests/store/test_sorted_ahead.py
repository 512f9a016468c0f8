"""A batch that was sorted before its turn: what changes until it is stored counts, and so does what goes wrong."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from alerts.judging.judge import Judge
from domain import policy_file
from ingest.ahead import BatchBounds, SortedAhead
from ingest.batch import Intake
from ingest.inbox import Inbox
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.validate import Limits, SortedMessages
from ingest.writer import Writer
from store.base.stage import open_stages
from tests import registry_rows as town
from tests.acceptance.waiting import until
from tests.conftest import Database

NOON = datetime(2026, 1, 15, 4, tzinfo=UTC)
MOST = 4  # messages of a batch


def said(device: str, celsius: float, nth: int) -> Message:
    at = NOON + timedelta(seconds=nth)
    payload = json.dumps({"ts": int(at.timestamp() * 1000), "temperature": celsius}).encode()
    return Message(f"hearth/v1/{device}/telemetry", payload, int(NOON.timestamp() * 1e6) + nth, nth, 1, 1, False)


class Line:
    """From the inbox to the table, as a worker goes."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.inbox = Inbox(100)
        judge = Judge(policy_file.builtin("seed")).readings
        intake = Intake("w", Limits(65_536, 300_000_000), judge, SensorPlaces())
        self.writer = Writer(intake, lambda: NOON, 10**9, lambda _: None)
        self.ahead = SortedAhead(self.inbox, BatchBounds(MOST, 0), intake.sort)
        self.done: list[int] = []
        open_stages(conn)

    def take(self) -> SortedMessages:
        batch = self.ahead.take(0)
        assert batch is not None
        self.ahead.begin()
        if len(self.inbox) >= MOST:
            until(lambda: self.inbox.unsettled == 2 * MOST, "the next batch is taken")
        return batch

    def store(self, batch: SortedMessages) -> None:
        if not self.writer.store(self.conn, batch):
            self.ahead.give_back()
            self.writer.sift(self.conn, batch.taken)
        self.inbox.settle(batch.taken)
        self.done += [message.mid for message in batch.taken]

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with self.conn.cursor(row_factory=dict_row) as cur:
            return cur.execute(statement.encode()).fetchall()


@pytest.fixture
def line(plain_database: Database) -> Iterator[Line]:
    with plain_database.connect(autocommit=True) as conn:
        line = Line(conn)
        yield line
        line.ahead.close()


def test_a_sensor_that_moves_after_its_reading_was_sorted_is_judged_where_it_stands_now(line: Line) -> None:
    old, new = town.home(line.conn, "old"), town.home(line.conn, "new")
    sensor = town.sensor(line.conn, "s", old)
    line.inbox.put([said("s", 17, nth) for nth in range(2 * MOST)])
    line.store(line.take())
    assert line.ahead.has_next()
    batch = line.ahead.take(0)
    assert batch is not None
    with line.conn.transaction():
        line.conn.execute("UPDATE point SET home_id = %s WHERE sensor_id = %s", (new, sensor))
        line.conn.execute("UPDATE registry_version SET version = version + 1")
    line.store(batch)
    assert line.rows("SELECT home_id FROM sensor_now") == [{"home_id": new}]
    assert [row["home_id"] for row in line.rows("SELECT home_id FROM flag ORDER BY flag_id")] == [old, new]


def test_a_sensor_that_is_registered_after_its_reading_was_sorted_is_known(line: Line) -> None:
    line.inbox.put([said("s", 20, nth) for nth in range(MOST)])
    batch = line.take()
    town.sensor(line.conn, "s", town.home(line.conn, "home"))
    line.store(batch)
    assert line.rows("SELECT count(*) AS n FROM reading") == [{"n": MOST}]
    assert line.rows("SELECT count(*) AS n FROM dead_letter") == [{"n": 0}]


@pytest.mark.parametrize(("table", "column"), [("reading", "temperature"), ("sensor_now", "celsius")])
def test_a_batch_with_a_culprit_is_put_apart_while_the_next_one_is_sorted_already(
    line: Line, table: str, column: str
) -> None:
    for code in ("s", "culprit"):
        town.sensor(line.conn, code, town.home(line.conn, f"home of {code}"))
    line.conn.execute(f"ALTER TABLE {table} ADD CONSTRAINT no_thirty CHECK ({column} <> 30)".encode())
    culprit = said("culprit", 30, 2)
    line.inbox.put([culprit if nth == 2 else said("s", 20, nth) for nth in range(3 * MOST)])
    for _ in range(3):
        line.store(line.take())
    assert line.done == list(range(3 * MOST))  # acknowledged in the order in which they came
    assert line.rows("SELECT count(*) AS n FROM reading") == [{"n": 3 * MOST - 1}]
    (letter,) = line.rows("SELECT reason, payload FROM dead_letter")
    assert letter == {"reason": "refused", "payload": culprit.payload}
    counts = line.rows("SELECT messages, stored FROM ingest_worker")
    assert counts == [{"messages": 3 * MOST, "stored": 3 * MOST - 1}]
    assert (line.inbox.unsettled, line.inbox.is_idle()) == (0, True)

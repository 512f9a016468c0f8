"""Offsets of a log: moved on by the holder of a partition alone, and never over a message that is not stored."""

import threading
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from ingest.failures import Superseded
from ingest.inbox import Inbox
from ingest.message import Message
from store.readings import log_offsets
from store.readings.log_offsets import Holder, Partition
from tests.conftest import Database

pytest.importorskip("confluent_kafka", reason="NOT TESTED WITH KAFKA: no confluent-kafka (make setup)")

from ingest.log_source import LogAddress, LogSource

pytestmark = pytest.mark.plain_only
PLACE = Partition("t", 3)
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def holder() -> Holder:
    return Holder("g", uuid4())


def message(mid: int, epoch: int = 1) -> Message:
    return Message("t", b"", mid, mid, 1, epoch, False)


def source(database: Database, mine: Holder) -> LogSource:
    """Return one that has read the offsets 10, 11 and 15 of a partition as the messages 1, 2 and 3."""
    made = LogSource(LogAddress("none:1", ["t"], "g"), Inbox(10, fair=False), database.connect, lambda: 0)
    made._holder, made.epoch = mine, 1
    made._pending = {PLACE: dict.fromkeys((10, 11, 15))}
    made._places = {1: (PLACE, 10), 2: (PLACE, 11), 3: (PLACE, 15)}
    return made


def test_a_partition_stands_at_the_first_message_that_is_not_stored(database: Database) -> None:
    mine = holder()
    with database.connect(autocommit=True) as conn:
        assert log_offsets.claim(conn, mine, PLACE, 10, NOON) == 10, "the first that the log has"
        log = source(database, mine)
        for batch, stands in (([message(2)], 10), ([message(1)], 15), ([message(3)], 16)):
            log.progress(conn, batch)
            log.acknowledge(batch)
            assert conn.execute("SELECT next_offset FROM log_offset").fetchall() == [(stands,)]


def test_what_is_of_another_claim_is_not_stored(database: Database) -> None:
    mine, other = holder(), holder()
    with database.connect(autocommit=True) as conn:
        log_offsets.claim(conn, mine, PLACE, 10, NOON)
        log = source(database, mine)
        log.progress(conn, [message(0, epoch=0)])  # put by, long ago: it has no offset any more
        with pytest.raises(Superseded):
            log.progress(conn, [message(1), message(2, epoch=2)])
        assert log_offsets.claim(conn, other, PLACE, 7, NOON) == 10, "as far as it was stored"
        with pytest.raises(Superseded):
            log.progress(conn, [message(1)])
        assert log_offsets.rewind(conn, "g", PLACE, 4, NOON)
        assert not log_offsets.holds(conn, other, {PLACE: None})
        assert not log_offsets.rewind(conn, "g", Partition("t", 9), 4, NOON)
        assert log_offsets.claim(conn, other, PLACE, 0, NOON) == 4


def test_a_claim_waits_for_the_transaction_that_stores(database: Database) -> None:
    mine, other = holder(), holder()
    begins: list[int] = []
    with database.connect(autocommit=True) as conn, database.connect(autocommit=True) as second:
        log_offsets.claim(conn, mine, PLACE, 10, NOON)
        thread = threading.Thread(target=lambda: begins.append(log_offsets.claim(second, other, PLACE, 0, NOON)))
        with conn.transaction():
            assert log_offsets.move(conn, mine, {PLACE: 12}, NOON)
            thread.start()
            thread.join(0.3)
            assert begins == [], "what is being stored is neither lost nor read twice"
        thread.join()
    assert begins == [12]

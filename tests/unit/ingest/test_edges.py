"""Exactly at an edge: of a place, of the tolerance for clocks, of a connection whose messages are acknowledged."""

import json
import socket
from itertools import count

import numpy as np
import pytest

from alerts.judging.placing import placed
from domain.instants import EVER_US, NONE_US, to_datetime
from domain.reasons import RejectReason
from ingest.address import Address
from ingest.inbox import Inbox
from ingest.link import Link
from ingest.message import Message, Stamps
from ingest.places import SensorPlaces, SensorStay
from ingest.source import BrokerSource
from ingest.sources import Sources
from ingest.stream import PacketStream, acknowledgements
from ingest.validate import Limits, place, sort_messages
from store.base.wire import native
from store.readings.stays import SAID, STAY

NOON_US = 1_768_449_600_000_000
TOLERANCE_US = 300_000_000
LIMITS = Limits(65_536, TOLERANCE_US)
MOVED_US = NOON_US - 60_000_000


def stay(sensor_id: int, home_id: int, begin: int, end: int) -> SensorStay:
    return SensorStay(sensor_id, begin, end, end, home_id, None, 0, 300, 0)


# A sensor that moved from one home to another, and one that was taken away at that instant.
PLACES = {
    "moved": (stay(1, 7, -EVER_US, MOVED_US), stay(1, 8, MOVED_US, EVER_US)),
    "taken": (stay(2, 7, -EVER_US, MOVED_US),),
}


def fate(code: str, at_us: int) -> int | str:
    """Return the home of a reading of an instant that is received at noon, or why it is refused."""
    said = {"id": code, "ts": to_datetime(at_us).isoformat(), "temperature": 20.0}
    message = Message(f"hearth/v1/{code}/telemetry", json.dumps(said).encode(), NOON_US, 1, 1, 1, False)
    batch = sort_messages([message], LIMITS, Sources())
    places = SensorPlaces()
    places.learn(PLACES)
    homes, _ = place(batch, places, places.numbers(batch.heard.codes), LIMITS)
    return int(homes.rows["home_id"][0]) if len(homes.rows) else next(iter(batch.dead))


@pytest.mark.parametrize(
    ("code", "at_us", "expected"),
    [
        ("moved", MOVED_US - 1, 7),
        ("moved", MOVED_US, 8),
        ("taken", MOVED_US - 1, 7),
        ("taken", MOVED_US, RejectReason.NOT_PLACED),
    ],
)
def test_a_place_holds_until_before_its_end(code: str, at_us: int, expected: int | str) -> None:
    assert fate(code, at_us) == expected


def test_judging_again_knows_the_same_end_of_a_place() -> None:
    stays = np.zeros(2, native(STAY))
    stays["sensor_id"], stays["home_id"] = [1, 2], 7
    stays["valid_from"], stays["valid_to"] = NONE_US, MOVED_US
    said = np.zeros(4, native(SAID))
    said["sensor_id"] = [1, 1, 2, 2]
    said["measured_at"] = [MOVED_US - 1, MOVED_US, MOVED_US - 1, MOVED_US]
    assert placed(said, stays)["measured_at"].tolist() == [MOVED_US - 1] * 2


@pytest.mark.parametrize(("ahead_us", "expected"), [(TOLERANCE_US, 8), (TOLERANCE_US + 1, RejectReason.FUTURE)])
def test_a_clock_may_be_ahead_by_the_tolerance_and_not_a_microsecond_more(ahead_us: int, expected: int | str) -> None:
    assert fate("moved", NOON_US + ahead_us) == expected


def test_a_message_of_a_connection_that_is_gone_is_not_acknowledged_on_another() -> None:
    """Its number stands for another message there, which may not be stored yet."""
    source = BrokerSource(Address("mqtt://broker", "hearth"), Inbox(10), count().__next__)
    mine, theirs = socket.socketpair()
    with mine, theirs, source._wake_read, source._wake_write:
        mine.setblocking(False)
        link = Link(mine, source._wake_read, PacketStream(True, 2), 30, Stamps(count().__next__))
        source.epoch = 2
        source.acknowledge([Message("t", b"", NOON_US, mid, 1, epoch, False) for mid, epoch in ((7, 1), (9, 2))])
        source._send_acks(link)
        assert theirs.recv(1000) == acknowledgements([9])

"""A batch is looked at as columns: what becomes of a reading must not depend on those beside it."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from domain.instants import EVER_US
from domain.reasons import RejectReason
from ingest.message import Message
from ingest.places import SensorPlaces, SensorStay
from ingest.sources import Sources
from ingest.validate import NOTED_TIMES, Limits, Placed, SortedMessages, place, sort_messages

NOON_US = 1_768_449_600_000_000
NOON_MS = NOON_US // 1000
LIMITS = Limits(65_536, 300_000_000, past_us=86_400_000_000)


def stay(sensor_id: int, begin: int, end: int, home_id: int, gateway: str | None = None) -> SensorStay:
    return SensorStay(sensor_id, begin, end, end, home_id, gateway, 0, 300, sensor_id)


FIRST_US, SECOND_US = NOON_US - 3_600_000_000, NOON_US - 60_000_000
PLACES = {
    "alone": (stay(1, -EVER_US, EVER_US, 7),),
    "moved": (stay(2, -EVER_US, FIRST_US, 7), stay(2, FIRST_US, SECOND_US, 8), stay(2, SECOND_US, EVER_US, 9, "gate")),
    "taken": (stay(3, FIRST_US, SECOND_US, 7),),
    "plant": (stay(4, -EVER_US, EVER_US, 0, "gate"),),
}
TIMES: tuple[Any, ...] = (
    None,
    NOON_MS,
    NOON_MS - 90_000,
    FIRST_US // 1000,
    FIRST_US // 1000 - 1,
    NOON_MS + 300_000,
    NOON_MS + 300_001,
    NOON_MS - 86_400_001,
    0,
    -(10**30),
    10**30,
    2**63 // 1000,
    "2026-01-15T03:59:00Z",
    "2026-01-15T03:59:00",
    "9999-12-31T00:00:00Z",
    "noon",
)

WORTH: tuple[dict[str, float | None], ...] = (
    {"temperature": 20.0},
    {"temperature": 85.0, "humidity": 40.0},
    {},
    {"flow": 1.5, "battery": None},
)


def said(ts: object, code: str, **values: float | None) -> dict[str, Any]:
    return {"id": code, **({} if ts is None else {"ts": ts}), **values}


def messages() -> list[Message]:
    """Return every time for every sensor, from the sensor itself and from a gateway, alone and together."""
    readings = [said(ts, code, **worth) for ts in TIMES for code in (*PLACES, "unheard of") for worth in WORTH]
    bodies = [(each["id"], each) for each in readings] + [("gate", each) for each in readings]
    bodies += [("gate", [*readings[:7], 5, {"id": "alone", "temperature": "warm"}, *readings[7:]]), ("alone", [])]
    bodies += [(device, {"ts": NOON_MS - 1, "temperature": 20.0}) for device in (*PLACES, "gate", "unheard of")]
    return [
        Message(f"hearth/v1/{device}/telemetry", json.dumps(body).encode(), NOON_US + nth, nth, 1, 1, False)
        for nth, (device, body) in enumerate(bodies)
    ]


def told(batch: SortedMessages, *placed: Placed) -> tuple[Counter[Any], Counter[Any]]:
    """Return every row with where it comes from, and every fault."""
    rows = [
        (row.tobytes(), some.rows.dtype.names, batch.heard.said(number).message.mid, batch.heard.said(number).at)
        for some in placed
        for row, number in zip(some.rows, some.number.tolist(), strict=True)
    ]
    faults = [(mid.message.mid, mid.count.total(), *mid.faults) for mid in batch.refused.values()]
    return Counter(rows), Counter(faults)


@pytest.fixture(scope="module")
def places() -> SensorPlaces:
    places = SensorPlaces()
    for code, stays in PLACES.items():
        places.learn({code: stays})
    return places


def test_a_reading_fares_the_same_alone_and_in_a_batch(places: SensorPlaces) -> None:
    rows, faults = Counter[Any](), Counter[Any]()
    for message in messages():
        batch = sort_messages([message], LIMITS, Sources())
        some = told(batch, *place(batch, places, places.numbers(batch.heard.codes), LIMITS))
        rows, faults = rows + some[0], faults + some[1]
    batch = sort_messages(messages(), LIMITS, Sources())
    together = told(batch, *place(batch, places, places.numbers(batch.heard.codes), LIMITS))
    assert together == (rows, faults)
    assert len(rows) > 50
    assert {reason for fault in faults for reason in [f.reason for f in fault[2:]]} >= {
        RejectReason.UNKNOWN_SENSOR,
        RejectReason.NOT_PLACED,
        RejectReason.FOREIGN_SENSOR,
        RejectReason.FUTURE,
        RejectReason.TOO_OLD,
        RejectReason.ABSURD_TIME,
        RejectReason.WRONG_TYPE,
        RejectReason.NO_VALUE,
    }


@pytest.mark.parametrize("length", [1, 7, 100, 10_000])
def test_a_batch_that_is_sorted_in_pieces_is_the_batch_that_is_sorted_at_once(
    places: SensorPlaces, length: int
) -> None:
    said_all = messages()
    said_all += [message._replace(retain=True) for message in said_all[:3]] + said_all[:20]
    said_all += [Message("hearth/v1/alone/telemetry", b"[]", NOON_US, 1, 1, 1, False)] * 2
    pieces: list[SortedMessages] = []
    for at in range(0, len(said_all), length):
        work = pieces[-1].left if pieces else None
        pieces.append(sort_messages(said_all[at : at + length], LIMITS, Sources(), work))
    whole, once = SortedMessages.joined(pieces), sort_messages(said_all, LIMITS, Sources())
    for batch in (whole, once):
        assert [*batch.taken] == said_all
    assert [whole.left, whole.retained, whole.not_a_reading] == [once.left, once.retained, once.not_a_reading]
    assert whole.heard.own == once.heard.own
    counts = [{name: spent.readings for name, spent in batch.spent.items()} for batch in (whole, once)]
    for name, readings in counts[1].items():  # few single readings of a piece are not counted
        assert readings - NOTED_TIMES * len(pieces) < counts[0].get(name, 0) <= readings
    tellings = [
        told(batch, *place(batch, places, places.numbers(batch.heard.codes), LIMITS)) for batch in (whole, once)
    ]
    assert tellings[0] == tellings[1]
    assert (whole.dead, whole.unknown, whole.wrong_times) == (once.dead, once.unknown, once.wrong_times)
    assert Counter(map(repr, whole.voids)) == Counter(map(repr, once.voids))


def test_pieces_take_no_more_than_one_batch_may_be(places: SensorPlaces) -> None:
    few = replace(LIMITS, batch_readings=10)
    first = sort_messages(messages()[:6], few, Sources())
    second = sort_messages(messages()[6:20], few, Sources(), first.left)
    assert (len(first.taken), len(second.taken), second.left.readings) == (6, 4, 0)
    assert not sort_messages(messages()[10:20], few, Sources(), second.left).taken
    narrow = replace(LIMITS, batch_bytes=sum(len(message.payload) for message in messages()[:4]))
    third = sort_messages(messages()[:3], narrow, Sources())
    assert len(sort_messages(messages()[3:9], narrow, Sources(), third.left).taken) == 1


@pytest.mark.parametrize(
    ("ts", "home"), [(NOON_MS, 9), (SECOND_US // 1000, 9), (SECOND_US // 1000 - 1, 8), (FIRST_US // 1000 - 1, 7)]
)
def test_of_several_places_the_one_at_that_instant_counts(places: SensorPlaces, ts: int, home: int) -> None:
    payload = json.dumps({"ts": ts, "temperature": 20}).encode()
    batch = sort_messages([Message("hearth/v1/moved/telemetry", payload, NOON_US, 1, 1, 1, False)], LIMITS, Sources())
    homes, _ = place(batch, places, places.numbers(batch.heard.codes), LIMITS)
    assert homes.rows["home_id"].tolist() == [home]

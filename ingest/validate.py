"""From messages to rows: each reading gets its sensor, place, time and quality, or the reason why it is refused."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.instants import NotBounded, bounded, to_datetime, to_us
from domain.quality import Quality
from domain.reasons import NoValue, RejectReason
from ingest.decoders import native
from ingest.decoders.fault import Fault
from ingest.decoders.work import USUAL, Bounds
from ingest.message import Message
from ingest.places import Place
from ingest.senders import Spent
from ingest.sources import Sources
from ingest.uplink import Uplink
from ingest.worth import Worth
from ingest.wrong_times import WrongTime, off
from store.base.wire import native as native_dtype
from store.readings.dead_letter_rows import DeadLetter
from store.readings.dead_letter_rows import Fault as LetterFault
from store.readings.ingest_counts import Void
from store.readings.reading_rows import HOME_QUANTITIES, PLACED, SUBSTATION_QUANTITIES, SUBSTATION_READING

EARLIEST_US = 1_262_304_000_000_000  # 2010-01-01: no sensor of ours is older
CODE_LETTERS = 100
NOTED_TIMES = 16  # fewer single readings in a batch bring nobody near to what it may say in a minute
LISTED_FAULTS = 20  # of one message; all of them are counted
DETAIL_LETTERS = 500
SUBSTATION_ROW = native_dtype(SUBSTATION_READING)


@dataclass(frozen=True)
class Limits:
    """Bounds on what a message may be."""

    payload_bytes: int
    future_tolerance_us: int
    past_us: int | None = None  # older readings are not judged, or would be deleted at once; None: none is too old
    clock_us: int = 1_800_000_000  # what comes later after it was measured tells of a clock that may be off
    bounds: Bounds = USUAL  # of the work with one message
    batch_readings: int = 250_000  # and of the work with one batch
    batch_bytes: int = 32_000_000


class Said(NamedTuple):
    """One reading, who said it and in which message."""

    code: str
    device: str
    uplink: Uplink
    message: Message
    at: int | None  # which element of the message it is, if that is known


@dataclass
class Refused:
    """A message of which something cannot be stored, and why."""

    message: Message
    faults: list[Fault] = field(default_factory=list)  # the first of them
    count: Counter[str] = field(default_factory=Counter)  # all of them by reason

    def letter(self, keep_bytes: int) -> DeadLetter:
        """The dead letter of the message: its payload once, and what is wrong with it."""
        payload = self.message.payload
        return DeadLetter(
            to_datetime(self.message.received_us),
            self.message.topic,
            payload[:keep_bytes],
            len(payload),
            [LetterFault(f.reason.value, f.detail[:DETAIL_LETTERS], f.sensor, f.at) for f in self.faults],
            self.count,
        )


@dataclass
class Sorted:
    """What became of a batch of messages before the database has seen it."""

    said: list[Said] = field(default_factory=list)
    refused: dict[int, Refused] = field(default_factory=dict)  # by the identity of the message
    voids: list[Void] = field(default_factory=list)
    retained: int = 0
    requests: list[tuple[str, bytes]] = field(default_factory=list)  # to be published: topic, payload
    wrong_times: list[WrongTime] = field(default_factory=list)  # of sensors that may speak
    messages: int = 0  # how many were looked at, from the first on
    spent: dict[str, Spent] = field(default_factory=dict)  # by account
    unkept: Counter[str] = field(default_factory=Counter)  # letters that are counted but not kept, by account

    def spend(self, account: str) -> Spent:
        """What an account said in this batch, to be added to."""
        spent = self.spent.get(account)
        if spent is None:
            spent = self.spent[account] = Spent()
        return spent

    def reject(self, message: Message, fault: Fault) -> None:
        """Note that something of a message cannot be stored."""
        refused = self.refused.get(id(message))
        if refused is None:
            refused = self.refused[id(message)] = Refused(message)
        refused.count[fault.reason.value] += 1
        if len(refused.faults) < LISTED_FAULTS:
            refused.faults.append(fault)

    @property
    def dead(self) -> Counter[str]:
        """What cannot be stored, by reason: readings, elements that are none, and messages that are not read."""
        dead: Counter[str] = Counter()
        for refused in self.refused.values():
            dead.update(refused.count)
        return dead


def sort_messages(messages: Sequence[Message], limits: Limits, sources: Sources) -> Sorted:
    """Decode messages; what is not a reading becomes a dead letter, what the broker repeats is left out.

    When there is work enough for one batch, the messages that follow are left for the next.
    """
    out = Sorted()
    single: list[str] = []  # topics of messages with one reading, which most are
    left, left_bytes = limits.batch_readings, limits.batch_bytes
    for message in messages:
        if left <= 0 or left_bytes <= 0:
            break
        out.messages += 1
        left -= 1
        left_bytes -= len(message.payload)
        if message.retain:
            out.retained += 1
            continue
        if len(message.payload) > limits.payload_bytes:
            out.reject(message, Fault(RejectReason.OVERSIZE, f"{len(message.payload)} bytes"))
            continue
        device = native.device_of(message.topic)
        if device is not None:  # most are of our own format, which needs no search
            uplinks, faults = native.decode(message.payload, limits.bounds)
            if len(uplinks) == 1 and not faults:
                (uplink,) = uplinks
                out.said.append(Said(device if uplink.id is None else uplink.id, device, uplink, message, None))
                single.append(message.topic)
                continue
            at = _elements(len(uplinks), faults)
            account = message.topic
        else:
            foreign = sources.foreign(message.topic, message.payload, message.received_us, limits.bounds)
            device, uplinks, faults, requests, kept = foreign
            out.requests += requests
            at = repeat(None)
            account = sources.account_of(message.topic)
            message = message if kept is None else message._replace(payload=kept)
        out.said += [
            Said(u.id if u.id is not None else device, device, u, message, nth)
            for u, nth in zip(uplinks, at, strict=False)
        ]
        for fault in faults:
            out.reject(message, fault)
        out.spend(account).readings += len(uplinks)
        left -= len(uplinks) + len(faults)
    for topic, times in Counter(single).items():
        if times >= NOTED_TIMES:
            out.spend(topic).readings += times
    return out


def _elements(readings: int, faults: Sequence[Fault]) -> Iterable[int | None]:
    """Which element of a message of our own format each of its readings is; those between are faults."""
    if not faults:
        return repeat(None) if readings == 1 else range(readings)
    wrong = {fault.at for fault in faults}
    return (nth for nth in range(readings + len(faults)) if nth not in wrong)


def codes(batch: Sorted) -> set[str]:
    """The sensors that spoke, as far as their codes can be codes."""
    return {code for code in {said.code for said in batch.said} if _is_code(code)}


def _is_code(code: str) -> bool:
    return 0 < len(code) <= CODE_LETTERS and code.isprintable()


class Placed(NamedTuple):
    """Readings with their places, sorted by sensor and time, first come first."""

    rows: NDArray[np.void]
    order: NDArray[np.intp]
    found: list[Said]

    def said(self, row: int) -> Said:
        """Where a row comes from."""
        return self.found[int(self.order[row])]


def place(batch: Sorted, places: Mapping[str, tuple[Place, ...]], limits: Limits) -> tuple[Placed, Placed]:
    """Give every reading its place; those that have none become dead letters.

    Returns:
        store.readings.PLACED rows, and SUBSTATION_ROW rows.
    """
    homes, substations = Found(HOME_QUANTITIES), Found(SUBSTATION_QUANTITIES)
    past_us = limits.past_us
    # This loop and what it calls run once for each reading; all else works on whole columns.
    for said in batch.said:
        code, device, uplink, message, _ = said
        known, received_us, ts = places.get(code), message.received_us, uplink.ts
        at: int | Objection
        # Most say their instant by a number that is in order, which takes no call.
        if type(ts) is int and max(EARLIEST_US, received_us - past_us if past_us else 0) <= ts * 1000 <= received_us:
            at = ts * 1000
        else:
            at = _time(ts, received_us, limits)
        where = _at(known, at) if known and isinstance(at, int) else None
        if where is None or not isinstance(at, int):
            reject(batch, said, _misplaced(known, at))
            if known:
                _note_time(batch, said, known, limits)
        elif device != code and device != where.gateway:
            reject(batch, said, (RejectReason.FOREIGN_SENSOR, f"is not a sensor of {device!r}"))
        else:
            (homes if where.home_id else substations).add(said, where, at)
    return _home_rows(*_weigh(homes, batch)), _substation_rows(*_weigh(substations, batch))


Objection = tuple[RejectReason, str]


def reject(batch: Sorted, said: Said, objection: Objection) -> None:
    """Note that a reading cannot be stored."""
    reason, detail = objection
    batch.reject(said.message, Fault(reason, f"{said.code!r}: {detail}", said.at, said.code))


def _note_time(batch: Sorted, said: Said, known: tuple[Place, ...], limits: Limits) -> None:
    """Keep what a refused reading tells of its sensor's clock, if it is the sensor that speaks, or its gateway."""
    received_us, ts = said.message.received_us, said.uplink.ts
    at = _claimed(ts, received_us)
    if not isinstance(at, int) or not any(said.device in (said.code, place.gateway) for place in known):
        return
    impossible = not isinstance(_time(ts, received_us, limits), int)
    if impossible or received_us - at > limits.clock_us:
        batch.wrong_times.append(WrongTime(known[0].sensor_id, off(received_us, at), received_us, impossible))


def _claimed(ts: int | str | None, received_us: int) -> int | Objection:
    """When it says that it was measured, in µs, or why that is no time."""
    if ts is None:
        return received_us
    if isinstance(ts, str):
        try:
            instant = datetime.fromisoformat(ts)
        except ValueError:
            return RejectReason.WRONG_TYPE, f"ts {ts[:40]!r} is not an RFC 3339 time"
        if instant.tzinfo is None:
            return RejectReason.WRONG_TYPE, f"ts {ts[:40]!r} has no offset from UTC"
        try:
            return to_us(bounded(instant))
        except NotBounded as error:
            return RejectReason.ABSURD_TIME, f"ts {ts[:40]!r}: {error}"
    return ts * 1000


def _time(ts: int | str | None, received_us: int, limits: Limits) -> int | Objection:
    """When it was measured, in µs, or what is wrong with the time."""
    at = _claimed(ts, received_us)
    if not isinstance(at, int):
        return at
    if at > received_us + limits.future_tolerance_us:
        return RejectReason.FUTURE, f"ts {ts} is later than the tolerance allows"
    if at < EARLIEST_US:
        return RejectReason.ABSURD_TIME, f"ts {ts} is before 2010; integers are milliseconds"
    if limits.past_us is not None and at < received_us - limits.past_us:
        return RejectReason.TOO_OLD, f"ts {ts} is longer ago than readings are taken"
    return at


def _at(known: tuple[Place, ...], at: int) -> Place | None:
    for place in known:
        if place.valid_from <= at < place.valid_to:
            return place
    return None


def _misplaced(known: tuple[Place, ...] | None, at: int | Objection) -> Objection:
    if not known:
        return RejectReason.UNKNOWN_SENSOR, "is not in the registry"
    if not isinstance(at, int):
        return at
    return RejectReason.NOT_PLACED, "had no place at that time"


class Found:
    """Readings that have a place, column by column."""

    def __init__(self, channels: tuple[str, ...]) -> None:
        self.channels = channels
        self.said: list[Said] = []
        self.places: list[Place] = []
        self.at_us: list[int] = []

    def add(self, said: Said, where: Place, at_us: int) -> None:
        """Add one."""
        self.said.append(said)
        self.places.append(where)
        self.at_us.append(at_us)

    def rows(self, dtype: np.dtype[np.void], values: NDArray[np.float32]) -> NDArray[np.void]:
        """Rows with sensor, time and values; what else the dtype has is for the caller."""
        rows = np.empty(len(self.said), dtype)
        for name, column in zip(self.channels, values.T, strict=True):
            rows[name] = column
        rows["sensor_id"] = self.of_place("sensor_id")
        rows["measured_at"] = self.at_us
        rows["received_at"] = [said.message.received_us for said in self.said]
        rows["self_timed"] = [said.uplink.ts is not None for said in self.said]
        return rows

    def in_order(self, rows: NDArray[np.void]) -> Placed:
        """The rows by sensor and time."""
        order = np.lexsort((rows["measured_at"], rows["sensor_id"]))
        return Placed(rows[order], order, self.said)

    def values(self) -> NDArray[np.float64]:
        """(reading, channel), NaN where nothing was said."""
        said = list(map(attrgetter(*self.channels), (said.uplink for said in self.said)))
        return np.array(said, np.float64).reshape(-1, len(self.channels))

    def without(self, bad: NDArray[np.bool_]) -> "Found":
        """All but the bad ones."""
        rest = Found(self.channels)
        for i in np.flatnonzero(~bad):
            rest.add(self.said[i], self.places[i], self.at_us[i])
        return rest

    def of_place(self, name: str) -> list[int | float]:
        """A column of the places."""
        return list(map(attrgetter(name), self.places))


def _weigh(found: Found, batch: Sorted) -> tuple[Found, Worth]:
    """Weigh each value by itself; a reading of which nothing is left becomes a dead letter."""
    worth = Worth(found.channels, found.values())
    for channel, reason, which in worth.voids():
        value = float(worth.said[which[-1], found.channels.index(channel)])
        batch.voids.append(Void(channel, reason.value, len(which), found.said[which[-1]].code, value))
    nothing = np.logical_and.reduce(np.isnan(worth.values), axis=1)
    if not nothing.any():
        return found, worth
    for nth in np.flatnonzero(nothing).tolist():
        reject(batch, found.said[nth], _nothing_left(worth, nth))
    rest = found.without(nothing)
    return rest, Worth(rest.channels, rest.values())


def _nothing_left(worth: Worth, nth: int) -> Objection:
    reasons = worth.reasons(nth)
    if not reasons:
        return RejectReason.NO_VALUE, f"has none of {', '.join(worth.channels)}"
    if worth.absurd[nth].any() and NoValue.WITHHELD not in reasons.values():
        return RejectReason.NOT_A_NUMBER, "a value is beyond any measure"
    return RejectReason.NO_VALUE, ", ".join(f"{channel} is no value: {reason}" for channel, reason in reasons.items())


def _home_rows(found: Found, worth: Worth) -> Placed:
    rows = found.rows(PLACED, worth.values)
    for name in ("home_id", "room_kind", "interval_s", "offset", "stays_until"):
        rows[name] = found.of_place(name)
    rows["quality"] = worth.quality[:, found.channels.index("temperature")]
    return found.in_order(rows)


def _substation_rows(found: Found, worth: Worth) -> Placed:
    rows = found.rows(SUBSTATION_ROW, worth.values)
    bad = (worth.quality != Quality.GOOD) & (worth.quality != Quality.ABSENT)
    rows["implausible"] = (bad << np.arange(len(found.channels))).sum(axis=1)
    return found.in_order(rows)

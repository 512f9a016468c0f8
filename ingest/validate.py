"""From messages to rows: each reading gets its sensor, place, time and quality, or the reason why it is refused."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from domain.instants import to_datetime
from domain.quality import Quality
from domain.reasons import NoValue, RejectReason
from ingest.claims import ClaimedTimes, Objection, claim, claimed
from ingest.decoders import native
from ingest.decoders.fault import DecodeFault
from ingest.decoders.work import USUAL, MessageBounds
from ingest.failures import failure
from ingest.heard import Heard, Said, Sent
from ingest.message import Message
from ingest.places import CODE_LETTERS, NOWHERE, SensorPlaces, is_code
from ingest.senders import MinuteCount
from ingest.sources import Sources
from ingest.uplink import QUANTITIES, Uplink
from ingest.worth import Weighing
from ingest.wrong_times import WrongTime, off
from store.base import wire
from store.readings.dead_letter_rows import DeadLetter, LetterFault
from store.readings.ingest_counts import NoValueCount
from store.readings.reading_rows import HOME_QUANTITIES, PLACED, SUBSTATION_QUANTITIES, SUBSTATION_READING
from store.sensors.unknown_rows import HeardSensor

EARLIEST_US = 1_262_304_000_000_000  # 2010-01-01: no sensor is older
NOTED_TIMES = 16  # fewer single readings in a batch bring nobody near to what it may say in a minute
LISTED_FAULTS = 20  # of one message; all of them are counted
DETAIL_LETTERS = 500
TOPIC_LETTERS = 200
MOST_SHOWN = 1e6  # of a value that nobody has weighed
SUBSTATION_ROW = wire.native(SUBSTATION_READING)


@dataclass(frozen=True)
class Limits:
    """Bounds on what a message may be."""

    payload_bytes: int
    future_tolerance_us: int
    past_us: int | None = None  # older readings are not judged, or would be deleted at once; None: none is too old
    clock_us: int = 1_800_000_000  # what comes later after it was measured tells of a clock that may be off
    bounds: MessageBounds = USUAL  # of the work with one message
    batch_readings: int = 250_000  # and of the work with one batch
    batch_bytes: int = 32_000_000


@dataclass
class RefusedMessage:
    """A message of which something cannot be stored, and why."""

    message: Message
    faults: list[DecodeFault] = field(default_factory=list)  # the first of them
    count: Counter[str] = field(default_factory=Counter)  # all of them by reason

    def letter(self, keep_bytes: int) -> DeadLetter:
        """Make the dead letter of the message: its payload once, and its faults."""
        payload = self.message.payload
        return DeadLetter(
            to_datetime(self.message.received_us),
            self.message.topic,
            payload[:keep_bytes],
            len(payload),
            [LetterFault(f.reason.value, f.detail[:DETAIL_LETTERS], f.sensor, f.at) for f in self.faults],
            self.count,
        )


class WorkLeft(NamedTuple):
    """The work that may still come into a batch."""

    readings: int
    bytes: int


NOTHING_LEFT = WorkLeft(0, 0)


@dataclass
class SortedMessages:
    """A batch of messages, sorted before the database has seen it."""

    heard: Heard = field(default_factory=Heard)
    claims: ClaimedTimes = field(default_factory=lambda: claimed((), np.empty(0, np.int64)))
    refused: dict[int, RefusedMessage] = field(default_factory=dict)  # by the identity of the message
    voids: list[NoValueCount] = field(default_factory=list)
    retained: int = 0
    not_a_reading: int = 0  # messages without readings that are no fault
    requests: list[tuple[str, bytes]] = field(default_factory=list)  # to be published: topic, payload
    wrong_times: list[WrongTime] = field(default_factory=list)  # of sensors that may speak
    unknown: dict[str, HeardSensor] = field(default_factory=dict)  # sensors that are not registered, as heard last
    taken: Sequence[Message] = ()  # those that were looked at, from the first on
    spent: dict[str, MinuteCount] = field(default_factory=dict)  # by account
    unkept: Counter[str] = field(default_factory=Counter)  # letters that are counted but not kept, by account
    left: WorkLeft = NOTHING_LEFT

    @classmethod
    def joined(cls, parts: "Sequence[SortedMessages]") -> "SortedMessages":
        """Put together what was sorted piece by piece, and has not been placed."""
        if len(parts) == 1:
            return parts[0]
        whole = cls(Heard.joined([part.heard for part in parts]), ClaimedTimes.joined([part.claims for part in parts]))
        for part in parts:
            whole.refused |= part.refused
            whole.retained += part.retained
            whole.not_a_reading += part.not_a_reading
            whole.requests += part.requests
            for account, spent in part.spent.items():
                whole.spend(account).add(spent)
        whole.taken = [message for part in parts for message in part.taken]
        whole.left = parts[-1].left
        return whole

    def spend(self, account: str) -> MinuteCount:
        """Return the counts of an account in this batch, to be added to."""
        spent = self.spent.get(account)
        if spent is None:
            spent = self.spent[account] = MinuteCount()
        return spent

    def note(self, message: Message, account: str, readings: int, faults: Sequence[DecodeFault]) -> None:
        """Note what a message held, besides the readings themselves."""
        if not readings and not faults:
            self.not_a_reading += 1
        for fault in faults:
            self.reject(message, fault)
        self.spend(account).readings += readings

    def reject(self, message: Message, fault: DecodeFault) -> None:
        """Note that something of a message cannot be stored."""
        refused = self.refused.get(id(message))
        if refused is None:
            refused = self.refused[id(message)] = RefusedMessage(message)
        refused.count[fault.reason.value] += 1
        if len(refused.faults) < LISTED_FAULTS:
            refused.faults.append(fault)

    @property
    def dead(self) -> Counter[str]:
        """Count what cannot be stored, by reason: readings, elements that are none, and messages that are not read."""
        dead: Counter[str] = Counter()
        for refused in self.refused.values():
            dead.update(refused.count)
        return dead


def sort_messages(
    messages: Sequence[Message], limits: Limits, sources: Sources, work: WorkLeft | None = None
) -> SortedMessages:
    """Decode messages; what is not a reading becomes a dead letter, what the broker repeats is left out.

    When there is work enough for one batch, the messages that follow are left for the next.

    Args:
        work: what the pieces before have left of a batch; None: these messages begin it.
    """
    out = SortedMessages()
    readings: list[Uplink] = []
    sent: list[Sent] = []
    single: list[str] = []  # topics of messages with one reading, which most are
    bounds, (left, left_bytes) = limits.bounds, work or (limits.batch_readings, limits.batch_bytes)
    for nth, message in enumerate(messages):
        if left <= 0 or left_bytes <= 0:
            messages = messages[:nth]
            break
        left -= 1
        size = len(message.payload)
        left_bytes -= size
        device = native.device_of(message.topic)
        try:
            if device is not None and not message.retain and size <= limits.payload_bytes:
                uplinks, faults = native.decode(message.payload, bounds)
                if len(uplinks) == 1 and not faults:
                    readings.append(uplinks[0])
                    sent.append((message, device, 1, None, None))
                    single.append(message.topic)
                    continue
                whole, at, account, kept = message, _elements(len(uplinks), faults), message.topic, None
            elif _is_read(out, message, limits):
                foreign = sources.foreign(message.topic, message.payload, message.received_us, bounds)
                device, uplinks, faults, requests, named = foreign
                out.requests += requests
                whole = message if named is None else message._replace(payload=named)
                kept = uplinks  # some of these decoders remember, and would read it in another way
                at, account = None, sources.account_of(message.topic)
            else:
                continue
        except Exception as error:
            out.reject(message, failure(error))
            continue
        if uplinks:
            readings += uplinks
            sent.append((whole, device, len(uplinks), at, kept))
        out.note(whole, account, len(uplinks), faults)
        left -= len(uplinks) + len(faults)
    out.taken, out.left = messages, WorkLeft(left, left_bytes)
    out.heard = Heard(readings, sent, bounds)
    out.claims = claimed(readings, out.heard.received_us)
    for topic, times in Counter(single).items():
        if times >= NOTED_TIMES:
            out.spend(topic).readings += times
    return out


def _is_read(out: SortedMessages, message: Message, limits: Limits) -> bool:
    """Tell whether a message is to be read at all; if not, note what becomes of it."""
    if message.retain:
        out.retained += 1
        return False
    if len(message.payload) > limits.payload_bytes:
        out.reject(message, DecodeFault(RejectReason.OVERSIZE, f"{len(message.payload)} bytes"))
        return False
    return True


def _elements(readings: int, faults: Sequence[DecodeFault]) -> Sequence[int]:
    """Return the element of each reading in a native message; those between are faults."""
    wrong = {fault.at for fault in faults if not fault.is_partial}
    elements = range(readings + len(wrong))
    return [nth for nth in elements if nth not in wrong] if wrong else elements


class Placed(NamedTuple):
    """Readings with their places, sorted by sensor and time, first come first."""

    rows: NDArray[np.void]
    number: NDArray[np.intp]  # of each row among those heard

    @classmethod
    def of(cls, rows: NDArray[np.void], number: NDArray[np.intp]) -> Self:
        """Put rows, which are in the order in which they came, in that order."""
        order = np.lexsort((rows["measured_at"], rows["sensor_id"]))
        return cls(rows[order], number[order])


def place(
    batch: SortedMessages, places: SensorPlaces, sensors: NDArray[np.intp], limits: Limits
) -> tuple[Placed, Placed]:
    """Give every reading its place; those that have none become dead letters.

    Args:
        sensors: the number of each reading's sensor in `places`.
    Returns:
        store.readings.PLACED rows, and SUBSTATION_ROW rows.
    """
    heard = batch.heard
    claims = batch.claims
    where = places.in_force(sensors, claims.at_us)
    where[~in_time(claims.at_us, heard.received_us, limits)] = NOWHERE
    stands, devices = places.rows[where], heard.devices
    speaks = np.full(len(where), heard.own)
    if not heard.own:
        speaks |= places.numbers(devices)[heard.message] == sensors
        speaks |= places.gateways(devices)[heard.message] == stands["gateway"]
    placed = where != NOWHERE
    for number in np.flatnonzero(~(placed & speaks)).tolist():
        _refuse(batch, number, places, int(sensors[number]), limits)
    at_home = stands["home_id"] != 0
    homes, substations = (np.flatnonzero(placed & speaks & kind) for kind in (at_home, ~at_home))
    return _home_rows(batch, homes, claims, stands), _substation_rows(batch, substations, claims, stands)


def reject(batch: SortedMessages, said: Said, objection: Objection) -> None:
    """Note that a reading cannot be stored."""
    reason, detail = objection
    batch.reject(said.message, DecodeFault(reason, f"{said.code!r}: {detail}", said.at, said.code))


def in_time(at_us: NDArray[np.int64], received_us: NDArray[np.int64], limits: Limits) -> NDArray[np.bool_]:
    """Tell whether instants can be those of readings, as `instant` does for one."""
    right = (at_us >= EARLIEST_US) & (at_us <= received_us + limits.future_tolerance_us)
    return right if limits.past_us is None else right & (at_us >= received_us - limits.past_us)


def instant(ts: int | str | None, received_us: int, limits: Limits) -> int | Objection:
    """Decide when a reading was measured, in µs, or what is wrong with the time."""
    at = claim(ts, received_us)
    if not isinstance(at, int):
        return at
    if at > received_us + limits.future_tolerance_us:
        return RejectReason.FUTURE, f"ts {ts} is later than the tolerance allows"
    if at < EARLIEST_US:
        return RejectReason.ABSURD_TIME, f"ts {ts} is before 2010; integers are milliseconds"
    if limits.past_us is not None and at < received_us - limits.past_us:
        return RejectReason.TOO_OLD, f"ts {ts} is longer ago than readings are taken"
    return at


def _refuse(batch: SortedMessages, number: int, places: SensorPlaces, sensor: int, limits: Limits) -> None:
    """Note why a reading has no place, and what it tells of its sensor's clock."""
    said, known = batch.heard.said(number), places.of(sensor)
    received_us = said.message.received_us
    at = instant(said.uplink.ts, received_us, limits)
    if not len(known):
        alike = places.alike(said.code)
        hint = f", which has {alike!r}: codes are compared letter by letter" if alike else ""
        reject(batch, said, (RejectReason.UNKNOWN_SENSOR, f"is not in the registry{hint}"))
        if is_code(said.code):
            batch.unknown[said.code] = _unknown(said, alike)
    elif not isinstance(at, int):
        reject(batch, said, at)
        _note_time(batch, said, places, known, limits)
    elif ((known["valid_from"] <= at) & (at < known["valid_to"])).any():
        reject(batch, said, (RejectReason.FOREIGN_SENSOR, f"is not a sensor of {said.device!r}"))
    else:
        reject(batch, said, (RejectReason.NOT_PLACED, "had no place at that time"))
        _note_time(batch, said, places, known, limits)


def _unknown(said: Said, alike: str | None) -> HeardSensor:
    """Keep what a sensor says that nobody has registered."""
    values = ((name, getattr(said.uplink, name)) for name in QUANTITIES)
    shown = {name: float(value) for name, value in values if value is not None and abs(value) < MOST_SHOWN}
    topic, received_us = said.message.topic[:TOPIC_LETTERS], said.message.received_us
    return HeardSensor(said.code, topic, said.device[:CODE_LETTERS], shown, alike, to_datetime(received_us))


def _note_time(
    batch: SortedMessages, said: Said, places: SensorPlaces, known: NDArray[np.void], limits: Limits
) -> None:
    """Keep what a refused reading tells of its sensor's clock, if it is the sensor that speaks, or its gateway."""
    received_us, ts = said.message.received_us, said.uplink.ts
    at = claim(ts, received_us)
    if not isinstance(at, int) or not (said.device == said.code or places.gateways([said.device]) in known["gateway"]):
        return
    impossible = not isinstance(instant(ts, received_us, limits), int)
    if impossible or received_us - at > limits.clock_us:
        batch.wrong_times.append(WrongTime(int(known["sensor_id"][0]), off(received_us, at), received_us, impossible))


def _weigh(
    batch: SortedMessages, which: NDArray[np.intp], channels: tuple[str, ...]
) -> tuple[NDArray[np.intp], Weighing]:
    """Weigh each value of readings by itself; a reading of which nothing is left becomes a dead letter."""
    heard = batch.heard
    worth = Weighing(channels, heard.values(which, channels))
    for channel, reason, bad in worth.voids():
        last = bad[-1]
        value = float(worth.said[last, channels.index(channel)])
        batch.voids.append(NoValueCount(channel, reason.value, len(bad), heard.said(which[last]).code, value))
    nothing = np.logical_and.reduce(np.isnan(worth.values), axis=1)
    if not nothing.any():
        return which, worth
    for nth in np.flatnonzero(nothing).tolist():
        reject(batch, heard.said(which[nth]), _nothing_left(worth, nth))
    return which[~nothing], Weighing(channels, worth.said[~nothing])


def _nothing_left(worth: Weighing, nth: int) -> Objection:
    reasons = worth.reasons(nth)
    if not reasons:
        return RejectReason.NO_VALUE, f"has none of {', '.join(worth.channels)}"
    if worth.absurd[nth].any() and NoValue.WITHHELD not in reasons.values():
        return RejectReason.NOT_A_NUMBER, "a value is beyond any measure"
    return RejectReason.NO_VALUE, ", ".join(f"{channel} is no value: {reason}" for channel, reason in reasons.items())


def _home_rows(
    batch: SortedMessages, which: NDArray[np.intp], claims: ClaimedTimes, stands: NDArray[np.void]
) -> Placed:
    which, worth = _weigh(batch, which, HOME_QUANTITIES)
    rows = _rows(PLACED, batch.heard, which, claims, worth)
    for name in ("sensor_id", "home_id", "room_kind", "interval_s", "offset", "stays_until"):
        rows[name] = stands[name][which]
    rows["quality"] = worth.quality[:, HOME_QUANTITIES.index("temperature")]
    return Placed.of(rows, which)


def _substation_rows(
    batch: SortedMessages, which: NDArray[np.intp], claims: ClaimedTimes, stands: NDArray[np.void]
) -> Placed:
    which, worth = _weigh(batch, which, SUBSTATION_QUANTITIES)
    rows = _rows(SUBSTATION_ROW, batch.heard, which, claims, worth)
    rows["sensor_id"] = stands["sensor_id"][which]
    bad = (worth.quality != Quality.GOOD) & (worth.quality != Quality.ABSENT)
    rows["implausible"] = (bad << np.arange(len(SUBSTATION_QUANTITIES))).sum(axis=1)
    return Placed.of(rows, which)


def _rows(
    dtype: np.dtype[np.void], heard: Heard, which: NDArray[np.intp], claims: ClaimedTimes, worth: Weighing
) -> NDArray[np.void]:
    """Make rows with times and values; what else the dtype has is for the caller."""
    rows = np.empty(len(which), dtype)
    for name, column in zip(worth.channels, worth.values.T, strict=True):
        rows[name] = column
    rows["measured_at"], rows["self_timed"] = claims.at_us[which], claims.self_timed[which]
    rows["received_at"] = heard.received_us[which]
    return rows

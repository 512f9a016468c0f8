"""From messages to rows: each reading gets its sensor, place, time and quality, or the reason why it is refused."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.quality import HIGHEST_CELSIUS, LOWEST_CELSIUS, SENTINELS_CELSIUS, Quality
from domain.reasons import RejectReason
from ingest.decoders import native
from ingest.decoders.fault import Fault
from ingest.message import Message
from ingest.places import Place
from ingest.uplink import HOME_CHANNELS, SUBSTATION_CHANNELS, Uplink
from store.dead_letters import DeadLetter
from store.readings import PLACED, SUBSTATION_READING
from store.wire import native as native_dtype

EARLIEST_US = 1_262_304_000_000_000  # 2010-01-01: no sensor of ours is older
LARGEST = 1e9  # no channel can be that large in any unit
CODE_LETTERS = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
SUBSTATION_ROW = native_dtype({k: v for k, v in SUBSTATION_READING.items() if k != "nth"})


@dataclass(frozen=True)
class Limits:
    """Bounds on what a message may be."""

    payload_bytes: int
    future_tolerance_us: int


class Said(NamedTuple):
    """One reading, who said it and in which message."""

    code: str
    device: str
    uplink: Uplink
    message: Message


@dataclass
class Sorted:
    """What became of a batch of messages before the database has seen it."""

    said: list[Said] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    retained: int = 0

    def reject(self, message: Message, fault: Fault, keep_bytes: int) -> None:
        """Make a dead letter."""
        received = _EPOCH + timedelta(microseconds=message.received_us)
        raw = fault.raw[:keep_bytes]
        detail = fault.detail.replace("\0", "␀")[:500]
        self.letters.append(DeadLetter(received, message.topic, raw, len(fault.raw), fault.reason.value, detail))

    @property
    def dead(self) -> Counter[str]:
        """Dead letters by reason."""
        return Counter(letter.reason for letter in self.letters)


def sort_messages(messages: Sequence[Message], limits: Limits) -> Sorted:
    """Decode messages; what is not a reading becomes a dead letter, what the broker repeats is left out."""
    out = Sorted()
    for message in messages:
        if message.retain:
            out.retained += 1
            continue
        device = native.device_of(message.topic)
        if device is None or len(message.payload) > limits.payload_bytes:
            out.reject(message, _unfit(message, device), limits.payload_bytes)
            continue
        uplinks, faults = native.decode(message.payload)
        out.said += [Said(u.id if u.id is not None else device, device, u, message) for u in uplinks]
        for fault in faults:
            out.reject(message, fault, limits.payload_bytes)
    return out


def _unfit(message: Message, device: str | None) -> Fault:
    if device is None:
        return Fault(RejectReason.BAD_TOPIC, f"{message.topic!r} is not hearth/v1/DEVICE/telemetry", message.payload)
    return Fault(RejectReason.OVERSIZE, f"{len(message.payload)} bytes", message.payload)


def codes(batch: Sorted) -> set[str]:
    """The sensors that spoke, as far as their codes can be codes."""
    return {said.code for said in batch.said if _is_code(said.code)}


def _is_code(code: str) -> bool:
    return 0 < len(code) <= CODE_LETTERS and code.isprintable()


def place(
    batch: Sorted, places: Mapping[str, tuple[Place, ...]], limits: Limits
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Give every reading its place; those that have none become dead letters.

    Returns:
        store.readings.PLACED rows and SUBSTATION_ROW rows, each sorted by sensor and time, first come first.
    """
    homes: list[tuple[Said, Place, int]] = []
    substations: list[tuple[Said, Place, int]] = []
    for said in batch.said:
        known = places.get(said.code)
        at = _time(said, limits)
        where = known and isinstance(at, int) and _at(known, at)
        fault = None if where else _misplaced(said, known, at)
        if where and fault is None:
            fault = _objection(said, where)
        if fault is not None:
            detail = f"{said.code!r}: {fault[1]}"
            raw = msgspec.json.encode(said.uplink)
            batch.reject(said.message, Fault(fault[0], detail, raw), limits.payload_bytes)
        elif where and isinstance(at, int):
            (homes if where.home_id else substations).append((said, where, at))
    return _home_rows(homes), _substation_rows(substations)


Objection = tuple[RejectReason, str]


def _time(said: Said, limits: Limits) -> int | Objection:
    """When it was measured, in µs, or what is wrong with the time."""
    ts, received = said.uplink.ts, said.message.received_us
    if ts is None:
        return received
    if isinstance(ts, str):
        try:
            instant = datetime.fromisoformat(ts)
        except ValueError:
            return RejectReason.WRONG_TYPE, f"ts {ts[:40]!r} is not an RFC 3339 time"
        if instant.tzinfo is None:
            return RejectReason.WRONG_TYPE, f"ts {ts[:40]!r} has no offset from UTC"
        at = (instant - _EPOCH) // _MICROSECOND
    else:
        at = ts * 1000
    if at > received + limits.future_tolerance_us:
        return RejectReason.FUTURE, f"ts {ts} is later than the tolerance allows"
    if at < EARLIEST_US:
        return RejectReason.ABSURD_TIME, f"ts {ts} is before 2010; integers are milliseconds"
    return at


def _at(known: tuple[Place, ...], at: int) -> Place | None:
    return next((place for place in known if place.valid_from <= at < place.valid_to), None)


def _misplaced(said: Said, known: tuple[Place, ...] | None, at: int | Objection) -> Objection:
    if not known:
        return RejectReason.UNKNOWN_SENSOR, "is not in the registry"
    if not isinstance(at, int):
        return at
    return RejectReason.NOT_PLACED, "had no place at that time"


def _objection(said: Said, where: Place) -> Objection | None:
    """What is wrong with a reading whose sensor is known."""
    if said.device not in (said.code, where.gateway):
        return RejectReason.FOREIGN_SENSOR, f"is not a sensor of {said.device!r}"
    channels = HOME_CHANNELS if where.home_id else SUBSTATION_CHANNELS
    values = [v for v in (getattr(said.uplink, name) for name in channels) if v is not None]
    if not values:
        return RejectReason.NO_VALUE, f"has none of {', '.join(channels)}"
    if not all(-LARGEST < value < LARGEST for value in values):
        return RejectReason.NOT_A_NUMBER, "a value is beyond any measure"
    return None


def _home_rows(found: list[tuple[Said, Place, int]]) -> NDArray[np.void]:
    rows = np.empty(len(found), PLACED)
    _stamp(rows, found)
    for name in HOME_CHANNELS:
        rows[name] = np.array([getattr(said.uplink, name) for said, _, _ in found], np.float64)
    for name in ("home_id", "room_kind", "interval_s", "offset_k", "stays_until"):
        rows[name] = [getattr(where, name) for _, where, _ in found]
    rows["quality"] = quality(rows["temperature"])
    return rows[np.lexsort((rows["measured_at"], rows["sensor_id"]))]


def _substation_rows(found: list[tuple[Said, Place, int]]) -> NDArray[np.void]:
    rows = np.empty(len(found), SUBSTATION_ROW)
    _stamp(rows, found)
    for name in SUBSTATION_CHANNELS:
        rows[name] = np.array([getattr(said.uplink, name) for said, _, _ in found], np.float64)
    rows["quality"] = Quality.GOOD
    return rows[np.lexsort((rows["measured_at"], rows["sensor_id"]))]


def _stamp(rows: NDArray[np.void], found: list[tuple[Said, Place, int]]) -> None:
    rows["sensor_id"] = [where.sensor_id for _, where, _ in found]
    rows["measured_at"] = [at for _, _, at in found]
    rows["received_at"] = [said.message.received_us for said, _, _ in found]
    rows["self_timed"] = [said.uplink.ts is not None for said, _, _ in found]


def quality(celsius: NDArray[np.float32]) -> NDArray[np.int16]:
    """The Quality of raw temperatures (°C, NaN: absent)."""
    out = np.full(celsius.shape, Quality.GOOD, np.int16)
    out[(celsius < LOWEST_CELSIUS) | (celsius > HIGHEST_CELSIUS)] = Quality.OUT_OF_RANGE
    out[np.isin(celsius, SENTINELS_CELSIUS)] = Quality.SENTINEL
    out[np.isnan(celsius)] = Quality.ABSENT
    return out

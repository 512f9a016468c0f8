"""Wire format: topic and JSON payload of readings, as in the published MQTT contract.

Formatted as plain text instead of by a JSON library for speed: the consumer of hundreds of thousands of readings
shares the machine. Names are ASCII without quotes, so nothing needs escaping.
"""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class TimedPayload(NamedTuple):
    """A payload with the instant at which it is due; sorts by that instant."""

    due_us: int
    topic: str
    payload: str


PACKED_CHARACTERS = 16_000  # no message gets much longer by packing


def topic(device: str) -> str:
    """Return the topic that a device publishes on."""
    return f"hearth/v1/{device}/telemetry"


def milliseconds(at_us: npt.NDArray[np.int64]) -> list[str]:
    """Render `ts` as JSON integers of Unix milliseconds."""
    return [str(value) for value in (at_us // 1000).tolist()]


def rfc3339(at_us: int) -> str:
    """Render `ts` as JSON text with the zone `Z`, to the millisecond."""
    return f'"{np.datetime_as_string(np.datetime64(at_us // 1000, "ms"), unit="ms")}Z"'


def room(ts: str, celsius: float, humidity: float, battery: float) -> str:
    """Render the object of a room sensor; humidity and battery in %."""
    return f'{{"ts":{ts},"temperature":{celsius:.2f},"humidity":{humidity:.1f},"battery":{battery:.2f}}}'


def temperature(at_us: int, celsius: float) -> str:
    """Render the object of a sensor that measures temperature only."""
    return f'{{"ts":{at_us // 1000},"temperature":{celsius:g}}}'


def array(ids: Iterable[str], objects: Iterable[str]) -> str:
    """Render the array of a gateway: each object with the id of its sensor."""
    return "[" + ",".join(f'{{"id":"{id_}",{body[1:]}' for id_, body in zip(ids, objects, strict=True)) + "]"


def channels(ts: str, values: Mapping[str, float]) -> str:
    """Render the object of a substation's sensor."""
    return f'{{"ts":{ts},{json.dumps(dict(values), separators=(",", ":"))[1:]}'


def packed(messages: Iterable[TimedPayload]) -> list[TimedPayload]:
    """Pack readings into fewer messages: arrays by topic, due with their last reading, in order of time."""
    arrays: list[TimedPayload] = []
    growing: dict[str, list[TimedPayload]] = {}
    for message in messages:
        parts = growing.setdefault(message.topic, [])
        parts.append(message)
        if sum(len(part.payload) for part in parts) >= PACKED_CHARACTERS:
            arrays.append(_joined(growing.pop(message.topic)))
    return sorted(arrays + [_joined(parts) for parts in growing.values()])


def _joined(parts: list[TimedPayload]) -> TimedPayload:
    bodies = ",".join(part.payload.strip("[]") for part in parts)
    return TimedPayload(parts[-1].due_us, parts[-1].topic, f"[{bodies}]" if len(parts) > 1 else parts[-1].payload)

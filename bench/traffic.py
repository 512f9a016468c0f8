"""Readings of a benchmark town: the same readings as MQTT packets and as rows."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from store.base import wire
from store.readings.reading_rows import READING

INTERVAL_MS = 60_000
COLD_EVERY = 100  # one home in a hundred is cold
GATEWAY_SENSORS = 50


@dataclass(frozen=True)
class Traffic:
    """A stretch of readings: number i is of sensor i % sensors, in round i // sensors, a minute after the last."""

    sensors: int
    first: int
    count: int
    start_ms: int  # Unix time of round 0
    packed: bool = False  # GATEWAY_SENSORS readings per message

    def packets(self) -> Iterator[bytes]:
        """Yield MQTT 3.1.1 PUBLISH packets with QoS 1; packet identifiers run from 1 to 65535 and start over."""
        for nth, (device, payload) in enumerate(self.payloads()):
            yield publish_packet(device, payload, nth % 65_535 + 1)

    @property
    def messages(self) -> int:
        """The number of packets."""
        return self.count // GATEWAY_SENSORS if self.packed else self.count

    def rows(self) -> NDArray[np.void]:
        """Return the readings as rows of READING."""
        i = np.arange(self.first, self.first + self.count)
        rows = np.zeros(self.count, wire.native(READING))
        rows["sensor_id"] = i % self.sensors + 1
        rows["measured_at"] = (self.start_ms + i // self.sensors * INTERVAL_MS) * 1000
        rows["received_at"] = rows["measured_at"]
        rows["temperature"] = [celsius(n, self.sensors) for n in i.tolist()]
        rows["humidity"], rows["battery"], rows["self_timed"] = 41.5, 97, True
        return rows

    def payloads(self) -> Iterator[tuple[str, str]]:
        """Yield the device and the payload of each message."""
        numbers = range(self.first, self.first + self.count)
        if not self.packed:
            for i in numbers:
                yield f"s{i % self.sensors}", "{" + self._said(i) + "}"
            return
        for at in range(0, self.count, GATEWAY_SENSORS):
            few = numbers[at : at + GATEWAY_SENSORS]
            body = ",".join(f'{{"id":"s{i % self.sensors}",{self._said(i)}}}' for i in few)
            yield f"g{few[0] % self.sensors // GATEWAY_SENSORS}", f"[{body}]"

    def _said(self, i: int) -> str:
        ts = self.start_ms + i // self.sensors * INTERVAL_MS
        return f'"ts":{ts},"temperature":{celsius(i, self.sensors)},"humidity":41.5,"battery":97'


def celsius(i: int, sensors: int) -> float:
    """Return what reading number i says: about 20 °C, about 17 in cold homes."""
    level = 1700 if i % sensors % COLD_EVERY == 0 else 2000
    return (level + i * 7919 % 61 - 30) / 100


def publish_packet(device: str, payload: str, mid: int) -> bytes:
    """Return one PUBLISH packet with QoS 1 on the telemetry topic of a device."""
    topic = f"hearth/v1/{device}/telemetry".encode()
    body = struct.pack("!H", len(topic)) + topic + struct.pack("!H", mid) + payload.encode()
    return b"\x32" + _length(len(body)) + body


def _length(value: int) -> bytes:
    out = bytearray()
    while True:
        value, digit = divmod(value, 128)
        out.append(digit | 0x80 if value else digit)
        if not value:
            return bytes(out)

"""Thermometers as a plain MQTT client: QoS 1, and a reading counts as said when the broker has acknowledged it."""

import json
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from threading import Event
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from local.port import LOOPBACK

PATIENCE_SECONDS = 30.0
IN_FLIGHT = 200

Said = tuple[str, int, float]  # sensor, measured at (Unix milliseconds), °C


def reading(sensor: str, at: datetime, celsius: float) -> Said:
    """Return one reading as it is sent."""
    return sensor, int(at.timestamp() * 1000), celsius


class Thermometers:
    """A connection to the broker that speaks for any number of sensors."""

    def __init__(self, port: int) -> None:
        self.acknowledged: list[Said] = []
        self._on_their_way: deque[tuple[MQTTMessageInfo, Said]] = deque()
        self._connected = Event()
        self._client = Client(CallbackAPIVersion.VERSION2, "thermometers", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.max_inflight_messages_set(IN_FLIGHT)
        self._client.on_connect = lambda *_: self._connected.set()
        self._client.connect_async(LOOPBACK, port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._connected.wait(PATIENCE_SECONDS), "the broker does not answer"
        return self

    def __exit__(self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, *readings: Said) -> None:
        """Send readings one by one and wait until the broker has acknowledged all of them."""
        self.say_all(readings)

    def say_all(self, readings: Iterable[Said]) -> None:
        """Send readings that come while they are sent."""
        for said in readings:
            sensor, at_ms, celsius = said
            self._on_their_way.append((self._publish(sensor, {"ts": at_ms, "temperature": celsius}), said))
            if len(self._on_their_way) >= IN_FLIGHT:
                self._settle_one()
        while self._on_their_way:
            self._settle_one()

    def send(self, device: str, payload: Any) -> None:
        """Send any payload and wait until the broker has acknowledged it."""
        _wait(self._publish(device, payload))

    def _publish(self, device: str, payload: Any) -> MQTTMessageInfo:
        info = self._client.publish(f"hearth/v1/{device}/telemetry", json.dumps(payload), qos=1)
        if info.rc == MQTTErrorCode.MQTT_ERR_NO_CONN:
            info.rc = MQTTErrorCode.MQTT_ERR_SUCCESS  # the client keeps it, and sends it when the broker is back
        return info

    def _settle_one(self) -> None:
        info, said = self._on_their_way.popleft()
        _wait(info)
        self.acknowledged.append(said)


def _wait(info: MQTTMessageInfo) -> None:
    info.wait_for_publish(PATIENCE_SECONDS)
    assert info.is_published(), "the broker does not acknowledge"

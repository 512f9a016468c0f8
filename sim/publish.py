"""MQTT publisher with QoS 1: bounded in flight, surviving reconnects, until everything is acknowledged."""

import ssl
import threading
import time
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

PORTS = {"mqtt": 1883, "mqtts": 8883}
MAX_IN_FLIGHT = 1000
CONNECT_SECONDS = 10.0


class Publisher:
    """One connection to the broker at `url` (`mqtt://user:pass@host:1883`, `mqtts://…`).

    Raises ConnectionError if the broker refuses the connection or a message, or cannot be reached within
    `CONNECT_SECONDS`. It reconnects after later losses and resends unacknowledged messages: at-least-once delivery.
    MQTT 5, or 3.1.1 for older brokers. `tls` is for `mqtts`; without it the system's certificates are trusted.
    """

    def __init__(self, url: str, client_id: str, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._free = threading.BoundedSemaphore(MAX_IN_FLIGHT)
        self._answered = threading.Event()
        self._refusal: ReasonCode | None = None
        self._refused_message: str | None = None
        refusal = self._connect(url, client_id, MQTTProtocolVersion.MQTTv5)
        if "protocol" in refusal.lower():
            refusal = self._connect(url, client_id, MQTTProtocolVersion.MQTTv311)
        if refusal:
            host = urlsplit(url)
            raise ConnectionError(f"broker {host.hostname}:{host.port or PORTS[host.scheme]}: {refusal}")

    def _connect(self, url: str, client_id: str, version: MQTTProtocolVersion) -> str:
        """Connect and wait for the broker's answer; return the reason of a refusal, or an empty string."""
        self._answered.clear()
        self._refusal = None
        self._client = self._configured(url, client_id, version)
        host = urlsplit(url)
        self._client.connect_async(host.hostname or "localhost", host.port or PORTS[host.scheme])
        self._client.loop_start()
        refusal = "" if self._answered.wait(CONNECT_SECONDS) else "no answer"
        if self._refusal is not None:
            refusal = str(self._refusal)
        if refusal:
            self.close()
        return refusal

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, topic: str, payload: str | bytes, timeout: float | None = None) -> bool:
        """Publish a message, waiting while too many are in flight; return False after `timeout` seconds."""
        self._raise_refusal()
        if not self._free.acquire(timeout=timeout):
            return False
        result = self._client.publish(topic, payload, qos=1)
        if result.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            self._free.release()
            raise ConnectionError(f"cannot publish: {result.rc.name}")
        return True

    def flush(self, timeout: float) -> bool:
        """Wait until every message is acknowledged; return False after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        taken = 0
        while taken < MAX_IN_FLIGHT and self._free.acquire(timeout=max(deadline - time.monotonic(), 0)):
            taken += 1
        for _ in range(taken):
            self._free.release()
        self._raise_refusal()
        return taken == MAX_IN_FLIGHT

    def close(self) -> None:
        """Disconnect. Unacknowledged messages may be lost, so call `flush` first."""
        self._client.disconnect()
        self._client.loop_stop()

    def _configured(self, url: str, client_id: str, version: MQTTProtocolVersion) -> Client:
        parts = urlsplit(url)
        if parts.scheme not in PORTS:
            raise ValueError(f"not an MQTT address: {parts.scheme or 'no scheme'}")
        client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=version)
        if parts.scheme == "mqtts":
            client.tls_set_context(self._tls)
        if parts.username is not None:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        client.max_inflight_messages_set(MAX_IN_FLIGHT)
        client.reconnect_delay_set(min_delay=1, max_delay=5)
        client.on_connect, client.on_publish = self._on_connect, self._on_publish
        return client

    def _raise_refusal(self) -> None:
        if self._refused_message is not None:
            raise ConnectionError(f"broker refused a message: {self._refused_message}")

    def _on_connect(
        self,
        client: Client,
        data: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refusal = reason
        self._answered.set()

    def _on_publish(
        self, client: Client, data: Any, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._refused_message = str(reason)
        self._free.release()

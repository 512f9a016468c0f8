"""The figures of a Mosquitto broker, as it publishes them below $SYS/broker/."""

import threading
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.address import Address
from ingest.client import ending, lasting, staying

PREFIX = "$SYS/broker/"
log = structlog.get_logger()


class BrokerListener:
    """One connection that listens to the broker's own figures; it comes back by itself when the broker does.

    Where the broker binds client ids to accounts, what was opened is the session of a worker: that is left as it was.
    """

    def __init__(self, address: Address) -> None:
        self.connected = False
        self._said: dict[str, float] = {}
        self._lock = threading.Lock()
        self._ours = False
        self._client = lasting(address, address.client_id)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.connect_async(
            address.host, address.port, address.keep_alive_s, clean_start=False, properties=staying()
        )
        self._client.loop_start()

    def said(self) -> dict[str, float]:
        """Return the last figures, by topic below $SYS/broker/; none while the broker is away."""
        with self._lock:
            return dict(self._said) if self.connected else {}

    def end(self) -> None:
        """Part from the broker; the session ends, if it is our own."""
        self._client.disconnect(properties=ending() if self._ours else None)
        self._client.loop_stop()

    def _on_connect(
        self, client: Client, _d: Any, flags: ConnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        if code.is_failure:
            log.warning("the broker refuses to tell its figures", reason=str(code))
        elif flags.session_present and not self._ours:
            log.error("the broker gave us the session of a worker: use the port for Hearth itself, docs/security.md")
            client.disconnect()
        else:
            self._ours = self.connected = True
            client.subscribe(PREFIX + "#", 0)

    def _on_disconnect(self, _c: Client, _d: Any, _f: DisconnectFlags, _r: ReasonCode, _p: Properties | None) -> None:
        with self._lock:
            self.connected = False
            self._said.clear()

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            value = float(message.payload)
        except ValueError:
            return  # a version, or a time with its unit
        with self._lock:
            self._said[message.topic.removeprefix(PREFIX)] = value

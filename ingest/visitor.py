"""A second client beside the workers, for a question to the broker; it harms no session that was there before."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.address import Address
from ingest.client import ending, prepared, secure, staying

PATIENCE_S = 10.0
Hearing = Callable[[MQTTMessage], None]


class Visitor:
    """One connection with a client id that nobody else has.

    If its session was there before, the broker binds client ids to accounts, and what was opened is the session of a
    worker: that is left as it was. A session of its own ends with `end`, and outlives `leave`.

    Args:
        topic: messages on it are counted and acknowledged; others stay with the session they belong to.
        hear: is told of every message that comes, in a thread of its own.
    Raises:
        ConnectionError: the broker refused the client, or did not answer.
        OSError: it cannot be reached.
    """

    def __init__(self, address: Address, client_id: str, topic: str | None = None, hear: Hearing | None = None) -> None:
        self.address = address
        self.client_id = client_id
        self.heard = 0  # messages that came
        self.present = False  # whether the session was there before
        self.told = ""  # what the broker said of itself
        self._topic = topic
        self._hear = hear
        self._refused = ""  # why a message was
        self._answers = threading.Event()
        self._codes: list[ReasonCode] = []
        self._modern = True
        refusal = self._open(clean=False)
        if "protocol" in refusal.lower():
            self._modern = False
            refusal = self._open(clean=True)
        if refusal:
            self._client.loop_stop()
            raise ConnectionError(f"broker {address.broker}: {refusal}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.end()

    @property
    def connected(self) -> bool:
        """True while the connection stands."""
        return self._client.is_connected()

    def subscribe(self, filter_: str, qos: int = 1) -> None:
        """Subscribe.

        Raises:
            ConnectionError: the broker refuses it, or does not answer.
        """
        self._answers.clear()
        self._client.subscribe(filter_, qos)
        if not self._answers.wait(PATIENCE_S) or any(code.is_failure for code in self._codes):
            raise ConnectionError(f"broker {self.address.broker}: subscription to {filter_} refused")

    def publish(self, topic: str, count: int) -> None:
        """Publish messages with QoS 1 and wait until the broker has acknowledged all of them.

        Raises:
            ConnectionError: it does not, or refuses one.
        """
        infos = [self._client.publish(topic, str(n), 1) for n in range(count)]
        end = time.monotonic() + PATIENCE_S
        while not self._refused and not all(info.is_published() for info in infos):
            if time.monotonic() > end or not self.connected:
                raise ConnectionError(f"broker {self.address.broker}: a message on {topic} was not acknowledged")
            time.sleep(0.02)
        if self._refused:
            raise ConnectionError(f"broker {self.address.broker}: a message on {topic} was refused: {self._refused}")

    def leave(self) -> None:
        """Part from the broker; the session stays there."""
        self._client.disconnect()
        self._client.loop_stop()

    def end(self) -> None:
        """Part from the broker and end the session, if it is our own."""
        own = self._modern and not self.present
        self._client.disconnect(properties=ending() if own else None)
        self._client.loop_stop()

    def _open(self, clean: bool) -> str:
        """Connect and wait for the broker's word; returns why it refuses, or nothing."""
        self._answers.clear()
        self._codes = []
        self._client = prepared(self.address, self.client_id, self._modern)
        secure(self._client, self.address)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        options: dict[str, Any] = {"clean_start": clean, "properties": staying()} if self._modern else {}
        self._client.connect(self.address.host, self.address.port, **options)
        self._client.loop_start()
        if not self._answers.wait(PATIENCE_S):
            return "no answer"
        refused = next((str(code) for code in self._codes if code.is_failure), "")
        if refused:
            self._client.loop_stop()
        return refused

    def _on_connect(self, _c: Client, _d: Any, flags: ConnectFlags, code: ReasonCode, props: Properties | None) -> None:
        self._codes = [code]
        self.present = flags.session_present
        self.told = " ".join(str(props or "").split())
        self._answers.set()

    def _on_subscribe(self, _c: Client, _d: Any, _m: int, codes: list[ReasonCode], _p: Properties | None) -> None:
        self._codes = codes
        self._answers.set()

    def _on_message(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        if message.topic == self._topic:
            client.ack(message.mid, message.qos)
            self.heard += 1
        elif self._hear is not None and not self.present:
            self._hear(message)

    def _on_publish(self, _c: Client, _d: Any, _m: int, code: ReasonCode, _p: Properties | None) -> None:
        if code.is_failure:
            self._refused = str(code)

"""The MQTT side: a persistent session that reads only while there is room, and acknowledges what was stored.

The network loop is ours (paho's calls for external loops), because reading must be able to pause while keep-alive and
acknowledgements go on: a full inbox holds the broker back through TCP, whatever the broker makes of Receive Maximum.
"""

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.inbox import Inbox
from ingest.message import Message

TOPIC = "hearth/v1/+/telemetry"
SESSION_EXPIRY_S = 7 * 86_400  # as long as the broker keeps messages for a worker that is away
KEEP_ALIVE_S = 30
RECEIVE_MOST = 65_535
SLOWEST_RETRY_S = 30.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Address:
    """Where the broker is and who we are there."""

    url: str
    client_id: str
    share: str | None = None  # the group of a shared subscription
    ca_file: Path | None = None

    @property
    def topic(self) -> str:
        """The filter to subscribe to."""
        return f"$share/{self.share}/{TOPIC}" if self.share else TOPIC


class Source:
    """Feeds an inbox from a broker; runs in a thread of its own."""

    def __init__(self, address: Address, inbox: Inbox, now_us: Callable[[], int]) -> None:
        self.address = address
        self.inbox = inbox
        self.epoch = 0  # counts connections
        self.connected = threading.Event()
        self.modern = True  # MQTT 5; False: the broker speaks 3.1.1 only
        self._now_us = now_us
        self._stop = threading.Event()
        self._acks: deque[tuple[int, Sequence[tuple[int, int]]]] = deque()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect and read."""
        self._thread.start()

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """Tell the broker that messages are stored; those of a connection that is gone come again as duplicates."""
        by_epoch: dict[int, list[tuple[int, int]]] = {}
        for message in batch:
            if message.qos:
                by_epoch.setdefault(message.epoch, []).append((message.mid, message.qos))
        self._acks.extend(by_epoch.items())
        self._wake()

    def stop(self) -> None:
        """Stop reading, send the acknowledgements that wait, part from the broker; the session stays there."""
        self._stop.set()
        self._wake()
        self._thread.join()
        self._wake_read.close()
        self._wake_write.close()

    def _wake(self) -> None:
        self._wake_write.send(b"\0")

    def _run(self) -> None:
        delay_s = 0.5
        while not self._stop.is_set():
            client = self._client()
            try:
                if self._connect(client):
                    delay_s = 0.5
                    self._serve(client)
            except OSError as error:
                log.warning("broker away", broker=_public(self.address.url), error=str(error), retry_s=delay_s)
            finally:
                self._part(client)
            if not self._stop.is_set():
                self._stop.wait(delay_s)
                delay_s = min(delay_s * 2, SLOWEST_RETRY_S)

    def _client(self) -> Client:
        version = MQTTProtocolVersion.MQTTv5 if self.modern else MQTTProtocolVersion.MQTTv311
        session: dict[str, Any] = {} if self.modern else {"clean_session": False}
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=self.address.client_id, protocol=version, manual_ack=True, **session
        )
        parts = urlsplit(self.address.url)
        if parts.username:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            client.tls_set(ca_certs=str(self.address.ca_file) if self.address.ca_file else None)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        return client

    def _connect(self, client: Client) -> bool:
        """Open the connection and wait for the broker's word; False if it refused."""
        parts = urlsplit(self.address.url)
        port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        options: dict[str, Any] = {}
        if self.modern:
            options = {"clean_start": False, "properties": Properties(PacketTypes.CONNECT)}  # type: ignore[no-untyped-call]
            options["properties"].SessionExpiryInterval = SESSION_EXPIRY_S
            options["properties"].ReceiveMaximum = min(self.inbox.capacity, RECEIVE_MOST)
        client.connect(parts.hostname or "", port, KEEP_ALIVE_S, **options)
        end = time.monotonic() + 10
        while not self.connected.is_set() and not self._stop.is_set() and time.monotonic() < end:
            if not self._turn(client, 0.2):
                break
        return self.connected.is_set()

    def _serve(self, client: Client) -> None:
        """Read and acknowledge until the connection ends or we stop."""
        while not self._stop.is_set() and self._turn(client, 0.5):
            self._send_acks(client)
        self._send_acks(client)

    def _turn(self, client: Client, wait_s: float) -> bool:
        """One round of the network; False when the connection is gone."""
        sock = client.socket()
        if sock is None:
            return False
        room = self.inbox.has_room()
        reading = [sock, self._wake_read] if room else [self._wake_read]
        ready = room and bool(getattr(sock, "pending", int)())
        readable, writable, _ = select.select(
            reading, [sock] if client.want_write() else [], [], 0 if ready else min(wait_s, 0.5 if room else 0.02)
        )
        if self._wake_read in readable:
            self._wake_read.recv(4096)
        ok = MQTTErrorCode.MQTT_ERR_SUCCESS
        if ready or sock in readable:
            ok = client.loop_read()
        if ok == MQTTErrorCode.MQTT_ERR_SUCCESS and sock in writable:
            ok = client.loop_write()
        return MQTTErrorCode.MQTT_ERR_SUCCESS == ok == client.loop_misc()

    def _send_acks(self, client: Client) -> None:
        while self._acks:
            epoch, mids = self._acks.popleft()
            if epoch == self.epoch and self.connected.is_set():
                for mid, qos in mids:
                    client.ack(mid, qos)

    def _part(self, client: Client) -> None:
        if self.connected.is_set() and self._stop.is_set():
            client.disconnect()
            client.loop_write()
        self.connected.clear()
        self.inbox.clear()
        sock = client.socket()
        if sock is not None:
            sock.close()

    def _on_connect(self, client: Client, _data: Any, _flags: Any, code: ReasonCode, _props: Any) -> None:
        if code.is_failure:
            if "protocol" in str(code).lower() and self.modern:
                self.modern = False
                log.warning("broker speaks MQTT 3.1.1 only: plain subscription, one worker")
            else:
                log.error("broker refused us", broker=_public(self.address.url), reason=str(code))
            return
        self.epoch += 1
        client.subscribe(self.address.topic, qos=1)
        self.connected.set()
        log.info("connected", broker=_public(self.address.url), topic=self.address.topic, epoch=self.epoch)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.inbox.put(
            Message(
                message.topic,
                bytes(message.payload),
                self._now_us(),
                message.mid,
                message.qos,
                self.epoch,
                message.retain,
            )
        )


def _public(url: str) -> str:
    """The address without who we are there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or ''}".rstrip(":")

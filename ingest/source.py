"""The MQTT side: a persistent session that reads only while there is room, and acknowledges what was stored.

paho opens the session: address, TLS, account, version, refusals. From then on the socket is ours (`link`, `stream`),
because reading must be able to pause while keep-alive and acknowledgements go on (a full inbox holds the broker back
through TCP, whatever the broker makes of Receive Maximum), and because messages come and are acknowledged by the heap.
"""

import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import structlog
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.inbox import Inbox
from ingest.link import Link
from ingest.message import Message, Stamps
from ingest.sources import NATIVE
from ingest.stream import Stream, acknowledgements, publication

SESSION_EXPIRY_S = 7 * 86_400  # as long as the broker keeps messages for a worker that is away
ANSWER_S = 5.0
PARTING_S = 2.0
RECEIVE_MOST = 65_535
MOST_REQUESTS = 1000  # that wait for a connection; who asked asks again
SLOWEST_RETRY_S = 30.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Address:
    """Where the broker is and who we are there."""

    url: str
    client_id: str
    share: str | None = None  # the group of a shared subscription, which needs MQTT 5
    ca_file: Path | None = None
    cert_file: Path | None = None  # who we are there, if not by password
    key_file: Path | None = None
    keep_alive_s: int = 30
    filters: Sequence[str] = (NATIVE,)
    every_worker: Sequence[str] = ()  # filters that are not shared

    @property
    def subscriptions(self) -> list[str]:
        """The filters to subscribe to."""
        share = f"$share/{self.share}/" if self.share else ""
        return [*(share + text for text in self.filters), *self.every_worker]


class Source:
    """Feeds an inbox from a broker; runs in a thread of its own.

    With `leaving` it subscribes to nothing any more: it takes what the broker still keeps for us, and when all of it
    is acknowledged, it ends the session. Otherwise the session outlives us.
    """

    def __init__(self, address: Address, inbox: Inbox, now_us: Callable[[], int], leaving: bool = False) -> None:
        self.address = address
        self.inbox = inbox
        self.leaving = leaving
        self.ended = threading.Event()  # left, or refused: nothing more comes
        self.refusal: str | None = None  # what the operator has to mend
        self.epoch = 0  # counts connections
        self.connected = threading.Event()
        self.modern = True  # MQTT 5; False: the broker speaks 3.1.1 only
        self._silences = 0  # connections on which the broker did not answer
        self._stamps = Stamps(now_us)
        self._complaint = ""  # why the connection being opened broke
        self._stop = threading.Event()
        self._acks: deque[tuple[int, list[int]]] = deque()
        self._requests: deque[tuple[str, bytes]] = deque(maxlen=MOST_REQUESTS)
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect and read."""
        self._thread.start()

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """Tell the broker that messages are stored; those of a connection that is gone come again as duplicates."""
        for epoch in {message.epoch for message in batch}:
            self._acks.append((epoch, [m.mid for m in batch if m.qos and m.epoch == epoch]))
        self._wake()

    def publish(self, requests: Sequence[tuple[str, bytes]]) -> None:
        """Send messages (topic, payload) at most once: nobody waits for them."""
        if requests:
            self._requests.extend(requests)
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
        while not self._over():
            client = self._client()
            try:
                self._secure(client)
                if self._connect(client):
                    delay_s = 0.5
                    self._serve(client)
            except OSError as error:
                log.warning(_event(error), broker=_public(self.address.url), error=str(error), retry_s=delay_s)
            finally:
                self._part(client)
            if not self._over():
                self._stop.wait(delay_s)
                delay_s = min(delay_s * 2, SLOWEST_RETRY_S)

    def _over(self) -> bool:
        return self._stop.is_set() or self.ended.is_set()

    def _client(self) -> Client:
        version = MQTTProtocolVersion.MQTTv5 if self.modern else MQTTProtocolVersion.MQTTv311
        session: dict[str, Any] = {} if self.modern else {"clean_session": False}
        client = Client(CallbackAPIVersion.VERSION2, client_id=self.address.client_id, protocol=version, **session)
        parts = urlsplit(self.address.url)
        if parts.username:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        client.on_connect = self._on_connect
        client.on_log = self._on_log
        return client

    def _secure(self, client: Client) -> None:
        """Prepare TLS; the files are read for each connection, so that a renewed certificate needs no restart."""
        if urlsplit(self.address.url).scheme == "mqtts":
            # No passphrase: a key that needs one is refused rather than asked for on a terminal.
            client.tls_set(
                _name(self.address.ca_file),
                _name(self.address.cert_file),
                _name(self.address.key_file),
                keyfile_password="",
            )

    def _connect(self, client: Client) -> bool:
        """Open the connection and wait for the broker's word; False if it refused, OSError if it hung up."""
        parts = urlsplit(self.address.url)
        port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        options: dict[str, Any] = {}
        if self.modern:
            options = {"clean_start": False, "properties": Properties(PacketTypes.CONNECT)}  # type: ignore[no-untyped-call]
            options["properties"].SessionExpiryInterval = SESSION_EXPIRY_S
            options["properties"].ReceiveMaximum = min(self.inbox.capacity, RECEIVE_MOST)
        self._complaint = "closed before we were taken in"
        client.connect(parts.hostname or "", port, self.address.keep_alive_s, **options)
        end = time.monotonic() + ANSWER_S
        while not self.connected.is_set() and not self._over() and time.monotonic() < end:
            if not self._opening(client):
                if self._complaint:
                    raise ConnectionError(self._complaint)
                return False
        if not self.connected.is_set() and not self._over():
            self._note_silence()
        return self.connected.is_set()

    def _note_silence(self) -> None:
        """Some that cannot read MQTT 5 do not refuse it but never answer; one that has read it before is away."""
        if not self.epoch:
            self._silences += 1
            self.modern = not self.modern
        log.warning("broker silent", broker=_public(self.address.url), next_try="5" if self.modern else "3.1.1")

    def _opening(self, client: Client) -> bool:
        """One round of the network before the session stands; False when the connection is gone."""
        sock = client.socket()
        if sock is None:
            return False
        ok = MQTTErrorCode.MQTT_ERR_SUCCESS
        readable, writable, _ = select.select([sock], [sock] if client.want_write() else [], [], 0.2)
        if readable or getattr(sock, "pending", int)():
            ok = client.loop_read()  # one packet, no more: what follows it is for the link
        if ok == MQTTErrorCode.MQTT_ERR_SUCCESS and writable:
            ok = client.loop_write()
        return ok == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _serve(self, client: Client) -> None:
        """Read and acknowledge until the connection ends or we stop."""
        while client.want_write() and client.loop_write() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            pass  # the subscription
        sock = cast("socket.socket | None", client.socket())
        if sock is None:
            return
        stream = Stream(self.modern, self.epoch)
        link = Link(sock, self._wake_read, stream, self.address.keep_alive_s, self._stamps)
        asked = False  # whether a ping is on its way that was sent when nothing was left to store
        while not self._over():
            room = self.inbox.has_room()
            messages = link.turn(room, 0.5 if room else 0.02)
            self.inbox.put(messages)
            idle = self.inbox.is_idle()
            self._send_acks(link)
            self._send_requests(link)
            if self.leaving:
                asked = self._ask_for_more(link, asked and not messages, idle)
        self._send_acks(link)
        link.flush(PARTING_S)

    def _ask_for_more(self, link: Link, asked: bool, idle: bool) -> bool:
        """End when the broker answers a ping without a message before; returns whether such a ping is on its way."""
        if not idle or not link.answered:
            return asked and idle
        if asked:
            log.info("left", broker=_public(self.address.url), client_id=self.address.client_id)
            self.ended.set()
        link.ping()
        return True

    def _send_acks(self, link: Link) -> None:
        while self._acks:
            epoch, mids = self._acks.popleft()
            if epoch == self.epoch:
                link.send(acknowledgements(mids))

    def _send_requests(self, link: Link) -> None:
        while self._requests:
            link.send(publication(*self._requests.popleft(), self.modern))

    def _part(self, client: Client) -> None:
        if self.connected.is_set() and self._over():
            client.disconnect(properties=self._last_wish())
            client.loop_write()
        self.connected.clear()
        self.inbox.clear()
        sock = client.socket()
        if sock is not None:
            sock.close()

    def _last_wish(self) -> Properties | None:
        """Who has left ends the session. In MQTT 3.1.1 it stays, with no subscription and so without messages."""
        if not (self.leaving and self.modern and self.ended.is_set()):
            return None
        wish = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
        wish.SessionExpiryInterval = 0
        return wish

    def _on_connect(self, client: Client, _data: Any, _flags: Any, code: ReasonCode, props: Properties | None) -> None:
        if code.is_failure:
            self._complaint = ""  # said here
            if "protocol" in str(code).lower() and self.modern:
                self.modern = False
            else:
                log.error("broker refused us", broker=_public(self.address.url), reason=str(code))
            return
        if not self._can_share(props):
            self._complaint = ""
            client.disconnect()
            return
        self.epoch += 1
        if self.leaving:
            client.unsubscribe(self.address.subscriptions)
        else:
            client.subscribe([(text, 1) for text in self.address.subscriptions])
        self.connected.set()
        log.info(
            "connected",
            broker=_public(self.address.url),
            filters=" ".join(self.address.subscriptions),
            epoch=self.epoch,
        )
        if not self.modern:
            log.warning("broker speaks MQTT 3.1.1 only: plain subscription, one worker")

    def _can_share(self, props: Properties | None) -> bool:
        """Whether a worker of several can work here; if not, everything is over, or is tried again with MQTT 5."""
        if not self.address.share or (self.modern and getattr(props, "SharedSubscriptionAvailable", True)):
            return True
        if self._silences == 1 and not self.modern:  # once may have been the network
            self.modern = True
        else:
            self.refusal = "this broker has no shared subscriptions (MQTT 5): run one worker, without --worker"
            self.ended.set()
        return False

    def _on_log(self, _client: Client, _data: Any, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self._complaint = text  # why the connection broke; nothing else tells


def _name(file: Path | None) -> str | None:
    return str(file) if file else None


def _event(error: OSError) -> str:
    return "broker not trusted" if isinstance(error, ssl.SSLCertVerificationError) else "broker away"


def _public(url: str) -> str:
    """The address without who we are there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or ''}".rstrip(":")

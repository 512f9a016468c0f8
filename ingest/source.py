"""The MQTT side: a persistent session that reads only while there is room, and acknowledges what was stored.

paho opens the session: address, TLS, account, version, refusals. From then on the socket is ours (`link`, `stream`),
because reading must be able to pause while keep-alive and acknowledgements go on (a full inbox holds the broker back
through TCP, whatever the broker makes of Receive Maximum), and because messages come and are acknowledged in batches.
"""

import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.enums import LogLevel, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.address import Address
from ingest.client import ending, prepared, secure, staying
from ingest.inbox import Inbox
from ingest.link import Link
from ingest.message import Message, Stamps
from ingest.permitted import PermittedSource
from ingest.stream import PacketStream, TakenOver, acknowledgements, publication

ANSWER_S = 5.0
PARTING_S = 2.0
RECEIVE_MOST = 65_535
MOST_REQUESTS = 1000  # that wait for a connection; who asked asks again
GATHER_S = 0.002  # what a broker writes meanwhile, message by message, is read at once
BIND = "if that is no worker of yours, bind client ids to accounts at the broker: docs/security.md"
log = structlog.get_logger()


class BrokerSource(PermittedSource):
    """Feeds an inbox from a broker, a connection for each permit.

    With `leaving` it subscribes to nothing any more: it takes what the broker still keeps for us, and when all of it
    is acknowledged, it ends the session. Otherwise the session outlives us.
    """

    def __init__(self, address: Address, inbox: Inbox, now_us: Callable[[], int], leaving: bool = False) -> None:
        super().__init__(inbox, "mqtt")
        self.address = address  # in a connection that of `permit`
        self.leaving = leaving
        self.modern = True  # MQTT 5; False: the broker speaks 3.1.1 only
        self._silences = 0  # connections on which the broker did not answer
        self._now_us = now_us
        self._stamps = Stamps(now_us)
        self._complaint = ""  # why the connection being opened broke
        self._opened: set[str] = set()  # sessions that we had open
        self._unsure: set[str] = set()  # those of which we do not know whether our last subscription stands
        self._parted_us: int | None = None
        self._asked_canary = False
        self._acks: deque[tuple[int, list[int]]] = deque()
        self._requests: deque[tuple[str, bytes]] = deque(maxlen=MOST_REQUESTS)
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)

    def permit(self, address: Address) -> None:
        """Permit a connection to an address: the caller has just made sure of the right to its session."""
        self.address = address
        super().permit(address)

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
        super().stop()
        self._wake_read.close()
        self._wake_write.close()

    def _wake(self) -> None:
        self._wake_write.send(b"\0")

    def _visit(self, retry_s: float) -> None:
        """Open the session and serve it as long as it lasts."""
        client = self._client()
        try:
            if self._permitted.is_set():
                secure(client, self.address)
                if self._connect(client):
                    self._serve(client)
        except TakenOver:
            self.takeovers += 1
            log.error("session taken over by another client", client_id=self.address.client_id, then=BIND)
        except OSError as error:
            log.warning(_event(error), broker=_public(self.address.url), error=str(error), retry_s=retry_s)
        finally:
            self._part(client)

    def _client(self) -> Client:
        client = prepared(self.address, self.address.client_id, self.modern)
        client.on_connect = self._on_connect
        client.on_log = self._on_log
        return client

    def _connect(self, client: Client) -> bool:
        """Open the connection and wait for the broker's word; False if it refused, OSError if it hung up."""
        options: dict[str, Any] = {}
        if self.modern:
            options = {"clean_start": False, "properties": staying()}
            options["properties"].ReceiveMaximum = min(self.inbox.capacity, RECEIVE_MOST)
        self._complaint = "closed before we were taken in"
        client.connect(self.address.host, self.address.port, self.address.keep_alive_s, **options)
        end = time.monotonic() + ANSWER_S
        while not self.connected.is_set() and not self._parting() and time.monotonic() < end:
            if not self._opening(client):
                if self._complaint:
                    raise ConnectionError(self._complaint)
                return False
        if not self.connected.is_set() and not self._parting():
            self._note_silence()
        return self.connected.is_set()

    def _note_silence(self) -> None:
        """Note a broker's silence: some that lack MQTT 5 never answer it; one that has spoken it before is away."""
        if not self.epoch:
            self._silences += 1
            self.modern = not self.modern
        log.warning("broker silent", broker=_public(self.address.url), next_try="5" if self.modern else "3.1.1")

    def _opening(self, client: Client) -> bool:
        """Run one round of the network before the session stands; False when the connection is gone."""
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
        stream = PacketStream(self.modern, self.epoch)
        link = Link(sock, self._wake_read, stream, self.address.keep_alive_s, self._stamps)
        asked = False  # whether a ping is on its way that was sent when nothing was left to store
        while not self._parting():
            room = self.inbox.has_room()
            messages = link.turn(room, 0.5 if room else 0.02)
            self.inbox.put(messages)
            idle = self.inbox.is_idle()
            if messages and not self.inbox.is_calm():
                time.sleep(GATHER_S)  # a batch waits: no haste, and each read takes the interpreter from others
            self._send_acks(link)
            self._send_requests(link)
            if stream.subscribed:
                self._unsure.discard(self.address.client_id)
            if stream.missed and self._asked_canary:
                self._note_forgotten("the session came back without its shared subscription")
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
        if self.connected.is_set() and self._parting():
            client.disconnect(properties=self._last_wish())
            client.loop_write()
        if self.connected.is_set():
            self._parted_us = self._now_us()
        self.connected.clear()
        self.inbox.clear()
        sock = client.socket()
        if sock is not None:
            sock.close()

    def _last_wish(self) -> Properties | None:
        """Return what ends the session of a leaving worker. In MQTT 3.1.1 it stays, without a subscription."""
        return ending() if self.leaving and self.modern and self.ended.is_set() else None

    def _on_connect(
        self, client: Client, _data: Any, flags: ConnectFlags, code: ReasonCode, props: Properties | None
    ) -> None:
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
        self._subscribe(client, flags.session_present)
        self.connected.set()
        log.info(
            "connected",
            broker=_public(self.address.url),
            client_id=self.address.client_id,
            filters=" ".join(self.address.subscriptions),
            epoch=self.epoch,
        )
        if not self.modern:
            log.warning("broker speaks MQTT 3.1.1 only: plain subscription, one worker at a time")

    def _subscribe(self, client: Client, present: bool) -> None:
        """Subscribe, always: who subscribes twice loses nothing, and the broker may have forgotten."""
        self._asked_canary = False
        if self.leaving:
            client.unsubscribe(self.address.subscriptions)
            return
        if not present and self.address.client_id in self._opened:
            log.error("the broker ended our session: what waited in it is lost", client_id=self.address.client_id)
            if self.address.share:
                self._note_forgotten("the session was gone")
        elif present and self.address.share and self.address.client_id not in self._unsure:
            # Before we subscribe again: what it answers says whether subscriptions of its group are still there.
            client.unsubscribe(self.address.canary)
            self._asked_canary = True
        client.subscribe([(text, 1) for text in self.address.subscriptions])
        self._opened.add(self.address.client_id)
        self._unsure.add(self.address.client_id)

    def _note_forgotten(self, why: str) -> None:
        """Have the worker withdraw its trust; we subscribe again all the same, so nothing more is lost."""
        self._asked_canary = False
        if self.forgotten is None:
            self.forgotten = why
            log.error(
                "the broker lost a shared subscription: what it acknowledged while this worker was away may be lost",
                client_id=self.address.client_id,
                away_since=_instant(self._parted_us) if self._parted_us else "before this process",
                why=why,
                then=f"hearth ingest --leave --share {self.address.client_id.rpartition('-')[2]}",
            )

    def _can_share(self, props: Properties | None) -> bool:
        """Return whether workers can share here; if not, MQTT 5 is tried once more before the refusal."""
        if not self.address.share or (self.modern and getattr(props, "SharedSubscriptionAvailable", True)):
            return True
        if self._silences == 1 and not self.modern:  # once may have been the network
            self.modern = True
        elif self.leaving:
            self.refusal = "this broker has no shared subscriptions (MQTT 5), so no session of a share to end"
            self.ended.set()
        else:
            self.forgotten = "the broker has no shared subscriptions"
        return False

    def _on_log(self, _client: Client, _data: Any, level: int, text: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self._complaint = text  # why the connection broke; nothing else tells


def _instant(us: int) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="seconds")


def _event(error: OSError) -> str:
    return "broker not trusted" if isinstance(error, ssl.SSLCertVerificationError) else "broker away"


def _public(url: str) -> str:
    """Return the address without its account."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or ''}".rstrip(":")

"""The figures of ActiveMQ Artemis: asked for by STOMP, over Hearth's own port of the broker and with its own account.

`deploy/artemis/broker.xml` has STOMP at that port alone, and the account may look at these figures and at no other
part of the management (`registry/artemis.py`).
"""

import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

from ingest.address import Address

ANSWER_S = 10.0  # half of what Prometheus waits for
MOST_BYTES = 1 << 22  # of an answer
MOST_QUEUES = 1_000
AGAIN_S = 600.0  # a broker that does not speak STOMP is asked again so much later
# Only Hearth's account may hear and say what is under its name. One address for all, as Artemis keeps addresses.
REPLIES = "hearth/v1/hearth/figures"
QUESTIONS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "disk_used": ({"_AMQ_Attribute": "DiskStoreUsage"}, ""),
    "replica_in_step": ({"_AMQ_Attribute": "ReplicaSync"}, ""),
    "clients": ({"_AMQ_Attribute": "ConnectionCount"}, ""),
    "topics": ({"_AMQ_Attribute": "AddressCount"}, ""),
    "waiting_bytes": ({"_AMQ_Attribute": "AddressMemoryUsage"}, ""),  # in memory
    "waiting_at_most": ({"_AMQ_Attribute": "GlobalMaxSize"}, ""),
    "queues": ({"_AMQ_OperationName": "listQueues"}, json.dumps(["", 1, MOST_QUEUES])),
}
# What a topic takes of Java's memory as long as the node runs, once something was said under it (decision 0088).
TOPIC_BYTES = 13_000
# Of Java's memory, what may wait in it (global-max-size-percent-of-jvm-max-memory in deploy/artemis/broker.xml).
WAITING_SHARE = 0.1


class NotSpoken(Exception):
    """The broker answers, but not in STOMP, or not this account."""


class ArtemisFigures:
    """Asks a broker for its figures; one that is away or is no Artemis has none."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._not_before_s = 0.0

    def told(self) -> dict[str, float]:
        """Return the figures by name.

        disk_used and memory_used (shares), replica_in_step (0 or 1), clients, topics, waiting, consumers.
        """
        if time.monotonic() < self._not_before_s:
            return {}
        try:
            with self._connection() as stream:
                return _figures(_answers(stream, _account(self._address)))
        except (NotSpoken, TimeoutError):
            self._not_before_s = time.monotonic() + AGAIN_S
        except (OSError, ValueError):
            pass  # away, or it refuses
        return {}

    @contextmanager
    def _connection(self) -> Iterator[socket.socket]:
        address = self._address
        with socket.create_connection((address.host, address.port), timeout=ANSWER_S) as plain:
            if not address.is_secure:
                yield plain
                return
            context = ssl.create_default_context(cafile=address.ca_file)
            if address.cert_file:
                # No passphrase, as in `client.secure`: else one would be asked for on a terminal.
                context.load_cert_chain(address.cert_file, address.key_file, password="")
            with context.wrap_socket(plain, server_hostname=address.host) as secure:
                yield secure


def _answers(stream: socket.socket, account: Mapping[str, str]) -> dict[str, Any]:
    """Ask all questions at once; raise NotSpoken where there is no answer to the greeting, ValueError for a refusal."""
    hello = {"accept-version": "1.2", "heart-beat": "0,0", **account}
    stream.sendall(_frame("CONNECT", hello))
    read = _Frames(stream)
    if read.next()[0] != "CONNECTED":
        raise NotSpoken
    heard = {"id": "1", "destination": REPLIES, "subscription-type": "MULTICAST"}
    asked = {"destination": "activemq.management", "_AMQ_ResourceName": "broker", "reply-to": REPLIES}
    mark = token_hex(8)
    frames = [_frame("SUBSCRIBE", heard)]
    for name, (headers, text) in QUESTIONS.items():
        told = {**asked, **headers, "correlation-id": f"{mark} {name}", "content-type": "text/plain"}
        frames.append(_frame("SEND", told, text))
    stream.sendall(b"".join(frames))
    found: dict[str, Any] = {}
    while len(found) < len(QUESTIONS):
        command, headers, text = read.next()
        whose, _, name = headers.get("correlation-id", "").partition(" ")
        if command == "MESSAGE" and whose != mark:
            continue  # what another one has asked
        if command != "MESSAGE" or headers.get("_AMQ_OperationSucceeded") != "true":
            raise ValueError(text)
        found[name] = json.loads(text)[0]
    stream.sendall(_frame("DISCONNECT", {}))
    return found


class _Frames:
    """The frames that come in: a command, headers, an empty line, a text, and a zero byte."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._read = b""

    def next(self) -> tuple[str, dict[str, str], str]:
        """Return the next one; raise NotSpoken when the other side ends before."""
        while b"\0" not in self._read:
            more = self._stream.recv(65_536)
            if not more or len(self._read) > MOST_BYTES:
                raise NotSpoken
            self._read += more
        frame, _, rest = self._read.partition(b"\0")
        self._read = rest.lstrip(b"\n")
        head, _, text = frame.decode(errors="replace").partition("\n\n")
        command, *lines = head.splitlines()
        return command, dict(line.split(":", 1) for line in lines if ":" in line), text


def _frame(command: str, headers: Mapping[str, str], text: str = "") -> bytes:
    lines = [command, *(f"{name}:{value}" for name, value in headers.items())]
    return ("\n".join(lines) + f"\n\n{text}\0").encode()


def _account(address: Address) -> dict[str, str]:
    return dict(zip(("login", "passcode"), address.account or (), strict=False))


def _figures(answers: dict[str, Any]) -> dict[str, float]:
    """Return the figures of all answers; of queues, those in which messages wait for somebody who may be away."""
    listed = json.loads(answers.pop("queues"))["data"]
    in_memory, at_most = float(answers.pop("waiting_bytes")), float(answers.pop("waiting_at_most"))
    taken = float(answers["topics"]) * TOPIC_BYTES + in_memory
    durable = [queue for queue in listed if queue["durable"] == "true" and queue["internalQueue"] == "false"]
    return {name: float(value) for name, value in answers.items()} | {
        "memory_used": taken * WAITING_SHARE / at_most,
        "waiting": sum(float(queue["messageCount"]) for queue in durable),
        "consumers": sum(float(queue["consumerCount"]) for queue in durable),
    }

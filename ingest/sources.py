"""Sources of messages: Hearth's own devices, and the networks of `ingest/source_table.py`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.reasons import RejectReason
from ingest import topics
from ingest.decoders import chirpstack_protobuf, fields, native, ruuvi, senml, sparkplug, thingsboard
from ingest.decoders.fault import DecodeError, DecodeFault, Read
from ingest.decoders.shape import Incoming, Shape
from ingest.decoders.work import USUAL, MessageBounds, Work
from ingest.senders import NETWORK
from ingest.uplink import Uplink

NATIVE = "hearth/v1/+/telemetry"
SPARKPLUG = "sparkplug"
MOST_TOPICS, MOST_ROUTES, LONGEST_ROUTE = 100_000, 20_000, 200  # bounds on memory
# Decoders that need no memory. Sparkplug's needs the births.
DECODERS: dict[str, Callable[[Incoming, Shape], Read]] = {
    "fields": fields.decode,
    "chirpstack_protobuf": chirpstack_protobuf.decode,
    "thingsboard": thingsboard.decode,
    "senml": senml.decode,
    "ruuvi": ruuvi.decode,
}


class Decoded(NamedTuple):
    """A decoded message: its sender, readings, faults, and what to publish (topic, payload)."""

    device: str
    uplinks: list[Uplink]
    faults: list[DecodeFault]
    requests: Sequence[tuple[str, bytes]] = ()
    kept: bytes | None = None  # the payload as a dead letter keeps it, if not as it came


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A network that speaks for its sensors: the registry names it as their gateway."""

    name: str
    decoder: str
    filters: tuple[str, ...]
    every_worker: tuple[str, ...]  # filters of what each of several workers must see
    shape: Shape
    patterns: tuple[re.Pattern[str], ...] = field(repr=False)

    def wild(self, topic: str) -> tuple[str, ...] | None:
        """Return the values of its filter's wildcards; None if the topic is not one of its own."""
        matches = (pattern.fullmatch(topic) for pattern in self.patterns)
        return next((tuple(g for g in match.groups() if g is not None) for match in matches if match), None)


# A source, and a topic of its own: the levels, and what the wildcards of the filter stand for.
Route = tuple[Origin, tuple[str, ...], tuple[str, ...]]


class Sources:
    """All that is read. A message belongs to the first whose filter lets it through, Hearth's own devices first."""

    def __init__(self, origins: Sequence[Origin] = ()) -> None:
        self.origins = tuple(origins)
        self._births = sparkplug.SparkplugBirths()
        self._accounts: dict[str, str] = {}  # of topics that were asked for
        self._routes: dict[str, Route] = {}  # by topic

    def filters(self) -> list[str]:
        """Return the filters that workers may share; none is covered by another."""
        return widest([NATIVE, *(text for origin in self.origins for text in origin.filters)])

    def every_worker(self) -> list[str]:
        """Return the filters that each worker subscribes to for itself."""
        return widest([text for origin in self.origins for text in origin.every_worker])

    def origin_of(self, topic: str) -> Origin | None:
        """Return the foreign network that speaks on a topic."""
        return next((origin for origin in self.origins if origin.wild(topic) is not None), None)

    def account_of(self, topic: str) -> str:
        """Return the account of a topic: one of Hearth's own devices by its topic, a whole network by its name.

        Topics of no source have one account together.
        """
        if native.device_of(topic) is not None:
            return topic
        account = self._accounts.get(topic)
        if account is None:
            origin = self.origin_of(topic)
            if len(self._accounts) >= MOST_TOPICS:
                self._accounts.clear()
            account = self._accounts[topic] = NETWORK + (origin.name if origin else "")
        return account

    def decode(self, topic: str, payload: bytes, received_us: int, bounds: MessageBounds = USUAL) -> Decoded:
        """Read a message; never raises for what is in it."""
        device = native.device_of(topic)
        if device is not None:
            return Decoded(device, *native.decode(payload, bounds))
        return self.foreign(topic, payload, received_us, bounds)

    def foreign(self, topic: str, payload: bytes, received_us: int, bounds: MessageBounds) -> Decoded:
        """Read a message of a foreign network."""
        route = self._routes.get(topic) or self._route(topic)
        if route is not None:
            origin, levels, wild = route
            return self._read(origin, Incoming(levels, wild, payload, received_us, Work(bounds)))
        fault = DecodeFault(
            RejectReason.BAD_TOPIC,
            f"{topic!r} is not {NATIVE.replace(topics.ONE, 'DEVICE')}, and of no other source",
        )
        return Decoded("", [], [fault])

    def _route(self, topic: str) -> Route | None:
        """Return and remember who speaks on a topic, its levels, and what the wildcards of the filter stand for."""
        for origin in self.origins:
            if (wild := origin.wild(topic)) is not None:
                found = origin, tuple(topic.split("/")), wild
                if len(topic) <= LONGEST_ROUTE:
                    if len(self._routes) >= MOST_ROUTES:
                        self._routes.clear()
                    self._routes[topic] = found
                return found
        return None

    def _read(self, origin: Origin, message: Incoming) -> Decoded:
        try:
            if origin.decoder == SPARKPLUG:
                return Decoded(origin.name, *sparkplug.decode(message, origin.shape, self._births))
            return Decoded(origin.name, *DECODERS[origin.decoder](message, origin.shape))
        except DecodeError as error:
            return Decoded(origin.name, [], [error.fault()])


def widest(filters: Sequence[str]) -> list[str]:
    """Drop filters that another covers: a subscriber to both may be sent everything twice."""
    once = list(dict.fromkeys(filters))
    return [text for text in once if not any(topics.covers(other, text) for other in once if other != text)]

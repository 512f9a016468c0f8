"""Sparkplug B (Eclipse Sparkplug 3.0): metrics by name, or by an alias that the last birth of their node defined.

The label of a metric is the last part of its name ("Room 1/Temperature"); what comes before belongs to the sensor,
whose code is what the topic's wildcards stand for, and that.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, DecodeFault, too_deep
from ingest.decoders.numbers import finite
from ingest.decoders.shape import Incoming, Quantity, Shape, code
from ingest.decoders.wire import ProtobufMessage, encoded_field
from ingest.uplink import WITHHELD, Uplink

# Field numbers: Eclipse Tahu, sparkplug_b.proto.
TIMESTAMP, METRICS, UUID = 1, 2, 4
NAME, ALIAS, METRIC_TIMESTAMP, DATATYPE, IS_NULL = 1, 2, 3, 4, 7
INT, LONG, FLOAT, DOUBLE, STRING, TEMPLATE = 10, 11, 12, 13, 15, 18
TEMPLATE_METRICS = 2
DEEPEST = 8  # templates within templates
PROPERTIES, KEYS, PROPERTY_VALUES, PROPERTY_INT, PROPERTY_LONG = 9, 1, 2, 3, 4
QUALITY, GOOD = "Quality", 192  # Eclipse Sparkplug 3.0, 6.4.14: 0 is bad, 500 stale
SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}  # Int8 … Int64: the negative ones come as two's complement
COMPRESSED = "SPBV1.0_COMPRESSED"
SESSION = "bdSeq"  # numbers the sessions of a node: a late death must not end the next life
DATA, BIRTHS, DEATHS = ("NDATA", "DDATA"), ("NBIRTH", "DBIRTH"), ("NDEATH", "DDEATH")
MOST_ALIASES = (
    200_000  # a bound on memory: beyond it the nodes born first are forgotten, and asked again when they speak
)
MOST_NODES = 20_000
ASK_AGAIN_US = 60_000_000
# Payload.metrics[0] = {name "Node Control/Rebirth", datatype Boolean, boolean_value true}
_REBIRTH = b"\x12\x1a\x0a\x14Node Control/Rebirth\x20\x0b\x70\x01"


class Metric(NamedTuple):
    """The metric that a birth gives an alias."""

    name: str
    datatype: int | None


@dataclass
class Node:
    """The state of an edge node: aliases by device, its own under the empty name."""

    session: int | None = None
    aliases: dict[str, dict[int, Metric]] = field(default_factory=dict)

    def count(self) -> int:
        """Count its share of the bound."""
        return 1 + sum(1 + len(known) for known in self.aliases.values())


class SparkplugBirths:
    """The births of edge nodes as far as one worker has seen them, and when it asked for one. Bounded."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, str], Node] = {}
        self._asked_us: dict[tuple[str, str], int] = {}
        self._count = 0

    def metric(self, node: tuple[str, str], device: str, alias: int) -> Metric | None:
        """Return the metric of an alias."""
        known = self._nodes.get(node)
        return known.aliases.get(device, {}).get(alias) if known else None

    def born(self, node: tuple[str, str], device: str, aliases: dict[int, Metric], session: int | None) -> None:
        """Remember a birth; that of a node ends the lives of its devices."""
        known = self._forget(node)
        if device and known:
            known.aliases[device] = aliases
        else:
            known = Node(session, {device: aliases})
        self._nodes[node] = known
        self._count += known.count()
        while self._count > MOST_ALIASES and len(self._nodes) > 1:
            self._forget(next(iter(self._nodes)))

    def died(self, node: tuple[str, str], device: str, session: int | None) -> None:
        """Forget a device, or a node if it is the node of that session."""
        known = self._nodes.get(node)
        if known is None or (not device and None not in (session, known.session) and session != known.session):
            return
        self._forget(node)
        if device:
            known.aliases.pop(device, None)
            self._nodes[node] = known
            self._count += known.count()

    def may_ask(self, node: tuple[str, str], now_us: int) -> bool:
        """Return whether to ask for a birth now; if so, not again for a minute."""
        asked = self._asked_us.get(node)
        if asked is not None and 0 <= now_us - asked < ASK_AGAIN_US:
            return False
        self._asked_us.pop(node, None)
        self._asked_us[node] = now_us
        if len(self._asked_us) > MOST_NODES:
            del self._asked_us[next(iter(self._asked_us))]
        return True

    def _forget(self, node: tuple[str, str]) -> Node | None:
        known = self._nodes.pop(node, None)
        self._count -= known.count() if known else 0
        return known


class Read(NamedTuple):
    """Readings of a message, and the requests to publish because of it."""

    uplinks: list[Uplink]
    faults: list[DecodeFault]
    requests: list[tuple[str, bytes]]
    kept: bytes | None = None  # the payload with names for its aliases, if it has any: it says all by itself


def decode(message: Incoming, shape: Shape, births: SparkplugBirths) -> Read:
    """Read a message of a node or a device; a birth is also a reading.

    Raises:
        DecodeError: it is none.
    """
    kind, node, device = _place(message.levels)
    payload = ProtobufMessage(message.payload)
    if payload.text(UUID) == COMPRESSED:
        raise DecodeError(RejectReason.MALFORMED, "compressed payloads are not read: switch it off at the edge node")
    message.work.count(len(payload.raw(METRICS)))
    metrics = list(payload.records(METRICS))
    if kind in DEATHS:
        births.died(node, device, _session(metrics))
        return Read([], [], [])
    if kind in BIRTHS:
        births.born(node, device, _aliases(metrics), _session(metrics))
    reader = _Reader(message, shape, births, node, device, payload.uint(TIMESTAMP))
    for metric in metrics:
        reader.take(metric)
    return reader.read()._replace(kept=_named(payload, metrics, reader))


def _place(levels: tuple[str, ...]) -> tuple[str, tuple[str, str], str]:
    """Split a topic into the kind of message, its node, and its device (empty: the node itself)."""
    if (
        len(levels) not in (4, 5)
        or levels[2] not in DATA + BIRTHS + DEATHS
        or (levels[2][0] == "D") != (len(levels) == 5)
    ):
        raise DecodeError(RejectReason.BAD_TOPIC, "is not spBv1.0/GROUP/TYPE/NODE or spBv1.0/GROUP/TYPE/NODE/DEVICE")
    return levels[2], (levels[1], levels[3]), levels[4] if len(levels) == 5 else ""


def _session(metrics: Iterable[ProtobufMessage]) -> int | None:
    found = (metric for metric in metrics if metric.text(NAME) == SESSION)
    return next((m.uint(LONG) if m.uint(LONG) is not None else m.uint(INT) for m in found), None)


def _aliases(metrics: Iterable[ProtobufMessage]) -> dict[int, Metric]:
    out = {}
    for metric in metrics:
        alias, name = metric.uint(ALIAS), metric.text(NAME)
        if alias is not None and name:
            out[alias] = Metric(name, metric.uint(DATATYPE))
    return out


class _Reader:
    """Gathers the metrics of one message into readings."""

    def __init__(
        self,
        message: Incoming,
        shape: Shape,
        births: SparkplugBirths,
        node: tuple[str, str],
        device: str,
        ts: int | None,
    ) -> None:
        self.message = message
        self.shape = shape
        self.births = births
        self.node = node
        self.device = device
        self.ts = ts
        self.uplinks: dict[tuple[str, int | None], Uplink] = {}
        self.unknown: list[int] = []

    def take(self, record: ProtobufMessage, within: str = "", depth: int = 0) -> None:
        """Add the value of a metric, or of all metrics of a template."""
        metric = self.metric(record)
        if metric is None and (alias := record.uint(ALIAS)) is not None:
            self.unknown.append(alias)
        if metric is None or record.uint(IS_NULL):
            return
        name = "/".join(filter(None, (within, metric.name)))
        if (template := record.record(TEMPLATE)) is not None:
            self._template(template, name, depth + 1)
            return
        before, _, label = name.rpartition("/")
        channel = self.shape.channel(label)
        if channel is None:
            return
        try:
            value = self._value(record, metric, self.shape.quantities[channel]) if _is_good(record) else WITHHELD
            self._add(before, channel, value, record.uint(METRIC_TIMESTAMP))
        except DecodeError as error:
            self.message.work.fault(error.fault(sensor=self._name(before) or None))

    def _template(self, template: ProtobufMessage, name: str, depth: int) -> None:
        if depth > DEEPEST:
            raise too_deep()
        self.message.work.count(len(template.raw(TEMPLATE_METRICS)))
        for record in template.records(TEMPLATE_METRICS):
            self.take(record, name, depth)

    def _value(self, record: ProtobufMessage, metric: Metric, quantity: Quantity) -> float | None:
        text = record.text(STRING)
        said = _number(record, metric, quantity.channel) if text is None else text
        return None if said is None else quantity.read(said, self.shape.spelling)

    def read(self) -> Read:
        """Read all metrics; ask the node for the meaning of an unknown alias."""
        requests = []
        if self.unknown:
            who = "/".join((*self.node, self.device)).rstrip("/")
            detail = f"aliases {str(self.unknown[:10])[1:-1]} of {who}: no birth seen"
            self.message.work.fault(DecodeFault(RejectReason.UNKNOWN_ALIAS, detail))
            if self.births.may_ask(self.node, self.message.received_us):
                requests = [rebirth(self.node, self.message.received_us)]
        return Read(list(self.uplinks.values()), self.message.work.faults, requests)

    def metric(self, record: ProtobufMessage) -> Metric | None:
        """Name and type, by its alias if it does not say its name; None if that is unknown."""
        name, alias, datatype = record.text(NAME), record.uint(ALIAS), record.uint(DATATYPE)
        known = None if alias is None else self.births.metric(self.node, self.device, alias)
        if name:
            return Metric(name, datatype or (known.datatype if known else None))
        return known

    def _add(self, before: str, channel: str, value: float | None, ts: int | None) -> None:
        if value is None:
            return
        sensor = code(self._name(before))
        ts = self.ts if ts is None else ts
        uplink = self.uplinks.setdefault((sensor, ts), Uplink(id=sensor, ts=ts))
        setattr(uplink, channel, value)

    def _name(self, before: str) -> str:
        return "/".join(filter(None, (*self.message.wild, before)))


def _named(payload: ProtobufMessage, metrics: list[ProtobufMessage], reader: _Reader) -> bytes | None:
    """Add the name to each known alias of a payload, for a reader that has not seen the birth."""
    out, named = [], False
    for raw, record in zip(payload.raw(METRICS), metrics, strict=True):
        metric = None if record.text(NAME) else reader.metric(record)
        if metric is not None:
            named = True
            raw += encoded_field(NAME, metric.name.encode())
            raw += encoded_field(DATATYPE, metric.datatype) if metric.datatype is not None else b""
        out.append(encoded_field(METRICS, raw))
    if not named:
        return None
    return (encoded_field(TIMESTAMP, reader.ts) if reader.ts is not None else b"") + b"".join(out)


def _is_good(record: ProtobufMessage) -> bool:
    """Return whether the quality of a metric is good, or not given."""
    properties = record.record(PROPERTIES)
    if properties is None:
        return True
    said = dict(zip(properties.texts(KEYS), properties.records(PROPERTY_VALUES), strict=False))
    quality = said.get(QUALITY)
    return quality is None or GOOD in (quality.uint(PROPERTY_INT), quality.uint(PROPERTY_LONG))


def _number(record: ProtobufMessage, metric: Metric, channel: str) -> float | None:
    for real in (FLOAT, DOUBLE):
        if (value := record.real(real)) is not None:
            return finite(value, channel)
    whole = record.uint(INT) if record.uint(INT) is not None else record.uint(LONG)
    if whole is None:
        return None
    if bits := SIGNED_BITS.get(metric.datatype or 0):
        whole &= 2**bits - 1
        whole -= (whole >> bits - 1) << bits
    return float(whole)


def rebirth(node: tuple[str, str], now_us: int) -> tuple[str, bytes]:
    """Topic and payload of the request for a new birth of a node and its devices."""
    group, name = node
    return f"spBv1.0/{group}/NCMD/{name}", encoded_field(TIMESTAMP, now_us // 1000) + _REBIRTH

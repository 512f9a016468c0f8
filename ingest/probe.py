"""A probe of whether a broker keeps the shared subscription of a session that is away over a restart."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex

from ingest.address import Address
from ingest.visitor import Visitor

PUBLISHED = 50  # messages before the restart, and as many after it
SAVED_S = 3.0  # brokers write what they keep every second or so, and may be killed
SILENT_S = 5.0
LOOK_S = 0.1
KINDS = ("shared", "plain")


class Bound(Exception):
    """The listener gives every connection of an account the same client id: nothing can be tried beside a worker."""


@dataclass(frozen=True)
class ProbeOutcome:
    """Messages that the broker acknowledged while the subscribers were away, and how many each of them got."""

    published: int
    shared: int
    plain: int
    told: str


def probe(address: Address, account: str, restart: Callable[[], object], wait_s: float) -> ProbeOutcome:
    """Subscribe, go away, publish, have the broker restarted, publish again, come back and count.

    Args:
        account: the name below which the account may publish: hearth/v1/{account}/.
        restart: restarts the broker, or asks for it; called once.
        wait_s: how long the restart may take.
    Raises:
        Bound: a worker's session would be in the way.
        OSError: the broker cannot be reached, refuses the client, or was not restarted in time.
    """
    mark = token_hex(8)
    topics = {kind: f"hearth/v1/{account}/probe/{mark}/{kind}" for kind in KINDS}
    names = {kind: f"hearth-probe-{mark}-{kind}" for kind in KINDS}
    told = ""
    for kind in KINDS:
        with _leaving(Visitor(address, names[kind], topics[kind])) as visitor:
            if visitor.present:
                raise Bound
            visitor.subscribe(f"$share/hearth-probe/{topics[kind]}" if kind == "shared" else topics[kind])
            told = visitor.told
    _publish(address, mark, topics)
    time.sleep(SAVED_S)
    _restarted(address, mark, restart, wait_s)
    _publish(address, mark, topics)
    heard = {kind: _heard(address, names[kind], topics[kind]) for kind in KINDS}
    return ProbeOutcome(2 * PUBLISHED, heard["shared"], heard["plain"], told)


class _leaving:
    """Has a visitor part with its session kept; if something fails before, its session ends."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    def __enter__(self) -> Visitor:
        return self._visitor

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        (self._visitor.end if kind else self._visitor.leave)()


def _publish(address: Address, mark: str, topics: dict[str, str]) -> None:
    with Visitor(address, f"hearth-probe-{mark}-says") as visitor:
        if visitor.present:
            raise Bound
        for topic in topics.values():
            visitor.publish(topic, PUBLISHED)


def _restarted(address: Address, mark: str, restart: Callable[[], object], wait_s: float) -> None:
    """Have the broker restarted; a connection that breaks is the proof."""
    watch = Visitor(address, f"hearth-probe-{mark}-watches")
    end = time.monotonic() + wait_s
    restart()
    while watch.connected:
        if time.monotonic() > end:
            watch.end()
            raise ConnectionError(f"broker {address.broker}: not restarted within {wait_s:g} s")
        time.sleep(LOOK_S)
    watch.leave()
    while True:
        try:
            Visitor(address, f"hearth-probe-{mark}-watches").end()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(LOOK_S)


def _heard(address: Address, name: str, topic: str) -> int:
    """Count the messages that a session gets when it comes back, and end it."""
    with Visitor(address, name, topic) as visitor:
        visitor.present = False  # our own, kept or not
        heard, since = -1, time.monotonic()
        while visitor.heard < 2 * PUBLISHED and time.monotonic() - since < SILENT_S:
            if visitor.heard != heard:
                heard, since = visitor.heard, time.monotonic()
            time.sleep(LOOK_S)
        return visitor.heard

"""`hearth sources`: the table of sources. docs/formats.md explains it."""

import time
from collections import Counter
from secrets import token_hex
from threading import Event
from typing import Annotated

import typer
from paho.mqtt.client import MQTTMessage

from domain.errors import UsageError
from domain.instants import to_us
from hearth.commands.broker import UNBOUND
from hearth.ingesting import bounds_of, broker_address, broker_tls, chosen_sources, sources_text
from hearth.settings import Settings, load
from hearth.wiring import chosen_policy, now, stop_on_signal
from ingest import topics
from ingest.learning.groups import Heardings
from ingest.learning.writing import plain, table
from ingest.visitor import Visitor

PROGRESS_S = 2.0
LOOK_S = 0.1

app = typer.Typer(help="The networks whose messages are read.", no_args_is_help=True)


@app.callback()
def _sources() -> None:
    """Keep the command's name: typer would run a single command without it."""


@app.command("learn")
def learn(
    topic: Annotated[list[str] | None, typer.Option(metavar="FILTER", help="Topics to listen to; default: #")] = None,
    seconds: Annotated[float, typer.Option("--for", min=1, help="Seconds to listen; Ctrl-C ends it earlier.")] = 60,
) -> None:
    """Listen on the broker and propose a table of sources for what is not read yet, as TOML."""
    settings = load()
    filters = topic or [topics.REST]
    for text in filters:
        if problem := topics.wrong(text):
            raise UsageError(f"--topic: {text!r} {problem}")
    learner = _Learner(settings)
    _listen(settings, learner, filters, seconds)
    if not learner.heard.count and not learner.known:
        raise UsageError(f"nothing was heard on {', '.join(filters)}: may the account of HEARTH_MQTT_URL read there?")
    typer.echo(learner.table())


class _Learner:
    """Takes messages in that no source reads yet, and counts the others."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sources = chosen_sources(settings)
        self.zone = chosen_policy(settings).zone
        self.heard = Heardings()
        self.known: Counter[str] = Counter()

    def take(self, message: MQTTMessage) -> None:
        """Take a message in."""
        if len(message.payload) > self.settings.payload_bytes:
            self.known["(longer than HEARTH_PAYLOAD_BYTES)"] += 1
            return
        payload = bytes(message.payload)
        said = self.sources.decode(message.topic, payload, self._now_us(), bounds_of(self.settings))
        if said.faults:
            self.heard.hear(message.topic, payload, message.retain)
        else:
            native = self.sources.origin_of(message.topic) is None
            self.known["Hearth's own format" if native else said.device] += 1

    def table(self) -> str:
        """Write what was learned."""
        known = "".join(f"# read already: {plain(name)}, {count} messages\n" for name, count in self.known.items())
        return known + table(self.heard, sources_text(self.settings), self.zone, self._now_us())

    def _now_us(self) -> int:
        return to_us(now())


def _listen(settings: Settings, learner: _Learner, filters: list[str], seconds: float) -> None:
    """Listen in a session of its own, which no worker has, and which ends with it."""
    broker_tls(settings)
    stop = stop_on_signal()
    try:
        name = f"hearth-learn-{token_hex(4)}"
        with Visitor(broker_address(settings, name), name, hear=learner.take) as visitor:
            if visitor.present:
                raise UsageError(f"HEARTH_MQTT_URL: {UNBOUND}")
            for text in filters:
                visitor.subscribe(text, qos=0)
            _wait(visitor, learner, stop, seconds)
    except OSError as error:
        raise UsageError(f"HEARTH_MQTT_URL: {error}") from None


def _wait(visitor: Visitor, learner: _Learner, stop: Event, seconds: float) -> None:
    begin = told = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds and not stop.wait(min(LOOK_S, seconds)):
        if not visitor.connected:
            typer.echo("the broker is gone; what was heard before:", err=True)
            return
        if time.monotonic() - told >= PROGRESS_S:
            told = time.monotonic()
            known = sum(learner.known.values())
            typer.echo(
                f"heard {learner.heard.count} messages of {learner.heard.kinds} kinds, {known} that are read already; "
                f"{seconds - passed:.0f} s to go, Ctrl-C ends it now",
                err=True,
            )

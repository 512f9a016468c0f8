"""`hearth ingest`: from the broker into the database."""

import sys
import time
from typing import Annotated

import typer

from alerts.judging.judge import Judge
from domain.errors import UsageError
from hearth.figures import database_away, serve
from hearth.ingesting import broker_address, broker_tls, chosen_sources, limits_of, senders_of
from hearth.logs import set_up_logging
from hearth.metrics import IngestMetrics
from hearth.settings import Settings, load
from hearth.wiring import chosen_policy, connector, now, stop_on_signal, work_in_batches
from ingest.ahead import BatchBounds
from ingest.batch import Fates, Intake
from ingest.inbox import Inbox
from ingest.lead import Lead
from ingest.message_source import MessageSource
from ingest.places import SensorPlaces
from ingest.senders import Senders
from ingest.source import BrokerSource
from ingest.sources import Sources
from ingest.worker import Worker
from ingest.writer import Writer

SESSION = "hearth-ingest"
SWITCH_S = 0.000_5


def ingest(
    leave: Annotated[
        bool, typer.Option(help="Store what the broker keeps in the session of all, and end that session.")
    ] = False,
    share: Annotated[
        int | None, typer.Option(min=1, help="With --leave: the session of the share with this number instead.")
    ] = None,
) -> None:
    """Store what sensors say, judge it, and acknowledge it after the commit. Runs until stopped."""
    if share and not leave:
        raise UsageError("--share: only with --leave; a worker takes the first share that is free")
    settings = load()
    sources, senders = chosen_sources(settings), senders_of(settings)
    inbox = Inbox(settings.queue_messages, settings.queue_mb * 1_000_000, sources.account_of, senders)
    broker_tls(settings)  # what is wrong with it is said now, not at the first connection
    address = broker_address(settings, SESSION, sources)
    source = BrokerSource(address, inbox, now_us, leave)
    work(
        settings,
        source,
        Lead(connector(settings, SESSION), address, now, share),
        made_intake(settings, inbox, sources, senders),
        inbox,
    )
    if source.refusal:
        raise UsageError(f"HEARTH_MQTT_URL: {source.refusal}")
    if leave and not source.ended.is_set():
        raise typer.Exit(1)  # interrupted: the session is still there


def now_us() -> int:
    """Return the time in µs since 1970."""
    return time.time_ns() // 1000


def made_intake(settings: Settings, inbox: Inbox, sources: Sources, senders: Senders) -> Intake:
    """Return what storing needs, by the settings."""
    policy = chosen_policy(settings)
    judge, limits = Judge(policy), limits_of(settings, policy, now())
    return Intake(SESSION, limits, judge.readings, SensorPlaces(), inbox.__len__, sources, senders)


def work(settings: Settings, source: MessageSource, lead: Lead, intake: Intake, inbox: Inbox) -> None:
    """Store what a source brings, until stopped."""
    set_up_logging(settings.log_level)
    stop = stop_on_signal()
    work_in_batches()
    # The thread that stores waits for the server some twenty times for a batch. Where others read and sort meanwhile,
    # they keep the interpreter for so long before it goes on.
    sys.setswitchinterval(SWITCH_S)
    metrics = IngestMetrics(inbox, source, lead, now)
    if settings.metrics_port:
        serve(settings.metrics_port, metrics.registry, lambda: _obstacle(settings, lead, source))

    def tell(fates: Fates) -> None:
        source.publish(fates.requests)
        metrics.count(fates)

    writer = Writer(intake, now, settings.deferred_mb * 1_000_000, tell)
    bounds = BatchBounds(settings.batch_messages, settings.batch_age_ms / 1000)
    Worker(lead, source, inbox, writer, bounds, metrics.count_retry).run(stop)


def _obstacle(settings: Settings, lead: Lead, source: MessageSource) -> str:
    """Return what keeps this worker from storing, or from standing by."""
    away = "the broker is away" if lead.held and not source.connected.is_set() else ""
    return database_away(connector(settings, SESSION)) or away

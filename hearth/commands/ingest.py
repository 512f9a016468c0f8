"""`hearth ingest`: from the broker into the database."""

import sys
import time
from typing import Annotated

import typer

from alerts.judging.judge import Judge
from domain.errors import UsageError
from hearth.figures import database_away, serve
from hearth.metrics import IngestMetrics
from hearth.settings import Settings, load
from hearth.wiring import (
    broker_address,
    broker_tls,
    chosen_policy,
    chosen_sources,
    connector,
    limits_of,
    now,
    senders_of,
    set_up_logging,
    stop_on_signal,
    work_in_batches,
)
from ingest.ahead import BatchBounds
from ingest.batch import Fates, Intake
from ingest.inbox import Inbox
from ingest.lead import Lead
from ingest.places import SensorPlaces
from ingest.source import BrokerSource
from ingest.worker import Worker
from ingest.writer import Writer

SESSION = "hearth-ingest"
SWITCH_S = 0.000_5


def ingest(
    worker: Annotated[
        int | None, typer.Option(min=1, help="Number of this worker: another than the first stands by, or shares.")
    ] = None,
    leave: Annotated[
        bool,
        typer.Option(help="For a worker that is not to come back: store what the broker keeps for it, and sign off."),
    ] = False,
) -> None:
    """Store what sensors say, judge it, and acknowledge it after the commit. Runs until stopped."""
    settings = load()
    set_up_logging(settings.log_level)
    stop = stop_on_signal()
    work_in_batches()
    # The thread that stores waits for the server some twenty times for a batch. Where others read and sort meanwhile,
    # they keep the interpreter for so long before it goes on.
    sys.setswitchinterval(SWITCH_S)
    name = f"{SESSION}-{worker}" if worker else SESSION
    policy = chosen_policy(settings)
    judge, limits = Judge(policy), limits_of(settings, policy, now())
    sources = chosen_sources(settings)
    senders = senders_of(settings)
    inbox = Inbox(settings.queue_messages, settings.queue_mb * 1_000_000, sources.account_of, senders)
    broker_tls(settings)  # what is wrong with it is said now, not at the first connection
    address = broker_address(settings, SESSION, sources)
    source = BrokerSource(address, inbox, lambda: time.time_ns() // 1000, leave)
    intake = Intake(name, limits, judge.readings, SensorPlaces(), inbox.__len__, sources, senders)
    lead = Lead(connector(settings, name), address, worker, now, leave)
    metrics = IngestMetrics(inbox, source, lead, now)
    if settings.metrics_port:
        serve(settings.metrics_port, metrics.registry, lambda: _obstacle(settings, lead, source))

    def tell(fates: Fates) -> None:
        source.publish(fates.requests)
        metrics.count(fates)

    Worker(
        lead,
        source,
        inbox,
        Writer(intake, now, settings.deferred_mb * 1_000_000, tell),
        BatchBounds(settings.batch_messages, settings.batch_age_ms / 1000),
        metrics.count_retry,
    ).run(stop)
    if source.refusal:
        raise UsageError(f"HEARTH_MQTT_URL: {source.refusal}")
    if leave and not source.ended.is_set():
        raise typer.Exit(1)  # interrupted: the session is still there


def _obstacle(settings: Settings, lead: Lead, source: BrokerSource) -> str:
    """Return what keeps this worker from storing, or from standing by."""
    away = "the broker is away" if lead.held and not source.connected.is_set() else ""
    return database_away(connector(settings, SESSION)) or away

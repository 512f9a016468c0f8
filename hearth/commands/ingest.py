"""`hearth ingest`: from the broker into the database."""

import gc
import time
from typing import Annotated

import typer

from alerts.judge import Judge
from domain.errors import UsageError
from hearth.metrics import IngestMetrics
from hearth.settings import load
from hearth.wiring import (
    broker_tls,
    chosen_policy,
    chosen_sources,
    connector,
    keep_for_good,
    limits_of,
    now,
    senders_of,
    set_up_logging,
    stop_on_signal,
)
from ingest.batch import Intake
from ingest.inbox import Inbox
from ingest.places import Places
from ingest.source import Address, Source
from ingest.worker import Worker
from ingest.writer import Writer


def ingest(
    worker: Annotated[
        int | None, typer.Option(min=1, help="Number of this worker; workers share the messages among them.")
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
    keep_for_good()
    # A batch makes many small objects and no cycles: looking for cycles among them every few hundred is waste.
    gc.set_threshold(100_000, 50, 100)
    name = f"hearth-ingest-{worker}" if worker else "hearth-ingest"
    judge = Judge(chosen_policy(settings))
    limits = limits_of(settings)
    sources = chosen_sources(settings)
    senders = senders_of(settings)
    inbox = Inbox(settings.queue_messages, settings.queue_mb * 1_000_000, sources.account_of, senders)
    broker_tls(settings)  # what is wrong with it is said now, not at the first connection
    address = Address(
        settings.mqtt_url.get_secret_value(),
        name,
        "hearth" if worker else None,
        settings.mqtt_ca_file,
        settings.mqtt_cert_file,
        settings.mqtt_key_file,
        settings.mqtt_keepalive_s,
        sources.filters(),
        sources.every_worker(),
    )
    source = Source(address, inbox, lambda: time.time_ns() // 1000, leave)
    intake = Intake(name, limits, judge.readings, Places(), inbox.__len__, sources, senders)
    metrics = IngestMetrics(inbox, source, now, settings.metrics_port)
    Worker(
        connector(settings, name),
        source,
        inbox,
        Writer(intake, now, settings.deferred_mb * 1_000_000, metrics.count),
        settings.batch_messages,
        settings.batch_age_ms / 1000,
        metrics.count_retry,
    ).run(stop)
    if source.refusal:
        raise UsageError(f"HEARTH_MQTT_URL: {source.refusal}")
    if leave and not source.ended.is_set():
        raise typer.Exit(1)  # interrupted: the session is still there

"""Figures of the processes for Prometheus, next to what the database counts."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.batch import Fates
from ingest.inbox import Inbox
from ingest.lead import Lead
from ingest.message_source import MessageSource
from store.base.halves import SO_FAR

BATCH_MESSAGES = (1, 10, 100, 1000, 5000, 30000)
LAG_S = (0.1, 0.3, 1, 3, 10, 60, 300, 1800, 3600, 6 * 3600, 86_400)


class IngestMetrics:
    """Counts the fates of readings and messages, in a registry of its own."""

    def __init__(self, inbox: Inbox, source: MessageSource, lead: Lead, clock: Callable[[], datetime]) -> None:
        self.registry = registry = CollectorRegistry()
        self._clock = clock
        self._fates = Counter("hearth_ingest_readings", "Readings by fate", ["fate"], registry=registry)
        self._dead = Counter("hearth_ingest_dead", "Dead letters by reason", ["reason"], registry=registry)
        self._voids = Counter(
            "hearth_ingest_no_values", "Values that are none", ["quantity", "reason"], registry=registry
        )
        self._unkept = Counter(
            "hearth_ingest_letters_unkept", "Dead letters and messages that are counted but not kept", registry=registry
        )
        self._retries = Counter(
            "hearth_ingest_database_retries", "Batches that the database did not take at once", registry=registry
        )
        self._batch = Histogram(
            "hearth_ingest_batch_messages", "Messages in a batch", buckets=BATCH_MESSAGES, registry=registry
        )
        self._oldest = Histogram(
            "hearth_ingest_lag_seconds",
            "Age of the oldest in a batch when it was stored",
            ["since"],
            buckets=LAG_S,
            registry=registry,
        )
        self._newest = Gauge(
            "hearth_ingest_newest_lag_seconds",
            "Age of the newest in the last batch when it was stored",
            ["since"],
            registry=registry,
        )
        registry.register(_Standing(inbox, source, lead))

    def count(self, fates: Fates) -> None:
        """Add what became of a batch that is stored by now."""
        self._batch.observe(fates.messages)
        for fate in ("stored", "duplicates", "conflicts", "late", "retained", "not_a_reading"):
            self._fates.labels(fate).inc(getattr(fates, fate))
        self._unkept.inc(fates.unkept)
        for reason, count in fates.dead.items():
            self._dead.labels(reason).inc(count)
        for void in fates.voids:
            self._voids.labels(void.quantity, void.reason).inc(void.times)
        if fates.ages:
            self._age("received", fates.ages.oldest_received, fates.ages.newest_received)
            self._age("measured", fates.ages.oldest_measured, fates.ages.newest_measured)

    def count_retry(self) -> None:
        """Count a failed database attempt."""
        self._retries.inc()

    def _age(self, since: str, oldest: datetime | None, newest: datetime | None) -> None:
        if oldest and newest:
            now = self._clock()
            self._oldest.labels(since).observe((now - oldest).total_seconds())
            self._newest.labels(since).set((now - newest).total_seconds())


class _Standing(Collector):
    """Gauges of the current state."""

    def __init__(self, inbox: Inbox, source: MessageSource, lead: Lead) -> None:
        self._inbox = inbox
        self._source = source
        self._lead = lead

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("hearth_ingest_queue_messages", "Messages that wait", len(self._inbox))
        yield GaugeMetricFamily("hearth_ingest_queue_bytes", "Bytes of them", self._inbox.waiting_bytes)
        lanes = self._inbox.in_lanes
        yield GaugeMetricFamily("hearth_ingest_deferred_messages", "Those that wait for their sender's turn", lanes)
        yield GaugeMetricFamily("hearth_ingest_in_flight_messages", "Messages in hand", self._inbox.unsettled)
        leading = float(self._lead.held)
        yield GaugeMetricFamily("hearth_ingest_leading", "1 while the session is ours, 0 while standing by", leading)
        connected = self._source.connected.is_set()
        yield GaugeMetricFamily("hearth_ingest_connected", "1 while the broker has us", float(connected))
        reconnects = max(self._source.epoch - 1, 0)
        yield CounterMetricFamily("hearth_ingest_reconnects", "Connections to the broker after the first", reconnects)
        taken = self._source.takeovers
        yield CounterMetricFamily("hearth_ingest_takeovers", "Connections that another client took over", taken)


class _SetAside(Collector):
    """Counts those that were refused among many, and kept from stopping the others."""

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily("hearth_set_aside", "What failed alone, by work", labels=["work"])
        for work, times in sorted(SO_FAR.items()):
            family.add_metric([work], times)
        yield family


class WatchMetrics:
    """Tells which rounds of watch have come to their end, and when, in a registry of its own."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.registry = registry = CollectorRegistry()
        self._clock = clock
        registry.register(_SetAside())
        self._leading = Gauge("hearth_watch_leading", "1 while it works, 0 while standing by", registry=registry)
        self._done = Gauge(
            "hearth_watch_round_done_seconds", "When a round was last done", ["round"], registry=registry
        )
        self._due = Gauge(
            "hearth_archive_due_seconds", "When the first unsealed day is to be sealed", ["kind"], registry=registry
        )

    def lead(self, leading: bool) -> None:
        """Note whether this process works or stands by."""
        self._leading.set(leading)
        self._done.clear()

    def due(self, days: Mapping[str, datetime]) -> None:
        """Show when the first day of each kind of readings that is not in the archive is to be sealed."""
        for kind, instant in days.items():
            self._due.labels(kind).set(instant.timestamp())

    def done(self, name: str) -> None:
        """Note that a round has come to its end."""
        self._done.labels(name).set(self._clock().timestamp())


class NotifyMetrics:
    """Counts what became of attempts to send, and shows what the database says, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        registry.register(_SetAside())
        self._attempts = Counter(
            "hearth_notify_attempts", "Attempts to send a message", ["channel", "outcome"], registry=registry
        )
        self._outbox = Gauge("hearth_notify_outbox_entries", "Entries of the outbox without a fate", registry=registry)
        self._oldest = Gauge("hearth_notify_outbox_oldest_seconds", "Age of the oldest of them", registry=registry)
        self._messages = Gauge(
            "hearth_notify_messages",
            "Messages that wait, or failed",
            ["audience", "channel", "state"],
            registry=registry,
        )

    def count(self, channel: str, outcome: str) -> None:
        """Add an attempt: sent, put_off or failed."""
        self._attempts.labels(channel, outcome).inc()

    def show(self, depth: Mapping[str, float], health: Iterable[Mapping[str, Any]]) -> None:
        """Show how many entries and messages wait, and how many messages failed."""
        self._outbox.set(depth["waiting"])
        self._oldest.set(depth["oldest_s"])
        self._messages.clear()
        for row in health:
            for state in ("waiting", "retrying", "failed"):
                self._messages.labels(row["audience"], row["channel"], state).set(row[state])

"""Figures of the ingest process for Prometheus, next to what the database counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from ingest.batch import Fates
from ingest.inbox import Inbox


class IngestMetrics:
    """Counts the fates of messages; serves them if a port is given."""

    def __init__(self, worker: str, inbox: Inbox, port: int) -> None:
        registry = CollectorRegistry()
        self._fates = Counter("hearth_ingest_readings", "Readings by fate", ["fate"], registry=registry)
        self._dead = Counter("hearth_ingest_dead", "Dead letters by reason", ["reason"], registry=registry)
        self._batch = Histogram(
            "hearth_ingest_batch_messages", "Messages in a batch", buckets=[1, 10, 100, 1000, 5000], registry=registry
        )
        depth = Gauge("hearth_ingest_queue_messages", f"Messages waiting in {worker}", registry=registry)
        depth.set_function(lambda: len(inbox))
        if port:
            start_http_server(port, registry=registry)

    def count(self, fates: Fates) -> None:
        """Add what became of a batch."""
        self._batch.observe(fates.messages)
        for fate in ("stored", "duplicates", "conflicts", "late", "retained"):
            self._fates.labels(fate).inc(getattr(fates, fate))
        for reason, count in fates.dead.items():
            self._dead.labels(reason).inc(count)

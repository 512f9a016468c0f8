"""Figures of what Hearth runs on, for Prometheus: the database server, the broker, the backups."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg import Connection

from ingest.artemis_figures import ArtemisFigures
from ingest.broker_figures import BrokerListener
from store.base import condition, server_figures

BACKUP_NAME = "base-%Y%m%dT%H%M%SZ"  # as deploy/timescaledb/base-backup names a whole one

Gauges = Iterator[Metric]


class DatabaseCollector(Collector):
    """Asks the database server at each scrape; a server that is away is a figure, too."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect

    def collect(self) -> Iterable[Metric]:
        try:
            with self._connect() as conn:
                found = list(self._asked(conn))
        except psycopg.Error:
            found = []
        yield _gauge("database_up", "1 while the database server answers", float(bool(found)))
        yield from found

    def _asked(self, conn: Connection) -> Gauges:
        server = server_figures.server(conn)
        yield _gauge("database_bytes", "Size of the database", server.bytes)
        yield _gauge("database_connections", "Connections to the server", server.connections)
        yield _gauge("database_most_connections", "Connections that the server takes", server.most_connections)
        yield _gauge("database_oldest_transaction", "Age in transactions of the oldest row", server.oldest_transaction)
        yield _gauge("database_started_seconds", "When the server was started", server.started_at.timestamp())
        yield CounterMetricFamily("hearth_database_deadlocks", "Deadlocks", server.deadlocks)
        yield from _archive(condition.archive(conn), server.clock)
        if not server.is_standby:
            yield from _replication(conn)
        if server.has_timescale:
            yield from _timescale(conn, server.clock)


def _archive(archive: condition.WalArchive, at: datetime) -> Gauges:
    yield _gauge("wal_archive_on", "1 while the log is archived", float(archive.is_on))
    yield _gauge("wal_archive_failing", "1 while the last attempt to archive failed", float(archive.fails))
    if archive.archived_at:
        age_s = (at - archive.archived_at).total_seconds()
        yield _gauge("wal_archive_age_seconds", "Since the last file of the log was archived", age_s)


def _replication(conn: Connection) -> Gauges:
    streaming = _family("replica_streaming", "1 while a standby follows", "replica", "address")
    behind = _family("replica_behind_bytes", "Log that a standby has not replayed", "replica", "address")
    behind_s = _family("replica_behind_seconds", "How long a standby is behind", "replica", "address")
    for replica in server_figures.replicas(conn):
        names = [replica.name, replica.address]
        streaming.add_metric(names, float(replica.is_streaming))
        behind.add_metric(names, replica.behind_bytes)
        behind_s.add_metric(names, replica.behind_s)
    active = _family("replication_slot_active", "1 while a standby reads a slot", "slot")
    kept = _family("replication_slot_kept_bytes", "Log that is kept for a slot", "slot")
    for slot in server_figures.slots(conn):
        active.add_metric([slot.name], float(slot.is_active and not slot.is_lost))
        kept.add_metric([slot.name], slot.kept_bytes)
    yield from (streaming, behind, behind_s, active, kept)


def _timescale(conn: Connection, at: datetime) -> Gauges:
    labels = ("job", "procedure", "relation")
    failing = _family("timescale_job_failing", "1 while the last run of a job failed", *labels)
    overdue = _family("timescale_job_overdue_seconds", "How long a job should have run", *labels)
    for job in server_figures.jobs(conn, at):
        names = [str(job.job_id), job.procedure, job.relation]
        failing.add_metric(names, float(job.is_failed))
        overdue.add_metric(names, job.overdue_s)
    behind = _family("conversion_behind_seconds", "How long a chunk should have been converted", "relation")
    for conversion in server_figures.conversions(conn, at):
        behind.add_metric([conversion.relation], conversion.behind_s)
    yield from (failing, overdue, behind)


class BackupCollector(Collector):
    """Looks at the folder of backups: also what a database that is away has left behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        made = sorted(filter(None, map(_made_at, self._folder.glob("base-*Z"))))
        yield _gauge("backups", "Base backups that are kept", len(made))
        if made:
            yield _gauge("backup_newest_seconds", "When the newest base backup was begun", made[-1].timestamp())
            yield _gauge("backup_oldest_seconds", "When the oldest base backup was begun", made[0].timestamp())


def _made_at(backup: Path) -> datetime | None:
    """Return when a base backup was begun; None for what only looks like one."""
    try:
        return datetime.strptime(backup.name, BACKUP_NAME).replace(tzinfo=UTC) if backup.is_dir() else None
    except ValueError:
        return None


class BrokerCollector(Collector):
    """Shows what a Mosquitto broker says of itself, or what an Artemis answers."""

    def __init__(self, listener: BrokerListener, artemis: ArtemisFigures) -> None:
        self._listener = listener
        self._artemis = artemis

    def collect(self) -> Iterable[Metric]:
        said = self._listener.said()
        yield _gauge("broker_up", "1 while the broker answers", float(self._listener.connected))
        for name, (help_, topic) in BROKER_GAUGES.items():
            if topic in said:
                yield _gauge(name, help_, said[topic])
        for name, (help_, topic) in BROKER_COUNTERS.items():
            if topic in said:
                yield CounterMetricFamily(f"hearth_{name}", help_, said[topic])
        told = {} if said or not self._listener.connected else self._artemis.told()
        for name, (help_, figure) in ARTEMIS_GAUGES.items():
            if figure in told:
                yield _gauge(name, help_, told[figure])


ARTEMIS_GAUGES = {
    "broker_clients": ("Clients that are connected", "clients"),
    "broker_stored_messages": ("Messages that wait for clients", "waiting"),
    "broker_consumers": ("Consumers of the queues in which they wait", "consumers"),
    "broker_disk_used_ratio": ("How full the broker's disk is; it takes nothing from 0.9 on", "disk_used"),
    "broker_topics": ("Topics that the broker has in memory", "topics"),
    "broker_memory_used_ratio": ("How much of its memory topics and what waits take, reckoned", "memory_used"),
    "broker_replica_in_step": ("1 while a second node has a whole copy", "replica_in_step"),
}
# The topics of Mosquitto below $SYS/broker/.
BROKER_GAUGES = {
    "broker_clients": ("Clients that are connected", "clients/connected"),
    "broker_stored_messages": ("Messages that wait for clients", "store/messages/count"),
    "broker_stored_bytes": ("Bytes of messages that wait", "store/messages/bytes"),
}
BROKER_COUNTERS = {
    "broker_received": ("Messages from clients", "publish/messages/received"),
    "broker_sent": ("Messages to clients", "publish/messages/sent"),
    "broker_dropped": ("Messages dropped for want of room", "publish/messages/dropped"),
}


def _gauge(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"hearth_{name}", help_, value)


def _family(name: str, help_: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"hearth_{name}", help_, labels=list(labels))

"""The dashboard of what Hearth runs on: processes, database server, backups, broker, disks. It asks Prometheus."""

from typing import Any

from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode, VisibilityMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from dashboards.alert_state import alert_list
from dashboards.frame import Section, fill, frame
from dashboards.grid import Size
from dashboards.links import OPERATIONS
from dashboards.look import BLUE, GREEN, ORANGE, PROMETHEUS, RED, Look
from dashboards.panels import FIGURE_PX, LINE_WIDTH, NO_VALUE, in_steps, plain, readable
from dashboards.words import titles
from dashboards.words.columns import DURATION
from domain.words.text import Text

DISKS = '{fstype!~"tmpfs|overlay|squashfs|ramfs"}'
Asked = tuple[str, str]  # an expression, and the name of its lines

UP = ("max by (job) (up)", "{{job}}")
DATABASE_UP = ("hearth_database_up", "")
BACKUP_AGE = ("time() - hearth_backup_newest_seconds", "")
ARCHIVE_AGE = ("hearth_wal_archive_age_seconds", "")
SEALING = ("max by (kind) (time() - hearth_archive_due_seconds)", "{{kind}}")
CONVERSION = ("hearth_conversion_behind_seconds", "{{relation}}")
JOBS = (
    "max by (procedure, relation) (hearth_timescale_job_overdue_seconds + 1e6 * hearth_timescale_job_failing)",
    "{{procedure}} {{relation}}",
)
REPLICAS = ("hearth_replica_behind_bytes", "{{replica}} {{address}}")
SLOTS = ("hearth_replication_slot_kept_bytes", "{{slot}}")
CONNECTIONS = ("hearth_database_connections / hearth_database_most_connections", "")
TRANSACTIONS = ("hearth_database_oldest_transaction", "")
SIZE = ("hearth_database_bytes", "")
ROOM = (
    f"min by (mountpoint) (node_filesystem_avail_bytes{DISKS} / node_filesystem_size_bytes{DISKS})",
    "{{mountpoint}}",
)
MEMORY = ("node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "")
RECEIVED = ("rate(hearth_broker_received_total[5m])", "in")
SENT = ("rate(hearth_broker_sent_total[5m])", "out")
DROPPED = ("rate(hearth_broker_dropped_total[5m])", "dropped")
WAITING = ("hearth_broker_stored_messages", "")
BROKER_DISK = ("hearth_broker_disk_used_ratio", "disk")
BROKER_MEMORY = ("hearth_broker_memory_used_ratio", "memory")
BROKER_COPY = ("hearth_broker_replica_in_step", "copy")
CONNECTED = ("hearth_ingest_leading - hearth_ingest_connected", "{{instance}}")
RETRIES = ("sum by (instance) (increase(hearth_ingest_database_retries_total[5m]))", "{{instance}}")


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    board = frame(look, OPERATIONS, "30s", "24h", titles.OPERATIONS_ABOUT)
    return fill(
        look,
        board,
        _now(look),
        Section(titles.DATABASE, _database(look)),
        Section(titles.HOST_AND_BROKER, _around(look)),
    )


def _now(look: Look) -> list[Any]:
    down = in_steps((None, RED), (1, GREEN))
    return [
        alert_list(look, Size(12, 8)),
        _figure(look, titles.PROCESSES, UP, Size(12, 4)).thresholds(down),
        _figure(look, titles.DATABASE, DATABASE_UP, Size(4, 4)).thresholds(down),
        _figure(look, titles.AGE_OF_THE_LAST_BACKUP, BACKUP_AGE, Size(4, 4))
        .unit(DURATION)
        .thresholds(in_steps((None, GREEN), (26 * 3600, RED))),
        _figure(look, titles.AGE_OF_THE_ARCHIVE, ARCHIVE_AGE, Size(4, 4))
        .unit(DURATION)
        .thresholds(in_steps((None, GREEN), (300, ORANGE), (1800, RED))),
    ]


def _database(look: Look) -> list[Any]:
    return [
        _lines(look, titles.BACKGROUND_JOBS_OVERDUE, JOBS).unit(DURATION),
        _lines(look, titles.CONVERSION_INTO_COLUMNS_IS_BEHIND, CONVERSION).unit(DURATION),
        _lines(look, titles.STANDBYS_ARE_BEHIND, REPLICAS).unit("bytes"),
        _lines(look, titles.LOG_KEPT_FOR_SLOTS, SLOTS).unit("bytes"),
        _lines(look, titles.CONNECTIONS_IN_USE, CONNECTIONS).unit("percentunit"),
        _lines(look, titles.AGE_OF_THE_OLDEST_TRANSACTION, TRANSACTIONS),
        _lines(look, titles.SIZE_OF_THE_DATABASE, SIZE).unit("bytes"),
        _lines(look, titles.SEALING_IS_BEHIND, SEALING).unit(DURATION).min(0),
    ]


def _around(look: Look) -> list[Any]:
    return [
        _lines(look, titles.ROOM_ON_DISKS, ROOM).unit("percentunit").min(0),
        _lines(look, titles.MEMORY_AVAILABLE, MEMORY).unit("percentunit").min(0),
        _lines(look, titles.BROKER_PER_SECOND, RECEIVED, SENT, DROPPED),
        _lines(look, titles.WAITING_AT_THE_BROKER, WAITING),
        _lines(look, titles.WORKERS_WITHOUT_THE_BROKER, CONNECTED),
        _lines(look, titles.BROKERS_DISK_AND_COPY, BROKER_DISK, BROKER_MEMORY, BROKER_COPY).unit("percentunit").min(0),
        _lines(look, titles.TRIES_OF_WORKERS, RETRIES).min(0),
    ]


def _figure(look: Look, title: Text, asked: Asked, size: Size) -> Any:
    panel = readable(_dress(stat.Panel(), look, title, [asked], size), FIGURE_PX)
    return panel.color_mode(BigValueColorMode.VALUE).graph_mode(BigValueGraphMode.AREA)


def _lines(look: Look, title: Text, *asked: Asked) -> Any:
    panel = _dress(timeseries.Panel(), look, title, asked, Size(8, 8))
    return panel.line_width(LINE_WIDTH).show_points(VisibilityMode.NEVER).no_value(NO_VALUE).thresholds(plain(BLUE))


def _dress(panel: Any, look: Look, title: Text, asked: Any, size: Size) -> Any:
    source = DataSourceRef(type_val="prometheus", uid=PROMETHEUS)
    panel.title(look.say(title)).datasource(source).span(size.width).height(size.height)
    for number, (expression, name) in enumerate(asked):
        query = prometheus.Dataquery().expr(expression).ref_id(chr(ord("A") + number)).datasource(source)
        panel.with_target(query.legend_format(name) if name else query)
    return panel

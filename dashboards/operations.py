"""The dashboard of what Hearth runs on: processes, database server, backups, broker, disks. It asks Prometheus."""

from typing import Any

from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, ThresholdsConfig
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode, VisibilityMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode

from dashboards.alert_state import alert_list
from dashboards.frame import Section, fill, frame
from dashboards.grid import Size
from dashboards.links import OPERATIONS
from dashboards.look import BLUE, GREEN, ORANGE, PROMETHEUS, RED, Look
from dashboards.panels import FIGURE_PX, readable
from dashboards.words import DURATION
from domain.reasons import Text

DISKS = '{fstype!~"tmpfs|overlay|squashfs|ramfs"}'
Asked = tuple[str, str]  # an expression, and the name of its lines

UP = ("max by (job) (up)", "{{job}}")
DATABASE_UP = ("hearth_database_up", "")
BACKUP_AGE = ("time() - hearth_backup_newest_seconds", "")
ARCHIVE_AGE = ("hearth_wal_archive_age_seconds", "")
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
CONNECTED = ("hearth_ingest_leading - hearth_ingest_connected", "{{instance}}")


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    text = Text("数据库、备份、消息服务器与主机。", "Database server, backups, broker and host.")
    board = frame(look, OPERATIONS, "30s", "24h", text)
    return fill(
        look,
        board,
        _now(look),
        Section(Text("数据库", "Database"), _database(look)),
        Section(Text("主机与消息服务器", "Host and broker"), _around(look)),
    )


def _now(look: Look) -> list[Any]:
    down = _steps((None, RED), (1, GREEN))
    return [
        alert_list(look, Size(12, 8)),
        _figure(look, Text("进程", "Processes"), UP, Size(12, 4)).thresholds(down),
        _figure(look, Text("数据库", "Database"), DATABASE_UP, Size(4, 4)).thresholds(down),
        _figure(look, Text("上次备份距今", "Age of the last backup"), BACKUP_AGE, Size(4, 4))
        .unit(DURATION)
        .thresholds(_steps((None, GREEN), (26 * 3600, RED))),
        _figure(look, Text("日志归档距今", "Age of the archive"), ARCHIVE_AGE, Size(4, 4))
        .unit(DURATION)
        .thresholds(_steps((None, GREEN), (300, ORANGE), (1800, RED))),
    ]


def _database(look: Look) -> list[Any]:
    return [
        _lines(look, Text("后台任务：逾期", "Background jobs: overdue"), JOBS).unit(DURATION),
        _lines(look, Text("列式转换滞后", "Conversion into columns is behind"), CONVERSION).unit(DURATION),
        _lines(look, Text("备用库滞后", "Standbys are behind"), REPLICAS).unit("bytes"),
        _lines(look, Text("复制槽保留的日志", "Log kept for slots"), SLOTS).unit("bytes"),
        _lines(look, Text("连接占用", "Connections in use"), CONNECTIONS).unit("percentunit"),
        _lines(look, Text("最老事务年龄", "Age of the oldest transaction"), TRANSACTIONS),
        _lines(look, Text("数据库大小", "Size of the database"), SIZE).unit("bytes"),
    ]


def _around(look: Look) -> list[Any]:
    return [
        _lines(look, Text("磁盘剩余", "Room on disks"), ROOM).unit("percentunit").min(0),
        _lines(look, Text("可用内存", "Memory available"), MEMORY).unit("percentunit").min(0),
        _lines(look, Text("消息服务器每秒", "Broker, per second"), RECEIVED, SENT, DROPPED),
        _lines(look, Text("消息服务器排队", "Waiting at the broker"), WAITING),
        _lines(look, Text("接入进程未连接", "Workers without the broker"), CONNECTED),
    ]


def _figure(look: Look, title: Text, asked: Asked, size: Size) -> Any:
    panel = readable(_dress(stat.Panel(), look, title, [asked], size), FIGURE_PX)
    return panel.color_mode(BigValueColorMode.VALUE).graph_mode(BigValueGraphMode.AREA)


def _lines(look: Look, title: Text, *asked: Asked) -> Any:
    panel = _dress(timeseries.Panel(), look, title, asked, Size(8, 8))
    return panel.line_width(2).show_points(VisibilityMode.NEVER).no_value("–").thresholds(_steps((None, BLUE)))


def _dress(panel: Any, look: Look, title: Text, asked: Any, size: Size) -> Any:
    source = DataSourceRef(type_val="prometheus", uid=PROMETHEUS)
    panel.title(look.say(title)).datasource(source).span(size.width).height(size.height)
    for number, (expression, name) in enumerate(asked):
        query = prometheus.Dataquery().expr(expression).ref_id(chr(ord("A") + number)).datasource(source)
        panel.with_target(query.legend_format(name) if name else query)
    return panel


def _steps(*steps: tuple[float | None, str]) -> ThresholdsConfig:
    found = [Threshold(value=value, color=colour) for value, colour in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)

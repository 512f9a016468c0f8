"""Alert rules that relay what Prometheus has found (deploy/prometheus/rules.yml): people get one kind of message.

`DatabaseAway` is not among them: Grafana notices that by itself, and one message is enough.
"""

from dashboards import operations
from dashboards.alerting import AlertRule
from dashboards.links import OPERATIONS
from domain.reasons import Text


def _relay(
    alert: str, title: Text, summary: Text, to_do: Text, shown: operations.Asked, severity: str = "warning"
) -> AlertRule:
    """Relay an alert of Prometheus. Its own name would be taken for that of Grafana's rule."""
    return AlertRule(
        name="host-" + "".join(f"-{c.lower()}" if c.isupper() else c for c in alert).lstrip("-"),
        title=title,
        summary=summary,
        to_do=to_do,
        query=f'sum without (alertname, alertstate) (ALERTS{{alertname="{alert}", alertstate="firing"}})',
        panel=(OPERATIONS, shown[0]),
        severity=severity,
        empty="OK",
        prometheus=True,
    )


PROMETHEUS_AWAY = AlertRule(
    name="prometheus-away",
    title=Text("监控数据缺失", "Prometheus unreachable"),
    summary=Text(
        "Grafana 无法查询 Prometheus，主机与备份无人看守",
        "Nobody watches host and backups",
    ),
    to_do=Text("检查服务 prometheus", "Look at the service prometheus"),
    query="vector(0)",
    panel=(OPERATIONS, operations.UP[0]),
    lasting="5m",
    empty="Alerting",
    failing="Alerting",
    prometheus=True,
)
RELAYED: tuple[AlertRule, ...] = (
    _relay(
        "PartDown",
        Text("服务停止", "Service down"),
        Text("{{ .Labels.job }} 两分钟无应答", "{{ .Labels.job }} has not answered for two minutes"),
        Text("查看该服务的日志：docker compose logs", "Look at its log: docker compose logs"),
        operations.UP,
        "critical",
    ),
    _relay(
        "PartMissing",
        Text("服务缺失", "Service missing"),
        Text("{{ .Labels.job }} 没有运行", "{{ .Labels.job }} does not run"),
        Text("启动该服务：docker compose up --detach", "Start it: docker compose up --detach"),
        operations.UP,
        "critical",
    ),
    _relay(
        "BrokerAway",
        Text("消息服务器断开", "Broker disconnected"),
        Text("接入进程两分钟未连接到消息服务器", "Ingest has been without the broker for two minutes"),
        Text("检查消息服务器与证书：hearth check broker", "Look at the broker and certificates: hearth check broker"),
        operations.CONNECTED,
        "critical",
    ),
    _relay(
        "BrokerDrops",
        Text("消息服务器丢弃消息", "Broker drops messages"),
        Text("已确认的消息被丢弃", "Messages that were acknowledged are lost"),
        Text("检查接入进程是否停止，排队上限是否过小", "Look whether ingest is away, and at the bounds of the queue"),
        operations.DROPPED,
        "critical",
    ),
    _relay(
        "TimescaleJobFails",
        Text("数据库后台任务失败", "Background job fails"),
        Text(
            "{{ .Labels.procedure }}（{{ .Labels.relation }}）未成功",
            "{{ .Labels.procedure }} ({{ .Labels.relation }}) fails",
        ),
        Text("查看 timescaledb_information.job_errors", "See timescaledb_information.job_errors"),
        operations.JOBS,
    ),
    _relay(
        "ConversionBehind",
        Text("列式转换滞后", "Conversion into columns is behind"),
        Text(
            "{{ .Labels.relation }} 滞后两天以上",
            "{{ .Labels.relation }} is two days behind",
        ),
        Text("查看后台任务与磁盘", "Look at background jobs and the disk"),
        operations.CONVERSION,
    ),
    _relay(
        "ArchiveFails",
        Text("日志归档失败", "Archiving fails"),
        Text(
            "数据库日志未归档，磁盘会写满",
            "The log is not archived, the disk will fill",
        ),
        Text("检查归档磁盘是否已满：hearth check disk", "Look at the disk of the archive: hearth check disk"),
        operations.ARCHIVE_AGE,
        "critical",
    ),
    _relay(
        "BackupOld",
        Text("备份过旧", "Backup too old"),
        Text("超过一天没有新备份", "No backup has been made for more than a day"),
        Text("查看服务 backup 的日志，必要时手动备份", "Look at the log of the service backup; make one by hand"),
        operations.BACKUP_AGE,
        "critical",
    ),
    _relay(
        "ReplicaBehind",
        Text("备用库滞后", "Standby is behind"),
        Text("{{ .Labels.replica }} 未跟上主库", "{{ .Labels.replica }} does not keep up"),
        Text("检查备用库与网络", "Look at the standby and the network"),
        operations.REPLICAS,
    ),
    _relay(
        "SlotUnread",
        Text("复制槽无人读取", "Nobody reads a slot"),
        Text("{{ .Labels.slot }} 使日志不断积累", "{{ .Labels.slot }} makes the log pile up"),
        Text("启动备用库，或删除该槽", "Start its standby, or drop the slot"),
        operations.SLOTS,
    ),
    _relay(
        "TransactionsOld",
        Text("事务编号将用尽", "Transaction numbers run out"),
        Text("自动清理跟不上", "Vacuum does not keep up"),
        Text("查看长事务，执行 VACUUM FREEZE", "Look for long transactions; run VACUUM FREEZE"),
        operations.TRANSACTIONS,
        "critical",
    ),
    _relay(
        "ConnectionsShort",
        Text("数据库连接将用尽", "Connections run short"),
        Text("九成以上的连接已占用", "More than nine tenths of the connections are in use"),
        Text("查看 pg_stat_activity", "Look at pg_stat_activity"),
        operations.CONNECTIONS,
    ),
    _relay(
        "DiskFull",
        Text("磁盘将满", "Disk fills up"),
        Text(
            "{{ .Labels.mountpoint }} 将在一天内写满",
            "{{ .Labels.mountpoint }} is full within a day",
        ),
        Text("按运维手册“磁盘已满”处理", "Operations page: The disk is full"),
        operations.ROOM,
        "critical",
    ),
    _relay(
        "MemoryShort",
        Text("内存不足", "Memory is short"),
        Text("可用内存不足百分之五", "Less than 5 % of the memory is available"),
        Text("查看哪个服务占用内存：docker stats", "See which service takes it: docker stats"),
        operations.MEMORY,
    ),
)
ALL = (PROMETHEUS_AWAY, *RELAYED)
RETIRED = ("broker-away",)  # rules of versions before: what a file has brought stays until a file takes it away

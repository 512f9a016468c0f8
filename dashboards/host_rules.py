"""Alert rules that relay what Prometheus has found (deploy/prometheus/rules.yml): people get one kind of message.

`DatabaseAway` is not among them: Grafana notices that by itself, and one message is enough.
"""

from dashboards import operations
from dashboards.alerting import AlertRule
from dashboards.links import OPERATIONS
from dashboards.words import titles
from domain.words.text import Text


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
    title=titles.PROMETHEUS_UNREACHABLE,
    summary=titles.PROMETHEUS_UNREACHABLE_SUMMARY,
    to_do=titles.PROMETHEUS_UNREACHABLE_TO_DO,
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
        titles.SERVICE_DOWN,
        titles.SERVICE_DOWN_SUMMARY,
        titles.SERVICE_DOWN_TO_DO,
        operations.UP,
        "critical",
    ),
    _relay(
        "PartMissing",
        titles.SERVICE_MISSING,
        titles.SERVICE_MISSING_SUMMARY,
        titles.SERVICE_MISSING_TO_DO,
        operations.UP,
        "critical",
    ),
    _relay(
        "BrokerAway",
        titles.BROKER_DISCONNECTED,
        titles.BROKER_DISCONNECTED_SUMMARY,
        titles.BROKER_DISCONNECTED_TO_DO,
        operations.CONNECTED,
        "critical",
    ),
    _relay(
        "WorkerWaits",
        titles.WORKER_WAITS,
        titles.WORKER_WAITS_SUMMARY,
        titles.WORKER_WAITS_TO_DO,
        operations.RETRIES,
        "critical",
    ),
    _relay(
        "BrokerDrops",
        titles.BROKER_DROPS_MESSAGES,
        titles.BROKER_DROPS_MESSAGES_SUMMARY,
        titles.BROKER_DROPS_MESSAGES_TO_DO,
        operations.DROPPED,
        "critical",
    ),
    _relay(
        "BrokerGrows",
        titles.MESSAGES_PILE_UP,
        titles.MESSAGES_PILE_UP_SUMMARY,
        titles.MESSAGES_PILE_UP_TO_DO,
        operations.WAITING,
    ),
    _relay(
        "BrokerAlone",
        titles.BROKER_HAS_NO_COPY,
        titles.BROKER_HAS_NO_COPY_SUMMARY,
        titles.BROKER_HAS_NO_COPY_TO_DO,
        operations.BROKER_COPY,
    ),
    _relay(
        "BrokerDiskFull",
        titles.BROKERS_DISK_FILLS_UP,
        titles.BROKERS_DISK_FILLS_UP_SUMMARY,
        titles.BROKERS_DISK_FILLS_UP_TO_DO,
        operations.BROKER_DISK,
        "critical",
    ),
    _relay(
        "BrokerMemoryShort",
        titles.BROKERS_MEMORY_FILLS_UP,
        titles.BROKERS_MEMORY_FILLS_UP_SUMMARY,
        titles.BROKERS_MEMORY_FILLS_UP_TO_DO,
        operations.BROKER_MEMORY,
        "critical",
    ),
    _relay(
        "TimescaleJobFails",
        titles.BACKGROUND_JOB_FAILS,
        titles.BACKGROUND_JOB_FAILS_SUMMARY,
        titles.BACKGROUND_JOB_FAILS_TO_DO,
        operations.JOBS,
    ),
    _relay(
        "ConversionBehind",
        titles.CONVERSION_INTO_COLUMNS_IS_BEHIND,
        titles.CONVERSION_INTO_COLUMNS_IS_BEHIND_SUMMARY,
        titles.CONVERSION_INTO_COLUMNS_IS_BEHIND_TO_DO,
        operations.CONVERSION,
    ),
    _relay(
        "ArchiveFails",
        titles.ARCHIVING_FAILS,
        titles.ARCHIVING_FAILS_SUMMARY,
        titles.ARCHIVING_FAILS_TO_DO,
        operations.ARCHIVE_AGE,
        "critical",
    ),
    _relay(
        "SealingBehind",
        titles.SEALING_IS_BEHIND,
        titles.SEALING_IS_BEHIND_SUMMARY,
        titles.SEALING_IS_BEHIND_TO_DO,
        operations.SEALING,
    ),
    _relay(
        "BackupOld",
        titles.BACKUP_TOO_OLD,
        titles.BACKUP_TOO_OLD_SUMMARY,
        titles.BACKUP_TOO_OLD_TO_DO,
        operations.BACKUP_AGE,
        "critical",
    ),
    _relay(
        "ReplicaBehind",
        titles.STANDBY_IS_BEHIND,
        titles.STANDBY_IS_BEHIND_SUMMARY,
        titles.STANDBY_IS_BEHIND_TO_DO,
        operations.REPLICAS,
    ),
    _relay(
        "SlotUnread",
        titles.NOBODY_READS_A_SLOT,
        titles.NOBODY_READS_A_SLOT_SUMMARY,
        titles.NOBODY_READS_A_SLOT_TO_DO,
        operations.SLOTS,
    ),
    _relay(
        "TransactionsOld",
        titles.TRANSACTION_NUMBERS_RUN_OUT,
        titles.TRANSACTION_NUMBERS_RUN_OUT_SUMMARY,
        titles.TRANSACTION_NUMBERS_RUN_OUT_TO_DO,
        operations.TRANSACTIONS,
        "critical",
    ),
    _relay(
        "ConnectionsShort",
        titles.CONNECTIONS_RUN_SHORT,
        titles.CONNECTIONS_RUN_SHORT_SUMMARY,
        titles.CONNECTIONS_RUN_SHORT_TO_DO,
        operations.CONNECTIONS,
    ),
    _relay(
        "DiskFull",
        titles.DISK_FILLS_UP,
        titles.DISK_FILLS_UP_SUMMARY,
        titles.DISK_FILLS_UP_TO_DO,
        operations.ROOM,
        "critical",
    ),
    _relay(
        "MemoryShort",
        titles.MEMORY_IS_SHORT,
        titles.MEMORY_IS_SHORT_SUMMARY,
        titles.MEMORY_IS_SHORT_TO_DO,
        operations.MEMORY,
    ),
)
ALL = (PROMETHEUS_AWAY, *RELAYED)
RETIRED = ("broker-away",)  # rules of versions before: what a file has brought stays until a file takes it away

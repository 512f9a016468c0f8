"""Alert rules and contact points in the format of Grafana's provisioning API."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from dashboards.look import DATASOURCE, FOLDER, OWN, POSTGRES_TYPE, PROMETHEUS, Look
from domain.errors import UsageError
from domain.reasons import Text

GROUP = "hearth"
CONTACT = "Hearth"  # the contact point that rules notify
EVERY_S = 60
REPEAT = "4h"


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """A rule that fires for each row whose number exceeds a value for a time; text columns become labels."""

    name: str
    title: Text
    summary: Text
    query: str
    above: float = 0
    lasting: str = "2m"
    severity: str = "warning"
    failing: str = "Error"  # state when the query fails; DATABASE alerts on that
    prometheus: bool = False


STOPPED = AlertRule(
    name="ingest-stopped",
    title=Text("数据接入停止", "Ingest stopped"),
    summary=Text("十分钟未入库任何消息。", "No message has been stored for ten minutes."),
    query="SELECT coalesce(extract(epoch FROM now() - max(last_batch_at)), 1e9) AS silent_for_s FROM ingest_health",
    above=600,
    severity="critical",
)
LAG = AlertRule(
    name="ingest-lag",
    title=Text("数据接入延迟", "Ingest lags behind"),
    summary=Text(
        "{{ $labels.worker }} 的消息在接收后一分钟以上才入库。",
        "{{ $labels.worker }} stores messages more than a minute after receiving them.",
    ),
    query="""
SELECT worker, coalesce(received_lag_s, 0) AS lag_s FROM ingest_health
WHERE last_batch_at > now() - interval '5 minutes'
""",
    above=60,
    lasting="5m",
)
DEAD = AlertRule(
    name="dead-letters",
    title=Text("死信过多", "Too many dead letters"),
    summary=Text(
        "一刻钟内超过百分之五的消息无法入库。", "More than 5 % of the messages of the last 15 minutes were refused."
    ),
    query="""
SELECT coalesce(sum(dead_per_s) / nullif(sum(dead_per_s + stored_per_s + duplicates_per_s), 0), 0) AS share
FROM ingest_rate WHERE at > now() - interval '15 minutes'
""",
    above=0.05,
    lasting="5m",
)
DATABASE = AlertRule(
    name="database-away",
    title=Text("数据库无法访问", "Database unreachable"),
    summary=Text("Grafana 无法查询数据库。", "Grafana cannot query the database."),
    query="SELECT 0 AS away FROM ledger_health",
    severity="critical",
    failing="Alerting",
)
BROKER = AlertRule(
    name="broker-away",
    title=Text("消息服务器断开", "Broker disconnected"),
    summary=Text(
        "{{ $labels.instance }} 未连接到消息服务器。", "{{ $labels.instance }} is not connected to the broker."
    ),
    query="hearth_ingest_leading - hearth_ingest_connected",
    severity="critical",
    prometheus=True,
)
CLOCKS = AlertRule(
    name="clock-breached",
    title=Text("工单超时", "Clock breached"),
    summary=Text(
        "{{ $labels.station }}：十分钟内新增超时 {{ $values.A }} 项。",
        "{{ $labels.station }}: {{ $values.A }} clock(s) breached within ten minutes.",
    ),
    query="""
SELECT coalesce(station, '–') AS station, count(*) AS breached
FROM ticket_clock
WHERE due_at > now() - interval '10 minutes' AND due_at <= now() AND met_at IS NULL AND void_at IS NULL
GROUP BY 1
""",
    lasting="0s",
)
INCIDENT = AlertRule(
    name="incident-open",
    title=Text("成片低温事件", "Incident open"),
    summary=Text(
        "{{ $labels.incident }} {{ $labels.name }}（{{ $labels.station }}）。",
        "{{ $labels.incident }}: {{ $labels.name }} ({{ $labels.station }}).",
    ),
    query="SELECT number AS incident, name, station, 1 AS open FROM incident_open",
    lasting="0s",
    severity="critical",
)
UNCOUNTED = AlertRule(
    name="ledger-behind",
    title=Text("定时任务停止", "Watch stopped"),
    summary=Text("台账十分钟未更新。", "The ledger has not been updated for ten minutes."),
    query="SELECT coalesce(extract(epoch FROM now() - counted_to), 0) AS age_s FROM ledger_health",
    above=600,
    severity="critical",
)

NOTICES = AlertRule(
    name="notices-stuck",
    title=Text("通知发送受阻", "Notices stuck"),
    summary=Text(
        "{{ $labels.audience }}（{{ $labels.channel }}）的通知失败，或已等待一刻钟。",
        "Notices to {{ $labels.audience }} via {{ $labels.channel }} have failed or been waiting for 15 minutes.",
    ),
    query="""
SELECT
  audience, channel,
  (coalesce(last_failed_at > now() - interval '15 minutes', false)
    OR coalesce(retrying > 0 AND waiting_since < now() - interval '15 minutes', false))::integer AS stuck
FROM notice_health
""",
)


def unclosed(zone: str) -> AlertRule:
    """Make the rule that yesterday is closed an hour after midnight."""
    return AlertRule(
        name="ledger-open",
        title=Text("台账未结账", "Ledger not closed"),
        summary=Text("昨日或更早的台账尚未结账。", "The ledger of a past day has not been closed yet."),
        query=f"""
SELECT coalesce((now() AT TIME ZONE '{zone}' - interval '1 hour')::date - open_from, 0) AS days FROM ledger_health
""",
        lasting="10m",
    )


def rules(look: Look, *, prometheus: bool, notify: bool) -> list[dict[str, Any]]:
    """Build all rules for Grafana's HTTP API.

    Args:
        prometheus: a Prometheus data source exists, so the broker rule applies.
        notify: the bundle has contact points; otherwise Grafana's own notification policy applies.
    """
    found = [STOPPED, LAG, DEAD, DATABASE, CLOCKS, INCIDENT, UNCOUNTED, NOTICES, unclosed(look.zone)]
    return [_rule(look, rule, notify) for rule in (*found, *((BROKER,) if prometheus else ()))]


def _rule(look: Look, rule: AlertRule, notify: bool) -> dict[str, Any]:
    return {
        "uid": OWN + rule.name,
        "title": look.say(rule.title),
        "folderUID": FOLDER,
        "ruleGroup": GROUP,
        "condition": "C",
        "data": [_query(rule), _threshold(rule.above)],
        "noDataState": "OK",
        "execErrState": rule.failing,
        "for": rule.lasting,
        "annotations": {"summary": look.say(rule.summary)},
        "labels": {"hearth": "true", "severity": rule.severity},
        "isPaused": False,
        "notification_settings": {"receiver": CONTACT, "repeat_interval": REPEAT} if notify else None,
    }


def _query(rule: AlertRule) -> dict[str, Any]:
    kind, uid = ("prometheus", PROMETHEUS) if rule.prometheus else (POSTGRES_TYPE, DATASOURCE)
    asked: dict[str, Any]
    if rule.prometheus:
        asked = {"expr": rule.query, "instant": True, "range": False}
    else:
        asked = {"rawSql": rule.query.strip(), "rawQuery": True, "format": "table", "editorMode": "code"}
    return {
        "refId": "A",
        "queryType": "",
        "relativeTimeRange": {"from": 600, "to": 0},
        "datasourceUid": uid,
        "model": {"refId": "A", "datasource": {"type": kind, "uid": uid}, **asked},
    }


def _threshold(above: float) -> dict[str, Any]:
    return {
        "refId": "C",
        "queryType": "",
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": "__expr__",
        "model": {
            "refId": "C",
            "datasource": {"type": "__expr__", "uid": "__expr__"},
            "type": "threshold",
            "expression": "A",
            "conditions": [{"evaluator": {"type": "gt", "params": [above]}}],
        },
    }


_HOOKS: Mapping[str, Callable[[str], dict[str, str]]] = {
    "dingding": lambda url: {"url": url, "msgType": "markdown"},
    "wecom": lambda url: {"url": url, "msgtype": "markdown"},
    "slack": lambda url: {"url": url},
    "teams": lambda url: {"url": url},
    "webhook": lambda url: {"url": url, "httpMethod": "POST"},
}


def contacts(addresses: Sequence[str]) -> list[dict[str, Any]]:
    """Build contact points for Grafana's HTTP API, all of one name, so that rules reach each of them.

    Args:
        addresses: `mailto:a@b`, `https://…` (a webhook), or prefixed by the kind of robot: `dingding+https://…`.
    Raises:
        UsageError: an address of no known kind. The message omits it, as it may contain a key.
    """
    found = {point["uid"]: point for point in map(_contact, addresses)}
    return list(found.values())


def _contact(address: str) -> dict[str, Any]:
    parts = urlsplit(address)
    kind, _, scheme = parts.scheme.rpartition("+")
    if parts.scheme == "mailto" and "@" in parts.path:
        kind, settings = "email", {"addresses": unquote(parts.path), "singleEmail": "false"}
    elif scheme in ("http", "https") and parts.hostname and (kind or "webhook") in _HOOKS:
        kind = kind or "webhook"
        settings = dict(_HOOKS[kind](address.removeprefix(f"{kind}+")))
    else:
        kinds = ", ".join(f"{name}+https://…" for name in _HOOKS if name != "webhook")
        raise UsageError(f"HEARTH_GRAFANA_CONTACTS: expected mailto:name@example.org, https://…, {kinds}")
    # Grafana returns secrets redacted, so a changed address is detected by its uid.
    uid = OWN + hashlib.sha256(address.encode()).hexdigest()[:16]
    return {"uid": uid, "name": CONTACT, "type": kind, "settings": settings, "disableResolveMessage": False}

"""Alert rules in the format of Grafana's provisioning API.

A rule is told apart from all others by what it does when nothing can be asked (decision 0029): only the rule of a data
source itself fires then, all others stay as they are. No text has a dollar sign: see dashboards.contacts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dashboards import links
from dashboards.collection import panels
from dashboards.contacts import CONTACT
from dashboards.look import DATASOURCE, FOLDER, OWN, POSTGRES_TYPE, PROMETHEUS, Look
from dashboards.words import titles
from domain.words.text import Text

GROUP = "hearth"
EVERY_S = 60
REPEAT = "4h"
# The sign that leads from a rule to its panel, and from the panel to the state of the rule.
BOARD_SIGN, PANEL_SIGN = "__dashboardUid__", "__panelId__"


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """A rule that fires for each row whose number exceeds a value for a time; text columns become labels.

    Attributes:
        summary: what is wrong, and where.
        to_do: what to do about it.
        panel: the board, and the view (or expression of Prometheus) whose first panel on it shows the same.
        empty: the state when the query gives no row: `OK` where a row stands for something that is wrong, `KeepLast`
            where there is always one.
        failing: the state when the query fails.
    """

    name: str
    title: Text
    summary: Text
    to_do: Text
    query: str
    panel: tuple[str, str]
    above: float = 0
    lasting: str = "0s"
    severity: str = "warning"
    empty: Literal["OK", "KeepLast", "Alerting"] = "KeepLast"
    failing: Literal["KeepLast", "Alerting"] = "KeepLast"
    prometheus: bool = False


LEDGER = (links.INGEST, "ledger_health")

# After the database was away, what was last done is old until its process is connected again: `for` waits for that, and
# the start of the server counts as done. All others wait in their queries: a rule that is pending when the database
# goes away would fire without having been asked.
STOPPED = AlertRule(
    name="ingest-stopped",
    title=titles.INGEST_STOPPED,
    summary=titles.INGEST_STOPPED_SUMMARY,
    to_do=titles.INGEST_STOPPED_TO_DO,
    query="""
SELECT extract(epoch FROM now() - greatest(max(last_batch_at), pg_postmaster_start_time())) AS silent_for_s
FROM ingest_health
""",
    panel=(links.INGEST, "ingest_health"),
    above=600,
    lasting="2m",
    severity="critical",
)
LAG = AlertRule(
    name="ingest-lag",
    title=titles.INGEST_LAGS_BEHIND,
    summary=titles.INGEST_LAGS_BEHIND_SUMMARY,
    to_do=titles.INGEST_LAGS_BEHIND_TO_DO,
    query="""
SELECT worker, CASE WHEN count(*) >= 3 THEN min(received_lag_s) ELSE 0 END AS lag_s
FROM ingest_rate WHERE at > now() - interval '5 minutes' AND messages_per_s > 0 GROUP BY worker
""",
    panel=(links.INGEST, "ingest_rate"),
    above=60,
    empty="OK",
)
DEAD = AlertRule(
    name="dead-letters",
    title=titles.TOO_MANY_DEAD_LETTERS,
    summary=titles.TOO_MANY_DEAD_LETTERS_SUMMARY,
    to_do=titles.TOO_MANY_DEAD_LETTERS_TO_DO,
    query="""
SELECT coalesce(sum(dead_per_s) / nullif(sum(dead_per_s + stored_per_s + duplicates_per_s), 0), 0) AS share
FROM ingest_rate WHERE at > now() - interval '15 minutes'
""",
    panel=(links.INGEST, "dead_letter_seen"),
    above=0.05,
)
DATABASE = AlertRule(
    name="database-away",
    title=titles.DATABASE_UNREACHABLE,
    summary=titles.DATABASE_UNREACHABLE_SUMMARY,
    to_do=titles.DATABASE_UNREACHABLE_TO_DO,
    query="SELECT 0 AS away FROM ledger_health",
    panel=LEDGER,
    lasting="2m",
    severity="critical",
    empty="Alerting",
    failing="Alerting",
)
CLOCKS = AlertRule(
    name="clock-breached",
    title=titles.CLOCKS_RUN_OUT,
    summary=titles.CLOCKS_RUN_OUT_SUMMARY,
    to_do=titles.CLOCKS_RUN_OUT_TO_DO,
    query="""
SELECT coalesce(station, '–') AS station, count(*) AS breached
FROM ticket_clock
WHERE due_at <= now() AND met_at IS NULL AND void_at IS NULL AND state <> 'closed'
GROUP BY 1
""",
    panel=(links.DESK, "ticket_clock"),
    empty="OK",
)
INCIDENT = AlertRule(
    name="incident-open",
    title=titles.INCIDENT_OPEN,
    summary=titles.INCIDENT_OPEN_SUMMARY,
    to_do=titles.INCIDENT_OPEN_TO_DO,
    query="SELECT number AS incident, name, station, 1 AS open FROM incident_open",
    panel=(links.DESK, "incident_open"),
    severity="critical",
    empty="OK",
)
UNCOUNTED = AlertRule(
    name="ledger-behind",
    title=titles.WATCH_STOPPED,
    summary=titles.WATCH_STOPPED_SUMMARY,
    to_do=titles.WATCH_TO_DO,
    query="""
SELECT
  CASE
    WHEN shards = 0 THEN 0 ELSE extract(epoch FROM now() - greatest(counted_to, pg_postmaster_start_time()))
  END AS age_s
FROM ledger_health
""",
    panel=LEDGER,
    above=600,
    lasting="2m",
    severity="critical",
)
NOTICES = AlertRule(
    name="notices-stuck",
    title=titles.NOTICES_STUCK,
    summary=titles.NOTICES_STUCK_SUMMARY,
    to_do=titles.NOTICES_STUCK_TO_DO,
    query="""
SELECT
  audience, channel,
  (coalesce(last_failed_at > now() - interval '15 minutes', false)
    OR coalesce(retrying > 0 AND waiting_since < now() - interval '15 minutes', false))::integer AS stuck
FROM notice_health
""",
    panel=(links.INGEST, "notice_health"),
    empty="OK",
)


def unclosed(zone: str) -> AlertRule:
    """Make the rule that yesterday is closed an hour after midnight."""
    return AlertRule(
        name="ledger-open",
        title=titles.LEDGER_NOT_CLOSED,
        summary=titles.LEDGER_NOT_CLOSED_SUMMARY,
        to_do=titles.WATCH_TO_DO,
        query=f"""
SELECT coalesce((now() AT TIME ZONE '{zone}' - interval '70 minutes')::date - open_from, 0) AS days FROM ledger_health
""",
        panel=LEDGER,
    )


def rules(look: Look, boards: Mapping[str, Any], more: Sequence[AlertRule], *, notify: bool) -> list[dict[str, Any]]:
    """Build all rules for Grafana's HTTP API.

    Args:
        boards: all dashboards by uid, as Grafana reads them.
        more: rules beside those on the database.
        notify: the bundle has contact points; otherwise Grafana's own notification policy applies.
    """
    found = [STOPPED, LAG, DEAD, DATABASE, CLOCKS, INCIDENT, UNCOUNTED, NOTICES, unclosed(look.zone)]
    return [_rule(look, rule, _panel(boards, rule), notify) for rule in (*found, *more)]


def _panel(boards: Mapping[str, Any], rule: AlertRule) -> dict[str, str]:
    """Return the annotations that lead to a rule's panel."""
    uid, source = rule.panel
    asks = re.compile(rf"(?<!\w){re.escape(source)}(?!\w)").search
    number = next(panel["id"] for panel in panels(boards[uid]) if any(map(asks, _asked(panel))))
    return {BOARD_SIGN: uid, PANEL_SIGN: str(number)}


def _asked(panel: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a panel asks its data source."""
    for target in panel.get("targets") or ():
        yield target.get("rawSql") or target.get("expr") or ""


def _rule(look: Look, rule: AlertRule, panel: Mapping[str, str], notify: bool) -> dict[str, Any]:
    return {
        "uid": OWN + rule.name,
        "title": look.say(rule.title),
        "folderUID": FOLDER,
        "ruleGroup": GROUP,
        "condition": "C",
        "data": [_query(rule), _threshold(rule.above)],
        "noDataState": rule.empty,
        "execErrState": rule.failing,
        "for": rule.lasting,
        "annotations": {"summary": look.say(rule.summary), "description": look.say(rule.to_do), **panel},
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

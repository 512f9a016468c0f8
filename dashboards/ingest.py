"""The dashboard of data ingest: rates, lag, rejections, silent sensors, pending notices."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.frame import fill, frame
from dashboards.links import INGEST
from dashboards.look import Look
from dashboards.panels import Ask, Size, bars, figures, lines, named_by_label, rows, stacked_bars
from domain.reasons import Text

WORKERS = """
SELECT
  worker, extract(epoch FROM now() - last_batch_at) AS silent_for_s, measured_lag_s, received_lag_s, queue_messages,
  stored, duplicates, conflicts, late, dead
FROM ingest_health ORDER BY worker
"""
SAMPLES = """
SELECT at AS time, worker, {columns} FROM ingest_rate WHERE $__timeFilter(at) ORDER BY at
"""
RATES = """
SELECT
  date_bin(interval '1 minute', at, timestamptz 'epoch') AS time, sum(messages_per_s) AS messages_per_s,
  sum(stored_per_s) AS stored_per_s, sum(duplicates_per_s) AS duplicates_per_s, sum(late_per_s) AS late_per_s,
  sum(conflicts_per_s) AS conflicts_per_s, sum(dead_per_s) AS dead_per_s
FROM ingest_rate WHERE $__timeFilter(at) GROUP BY 1 ORDER BY 1
"""
DEAD_OVER_TIME = """
SELECT
  date_bin(greatest($__interval_ms, 60000) * interval '1 ms', received_at, timestamptz 'epoch') AS time, reason,
  count(*) AS letters
FROM dead_letter_seen WHERE $__timeFilter(received_at) GROUP BY 1, 2 ORDER BY 1
"""
DEAD_IN_ALL = "SELECT reason, sum(count)::bigint AS count FROM ingest_reject GROUP BY reason ORDER BY 2 DESC"
JOBS = "SELECT reason, sum(jobs)::bigint AS jobs FROM device_job_load GROUP BY reason ORDER BY 2 DESC"
SILENT = """
SELECT opened_at, sensor, reason, home, building, substation, station, ticket
FROM device_job_open WHERE reason IN ('silent', 'clock') ORDER BY opened_at DESC LIMIT 200
"""
SILENT_BY_STATION = """
SELECT coalesce(station, '–') AS station, jobs FROM device_job_load WHERE reason = 'silent' ORDER BY jobs DESC
"""
NOTICES = """
SELECT audience, channel, waiting, retrying, waiting_since, failed, sent_in_a_day, last_sent_at
FROM notice_health ORDER BY failed DESC, waiting_since
"""
LEDGER = "SELECT to_char(open_from, 'YYYY-MM-DD') AS open_from, counted_to FROM ledger_health"


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    text = Text("消息是否都已收到并入库。", "Reception and storage of all messages.")
    board = frame(look, INGEST, "30s", "6h", text)
    return fill(board, [*_flow(look), *_refused(look), *_sensors(look)])


def _flow(look: Look) -> list[Any]:
    worker = (
        "worker", "silent_for_s", "measured_lag_s", "received_lag_s", "queue_messages", "stored", "duplicates",
        "conflicts", "late", "dead",
    )  # fmt: skip
    rate = (
        "time", "messages_per_s", "stored_per_s", "duplicates_per_s", "late_per_s", "conflicts_per_s", "dead_per_s",
    )  # fmt: skip
    return [
        rows(look, Text("接入进程", "Workers"), Ask(WORKERS, worker), Size(18, 6)),
        figures(look, Text("台账", "Ledger"), Ask(LEDGER, ("open_from", "counted_to")), Size(6, 6)),
        lines(look, Text("每秒", "Per second"), [Ask(RATES, rate)], Size(12, 9)),
        _by_worker(look, Text("延迟（距测量）", "Lag since measurement"), "measured_lag_s", Size(6, 9)),
        _by_worker(look, Text("排队消息", "Queue"), "queue_messages", Size(6, 9)),
    ]


def _by_worker(look: Look, title: Text, name: str, size: Size) -> Any:
    ask = Ask(SAMPLES.format(columns=name), ("time", "worker", name))
    panel = lines(look, title, [ask], size, split="worker")
    return panel.override_by_name(*named_by_label(name, "worker"))


def _refused(look: Look) -> list[Any]:
    letters = Ask(DEAD_OVER_TIME, ("time", "reason", "letters"))
    over_time = stacked_bars(
        look, Text("死信（按原因）", "Dead letters by reason"), [letters], Size(16, 9), split="reason"
    )
    return [
        over_time.override_by_name(*named_by_label("letters", "reason")),
        bars(look, Text("死信总数", "Dead letters, total"), Ask(DEAD_IN_ALL, ("reason", "count")), Size(8, 9)),
    ]


def _sensors(look: Look) -> list[Any]:
    silent = ("opened_at", "sensor", "reason", "home", "building", "substation", "station", "ticket")
    notice = (
        "audience", "channel", "waiting", "retrying", "waiting_since", "failed", "sent_in_a_day", "last_sent_at",
    )  # fmt: skip
    return [
        bars(look, Text("设备工单", "Device jobs"), Ask(JOBS, ("reason", "jobs")), Size(6, 11)),
        bars(
            look,
            Text("各站无数据传感器", "Silent sensors by station"),
            Ask(SILENT_BY_STATION, ("station", "jobs")),
            Size(6, 11),
        ),
        rows(
            look,
            Text("无数据或时钟不准的传感器", "Sensors that are silent or have a wrong clock"),
            Ask(SILENT, silent),
            Size(12, 11),
        ),
        rows(look, Text("通知发送", "Notices"), Ask(NOTICES, notice), Size(24, 7)),
    ]

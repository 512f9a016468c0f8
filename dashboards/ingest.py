"""The dashboard of data ingest: rates, lag, rejections, silent sensors, pending notices."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.frame import Section, fill, frame
from dashboards.grid import Size
from dashboards.links import INGEST
from dashboards.look import Look
from dashboards.panels import Ask, bars, figures, lines, named_by_label, stacked_bars, trend
from dashboards.tables import rows
from dashboards.words import titles
from dashboards.words.columns import REASONS, said
from domain.words.text import Text

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
STORED = """
SELECT date_bin(interval '15 minutes', at, timestamptz 'epoch') AS time, avg(stored_per_s) AS stored_per_s
FROM (SELECT at, sum(stored_per_s) AS stored_per_s FROM ingest_rate WHERE $__timeFilter(at) GROUP BY at) AS x
GROUP BY 1 ORDER BY 1
"""
DEAD_OVER_TIME = """
SELECT
  date_bin(greatest($__interval_ms, 60000) * interval '1 ms', received_at, timestamptz 'epoch') AS time,
  {reason} AS reason,
  count(*) AS letters
FROM dead_letter_seen WHERE $__timeFilter(received_at) GROUP BY 1, 2 ORDER BY 1
"""
DEAD_IN_ALL = "SELECT reason, sum(count)::bigint AS count FROM ingest_reject GROUP BY reason ORDER BY 2 DESC"
JOBS = "SELECT reason, sum(jobs)::bigint AS jobs FROM device_job_load GROUP BY reason ORDER BY 2 DESC"
SILENT = """
SELECT sensor, reason, opened_at, home, station, ticket, building, substation
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
    board = frame(look, INGEST, "30s", "6h", titles.INGEST_ABOUT)
    return fill(
        look,
        board,
        _flow(look),
        Section(titles.DEAD_LETTERS, _refused(look)),
        Section(titles.SENSORS, _sensors(look)),
        Section(titles.NOTICES, _notices(look)),
    )


def _flow(look: Look) -> list[Any]:
    worker = (
        "worker", "silent_for_s", "measured_lag_s", "received_lag_s", "queue_messages", "stored", "duplicates",
        "conflicts", "late", "dead",
    )  # fmt: skip
    rate = (
        "time", "messages_per_s", "stored_per_s", "duplicates_per_s", "late_per_s", "conflicts_per_s", "dead_per_s",
    )  # fmt: skip
    return [
        rows(look, titles.WORKERS, Ask(WORKERS, worker), Size(24, 6), titles.NO_WORKER_YET),
        trend(
            look,
            titles.STORED_PER_SECOND_LAST_24_HOURS,
            Ask(STORED, ("time", "stored_per_s")),
            Size(12, 4),
            "24h",
        ),
        figures(look, titles.LEDGER, Ask(LEDGER, ("open_from", "counted_to")), Size(12, 4)),
        lines(look, titles.PER_SECOND, [Ask(RATES, rate)], Size(12, 9)),
        _by_worker(look, titles.LAG_SINCE_MEASUREMENT, "measured_lag_s", Size(6, 9)),
        _by_worker(look, titles.QUEUE, "queue_messages", Size(6, 9)),
    ]


def _by_worker(look: Look, title: Text, name: str, size: Size) -> Any:
    ask = Ask(SAMPLES.format(columns=name), ("time", "worker", name))
    panel = lines(look, title, [ask], size, split="worker")
    return panel.override_by_name(*named_by_label(name, "worker"))


def _refused(look: Look) -> list[Any]:
    asked = DEAD_OVER_TIME.format(reason=said(look, "reason", REASONS))
    letters = Ask(asked, ("time", "reason", "letters"))
    over_time = stacked_bars(look, titles.DEAD_LETTERS_BY_REASON, [letters], Size(16, 9), split="reason")
    return [
        over_time.override_by_name(*named_by_label("letters", "reason")),
        bars(look, titles.DEAD_LETTERS_TOTAL, Ask(DEAD_IN_ALL, ("reason", "count")), Size(8, 9)),
    ]


def _sensors(look: Look) -> list[Any]:
    silent = ("sensor", "reason", "opened_at", "home", "station", "ticket", "building", "substation")
    return [
        bars(look, titles.DEVICE_JOBS, Ask(JOBS, ("reason", "jobs")), Size(12, 8)),
        bars(look, titles.SILENT_SENSORS_BY_STATION, Ask(SILENT_BY_STATION, ("station", "jobs")), Size(12, 8)),
        rows(look, titles.SILENT_OR_WRONG_CLOCK, Ask(SILENT, silent, ("building", "substation")), Size(24, 10)),
    ]


def _notices(look: Look) -> list[Any]:
    notice = (
        "audience", "channel", "waiting", "retrying", "waiting_since", "failed", "sent_in_a_day", "last_sent_at",
    )  # fmt: skip
    return [rows(look, titles.NOTICES_SENT, Ask(NOTICES, notice), Size(24, 7), titles.NO_NOTICE_YET)]

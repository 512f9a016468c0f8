"""The dashboard of key figures by month and season, for the company and per station, with denominators."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.frame import STATION, choice, fill, frame
from dashboards.links import KPI
from dashboards.look import Look
from dashboards.panels import Ask, Size, figures, lines, named_by_label, rows
from domain.reasons import Text

MONTHS = """
SELECT to_char(month, 'YYYY-MM-DD') AS __value, to_char(month, 'YYYY-MM') AS __text
FROM kpi_heat_month WHERE station IS NULL ORDER BY month DESC
"""
# A season takes twelve months from its first one; months outside the heating season have nothing to count.
SEASONS = """
SELECT x.first AS __value, x.name AS __text FROM (VALUES {seasons}) AS x (first, name) ORDER BY x.first DESC
"""
IN_MONTH = "month = ${month:sqlstring}::date"
IN_SEASON = """
month >= ${season:sqlstring}::date AND month < ${season:sqlstring}::date + interval '1 year'
"""
OF_STATIONS = "station IN (${station:sqlstring})"
HEAT = "rate_by_time, rate_by_homes, qualified_homes, judged_homes, homes, coverage, kelvin_hours"
COMPANY = f"SELECT {HEAT} FROM kpi_heat_month WHERE {IN_MONTH} AND station IS NULL"
STATIONS = f"""
SELECT station, {HEAT} FROM kpi_heat_month WHERE {IN_MONTH} AND {OF_STATIONS} ORDER BY rate_by_time NULLS LAST
"""
SEASON = f"""
SELECT
  coalesce(station, '*') AS station,
  sum(compliant_s) / nullif(sum(compliant_s + cold_s + severe_s), 0) AS rate_by_time,
  sum(compliant_s + cold_s + severe_s) / 3600 AS judged_hours,
  sum(compliant_s + cold_s + severe_s) / nullif(sum(compliant_s + cold_s + severe_s + unknown_s), 0) AS coverage,
  sum(kelvin_hours) AS kelvin_hours
FROM kpi_heat_month WHERE {IN_SEASON} AND (station IS NULL OR {OF_STATIONS})
GROUP BY station ORDER BY rate_by_time NULLS LAST
"""
OVER_MONTHS = f"""
SELECT month::timestamp AT TIME ZONE 'zone' AS time, coalesce(station, '*') AS station, rate_by_time
FROM kpi_heat_month WHERE month BETWEEN $__timeFrom()::timestamptz::date - 31 AND $__timeTo()::timestamptz::date
  AND (station IS NULL OR {OF_STATIONS})
ORDER BY month
"""
CLOCKS = f"""
SELECT
  coalesce(station, '*') AS station, class, name AS clock, rate AS in_time_rate, in_time, late, unmet, due, median_s
FROM kpi_clock_month WHERE {IN_MONTH} AND (station IS NULL OR {OF_STATIONS})
ORDER BY station NULLS FIRST, class, name
"""
CASES = f"""
SELECT
  coalesce(station, '*') AS station, class, received, closed, closure, closure_in_time, answered, overdue, waiting
FROM kpi_case_month WHERE {IN_MONTH} AND (station IS NULL OR {OF_STATIONS}) ORDER BY station NULLS FIRST, class
"""
DESK = f"""
SELECT
  coalesce(station, '*') AS station, tickets, closed, called_back,
  called_back::numeric / nullif(closed, 0) AS called_back_rate, satisfaction, satisfied, asked, flags, recovered,
  warm_median_s, merged, void
FROM kpi_desk_month WHERE {IN_MONTH} AND (station IS NULL OR {OF_STATIONS}) ORDER BY station NULLS FIRST
"""


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    text = Text("按月与供热期统计；* 为全公司。", "By month and by season; * is the whole company.")
    board = frame(look, KPI, "5m", "1y", text)
    board.with_variable(choice(look, "station", STATION, many=True))
    board.with_variable(choice(look, "month", MONTHS)).with_variable(choice(look, "season", _seasons(look)))
    return fill(board, [*_heat(look), *_work(look)])


def _seasons(look: Look) -> str:
    known = [(season.first.replace(day=1), season.first, season.end) for season in look.policy.seasons]
    return SEASONS.format(seasons=", ".join(f"('{first}', '{start} – {end}')" for first, start, end in known))


def _heat(look: Look) -> list[Any]:
    heat = tuple(HEAT.split(", "))
    season = ("station", "rate_by_time", "judged_hours", "coverage", "kelvin_hours")
    months = Ask(OVER_MONTHS.replace("'zone'", f"'{look.zone}'"), ("time", "station", "rate_by_time"))
    by_month = lines(look, Text("各月室温合格率", "Qualified rate by month"), [months], Size(24, 9), split="station")
    return [
        figures(look, Text("本月：全公司", "Month: company"), Ask(COMPANY, heat), Size(24, 4)),
        rows(look, Text("本月：各供热站", "Month: by station"), Ask(STATIONS, ("station", *heat)), Size(14, 10)),
        rows(look, Text("供热期", "Season"), Ask(SEASON, season), Size(10, 10)),
        by_month.override_by_name(*named_by_label("rate_by_time", "station")).unit("percentunit").max(1),
    ]


def _work(look: Look) -> list[Any]:
    clock = ("station", "class", "clock", "in_time_rate", "in_time", "late", "unmet", "due", "median_s")
    case = ("station", "class", "received", "closed", "closure", "closure_in_time", "answered", "overdue", "waiting")
    desk = (
        "station", "tickets", "closed", "called_back", "called_back_rate", "satisfaction", "satisfied", "asked",
        "flags", "recovered", "warm_median_s", "merged", "void",
    )  # fmt: skip
    return [
        rows(look, Text("处理及时率", "Handled on time"), Ask(CLOCKS, clock), Size(24, 11)),
        rows(look, Text("投诉与举报", "Complaints and reports"), Ask(CASES, case), Size(12, 9)),
        rows(look, Text("工单与回访", "Tickets and call-backs"), Ask(DESK, desk), Size(12, 9)),
    ]

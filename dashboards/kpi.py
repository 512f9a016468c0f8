"""The dashboard of key figures by month and season, for the company and per station, with denominators."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.frame import STATION, Section, choice, fill, frame
from dashboards.grid import Size
from dashboards.links import KPI
from dashboards.look import Look
from dashboards.panels import Ask, figures, lines, named_by_label, over
from dashboards.tables import rows
from dashboards.words import titles

MONTHS = """
SELECT to_char(month, 'YYYY-MM-DD') AS __value, to_char(month, 'YYYY-MM') AS __text
FROM kpi_heat_month WHERE station IS NULL ORDER BY month DESC
"""
# A season is from July to June; those that have months are offered, whatever the policy's list of seasons says.
SEASONS = """
SELECT DISTINCT
  to_char(x.first, 'YYYY-MM-DD') AS __value,
  to_char(x.first, 'YYYY') || '–' || to_char(x.first + interval '1 year', 'YYYY') AS __text
FROM (
  SELECT date_trunc('year', month - interval '6 months') + interval '6 months' AS first
  FROM kpi_heat_month WHERE station IS NULL
) AS x
ORDER BY 1 DESC
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
PROOF_COLUMNS = (
    "station", "homes", "measured", "warm", "proven", "by_homes", "by_homes_low", "by_homes_high", "by_time",
    "by_time_low", "by_time_high",
)  # fmt: skip
PROOF = f"""
SELECT
  coalesce(station, '{{company}}') AS station, homes, measured, warm, proven, by_homes, by_homes_low, by_homes_high,
  by_time, by_time_low, by_time_high
FROM kpi_proof_month WHERE {IN_MONTH} AND (station IS NULL OR {OF_STATIONS}) ORDER BY station NULLS FIRST
"""
SEASON = f"""
SELECT
  coalesce(station, '{{company}}') AS station,
  sum(compliant_s) / nullif(sum(compliant_s + cold_s + severe_s), 0) AS rate_by_time,
  sum(compliant_s + cold_s + severe_s) / 3600 AS judged_hours,
  sum(compliant_s + cold_s + severe_s) / nullif(sum(compliant_s + cold_s + severe_s + unknown_s), 0) AS coverage,
  sum(kelvin_hours) AS kelvin_hours
FROM kpi_heat_month WHERE {IN_SEASON} AND (station IS NULL OR {OF_STATIONS})
GROUP BY station ORDER BY rate_by_time NULLS LAST
"""
OVER_MONTHS = f"""
SELECT month::timestamp AT TIME ZONE '{{zone}}' AS time, coalesce(station, '{{company}}') AS station, rate_by_time
FROM kpi_heat_month WHERE month BETWEEN $__timeFrom()::timestamptz::date - 31 AND $__timeTo()::timestamptz::date
  AND (station IS NULL OR {OF_STATIONS})
ORDER BY month
"""
CLOCKS = f"""
SELECT
  coalesce(station, '{{company}}') AS station, class, name AS clock, rate AS in_time_rate, in_time, late, unmet, due,
  median_s
FROM kpi_clock_month WHERE {IN_MONTH} AND (station IS NULL OR {OF_STATIONS})
ORDER BY station NULLS FIRST, class, name
"""
CASES = f"""
SELECT
  coalesce(station, '{{company}}') AS station, class, received, closed, closure, closure_in_time, answered, overdue,
  waiting
FROM kpi_case_month WHERE {IN_MONTH} AND (station IS NULL OR {OF_STATIONS}) ORDER BY station NULLS FIRST, class
"""
DESK = f"""
SELECT
  coalesce(station, '{{company}}') AS station, tickets, closed, called_back,
  called_back::numeric / nullif(closed, 0) AS called_back_rate, satisfaction, satisfied, asked, flags, recovered,
  warm_median_s, merged, void
FROM kpi_desk_month WHERE {IN_MONTH} AND (station IS NULL OR {OF_STATIONS}) ORDER BY station NULLS FIRST
"""


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    board = frame(look, KPI, "5m", "1y", titles.KPI_ABOUT)
    board.with_variable(choice(look, "station", STATION, many=True))
    board.with_variable(choice(look, "month", MONTHS)).with_variable(choice(look, "season", SEASONS))
    return fill(
        look,
        board,
        _month(look),
        Section(titles.SEASON, _season(look)),
        Section(titles.TICKETS_OF_THE_MONTH, _work(look)),
    )


def _ask(look: Look, sql: str, columns: tuple[str, ...]) -> Ask:
    """Put the name of the whole company, and the zone, into a statement."""
    return Ask(sql.replace("{company}", look.say(titles.COMPANY_NAME)).replace("{zone}", look.zone), columns)


def _month(look: Look) -> list[Any]:
    heat = tuple(HEAT.split(", "))
    stations = Ask(STATIONS, ("station", *heat))
    return [
        figures(look, titles.MONTH_COMPANY, Ask(COMPANY, heat), Size(24, 4)),
        rows(look, titles.MONTH_BY_STATION, stations, Size(24, 9), titles.NO_DATA_IN_THIS_MONTH),
        rows(look, titles.PROVEN, _ask(look, PROOF, PROOF_COLUMNS), Size(24, 7), titles.NO_DATA_IN_THIS_MONTH),
    ]


def _season(look: Look) -> list[Any]:
    season = ("station", "rate_by_time", "judged_hours", "coverage", "kelvin_hours")
    months = _ask(look, OVER_MONTHS, ("time", "station", "rate_by_time"))
    by_month = over(lines(look, titles.QUALIFIED_RATE_BY_MONTH_LAST_YEAR, [months], Size(12, 9), split="station"), "1y")
    return [
        rows(look, titles.SEASON_BY_STATION, _ask(look, SEASON, season), Size(12, 9), titles.NO_DATA_IN_THIS_SEASON),
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
        rows(look, titles.HANDLED_ON_TIME, _ask(look, CLOCKS, clock), Size(24, 10), titles.NONE_IN_THIS_MONTH),
        rows(look, titles.COMPLAINTS_AND_REPORTS, _ask(look, CASES, case), Size(24, 7), titles.NONE_IN_THIS_MONTH),
        rows(look, titles.TICKETS_AND_CALL_BACKS, _ask(look, DESK, desk), Size(24, 8), titles.NONE_IN_THIS_MONTH),
    ]

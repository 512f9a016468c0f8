"""The dashboard of forecasts: how they came out, of which networks they are shown, and what became of warnings."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.frame import STATION, Section, choice, fill, frame
from dashboards.grid import Size
from dashboards.links import FORESIGHT
from dashboards.look import Look
from dashboards.panels import Ask, figures, lines
from dashboards.tables import rows
from dashboards.words import titles

OF_STATIONS = "station IN (${station:sqlstring})"
OF_DAYS = "day >= $__timeFrom()::timestamptz::date AND day <= $__timeTo()::timestamptz::date"
SCORES = """
  1 - sum(brier) / nullif(sum(brier_persistence), 0) AS brier_skill,
  sum(hits)::double precision / nullif(sum(events), 0) AS warned_rate,
  sum(hits)::double precision / nullif(sum(hits + false_warnings), 0) AS true_rate,
  sum(events)::bigint AS cold_forecasts, sum(pairs)::bigint AS forecasts
"""
TOTAL = f"SELECT {SCORES} FROM foresight_score_day WHERE horizon_h = 6 AND {OF_STATIONS} AND {OF_DAYS}"
NETWORKS = f"""
SELECT station, substation, CASE WHEN bool_or(shown) THEN 'on' ELSE 'off' END AS forecasting, {SCORES}
FROM foresight_score_day WHERE horizon_h = 6 AND {OF_STATIONS} AND {OF_DAYS}
GROUP BY station, substation ORDER BY brier_skill NULLS LAST
"""
ERRORS = f"""
SELECT
  lead_h, sum(error) / sum(pairs) AS error_k, sum(error_persistence) / sum(pairs) AS persistence_k,
  sum(covered)::double precision / sum(pairs) AS covered_rate, sum(pairs)::bigint AS forecasts
FROM foresight_error_day WHERE {OF_STATIONS} AND {OF_DAYS}
GROUP BY lead_h ORDER BY lead_h
"""
RELIABILITY = f"""
SELECT
  sum(x.said) / nullif(sum(x.pairs), 0) AS said_rate, sum(x.came) / nullif(sum(x.pairs), 0) AS came_rate,
  sum(x.pairs)::bigint AS forecasts
FROM foresight_score_day AS s
CROSS JOIN generate_series(1, 10) AS tenth
CROSS JOIN LATERAL (
  SELECT s.bins[3 * tenth - 2] AS pairs, s.bins[3 * tenth - 1] AS came, s.bins[3 * tenth] AS said
) AS x
WHERE s.horizon_h = 6 AND {OF_STATIONS} AND {OF_DAYS}
GROUP BY tenth HAVING sum(x.pairs) > 0 ORDER BY tenth
"""
SKILL = f"""
SELECT
  day::timestamp AT TIME ZONE '{{zone}}' AS time, 1 - sum(brier) / nullif(sum(brier_persistence), 0) AS brier_skill
FROM foresight_score_day WHERE horizon_h = 6 AND {OF_STATIONS} AND {OF_DAYS} GROUP BY day ORDER BY day
"""
WARNINGS = f"""
SELECT
  day, station, count(*) AS warned, count(visited_at) AS visited, count(cold_since) AS became_cold,
  count(*) FILTER (WHERE cold_since IS NOT NULL AND visited_at IS NULL) AS not_helped
FROM foresight_warned WHERE {OF_STATIONS} AND {OF_DAYS} GROUP BY day, station ORDER BY day DESC, station
"""
SIGNS = f"""
SELECT substation, station, quantity, value AS late_value, usual AS usual_value, deviations, since
FROM substation_sign_now WHERE {OF_STATIONS} ORDER BY abs(deviations) DESC, substation
"""


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    board = frame(look, FORESIGHT, "15m", "7d", titles.FORESIGHT_ABOUT)
    board.with_variable(choice(look, "station", STATION, many=True))
    warnings = Section(titles.FORESIGHT_WARNINGS, _warnings(look))
    return fill(look, board, _chances(look), warnings, Section(titles.EARLY_SIGNS, _signs(look)))


def _chances(look: Look) -> list[Any]:
    score = ("brier_skill", "warned_rate", "true_rate", "cold_forecasts", "forecasts")
    skill = Ask(SKILL.replace("{zone}", look.zone), ("time", "brier_skill"))
    error = Ask(ERRORS, ("lead_h", "error_k", "persistence_k", "covered_rate", "forecasts"))
    reliable = Ask(RELIABILITY, ("said_rate", "came_rate", "forecasts"))
    networks = Ask(NETWORKS, ("station", "substation", "forecasting", *score))
    return [
        figures(look, titles.FORESIGHT_SCORE, Ask(TOTAL, score), Size(24, 4)),
        lines(look, titles.FORESIGHT_SKILL, [skill], Size(12, 9)),
        rows(look, titles.FORESIGHT_RELIABILITY, reliable, Size(12, 9)),
        rows(look, titles.FORESIGHT_ERRORS, error, Size(24, 9)),
        rows(look, titles.FORESIGHT_NETWORKS, networks, Size(24, 9)),
    ]


def _warnings(look: Look) -> list[Any]:
    columns = ("day", "station", "warned", "visited", "became_cold", "not_helped")
    return [rows(look, titles.FORESIGHT_BECAME, Ask(WARNINGS, columns), Size(24, 9))]


def _signs(look: Look) -> list[Any]:
    columns = ("substation", "station", "quantity", "late_value", "usual_value", "deviations", "since")
    return [rows(look, titles.EARLY_SIGNS, Ask(SIGNS, columns), Size(24, 9))]

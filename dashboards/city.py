"""The dashboard of the city: cold homes on the map and in numbers."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.alert_state import alert_list
from dashboards.city_map import HERE, map_panels
from dashboards.frame import STATION, Section, choice, fill, frame
from dashboards.grid import Size
from dashboards.links import CITY
from dashboards.look import Look
from dashboards.panels import Ask, bars, figures, trend
from dashboards.tables import rows
from dashboards.words import titles

STATES = f"""
SELECT
  sum(homes)::bigint AS homes, sum(compliant)::bigint AS compliant, sum(cold)::bigint AS cold,
  sum(severe)::bigint AS severe, sum(unknown)::bigint AS unknown, sum(not_judged)::bigint AS not_judged
FROM building_now WHERE {HERE}
"""
# Unknown time does not count in the rate; coverage shows it beside.
RATE = """
  sum(compliant_s) / nullif(sum(compliant_s + cold_s + severe_s), 0) AS rate,
  sum(compliant_s + cold_s + severe_s) / nullif(sum(compliant_s + cold_s + severe_s + unknown_s), 0) AS coverage,
  sum(compliant_s + cold_s + severe_s) / 3600 AS judged_hours
"""
TODAY = f"SELECT {RATE} FROM building_now WHERE {HERE}"
# How many flags were open at each half hour.
COLD_OVER_TIME = f"""
WITH step AS (
  SELECT date_bin(interval '30 minutes', x.at, timestamptz 'epoch') AS at, x.by
  FROM flag_all AS f
  CROSS JOIN LATERAL (
    VALUES (greatest(f.cold_since, $__timeFrom()::timestamptz), 1), (f.cleared_at, -1)
  ) AS x (at, by)
  WHERE f.cold_since <= $__timeTo()::timestamptz
    AND (f.cleared_at IS NULL OR f.cleared_at >= $__timeFrom()::timestamptz) AND f.{HERE}
    AND x.at <= $__timeTo()::timestamptz
  UNION ALL
  SELECT x, 0
  FROM generate_series(
    date_bin(interval '30 minutes', $__timeFrom()::timestamptz, timestamptz 'epoch'),
    least($__timeTo()::timestamptz, now()), interval '30 minutes'
  ) AS x
)
SELECT at AS time, sum(sum(by)) OVER (ORDER BY at)::integer AS cold_homes FROM step GROUP BY at ORDER BY at
"""
TICKETS = f"""
SELECT class, count(*) AS tickets FROM ticket_all
WHERE state <> 'closed' AND ({HERE} OR station IS NULL) GROUP BY class ORDER BY 2 DESC
"""
STATIONS = f"""
SELECT
  station, sum(homes)::bigint AS homes, sum(cold)::bigint AS cold, sum(severe)::bigint AS severe,
  sum(unknown)::bigint AS unknown, min(coldest) AS coldest, {RATE}
FROM building_now WHERE {HERE} GROUP BY station ORDER BY rate NULLS LAST
"""
COLDEST_BUILDINGS = f"""
SELECT
  code AS building, name, address, substation, station, coldest, mean, cold + severe AS cold_homes, unknown, homes
FROM building_now WHERE {HERE} AND coldest IS NOT NULL ORDER BY coldest LIMIT 30
"""
# The 30 coldest homes lie in the 30 coldest buildings, so only those are searched.
COLDEST_HOMES = f"""
SELECT h.code AS home, h.temperature, f.cold_since, f.ticket, h.building, h.substation
FROM (
  SELECT n.code, n.temperature, n.building, n.substation
  FROM (SELECT code FROM building_now WHERE {HERE} AND coldest IS NOT NULL ORDER BY coldest LIMIT 30) AS b
  CROSS JOIN LATERAL (
    SELECT * FROM home_now WHERE building = b.code AND temperature IS NOT NULL AND state <> 'not_judged'
  ) AS n
  ORDER BY n.temperature LIMIT 30
) AS h
LEFT JOIN LATERAL (SELECT cold_since, ticket FROM flag_open WHERE home = h.code) AS f ON true
ORDER BY h.temperature
"""
NEWEST_FLAGS = f"""
SELECT raised_at, severity, home, lowest, building, substation, station, ticket
FROM flag_open WHERE {HERE} ORDER BY raised_at DESC LIMIT 50
"""
ALARMS = f"""
SELECT substation, station, kind AS alarm, since, raised_at FROM substation_alarm_open WHERE {HERE} ORDER BY raised_at
"""
AREAS = """
SELECT area, state AS area_state, name, since, homes, number, ticket FROM area_open
WHERE stations && ARRAY[${station:sqlstring}]::text[] ORDER BY since
"""


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    board = frame(look, CITY, "30s", "6h", titles.CITY_ABOUT)
    board.with_variable(choice(look, "station", STATION, many=True))
    return fill(
        look,
        board,
        [*_figures(look), *map_panels(look), *_beside(look)],
        Section(titles.STATIONS_AND_ALARMS, _stations(look)),
        Section(titles.BUILDINGS_AND_FLAGS, _buildings(look)),
    )


def _figures(look: Look) -> list[Any]:
    states = ("homes", "compliant", "cold", "severe", "unknown", "not_judged")
    today = ("rate", "coverage", "judged_hours")
    return [
        figures(look, titles.HOMES_BY_STATE, Ask(STATES, states), Size(12, 4)),
        trend(look, titles.COLD_HOMES_LAST_24_HOURS, Ask(COLD_OVER_TIME, ("time", "cold_homes")), Size(5, 4), "24h"),
        figures(look, titles.QUALIFIED_RATE_TODAY, Ask(TODAY, today), Size(7, 4)),
    ]


def _beside(look: Look) -> list[Any]:
    area = ("area_state", "name", "since", "homes", "area", "number", "ticket")
    home = ("home", "temperature", "cold_since", "ticket", "building", "substation")
    return [
        rows(
            look,
            titles.INCIDENTS_AND_OUTAGES,
            Ask(AREAS, area, ("area", "number", "ticket")),
            Size(10, 7),
            titles.NO_INCIDENT_OR_OUTAGE,
        ),
        rows(
            look,
            titles.COLDEST_HOMES,
            Ask(COLDEST_HOMES, home, ("building", "substation")),
            Size(10, 15),
            titles.NO_TEMPERATURES,
        ),
    ]


def _stations(look: Look) -> list[Any]:
    station = ("station", "homes", "cold", "severe", "unknown", "coldest", "rate", "coverage", "judged_hours")
    alarm = ("substation", "station", "alarm", "since", "raised_at")
    return [
        rows(look, titles.BY_STATION, Ask(STATIONS, station), Size(17, 9)),
        bars(look, titles.OPEN_TICKETS, Ask(TICKETS, ("class", "tickets")), Size(7, 9), titles.NONE_OPEN),
        rows(look, titles.SUBSTATION_ALARMS, Ask(ALARMS, alarm), Size(14, 7), titles.NO_ALARM),
        alert_list(look, Size(10, 7)),
    ]


def _buildings(look: Look) -> list[Any]:
    building = (
        "building", "name", "address", "coldest", "mean", "cold_homes", "unknown", "homes", "station", "substation",
    )  # fmt: skip
    newest = ("raised_at", "severity", "home", "lowest", "building", "substation", "station", "ticket")
    return [
        rows(look, titles.COLDEST_BUILDINGS, Ask(COLDEST_BUILDINGS, building), Size(24, 10)),
        rows(look, titles.NEWEST_FLAGS, Ask(NEWEST_FLAGS, newest), Size(24, 10), titles.NO_FLAG_OPEN),
    ]

"""The dashboard of a substation: supply data and temperatures of the homes it supplies."""

from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards import links
from dashboards.frame import STATION, SUBSTATION, Section, choice, fill, frame, out_of_table
from dashboards.grid import Size
from dashboards.look import Look
from dashboards.panels import Ask, figures, lines, trend
from dashboards.series import FLAGS_OVER_TIME, holds, with_gaps
from dashboards.tables import rows
from dashboards.words import titles
from domain.words.text import Text

CHOSEN = "substation = ${substation:sqlstring}"
NOW = """
SELECT
  supply_temperature, return_temperature, outdoor_temperature, supply_pressure, return_pressure, flow, heat_power,
  measured_at
FROM substation_now WHERE code = ${substation:sqlstring}
"""
HOMES = f"""
SELECT
  sum(homes)::bigint AS homes, sum(compliant)::bigint AS compliant, sum(cold)::bigint AS cold,
  sum(severe)::bigint AS severe, sum(unknown)::bigint AS unknown, min(coldest) AS coldest
FROM building_now WHERE {CHOSEN}
"""
# Several sensors may share the channels: their readings within a step make one sample.
SAMPLES = """
SELECT
  date_bin($__interval_ms * interval '1 ms', measured_at, timestamptz 'epoch') AS time,
  greatest(max(interval_s) * {holds:g} * interval '1 s', 2 * $__interval_ms * interval '1 ms') AS hold, {averages}
FROM substation_history
WHERE substation = ${{substation:sqlstring}} AND $__timeFilter(measured_at)
GROUP BY 1
"""
BUILDINGS = f"""
SELECT name, code AS building, coldest, mean, cold + severe AS cold_homes, unknown, homes, substation
FROM building_now WHERE {CHOSEN} ORDER BY coldest NULLS LAST
"""
COLD_HOMES = f"""
SELECT code AS home, state, temperature, state_since, building, substation
FROM home_now WHERE {CHOSEN} AND state IN ('cold', 'severe', 'unknown') ORDER BY temperature NULLS LAST LIMIT 200
"""
ALARMS = f"SELECT kind AS alarm, since, raised_at FROM substation_alarm_open WHERE {CHOSEN} ORDER BY raised_at"


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    board = frame(look, links.SUBSTATION, "1m", "24h", titles.SUBSTATION_ABOUT)
    board.with_variable(choice(look, "station", STATION, many=True))
    board.with_variable(choice(look, "substation", SUBSTATION))
    board.annotation(out_of_table(look, "''"))
    return fill(
        look,
        board,
        [*_now(look), *_history(look)],
        Section(titles.BUILDINGS_HOMES_AND_ALARMS, _lists(look)),
    )


def channels(look: Look, *names: str) -> str:
    """Build the statement for some channels over time, with gaps where data is missing."""
    averages = ", ".join(f"avg({name}) AS {name}" for name in names)
    return with_gaps(SAMPLES.format(holds=holds(look), averages=averages), names)


def _now(look: Look) -> list[Any]:
    channel = (
        "supply_temperature", "return_temperature", "outdoor_temperature", "supply_pressure", "return_pressure", "flow",
        "heat_power", "measured_at",
    )  # fmt: skip
    homes = ("homes", "compliant", "cold", "severe", "unknown", "coldest")
    return [
        figures(look, titles.NOW, Ask(NOW, channel), Size(24, 4)),
        trend(
            look,
            titles.SUPPLY_TEMPERATURE_LAST_24_HOURS,
            Ask(channels(look, "supply_temperature"), ("time", "supply_temperature")),
            Size(8, 4),
            "24h",
        ),
        figures(look, titles.HOMES_SUPPLIED, Ask(HOMES, homes), Size(16, 4)),
    ]


def _history(look: Look) -> list[Any]:
    def over_time(title: Text, *names: str) -> Any:
        return lines(look, title, [Ask(channels(look, *names), ("time", *names))], Size(12, 8))

    return [
        over_time(
            titles.SUPPLY_RETURN_OUTDOOR,
            "supply_temperature",
            "return_temperature",
            "outdoor_temperature",
        ),
        _cold_against_supply(look),
        over_time(titles.PRESSURE, "supply_pressure", "return_pressure"),
        over_time(titles.FLOW_AND_HEAT_POWER, "flow", "heat_power").override_by_name(
            "heat_power", [DynamicConfigValue("custom.axisPlacement", "right")]
        ),
    ]


def _cold_against_supply(look: Look) -> Any:
    asks = [
        Ask(channels(look, "supply_temperature"), ("time", "supply_temperature")),
        Ask(FLAGS_OVER_TIME, ("time", "cold_homes")),
    ]
    panel = lines(look, titles.COLD_HOMES_AND_SUPPLY, asks, Size(12, 8))
    steps = {"lineInterpolation": "stepAfter", "fillOpacity": 20, "axisPlacement": "right"}
    return panel.override_by_name("cold_homes", [DynamicConfigValue(f"custom.{k}", v) for k, v in steps.items()])


def _lists(look: Look) -> list[Any]:
    building = ("name", "building", "coldest", "mean", "cold_homes", "unknown", "homes", "substation")
    home = ("home", "state", "temperature", "state_since", "building", "substation")
    alarm = ("alarm", "since", "raised_at")
    return [
        rows(look, titles.BUILDINGS, Ask(BUILDINGS, building, ("substation",)), Size(13, 10)),
        rows(
            look,
            titles.COLD_AND_UNKNOWN_HOMES,
            Ask(COLD_HOMES, home, ("substation",)),
            Size(11, 10),
            titles.NO_HOME_IS_COLD_OR_UNKNOWN,
        ),
        rows(look, titles.ALARMS, Ask(ALARMS, alarm), Size(24, 6), titles.NO_ALARM),
    ]

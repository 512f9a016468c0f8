"""The map of the city: its buildings by their judged homes, substations, and the areas of incidents and outages."""

from typing import Any

from grafana_foundation_sdk.builders import common, geomap, stat
from grafana_foundation_sdk.models.common import BigValueColorMode, FrameGeometrySourceMode
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue
from grafana_foundation_sdk.models.geomap import TooltipMode

from dashboards.grid import Size
from dashboards.ground import MapView, basemap
from dashboards.look import BLUE, Look
from dashboards.panels import Ask, dress, figures
from dashboards.words import titles
from dashboards.words.columns import map_states
from domain.words.text import Text

HERE = "station IN (${station:sqlstring})"
STATE = """
  CASE
    WHEN severe > 0 THEN 'severe' WHEN cold > 0 THEN 'cold'
    WHEN compliant + unknown = 0 THEN 'not_judged' WHEN unknown > compliant THEN 'unknown' ELSE 'compliant'
  END
"""
# Capped at what a browser can draw, dropping the warmest first; the coldest are drawn last, on top.
BUILDINGS = f"""
SELECT
  b.name AS building_name, b.address, b.map_state, b.coldest, b.cold_homes, b.unknown, b.homes,
  f.ticket || CASE WHEN f.tickets > 1 THEN ' +' || f.tickets - 1 ELSE '' END AS ticket, b.station,
  b.building, b.substation, b.lat, b.lon
FROM (
  SELECT
    code AS building, name, address, substation, station, lat, lon, coldest, cold + severe AS cold_homes, unknown,
    homes, {STATE} AS map_state
  FROM building_now WHERE lat IS NOT NULL AND lon IS NOT NULL AND {HERE}
  ORDER BY cold + severe = 0, coldest LIMIT 5000
) AS b
LEFT JOIN (
  SELECT building, min(ticket) AS ticket, count(DISTINCT ticket) AS tickets FROM flag_open WHERE {HERE}
  GROUP BY building
) AS f USING (building)
ORDER BY b.cold_homes, b.coldest DESC NULLS FIRST
"""
SUBSTATIONS = f"""
SELECT
  s.name, s.station, s.supply_temperature, s.return_temperature, s.measured_at, count(a.kind) AS alarms,
  s.code AS substation, s.lat, s.lon
FROM substation_now AS s LEFT JOIN substation_alarm_open AS a ON a.substation = s.code
WHERE s.lat IS NOT NULL AND s.lon IS NOT NULL AND s.{HERE}
GROUP BY s.name, s.station, s.supply_temperature, s.return_temperature, s.measured_at, s.code, s.lat, s.lon
"""
# A dotted line around the buildings: a map draws points from a query, and no polygons.
AREAS = """
SELECT a.area, a.state AS area_state, a.number, a.name, a.since, a.homes, a.ticket, p[1] AS lat, p[0] AS lon
FROM area_open AS a CROSS JOIN LATERAL unnest(a.outline) AS p
WHERE a.stations && ARRAY[${station:sqlstring}]::text[]
"""
LEGEND = f"""
SELECT
  count(*) FILTER (WHERE map_state = 'severe') AS in_severe, count(*) FILTER (WHERE map_state = 'cold') AS in_cold,
  count(*) FILTER (WHERE map_state = 'compliant') AS in_compliant,
  count(*) FILTER (WHERE map_state = 'unknown') AS in_unknown,
  count(*) FILTER (WHERE map_state = 'not_judged') AS in_not_judged
FROM (SELECT {STATE} AS map_state FROM building_now WHERE {HERE}) AS b
"""
BUILDING_COLUMNS = (
    "building_name", "address", "map_state", "coldest", "cold_homes", "unknown", "homes", "ticket", "station",
    "building", "substation", "lat", "lon",
)  # fmt: skip
SUBSTATION_COLUMNS = (
    "name", "station", "supply_temperature", "return_temperature", "measured_at", "alarms", "substation", "lat", "lon",
)  # fmt: skip
AREA_COLUMNS = ("area", "area_state", "number", "name", "since", "homes", "ticket", "lat", "lon")
LEGEND_COLUMNS = ("in_severe", "in_cold", "in_compliant", "in_unknown", "in_not_judged")
# Needed for places and links, and nothing to read.
BEHIND = ("building", "lat", "lon")
MARKER = "img/icons/marker/circle.svg"
SQUARE = "img/icons/marker/square.svg"
MAP_SIZE = Size(14, 19)
SMALLEST_PX, LARGEST_PX, MOST_COLD = 4, 14, 20  # of a dot without cold homes, and of one with so many or more


def map_panels(look: Look) -> list[Any]:
    """Build the legend, and the map below it."""
    return [_legend(look), _map(look)]


def _legend(look: Look) -> stat.Panel:
    """Count the buildings of each colour beside the map, where the legend covers nothing of it."""
    panel = figures(look, titles.MAP_LEGEND, Ask(LEGEND, LEGEND_COLUMNS), Size(MAP_SIZE.width, 3))
    for name, value in map_states(look).items():
        panel.override_by_name(f"in_{name}", [DynamicConfigValue("displayName", look.say(value.text))])
    return panel.color_mode(BigValueColorMode.BACKGROUND_SOLID)


def _map(look: Look) -> geomap.Panel:
    asks = [Ask(BUILDINGS, BUILDING_COLUMNS), Ask(SUBSTATIONS, SUBSTATION_COLUMNS), Ask(AREAS, AREA_COLUMNS)]
    panel: geomap.Panel = dress(geomap.Panel(), look, titles.MAP_SHOWS, asks, MAP_SIZE)
    for name in BEHIND:
        hidden = {"tooltip": True, "viz": False, "legend": False}
        panel.override_by_name(name, [DynamicConfigValue("custom.hideFrom", hidden)])
    panel.override_by_name("cold_homes", [DynamicConfigValue("min", 0), DynamicConfigValue("max", MOST_COLD)])
    controls = geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(True).show_attribution(True).show_scale(True)
    panel.view(MapView(look.ground)).controls(controls).tooltip(geomap.TooltipOptions().mode(TooltipMode.DETAILS))
    return panel.basemap(basemap(look.ground)).layers(_layers(look))


def _layers(look: Look) -> list[Any]:
    size = {"field": "cold_homes", "fixed": SMALLEST_PX, "min": SMALLEST_PX, "max": LARGEST_PX}
    areas = _markers(look, titles.AREAS, "C", {"field": "area", "fixed": BLUE}, MARKER, _fixed(2))
    return [
        areas,
        _markers(look, titles.SUBSTATIONS, "B", {"fixed": BLUE}, SQUARE, _fixed(4)),
        _markers(look, titles.BUILDINGS, "A", {"field": "map_state", "fixed": "#8e8e8e"}, MARKER, size),
    ]


def _fixed(pixels: int) -> dict[str, Any]:
    return {"fixed": pixels, "min": 2, "max": 15}


def _markers(
    look: Look, name: Text, ref: str, colour: dict[str, str], symbol: str, size: dict[str, Any]
) -> common.MapLayerOptions:
    style = {
        "color": colour,
        "opacity": 0.85,
        "rotation": {"fixed": 0, "max": 360, "min": -360, "mode": "mod"},
        "size": size,
        "symbol": {"fixed": symbol, "mode": "fixed"},
        "symbolAlign": {"horizontal": "center", "vertical": "center"},
    }
    location = common.FrameGeometrySource().mode(FrameGeometrySourceMode.COORDS).latitude("lat").longitude("lon")
    layer = common.MapLayerOptions().type("markers").name(look.say(name)).location(location).tooltip(True)
    return layer.config({"showLegend": False, "style": style}).filter_data({"id": "byRefId", "options": ref})

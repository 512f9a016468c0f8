"""The dashboard of the city: cold homes on the map and in numbers."""

from typing import Any

from grafana_foundation_sdk.builders import common, geomap
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import FrameGeometrySourceMode, MapLayerOptions
from grafana_foundation_sdk.models.geomap import MapCenterID, TooltipMode

from dashboards.frame import STATION, choice, fill, frame
from dashboards.links import CITY
from dashboards.look import BLUE, ORANGE, Look
from dashboards.panels import Ask, Size, bars, dress, figures, rows
from domain.reasons import Text

HERE = "station IN (${station:sqlstring})"
# Capped at what a browser can draw, dropping the warmest first; the coldest are drawn last, on top.
BUILDINGS = f"""
SELECT * FROM (
  SELECT
    code AS building, name, substation, station, lat, lon, coldest, mean, homes, compliant, cold, severe, unknown,
    cold + severe AS cold_homes
  FROM building_now WHERE lat IS NOT NULL AND lon IS NOT NULL AND {HERE}
  ORDER BY cold + severe = 0, coldest LIMIT 5000
) AS b
ORDER BY coldest DESC NULLS FIRST
"""
SUBSTATIONS = f"""
SELECT
  s.code AS substation, s.name, s.station, s.lat, s.lon, s.supply_temperature, s.return_temperature,
  count(a.kind) AS alarms
FROM substation_now AS s LEFT JOIN substation_alarm_open AS a ON a.substation = s.code
WHERE s.lat IS NOT NULL AND s.lon IS NOT NULL AND s.{HERE}
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
INCIDENTS_ON_MAP = f"""
SELECT place, name, kind AS incident_kind, children, still_cold, lat, lon FROM incident_open
WHERE lat IS NOT NULL AND lon IS NOT NULL AND {HERE}
"""
STATES = f"""
SELECT
  sum(homes)::bigint AS homes, sum(compliant)::bigint AS compliant, sum(cold)::bigint AS cold,
  sum(severe)::bigint AS severe, sum(unknown)::bigint AS unknown, sum(not_judged)::bigint AS not_judged,
  sum(flags)::bigint AS flags
FROM building_now WHERE {HERE}
"""
# Unknown time does not count in the rate; coverage shows it beside.
RATE = """
  sum(compliant_s) / nullif(sum(compliant_s + cold_s + severe_s), 0) AS rate,
  sum(compliant_s + cold_s + severe_s) / nullif(sum(compliant_s + cold_s + severe_s + unknown_s), 0) AS coverage,
  sum(compliant_s + cold_s + severe_s) / 3600 AS judged_hours
"""
TODAY = f"SELECT to_char(max(day), 'YYYY-MM-DD') AS day, {RATE} FROM building_now WHERE {HERE}"
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
SELECT code AS building, name, substation, station, coldest, mean, cold + severe AS cold_homes, unknown, homes
FROM building_now WHERE {HERE} AND coldest IS NOT NULL ORDER BY coldest LIMIT 30
"""
# The 30 coldest homes lie in the 30 coldest buildings, so only those are searched.
COLDEST_HOMES = f"""
SELECT
  h.code AS home, h.building, h.substation, h.station, h.temperature, h.state, h.measured_at, f.cold_since, f.ticket
FROM (
  SELECT code FROM building_now WHERE {HERE} AND coldest IS NOT NULL ORDER BY coldest LIMIT 30
) AS b
CROSS JOIN LATERAL (SELECT * FROM home_now WHERE building = b.code AND temperature IS NOT NULL) AS h
LEFT JOIN LATERAL (SELECT cold_since, ticket FROM flag_open WHERE home = h.code) AS f ON true
ORDER BY h.temperature LIMIT 30
"""
NEWEST_FLAGS = f"""
SELECT raised_at, home, building, substation, station, severity, lowest, ticket
FROM flag_open WHERE {HERE} ORDER BY raised_at DESC LIMIT 50
"""
ALARMS = f"""
SELECT substation, station, kind AS alarm, since, raised_at FROM substation_alarm_open WHERE {HERE} ORDER BY raised_at
"""
INCIDENTS = f"""
SELECT
  number AS incident, kind AS incident_kind, name, substation, station, opened_at, children, still_cold, ticket
FROM incident_open WHERE {HERE} ORDER BY opened_at
"""
BUILDING_COLUMNS = (
    "building", "name", "substation", "station", "lat", "lon", "coldest", "mean", "homes", "compliant", "cold",
    "severe", "unknown", "cold_homes",
)  # fmt: skip
SUBSTATION_COLUMNS = (
    "substation", "name", "station", "lat", "lon", "supply_temperature", "return_temperature", "alarms",
)  # fmt: skip
INCIDENT_COLUMNS = ("place", "name", "incident_kind", "children", "still_cold", "lat", "lon")
MARKER = "img/icons/marker/circle.svg"
SQUARE = "img/icons/marker/square.svg"
TRIANGLE = "img/icons/marker/triangle.svg"


def dashboard(look: Look) -> Dashboard:
    """Build the dashboard."""
    board = frame(look, CITY, "30s", "6h", Text("每栋楼一个点，灰色为未知。", "One dot per building; grey: unknown."))
    board.with_variable(choice(look, "station", STATION, many=True))
    return fill(board, [*_figures(look), *_maps(look), *_lists(look)])


def _figures(look: Look) -> list[Any]:
    states = ("homes", "compliant", "cold", "severe", "unknown", "not_judged", "flags")
    today = ("day", "rate", "coverage", "judged_hours")
    return [
        figures(look, Text("各状态住户", "Homes by state"), Ask(STATES, states), Size(14, 4)),
        figures(look, Text("今日室温合格率", "Qualified rate today"), Ask(TODAY, today), Size(10, 4)),
    ]


def _maps(look: Look) -> list[Any]:
    coldest, mean = (
        Text("最低室温", "Coldest room"),
        Text("平均室温与低温热力图", "Mean, and cold homes as a heat map"),
    )
    return [
        _map(look, coldest, "coldest", Size(14, 17), heat=False),
        _map(look, mean, "mean", Size(10, 17), heat=True),
    ]


def _map(look: Look, title: Text, coloured_by: str, size: Size, *, heat: bool) -> geomap.Panel:
    asks = [
        Ask(BUILDINGS, BUILDING_COLUMNS),
        Ask(SUBSTATIONS, SUBSTATION_COLUMNS),
        Ask(INCIDENTS_ON_MAP, INCIDENT_COLUMNS),
    ]
    panel: geomap.Panel = dress(geomap.Panel(), look, title, asks, size)
    names = {"A": Text("楼栋", "Buildings"), "B": Text("换热站", "Substations"), "C": Text("事件", "Incidents")}
    layers: list[Builder[MapLayerOptions]] = [
        _markers(look.say(names["A"]), "A", {"field": coloured_by, "fixed": "#8e8e8e"}, MARKER, 5),
        _markers(look.say(names["B"]), "B", {"fixed": BLUE}, SQUARE, 5),
        _markers(look.say(names["C"]), "C", {"fixed": ORANGE}, TRIANGLE, 12),
    ]
    if heat:
        layers.insert(0, _heat(look.say(Text("低温热力图", "Heat map of cold homes"))))
    view = geomap.MapViewConfig().id(MapCenterID.FIT).all_layers(True).padding(5)
    controls = geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(True).show_attribution(True).show_scale(True)
    panel.view(view).controls(controls).tooltip(geomap.TooltipOptions().mode(TooltipMode.DETAILS))
    return panel.basemap(common.MapLayerOptions().type("default").name("Map")).layers(layers)


def _place(layer: common.MapLayerOptions, ref: str) -> common.MapLayerOptions:
    location = common.FrameGeometrySource().mode(FrameGeometrySourceMode.COORDS).latitude("lat").longitude("lon")
    return layer.location(location).filter_data({"id": "byRefId", "options": ref}).tooltip(True)


def _markers(name: str, ref: str, colour: dict[str, str], symbol: str, size: int) -> common.MapLayerOptions:
    style = {
        "color": colour,
        "opacity": 0.8,
        "rotation": {"fixed": 0, "max": 360, "min": -360, "mode": "mod"},
        "size": {"fixed": size, "min": 2, "max": 15},
        "symbol": {"fixed": symbol, "mode": "fixed"},
        "symbolAlign": {"horizontal": "center", "vertical": "center"},
    }
    layer = common.MapLayerOptions().type("markers").name(name).config({"showLegend": True, "style": style})
    return _place(layer, ref)


def _heat(name: str) -> common.MapLayerOptions:
    config = {"blur": 15, "radius": 12, "weight": {"field": "cold_homes", "fixed": 1, "min": 0, "max": 1}}
    return _place(common.MapLayerOptions().type("heatmap").name(name).config(config).opacity(1), "A")


def _lists(look: Look) -> list[Any]:
    building = ("building", "name", "substation", "station", "coldest", "mean", "cold_homes", "unknown", "homes")
    home = ("home", "building", "substation", "station", "temperature", "state", "measured_at", "cold_since", "ticket")
    newest = ("raised_at", "home", "building", "substation", "station", "severity", "lowest", "ticket")
    station = ("station", "homes", "cold", "severe", "unknown", "coldest", "rate", "coverage", "judged_hours")
    incident = (
        "incident", "incident_kind", "name", "substation", "station", "opened_at", "children", "still_cold", "ticket",
    )  # fmt: skip
    alarm = ("substation", "station", "alarm", "since", "raised_at")
    return [
        rows(look, Text("最冷住户", "Coldest homes"), Ask(COLDEST_HOMES, home), Size(14, 10)),
        rows(look, Text("最冷楼栋", "Coldest buildings"), Ask(COLDEST_BUILDINGS, building), Size(10, 10)),
        rows(look, Text("事件", "Incidents"), Ask(INCIDENTS, incident), Size(14, 8)),
        rows(look, Text("换热站报警", "Substation alarms"), Ask(ALARMS, alarm), Size(10, 8)),
        rows(look, Text("各供热站", "By station"), Ask(STATIONS, station), Size(14, 9)),
        bars(look, Text("未关闭工单", "Open tickets"), Ask(TICKETS, ("class", "tickets")), Size(10, 9)),
        rows(look, Text("最新标记", "Newest flags"), Ask(NEWEST_FLAGS, newest), Size(24, 9)),
    ]

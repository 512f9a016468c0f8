"""The ground of the city map: what lies below its dots, and where it opens."""

import math
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.geomap import MapViewConfig

from dashboards.grid import Size
from store.figures.map_rows import MapExtent

NO_TILES, OF_GRAFANA, OPEN_STREET_MAP = "none", "grafana", "osm"
NARROWEST = 1366
NEAREST = 15  # zoom at which single buildings can be told apart; a fit does not go nearer
CITY_ZOOM = 12
MARGIN_PERCENT = 10
METRES = 20_037_508.342789244  # from the middle of the world to its edge, in Web Mercator
TILE_PX = 256


@dataclass(frozen=True)
class MapGround:
    """Tiles below the map and the view it opens with. Without a centre it fits its dots, at each refresh again."""

    tiles: str = NO_TILES  # or OF_GRAFANA, OPEN_STREET_MAP, or a template with {z}, {x} and {y}
    attribution: str = ""
    centre: tuple[float, float] | None = None  # latitude, longitude
    zoom: float | None = None


NOWHERE = MapGround()  # no tiles, and a fit


def over(extent: MapExtent, size: Size, ground: MapGround) -> MapGround:
    """Return a ground whose centre and zoom show an extent in a panel, if they are not set.

    Grafana's own fit runs again at every refresh and loses where the viewer was; a fixed centre stays.
    """
    if ground.centre is not None:
        return ground
    west, south = _mercator(extent.west, extent.south)
    east, north = _mercator(extent.east, extent.north)
    metres_of_pixel = max((east - west) / size.inside(NARROWEST), (north - south) / size.down)
    zoom = ground.zoom if ground.zoom is not None else _zoom(metres_of_pixel * (1 + MARGIN_PERCENT / 100))
    centre = _degrees((west + east) / 2, (south + north) / 2)
    return MapGround(ground.tiles, ground.attribution, centre, zoom)


def _mercator(lon: float, lat: float) -> tuple[float, float]:
    return lon / 180 * METRES, math.log(math.tan(math.radians(45 + lat / 2))) / math.pi * METRES


def _degrees(x: float, y: float) -> tuple[float, float]:
    latitude = math.degrees(2 * math.atan(math.exp(y / METRES * math.pi))) - 90
    return round(latitude, 5), round(x / METRES * 180, 5)


def _zoom(metres_of_pixel: float) -> float:
    """Return the zoom at which a pixel has so many metres at the equator, at most NEAREST."""
    if metres_of_pixel <= 0:
        return NEAREST
    return round(min(math.log2(2 * METRES / TILE_PX / metres_of_pixel), NEAREST), 2)


class MapView(Builder[MapViewConfig]):
    """The initial view of a map. The SDK's own builder takes whole degrees only."""

    def __init__(self, ground: MapGround) -> None:
        self._ground = ground

    def build(self) -> MapViewConfig:
        """Build a view of the centre, or a fit to all layers; its zoom is then the nearest one allowed."""
        model: Any = MapViewConfig(all_layers=True)
        if self._ground.centre is None:
            model.id_val, model.padding = "fit", MARGIN_PERCENT
            model.zoom = self._ground.zoom if self._ground.zoom is not None else NEAREST
        else:
            model.id_val, (model.lat, model.lon) = "coords", self._ground.centre
            model.zoom = self._ground.zoom if self._ground.zoom is not None else CITY_ZOOM
        built: MapViewConfig = model
        return built


def basemap(ground: MapGround) -> common.MapLayerOptions:
    """Make the lowest layer. By default one without anything in it, so that no outside server is asked.

    An unknown type would take all other layers with it, and Grafana has none for "no tiles": markers of no query do it.
    """
    layer = common.MapLayerOptions().name("Ground")
    if ground.tiles == NO_TILES:
        return layer.type("markers").filter_data({"id": "byRefId", "options": "none"}).config({"showLegend": False})
    if ground.tiles == OF_GRAFANA:
        return layer.type("default")
    if ground.tiles == OPEN_STREET_MAP:
        return layer.type("osm-standard")
    return layer.type("xyz").config({"url": ground.tiles, "attribution": ground.attribution})

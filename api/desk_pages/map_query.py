"""The address of the map: what of the city it shows, and what is chosen on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query

from api.desk_pages.city_view import MapSheet
from api.figures.city_now import CityNow
from api.figures.maps import box
from api.http.problem import Problem
from domain.building_state import BuildingState
from domain.datum import Datum, to_wgs84
from domain.outlines import Corner
from store.figures.map_rows import MapExtent

MOST_CORNERS = 100
STATES = frozenset(state.value for state in BuildingState)
AROUND_DEGREES = 0.004  # of a building that is asked for: its neighbours are seen


@dataclass(frozen=True)
class MapQuery:
    """The query keys of the map, in WGS 84; a form sends empty ones for what is not chosen.

    `bbox` is what is seen. `area` is a polygon that is chosen: corners `longitude,latitude`, separated by blanks.
    `number` is that of an incident or an outage, whose area is then seen. `unmeasured`: with homes without a sensor.
    """

    station: str = ""
    show: str = ""
    bbox: str = ""
    area: str = ""
    building: str = ""
    number: str = ""
    unmeasured: str = ""

    def address(self, path: str, **changes: str) -> str:
        """Return the address of the map with these keys, some of them changed."""
        kept = {name: value for name, value in vars(replace(self, **changes)).items() if value}
        return f"{path}?{urlencode(kept)}" if kept else path

    @property
    def corners(self) -> list[Corner]:
        """The corners of the area."""
        return _corners(self.area)

    def extent(self, city: CityNow) -> MapExtent | None:
        """Return the box that is asked for: by itself, around an area, or around the building."""
        if self.area:
            return _around(*zip(*self.corners, strict=True))
        if named := [one for one in city.areas if one["number"] == self.number]:
            return _around(named[0]["lon"], named[0]["lat"])
        if self.bbox:
            return _box(self.bbox)
        for row in city.buildings:
            if row["code"] == self.building and row["lon"] is not None:
                sides = (-AROUND_DEGREES, AROUND_DEGREES)
                return MapExtent(*(row[name] + side for side in sides for name in ("lon", "lat")))
        return None


@dataclass(frozen=True)
class MapAsked:
    """The query keys as they come; `datum` is that of `bbox` and `area`."""

    station: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""
    show: Annotated[str, Query(max_length=20)] = ""
    bbox: Annotated[str, Query(max_length=100)] = ""
    area: Annotated[str, Query(max_length=4_000)] = ""
    building: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""
    number: Annotated[str, Query(max_length=20, pattern=r"^[A-Z0-9]*$")] = ""
    datum: Annotated[str, Query(max_length=10)] = ""
    unmeasured: Annotated[str, Query(max_length=10)] = ""

    @property
    def query(self) -> MapQuery:
        """The keys to be kept in links; what cannot be read is left out, and the map shows everything instead."""
        datum = Datum(self.datum) if self.datum in list(Datum) else Datum.WGS84
        extent, corners = _box(self.bbox), _corners(self.area)
        if extent and datum is not Datum.WGS84:
            (west, south), (east, north) = _shifted([extent[:2], extent[2:]], datum)
            extent = MapExtent(west, south, east, north)
        return MapQuery(
            self.station,
            self.show if self.show in STATES else "",
            MapSheet(extent).text if extent else "",
            " ".join(f"{lon:.6f},{lat:.6f}" for lon, lat in _shifted(corners, datum)),
            self.building,
            self.number,
            "yes" if self.unmeasured == "yes" else "",
        )


def _around(lon: Sequence[float], lat: Sequence[float]) -> MapExtent:
    return MapExtent(min(lon), min(lat), max(lon), max(lat))


def _shifted(corners: list[Corner], datum: Datum) -> list[Corner]:
    if not corners:
        return []
    at = to_wgs84(datum, *zip(*corners, strict=True))
    return list(zip(at.lon.tolist(), at.lat.tolist(), strict=True))


def _box(text: str) -> MapExtent | None:
    try:
        return box(text or None)
    except Problem:
        return None


def _corners(text: str) -> list[Corner]:
    """Read the corners of a polygon; empty where it is none."""
    try:
        found = [(float(lon), float(lat)) for lon, lat in (one.split(",") for one in text.split())]
    except ValueError:
        return []
    is_polygon = 3 <= len(found) <= MOST_CORNERS
    return found if is_polygon and all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in found) else []

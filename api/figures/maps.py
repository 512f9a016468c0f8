"""Routes for maps for staff, as GeoJSON (RFC 7946)."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.http.problem import FieldFault, invalid
from api.http.session import AskingStaff
from api.http.values import Instant, Shown
from api.words.problems import NO_BOX
from store.base.rows import Row
from store.figures import map_rows
from store.figures.map_rows import MapExtent


class GeoJson(JSONResponse):
    """A JSON response with the media type of GeoJSON."""

    media_type = "application/geo+json"


FiguresAge = Literal["now", "old", "none"]


class GeoPoint(BaseModel):
    """Longitude and latitude, in this order."""

    type: Literal["Point"] = "Point"
    coordinates: tuple[float, float]


class BuildingNow(BaseModel):
    """A building: its homes by state, and their lowest and mean temperature in °C."""

    code: str
    name: str
    address: str
    substation: str
    station: str
    homes: int
    compliant: int
    cold: int
    severe: int
    unknown: int
    not_judged: int
    coldest: Shown
    mean: Shown
    flags: int


class SubstationNow(BaseModel):
    """A substation with its latest measurements: °C, MPa, m³/h, kW."""

    code: str
    name: str
    station: str
    measured_at: Instant | None
    supply_temperature: Shown
    return_temperature: Shown
    supply_pressure: Shown
    return_pressure: Shown
    flow: Shown
    heat_power: Shown
    outdoor_temperature: Shown


class BuildingFeature(BaseModel):
    """A building on the map; its geometry is null if its location is not registered."""

    type: Literal["Feature"] = "Feature"
    geometry: GeoPoint | None
    properties: BuildingNow


class SubstationFeature(BaseModel):
    """A substation on the map."""

    type: Literal["Feature"] = "Feature"
    geometry: GeoPoint | None
    properties: SubstationNow


class Buildings(BaseModel):
    """The buildings within the token's scope. `figures`, `counted_at`: as in all layers of a map."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    figures: FiguresAge
    counted_at: Instant | None
    features: Sequence[BuildingFeature]


class Substations(BaseModel):
    """The substations within the token's scope."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: Sequence[SubstationFeature]


def box(text: str | None) -> MapExtent | None:
    """Parse a bounding box `west,south,east,north`; None is everywhere.

    Raises:
        Problem: 422.
    """
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise invalid(FieldFault("bbox", NO_BOX)) from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise invalid(FieldFault("bbox", NO_BOX))
    return MapExtent(west, south, east, north)


Bounds = Annotated[
    str | None,
    Query(alias="bbox", max_length=100, description="west,south,east,north in degrees; default: everywhere"),
]

router = APIRouter(prefix="/v1/map", tags=["maps"], default_response_class=GeoJson)


@router.get("/buildings")
def buildings(asking: AskingStaff, bounds: Bounds = None) -> Buildings:
    """Get buildings with their current figures; a crew sees those of its station."""
    within, count = box(bounds), map_rows.count_age(asking.conn)
    rows = map_rows.buildings(asking.conn, asking.scope, within, count)
    return Buildings(
        **count.told(),
        features=[BuildingFeature(geometry=_place(row), properties=BuildingNow.model_validate(row)) for row in rows],
    )


@router.get("/substations")
def substations(asking: AskingStaff, bounds: Bounds = None) -> Substations:
    """Get substations with their latest measurements; a crew sees those of its station."""
    rows = map_rows.substations(asking.conn, asking.scope, box(bounds))
    return Substations(
        features=[SubstationFeature(geometry=_place(row), properties=SubstationNow.model_validate(row)) for row in rows]
    )


def _place(row: Row) -> GeoPoint | None:
    if row["lat"] is None or row["lon"] is None:
        return None
    return GeoPoint(coordinates=(row["lon"], row["lat"]))

"""Route for all layers of a map at once: buildings by state, jobs, incidents, outages, and what substations supply."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.figures.city_now import CityNow, MapBoard
from api.figures.maps import FiguresAge, GeoJson, GeoPoint
from api.http.guard import is_tagged
from api.http.session import AskingStaff, Session
from api.http.values import Instant
from domain.building_state import BuildingState
from domain.datum import Datum


class GeoPolygon(BaseModel):
    """A ring of corners, the first one repeated at its end."""

    type: Literal["Polygon"] = "Polygon"
    coordinates: Sequence[Sequence[tuple[float, float]]]


class MapBuilding(BaseModel):
    """A building: its homes by state, and its open tickets. `ticket` is the oldest of them."""

    kind: Literal["building"]
    code: str
    name: str
    station: str
    state: BuildingState
    homes: int
    severe: int
    cold: int
    unknown: int
    compliant: int
    coldest: float | None
    tickets: int
    underway: int
    ticket: str | None


class MapJob(BaseModel):
    """Open tickets at a substation itself; `underway` of them are accepted or worked on."""

    kind: Literal["job"]
    code: str
    name: str
    tickets: int
    underway: int
    ticket: str


class MapArea(BaseModel):
    """The area of an open incident or an outage."""

    kind: Literal["incident", "outage"]
    number: str
    name: str
    state: str
    homes: int | None


class MapSupply(BaseModel):
    """The area of the buildings that a substation supplies: the ground of a map without tiles."""

    kind: Literal["supply"]
    code: str
    station: str


class MapFeature(BaseModel):
    """Something on the map."""

    type: Literal["Feature"] = "Feature"
    geometry: GeoPoint | GeoPolygon
    properties: Annotated[MapBuilding | MapJob | MapArea | MapSupply, Field(discriminator="kind")]


class MapFeatures(BaseModel):
    """All layers within the caller's reach. What has no place is left out.

    `figures`: homes of a large city are as they were at `counted_at`, if `hearth watch` does not count (`old`), or not
    counted yet (`none`).
    """

    type: Literal["FeatureCollection"] = "FeatureCollection"
    figures: FiguresAge
    counted_at: Instant | None
    features: Sequence[MapFeature]


AsDatum = Annotated[Datum, Query(description="The datum of the coordinates: that of the map on which they are drawn")]
router = APIRouter(prefix="/v1/map", tags=["maps"], default_response_class=GeoJson)


@router.get("/areas", response_model=MapFeatures)
def areas(request: Request, asking: AskingStaff, datum: AsDatum = Datum.WGS84) -> Response:
    """Get all layers of a map; a crew sees those of its station. They are at most 15 s old; ask with If-None-Match."""
    return layers_answer(request, asking, datum)


def layers_answer(request: Request, asking: Session, datum: Datum) -> Response:
    """Answer with the layers, or with 304 where the caller has them."""
    layers = city_now(request, asking).layers(datum)
    headers = {"ETag": layers.tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if is_tagged(request.headers.get("if-none-match", ""), layers.tag):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return GeoJsonBytes(layers.small, headers={**headers, "Content-Encoding": "gzip"})
    return GeoJsonBytes(layers.body, headers=headers)


def city_now(request: Request, asking: Session) -> CityNow:
    """Return the city within the reach of a session, at most 15 s old."""
    board: MapBoard = request.app.state.map_board
    reach = (asking.asker.role, asking.scope.everywhere, asking.scope.own_station)
    return board.current(asking.conn, reach, asking.now, lambda: CityNow.read(asking.conn, asking.scope, asking.now))


class GeoJsonBytes(Response):
    """GeoJSON that is encoded already."""

    media_type = GeoJson.media_type

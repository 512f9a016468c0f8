"""Route for the layer of homes without a sensor: each building that has some, with what is likely in the coldest."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.figures.maps import GeoJson, GeoPoint, box
from api.homes.estimated import estimated
from api.http.problem import FieldFault, invalid
from api.http.session import AskingDesk, Session
from api.words.problems import TOO_WIDE
from domain.datum import Datum, from_wgs84
from insight.unmeasured import Estimates
from store.base.rows import Row
from store.figures import map_rows
from store.sensors import estimate_rows
from store.sensors.estimate_rows import PlacedHome

MOST_SUBSTATIONS = 6  # that are estimated for one look


class BuildingEstimate(BaseModel):
    """A building with homes without a sensor: how many of its heated homes, and the lowest estimate among them.

    `celsius` with the ends of its 90 % interval; null where there is nothing to say.
    """

    kind: Literal["estimate"] = "estimate"
    code: str
    name: str
    station: str
    homes: int
    unmeasured: int
    celsius: float | None
    low: float | None
    high: float | None


class EstimateFeature(BaseModel):
    """A building on the map."""

    type: Literal["Feature"] = "Feature"
    geometry: GeoPoint
    properties: BuildingEstimate


class EstimateFeatures(BaseModel):
    """The buildings of a box with homes without a sensor. No estimate is a finding."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: Sequence[EstimateFeature]


class BuildingUnmeasured(NamedTuple):
    """Heated homes of a building, those without a sensor, and the lowest estimate with its 90 % interval, °C."""

    homes: int
    unmeasured: int
    celsius: float | None
    low: float | None
    high: float | None


Box = Annotated[str, Query(alias="bbox", max_length=100, description="west,south,east,north in degrees")]
router = APIRouter(prefix="/v1/map", tags=["maps"], default_response_class=GeoJson)


@router.get("/unmeasured")
def unmeasured(asking: AskingDesk, bounds: Box, datum: Datum = Datum.WGS84) -> EstimateFeatures:
    """Get the buildings of a box, in WGS 84, that have homes without a sensor, drawn in a datum."""
    extent, count = box(bounds), map_rows.count_age(asking.conn)
    rows = [row for row in map_rows.buildings(asking.conn, asking.scope, extent, count) if row["lon"] is not None]
    return features_of(asking, rows, datum)


def features_of(asking: Session, rows: Sequence[Row], datum: Datum) -> EstimateFeatures:
    """Return buildings with homes without a sensor.

    Raises:
        Problem: 422, they are of too many substations.
    """
    found = unmeasured_in(asking, rows)
    if found is None:
        raise invalid(FieldFault("bbox", TOO_WIDE))
    some = [row for row in rows if row["code"] in found]
    at = from_wgs84(datum, [row["lon"] for row in some], [row["lat"] for row in some])
    return EstimateFeatures(
        features=[
            EstimateFeature(
                geometry=GeoPoint(coordinates=(round(lon, 6), round(lat, 6))),
                properties=BuildingEstimate(
                    code=row["code"], name=row["name"], station=row["station"], **found[row["code"]]._asdict()
                ),
            )
            for row, lon, lat in zip(some, at.lon.tolist(), at.lat.tolist(), strict=True)
        ]
    )


def unmeasured_in(asking: Session, rows: Sequence[Row]) -> dict[str, BuildingUnmeasured] | None:
    """Return those of the buildings that have homes without a sensor; None: they are of too many substations."""
    substations = sorted({row["substation"] for row in rows})
    if len(substations) > MOST_SUBSTATIONS:
        return None
    wanted = {row["code"] for row in rows}
    found: dict[str, BuildingUnmeasured] = {}
    for substation in substations:
        homes = estimate_rows.homes(asking.conn, substation, asking.now)
        of_one = _by_building(homes, estimated(asking.conn, substation, homes, asking.now)) if homes else {}
        found |= {code: one for code, one in of_one.items() if code in wanted and one.unmeasured}
    return found


def _by_building(homes: Sequence[PlacedHome], said: Estimates) -> dict[str, BuildingUnmeasured]:
    found = dict.fromkeys((home.building for home in homes), BuildingUnmeasured(0, 0, None, None, None))
    for nth, home in enumerate(homes):
        one = found[home.building]
        one = one._replace(homes=one.homes + 1, unmeasured=one.unmeasured + (home.celsius is None))
        if home.celsius is None and not np.isnan(said.celsius[nth]):
            here = [round(float(values[nth]), 1) for values in said[:3]]
            if one.celsius is None or here[0] < one.celsius:
                one = one._replace(celsius=here[0], low=here[1], high=here[2])
        found[home.building] = one
    return found

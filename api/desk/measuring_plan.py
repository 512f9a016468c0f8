"""The route of the plan of measurements on site. It is changed as other tables are: by an upload, `sheet=plan`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.desk.measurements import Station
from api.http.paging import Page, Paged
from api.http.session import AskingStaff
from api.http.values import Instant
from store.sensors import plan_rows

HomeOfPoint = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]

router = APIRouter(prefix="/v1/measurements/plan", tags=["measurements"])


class MeasuringPoint(BaseModel):
    """A room of a home that is measured every so many days, from an instant on; `to` null: without an end."""

    home: str
    building: str
    building_name: str
    unit: str
    station: str
    room: str
    room_kind: Literal["living", "bedroom", "other"]
    every_days: int
    starts_at: Annotated[Instant, Field(alias="from")]
    ends_at: Annotated[Instant | None, Field(alias="to")]


@router.get("")
def points(
    asking: AskingStaff, paged: Paged, station: Station = None, home: HomeOfPoint = None
) -> Page[MeasuringPoint]:
    """List the measuring points, ended ones too, the newest first."""
    rows = plan_rows.shown(
        asking.conn, asking.scope, station=station, home=home, before=paged.id(), limit=paged.fetched
    )
    named = [{**row, "from": row["starts_at"], "to": row["ends_at"]} for row in rows]
    return paged.page(named, MeasuringPoint, "id")

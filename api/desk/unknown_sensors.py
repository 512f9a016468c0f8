"""Route for sensors that are heard and not registered."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.http.paging import Page, Paged
from api.http.session import AskingDesk
from api.http.values import Instant
from store.sensors import unknown_rows

# NUL cannot be a letter of a name: PostgreSQL has no place for it.
Sought = Annotated[
    str,
    Query(alias="q", max_length=100, pattern=r"^[^\x00]*$", description="part of the sensor's or its device's name"),
]


class UnknownSensor(BaseModel):
    """A sensor that is not registered: what it said last, by quantity, and the device that spoke for it.

    `alike` is the registered code that differs only in case, separators or leading zeros, if there is one.
    """

    id: int
    sensor: str
    topic: str
    device: str
    said: dict[str, float]
    alike: str | None
    first_heard_at: Instant
    last_heard_at: Instant


router = APIRouter(prefix="/v1", tags=["sensors"])


@router.get("/unknown-sensors")
def unknown_sensors(asking: AskingDesk, paged: Paged, sought: Sought = "") -> Page[UnknownSensor]:
    """List the sensors heard in the last two weeks that are not in the registry, latest first."""
    rows = unknown_rows.latest(asking.conn, paged.position(), paged.fetched, sought.strip())
    return paged.page(rows, UnknownSensor, "last_heard_at", "id")

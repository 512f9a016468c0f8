"""Route for sensors that are heard and not registered."""

from fastapi import APIRouter
from pydantic import BaseModel

from api.http.paging import Page, Paged
from api.http.session import AskingDesk
from api.http.values import Instant
from store.sensors import unknown_rows


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
def unknown_sensors(asking: AskingDesk, paged: Paged) -> Page[UnknownSensor]:
    """List the sensors heard in the last two weeks that are not in the registry, latest first."""
    rows = unknown_rows.latest(asking.conn, paged.position(), paged.fetched)
    return paged.page(rows, UnknownSensor, "last_heard_at", "id")

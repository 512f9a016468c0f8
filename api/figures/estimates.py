"""Route for estimates of homes without a sensor: what is likely there, and where a measurement tells most."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.homes.estimated import estimated
from api.http.problem import no_such
from api.http.session import AskingDesk, Session
from api.http.values import Instant
from insight.unmeasured import Estimates
from store.sensors import estimate_rows
from store.sensors.estimate_rows import PlacedHome

MOST = 500

router = APIRouter(prefix="/v1/insight", tags=["insight"])


class HomeEstimate(BaseModel):
    """A home without a sensor: °C with the ends of the 90 % interval, null where there is nothing to say.

    `gain`: how much measuring it would tell of homes that may be cold, as a part of what the first of the list tells.
    `due_at`: a measurement on site is asked for until then.
    """

    home: str
    building: str
    unit: str
    floor: int | None
    celsius: float | None
    low: float | None
    high: float | None
    gain: float
    due_at: Instant | None


class HomeEstimates(BaseModel):
    """The homes of a substation without a sensor, first those that tell most if measured. No estimate is a finding."""

    substation: str
    at: Instant
    homes: int
    measured: int
    estimates: Sequence[HomeEstimate]


@router.get("/unmeasured")
def unmeasured(
    asking: AskingDesk,
    substation: Annotated[str, Query(max_length=100, pattern=r"^[^\x00]+$")],
    most: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> HomeEstimates:
    """Estimate the homes of a substation that have no sensor. Estimates ask for measurements; nothing is judged."""
    return estimates_of(asking, substation, most)


def estimates_of(asking: Session, substation: str, most: int) -> HomeEstimates:
    """Estimate the homes of a substation that have no sensor, at most so many of them.

    Raises:
        Problem: 404.
    """
    found = estimate_rows.homes(asking.conn, substation, asking.now)
    if not found:
        raise no_such("substation")
    said = estimated(asking.conn, substation, found, asking.now)
    estimates = _estimates(found, said, estimate_rows.due(asking.conn, substation))
    return HomeEstimates(
        substation=substation,
        at=asking.now,
        homes=len(found),
        measured=sum(home.celsius is not None for home in found),
        estimates=estimates[:most],
    )


def _estimates(found: Sequence[PlacedHome], said: Estimates, due: Mapping[str, datetime]) -> list[HomeEstimate]:
    highest = float(said.gain.max()) or 1.0
    some = [
        HomeEstimate(
            home=home.home,
            building=home.building,
            unit=home.unit,
            floor=home.floor,
            celsius=_shown(said.celsius[nth]),
            low=_shown(said.low[nth]),
            high=_shown(said.high[nth]),
            gain=round(float(said.gain[nth]) / highest, 3),
            due_at=due.get(home.home),
        )
        for nth, home in enumerate(found)
        if home.celsius is None
    ]
    return sorted(some, key=lambda one: (-one.gain, one.home))


def _shown(celsius: float) -> float | None:
    return None if np.isnan(celsius) else round(float(celsius), 1)

"""Route for early signs: the substations that leave their usual behaviour, the furthest leading."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from alerts.insight.early_signs import LATE_H
from api.http.session import AskingDesk, Session
from api.http.values import Instant, Shown
from insight.substation import ENOUGH
from insight.words.substation import sign_text
from store.base.rows import Row
from store.insight import sign_rows

MOST = 500

router = APIRouter(prefix="/v1/insight", tags=["insight"])


class SubstationSign(BaseModel):
    """A departure of a substation over its last hours: in °C, K or m³/h, and in deviations of what is usual.

    `since`: it has been one at each look since. `zh`, `en`: the reason, and where to look first.
    """

    substation: str
    name: str
    station: str
    quantity: Literal["supply", "return", "spread", "flow"]
    value: Shown
    usual: Shown
    deviations: Shown
    since: Instant
    looked_at: Instant
    zh: str
    en: str


class SubstationSigns(BaseModel):
    """Early signs, the largest leading; `learned` of the substations `looked_at` have enough of a past.

    A sign asks somebody to look. It is no alarm, and says nothing about compliance.
    """

    looked_at: int
    learned: int
    signs: Sequence[SubstationSign]


@router.get("/substations")
def substations(
    asking: AskingDesk, station: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None
) -> SubstationSigns:
    """List the substations that leave their usual behaviour for the weather, with the reason."""
    return signs_of(asking, station or None)


def signs_of(asking: Session, station: str | None) -> SubstationSigns:
    """Read the early signs of a station, or of all."""
    counts = sign_rows.looked(asking.conn, station, ENOUGH)
    signs = [_sign(row) for row in sign_rows.signs(asking.conn, station, MOST)]
    return SubstationSigns(looked_at=counts["looked_at"], learned=counts["learned"], signs=signs)


def _sign(row: Row) -> SubstationSign:
    said = sign_text(row["quantity"], LATE_H, row["value"], row["usual"], row["deviations"])
    return SubstationSign.model_validate({**row, **said._asdict()})

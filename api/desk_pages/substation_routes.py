"""The page of early signs: the substations that leave their usual behaviour, and where to look first."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.desk_pages.show import AskingDeskPerson, desk_page
from api.figures.substation_signs import signs_of
from api.http.language import said
from api.staff.frame import language_of
from api.staff.session import StaffRoute
from domain.words.text import Text
from store.tickets import queue_rows

SUBSTATIONS = "/desk/substations"

router = APIRouter(prefix=SUBSTATIONS, route_class=StaffRoute, include_in_schema=False)


@router.get("")
def early_signs(
    request: Request,
    asking: AskingDeskPerson,
    station: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = "",
) -> Response:
    """Show the early signs, the largest leading."""
    language = language_of(request, asking)
    found = signs_of(asking, station or None)
    lines = [{"sign": sign, "why": said(Text(sign.zh, sign.en), language)} for sign in found.signs]
    return desk_page(
        request,
        asking,
        "desk/substations.html",
        found=found,
        lines=lines,
        station=station,
        stations=queue_rows.stations(asking.conn),
    )

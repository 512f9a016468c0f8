"""The page of where to measure: homes without a sensor, first those that tell most; a key puts one on today's plan."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from api.desk import measurements
from api.desk.measurements import MeasurementRequest
from api.desk.once import number_once
from api.desk_pages.forms import Told, once
from api.desk_pages.measuring import MEASUREMENTS, MeasuringView, home_address, until
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.desk_pages.ticket_routes import read_told, writing
from api.figures.estimates import HomeEstimate, estimates_of
from api.http.session import Session
from api.staff.session import StaffRoute
from store.base.access import Right
from store.sensors import estimate_rows

WHERE = f"{MEASUREMENTS}/where"
MOST_LINES = 50
MINUTE = timedelta(minutes=1)
Sent = Annotated[Told, Depends(read_told)]

router = APIRouter(prefix=WHERE, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True)
class WhereQuery:
    """The query keys of the page: a substation, and the home that was just put on the plan."""

    substation: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""
    done: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""


@router.get("")
def where(request: Request, asking: AskingDeskPerson, query: Annotated[WhereQuery, Depends()]) -> Response:
    """Show the homes of a substation that have no sensor, first those that tell most if measured."""
    substations = estimate_rows.substations(asking.conn)
    chosen = query.substation or (substations[0].code if substations else "")
    found = estimates_of(asking, chosen, MOST_LINES) if chosen in {one.code for one in substations} else None
    return desk_page(
        request,
        asking,
        "desk/where.html",
        substations=substations,
        chosen=chosen,
        found=found,
        lines=[_line(one) for one in found.estimates] if found else [],
        done=query.done,
        may_write=Right.WRITE in asking.asker.rights,
    )


@router.post("")
def ask(request: Request, told: Sent) -> Response:
    """Put a home on the plan of today, once."""
    code, substation = (told.get(name, "")[:200] for name in ("at", "substation"))
    with writing(request) as changing:
        changing.notes["home"] = code
        number_once(changing, once("where", told), lambda: _ask(changing, code))
    return RedirectResponse(f"{WHERE}?{urlencode({'substation': substation, 'done': code})}", 303)


def _ask(changing: Session, code: str) -> str:
    today = until(changing)[MeasuringView.DAY] - MINUTE
    measurements.ask(code, changing, MeasurementRequest(due_at=today))
    return code


def _line(one: HomeEstimate) -> dict[str, Any]:
    known = one.celsius is not None and one.low is not None and one.high is not None
    return {
        "one": one,
        "celsius": f"{one.celsius:.1f}\N{NO-BREAK SPACE}°C" if known else None,
        "between": f"{one.low:.1f}–{one.high:.1f}\N{NO-BREAK SPACE}°C" if known else None,
        "gain": f"{one.gain:.0%}",
        "enter": home_address(one.home),
    }

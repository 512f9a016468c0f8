"""Routes of the map: buildings by state, areas of incidents and outages, open tickets; drawn here, without script."""

from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api.desk_pages.city_view import (
    COUNTS,
    HEIGHT,
    WIDTH,
    BuildingState,
    MapMark,
    MapQuery,
    MapSheet,
    marks,
    outline,
    state_of,
)
from api.desk_pages.local_times import shown_time
from api.desk_pages.queue import QUEUE
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.figures.maps import box
from api.http.problem import Problem
from api.http.session import Session
from api.staff.session import StaffRoute
from store.base.access import Right
from store.base.rows import Row
from store.figures import map_areas, map_rows
from store.figures.map_rows import MapExtent
from store.tickets import queue_rows

MAP = f"{QUEUE}/map"
MOST_LISTED = 200
NOWHERE = MapExtent(73, 18, 135, 54)
STEP = 0.5
STATES = frozenset(state.value for state in BuildingState)

router = APIRouter(prefix=MAP, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True)
class MapAsked:
    """The query keys of the address of the map."""

    station: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""
    show: Annotated[str, Query(max_length=20)] = ""
    bbox: Annotated[str, Query(max_length=100)] = ""

    @property
    def query(self) -> MapQuery:
        """The keys to be kept in links."""
        return MapQuery(self.station, self.show if self.show in STATES else "", self.bbox)


@router.get("")
def city_map(request: Request, asking: AskingDeskPerson, asked: Annotated[MapAsked, Depends()]) -> Response:
    """Show the map, and the list of what is in it."""
    extent = _box(asked.bbox)
    query = asked.query if extent else replace(asked.query, bbox="")
    every = _buildings(asking, query, extent)
    placed = [one for one in every if one["lon"] is not None]
    sheet = MapSheet.around(extent) if extent else _whole(asking, query, placed).widened()
    listed = sorted(every, key=_coldest)
    return desk_page(
        request,
        asking,
        "desk/map.html",
        query=query,
        sheet=sheet,
        size=(WIDTH, HEIGHT),
        marks=[(mark, _mark_address(query, mark)) for mark in marks(sheet, placed)],
        areas=[(one, outline(sheet, one["lon"], one["lat"])) for one in map_areas.areas(asking.conn, asking.scope)],
        moves=_moves(query, sheet),
        whole=query.address(MAP, bbox=""),
        states=list(BuildingState),
        stations=queue_rows.stations(asking.conn),
        listed=[(one, _homes_address(one)) for one in listed[:MOST_LISTED]],
        found=len(every),
        homes=sum(one["homes"] for one in every),
        cold=sum(one["cold"] + one["severe"] for one in every),
        unplaced=len(every) - len(placed),
        may_write=Right.WRITE in asking.asker.rights,
        begins_at=shown_time(asking.now, asking.policy.zone),
    )


def _box(text: str) -> MapExtent | None:
    """Read a box; a page that is asked for another shows everything instead."""
    try:
        return box(text or None)
    except Problem:
        return None


def _buildings(asking: Session, query: MapQuery, extent: MapExtent | None) -> list[Row]:
    tickets = map_areas.tickets(asking.conn, asking.scope)
    found = []
    for row in map_rows.buildings(asking.conn, asking.scope, MapSheet.around(extent).extent if extent else None):
        state = state_of({name: row[name] for name in COUNTS})
        if (query.station and row["station"] != query.station) or (query.show and state != query.show):
            continue
        open_here = tickets.get(row["code"])
        ticket, count = (open_here["first"], open_here["tickets"]) if open_here else (None, 0)
        found.append({**row, "state": state, "ticket": ticket, "tickets": count})
    return found


def _whole(asking: Session, query: MapQuery, placed: list[Row]) -> MapSheet:
    """Return the sheet of the city, or of the buildings that were asked for."""
    city = None if query.station or query.show else map_rows.extent(asking.conn)
    around = MapMark(list(placed)).box if placed else NOWHERE
    return MapSheet.around(city or around)


def _mark_address(query: MapQuery, mark: MapMark) -> str:
    """Return the address that a mark leads to: closer, or to its building in the list."""
    if mark.is_one_place:
        return f"#b-{mark.buildings[0]['code']}"
    return query.address(MAP, bbox=MapSheet.around(mark.box).widened().text)


def _homes_address(building: Row) -> str:
    return f"{QUEUE}/call?{urlencode({'q': building['address'] or building['name']})}"


def _moves(query: MapQuery, sheet: MapSheet) -> dict[str, str]:
    """Return the addresses of the sheets beside this one, closer and farther."""
    to: dict[str, MapSheet] = {
        "closer": sheet.moved(0.5),
        "farther": sheet.moved(2),
        "west": sheet.moved(east=-STEP),
        "north": sheet.moved(north=STEP),
        "south": sheet.moved(north=-STEP),
        "east": sheet.moved(east=STEP),
    }
    return {name: query.address(MAP, bbox=moved.text) for name, moved in to.items()}


def _coldest(building: Row) -> tuple[Any, ...]:
    order = list(BuildingState).index(building["state"])
    return order, -(building["cold"] + building["severe"]), building["name"], building["code"]

"""Routes of the map: buildings by state, areas of incidents and outages, open tickets; drawn here, without script.

Where MapLibre has been fetched, a script draws the same in its place, from `/desk/map/areas`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from heapq import nsmallest
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import FileResponse, JSONResponse, Response

from api.desk_pages.city_view import HEIGHT, WIDTH, MapMark, MapSheet, marks, outline
from api.desk_pages.local_times import shown_time
from api.desk_pages.map_query import MapAsked, MapQuery
from api.desk_pages.queue import QUEUE
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.figures.city_now import CityNow
from api.figures.map_estimates import Box, BuildingUnmeasured, EstimateFeatures, features_of, unmeasured_in
from api.figures.map_layers import city_now, layers_answer
from api.http.basemap import Basemap
from api.http.problem import no_such
from api.http.session import Session, surroundings
from api.pages.libraries import MAPLIBRE, PMTILES, library
from api.pages.render import SCRIPT_POLICY, asset
from api.staff.frame import language_of
from api.staff.session import StaffRoute
from api.words.maps import SCRIPT_TEXTS
from domain.building_state import BuildingState
from domain.datum import from_wgs84
from domain.outlines import inside
from store.base.access import Right
from store.base.rows import Row
from store.figures import map_rows
from store.figures.map_rows import MapExtent
from store.tickets import queue_rows

MAP = f"{QUEUE}/map"
MOST_LISTED = 100
MOST_CHOSEN = 1_000  # buildings of an outage
NOWHERE = MapExtent(73, 18, 135, 54)
STEP = 0.5
STATE_ORDER = {state: number for number, state in enumerate(BuildingState)}

router = APIRouter(prefix=MAP, route_class=StaffRoute, include_in_schema=False)


@router.get("")
def city_map(request: Request, asking: AskingDeskPerson, asked: Annotated[MapAsked, Depends()]) -> Response:
    """Show the map, and the list of what is in it."""
    query, basemap = asked.query, surroundings(request).basemap
    city = city_now(request, asking)
    extent = query.extent(city)
    every = _buildings(city, query, extent)
    placed = [one for one in every if one["lon"] is not None]
    sheet = _sheet(asking, query, extent, placed)
    unmeasured = _unmeasured(asking, query, sheet, placed)
    shown = {row["substation"] for row in placed}
    answer = desk_page(
        request,
        asking,
        "desk/map.html",
        query=query,
        **_drawing(query, sheet, placed, unmeasured or {}),
        unmeasured=unmeasured,
        areas=[(one, outline(sheet, one["lon"], one["lat"])) for one in city.areas],
        supplies=[outline(sheet, *zip(*ring, strict=True)) for code, _, ring in city.supplies if code in shown],
        **_listing(every, query.station, is_part=extent is not None),
        count=city.count,
        stage=_stage(request, asking, query, sheet),
        attribution=basemap.attribution if basemap.is_there else "",
        stations=queue_rows.stations(asking.conn),
        may_write=Right.WRITE in asking.asker.rights,
        begins_at=shown_time(asking.now, asking.policy.zone),
    )
    answer.headers["Content-Security-Policy"] = map_policy(basemap)
    return answer


def map_policy(basemap: Basemap) -> str:
    """Return the policy of the map's page: its worker is a file of this site, its tiles are of servers that are set."""
    return f"{' '.join((SCRIPT_POLICY, *basemap.origins))}; worker-src 'self'"


@router.get("/areas")
def layers(request: Request, asking: AskingDeskPerson) -> Response:
    """Answer with all layers, in the datum of the basemap."""
    return layers_answer(request, asking, surroundings(request).basemap.datum)


@router.get("/unmeasured")
def unmeasured(request: Request, asking: AskingDeskPerson, bounds: Box) -> EstimateFeatures:
    """Answer with the buildings of a box that have homes without a sensor; the box is in the datum of the basemap."""
    datum = surroundings(request).basemap.datum
    extent = MapAsked(bbox=bounds, datum=datum.value).query.extent(city_now(request, asking))
    rows = [row for row in city_now(request, asking).buildings if extent is not None and _is_within(row, extent)]
    return features_of(asking, rows, datum)


@router.get("/style")
def style(request: Request, asking: AskingDeskPerson) -> Response:
    """Answer with the style of the basemap."""
    found = surroundings(request).basemap.style
    if found is None:
        raise no_such("file")
    return JSONResponse(found)


@router.get("/ground/{name}")
def ground(request: Request, asking: AskingDeskPerson, name: str) -> Response:
    """Serve parts of a PMTiles file that the style names."""
    path = surroundings(request).basemap.files.get(name)
    if path is None:
        raise no_such("file")
    return FileResponse(path, media_type="application/octet-stream", headers={"Cache-Control": "private, max-age=600"})


def _sheet(asking: Session, query: MapQuery, extent: MapExtent | None, placed: list[Row]) -> MapSheet:
    """Return the sheet that is asked for, or that of the city or of the buildings that were asked for."""
    if extent is not None:
        sheet = MapSheet.around(extent)
        return sheet.widened() if query.area or query.number else sheet
    city = None if query.station or query.show else map_rows.extent(asking.conn)
    around = MapMark(list(placed)).box if placed else NOWHERE
    return MapSheet.around(city or around).widened()


def _unmeasured(
    asking: Session, query: MapQuery, sheet: MapSheet, placed: list[Row]
) -> dict[str, BuildingUnmeasured] | None:
    """Return what is likely in homes without a sensor on the sheet; None: there are too many; none if not asked for."""
    if not query.unmeasured:
        return {}
    return unmeasured_in(asking, [row for row in placed if _is_within(row, sheet.extent)])


def _drawing(
    query: MapQuery, sheet: MapSheet, placed: list[Row], unmeasured: Mapping[str, BuildingUnmeasured]
) -> dict[str, Any]:
    drawn = marks(sheet, placed)
    return {
        "sheet": sheet,
        "size": (WIDTH, HEIGHT),
        "marks": [(mark, _mark_address(query, mark)) for mark in drawn],
        "hatched": [mark for mark in drawn if any(one["code"] in unmeasured for one in mark.buildings)],
        "chosen": outline(sheet, *zip(*query.corners, strict=True)) if query.area else None,
        "moves": _moves(query, sheet),
        "whole": query.address(MAP, bbox="", area="", building="", number=""),
        "states": list(BuildingState),
    }


def _listing(every: list[Row], station: str, *, is_part: bool) -> dict[str, Any]:
    coldest = _listed(nsmallest(MOST_CHOSEN if is_part else MOST_LISTED, every, key=_coldest))
    return {
        "listed": coldest[:MOST_LISTED],
        "rest": coldest[MOST_LISTED:],
        "is_part": is_part and len(every) <= MOST_CHOSEN,
        "found": len(every),
        "homes": sum(one["homes"] for one in every),
        "cold": sum(one["cold"] + one["severe"] for one in every),
        "unplaced": sum(one["lon"] is None for one in every),
    }


def _buildings(city: CityNow, query: MapQuery, extent: MapExtent | None) -> list[Row]:
    """Return the buildings that are asked for."""
    seen = MapSheet.around(extent).extent if extent and not query.area else extent
    found = [
        row
        for row in city.buildings
        if (not query.station or row["station"] == query.station)
        and (not query.show or row["state"] == query.show)
        and (seen is None or _is_within(row, seen))
    ]
    return _in_area(found, query)


def _listed(rows: Sequence[Row]) -> list[Row]:
    """Return buildings with the addresses that they lead to."""
    return [{**row, "to_homes": f"{MAP}/homes?{urlencode({'buildings': row['code']})}"} for row in rows]


def _is_within(row: Row, box: MapExtent) -> bool:
    lon, lat = row["lon"], row["lat"]
    return lon is not None and box.west <= lon <= box.east and box.south <= lat <= box.north


def _in_area(rows: list[Row], query: MapQuery) -> list[Row]:
    if not query.area:
        return rows
    within = inside(query.corners, [row["lon"] for row in rows], [row["lat"] for row in rows])
    return [row for row, is_in in zip(rows, within.tolist(), strict=True) if is_in]


def _stage(request: Request, asking: Session, query: MapQuery, sheet: MapSheet) -> dict[str, Any] | None:
    """Return what the script of the map needs; None: its library has not been fetched."""
    if (maplibre := library(MAPLIBRE)) is None:
        return None
    language, given = language_of(request, asking), surroundings(request)
    basemap, boards, box = given.basemap, given.company.boards, sheet.extent
    chosen = (
        from_wgs84(basemap.datum, *zip(*query.corners, strict=True))
        if query.area
        else from_wgs84(basemap.datum, [], [])
    )
    at = from_wgs84(basemap.datum, [box.west, box.east], [box.south, box.north])
    return {
        "library": maplibre,
        "pmtiles": library(PMTILES) or "",
        "script": asset("city-map.js"),
        "style": f"{MAP}/style" if basemap.style is not None else basemap.address or "",
        "datum": basemap.datum.value,
        "box": ",".join(f"{x:.6f}" for x in (at.lon[0], at.lat[0], at.lon[1], at.lat[1])),
        "area": " ".join(f"{x:.6f},{y:.6f}" for x, y in zip(chosen.lon, chosen.lat, strict=True)),
        "words": {key: getattr(text, language) for key, text in SCRIPT_TEXTS.items()},
        "signs": {state.value: state.sign for state in BuildingState},
        "boards": f"{boards}/d/hearth-home?var-building=" if boards else "",
    }


def _mark_address(query: MapQuery, mark: MapMark) -> str:
    """Return the address that a mark leads to: closer, or to its building in the list."""
    if mark.is_one_place:
        return f"#b-{quote(mark.buildings[0]['code'])}"
    return query.address(MAP, bbox=MapSheet.around(mark.box).widened().text, area="", building="", number="")


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
    kept = replace(query, area="", building="", number="")
    return {name: kept.address(MAP, bbox=moved.text) for name, moved in to.items()}


def _coldest(building: Row) -> tuple[Any, ...]:
    return STATE_ORDER[building["state"]], -(building["cold"] + building["severe"]), building["name"], building["code"]

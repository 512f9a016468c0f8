"""The city as it was read last, for all that ask within one reach (decision 0010)."""

import gzip
import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any

import msgspec
from psycopg import Connection

from domain.building_state import state_of
from domain.datum import Datum, from_wgs84
from domain.outlines import Corner, outline
from store.base.access import Scope
from store.base.rows import Row
from store.figures import live_feed, map_areas, map_rows
from store.figures.live_feed import Snapshot
from store.figures.map_rows import CountAge

# As long as the figures of buildings are old without being wrong; an event of a ticket ends it at once.
KEPT_FOR = timedelta(seconds=15)
SUPPLY_MARGIN_M = 60.0
DIGITS = 6  # a decimetre
COUNTED = ("homes", "severe", "cold", "unknown", "compliant")


@dataclass
class MapLayers:
    """The layers of a map as they are sent."""

    body: bytes

    @cached_property
    def tag(self) -> str:
        """The ETag; weak, because it stands for the body in any encoding."""
        return f'W/"{hashlib.sha256(self.body).hexdigest()[:32]}"'

    @cached_property
    def small(self) -> bytes:
        """The body, compressed once for all."""
        return gzip.compress(self.body, 5, mtime=0)


@dataclass
class CityNow:
    """Buildings with state and open tickets, jobs at substations, areas of incidents and outages, supply areas."""

    buildings: Sequence[Row]
    jobs: Sequence[Row]
    areas: Sequence[Row]
    count: CountAge
    at: Snapshot  # all of it is later than this place in the feed
    read_at: datetime
    _layers: dict[Datum, MapLayers] = field(default_factory=dict)

    @classmethod
    def read(cls, conn: Connection, scope: Scope, now: datetime) -> "CityNow":
        """Read it within a reach."""
        at = live_feed.now(conn)
        jobs = map_areas.jobs(conn, scope)
        of_buildings = {job["building"]: job for job in jobs if job["building"]}
        count = map_rows.count_age(conn)
        rows = map_rows.buildings(conn, scope, None, count)
        return cls(
            [_with_jobs(row, of_buildings.get(row["code"])) for row in rows],
            [job for job in jobs if not job["building"] and job["lon"] is not None],
            map_areas.areas(conn, scope),
            count,
            at,
            now,
        )

    @cached_property
    def supplies(self) -> list[tuple[str, str, list[Corner]]]:
        """The code of each substation, its station, and the outline of the buildings that it supplies."""
        return supplies(self.buildings)

    def layers(self, datum: Datum) -> MapLayers:
        """Return all layers, drawn in a datum."""
        if datum not in self._layers:
            features = [*self._outlines(datum), *self._points(datum)]
            told = {"type": "FeatureCollection", **self.count.told(), "features": features}
            self._layers[datum] = MapLayers(msgspec.json.encode(told))
        return self._layers[datum]

    def _outlines(self, datum: Datum) -> list[dict[str, Any]]:
        grounds = [
            _polygon(_places(datum, *zip(*ring, strict=True)), {"kind": "supply", "code": code, "station": station})
            for code, station, ring in self.supplies
        ]
        return grounds + [_polygon(_places(datum, one["lon"], one["lat"]), _area(one)) for one in self.areas]

    def _points(self, datum: Datum) -> list[dict[str, Any]]:
        rows = [row for row in self.buildings if row["lon"] is not None]
        told = [*map(_building, rows), *map(_job, self.jobs)]
        both = [*rows, *self.jobs]
        places = _places(datum, [row["lon"] for row in both], [row["lat"] for row in both])
        return [
            {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": properties}
            for place, properties in zip(places, told, strict=True)
        ]


@dataclass
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    city: CityNow | None = None


class MapBoard:
    """The cities that one process keeps, by reach: stations and roles are few."""

    def __init__(self) -> None:
        self._slots: defaultdict[Hashable, _Slot] = defaultdict(_Slot)

    def current(self, conn: Connection, reach: Hashable, now: datetime, read: Callable[[], CityNow]) -> CityNow:
        """Return the city as it is now; one caller reads it, and the others wait for that."""
        slot = self._slots[reach]
        with slot.lock:
            if slot.city is None or not self._holds(conn, slot.city, now):
                slot.city = read()
            return slot.city

    def _holds(self, conn: Connection, city: CityNow, now: datetime) -> bool:
        return city.read_at <= now < city.read_at + KEPT_FOR and live_feed.quiet(conn, city.at)[1]


def supplies(rows: Sequence[Row]) -> list[tuple[str, str, list[Corner]]]:
    """Return for each substation its code, its station, and the outline of the buildings that it supplies."""
    ordered = sorted((row for row in rows if row["lon"] is not None), key=lambda row: row["substation"])
    found = []
    for code, supplied in groupby(ordered, key=lambda row: row["substation"]):
        some = list(supplied)
        found.append((code, some[0]["station"], outline([(row["lon"], row["lat"]) for row in some], SUPPLY_MARGIN_M)))
    return found


def _with_jobs(row: Row, job: Row | None) -> Row:
    return {
        **row,
        "state": state_of(row),
        "tickets": job["tickets"] if job else 0,
        "underway": job["underway"] if job else 0,
        "ticket": job["first"] if job else None,
    }


def _building(row: Row) -> dict[str, Any]:
    return {
        "kind": "building",
        "coldest": None if row["coldest"] is None else round(row["coldest"], 1),
        **{name: row[name] for name in ("code", "name", "station", "state", *COUNTED, "tickets", "underway", "ticket")},
    }


def _job(row: Row) -> dict[str, Any]:
    told = {"code": row["substation"], "ticket": row["first"]}
    return {"kind": "job", **told, **{name: row[name] for name in ("name", "tickets", "underway")}}


def _area(one: Mapping[str, Any]) -> dict[str, Any]:
    told = {"kind": one["area"], "name": one["name"] or ""}
    return {**told, **{name: one[name] for name in ("number", "state", "homes")}}


def _places(datum: Datum, lon: Sequence[float], lat: Sequence[float]) -> list[list[float]]:
    at = from_wgs84(datum, lon, lat)
    return [[round(x, DIGITS), round(y, DIGITS)] for x, y in zip(at.lon.tolist(), at.lat.tolist(), strict=True)]


def _polygon(ring: list[list[float]], properties: dict[str, Any]) -> dict[str, Any]:
    closed = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    return {"type": "Feature", "geometry": closed, "properties": properties}

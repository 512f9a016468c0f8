"""How the network stands, for everybody: outages by area, and figures in which no home can be made out."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from psycopg import Connection
from pydantic import BaseModel, Field

from api.http.session import AppContext, surroundings
from api.http.values import Instant
from domain.crowd import Group, HomeCount, grouped, roughly, share, total
from domain.outages import OutageKind
from domain.reasons import Text
from store.base import access
from store.base.access import Scope
from store.base.rows import Row
from store.figures import status_rows

NOBODY = Scope(everywhere=False, own_station=None, own_homes=[])
# Counted anew this often, for all who ask: less would let people watch single homes change.
FIGURES_FOR = timedelta(minutes=10)
OUTAGES_FOR = timedelta(seconds=30)
CACHED = "public, max-age=30"
OTHERS = Text("其他片区", "Other areas")

Part = Annotated[float, Field(ge=0, le=1)]


class Name(BaseModel):
    """In two languages; what has a name of its own is called so in both."""

    zh: str
    en: str


class NetworkPart(BaseModel):
    """A part of the network."""

    kind: Literal["substation", "building"]
    name: str


class PublicOutage(BaseModel):
    """A time without heat, or with less of it; without `expected_end` nobody can say yet."""

    number: str
    kind: OutageKind
    state: Literal["planned", "running", "late"]
    stops_heating: bool
    begins_at: Instant
    expected_end: Instant | None
    areas: list[NetworkPart]


class Share(BaseModel):
    """Of about so many judged homes, what part is warm enough, too cold, or not known. In steps of 5 %."""

    homes: int
    warm: Part
    cold: Part
    unknown: Part


class AreaShare(Share):
    """The same of the homes behind some substations."""

    name: Name
    substations: list[str]


class Figures(BaseModel):
    """Never of fewer homes than `least_homes`; small areas are told together. Without homes enough, of nobody."""

    counted_at: Instant
    least_homes: int
    company: Share | None
    areas: list[AreaShare]


class Status(BaseModel):
    """How the network stands."""

    at: Instant
    outages: list[PublicOutage]
    figures: Figures


class Board:
    """What everybody may know, looked up once in a while for all who ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._status: Status | None = None

    def look(self, given: AppContext) -> Status:
        """How the network stands, or stood some seconds ago.

        While one request looks it up the others are told what was known before; only before that is there do they wait.
        """
        now, known = given.clock(), self._status
        if known is not None and known.at <= now < known.at + OUTAGES_FOR:
            return known
        if not self._lock.acquire(blocking=known is None):
            assert known is not None
            return known
        try:
            return self._look_up(given, now)
        finally:
            self._lock.release()

    def _look_up(self, given: AppContext, now: datetime) -> Status:
        if self._status is None or not self._status.at <= now < self._status.at + OUTAGES_FOR:
            with given.pool.connection() as conn:
                conn.read_only = True
                access.enter(conn, NOBODY)
                figures = self._figures(conn, now, given.company.least_homes)
                self._status = Status(at=now, outages=_outages(conn, now), figures=figures)
        return self._status

    def _figures(self, conn: Connection, now: datetime, least_homes: int) -> Figures:
        last = self._status.figures if self._status else None
        if last is not None and last.counted_at <= now < last.counted_at + FIGURES_FOR:
            return last
        return figures(status_rows.areas(conn), least_homes, now)


router = APIRouter(prefix="/v1", tags=["status"])


@router.get("/status")
def network(request: Request, response: Response) -> Status:
    """How the network stands: where there is no heat or will be none, and how many homes are warm. For everybody."""
    response.headers["Cache-Control"] = CACHED
    return posted(request)


def posted(request: Request) -> Status:
    """How the network stands, or stood some seconds ago."""
    board: Board = request.app.state.board
    return board.look(surroundings(request))


def figures(areas: Sequence[Row], least_homes: int, at: datetime) -> Figures:
    """The figures of areas, of so many homes together that none can be made out."""
    named = {row["code"]: row["name"] for row in areas}
    counts = {row["code"]: HomeCount(row["warm"], row["cold"], row["unknown"]) for row in areas}
    groups = grouped(counts, least_homes)
    whole = total(group.counted for group in groups)
    return Figures(
        counted_at=at,
        least_homes=least_homes,
        company=Share.model_validate(_share(whole)) if groups else None,
        areas=[_area(group, named) for group in groups],
    )


def _area(group: Group, named: dict[str, str]) -> AreaShare:
    names = [named[code] for code in group.areas]
    name = Text(names[0], names[0]) if len(names) == 1 else OTHERS
    return AreaShare.model_validate({**_share(group.counted), "name": name._asdict(), "substations": names})


def _share(count: HomeCount) -> dict[str, float]:
    return {"homes": roughly(count.homes)} | {name: share(part, count.homes) for name, part in count._asdict().items()}


def _outages(conn: Connection, now: datetime) -> list[PublicOutage]:
    rows = status_rows.outages(conn)
    return [
        PublicOutage.model_validate({**rows_of[0], "state": _state(rows_of[0], now), "areas": _places(rows_of)})
        for rows_of in ([*found] for _, found in groupby(rows, key=lambda row: row["number"]))
    ]


def _places(rows: Sequence[Row]) -> list[dict[str, str]]:
    return [{"kind": row["place_kind"], "name": row["name"]} for row in rows]


def _state(row: Row, now: datetime) -> str:
    if row["begins_at"] > now:
        return "planned"
    return "late" if row["expected_end"] is not None and row["expected_end"] <= now else "running"

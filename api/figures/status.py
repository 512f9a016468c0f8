"""Route for the public network status: outages by area, and figures that identify no home."""

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
from api.words.pages import OTHERS
from domain.crowd import Group, HomeCount, grouped, roughly, share, total
from domain.outages import OutageKind
from domain.words.text import Text
from store.base import access
from store.base.access import Scope
from store.base.rows import Row
from store.figures import status_rows

NOBODY = Scope(everywhere=False, own_station=None, own_homes=[])
# Recounted this often, one count for all callers: shorter intervals would reveal changes of single homes.
FIGURES_FOR = timedelta(minutes=10)
OUTAGES_FOR = timedelta(seconds=30)
CACHED = "public, max-age=30"

Part = Annotated[float, Field(ge=0, le=1)]


class Name(BaseModel):
    """A name in both languages; a proper name is the same in both."""

    zh: str
    en: str


class NetworkPart(BaseModel):
    """A part of the network."""

    kind: Literal["substation", "building"]
    name: str


class PublicOutage(BaseModel):
    """An outage, total or partial; without `expected_end` its end is not known yet."""

    number: str
    kind: OutageKind
    state: Literal["planned", "running", "late"]
    stops_heating: bool
    begins_at: Instant
    expected_end: Instant | None
    areas: list[NetworkPart]


class Share(BaseModel):
    """The shares of judged homes (their number rounded) that are warm enough, too cold or unknown, in steps of 5 %."""

    homes: int
    warm: Part
    cold: Part
    unknown: Part


class AreaShare(Share):
    """The shares of the homes of some substations."""

    name: Name
    substations: list[str]


class Figures(BaseModel):
    """Public figures, never of fewer homes than `least_homes`: small areas are pooled, and too few homes give none."""

    counted_at: Instant
    least_homes: int
    company: Share | None
    areas: list[AreaShare]


class Status(BaseModel):
    """The status of the network."""

    at: Instant
    outages: list[PublicOutage]
    figures: Figures


class Board:
    """The public status, cached and refreshed once for all callers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._status: Status | None = None

    def current(self, given: AppContext) -> Status:
        """Return the status, at most OUTAGES_FOR old.

        While one request refreshes it, the others get the previous one; only before the first do they wait.
        """
        now, known = given.clock(), self._status
        if known is not None and known.at <= now < known.at + OUTAGES_FOR:
            return known
        if not self._lock.acquire(blocking=known is None):
            assert known is not None
            return known
        try:
            return self._refreshed(given, now)
        finally:
            self._lock.release()

    def _refreshed(self, given: AppContext, now: datetime) -> Status:
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
    """Get the public network status: current and planned outages, and how many homes are warm."""
    response.headers["Cache-Control"] = CACHED
    return posted(request)


def posted(request: Request) -> Status:
    """Return the cached status of the app."""
    board: Board = request.app.state.board
    return board.current(surroundings(request))


def figures(areas: Sequence[Row], least_homes: int, at: datetime) -> Figures:
    """Compute the figures of areas, pooled so that no home can be identified."""
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
    found = []
    for _, group in groupby(rows, key=lambda row: row["number"]):
        places = list(group)
        areas = [{"kind": place["place_kind"], "name": place["name"]} for place in places]
        found.append(PublicOutage.model_validate({**places[0], "state": _state(places[0], now), "areas": areas}))
    return found


def _state(row: Row, now: datetime) -> str:
    if row["begins_at"] > now:
        return "planned"
    return "late" if row["expected_end"] is not None and row["expected_end"] <= now else "running"

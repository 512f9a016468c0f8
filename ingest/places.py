"""Which sensor stands where: looked up for a batch at once, kept while the registry stays the same."""

from collections.abc import Iterable
from typing import NamedTuple

from psycopg import Connection

from domain.instants import EVER_US, to_us
from domain.milli import milli
from domain.policy import ROOMS
from store.registry import place_rows

KEPT_SENSORS = 200_000  # a bound on memory: beyond it everything is looked up anew


class Place(NamedTuple):
    """A sensor at a place from one instant to another (µs, half-open)."""

    sensor_id: int
    valid_from: int
    valid_to: int
    stays_until: int  # the end of the stay in this room, across changes of offset or gateway
    home_id: int  # 0: a substation's sensor
    gateway: str | None
    room_kind: int  # index into ROOMS
    interval_s: int
    offset: int  # thousandths of a kelvin


class Places:
    """The places of sensors by their code."""

    def __init__(self) -> None:
        self._version = -1
        self._known: dict[str, tuple[Place, ...]] = {}

    def look_up(self, conn: Connection, codes: Iterable[str]) -> dict[str, tuple[Place, ...]]:
        """Code → places in order of time, for every sensor asked for that exists (and maybe others)."""
        version = place_rows.version(conn)
        if version != self._version or len(self._known) > KEPT_SENSORS:
            self._known.clear()
            self._version = version
        missing = [code for code in codes if code not in self._known]
        if missing:
            self._load(conn, missing)
        return self._known

    def _load(self, conn: Connection, codes: list[str]) -> None:
        rows: dict[str, list[place_rows.PlaceRow]] = {}
        for row in place_rows.places(conn, codes):
            rows.setdefault(row.code, []).append(row)
        for code, spans in rows.items():
            self._known[code] = tuple(_place(spans, i) for i in range(len(spans)))


def _place(spans: list[place_rows.PlaceRow], index: int) -> Place:
    row = last = spans[index]
    for later in spans[index + 1 :]:
        if later.valid_from != last.valid_to or (later.home_id, later.room) != (row.home_id, row.room):
            break
        last = later
    return Place(
        row.sensor_id,
        -EVER_US if row.valid_from is None else to_us(row.valid_from),
        EVER_US if row.valid_to is None else to_us(row.valid_to),
        EVER_US if last.valid_to is None else to_us(last.valid_to),
        row.home_id or 0,
        row.gateway,
        ROOMS.index(row.room_kind) if row.room_kind else 0,
        row.interval_s,
        milli(row.offset_k),
    )

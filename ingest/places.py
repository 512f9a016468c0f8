"""Places of sensors: looked up for a batch at once, kept while the registry stays the same."""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from domain.instants import EVER_US, to_us
from domain.milli import milli
from domain.policy import ROOMS
from store.registry import place_rows

KEPT_SENSORS = 200_000  # a bound on memory: beyond it everything is looked up again
CODE_LETTERS = 100
UNKNOWN, NOWHERE = 0, 0  # the number of what is no sensor, and its place, which is never in force
STRANGER = -1  # the number of a device that is no gateway


class SensorStay(NamedTuple):
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


# A Place as a row; the gateway is a number, 0: none.
PLACE = np.dtype(
    [
        ("sensor_id", np.int32),
        ("valid_from", np.int64),
        ("valid_to", np.int64),
        ("stays_until", np.int64),
        ("home_id", np.int32),
        ("gateway", np.int32),
        ("room_kind", np.int8),
        ("interval_s", np.int32),
        ("offset", np.int32),
    ]
)


class SensorPlaces:
    """The places of sensors. Each sensor has a number here, its places are rows that follow each other."""

    rows: NDArray[np.void]  # PLACE
    _ends: NDArray[np.intp]  # of the rows of each number
    _numbers: dict[str, int]
    _gateways: dict[str | None, int]
    _alike: dict[str, str | None]  # of codes that are not in the registry

    def __init__(self) -> None:
        self._version = -1
        self._forget()

    def look_up(self, conn: Connection, codes: Sequence[str]) -> NDArray[np.intp]:
        """Return the number of each sensor; UNKNOWN for what is not in the registry."""
        version = place_rows.version(conn)
        if version != self._version or len(self._numbers) > KEPT_SENSORS:
            self._forget()
            self._version = version
        numbers = self.numbers(codes)
        missing = {codes[nth] for nth in np.flatnonzero(numbers == UNKNOWN).tolist()}
        if asked := [code for code in missing if is_code(code)]:
            rows: dict[str, list[place_rows.PlaceRow]] = {}
            for row in place_rows.places(conn, asked):
                rows.setdefault(row.code, []).append(row)
            self._look_for_alike(conn, [code for code in asked if code not in rows])
            if rows:
                self.learn({code: [_place(spans, i) for i in range(len(spans))] for code, spans in rows.items()})
                numbers = self.numbers(codes)
        return numbers

    def alike(self, code: str) -> str | None:
        """Return the sensor whose code differs from an unknown one only in case, separators or leading zeros."""
        return self._alike.get(code)

    def _look_for_alike(self, conn: Connection, unknown: Sequence[str]) -> None:
        """Look up what unknown codes may mean, each once as long as the registry stays the same."""
        fresh = [code for code in unknown if code not in self._alike]
        if len(self._alike) + len(fresh) > KEPT_SENSORS:
            self._alike.clear()
        if fresh:
            self._alike |= dict.fromkeys(fresh) | place_rows.alike(conn, fresh)

    def learn(self, known: Mapping[str, Sequence[SensorStay]]) -> None:
        """Keep the places of sensors that are new here, each sensor's in order of time."""
        counts = [len(places) for places in known.values()]
        rows = [self._row(place) for places in known.values() for place in places]
        self._numbers.update(zip(known, range(len(self._ends), len(self._ends) + len(known)), strict=True))
        self._ends = np.append(self._ends, len(self.rows) + np.cumsum(counts, dtype=np.intp))
        self.rows = np.append(self.rows, np.array(rows, PLACE))

    def numbers(self, codes: Sequence[str]) -> NDArray[np.intp]:
        """Return the number of each sensor; UNKNOWN for those that are not known here."""
        return np.fromiter(map(self._numbers.get, codes, repeat(UNKNOWN)), np.intp, len(codes))

    def gateways(self, devices: Sequence[str]) -> NDArray[np.intp]:
        """Return the number of each device as a gateway, STRANGER for what is none."""
        return np.fromiter(map(self._gateways.get, devices, repeat(STRANGER)), np.intp, len(devices))

    def in_force(self, numbers: NDArray[np.intp], at_us: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the row of each sensor's place at an instant, NOWHERE if it had none: the last one first."""
        where = np.full(len(numbers), NOWHERE, np.intp)
        left = np.flatnonzero(numbers != UNKNOWN)
        row, first = self._ends[numbers[left]] - 1, self._ends[numbers[left] - 1]
        while len(left):
            at = at_us[left]
            holds = (self.rows["valid_from"][row] <= at) & (at < self.rows["valid_to"][row])
            where[left[holds]] = row[holds]
            others = ~holds & (row > first)
            left, row, first = left[others], row[others] - 1, first[others]
        return where

    def of(self, number: int) -> NDArray[np.void]:
        """Return the places of a sensor."""
        return self.rows[self._ends[number - 1] : self._ends[number]] if number != UNKNOWN else self.rows[:0]

    def _row(self, place: SensorStay) -> tuple[int, ...]:
        gateway = self._gateways.setdefault(place.gateway, len(self._gateways))
        return (*place[:5], gateway, *place[6:])

    def _forget(self) -> None:
        self.rows, self._ends = np.zeros(1, PLACE), np.ones(1, np.intp)  # NOWHERE, which is all that UNKNOWN has
        self._numbers, self._gateways = {}, {None: 0}
        self._alike = {}


def is_code(code: str) -> bool:
    """Return whether the registry could have such a code."""
    return 0 < len(code) <= CODE_LETTERS and code.isprintable()


def _place(spans: list[place_rows.PlaceRow], index: int) -> SensorStay:
    row = last = spans[index]
    for later in spans[index + 1 :]:
        if later.valid_from != last.valid_to or (later.home_id, later.room) != (row.home_id, row.room):
            break
        last = later
    return SensorStay(
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

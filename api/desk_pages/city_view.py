"""The map as a drawing: a box of the world on a sheet, and buildings near each other as one mark."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.building_state import COUNTS, BuildingState, state_of
from store.figures.map_rows import MapExtent

WIDTH, HEIGHT = 960, 600
CELLS_EAST, CELLS_NORTH = 16, 10
MARGIN = 0.06  # of a side, beside what is to be seen
LEAST_DEGREES = 0.0015  # 170 m: closer there is nothing more to be seen
MOST_LATITUDE = 85


@dataclass(frozen=True)
class MapSheet:
    """A sheet of WIDTH × HEIGHT that shows a box of the world, north up."""

    extent: MapExtent

    @classmethod
    def around(cls, box: MapExtent) -> "MapSheet":
        """Return the sheet that shows all of a box, with its own proportions."""
        lon, lat = (box.west + box.east) / 2, (box.south + box.north) / 2
        narrow = max(math.cos(math.radians(lat)), 0.05)  # a degree of longitude beside one of latitude
        high = max(box.north - box.south, (box.east - box.west) * narrow * HEIGHT / WIDTH, LEAST_DEGREES)
        wide = high * WIDTH / HEIGHT / narrow
        north = min(lat + high / 2, MOST_LATITUDE)
        south = max(lat - high / 2, -MOST_LATITUDE)
        return cls(MapExtent(max(lon - wide / 2, -180), south, min(lon + wide / 2, 180), north))

    def widened(self) -> "MapSheet":
        """Return the sheet with a margin."""
        return self.moved(1 + 2 * MARGIN)

    def moved(self, scale: float = 1, east: float = 0, north: float = 0) -> "MapSheet":
        """Return a sheet of another scale, or beside this one by parts of its sides."""
        box = self.extent
        wide, high = box.east - box.west, box.north - box.south
        lon, lat = (box.west + box.east) / 2 + east * wide, (box.south + box.north) / 2 + north * high
        lon, lat = min(max(lon, -180), 180), min(max(lat, -MOST_LATITUDE), MOST_LATITUDE)
        wide, high = wide * scale / 2, high * scale / 2
        return self.around(MapExtent(lon - wide, lat - high, lon + wide, lat + high))

    def place(self, lon: float, lat: float) -> tuple[float, float]:
        """Return the point of a place on the sheet, from its upper left corner."""
        box = self.extent
        x = (lon - box.west) / (box.east - box.west) * WIDTH
        return round(x, 1), round((box.north - lat) / (box.north - box.south) * HEIGHT, 1)

    @property
    def text(self) -> str:
        """The box as the API writes it: west,south,east,north."""
        return ",".join(f"{degrees:.6f}" for degrees in self.extent)


@dataclass
class MapMark:
    """Buildings that stand together on the sheet: one, or those of a cell."""

    buildings: list[Mapping[str, Any]] = field(default_factory=list)
    x: float = 0
    y: float = 0

    @property
    def state(self) -> BuildingState:
        """The state that the mark shows."""
        return state_of({name: sum(one[name] for one in self.buildings) for name in COUNTS})

    @property
    def cold(self) -> int:
        """The number of homes that are cold or severely cold."""
        return sum(one["cold"] + one["severe"] for one in self.buildings)

    @property
    def homes(self) -> int:
        """The number of homes."""
        return sum(one["homes"] for one in self.buildings)

    @property
    def tickets(self) -> int:
        """The number of open tickets."""
        return sum(one["tickets"] for one in self.buildings)

    @property
    def underway(self) -> int:
        """The number of open tickets that somebody works on."""
        return sum(one["underway"] for one in self.buildings)

    @property
    def radius(self) -> int:
        """The radius on the sheet: a mark of more buildings is larger."""
        return 15 if len(self.buildings) == 1 else min(19 + round(3 * math.log10(len(self.buildings)) * 2), 29)

    @property
    def box(self) -> MapExtent:
        """The box around its buildings."""
        lon, lat = [one["lon"] for one in self.buildings], [one["lat"] for one in self.buildings]
        return MapExtent(min(lon), min(lat), max(lon), max(lat))

    @property
    def is_one_place(self) -> bool:
        """True where looking closer would show nothing else."""
        box = self.box
        return max(box.east - box.west, box.north - box.south) < LEAST_DEGREES / 20


def marks(sheet: MapSheet, buildings: Iterable[Mapping[str, Any]]) -> list[MapMark]:
    """Gather buildings into marks, the warm ones first: what is cold is drawn on top."""
    cells: dict[tuple[int, int], MapMark] = {}
    for one in buildings:
        x, y = sheet.place(one["lon"], one["lat"])
        if not (0 <= x <= WIDTH and 0 <= y <= HEIGHT):
            continue  # a place that was mistyped, far away; the list has it
        cell = (int(x * CELLS_EAST // WIDTH), int(y * CELLS_NORTH // HEIGHT))
        mark = cells.setdefault(cell, MapMark())
        mark.buildings.append(one)
        mark.x, mark.y = mark.x + x, mark.y + y
    for mark in cells.values():
        mark.x = round(min(max(mark.x / len(mark.buildings), mark.radius), WIDTH - mark.radius), 1)
        mark.y = round(min(max(mark.y / len(mark.buildings), mark.radius), HEIGHT - mark.radius), 1)
    return sorted(cells.values(), key=lambda mark: (mark.cold, len(mark.buildings)))


def outline(sheet: MapSheet, lon: Sequence[float], lat: Sequence[float]) -> str:
    """Return the corners of a polygon as SVG has them."""
    return " ".join("{},{}".format(*sheet.place(*corner)) for corner in zip(lon, lat, strict=True))

"""Registry files of the simulated town and the recordings, with the columns of a registry import."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sim import replay
from sim.layout import Layout, TownHome
from sim.radio import substation_device
from sim.town import Town

COLUMNS = {
    "substations": ("code", "name", "station", "lat", "lon"),
    "buildings": ("code", "substation", "name", "address", "lat", "lon"),
    "homes": (
        *("code", "building", "unit", "class", "heat_status", "status_since"),
        *("contract_limit", "contract_from", "contract_to", "riser", "floor", "exposure"),
    ),
    "sensors": (
        *("id", "home", "substation", "gateway", "room", "room_kind"),
        *("interval_s", "offset", "valid_from", "valid_to"),
    ),
}
CONTRACT_WINDOW = ("06:00", "21:00")
STOPPED_SINCE = "2025-11-01T00:00:00+08:00"

Row = Mapping[str, object]


class Slower(NamedTuple):
    """The interval of the sensors before an instant: a company begins with few readings, then asks for more."""

    interval_s: int
    until: datetime


def write_registry(town: Town, folder: Path, *, recordings: bool = False, slower: Slower | None = None) -> None:
    """Write the four registry files into `folder`; with `recordings`, also for the recorded house."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "substations": _substations(town.layout),
        "buildings": _buildings(town.layout),
        "homes": [_home(town.layout, home, first) for home, first in _with_first_riser(town.layout)],
        "sensors": _over_time(_sensors(town), slower),
    }
    for name, columns in COLUMNS.items():
        rows = tables[name] + (replay.registry_rows(name) if recordings else [])
        _write(folder / f"{name}.csv", columns, rows)


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    """Write a CSV file. Columns missing from a row stay empty; an unknown name raises ValueError."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _substations(plan: Layout) -> list[Row]:
    return [
        {"code": s.code, "name": s.name, "station": s.station, "lat": s.lat, "lon": s.lon} for s in plan.substations
    ]


def _buildings(plan: Layout) -> list[Row]:
    return [
        {
            "code": b.code,
            "substation": plan.substations[b.substation].code,
            "name": b.name,
            "address": b.address,
            "lat": b.lat,
            "lon": b.lon,
        }
        for b in plan.buildings
    ]


def _with_first_riser(plan: Layout) -> Iterator[tuple[TownHome, int]]:
    """Yield each home with the first riser of its building; risers are named within their building."""
    first: dict[int, int] = {}
    for home in plan.homes:
        yield home, first.setdefault(home.building, home.riser)


def _home(plan: Layout, home: TownHome, first_riser: int) -> Row:
    contract: Row = {}
    if home.contract_limit is not None:
        contract = {
            "contract_limit": home.contract_limit,
            "contract_from": CONTRACT_WINDOW[0],
            "contract_to": CONTRACT_WINDOW[1],
        }
    return {
        "code": home.code,
        "building": plan.buildings[home.building].code,
        "unit": home.unit,
        "class": home.home_class,
        "heat_status": "stopped" if home.stopped else "on",
        "status_since": STOPPED_SINCE if home.stopped else "",
        **contract,
        "riser": f"R{home.riser - first_riser + 1}",
        "floor": home.floor,
        "exposure": home.exposure,
    }


def _sensors(town: Town) -> list[Row]:
    plan = town.layout
    rooms: list[Row] = [
        {
            "id": s.id,
            "home": plan.homes[s.home].code,
            "gateway": plan.devices[s.device].name if plan.devices[s.device].gateway else "",
            "room": s.room_kind,
            "room_kind": s.room_kind,
            "interval_s": town.interval_s,
            "offset": s.offset,
        }
        for s in plan.sensors
    ]
    return rooms + [
        {
            "id": substation_device(s.code),
            "substation": s.code,
            "interval_s": town.interval_s,
            "offset": 0.0,
        }
        for s in plan.substations
    ]


def _over_time(sensors: list[Row], slower: Slower | None) -> list[Row]:
    """Return two lines for each sensor that was slower once."""
    if slower is None:
        return sensors
    changed = slower.until.isoformat()
    return [
        line
        for row in sensors
        for line in (
            {**row, "interval_s": slower.interval_s, "valid_to": changed},
            {**row, "valid_from": changed},
        )
    ]

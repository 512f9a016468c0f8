"""Layout of the town: substations, buildings, homes and sensors, determined by seed and size."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

HOMES_PER_SUBSTATION = 120
FLOORS = 6
FLATS_PER_LANDING = 2
BUNGALOW_ROW_HOMES = 4
BUNGALOW_ROW_EVERY = 7  # one in this many buildings is a row of bungalows

GATEWAY_SHARE = 0.6  # of the buildings
BEDROOM_SENSOR_SHARE = 0.15
NONRESIDENTIAL_SHARE = 0.015
STOPPED_SHARE = 0.015
CONTRACT_SHARE = 0.6  # of the bungalows and non-residential homes
OFFSET_SHARE = 0.1  # of the sensors have a known offset
TEXT_TIME_SHARE = 0.05  # of the sensors without a gateway send RFC 3339 instead of milliseconds

CENTRE = (41.8057, 123.4315)  # near Shenyang; the district is fictitious
PLACES = (
    ("安和", "Anhe"),
    ("文昌", "Wenchang"),
    ("河东", "Hedong"),
    ("松园", "Songyuan"),
    ("北塔", "Beita"),
    ("泉水", "Quanshui"),
    ("长青", "Changqing"),
    ("铁西", "Tiexi"),
)
STATIONS = (("东城供热站", "Dongcheng"), ("西城供热站", "Xicheng"))
STREETS = ("文昌路", "松园街", "泉水巷", "长青大街", "北塔路", "安和街")

_STREAM = 31


@dataclass(frozen=True)
class TownSubstation:
    code: str
    name: str
    station: str
    lat: float
    lon: float


@dataclass(frozen=True)
class TownBuilding:
    code: str
    substation: int
    name: str
    address: str
    lat: float
    lon: float
    bungalows: bool
    gateway: str  # empty if the sensors publish themselves


@dataclass(frozen=True)
class TownHome:
    code: str
    building: int
    riser: int
    floor: int
    exposure: str
    unit: str
    home_class: str
    stopped: bool
    contract_limit: float | None  # °C


@dataclass(frozen=True)
class TownSensor:
    id: str
    home: int
    device: int
    room_kind: str
    offset: float  # kelvin to add to its readings
    text_time: bool


@dataclass(frozen=True)
class Device:
    """A publisher on a topic: a gateway, or a sensor without one; `sensors` are positions in the layout."""

    name: str
    gateway: bool
    sensors: range


@dataclass(frozen=True)
class Layout:
    """A town plan. References are positions in these tuples; the sensors of a device are adjacent."""

    substations: tuple[TownSubstation, ...]
    buildings: tuple[TownBuilding, ...]
    homes: tuple[TownHome, ...]
    sensors: tuple[TownSensor, ...]
    devices: tuple[Device, ...]
    risers: int


def plan(seed: int, homes: int) -> Layout:
    """Lay out a town with exactly `homes` homes. Raises ValueError below one home."""
    if homes < 1:
        raise ValueError("a town has at least one home")
    rng = np.random.default_rng([seed, _STREAM])
    substations = tuple(_substation(i, rng) for i in range(-(-homes // HOMES_PER_SUBSTATION)))
    buildings: list[TownBuilding] = []
    all_homes: list[TownHome] = []
    risers = 0
    while len(all_homes) < homes:
        substation = len(all_homes) // HOMES_PER_SUBSTATION
        building = _building(len(buildings), substation, substations[substation], rng)
        units = _units(building, rng)[: homes - len(all_homes)]
        all_homes += [_home(building, len(buildings), risers, unit, rng) for unit in units]
        risers += 1 + max(unit.riser for unit in units)
        buildings.append(building)
    sensors, devices = _sensors(buildings, all_homes, rng)
    return Layout(substations, tuple(buildings), tuple(all_homes), sensors, devices, risers)


def _substation(index: int, rng: np.random.Generator) -> TownSubstation:
    place, pinyin = PLACES[index % len(PLACES)]
    station, station_pinyin = STATIONS[index % len(STATIONS)]
    lat, lon = rng.normal(CENTRE, (0.012, 0.016))
    return TownSubstation(
        code=f"S{index + 1:02d}",
        name=f"{place}换热站{index // len(PLACES) + 1}号 {pinyin} {index // len(PLACES) + 1}",
        station=f"{station} {station_pinyin}",
        lat=round(float(lat), 6),
        lon=round(float(lon), 6),
    )


def _building(index: int, substation_index: int, substation: TownSubstation, rng: np.random.Generator) -> TownBuilding:
    bungalows = index % BUNGALOW_ROW_EVERY == BUNGALOW_ROW_EVERY // 2
    street = STREETS[int(rng.integers(len(STREETS)))]
    number = int(rng.integers(1, 200))
    lat, lon = rng.normal((substation.lat, substation.lon), (0.0025, 0.0033))
    place = substation.name.split("换热站")[0]
    return TownBuilding(
        code=f"B{index + 1:04d}",
        substation=substation_index,
        name=f"{place}{'平房' if bungalows else '小区'}{index + 1}{'排' if bungalows else '号楼'}",
        address=f"安和区{street}{number}号",
        lat=round(float(lat), 6),
        lon=round(float(lon), 6),
        bungalows=bungalows,
        gateway=f"gw-b{index + 1:04d}" if rng.random() < GATEWAY_SHARE else "",
    )


class _Unit(NamedTuple):
    """A home within its building: the riser counted there, the floor from 1 on, the exposure, the door."""

    riser: int
    floor: int
    exposure: str
    door: str


def _units(building: TownBuilding, rng: np.random.Generator) -> list[_Unit]:
    """Return every home of a building; flats above each other share a riser."""
    if building.bungalows:
        ends = (1, BUNGALOW_ROW_HOMES)
        return [
            _Unit(0, 1, "roof_gable" if number in ends else "roof", f"{number}")
            for number in range(1, BUNGALOW_ROW_HOMES + 1)
        ]
    entrances = int(rng.integers(2, 4))
    last = entrances * FLATS_PER_LANDING - 1
    return [
        _Unit(riser, floor, _exposure(floor, riser in (0, last)), f"{entrance + 1}-{floor}{flat + 1:02d}")
        for entrance in range(entrances)
        for floor in range(1, FLOORS + 1)
        for flat in range(FLATS_PER_LANDING)
        for riser in (entrance * FLATS_PER_LANDING + flat,)
    ]


def _exposure(floor: int, gable: bool) -> str:
    """Name where a flat lies, by the words of the registry."""
    level = "roof" if floor == FLOORS else "ground" if floor == 1 else ""
    return "_".join(filter(None, (level, "gable" if gable else ""))) or "inner"


def _home(building: TownBuilding, index: int, first_riser: int, unit: _Unit, rng: np.random.Generator) -> TownHome:
    nonresidential, stopped, contract = rng.random(3) < (NONRESIDENTIAL_SHARE, STOPPED_SHARE, CONTRACT_SHARE)
    home_class = "bungalow" if building.bungalows else "nonresidential" if nonresidential else "multistorey"
    return TownHome(
        code=f"{building.code}-{unit.door}",
        building=index,
        riser=first_riser + unit.riser,
        floor=unit.floor,
        exposure=unit.exposure,
        unit=unit.door,
        home_class=home_class,
        stopped=bool(stopped),
        contract_limit=float(rng.choice([16.0, 18.0])) if contract and home_class != "multistorey" else None,
    )


def _sensors(
    buildings: list[TownBuilding], homes: list[TownHome], rng: np.random.Generator
) -> tuple[tuple[TownSensor, ...], tuple[Device, ...]]:
    sensors: list[TownSensor] = []
    devices: list[Device] = []
    for index, home in enumerate(homes):
        gateway = buildings[home.building].gateway
        kinds = ["living", "bedroom"] if rng.random() < BEDROOM_SENSOR_SHARE else ["living"]
        for kind in kinds:
            identity = f"t-{home.code.lower()}-{kind[0]}"
            if gateway and devices and devices[-1].name == gateway:
                devices[-1] = Device(gateway, True, range(devices[-1].sensors.start, len(sensors) + 1))
            else:
                devices.append(Device(gateway or identity, bool(gateway), range(len(sensors), len(sensors) + 1)))
            sensors.append(_sensor(identity, index, len(devices) - 1, kind, rng))
    return tuple(sensors), tuple(devices)


def _sensor(identity: str, home: int, device: int, kind: str, rng: np.random.Generator) -> TownSensor:
    off, text_time = rng.random(2) < (OFFSET_SHARE, TEXT_TIME_SHARE)
    offset = round(float(rng.uniform(-0.4, 0.4)), 2) if off else 0.0
    return TownSensor(identity, home, device, kind, offset, bool(text_time))

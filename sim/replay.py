"""Replay of real recordings: eight rooms as eight homes, a heat meter as the substation that feeds them.

The recordings were made near UTC+1. Their wall clock maps to that of the replay's zone, a whole number of weeks later,
so every reading keeps its weekday and time of day.
"""

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from sim import telemetry
from sim.telemetry import TimedPayload
from sim.weather import DAY_US, HOUR_US

RECORDED_ZONE = timezone(timedelta(hours=1))
WEEK = timedelta(weeks=1)
METER_LATER_WEEKS = 156  # the meter was recorded three winters after the rooms; this aligns their seasons
ROOMS_INTERVAL_S = 600
METER_INTERVAL_S = 3600
SEND_DELAY_US = 1_000_000

BUILDING, SUBSTATION, METER = "REC", "REC-S", "rec-meter"
PLACE = {"lat": 41.8203, "lon": 123.4502}

Instants = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Recording:
    """Series over common instants, by name; NaN for missing values."""

    at_us: Instants
    values: Mapping[str, Floats]


@cache
def recorded_rooms() -> Recording:
    """Load the air temperature of the rooms in °C, at the recorded instants."""
    recording = _read("rooms_2016.csv.gz")
    return Recording(recording.at_us, {k: v for k, v in recording.values.items() if k != "outdoor"})


@cache
def recorded_heat_meter() -> Recording:
    """Load the channels of the heat meter: supply and return in °C, flow in m³/h, heat in kW, per preceding hour."""
    meter = _read("heat_meter_2018.csv.gz")
    hours = np.diff(meter.at_us, prepend=meter.at_us[0] - HOUR_US) / HOUR_US
    return Recording(
        meter.at_us,
        {
            "supply_temperature": meter.values["supply_temperature"],
            "return_temperature": meter.values["return_temperature"],
            "flow": _growth(meter.values["volume_m3"]) / hours,
            "heat_power": _growth(meter.values["heat_energy_kwh"]) / hours,
        },
    )


def rooms(weeks: int, zone: ZoneInfo) -> Recording:
    """Return the rooms, shifted by `weeks` onto the wall clock of `zone`."""
    return _shifted(recorded_rooms(), weeks, zone)


def heat_meter(weeks: int, zone: ZoneInfo) -> Recording:
    """Return the heat meter, shifted by `weeks` onto the wall clock of `zone`."""
    return _shifted(recorded_heat_meter(), weeks, zone)


def weeks_before(row: datetime, instant: datetime, zone: ZoneInfo) -> int:
    """Return the most weeks by which the recorded `row` can be shifted without passing `instant`, both aware."""
    return (_wall(instant, zone) - _wall(row, RECORDED_ZONE)) // WEEK


def coldest_weeks(now: datetime, zone: ZoneInfo, reach: timedelta) -> int:
    """Choose the shift in weeks with which the rooms cover `reach` around `now` with as much cold as possible.

    Cold readings are below 18 °C between 06:00 and 21:00. Raises ValueError if the recording is too short for `reach`.
    """
    recording = recorded_rooms()
    wall_us = recording.at_us + HOUR_US
    now_us = _wall_us(_wall(now, zone))
    reach_us = reach // timedelta(microseconds=1)
    cold = _cold_readings(recording, wall_us)
    least = -(-(now_us + reach_us - int(wall_us[-1])) // (7 * DAY_US))
    most = (now_us - reach_us - int(wall_us[0])) // (7 * DAY_US)

    def coldness(weeks: int) -> int:
        middle = now_us - weeks * 7 * DAY_US
        first, last = np.searchsorted(wall_us, [middle - reach_us, middle + reach_us])
        return int(cold[first:last].sum())

    return max(range(least, most + 1), key=coldness)


class RecordedReplay:
    """Messages of both recordings for any span of time."""

    def __init__(self, weeks: int, zone: ZoneInfo) -> None:
        self.weeks = weeks
        self._rooms = rooms(weeks, zone)
        self._meter = heat_meter(weeks - METER_LATER_WEEKS, zone)

    def covers(self, at_us: int) -> bool:
        """Return whether the rooms have a reading before and after this instant."""
        return bool(self._rooms.at_us[0] <= at_us < self._rooms.at_us[-1])

    def messages(self, from_us: int, until_us: int) -> list[TimedPayload]:
        """Return the messages due in [from, until), in order of time."""
        return sorted(self._room_messages(from_us, until_us) + self._meter_messages(from_us, until_us))

    def _room_messages(self, from_us: int, until_us: int) -> list[TimedPayload]:
        return [
            TimedPayload(
                at_us + SEND_DELAY_US,
                telemetry.topic(room_device(room)),
                telemetry.temperature(at_us, celsius),
            )
            for i, at_us in _due(self._rooms, from_us, until_us)
            for room, values in self._rooms.values.items()
            if not np.isnan(celsius := float(values[i]))
        ]

    def _meter_messages(self, from_us: int, until_us: int) -> list[TimedPayload]:
        rows = [
            (at_us, {k: round(float(v[i]), 4) for k, v in self._meter.values.items() if not np.isnan(v[i])})
            for i, at_us in _due(self._meter, from_us, until_us)
        ]
        return [
            TimedPayload(at_us + SEND_DELAY_US, telemetry.topic(METER), telemetry.channels(str(at_us // 1000), values))
            for at_us, values in rows
            if values
        ]


def room_device(room: str) -> str:
    """Return the device that publishes for a recorded room."""
    return f"rec-{room.replace('_', '-')}"


def registry_rows(table: str) -> list[Mapping[str, object]]:
    """Return the rows of the recorded house in the registry file `table`."""
    names = list(recorded_rooms().values)
    substation = {
        "code": SUBSTATION,
        "name": "实录热表 Recorded heat meter",
        "station": "东城供热站 Dongcheng",
        **PLACE,
    }
    building = {
        "code": BUILDING,
        "substation": SUBSTATION,
        "name": "实录住宅 Recorded house",
        "address": "安和区实录路1号",
    }
    meter = {"id": METER, "substation": SUBSTATION, "interval_s": METER_INTERVAL_S, "offset": 0.0}
    rows: dict[str, list[Mapping[str, object]]] = {
        "substations": [substation],
        "buildings": [{**building, **PLACE}],
        "homes": [_home_row(room) for room in names],
        "sensors": [*(_sensor_row(room) for room in names), meter],
    }
    return rows[table]


def home_code(room: str) -> str:
    """Return the code of the home that a recorded room represents."""
    return room_device(room).upper()


def _home_row(room: str) -> Mapping[str, object]:
    home = {"code": home_code(room), "building": BUILDING, "unit": room}
    return {**home, "class": "multistorey", "heat_status": "on"}


def _sensor_row(room: str) -> Mapping[str, object]:
    sensor = {"id": room_device(room), "home": home_code(room), "room": room, "room_kind": "living"}
    return {**sensor, "interval_s": ROOMS_INTERVAL_S, "offset": 0.0}


def _due(recording: Recording, from_us: int, until_us: int) -> list[tuple[int, int]]:
    """Return (row, instant) of the readings whose message is due in [from, until)."""
    first, last = np.searchsorted(recording.at_us, [from_us - SEND_DELAY_US, until_us - SEND_DELAY_US])
    return list(zip(range(first, last), recording.at_us[first:last].tolist(), strict=True))


def _shifted(recording: Recording, weeks: int, zone: ZoneInfo) -> Recording:
    walls = [
        datetime.fromtimestamp(at_us // 1_000_000, RECORDED_ZONE).replace(tzinfo=None) for at_us in recording.at_us
    ]
    at_us = np.array([_instant_us(wall + weeks * WEEK, zone) for wall in walls], dtype=np.int64)
    # Where clocks go forward, wall times that do not exist collide with later ones and are left out.
    keep = at_us > np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(at_us)[:-1]])
    return Recording(at_us[keep], {name: values[keep] for name, values in recording.values.items()})


def _instant_us(wall: datetime, zone: ZoneInfo) -> int:
    return int(wall.replace(tzinfo=zone).timestamp()) * 1_000_000


def _wall(instant: datetime, zone: ZoneInfo | timezone) -> datetime:
    """Return the wall clock without a zone, for arithmetic that keeps the time of day."""
    return instant.astimezone(zone).replace(tzinfo=None)


def _wall_us(wall: datetime) -> int:
    return int(wall.replace(tzinfo=UTC).timestamp() * 1_000_000)


def _cold_readings(recording: Recording, wall_us: Instants) -> npt.NDArray[np.int64]:
    hour = wall_us % DAY_US // HOUR_US
    by_day = (hour >= 6) & (hour < 21)
    under = np.array([values < 18.0 for values in recording.values.values()])
    return np.asarray((under & by_day).sum(axis=0), dtype=np.int64)


def _growth(register: Floats) -> Floats:
    """Return the difference to the previous row; NaN for the first."""
    return np.diff(register, prepend=np.nan)


def _read(name: str) -> Recording:
    source = resources.files("sim") / "recordings" / name
    with source.open("rb") as raw, gzip.open(raw, "rt", encoding="utf-8", newline="") as text:
        columns, *rows = csv.reader(text)
    at_us = [int(datetime.fromisoformat(row[0]).timestamp()) * 1_000_000 for row in rows]
    values = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows])
    return Recording(np.array(at_us, dtype=np.int64), dict(zip(columns[1:], values.T, strict=True)))

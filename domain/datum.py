"""Datums of coordinates: Hearth keeps WGS 84, as GPS gives it; maps of China are shifted by up to 700 m.

GCJ-02 is the datum of licensed maps of mainland China (Amap, Tencent); BD-09 is Baidu's, shifted once more. Neither is
published: the formulas are those in general use, compared with known points. Arrays of degrees come and go.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Degrees = NDArray[np.float64]

KRASOVSKY_M = 6_378_245.0  # half axis of the ellipsoid of 1940, by which the shift is computed
ECCENTRICITY_SQUARED = 0.006_693_421_622_965_943
ORIGIN_LON, ORIGIN_LAT = 105.0, 35.0
BAIDU_LON, BAIDU_LAT = 0.0065, 0.006
BAIDU_TURNS = np.pi * 3000 / 180
ROUNDS = 8  # each leaves a hundredth of the error or less
# Within this box maps are shifted. It is wider than the country, as the formulas of all maps are.
WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271


class Datum(StrEnum):
    """A datum of longitude and latitude."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"


class Coordinates(NamedTuple):
    """Longitudes and latitudes in degrees, equal in shape."""

    lon: Degrees
    lat: Degrees


def to_wgs84(datum: Datum, lon: ArrayLike, lat: ArrayLike) -> Coordinates:
    """Convert coordinates of a datum to WGS 84."""
    told = _coordinates(lon, lat)
    return _inverse(_SHIFTS[datum], told)


def from_wgs84(datum: Datum, lon: ArrayLike, lat: ArrayLike) -> Coordinates:
    """Convert coordinates of WGS 84 to a datum."""
    return _SHIFTS[datum](_coordinates(lon, lat))


def _coordinates(lon: ArrayLike, lat: ArrayLike) -> Coordinates:
    return Coordinates(np.asarray(lon, np.float64), np.asarray(lat, np.float64))


def _same(at: Coordinates) -> Coordinates:
    return at


def _gcj02(at: Coordinates) -> Coordinates:
    """Shift WGS 84 to GCJ-02; outside the box nothing is shifted."""
    east_m, north_m = _metres(at.lon - ORIGIN_LON, at.lat - ORIGIN_LAT)
    bend = 1 - ECCENTRICITY_SQUARED * np.sin(np.radians(at.lat)) ** 2
    north = KRASOVSKY_M * (1 - ECCENTRICITY_SQUARED) / bend**1.5
    east = KRASOVSKY_M / np.sqrt(bend) * np.cos(np.radians(at.lat))
    inside = _shifted(at)
    lon = np.where(inside, at.lon + np.degrees(east_m / np.where(inside, east, 1)), at.lon)
    lat = np.where(inside, at.lat + np.degrees(north_m / north), at.lat)
    return Coordinates(lon, lat)


def _bd09(at: Coordinates) -> Coordinates:
    """Shift WGS 84 to BD-09."""
    inside = _shifted(at)
    chinese = _gcj02(at)
    far = np.hypot(chinese.lon, chinese.lat) + 0.00002 * np.sin(chinese.lat * BAIDU_TURNS)
    angle = np.arctan2(chinese.lat, chinese.lon) + 0.000003 * np.cos(chinese.lon * BAIDU_TURNS)
    lon = np.where(inside, far * np.cos(angle) + BAIDU_LON, at.lon)
    return Coordinates(lon, np.where(inside, far * np.sin(angle) + BAIDU_LAT, at.lat))


def _inverse(shift: Callable[[Coordinates], Coordinates], told: Coordinates) -> Coordinates:
    """Find what is shifted to some coordinates: the shift of two near places is nearly the same."""
    found = told
    for _ in range(ROUNDS):
        shifted = shift(found)
        found = Coordinates(found.lon + told.lon - shifted.lon, found.lat + told.lat - shifted.lat)
    inside = _shifted(told)
    return Coordinates(np.where(inside, found.lon, told.lon), np.where(inside, found.lat, told.lat))


def _shifted(at: Coordinates) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (at.lon >= WEST) & (at.lon <= EAST) & (at.lat >= SOUTH) & (at.lat <= NORTH)
    return found


def _metres(x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    """Compute the shift to the east and to the north, in metres, from degrees beside the origin."""
    both = (20 * np.sin(6 * x * np.pi) + 20 * np.sin(2 * x * np.pi)) * 2 / 3
    root = np.sqrt(np.abs(x))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + both + _waves(x)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + both + _waves(y)
    return (
        east + (150 * np.sin(x / 12 * np.pi) + 300 * np.sin(x / 30 * np.pi)) * 2 / 3,
        north + (160 * np.sin(y / 12 * np.pi) + 320 * np.sin(y / 30 * np.pi)) * 2 / 3,
    )


def _waves(x: Degrees) -> Degrees:
    waves: Degrees = (20 * np.sin(x * np.pi) + 40 * np.sin(x / 3 * np.pi)) * 2 / 3
    return waves


_SHIFTS: Mapping[Datum, Callable[[Coordinates], Coordinates]] = {
    Datum.WGS84: _same,
    Datum.GCJ02: _gcj02,
    Datum.BD09: _bd09,
}

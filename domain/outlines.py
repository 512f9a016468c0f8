"""Outlines of places on a map: the polygon around some of them, and which of them are inside a polygon."""

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Corner: TypeAlias = tuple[float, float]  # longitude, latitude
Ring: TypeAlias = Sequence[Corner]

METRES_OF_DEGREE = 111_320.0
DIRECTIONS = 8
STRAY_DEGREES = 0.2  # beside the middle of its neighbours, a place was mistyped


def outline(places: Sequence[Corner], margin_m: float) -> list[Corner]:
    """Return the corners of the convex polygon that has a margin around places; of no place: none.

    A place that stands far from the middle one does not count.
    """
    near = _near(places)
    if not near:
        return []
    north = margin_m / METRES_OF_DEGREE
    east = north / max(math.cos(math.radians(near[0][1])), 0.05)
    turns = [2 * math.pi * n / DIRECTIONS for n in range(DIRECTIONS)]
    around = [
        (lon + east * math.cos(turn), lat + north * math.sin(turn)) for lon, lat in convex_hull(near) for turn in turns
    ]
    return convex_hull(around)


def _near(places: Sequence[Corner]) -> list[Corner]:
    if not places:
        return []
    lon, lat = (sorted(values)[len(places) // 2] for values in zip(*places, strict=True))
    return [one for one in places if max(abs(one[0] - lon), abs(one[1] - lat)) < STRAY_DEGREES]


def convex_hull(places: Sequence[Corner]) -> list[Corner]:
    """Return the corners of the smallest convex polygon around places, counter-clockwise."""
    ordered = sorted(set(places))
    if len(ordered) < 3:
        return ordered
    return [*_side(ordered)[:-1], *_side(ordered[::-1])[:-1]]


def _side(ordered: Sequence[Corner]) -> list[Corner]:
    side: list[Corner] = []
    for place in ordered:
        while len(side) > 1 and _turn(side[-2], side[-1], place) <= 0:
            side.pop()
        side.append(place)
    return side


def _turn(a: Corner, b: Corner, c: Corner) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def inside(ring: Ring, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Return which places are inside a ring: a line from there to the east crosses it an odd number of times."""
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    found = np.zeros(x.shape, np.bool_)
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if ay != by:
            crossed = (ay > y) != (by > y)
            found ^= crossed & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return found

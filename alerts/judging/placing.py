"""Stored readings placed: in which home and room each was measured, by the stays of its sensor."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.lanes import Lanes
from alerts.engine.suspect import frozen, jumps
from alerts.engine.track import Int, bisect, ranges
from alerts.judging.weigh import ReadingRules, RulesOfVersion
from domain import groups
from domain.instants import NONE_US
from domain.milli import NONE_MILLI, PER_DEGREE
from domain.quality import Quality
from store.base import wire

# The columns of store.readings.PLACED that weighing needs.
PLACED = np.dtype(
    [
        ("sensor_id", np.int32),
        ("measured_at", np.int64),
        ("temperature", np.float32),
        ("quality", np.int16),
        ("home_id", np.int32),
        ("room_kind", np.int16),
        ("interval_s", np.int32),
        ("offset", np.int32),
        ("stays_until", np.int64),
    ]
)


UNKNOWN = np.float32(NONE_MILLI / PER_DEGREE)


class SensorReadings(NamedTuple):
    """Good temperatures, sorted by sensor and time."""

    start: Int  # µs
    celsius: NDArray[np.float32]
    sensor: NDArray[np.int32]

    @classmethod
    def of(cls, said: NDArray[np.void]) -> "SensorReadings":
        """Return the columns of store.stays.SAID rows."""
        return cls(said["measured_at"], said["temperature"], said["sensor_id"])

    def take(self, which: NDArray[np.bool_]) -> "SensorReadings":
        """Select readings by mask."""
        return self if which.all() else SensorReadings(self.start[which], self.celsius[which], self.sensor[which])


def lanes_of(
    rules: ReadingRules, said: SensorReadings, places: NDArray[np.void], homes: NDArray[np.int32], since: int
) -> Lanes:
    """Return the judged readings of homes by position; the lane of a reading is its sensor_id.

    Args:
        said: from `look_back_us` before `since` on.
        places: store.stays.STAY sorted by sensor and time.
        since: µs; what was said before decides at most which readings are suspect.
    """
    found = said if _all_known(said.celsius) else said.take(np.abs(said.celsius) < UNKNOWN)  # NaN is none
    if rules.screens:
        found = found.take(~_suspect(rules.versions, found, places, homes))
    parts = [_parts(version, found, places, homes, since) for version in rules.versions]
    return _joined(parts)[0]


def _all_known(celsius: NDArray[np.float32]) -> bool:
    """Return whether all values are some; a comparison with NaN is false."""
    return bool(celsius.max(initial=0) < UNKNOWN and celsius.min(initial=0) > -UNKNOWN)


def _suspect(
    versions: list[RulesOfVersion], said: SensorReadings, places: NDArray[np.void], homes: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Mask the readings that jump or are frozen, each sensor in each home by itself."""
    parts = [_parts(version, said, places, homes, NONE_US) for version in versions]
    lanes, version = _joined(parts)
    jump_k = np.array([rules.jump for rules in versions])[version]
    frozen_us = np.array([rules.frozen_us for rules in versions])[version]
    count = lanes.end - lanes.first
    which, lane = ranges(lanes.first, count), np.cumsum(groups.is_first(lanes.home, lanes.lane), dtype=np.int64)
    mine = (np.repeat(lane, count), said.start[which], wire.milli(said.celsius[which]), np.repeat(lanes.hold, count))
    suspect = np.zeros(len(said.start), bool)
    suspect[which] = jumps(*mine, np.repeat(jump_k, count)) | frozen(*mine, np.repeat(frozen_us, count))
    return suspect


def _parts(
    rules: RulesOfVersion, said: SensorReadings, places: NDArray[np.void], homes: NDArray[np.int32], since: int
) -> Lanes:
    """Return what was said in judged rooms while a version of the policy was in force, by place."""
    first, end = groups.bounds(said.sensor)
    sensor = said.sensor[first]
    at = np.minimum(np.searchsorted(sensor, places["sensor_id"]), max(len(sensor) - 1, 0))
    # The last place that has begun counts, however long the one before was to last.
    follows = np.append(places["sensor_id"][1:] == places["sensor_id"][:-1], False)[: len(places)]
    next_from = np.roll(places["valid_from"], -1)
    to = np.where(follows, np.minimum(places["valid_to"], next_from), places["valid_to"])
    since_us = np.maximum(places["valid_from"], max(rules.begin, since))
    to = np.minimum(to, rules.end)
    which = (since_us < to) & rules.judged[places["room_kind"]]
    which &= sensor[at] == places["sensor_id"] if len(sensor) else False
    mine, at = places[which], at[which]
    low = bisect(said.start, since_us[which], first[at], end[at])
    home = np.searchsorted(homes, mine["home_id"])
    hold = np.asarray(np.round(rules.hold * mine["interval_s"] * 1e6), np.int64)
    high = bisect(said.start, to[which], low, end[at])
    left, lane = stays_until(places)[which], mine["sensor_id"].astype(np.int64)
    parts = Lanes(home, lane, low, high, hold, left, mine["offset"], said.start, said.celsius)
    return parts.part((high > low) & (hold > 0))


def _joined(parts: list[Lanes]) -> tuple[Lanes, NDArray[np.intp]]:
    """Bring the parts of all versions into the order of home, sensor and time; also return the version of each."""
    lanes, version = parts[0].extended(parts[1:]), np.repeat(np.arange(len(parts)), [len(part.home) for part in parts])
    order = np.lexsort((lanes.first, lanes.lane, lanes.home))
    return lanes.part(order), version[order]


def placed(said: NDArray[np.void], places: NDArray[np.void]) -> NDArray[np.void]:
    """Give readings the places of their sensors; readings of a sensor without a place then are left out.

    Args:
        said: store.stays.SAID sorted by sensor.
        places: store.stays.STAY sorted by sensor and time.
    """
    if not len(said) or not len(places):
        return np.empty(0, PLACED)
    at = _place_at(said, places)
    inside = (at >= 0) & (places["sensor_id"][at] == said["sensor_id"])
    inside &= said["measured_at"] < places["valid_to"][at]
    if not inside.all():
        said, at = said[inside], at[inside]
    there = np.zeros(len(places), PLACED)
    for name in ("sensor_id", "home_id", "room_kind", "interval_s", "offset"):
        there[name] = places[name]
    there["quality"], there["stays_until"] = Quality.GOOD, stays_until(places)
    rows = np.take(there.view(f"V{PLACED.itemsize}"), at).view(PLACED)  # as bytes: not field by field
    rows["measured_at"], rows["temperature"] = said["measured_at"], said["temperature"]
    return rows


def _place_at(said: NDArray[np.void], places: NDArray[np.void]) -> NDArray[np.intp]:
    """Return the index of the last place of each reading's sensor that had begun by then; -1 if none had."""
    if len(np.unique(places["sensor_id"])) == len(places):
        first = groups.firsts(said["sensor_id"])
        place = np.searchsorted(places["sensor_id"], said["sensor_id"][first])
        at = np.repeat(np.minimum(place, len(places) - 1), np.diff(np.append(first, len(said))))
        return np.where(said["measured_at"] >= places["valid_from"][at], at, -1)
    order = np.lexsort((said["measured_at"], said["sensor_id"]))
    both = np.concatenate((places["sensor_id"], said["sensor_id"][order]))
    when = np.concatenate((places["valid_from"], said["measured_at"][order]))
    kind = np.concatenate((np.zeros(len(places), np.int8), np.ones(len(said), np.int8)))
    merged = np.lexsort((kind, when, both))
    begun = np.cumsum(kind[merged] == 0) - 1
    at = np.empty(len(said), np.intp)
    at[order[merged[kind[merged] == 1] - len(places)]] = begun[kind[merged] == 1]
    return at


def stays_until(places: NDArray[np.void]) -> Int:
    """Return the µs at which each sensor left its room, across consecutive places in the same room."""
    until: Int = places["valid_to"].copy()
    for i in range(len(places) - 2, -1, -1):
        a, b = places[i], places[i + 1]
        same = a["sensor_id"] == b["sensor_id"] and a["home_id"] == b["home_id"] and a["room"] == b["room"]
        if same and a["valid_to"] == b["valid_from"]:
            until[i] = until[i + 1]
    return until

"""Readings that an archive is tried with."""

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from archives import manifest
from archives.layout import READINGS
from archives.manifest import ManifestEntry
from archives.place import ArchivePlace
from archives.reading import ReadingArchive
from archives.writing import Target, write
from domain.instants import to_us

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000
CITY = "Harbin"


def rows(sensors: list[int], day: int = 0, days: int = 1, every_s: int = 900, seed: int = 1) -> NDArray[np.void]:
    """Return readings of sensors for some days from 2026-01-01, with jitter and with values that are absent."""
    rng = np.random.default_rng(seed)
    per_sensor = days * 86_400 // every_s
    found = np.empty(len(sensors) * per_sensor, READINGS.dtype)
    found["sensor_id"] = np.repeat(np.array(sorted(sensors), np.int32), per_sensor)
    at = to_us(START) + day * DAY_US + np.tile(np.arange(per_sensor), len(sensors)) * every_s * 1_000_000
    found["measured_at"] = at + rng.integers(0, 3_000_000, len(found))
    found["received_at"] = found["measured_at"] + rng.integers(-1_000, 600_000_000, len(found))
    found["temperature"] = np.round(19 + rng.normal(0, 0.5, len(found)), 1)
    found["humidity"] = np.where(rng.random(len(found)) < 0.1, np.nan, np.round(rng.uniform(30, 50, len(found))))
    found["battery"] = np.float32(np.nan)
    found["quality"] = rng.integers(0, 3, len(found))
    found["self_timed"] = rng.random(len(found)) < 0.9
    return found


def sealed(place: ArchivePlace, parts: list[tuple[int, str, NDArray[np.void]]]) -> ReadingArchive:
    """Add files to an archive, an entry for each."""
    archive = ReadingArchive.open(place, CITY)
    known = {number for entry in archive.entries for number in entry.shards}
    for shard, part, content in parts:
        number = archive.number + 1
        file = write(Target(place, CITY, READINGS, "2026-01", shard, part, f"{number:08}"), [content])
        assert file is not None
        new = {} if str(shard) in known else {str(shard): [file.sensors]}
        known.add(str(shard))
        made = ManifestEntry(number=number, previous=archive.root, made_at="", shards=new, files=(file,))
        manifest.add(place, CITY, made)
        archive = archive.refreshed()
    return archive

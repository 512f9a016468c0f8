"""A season of a city as an archive: what its rooms say, written by the code that seals.

The rooms are those of `bench.size`, some of them cold: temperatures in tenths, humidity in halves of a percent, a
reading every interval with 3 s of jitter told in milliseconds, received an exponential 0.3 s later to the microsecond.
One in a hundred is missing, and some homes are silent for hours on end.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from archives import manifest
from archives.layout import READINGS
from archives.manifest import ArchiveFile, ManifestEntry, Reached
from archives.place import ArchivePlace
from archives.reading import ReadingArchive
from archives.sealing import SENSORS_OF_SHARD
from archives.writing import Target, write
from domain.instants import to_us

UTILITY = "city"
DAY_S = 86_400
JITTER_MS = 3_000
COLD = 0.08  # of homes: they hover around the limits
MISSING = 0.01  # of readings
WITH_GAP = 0.1  # of homes in a month
BLOCK_SENSORS = 64  # written at a time; whole gateways


@dataclass(frozen=True)
class Field:
    """Sizes of a season: sensors 1 to `homes`, one to a home."""

    homes: int
    first: date  # UTC
    days: int
    interval_s: int = 300
    gateway: int = 1  # sensors that share a message

    @property
    def end(self) -> date:
        """The first day behind."""
        return self.first + timedelta(days=self.days)

    def spans(self) -> list[tuple[date, date]]:
        """Return the parts of calendar months."""
        begins, day = [self.first], self.first
        while (day := (day.replace(day=1) + timedelta(days=32)).replace(day=1)) < self.end:
            begins.append(day)
        return list(zip(begins, [*begins[1:], self.end], strict=True))


def rooms(field: Field, low: int, high: int, span: tuple[date, date]) -> NDArray[np.void]:
    """Return what sensors low..high-1 say in [span): READINGS rows by sensor and time, the same at each call."""
    homes, per_day = high - low, DAY_S // field.interval_s
    count = (span[1] - span[0]).days * per_day
    own, random = np.random.default_rng((2025, low)), np.random.default_rng((2025, low, span[0].toordinal()))
    cold = own.random(homes) < COLD
    mean = np.where(cold, own.normal(18.0, 1.0, homes), own.normal(21.0, 0.7, homes))
    hour = 0.4 * np.sin(np.arange(count) * (2 * np.pi / per_day))
    spell = np.repeat(random.normal(0.0, 0.4, (homes, count // per_day)), per_day, axis=1)
    rows = np.zeros((homes, count), READINGS.dtype)
    rows["sensor_id"] = np.arange(low, high)[:, None]
    rows["measured_at"], after = _times(field, homes, count, own, random)
    rows["measured_at"] += to_us(datetime.combine(span[0], time(0), UTC))
    rows["received_at"] = rows["measured_at"] + after
    rows["temperature"] = (mean[:, None] + hour + spell + random.normal(0.0, 0.06, (homes, count))).round(1)
    rows["humidity"] = (80 + 16 * np.sin(np.arange(count) / 90.0) + 2 * random.random((homes, count))).round() / 2
    rows["battery"] = 100 - (span[0] - field.first).days // 7
    rows["self_timed"] = True
    said = random.random((homes, count)) >= MISSING
    for home in np.flatnonzero(random.random(homes) < WITH_GAP).tolist():
        at = int(random.integers(0, count))
        said[home, at : at + int(random.integers(5, per_day))] = False
    return rows[said]


def _times(
    field: Field, homes: int, count: int, own: np.random.Generator, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the times of measurement from midnight on, and of receipt from then on, in µs: by gateway."""
    gateways = -(-homes // field.gateway)
    phase = own.integers(0, field.interval_s * 1_000 - JITTER_MS, gateways)[:, None]
    at = np.arange(count) * field.interval_s * 1_000 + phase + random.integers(0, JITTER_MS, (gateways, count))
    after = 50_000 + random.exponential(300_000, (gateways, count)).astype(np.int64)
    of_gateway = np.arange(homes) // field.gateway
    return (at * 1_000)[of_gateway], after[of_gateway]


@dataclass(frozen=True)
class FileTask:
    """A file that a process writes."""

    field: Field
    place: ArchivePlace
    shard: int
    span: tuple[date, date]

    def __call__(self) -> ArchiveFile | None:
        """Write it."""
        target = Target(self.place, UTILITY, READINGS, f"{self.span[0]:%Y-%m}", self.shard, manifest.BASE, "sown")
        return write(target, self.blocks())

    def blocks(self) -> Iterator[NDArray[np.void]]:
        """Yield what its sensors say."""
        low, high = sensors_of(self.field, self.shard)
        for at in range(low, high, BLOCK_SENSORS):
            yield rooms(self.field, at, min(at + BLOCK_SENSORS, high), self.span)


def sensors_of(field: Field, shard: int) -> tuple[int, int]:
    """Return the first sensor of a shard, and the one behind its last."""
    return 1 + shard * SENSORS_OF_SHARD, 1 + min((shard + 1) * SENSORS_OF_SHARD, field.homes)


def sow(place: ArchivePlace, field: Field, tell: Callable[[int, int], None]) -> ReadingArchive:
    """Write what a place lacks of a season: a file a month and shard, an entry a month."""
    shards = range(-(-field.homes // SENSORS_OF_SHARD))
    archive, spans = ReadingArchive.open(place, UTILITY), field.spans()
    lacking = spans[archive.number :]
    done = archive.number * len(shards)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for span in lacking:
            tasks = [FileTask(field, place, shard, span) for shard in shards]
            files = []
            for file in pool.map(FileTask.__call__, tasks):
                files += [file] if file else []
                done += 1
                tell(done, len(shards) * len(spans))
            archive = _added(archive, field, files, span[1])
    return archive


def _added(archive: ReadingArchive, field: Field, files: list[ArchiveFile], upto: date) -> ReadingArchive:
    new = {} if archive.number else {str(file.shard): [sensors_of(field, file.shard)] for file in files}
    entry = ManifestEntry(
        number=archive.number + 1,
        previous=archive.root,
        made_at=datetime.combine(upto, time(0), UTC).isoformat(),
        reached={READINGS.name: Reached(begins=field.first.isoformat(), upto=upto.isoformat(), late=0, whole=True)},
        shards={number: [(low, behind - 1) for low, behind in some] for number, some in new.items()},
        files=tuple(files),
    )
    manifest.add(archive.place, archive.utility, entry)
    return archive.refreshed()

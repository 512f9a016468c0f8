"""Homes in the order in which an archive has their sensors, in tasks of batches."""

from collections.abc import Sequence

import numpy as np
from psycopg import Connection

from alerts.judging.from_archive import BATCH_READINGS
from alerts.judging.pool import WORKERS, Task
from archives.reading import ReadingArchive
from store.readings import stays

MOST_HOMES = 256  # of a batch, which are locked together
TASK_BATCHES = 4  # at most, one after the other by one process: where the homes of one end, those of the next begin


def in_archive(conn: Connection, homes: Sequence[int], archive: ReadingArchive, days: int) -> list[Task]:
    """Return tasks of homes that lie together in the files of an archive.

    Args:
        days: of the span over which they are judged: a batch has about BATCH_READINGS of it.
    """
    paces = stays.paces(conn, homes)
    shards = sorted((low, shard.number) for shard in archive.shards() for low, _ in shard.sensors)
    lows, numbers = (np.array(column, np.int64) for column in zip(*(shards or [(0, 0)]), strict=True))
    shard = numbers[np.maximum(np.searchsorted(lows, paces["first_sensor"], "right") - 1, 0)]
    paces = paces[np.lexsort((paces["first_sensor"], shard))]
    batches = _cut(paces["home_id"].tolist(), (paces["readings"] * max(days, 1)).tolist())
    silent = np.setdiff1d(np.array(homes, np.int32), paces["home_id"]).tolist()
    batches += [silent[low : low + MOST_HOMES] for low in range(0, len(silent), MOST_HOMES)]
    return in_turns(batches, WORKERS)


def in_turns(batches: Sequence[Sequence[int]], workers: int) -> list[Task]:
    """Return batches as tasks that get shorter towards the end, so that no worker is long alone with the last one.

    Workers that take one task after the other are done at most a batch later than if each had an equal part.
    """
    tasks, low = list[Task](), 0
    while low < len(batches):
        size = min(TASK_BATCHES, -(-(len(batches) - low) // (2 * workers)))
        tasks.append(batches[low : low + size])
        low += size
    return tasks


def _cut(homes: list[int], readings: list[int]) -> list[list[int]]:
    """Cut homes into batches, each of so many that their readings are about BATCH_READINGS."""
    batches, size = list[list[int]](), BATCH_READINGS
    for home, more in zip(homes, readings, strict=True):
        if size + more > BATCH_READINGS or len(batches[-1]) >= MOST_HOMES:
            batches.append([])
            size = 0
        batches[-1].append(home)
        size += more
    return batches

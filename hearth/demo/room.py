"""Room on the disk of a demo: asked for before anything is written, and named when it has run out."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from domain.errors import UsageError
from local.server import ServerError
from store.base.away import is_away

NEEDED_MB = 700  # a month of 500 homes, the database's log, and a day of readings a minute
LEFT_MB = 20  # less than a segment of the database's log and some: what failed, failed for that
WAY_OUT = "free some space, or take another --folder"


def enough_room(folder: Path, needed_mb: int = NEEDED_MB) -> None:
    """Refuse a folder on a disk without room.

    Raises:
        UsageError: it says how much there is, and how much is needed.
    """
    if (left := free_mb(folder)) < needed_mb:
        raise UsageError(f"{folder}: {left} MB free, a demo needs {needed_mb} MB; {WAY_OUT}")


@contextmanager
def named_faults(folder: Path) -> Iterator[None]:
    """Say that the disk is full where that is what other faults come from, or that the database is gone.

    Raises:
        UsageError: one of the two.
    """
    try:
        yield
    except (OSError, psycopg.Error, ServerError, UsageError) as error:
        if folder.exists() and free_mb(folder) < LEFT_MB:
            raise UsageError(f"{folder}: the disk is full; {WAY_OUT}") from error
        if is_away(error):
            raise UsageError(f"the database of the demo does not answer, see {folder / 'postgres' / 'log'}") from error
        raise


def free_mb(folder: Path) -> int:
    """Return how many MB are free, where the folder is or will be."""
    there = next(place for place in (folder.resolve(), *folder.resolve().parents) if place.exists())
    return shutil.disk_usage(there).free // 1_000_000

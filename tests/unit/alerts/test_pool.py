"""Worker processes of judging."""

import gc
import os
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from alerts.judging.pool import WORKERS, map_each

MIB = 1 << 20
SIZES = (40, 64)  # MiB; larger than what the C library keeps by itself


class Filling:
    """Fills an array of some MiB, twice; returns how many pages the kernel had to bring the second time."""

    def __call__(self, mib: int) -> int:
        for _ in range(2):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            array = np.ones(mib * MIB, np.uint8)
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
            del array
        return faults


@pytest.fixture(scope="module")
def faults() -> Sequence[int]:
    """Return the faults of each size, each of a worker process."""
    return list(map_each(SIZES, Filling()))


@pytest.mark.parametrize("nth", range(len(SIZES)), ids=[f"{mib} MiB" for mib in SIZES])
def test_the_memory_of_an_array_that_is_gone_is_kept_for_the_next_one(faults: Sequence[int], nth: int) -> None:
    assert faults[nth] < 10  # of 20 huge pages and more


class CountingFrozen:
    """Counts the objects that the garbage collector leaves alone."""

    def __call__(self, _: int) -> int:
        return gc.get_freeze_count()


def test_the_collector_does_not_look_through_what_a_worker_process_was_copied_with() -> None:
    assert min(map_each([0], CountingFrozen())) > 10_000


class Meeting:
    """Waits until as many work at once as there are workers; returns whether they met."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, nth: int) -> bool:
        (self._folder / str(nth)).touch()
        until = time.monotonic() + 60
        while len(list(self._folder.iterdir())) < WORKERS and time.monotonic() < until:
            time.sleep(0.01)
        return len(list(self._folder.iterdir())) >= WORKERS


def test_a_worker_that_waits_for_the_database_leaves_no_core_idle(tmp_path: Path) -> None:
    assert (os.cpu_count() or 1) < WORKERS
    assert all(map_each(range(WORKERS), Meeting(tmp_path)))

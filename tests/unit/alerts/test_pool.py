"""Worker processes of judging."""

import gc
import resource
from collections.abc import Sequence

import numpy as np
import pytest

from alerts.judging.pool import map_each

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

"""Process pool for judging many homes: chunks of homes on all cores, results in order."""

import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

CHUNK_HOMES = 64  # locked together while they are judged
T = TypeVar("T")


def map_homes(homes: Sequence[int], work: Callable[[Sequence[int]], T]) -> Generator[tuple[int, T], None, None]:
    """Run `work` on chunks of homes in worker processes; yield each chunk's size and result, in order.

    Closing the iterator cancels chunks that have not started, and waits for those that have.

    Args:
        work: picklable; it opens its own connection in the worker process.
    """
    chunks = [homes[i : i + CHUNK_HOMES] for i in range(0, len(homes), CHUNK_HOMES)]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        try:
            for chunk, part in zip(chunks, _submit(pool, work, chunks), strict=True):
                yield len(chunk), part
        finally:
            pool.shutdown(cancel_futures=True)


def _submit(
    pool: ProcessPoolExecutor, work: Callable[[Sequence[int]], T], chunks: Sequence[Sequence[int]]
) -> Iterator[T]:
    """Start the workers with SIGINT ignored, which they inherit: a terminal sends it to the whole process group."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return pool.map(work, chunks)
    finally:
        signal.signal(signal.SIGINT, before)

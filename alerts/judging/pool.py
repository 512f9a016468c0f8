"""Process pool for judging many homes: tasks on all cores, results in order."""

import ctypes
import gc
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import forkserver, get_context, parent_process
from multiprocessing.connection import wait
from typing import TypeVar

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT_BYTES = 1 << 30  # more than any process of judging has
WORKERS = (os.cpu_count() or 1) + 1  # while one waits for the disk of the database, another has its core
CHUNK_HOMES = 64  # locked together while they are judged from the table
Task = Sequence[Sequence[int]]  # batches of homes; those of a batch are locked together while they are judged
S = TypeVar("S")
T = TypeVar("T")


def in_chunks(homes: Sequence[int]) -> list[Task]:
    """Return homes as tasks of one batch."""
    return [[homes[i : i + CHUNK_HOMES]] for i in range(0, len(homes), CHUNK_HOMES)]


def map_tasks(tasks: Sequence[Task], work: Callable[[Task], T]) -> Generator[tuple[int, T], None, None]:
    """Run `work` on tasks as `map_each` does; yield each task's number of homes and result, in order."""
    with closing(map_each(tasks, work)) as parts:
        for task, part in zip(tasks, parts, strict=True):
            yield sum(map(len, task)), part


def get_ready(module: str) -> None:
    """Start the process that workers are copied from, unless there is one: it imports a module, and returns at once.

    It has neither threads nor connections, so copies of it are safe; and what takes seconds to import is there.
    """
    get_context("forkserver").set_forkserver_preload([module, "numpy.ma"])  # which numpy imports at its first use
    with _deaf():
        forkserver.ensure_running()


@contextmanager
def _deaf() -> Iterator[None]:
    """Ignore SIGINT, as what is started meanwhile does for good: a terminal sends it to the whole process group."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def map_each(items: Sequence[S], work: Callable[[S], T]) -> Generator[T, None, None]:
    """Run `work` on items in worker processes; yield the results in order.

    Closing the iterator cancels items that have not started, and waits for those that have.

    Args:
        work: picklable; it opens its own connection in the worker process.
    """
    get_ready(type(work).__module__)
    with ProcessPoolExecutor(WORKERS, get_context("forkserver"), _begin) as pool:
        try:
            yield from pool.map(work, items)
        finally:
            pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Set up a worker process."""
    gc.freeze()  # what it was copied with stays anyway: looked through, each page of it would be copied, too
    keep_memory()
    _end_with_parent()


def keep_memory() -> None:
    """Keep the memory of arrays that are gone for the next ones, where the C library is told how.

    By itself it gives large arrays back at once, and the kernel clears every page again for the next batch.
    """
    if hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, killed say: it would wait for work for ever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

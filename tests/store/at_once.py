"""Doing things at the same time."""

import threading
import time
from collections.abc import Callable

from psycopg import Connection

from tests.conftest import ANSWER_S


def at_once(*work: Callable[[], object]) -> list[BaseException]:
    """Do each of them in a thread of its own; returns what went wrong."""
    wrong: list[BaseException] = []

    def guarded(one: Callable[[], object]) -> None:
        try:
            one()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=guarded, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def until_one_waits(conn: Connection) -> None:
    """Return when a session waits for a lock of another."""
    end = time.monotonic() + ANSWER_S
    while not conn.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall() and time.monotonic() < end:
        time.sleep(0.01)

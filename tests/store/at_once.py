"""Doing things at the same time."""

import threading
from collections.abc import Callable


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

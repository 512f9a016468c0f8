"""Work on many at once, of which one that fails does not stop the others."""

import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Generic, TypeVar

import structlog
from psycopg import Connection

from store.base.away import is_away

T = TypeVar("T")
AGAIN_AFTER = timedelta(minutes=5)  # what was set aside is tried again
SO_FAR: Counter[str] = Counter()  # how many this process has set aside, by work
log = structlog.get_logger()


@dataclass(frozen=True)
class Aside(Generic[T]):
    """The way in which one that fails is set aside: logged and counted as one of `work`, and kept out of the way.

    `act` is given it and the kind of its error, and keeps it from coming again at once, in a transaction of its own; by
    default it comes with the next round. `key` names it in the log by what is no word of anybody.
    """

    work: str
    act: Callable[[T, str], object] = lambda _item, _what: None
    key: Callable[[T], object] = lambda item: item


def in_halves(
    conn: Connection, items: Sequence[T], work: Callable[[Sequence[T]], object], aside: Aside[T]
) -> Sequence[T]:
    """Work on all items in one transaction; where that fails, on each half, until the one that fails is alone.

    Returns:
        those that were set aside.

    Raises:
        psycopg.Error: the database is away.
    """
    if not items:
        return ()
    try:
        with conn.transaction():
            work(items)
    except Exception as error:
        if is_away(error) or conn.closed:
            raise
        if len(items) == 1:
            _set_aside(conn, items[0], error, aside)
            return items
        half = len(items) // 2
        return [*in_halves(conn, items[:half], work, aside), *in_halves(conn, items[half:], work, aside)]
    return ()


def one_by_one(conn: Connection, items: Sequence[T], work: Callable[[T], object], aside: Aside[T]) -> None:
    """Work on each item in a transaction of its own; one that fails is set aside.

    Raises:
        psycopg.Error: the database is away.
    """
    for item in items:
        in_halves(conn, [item], lambda some: work(some[0]), aside)


def kind_of(error: Exception) -> str:
    """Return the SQLSTATE of an error, or its class: its words may hold what somebody has said."""
    return getattr(error, "sqlstate", None) or type(error).__name__


def place_of(error: Exception) -> str:
    """Return where an error came up, as deep as our own code goes."""
    frames = traceback.extract_tb(error.__traceback__)
    last = next((one for one in reversed(frames) if "site-packages" not in one.filename), frames[-1])
    return f"{Path(last.filename).name}:{last.lineno} {last.name}"


def _set_aside(conn: Connection, item: T, error: Exception, aside: Aside[T]) -> None:
    SO_FAR[aside.work] += 1
    what = kind_of(error)
    log.error("set aside", work=aside.work, item=aside.key(item), error=what, at=place_of(error))
    try:
        with conn.transaction():
            aside.act(item, what)
    except Exception as again:
        if is_away(again) or conn.closed:
            raise
        log.error(
            "cannot be set aside", work=aside.work, item=aside.key(item), error=kind_of(again), at=place_of(again)
        )

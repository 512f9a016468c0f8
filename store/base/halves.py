"""Work on many at once, of which one that fails does not stop the others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from psycopg import Connection

from store.base.away import AWAY

T = TypeVar("T")


def in_halves(
    conn: Connection,
    items: Sequence[T],
    work: Callable[[Sequence[T]], object],
    set_aside: Callable[[T, Exception], object],
) -> None:
    """Work on all items in one transaction; where that fails, on each half, until the one that fails is alone.

    Args:
        set_aside: called with one that fails alone, and its error.

    Raises:
        psycopg.Error: the database is away.
    """
    try:
        with conn.transaction():
            work(items)
    except AWAY:
        raise
    except Exception as error:
        if conn.closed:
            raise
        if len(items) == 1:
            set_aside(items[0], error)
            return
        half = len(items) // 2
        in_halves(conn, items[:half], work, set_aside)
        in_halves(conn, items[half:], work, set_aside)

"""Transactions that collide with those of the live system, which resolves itself when they are tried again."""

from collections.abc import Callable
from typing import TypeVar

import psycopg

TRIES = 3
COLLIDED = (psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation)
T = TypeVar("T")


def at_last(work: Callable[[], T]) -> T:
    """Run a transaction, again if it has collided."""
    for _ in range(TRIES - 1):
        try:
            return work()
        except COLLIDED:
            continue
    return work()

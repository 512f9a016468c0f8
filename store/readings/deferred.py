"""Deferred messages: the excess of a sender over its limit, kept unread until there is time to store it."""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

COPY = "COPY ingest_deferred (topic, messages, payload) FROM STDIN (FORMAT BINARY)"
# The oldest first; packs locked by another worker are skipped.
TAKE = """
SELECT deferred_id, topic, messages, payload FROM ingest_deferred
ORDER BY deferred_id
LIMIT %(most)s
FOR UPDATE SKIP LOCKED
"""
DELETE = "DELETE FROM ingest_deferred WHERE deferred_id = ANY (%(ids)s)"
SELECT_BYTES = "SELECT coalesce(sum(bytes), 0)::bigint FROM ingest_deferred"


class Pack(NamedTuple):
    """Several messages of one topic as one row; `payload` is opaque to this module."""

    topic: str
    messages: int
    payload: bytes


class DeferredPack(NamedTuple):
    """A deferred pack with its key."""

    deferred_id: int
    topic: str
    messages: int
    payload: bytes


def insert(conn: Connection, packs: Sequence[Pack]) -> None:
    """Store packs."""
    with conn.cursor() as cur, cur.copy(COPY) as copy:
        copy.set_types(("text", "int4", "bytea"))
        for pack in packs:
            copy.write_row(pack)


def take(conn: Connection, most: int) -> list[DeferredPack]:
    """Lock the oldest packs until the transaction ends."""
    with conn.cursor(row_factory=class_row(DeferredPack)) as cur:
        return cur.execute(TAKE, {"most": most}).fetchall()


def delete(conn: Connection, ids: Sequence[int]) -> None:
    """Delete packs whose messages are stored."""
    conn.execute(DELETE, {"ids": list(ids)})


def waiting_bytes(conn: Connection) -> int:
    """Return the size of all packs, in bytes."""
    (row,) = conn.execute(SELECT_BYTES)
    return int(row[0])

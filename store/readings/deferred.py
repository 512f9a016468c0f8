"""Messages that were put by unread, as their sender sent more than fits: kept until there is time to store them."""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

COPY = "COPY ingest_deferred (topic, messages, payload) FROM STDIN (FORMAT BINARY)"
# The oldest; what another worker has in hand is skipped.
TAKE = """
SELECT deferred_id, topic, messages, payload FROM ingest_deferred
ORDER BY deferred_id
LIMIT %(most)s
FOR UPDATE SKIP LOCKED
"""
DELETE = "DELETE FROM ingest_deferred WHERE deferred_id = ANY (%(ids)s)"
SELECT_BYTES = "SELECT coalesce(sum(bytes), 0)::bigint FROM ingest_deferred"


class Pack(NamedTuple):
    """Some messages of one topic, as one row; `payload` is the caller's to make and to read."""

    topic: str
    messages: int
    payload: bytes


class DeferredPack(NamedTuple):
    """A pack that waits."""

    deferred_id: int
    topic: str
    messages: int
    payload: bytes


def insert(conn: Connection, packs: Sequence[Pack]) -> None:
    """Put packs by."""
    with conn.cursor() as cur, cur.copy(COPY) as copy:
        copy.set_types(("text", "int4", "bytea"))
        for pack in packs:
            copy.write_row(pack)


def take(conn: Connection, most: int) -> list[DeferredPack]:
    """Lock the oldest packs until the transaction ends."""
    with conn.cursor(row_factory=class_row(DeferredPack)) as cur:
        return cur.execute(TAKE, {"most": most}).fetchall()


def delete(conn: Connection, ids: Sequence[int]) -> None:
    """These packs are stored, message by message."""
    conn.execute(DELETE, {"ids": list(ids)})


def waiting_bytes(conn: Connection) -> int:
    """What all packs take."""
    (row,) = conn.execute(SELECT_BYTES)
    return int(row[0])

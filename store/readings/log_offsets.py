"""Offsets: how far each partition of a log is stored, and who moves it on."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection

CLAIM = """
INSERT INTO log_offset (log_group, topic, partition, next_offset, holder, moved_at)
VALUES (%(group)s, %(topic)s, %(partition)s, %(first)s, %(holder)s, %(now)s)
ON CONFLICT (log_group, topic, partition) DO UPDATE SET holder = excluded.holder
RETURNING next_offset
"""
MOVE = """
UPDATE log_offset AS o SET next_offset = n.next_offset, moved_at = %(now)s
FROM unnest(%(topics)s::text[], %(partitions)s::integer[], %(offsets)s::bigint[]) AS n (topic, partition, next_offset)
WHERE o.log_group = %(group)s AND (o.topic, o.partition) = (n.topic, n.partition) AND o.holder = %(holder)s
"""
SELECT_HELD = """
SELECT count(*) FROM log_offset AS o
JOIN unnest(%(topics)s::text[], %(partitions)s::integer[]) AS n (topic, partition) USING (topic, partition)
WHERE o.log_group = %(group)s AND o.holder = %(holder)s
"""
REWIND = """
UPDATE log_offset SET next_offset = %(offset)s, holder = NULL, moved_at = %(now)s
WHERE log_group = %(group)s AND topic = %(topic)s AND partition = %(partition)s
"""


class Partition(NamedTuple):
    """A partition of a log."""

    topic: str
    number: int


class Holder(NamedTuple):
    """A reader: a group of consumers, and a name that is new after each change in it."""

    group: str
    token: UUID


def claim(conn: Connection, holder: Holder, partition: Partition, first: int, now: datetime) -> int:
    """Become the holder of a partition and return where to begin; `first`, if nothing of it was ever read.

    Waits for a transaction of the last holder that is about to end.
    """
    row = conn.execute(CLAIM, {**_named(holder), **_part(partition), "first": first, "now": now}).fetchone()
    assert row is not None
    return int(row[0])


def move(conn: Connection, holder: Holder, offsets: Mapping[Partition, int], now: datetime) -> bool:
    """Move partitions on; False if one of them has another holder by now, and the transaction must not be committed."""
    told = {**_named(holder), **_parts(offsets), "offsets": list(offsets.values()), "now": now}
    return conn.execute(MOVE, told).rowcount == len(offsets)


def holds(conn: Connection, holder: Holder, partitions: Mapping[Partition, object]) -> bool:
    """Return whether partitions are still all of this holder."""
    row = conn.execute(SELECT_HELD, {**_named(holder), **_parts(partitions)}).fetchone()
    return row is not None and row[0] == len(partitions)


def rewind(conn: Connection, group: str, partition: Partition, offset: int, now: datetime) -> bool:
    """Have a partition read from an offset on; False if nothing of it was ever read."""
    told = {"group": group, **_part(partition), "offset": offset, "now": now}
    return conn.execute(REWIND, told).rowcount == 1


def _named(holder: Holder) -> dict[str, object]:
    return {"group": holder.group, "holder": holder.token}


def _part(partition: Partition) -> dict[str, object]:
    return {"topic": partition.topic, "partition": partition.number}


def _parts(partitions: Mapping[Partition, object]) -> dict[str, object]:
    return {"topics": [p.topic for p in partitions], "partitions": [p.number for p in partitions]}

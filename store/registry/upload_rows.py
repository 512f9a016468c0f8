"""Uploaded tables of the registry that wait to be applied: each known by its SHA-256 and its sender, without a name."""

from datetime import datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

MOST_WAITING = 5  # of a person; an older one makes room

PUT = """
INSERT INTO registry_upload (actor, digest, name, sheet, encoding, content, at)
VALUES (%(actor)s, %(digest)s, %(name)s, %(sheet)s, %(encoding)s, %(content)s, %(now)s)
ON CONFLICT (actor, digest) DO UPDATE SET
  name = excluded.name, sheet = excluded.sheet, encoding = excluded.encoding, at = excluded.at
"""
DELETE_OLDER = """
DELETE FROM registry_upload WHERE actor = %(actor)s AND digest NOT IN (
  SELECT u.digest FROM registry_upload AS u WHERE u.actor = %(actor)s ORDER BY u.at DESC, u.digest LIMIT %(most)s
)
"""
SELECT_ONE = """
SELECT name, sheet, encoding, content FROM registry_upload
WHERE actor = %(actor)s AND digest = %(digest)s AND at > %(since)s
"""
DELETE_ONE = "DELETE FROM registry_upload WHERE actor = %(actor)s AND digest = %(digest)s"
DELETE_OLD = "DELETE FROM registry_upload WHERE at <= %(before)s"


class WaitingUpload(NamedTuple):
    """An upload: the name of the file, what its sender says of it, and its bytes."""

    name: str
    sheet: str
    encoding: str
    content: bytes


def put(conn: Connection, sender: str, digest: bytes, upload: WaitingUpload, now: datetime) -> None:
    """Keep an upload; the same again is the same one."""
    conn.execute(PUT, {"actor": sender, "digest": digest, "now": now, **upload._asdict()})
    conn.execute(DELETE_OLDER, {"actor": sender, "most": MOST_WAITING})


def find(conn: Connection, sender: str, digest: bytes, since: datetime) -> WaitingUpload | None:
    """Return an upload that was sent after an instant."""
    with conn.cursor(row_factory=class_row(WaitingUpload)) as cur:
        return cur.execute(SELECT_ONE, {"actor": sender, "digest": digest, "since": since}).fetchone()


def remove(conn: Connection, sender: str, digest: bytes) -> None:
    """Forget an upload."""
    conn.execute(DELETE_ONE, {"actor": sender, "digest": digest})


def forget(conn: Connection, before: datetime) -> None:
    """Forget uploads that were sent at an instant or before."""
    conn.execute(DELETE_OLD, {"before": before})

"""Files of tickets, without their bytes (store/tickets/file_contents.py). Rows are only ever added."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from domain.files import NewAttachment, digest
from store.base.locks import lock_text

_FILES: LiteralString = """
SELECT
  f.file_id, f.ticket_id, f.kind, f.for_user, f.by_user, f.media_type, f.digest, f.size, f.original, f.original_size,
  f.width, f.height, f.thumbnail, f.at, f.actor
FROM ticket_file AS f
"""
SELECT_FILES: LiteralString = (
    _FILES
    + """
WHERE f.ticket_id = ANY(%(tickets)s::bigint[]) AND (f.for_user OR NOT %(for_user)s)
ORDER BY f.ticket_id, f.file_id
"""
)
SELECT_FILE: LiteralString = (
    _FILES
    + """
WHERE f.ticket_id = %(ticket)s AND f.file_id = %(file)s AND (f.for_user OR NOT %(for_user)s)
"""
)
SELECT_SAME: LiteralString = (
    _FILES
    + """
WHERE f.ticket_id = %(ticket)s AND f.original = %(original)s AND f.for_user = %(for_user)s
"""
)
SELECT_ROOM = """
SELECT count(*) AS files, coalesce(sum(f.size), 0)::bigint AS bytes FROM ticket_file AS f WHERE f.ticket_id = %(ticket)s
"""
SELECT_SENT = """
SELECT coalesce(sum(f.original_size), 0)::bigint FROM ticket_file AS f
WHERE f.actor = %(actor)s AND f.at > %(since)s
"""
# What is there already is a file that the sender may not see: of an earlier tenancy.
INSERT_FILE = """
INSERT INTO ticket_file (
  ticket_id, kind, for_user, by_user, media_type, digest, size, original, original_size, width, height, thumbnail, at,
  actor
)
VALUES (
  %(ticket)s, %(kind)s, %(for_user)s, %(by_user)s, %(media_type)s, %(digest)s, %(size)s, %(original)s,
  %(original_size)s, %(width)s, %(height)s, %(thumbnail)s, %(at)s, %(actor)s
)
ON CONFLICT (ticket_id, original, for_user) DO NOTHING
RETURNING file_id
"""
# The order in which files came, for a check of all of them.
SELECT_STORED = """
SELECT f.file_id, t.number, f.digest, f.thumbnail FROM ticket_file AS f JOIN ticket AS t USING (ticket_id)
WHERE f.file_id > %(after)s
ORDER BY f.file_id
LIMIT %(most)s
"""
SELECT_KNOWN = """
SELECT EXISTS (SELECT FROM ticket_file AS f WHERE f.digest = %(digest)s)
  OR EXISTS (SELECT FROM ticket_file AS f WHERE f.thumbnail = %(digest)s)
"""


class TicketFileRow(NamedTuple):
    """A file of a ticket as it is on record."""

    file_id: int
    ticket_id: int
    kind: str
    for_user: bool
    by_user: bool
    media_type: str
    digest: bytes
    size: int
    original: bytes
    original_size: int
    width: int | None
    height: int | None
    thumbnail: bytes | None
    at: datetime
    actor: str


class StoredFile(NamedTuple):
    """The hashes of a file and its thumbnail, and the number of its ticket."""

    file_id: int
    number: str
    digest: bytes
    thumbnail: bytes | None


def files(conn: Connection, tickets: Sequence[int], *, for_user: bool) -> list[TicketFileRow]:
    """Return the files of tickets in order; `for_user`: those alone that customers see."""
    with conn.cursor(row_factory=class_row(TicketFileRow)) as cur:
        return cur.execute(SELECT_FILES, {"tickets": list(tickets), "for_user": for_user}).fetchall()


def file(conn: Connection, ticket: int, file_id: int, *, for_user: bool) -> TicketFileRow | None:
    """Return a file of a ticket; None: there is none, or customers do not see it."""
    with conn.cursor(row_factory=class_row(TicketFileRow)) as cur:
        return cur.execute(SELECT_FILE, {"ticket": ticket, "file": file_id, "for_user": for_user}).fetchone()


def same(conn: Connection, wanted: NewAttachment) -> TicketFileRow | None:
    """Return the file that was sent to the ticket before, byte by byte the same, for the same readers."""
    given = {"ticket": wanted.ticket_id, "original": wanted.file.original, "for_user": wanted.for_user}
    with conn.cursor(row_factory=class_row(TicketFileRow)) as cur:
        return cur.execute(SELECT_SAME, given).fetchone()


def room(conn: Connection, ticket: int) -> tuple[int, int]:
    """Return how many files a ticket has, and their bytes."""
    row = conn.execute(SELECT_ROOM, {"ticket": ticket}).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def sent(conn: Connection, actor: str, since: datetime) -> int:
    """Return the bytes that somebody has sent since; until the transaction ends nobody else counts for the same."""
    lock_text(conn, f"files of {actor}")
    row = conn.execute(SELECT_SENT, {"actor": actor, "since": since}).fetchone()
    assert row is not None
    return int(row[0])


def insert(conn: Connection, wanted: NewAttachment, at: datetime, actor: str) -> int | None:
    """Add a file to its ticket, which is locked; returns its number. None: the same is there and out of sight."""
    made = wanted.file
    row = conn.execute(
        INSERT_FILE,
        {
            "ticket": wanted.ticket_id,
            "kind": wanted.kind.value,
            "for_user": wanted.for_user,
            "by_user": wanted.by_user,
            "media_type": made.media_type.value,
            "digest": digest(made.content),
            "size": len(made.content),
            "original": made.original,
            "original_size": made.original_size,
            "width": made.width,
            "height": made.height,
            "thumbnail": digest(made.thumbnail) if made.thumbnail else None,
            "at": at,
            "actor": actor,
        },
    ).fetchone()
    return int(row[0]) if row else None


def is_known(conn: Connection, content: bytes) -> bool:
    """Return whether a file or a thumbnail has this SHA-256."""
    return conn.execute(SELECT_KNOWN, {"digest": content}).fetchone() == (True,)


def stored(conn: Connection, after: int, most: int) -> list[StoredFile]:
    """Return files in the order in which they came, from behind one."""
    with conn.cursor(row_factory=class_row(StoredFile)) as cur:
        return cur.execute(SELECT_STORED, {"after": after, "most": most}).fetchall()

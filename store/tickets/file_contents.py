"""The bytes of files by their SHA-256: in the database, or in a folder that `pyarrow.fs` reaches (file://, s3://).

Writing is repeatable: the same digest stands for the same bytes. It is done before the transaction that tells of them
commits, so none tells of bytes that are not there; what a crash leaves in a folder is swept.
"""

import posixpath
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_hex
from typing import Protocol

from psycopg import Connection

from domain import files
from store.base.durable import settle
from store.base.locks import lock_text
from store.tickets import file_rows

BLOCK = 1 << 20
STRAY_AFTER = timedelta(days=1)
SHELVES = 256  # folders, by the first byte of a digest
UNFINISHED = ".part"
NAME = re.compile(r"[0-9a-f]{64}(\.part)?")

# Nothing says what is there: row-level security hides the bytes of files that are out of reach.
INSERT_CONTENT = """
INSERT INTO file_content (digest, content) VALUES (%(digest)s, %(content)s) ON CONFLICT DO NOTHING
"""
SELECT_BLOCK = """
SELECT substring(c.content FROM %(start)s::integer FOR %(length)s::integer) FROM file_content AS c
WHERE c.digest = %(digest)s
"""


class FileMissing(Exception):
    """The bytes of a file on record are not where they should be, or are others."""


class FileStore(Protocol):
    """A place for bytes."""

    def keep(self, conn: Connection, content: bytes) -> None:
        """Store bytes; a row of `ticket_file` in the same transaction has their digest.

        Raises:
            OSError: the place cannot be reached.
        """

    def blocks(self, conn: Connection, digest: bytes) -> Iterator[bytes]:
        """Yield bytes in blocks.

        Raises:
            FileMissing, OSError: after blocks that are of no use.
        """

    def sweep(self, conn: Connection, now: datetime) -> None:
        """Delete some of what no file has; called again and again. The connection is in no transaction."""


class DatabaseFiles:
    """Bytes in the table `file_content`, written in the transaction that tells of them."""

    def keep(self, conn: Connection, content: bytes) -> None:
        """Store bytes."""
        conn.execute(INSERT_CONTENT, {"digest": files.digest(content), "content": content})

    def blocks(self, conn: Connection, digest: bytes) -> Iterator[bytes]:
        """Yield bytes in blocks."""
        return _checked(self._read(conn, digest), digest)

    def _read(self, conn: Connection, digest: bytes) -> Iterator[bytes]:
        start = 1
        with conn.cursor(binary=True) as cur:
            while row := cur.execute(SELECT_BLOCK, {"digest": digest, "start": start, "length": BLOCK}).fetchone():
                yield row[0]
                if len(row[0]) < BLOCK:
                    return
                start += BLOCK

    def sweep(self, conn: Connection, now: datetime) -> None:
        """Leave all as it is: what is rolled back is not there."""


DATABASE = DatabaseFiles()


class FolderFiles:
    """Bytes in a folder of any file system, one file for each digest, on 256 shelves."""

    def __init__(self, uri: str) -> None:
        """Take the URI of a folder; nothing is looked at yet.

        Raises:
            ValueError: it is no URI of a file system.
        """
        from pyarrow.fs import FileSystem  # slow to import

        self._fs: FileSystem
        self._fs, self._root = FileSystem.from_uri(uri)
        if not self._root.strip("/"):
            raise ValueError("it names no folder")

    def keep(self, conn: Connection, content: bytes) -> None:
        """Store bytes, unless they are there. A sweep waits for the transaction."""
        digest = files.digest(content)
        lock_text(conn, _name(digest))
        path = self._path(digest)
        if self._fs.get_file_info(path).size == len(content):
            return
        self._fs.create_dir(posixpath.dirname(path))
        with self._fs.open_output_stream(path + UNFINISHED) as out:
            out.write(content)
        settle(self._fs, path + UNFINISHED)
        self._fs.move(path + UNFINISHED, path)
        settle(self._fs, posixpath.dirname(path))

    def blocks(self, conn: Connection, digest: bytes) -> Iterator[bytes]:
        """Yield bytes in blocks."""
        return _checked(self._read(digest), digest)

    def _read(self, digest: bytes) -> Iterator[bytes]:
        try:
            with self._fs.open_input_stream(self._path(digest)) as file:
                while block := file.read(BLOCK):
                    yield block
        except FileNotFoundError:
            return

    def try_out(self) -> None:
        """Write a few bytes, read them and delete them.

        Raises:
            OSError: one of it fails.
        """
        self._fs.create_dir(self._root)
        path, content = posixpath.join(self._root, f".check-{token_hex(8)}"), token_hex(8).encode()
        with self._fs.open_output_stream(path) as out:
            out.write(content)
        try:
            with self._fs.open_input_stream(path) as file:
                if file.read() != content:
                    raise OSError("it answers other bytes than were written")
        finally:
            self._fs.delete_file(path)

    def sweep(self, conn: Connection, now: datetime) -> None:
        """Delete what has lain on one shelf for a day and no file has; each minute has its shelf."""
        from pyarrow.fs import FileSelector, FileType

        shelf = f"{int(now.timestamp()) // 60 % SHELVES:02x}"
        selector = FileSelector(posixpath.join(self._root, shelf), allow_not_found=True)
        for info in self._fs.get_file_info(selector):
            ours = info.type is FileType.File and NAME.fullmatch(info.base_name)
            if ours and info.mtime < now - STRAY_AFTER:
                self._sweep(conn, info.path)

    def _sweep(self, conn: Connection, path: str) -> None:
        name = posixpath.basename(path).removesuffix(UNFINISHED)
        with conn.transaction():
            lock_text(conn, name)
            if path.endswith(UNFINISHED) or not file_rows.is_known(conn, bytes.fromhex(name)):
                self._fs.delete_file(path)

    def _path(self, digest: bytes) -> str:
        name = _name(digest)
        return posixpath.join(self._root, name[:2], name)


def _name(digest: bytes) -> str:
    return digest.hex()


def _checked(blocks: Iterator[bytes], digest: bytes) -> Iterator[bytes]:
    """Yield blocks, and raise FileMissing at their end where they are not what the digest says."""
    hashed = sha256()
    for block in blocks:
        hashed.update(block)
        yield block
    if hashed.digest() != digest:
        raise FileMissing(digest.hex())

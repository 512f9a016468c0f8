"""A place for an archive: a folder of any file system that `pyarrow.fs` reaches (file://, s3://, hdfs://).

Names are written once and never again, so what was read once may be kept. A name is there with all of its bytes or not
at all: a local or HDFS file gets its name when it is complete, and S3 shows an object when its upload is completed.
"""

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pyarrow.fs import FileSelector, FileSystem, FileType

from store.base.durable import settle

UNFINISHED = ".part"
BLOCK = 1 << 20


@lru_cache(maxsize=8)
def _opened(uri: str) -> tuple[FileSystem, str]:
    opened: tuple[FileSystem, str] = FileSystem.from_uri(uri)
    return opened


class HashedStream:
    """A stream that is written in order, and what was written: its size and SHA-256."""

    closed = False

    def __init__(self, out: Any) -> None:
        self._out = out
        self._hashed = sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        """Write bytes."""
        self._out.write(data)
        self._hashed.update(data)
        self.size += memoryview(data).nbytes
        return memoryview(data).nbytes

    def tell(self) -> int:
        """Return how much was written."""
        return self.size

    def flush(self) -> None:
        """Leave flushing to the stream below, which is closed in the end."""

    def close(self) -> None:
        """Leave closing to the opener of the stream below."""

    @property
    def sha256(self) -> str:
        """The digest of what was written."""
        return self._hashed.hexdigest()


@dataclass(frozen=True)
class ArchivePlace:
    """A folder by its URI; opened where it is used, so that it may travel to other processes."""

    uri: str = field(repr=False)  # may hold a key

    def __post_init__(self) -> None:
        """Open the file system; nothing is looked at yet.

        Raises:
            ValueError: it is no URI of a folder of a known file system.
        """
        if not self._root.strip("/"):
            raise ValueError("it names no folder")

    @property
    def _fs(self) -> FileSystem:
        return _opened(self.uri)[0]

    @property
    def _root(self) -> str:
        return _opened(self.uri)[1]

    @property
    def is_on_disk(self) -> bool:
        """True for a folder of this machine."""
        return bool(self._fs.type_name == "local")

    def below(self, name: str) -> "ArchivePlace":
        """Return a folder in this one."""
        parts = urlsplit(self.uri)
        return ArchivePlace(urlunsplit(parts._replace(path=posixpath.join(parts.path, name))))

    def _path(self, name: str) -> str:
        return posixpath.join(self._root, name)

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a small file; None: it is not there."""
        try:
            with self._fs.open_input_stream(self._path(name)) as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None

    def open(self, name: str) -> Any:
        """Open a file for reading anywhere in it.

        Raises:
            FileNotFoundError: it is not there.
        """
        return self._fs.open_input_file(self._path(name))

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file in blocks.

        Raises:
            FileNotFoundError: it is not there.
        """
        with self._fs.open_input_stream(self._path(name)) as file:
            while block := file.read(BLOCK):
                yield block

    @contextmanager
    def writing(self, name: str) -> Iterator[HashedStream]:
        """Write a file. It has its name once all is written, and on a disk of this machine kept through a power cut."""
        path = self._path(name)
        direct = self._fs.type_name == "s3"
        unfinished = path if direct else path + UNFINISHED
        self._fs.create_dir(posixpath.dirname(path))
        out = self._fs.open_output_stream(unfinished)
        try:
            stream = HashedStream(out)
            yield stream
        except BaseException:
            self._abandon(out, unfinished)
            raise
        out.close()
        if not direct:
            settle(self._fs, unfinished)
            self._fs.move(unfinished, path)
            settle(self._fs, posixpath.dirname(path))

    def _abandon(self, out: Any, path: str) -> None:
        """Delete an unfinished file. One in S3 appears when its stream is closed, which no stream can be kept from."""
        with suppress(OSError):
            out.close()
        with suppress(OSError):
            self._fs.delete_file(path)

    def try_out(self, under: str) -> None:
        """Write a small file below a folder, read it and delete it.

        Raises:
            OSError: one of it fails.
        """
        name, content = f"{under}/.check-{token_hex(8)}", token_hex(8).encode()
        with self.writing(name) as out:
            out.write(content)
        try:
            if self.read(name) != content:
                raise OSError("it answers other bytes than were written")
        finally:
            self.delete(name)

    def names(self, under: str) -> Iterator[tuple[str, int]]:
        """Yield name and size of each file below a folder."""
        selector = FileSelector(self._path(under), allow_not_found=True, recursive=True)
        for info in self._fs.get_file_info(selector):
            if info.type is FileType.File:
                yield posixpath.relpath(info.path, self._root), info.size

    def folders(self) -> list[str]:
        """Return the names of the folders at the top."""
        selector = FileSelector(self._root, allow_not_found=True)
        return sorted(i.base_name for i in self._fs.get_file_info(selector) if i.type is FileType.Directory)

    def written_at(self, name: str) -> datetime:
        """Return when a file was written; long ago, if it is gone meanwhile."""
        written: datetime | None = self._fs.get_file_info(self._path(name)).mtime
        return written or datetime.min.replace(tzinfo=UTC)

    def delete(self, name: str) -> None:
        """Delete a file that no manifest names."""
        self._fs.delete_file(self._path(name))

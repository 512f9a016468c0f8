"""Reading an untrusted ZIP in place: never unpacked to disk, and only within limits.

The cost of reading it is checked against its directory before anything is inflated.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LARGEST_ZIP = 1 << 30  # bytes
# Unpacked. JSON takes twenty times its size in memory.
LARGEST = {"readings.csv": 1 << 30, "events.jsonl": 32 << 20, "gaps.csv": 32 << 20, "manifest.json": 1 << 18}
LARGEST_FILE = 8 << 20  # of a ticket, under FILES
FILES = "files/"
LARGEST_OTHER = 4 << 20
# The readings of a dossier compress to a twentieth at best; a higher ratio indicates a ZIP bomb.
MOST_RATIO, SMALL = 60, 1 << 20
LONGEST_LINE = 1 << 18
MOST_ENTRIES, LARGEST_DIRECTORY = 600, 1 << 17
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others have unbounded memory use
ENCRYPTED = 1
HEADER = 30  # bytes before the name of an entry
END = struct.Struct("<4s4H2LH")  # the record at the end of a ZIP
END_MARK, LONG_MARK = b"PK\5\6", b"PK\6\7"
BLOCK = 1 << 20
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


TOO_LARGE = "it is larger than one can be"


class TooLarge(Exception):
    """The ZIP exceeds the limits of a dossier."""


class Archive:
    """The entries of a ZIP. A context manager.

    Raises:
        TooLarge, zipfile.BadZipFile, OSError: on opening.
    """

    def __init__(self, file: Path) -> None:
        _check_end(file)
        self._zip = zipfile.ZipFile(file)
        self.infos = self._zip.infolist()
        if len(self.infos) > MOST_ENTRIES:
            raise TooLarge(TOO_LARGE)

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def faults(self) -> Iterator[str]:
        """Yield the reasons not to read the entries."""
        end = 0
        for info in sorted(self.infos, key=lambda info: info.header_offset):
            name = info.filename
            most = LARGEST_FILE if name.startswith(FILES) else LARGEST.get(name, LARGEST_OTHER)
            if info.header_offset < end:
                yield f"{name}: overlaps another file"
            end = info.header_offset + HEADER + len(name) + info.compress_size
            if info.compress_type not in METHODS or info.flag_bits & ENCRYPTED:
                yield f"{name}: uses a compression or encryption that a dossier never has"
            if info.file_size > most:
                yield f"{name}: would unpack to {info.file_size} bytes, which is too large"
            elif name.startswith(FILES) and info.compress_type != zipfile.ZIP_STORED:
                yield f"{name}: is packed, which a file of a ticket never is"
            elif info.file_size > max(SMALL, MOST_RATIO * info.compress_size):
                yield f"{name}: {info.compress_size} bytes would unpack to {info.file_size}: implausible for a dossier"

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield an entry in blocks, up to the size stated in the directory.

        Raises:
            zipfile.BadZipFile: it is larger. Others of UNREADABLE.
        """
        left = self._zip.getinfo(name).file_size
        with self._zip.open(name) as file:
            while block := file.read(BLOCK):
                left -= len(block)
                if left < 0:
                    raise zipfile.BadZipFile("it is larger than it says")
                yield block

    def whole(self, name: str) -> bytes:
        """Read an entry as a whole."""
        return b"".join(self.blocks(name))

    def json(self, name: str) -> Any:
        """Read an entry as JSON."""
        return json.loads(self.whole(name))

    def stream(self, name: str) -> io.BufferedReader:
        """Open an entry as a binary file."""
        return io.BufferedReader(_Stream(self.blocks(name)))

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of an entry.

        Raises:
            ValueError: one is too long.
        """
        with self.stream(name) as file:
            while line := file.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise ValueError("a line is too long")
                yield line


class _Stream(io.RawIOBase):
    """A binary file over an iterator of blocks."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or memoryview(next(self._blocks, b""))
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def _check_end(file: Path) -> None:
    """Refuse a ZIP whose directory alone is too large to read."""
    if not file.is_file():
        raise OSError("it is not a file" if file.exists() else "there is no such file")
    size = file.stat().st_size
    with file.open("rb") as raw:
        raw.seek(max(0, size - END.size - 20))
        tail = raw.read()
    if len(tail) < END.size or tail[-END.size :][:4] != END_MARK:
        raise zipfile.BadZipFile("its end is missing")
    *_, entries, directory, _, _ = END.unpack(tail[-END.size :])
    if size > LARGEST_ZIP or entries > MOST_ENTRIES or directory > LARGEST_DIRECTORY or tail.startswith(LONG_MARK):
        raise TooLarge(TOO_LARGE)

"""Verification of an archive: its chain, what the database noted of it, and each byte of its files."""

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from psycopg import Connection

from archives import manifest
from archives.layout import KINDS
from archives.manifest import ArchiveBroken, ArchiveFile
from archives.reading import ReadingArchive
from store.evidence import archive_rows


class ArchiveFault(NamedTuple):
    """A fault, and the file that has it."""

    name: str
    what: str


def check_manifest(conn: Connection, archive: ReadingArchive) -> tuple[ReadingArchive, list[ArchiveFault]]:
    """Read the manifest up to its end or its first fault, and compare it with what the database noted."""
    faults = []
    try:
        for entry in manifest.entries(archive.place, archive.utility):
            archive = archive.followed_by(entry)
    except ArchiveBroken as broken:
        name, _, what = str(broken).partition(": ")
        faults.append(ArchiveFault(name, what))
    for row in archive_rows.entries(conn):
        name = manifest.entry_name(archive.utility, row.number)
        if row.number > archive.number:
            if not faults:
                faults.append(ArchiveFault(name, "is missing: the database knows it"))
        elif archive.entries[row.number - 1].root != bytes(row.root).hex():
            faults.append(ArchiveFault(name, "is not the one that the database knows"))
    return archive, faults


def every_file(archive: ReadingArchive) -> list[ArchiveFile]:
    """Return the files of all kinds."""
    return [file for kind in KINDS.values() for file in archive.files(kind)]


def fault_of(archive: ReadingArchive, file: ArchiveFile) -> ArchiveFault | None:
    """Read a file to its end; None: all of its bytes are as they were written."""
    name, hashed, size = manifest.file_name(archive.utility, file.path), sha256(), 0
    try:
        for block in archive.place.blocks(name):
            hashed.update(block)
            size += len(block)
    except FileNotFoundError:
        return ArchiveFault(name, "is missing")
    except OSError as error:
        return ArchiveFault(name, f"cannot be read: {type(error).__name__}")
    whole = (size, hashed.hexdigest()) == (file.size, file.sha256)
    return None if whole else ArchiveFault(name, "is not as it was written")


def strays(archive: ReadingArchive) -> Iterator[str]:
    """Yield the names of files that no entry needs: of an attempt that was cut off, or replaced."""
    named = {manifest.file_name(archive.utility, file.path) for file in every_file(archive)}
    named |= {manifest.entry_name(archive.utility, entry.number) for entry in archive.entries}
    return (name for name, _ in archive.place.names(manifest.home(archive.utility)) if name not in named)

"""The manifest of an archive: a chain of small JSON files, each of which names what one sealing added.

Entry N lies at `utility=NAME/manifest/NNNNNNNN.json` and tells the SHA-256 of entry N - 1 and of itself. An entry is
written when all of its files are, and nothing is ever changed: after a crash there is the old manifest or the new one.
Readers that know N entries ask for entry N + 1. The digest of the last entry is the root: it stands for every byte.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from archives.place import ArchivePlace

FORMAT = "hearth-archive/1"
FIRST = ""  # stands for the entry before the first
BASE, AMENDMENT = "base", "amendment"
SELF = "sha256"


class ArchiveBroken(Exception):
    """Bytes of an archive that are not what its manifest says, or a manifest that does not fit together."""


@dataclass(frozen=True, kw_only=True)
class ArchiveFile:
    """A file, and what it holds. Bounds are inclusive; instants are µs since 1970."""

    path: str  # below the folder of the utility
    kind: str
    month: str
    shard: int
    part: str  # base: the days as they were settled; amendment: what came for sealed days later
    rows: int
    size: int
    sha256: str
    sensors: tuple[int, int]
    measured: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Progress of sealing a kind."""

    begins: str  # the first day (UTC)
    upto: str  # the first day that is not sealed
    late: int  # reading_late_id: what came late up to here is in the files
    whole: bool  # nothing from before the first day was deleted before there was an archive


@dataclass(frozen=True, kw_only=True)
class ManifestEntry:
    """Addition of one sealing."""

    number: int
    previous: str
    made_at: str
    reached: Mapping[str, Reached] = field(default_factory=dict)  # by kind, after it
    shards: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)  # new sensors of each, as ranges
    files: tuple[ArchiveFile, ...] = ()
    replaces: tuple[str, ...] = ()  # paths of earlier files whose readings are in these

    def to_bytes(self) -> bytes:
        """Return the entry as it is written: one text for one entry, with its own digest."""
        said = {"format": FORMAT, **asdict(self)}
        return _text({**said, SELF: sha256(_text(said)).hexdigest()})

    @cached_property
    def root(self) -> str:
        """The digest that the next entry tells."""
        return sha256(_text({"format": FORMAT, **asdict(self)})).hexdigest()


def _text(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def parse(name: str, content: bytes) -> ManifestEntry:
    """Read an entry.

    Raises:
        ArchiveBroken: it is not as it was written.
    """
    try:
        said = json.loads(content)
        own = said.pop(SELF)
        if said.pop("format") != FORMAT:
            raise ArchiveBroken(f"{name}: is of another format than {FORMAT}")
        entry = ManifestEntry(
            **{
                **said,
                "reached": {kind: Reached(**reached) for kind, reached in said["reached"].items()},
                "shards": {shard: [(low, high) for low, high in some] for shard, some in said["shards"].items()},
                "files": tuple(_file(file) for file in said["files"]),
                "replaces": tuple(said["replaces"]),
            }
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ArchiveBroken(f"{name}: is not as it was written") from None
    if own != entry.root or entry.to_bytes() != content:
        raise ArchiveBroken(f"{name}: is not as it was written")
    return entry


def _file(said: dict[str, Any]) -> ArchiveFile:
    return ArchiveFile(**{**said, "sensors": tuple(said["sensors"]), "measured": tuple(said["measured"])})


def home(utility: str) -> str:
    """Return the folder of a utility."""
    return f"utility={utility}"


def file_name(utility: str, path: str) -> str:
    """Return the name of a file, whose path an entry has, at the place of an archive."""
    return f"{home(utility)}/{path}"


def entry_name(utility: str, number: int) -> str:
    """Return the name of an entry."""
    return f"{home(utility)}/manifest/{number:08}.json"


def entries(place: ArchivePlace, utility: str, after: int = 0, previous: str = FIRST) -> Iterator[ManifestEntry]:
    """Yield the entries behind one, in order.

    Raises:
        ArchiveBroken: one is not as it was written, or does not follow the one before.
    """
    number = after + 1
    while (content := place.read(entry_name(utility, number))) is not None:
        entry = parse(entry_name(utility, number), content)
        if (entry.number, entry.previous) != (number, previous):
            raise ArchiveBroken(f"{entry_name(utility, number)}: does not follow the entry before")
        yield entry
        number, previous = number + 1, entry.root


def add(place: ArchivePlace, utility: str, entry: ManifestEntry) -> None:
    """Write an entry: from here on its files belong to the archive.

    Raises:
        ArchiveBroken: there is one of its number.
    """
    name = entry_name(utility, entry.number)
    if place.read(name) is not None:
        raise ArchiveBroken(f"{name}: is there already: does another process seal here?")
    with place.writing(name) as out:
        out.write(entry.to_bytes())


def append(place: ArchivePlace, utility: str, files: Sequence[ArchiveFile], made_at: datetime) -> ManifestEntry:
    """Add an entry with files beside those of all entries before, for what is no archive of readings."""
    number, previous = 1, FIRST
    for last in entries(place, utility):
        number, previous = last.number + 1, last.root
    entry = ManifestEntry(number=number, previous=previous, made_at=made_at.isoformat(), files=tuple(files))
    add(place, utility, entry)
    return entry

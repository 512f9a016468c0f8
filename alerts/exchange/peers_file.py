"""The file of peers: who exchanges tickets with us, how each is reached, and how each proves who it is.

Keys and authorisations in it are secrets: they are neither logged nor stored in the database. Addresses are the
operator's; nothing that comes from outside is ever taken for one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from domain.errors import UsageError
from domain.exchange import mapping_file, proofs
from domain.exchange.mapping import PeerMapping
from domain.rate_limit import RateLimit
from domain.toml_file import parsed

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Sent = Literal["cold", "leak", "repair", "device"]  # complaints are passed on by nobody
LOCAL = ("127.0.0.1", "::1", "localhost")
MOST_KEYS = 4
SHORTEST_TOKEN = 8


class PeerEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A peer as the file has it. docs/exchange.md explains the keys."""

    name: Name
    mapping: str
    url: str = ""
    keys: list[str] = []
    keys_file: str = ""
    authorization_file: str = ""
    their_keys: list[str] = []
    their_keys_file: str = ""
    folder: str = ""
    format: Literal["json", "csv"] = "json"
    classes: list[Sent] = []
    limit: str = "600/minute"


class PeersTable(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    desk: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$")]
    peer: list[PeerEntry] = []


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A peer that is ready to be spoken with."""

    name: str
    desk: str  # by which the peers know us
    mapping: PeerMapping
    url: str = ""
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    authorization: str = field(default="", repr=False)
    their_keys: tuple[bytes, ...] = field(default=(), repr=False)
    folder: Path | None = None
    format: str = "json"
    classes: tuple[str, ...] = ()
    limit: str = "600/minute"

    @property
    def addressee(self) -> str:
        """Its name among the recipients of notices."""
        return f"peer {self.name}"


def load(text: str, file: str) -> Mapping[str, Peer]:
    """Read a file of peers, by name.

    Raises:
        UsageError: names the entry and the key, never a secret.
    """
    try:
        table = msgspec.convert(parsed(text, file), PeersTable)
    except msgspec.ValidationError as error:
        raise UsageError(f"{file}: {error}") from None
    found: dict[str, Peer] = {}
    for nth, entry in enumerate(table.peer):
        if entry.name in found:
            raise UsageError(f"{file}: peer[{nth}].name: {entry.name!r} is there twice")
        found[entry.name] = _Entry(f"{file}: peer[{nth}]", entry).peer(table.desk)
    return found


@dataclass(frozen=True)
class _Entry:
    place: str
    entry: PeerEntry

    def fail(self, key: str, problem: str) -> UsageError:
        return UsageError(f"{self.place}.{key}: {problem}")

    def peer(self, desk: str) -> Peer:
        entry = self.entry
        if bool(entry.url) == bool(entry.folder):
            raise self.fail("url", "a peer has either url or folder")
        mapping = self.mapping()
        keys = self.keys("keys", [*entry.keys, *self.lines("keys_file")])
        return Peer(
            name=entry.name,
            desk=desk,
            mapping=mapping,
            url=self.url(bool(keys)),
            keys=keys,
            authorization=next(iter(self.lines("authorization_file")), ""),
            their_keys=self.theirs(mapping) or keys,
            folder=self.folder(),
            format=entry.format,
            classes=tuple(entry.classes),
            limit=self.limit(),
        )

    def mapping(self) -> PeerMapping:
        name = self.entry.mapping
        if name in mapping_file.PACKS.names():
            return mapping_file.pack(name)
        if not name.endswith(".toml"):
            raise self.fail("mapping", f"no mapping {name!r}: a file, or {', '.join(mapping_file.PACKS.names())}")
        try:
            return mapping_file.load(Path(name).read_text(encoding="utf-8"), f"{self.place}.mapping {name}")
        except OSError as error:
            raise self.fail("mapping", f"{name}: {error.strerror}") from None

    def url(self, has_keys: bool) -> str:
        if not self.entry.url:
            return ""
        parts = urlsplit(self.entry.url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL)
        if not is_safe or not parts.hostname or parts.username or parts.query or parts.fragment:
            raise self.fail("url", "must be https://host/path, without user and query (http:// on this machine alone)")
        if not has_keys:
            raise self.fail("keys", "what is sent to an address is signed: give keys or keys_file")
        return self.entry.url.rstrip("/")

    def theirs(self, mapping: PeerMapping) -> tuple[bytes, ...]:
        given = [*self.entry.their_keys, *self.lines("their_keys_file")]
        rules = [one.incoming for one in mapping.versions if one.incoming]
        if all(one.proof == "standard" for one in rules):
            return self.keys("their_keys", given)
        if not self.entry.folder and not given:
            raise self.fail("their_keys", "is needed: this peer signs in its own way")
        if any(len(one) < SHORTEST_TOKEN for one in given):
            raise self.fail("their_keys", f"is shorter than {SHORTEST_TOKEN} characters")
        return tuple(one.encode() for one in given)

    def keys(self, name: str, given: list[str]) -> tuple[bytes, ...]:
        if len(given) > MOST_KEYS:
            raise self.fail(name, f"are more than {MOST_KEYS}")
        try:
            return tuple(proofs.key_of(one) for one in given)
        except ValueError as error:
            raise self.fail(name, str(error)) from None

    def lines(self, key: str) -> list[str]:
        """Return the lines of a file of secrets."""
        name = getattr(self.entry, key)
        if not name:
            return []
        try:
            return [line.strip() for line in Path(name).read_text(encoding="utf-8").splitlines() if line.strip()]
        except OSError as error:
            raise self.fail(key, f"{name}: {error.strerror}") from None

    def folder(self) -> Path | None:
        if not self.entry.folder:
            return None
        folder = Path(self.entry.folder)
        if not folder.is_dir():
            raise self.fail("folder", f"{folder} is no folder")
        return folder

    def limit(self) -> str:
        try:
            RateLimit.parse(self.entry.limit)
        except ValueError:
            raise self.fail("limit", f"{self.entry.limit!r} is no limit such as 600/minute") from None
        return self.entry.limit

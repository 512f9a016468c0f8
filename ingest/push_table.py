"""The TOML table of platforms that push by HTTP: for which source each speaks, and how it proves who it is."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from domain.errors import UsageError
from domain.rate_limit import RateLimit
from ingest import table_entries
from ingest.publisher import PUSHED
from ingest.sources import Sources

SHORTEST_SECRET = 8


class PushEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A platform as the table has it. docs/formats.md explains the keys.

    `secret_sha256`: of a shared secret, in hexadecimal. `token`, or the file that holds it: what signatures are made
    with, which has to be known in clear.
    """

    source: str
    sign: Literal["secret", "onenet", "iotda", "tencent"]
    secret_sha256: str = ""
    token: str = ""
    token_file: str = ""
    limit: str = "60000/minute"

    @property
    def topic(self) -> str:
        """The topic on which its messages are published."""
        return PUSHED + self.source


def load(text: str, file: str, sources: Sources) -> Mapping[str, PushEntry]:
    """Read a table of platforms, by source.

    Raises:
        UsageError: names the entry and the key.
    """
    read = {origin.name: origin.filters for origin in sources.origins}
    found: dict[str, PushEntry] = {}
    for nth, entry in enumerate(table_entries.read(text, file, "push")):
        one = _entry(f"{file}: push[{nth}]", entry, read)
        if one.source in found:
            raise UsageError(f"{file}: push[{nth}].source: {one.source!r} is there twice")
        found[one.source] = one
    return found


def _entry(place: str, entry: object, read: Mapping[str, Collection[str]]) -> PushEntry:
    try:
        one = msgspec.convert(entry, PushEntry)
    except msgspec.ValidationError as error:
        raise UsageError(f"{place}: {error}") from None
    if one.topic not in read.get(one.source, ()):
        raise UsageError(f"{place}.source: no source {one.source!r} of HEARTH_SOURCES has the filter {one.topic}")
    try:
        RateLimit.parse(one.limit)
    except ValueError:
        raise UsageError(f"{place}.limit: {one.limit!r} is no limit such as 60000/minute") from None
    return _with_secret(place, one)


def _with_secret(place: str, one: PushEntry) -> PushEntry:
    """Check that the platform has exactly the secret that its way to sign needs; a token in a file is read."""
    if one.sign == "secret":
        if len(one.secret_sha256) != 64 or one.token or one.token_file:
            raise UsageError(f"{place}.secret_sha256: sign = 'secret' needs its SHA-256, in hexadecimal")
        return msgspec.structs.replace(one, secret_sha256=one.secret_sha256.lower())
    if one.secret_sha256 or bool(one.token) == bool(one.token_file):
        raise UsageError(f"{place}.token: sign = {one.sign!r} needs either token or token_file")
    if one.token_file:
        try:
            one = msgspec.structs.replace(one, token=Path(one.token_file).read_text(encoding="utf-8").strip())
        except OSError as error:
            raise UsageError(f"{place}.token_file: {one.token_file}: {error.strerror}") from None
    if len(one.token) < SHORTEST_SECRET:
        raise UsageError(f"{place}.token: is shorter than {SHORTEST_SECRET} characters")
    return one

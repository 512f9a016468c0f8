"""Files of rules in TOML: parsing, dated versions, and those that are shipped with Hearth."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Any, Protocol

from domain.errors import RefusedText, UsageError
from domain.toml_table import TomlFault
from domain.words import faults
from domain.words.text import Text

PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


def parsed(text: str, source: str) -> dict[str, Any]:
    """Parse a text.

    Args:
        source: its name in errors.
    Raises:
        RefusedText: it is not TOML; names the source.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise RefusedText(source, faults.TOO_DEEP) from None
    except ValueError as error:
        raise RefusedText(source, _unreadable(error)) from None


def _unreadable(error: ValueError) -> Text:
    """Tell what the parser says of a text; a number may be longer than one is read."""
    said = str(error)
    if not isinstance(error, tomllib.TOMLDecodeError):
        return faults.NUMBER_TOO_LONG.fill(said=said)
    if at := PLACE.search(said):
        return faults.NOT_TOML_AT.fill(said=said, line=at[1], column=at[2])
    return faults.NOT_TOML.fill(said=said)


class Dated(Protocol):
    """Rules in force from a local day on."""

    @property
    def valid_from(self) -> date:
        """The first day."""


def check_versions(versions: Sequence[Dated]) -> None:
    """Check the versions of a file.

    Raises:
        TomlFault: there is none, or one does not begin after the one before.
    """
    if not versions:
        raise TomlFault("version", faults.NONE_THERE)
    if any(a.valid_from >= b.valid_from for a, b in pairwise(versions)):
        raise TomlFault("version", faults.VERSIONS_FALL)


@dataclass(frozen=True)
class ShippedFiles:
    """The files of rules of one kind that come with Hearth."""

    folder: Traversable
    called: str  # one of them, in an error

    def names(self) -> list[str]:
        """List them."""
        return sorted(f.name.removesuffix(".toml") for f in self.folder.iterdir() if f.name.endswith(".toml"))

    def text(self, name: str) -> str:
        """Return the TOML of one.

        Raises:
            UsageError: there is none of this name.
        """
        names = self.names()
        if name not in names:
            raise UsageError(f"no {self.called} {name!r}: there are {', '.join(names)}")
        return (self.folder / f"{name}.toml").read_text(encoding="utf-8")

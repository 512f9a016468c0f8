"""TOML files that hold nothing but a list of tables of one name."""

import tomllib
from typing import Any

from domain.errors import UsageError


def read(text: str, file: str, name: str) -> list[Any]:
    """Read the entries `[[name]]` of a table.

    Args:
        file: what to call it in errors.

    Raises:
        UsageError: it is no TOML, or something else is in it.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: {error}") from None
    entries = table.pop(name, [])
    if table or not isinstance(entries, list):
        raise UsageError(f"{file}: {next(iter(table), name)}: there is nothing but [[{name}]] tables")
    return entries

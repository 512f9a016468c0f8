"""Export: the registry as the four files that an import reads."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.errors import UsageError
from domain.registry import Registry
from registry.csv_file import render
from registry.sheets import sheets
from store import registry as store
from store.registry_rows import whole

UTC = ZoneInfo("UTC")


def export_folder(conn: Connection, folder: Path) -> dict[str, int]:
    """Write the four files, times in UTC, and return their numbers of lines; importing them changes nothing.

    The folder is made if it is not there. No reader ever finds a file half written.

    Raises:
        UsageError: the folder or a file in it cannot be written.
    """
    store.lock_shared(conn)
    registry = whole(conn)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in _texts(registry).items():
            _replace(folder / file, text)
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from None
    return {kind: len(rows) for kind, rows in registry._asdict().items()}


def _texts(registry: Registry) -> dict[str, str]:
    """The text of each file, by name."""
    files = sheets(UTC)
    return {
        files.substations.file: render(files.substations, registry.substations),
        files.buildings.file: render(files.buildings, registry.buildings),
        files.homes.file: render(files.homes, registry.homes),
        files.sensors.file: render(files.sensors, registry.sensors),
    }


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)

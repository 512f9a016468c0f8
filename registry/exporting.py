"""Export of the registry as the four files that an import reads."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.errors import UsageError
from domain.registry import Registry
from registry import contacts, fees, residents
from registry.csv_file import render
from registry.sheets import sheets
from store.registry import registry_rows
from store.registry.registry_lines import whole

UTC = ZoneInfo("UTC")


def export_folder(conn: Connection, folder: Path, with_contacts: bool = False) -> dict[str, int]:
    """Write the four files, times in UTC, and return the number of lines of each; importing them changes nothing.

    Contacts are personal data: they are written only on request, readable by the file's owner only. The folder is
    created if missing. Files are replaced atomically.

    Raises:
        UsageError: the folder or a file in it cannot be written.
    """
    registry_rows.lock_shared(conn)
    registry = whole(conn)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in _texts(registry).items():
            _replace(folder / file, text)
        lived, tenancies = residents.text(conn)
        if tenancies or (folder / residents.FILE).exists():
            _replace(folder / residents.FILE, lived)
        paid, prices = fees.text(conn)
        if prices or (folder / fees.FILE).exists():
            _replace(folder / fees.FILE, paid)
        if with_contacts:
            text, people = contacts.text(conn)
            _replace(folder / contacts.FILE, text, 0o600)
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from None
    lines = {kind: len(rows) for kind, rows in registry._asdict().items()}
    lines |= {"residents": tenancies} if tenancies else {}
    lines |= {"fees": prices} if prices else {}
    return lines | ({"contacts": people} if with_contacts else {})


def _texts(registry: Registry) -> dict[str, str]:
    """Render each file, by name."""
    files = sheets(UTC)
    return {
        files.substations.file: render(files.substations, registry.substations),
        files.buildings.file: render(files.buildings, registry.buildings),
        files.homes.file: render(files.homes, registry.homes),
        files.sensors.file: render(files.sensors, registry.sensors),
    }


def _replace(path: Path, text: str, mode: int = 0o666) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.touch(mode)
        part.write_text(text, encoding="utf-8-sig", newline="")  # the mark tells spreadsheets that it is UTF-8
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)

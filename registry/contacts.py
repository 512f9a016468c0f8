"""contacts.csv: how users can be told. Beside the registry, and never exported without being asked for."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.errors import UsageError
from domain.registry import Contact
from registry.csv_file import Content, FileLine, parse, render
from registry.fields import Parser, code, instant, one_of, words
from registry.problems import FileProblem, refuse
from registry.sheets import REQUIRED, Sheet, SheetColumn
from store.registry import contact_rows, registry_rows
from store.registry.contact_rows import ContactChanges

FILE = "contacts.csv"
ADDRESS_LENGTH = 500
# Faults do not repeat addresses: what an import says may end in a log.
SHAPES = {
    "email": re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+"),
    "phone": re.compile(r"\+?[0-9][0-9 -]{4,20}"),
    "webhook": re.compile(r"https?://[^\s/]+\S*"),
}


def sheet(zone: ZoneInfo) -> Sheet[Contact]:
    """The file; a day of consent begins at midnight in `zone`."""
    columns = (
        SheetColumn("home", code, REQUIRED),
        SheetColumn("channel", one_of(tuple(SHAPES))),
        SheetColumn("address", _address()),
        SheetColumn("language", one_of(("zh", "en")), "zh"),
        SheetColumn("consent", instant(zone)),
        SheetColumn("resident", code),
    )
    return Sheet(FILE, columns, Contact, (("channel", "address"),))


def _address() -> Parser:
    def address(cell: str) -> str:
        if len(cell) > ADDRESS_LENGTH:
            raise ValueError(f"is longer than {ADDRESS_LENGTH} characters")
        return words(cell)

    return address


def import_contacts(conn: Connection, folder: Path, zone: ZoneInfo, now: datetime) -> ContactChanges | None:
    """Bring contacts up to the file of a folder, if it is there; the caller commits.

    The lines of a home replace all that it had. Homes must be in the registry by now.

    Raises:
        UsageError: one line per problem; nothing was written.
    """
    path = folder / FILE
    try:
        content = parse(sheet(zone), path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    if content.absent:
        _keep(content, contact_rows.whole(conn))
    known = registry_rows.known(conn, registry_rows.Codes(set(), set(), content.codes)).homes
    faults = [FileProblem(FILE, *fault) for fault in _faults(content.lines, known)]
    refuse(sorted(content.problems + faults, key=lambda problem: problem.line))
    return contact_rows.replace(conn, content.rows, now)


def _keep(content: Content[Contact], known: Sequence[Contact]) -> None:
    """Let contacts keep what their file has no column for: a consent ends only by an empty cell."""
    held = {(contact.home, contact.channel, contact.address): contact for contact in known}
    for at, (number, contact) in enumerate(content.lines):
        if base := held.get((contact.home, contact.channel, contact.address)):
            kept = {name: getattr(base, name) for name in content.absent}
            content.lines[at] = FileLine(number, contact._replace(**kept))


def _faults(lines: Sequence[FileLine[Contact]], known: set[str]) -> Iterator[tuple[int, str, str]]:
    seen: dict[tuple[str, str | None, str | None], int] = {}
    for number, contact in lines:
        key = (contact.home, contact.channel, contact.address)
        if contact.home not in known:
            yield number, "home", f"{contact.home!r} is not in the registry"
        if (contact.channel is None) != (contact.address is None):
            yield number, "address" if contact.address is None else "channel", "is empty, and its other half is not"
        elif contact.channel and not SHAPES[contact.channel].fullmatch(contact.address or ""):
            yield number, "address", f"does not look like one for the channel {contact.channel}"
        if key in seen:
            yield number, "address", f"stands on line {seen[key]} too"
        seen.setdefault(key, number)


def text(conn: Connection) -> tuple[str, int]:
    """The file with all contacts, and how many there are; importing it changes nothing."""
    contacts = contact_rows.whole(conn)
    return render(sheet(ZoneInfo("UTC")), contacts), len(contacts)

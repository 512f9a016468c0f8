"""contacts.csv: how to reach users. Not part of the registry, and exported only on request."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.registry import Contact
from domain.words.text import Text
from registry import words
from registry.csv_file import Content, FileLine, read, render
from registry.editing import Edit, EditRefused, RecordChanged, parsed, version_of
from registry.known_codes import of_registry
from registry.problems import FileProblem, refuse
from registry.sheets import contacts_sheet
from registry.spelling import person_keys
from registry.tables import PLAINLY, FileReading
from store.registry import contact_rows, registry_rows
from store.registry.contact_rows import ContactChanges, SearchedContact

FILE = "contacts.csv"
ADDRESS_LENGTH = 500
NAME_LENGTH = 100
# Faults never quote addresses: the output of an import may end up in a log.
SHAPES = {
    "email": re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+"),
    "phone": re.compile(r"\+?[0-9][0-9 -]{4,20}"),
    "webhook": re.compile(r"https?://[^\s/]+\S*"),
}


def import_contacts(
    conn: Connection,
    folder: Path,
    zone: ZoneInfo,
    now: datetime,
    reading: FileReading = PLAINLY,
) -> ContactChanges | None:
    """Import the contacts file of a folder, if there is one; the caller commits.

    The lines of a home replace all its contacts. Homes must already be in the registry.

    Raises:
        UsageError: one line per problem; nothing was written.
    """
    content = read(contacts_sheet(zone), folder, of_registry(conn, reading))
    return None if content is None else take(conn, content, now)


def take(conn: Connection, content: Content[Contact], now: datetime) -> ContactChanges:
    """Take the contacts of a file that was read, as `import_contacts` does."""
    if content.absent:
        _keep(content, contact_rows.whole(conn, content.codes))
    known = registry_rows.known(conn, registry_rows.Codes(set(), set(), content.codes)).homes
    faults = [FileProblem(FILE, *fault) for fault in _faults(content.lines, known)]
    refuse([content.placed(problem) for problem in sorted(content.problems + faults, key=lambda problem: problem.line)])
    return contact_rows.replace(conn, [SearchedContact(row, person_keys(row)) for row in content.rows], now)


def of_home(conn: Connection, home: str) -> list[Contact]:
    """Return the contacts of a home; the caller records the look."""
    return contact_rows.of_home(conn, home)


def replace_of_home(conn: Connection, edit: Edit, contacts: Sequence[Mapping[str, str]]) -> ContactChanges:
    """Replace the contacts of a home; the caller commits.

    Args:
        contacts: by column, as a file would have them.
    Raises:
        EditRefused: columns are `contacts.0.address` and the like; nothing was written.
        RecordChanged: nothing was written.
    """
    registry_rows.lock(conn)
    if version_of(of_home(conn, edit.home)) != edit.version:
        raise RecordChanged
    rows, faults = [], []
    for nth, cells in enumerate(contacts):
        try:
            rows.append(FileLine(nth, parsed(contacts_sheet(edit.zone), {**cells, "home": edit.home}, {})))
        except EditRefused as refused:
            faults += [(f"contacts.{nth}.{column}", fault) for column, fault in refused.faults]
    found = list(_faults(rows, {edit.home}, words.ALSO_AT))
    faults += [(f"contacts.{nth}.{column}", fault) for nth, column, fault in found]
    if faults:
        raise EditRefused(faults)
    wanted = [line.row for line in rows] or [Contact(edit.home, None, None, "zh", None)]
    return contact_rows.replace(conn, [SearchedContact(row, person_keys(row)) for row in wanted], edit.now)


def _keep(content: Content[Contact], known: Sequence[Contact]) -> None:
    """Keep values whose column the file lacks: a consent ends only by an empty cell."""
    held = {(contact.home, contact.channel, contact.address): contact for contact in known}
    for at, (number, contact) in enumerate(content.lines):
        if base := held.get((contact.home, contact.channel, contact.address)):
            kept = {name: getattr(base, name) for name in content.absent}
            content.lines[at] = FileLine(number, contact._replace(**kept))


def _faults(
    lines: Sequence[FileLine[Contact]], known: set[str], also: Text = words.ALSO_ON_LINE
) -> Iterator[tuple[int, str, Text]]:
    seen: dict[tuple[str, str | None, str | None], int] = {}
    for number, contact in lines:
        key = (contact.home, contact.channel, contact.address)
        if contact.home not in known:
            yield number, "home", words.UNKNOWN_CODE.fill(given=contact.home)
        if (contact.channel is None) != (contact.address is None):
            yield (
                number,
                "address" if contact.address is None else "channel",
                words.HALF_EMPTY,
            )
        elif contact.address and len(contact.address) > ADDRESS_LENGTH:
            yield number, "address", words.TOO_LONG.fill(most=ADDRESS_LENGTH)
        elif contact.channel and not SHAPES[contact.channel].fullmatch(contact.address or ""):
            yield number, "address", words.NO_ADDRESS.fill(channel=contact.channel)
        if contact.name and len(contact.name) > NAME_LENGTH:
            yield number, "name", words.TOO_LONG.fill(most=NAME_LENGTH)
        if key in seen:
            yield number, "address", also.fill(line=seen[key])
        seen.setdefault(key, number)


def text(conn: Connection) -> tuple[str, int]:
    """Return the file with all contacts, and their number; importing it changes nothing."""
    contacts = contact_rows.whole(conn)
    return render(contacts_sheet(ZoneInfo("UTC")), contacts), len(contacts)

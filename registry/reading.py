"""`python -m registry.reading`: a process of its own that reads one table file, which may be hostile, and ends.

It has no connection, no secret, and no more memory and time than it gives itself. The file comes on stdin, its typed
lines leave on stdout, both as MessagePack.
"""

import io
import resource
import sys
import zipfile
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePath
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from domain.measurement import PlanLine
from domain.registry import (
    Contact,
    RegisteredBuilding,
    RegisteredHome,
    RegisteredSensor,
    RegisteredSubstation,
    Resident,
)
from domain.words.text import Text
from registry import words
from registry.csv_file import Content, parse_file
from registry.headers import TITLE_LINES, find_header
from registry.problems import FileProblem, UnreadableFile
from registry.sheets import Sheet, contacts_sheet, plan_sheet, residents_sheet, sheets
from registry.synonyms import FILES
from registry.tables import ZIP, FileReading, table
from registry.workbook import FAULTS

MOST_MEMORY = 1 << 30  # bytes of address space, the interpreter included
MOST_CPU_S = 20
MOST_UNPACKED = 100_000_000  # bytes of all parts of a workbook
MOST_LINES = 200_000
MOST_PROBLEMS = 200  # of a sheet; the rest is counted
SAMPLE_BYTES = 1 << 16  # in which a header is looked for


class TableFile(NamedTuple):
    """A file that was sent: its name, its bytes, and what its sender says of it; empty: nothing.

    `sheet` is what it holds. `known`: codes of the registry that stay as they are written.
    """

    name: str
    content: bytes
    sheet: str
    encoding: str
    zone: str
    known: list[str]


@dataclass
class SentTables:
    """The tables of a file, by sheet. `understood`: how each was read. `left_out`: the number of problems not told."""

    substations: Content[RegisteredSubstation] | None = None
    buildings: Content[RegisteredBuilding] | None = None
    homes: Content[RegisteredHome] | None = None
    sensors: Content[RegisteredSensor] | None = None
    residents: Content[Resident] | None = None
    contacts: Content[Contact] | None = None
    plan: Content[PlanLine] | None = None
    understood: dict[str, Text] = field(default_factory=dict)
    problems: list[FileProblem] = field(default_factory=list)
    left_out: int = 0

    def all(self) -> list[Content[Any]]:
        """Return the tables that are there."""
        every = (self.substations, self.buildings, self.homes, self.sensors, self.residents, self.contacts, self.plan)
        return [one for one in every if one is not None]


Every = dict[str, Sheet[Any]]


def every_sheet(zone: ZoneInfo) -> Every:
    """Return all that a file may hold, in the order in which they refer to each other."""
    people = {"residents": residents_sheet(zone), "contacts": contacts_sheet(zone)}
    return {**sheets(zone)._asdict(), **people, "plan": plan_sheet("plan.csv", zone)}


def read(sent: TableFile) -> SentTables:
    """Read a file in this process."""
    found = SentTables()
    every = every_sheet(ZoneInfo(sent.zone))
    reading = FileReading(sent.encoding or None, frozenset(sent.known), understood=found.understood.__setitem__)
    try:
        held = _held(every, sent, reading)
    except UnreadableFile as fault:
        held, found.problems = {}, [fault.problem]
    for kind, content in held.items():
        setattr(found, kind, content)
    if sum(len(one.lines) for one in found.all()) > MOST_LINES:
        found.problems.append(FileProblem(sent.name, MOST_LINES, "", words.TOO_LARGE))
    for one in found.all():
        found.left_out += len(one.problems[MOST_PROBLEMS:])
        del one.problems[MOST_PROBLEMS:]
    return found


def _held(every: Every, sent: TableFile, reading: FileReading) -> dict[str, Content[Any]]:
    """Read what a file holds: what its sender says, or its worksheets by name, or its name says, or its header.

    Raises:
        UnreadableFile: it cannot be seen.
    """
    is_book = sent.content.startswith(ZIP)
    if is_book and _unpacked_bytes(sent.content) > MOST_UNPACKED:
        raise UnreadableFile(FileProblem(sent.name, 1, "", words.TOO_LARGE))
    if not sent.sheet and is_book:
        named = {
            kind: parse_file(sheet, sent.name, sent.content, reading, alone=False) for kind, sheet in every.items()
        }
        held = {kind: content for kind, content in named.items() if content is not None}
        if unread := next((one for one in held.values() if not one.readable and not one.written), None):
            raise UnreadableFile(unread.problems[0])
        if held:
            return held
    stem = PurePath(sent.name).stem.casefold()
    by_name = next((kind for kind in every if stem in (kind, *FILES.get(kind, ()))), "")
    kind = sent.sheet or by_name or _by_header(every, sent, reading)
    content = parse_file(every[kind], sent.name, sent.content, reading)
    return {kind: content} if content else {}


def _unpacked_bytes(data: bytes) -> int:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            return sum(part.file_size for part in parts.infolist())
    except FAULTS:
        return 0  # what is wrong with it is said by its reader


def _by_header(every: Every, sent: TableFile, reading: FileReading) -> str:
    data = sent.content
    if not data.startswith(ZIP) and b"\0" not in data[:SAMPLE_BYTES] and len(data) > SAMPLE_BYTES:
        data = data[:SAMPLE_BYTES].rpartition(b"\n")[0] + b"\n"
    fitting = []
    for kind, sheet in every.items():
        opened = table(sheet, sent.name, data, reading)
        first = list(islice(opened.records, TITLE_LINES)) if opened else []
        if first and not find_header(sheet, first).faults:
            fitting.append(kind)
    if len(fitting) != 1:
        fault = words.HOLDS_NO_TABLE.fill(names=", ".join(every))
        raise UnreadableFile(FileProblem(sent.name, 1, "", fault))
    return fitting[0]


def main() -> int:
    """Read the file on stdin within the limits."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sent = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=TableFile)
    try:
        told = msgspec.msgpack.encode(read(sent))
    except MemoryError:
        told = msgspec.msgpack.encode(SentTables(problems=[FileProblem(sent.name, 1, "", words.TOO_LARGE)]))
    sys.stdout.buffer.write(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())

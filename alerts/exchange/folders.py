"""A peer by files: what it is to hear goes into `out` of its folder, and what it says is read from `in`.

A file appears whole: it is written beside its place and renamed. What was read is moved to `done`, or to `refused` with
the reason beside it; a file that is read twice counts once, as each of its lines has a number.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog
from psycopg import Connection

from alerts.exchange.incoming import MessageChanged, PeerMessage, PeerUnknown, take
from alerts.exchange.peer_channel import parts
from alerts.exchange.peers_file import Peer
from domain.exchange.bodies import NotKnownThere, request
from domain.notices import NotSent, SendFault
from domain.policy import Policy
from domain.spreadsheets import harmless
from store.base.away import is_away
from store.base.halves import kind_of

if TYPE_CHECKING:
    from alerts.notices.channel import Outgoing

MOST_FILES = 100  # in one round
MOST_BYTES = 4_000_000  # of a file
MOST_LINES = 2_000
log = structlog.get_logger()


class _Refused(Exception):
    """A file that cannot be read; says why."""


@dataclass(frozen=True)
class FolderChannel:
    """A peer with a folder."""

    peer: Peer
    zone: ZoneInfo

    def send(self, message: "Outgoing", _timeout_s: float) -> None:
        """Write a file for an event; the same name at every attempt.

        Raises:
            NotSent: it cannot be written.
        """
        facts, rules = parts(self.peer, self.zone, message)
        try:
            made = request(rules, facts, message.case.theirs, str(message.key), is_first=message.case.is_first)
        except NotKnownThere as error:
            raise NotSent(SendFault.REFUSED, f"the peer has not said its {error}", permanent=True) from None
        body = made.body if self.peer.format == "json" else as_csv(json.loads(made.body))
        assert self.peer.folder is not None
        name = f"{facts['number']}-{facts['seq']:08}-{message.key}.{self.peer.format}"
        try:
            write_whole(self.peer.folder / "out", name, body)
        except OSError as error:
            raise NotSent(SendFault.UNREACHABLE, type(error).__name__) from None


def write_whole(folder: Path, name: str, body: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    folder.mkdir(exist_ok=True)
    beside = folder / f".{name}"
    with beside.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(folder / name)


def as_csv(body: Mapping[str, Any]) -> bytes:
    """Return a body as a table of one line, in UTF-8 with its mark; inner fields have paths for names."""
    cells = dict(_flat(body))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(cells)
    writer.writerow([harmless(str(value)) for value in cells.values()])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _flat(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", inner


def read_folders(conn: Connection, policy: Policy, peers: Mapping[str, Peer], now: datetime) -> bool:
    """Read what lies in the folders of peers; True: there may be more. The connection is in autocommit mode."""
    return any([_tried(conn, policy, peer, now) for peer in peers.values() if peer.folder])


def _tried(conn: Connection, policy: Policy, peer: Peer, now: datetime) -> bool:
    """Read the folder of a peer; one that cannot be read or written keeps no other waiting."""
    try:
        return _read(conn, policy, peer, now)
    except Exception as error:
        if is_away(error) or conn.closed:
            raise
        log.error("folder of a peer", peer=peer.name, error=kind_of(error))
        return False


def _read(conn: Connection, policy: Policy, peer: Peer, now: datetime) -> bool:
    assert peer.folder is not None
    place = peer.folder / "in"
    if not place.is_dir():
        return False
    names = sorted(one.name for one in place.iterdir() if one.suffix in (".json", ".csv") and one.name[0] != ".")
    for name in names[:MOST_FILES]:
        try:
            refusals = _take(conn, policy, peer, place / name, now)
        except PeerUnknown:
            return False  # the files stay until it is known
        except _Refused as error:
            refusals = [str(error)]
        _move(peer.folder, name, refusals)
    return len(names) > MOST_FILES


def _take(conn: Connection, policy: Policy, peer: Peer, file: Path, now: datetime) -> list[str]:
    """Take the lines of a file, each in a transaction of its own; returns what was refused."""
    refusals = []
    version = peer.mapping.at(now.astimezone(policy.zone).date())
    is_wrapped = version is not None and version.incoming is not None and version.incoming.envelope == "cloudevents"
    for nth, line in enumerate(lines_of(file), 1):
        value = _event(peer, line) if is_wrapped else line
        body = json.dumps(value, sort_keys=True).encode()
        message = PeerMessage(f"file {hashlib.sha256(body).hexdigest()}", body, value)
        try:
            with conn.transaction():
                taken = take(conn, policy, peer, message, now)
        except MessageChanged:
            continue
        if taken.reason is not None:
            refusals.append(f"{nth}: {taken.reason}")
    return refusals


def _event(peer: Peer, line: Any) -> Any:
    """Return a line as an event: a table, and a file made by hand, has what is said without its envelope."""
    if not isinstance(line, Mapping) or "specversion" in line:
        return line
    return {"specversion": "1.0", "id": "file", "source": f"/{peer.name}", "type": "file", "data": line}


def lines_of(file: Path) -> list[Any]:
    """Return what a file holds: an object, a list of objects, or the lines of a table by their columns."""
    try:
        if file.is_symlink() or not file.is_file():
            raise _Refused("it is no file")
        if file.stat().st_size > MOST_BYTES:
            raise _Refused(f"it is longer than {MOST_BYTES} bytes")
        text = file.read_text(encoding="utf-8-sig")
        found = _table(text) if file.suffix == ".csv" else json.loads(text)
    except (ValueError, RecursionError, OSError, csv.Error) as error:
        raise _Refused(f"it cannot be read: {type(error).__name__}") from None
    lines = found if isinstance(found, list) else [found]
    if len(lines) > MOST_LINES:
        raise _Refused(f"it has more than {MOST_LINES} lines")
    return lines


def _table(text: str) -> list[dict[str, Any]]:
    """Read a table; a column is a path into the object that its line makes, and cells beyond the columns are none."""
    return [_nested(line) for line in csv.DictReader(io.StringIO(text), restkey="")]


def _nested(line: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for column, cell in line.items():
        *way, last = column.split(".")
        place = made
        for step in way:
            inner = place.get(step)
            if not isinstance(inner, dict):
                inner = place[step] = {}
            place = inner
        place[last] = cell
    return made


def _move(folder: Path, name: str, refusals: list[str]) -> None:
    to = folder / ("refused" if refusals else "done")
    to.mkdir(exist_ok=True)
    file = Path(name)
    numbered = (f"{file.stem}.{nth}{file.suffix}" for nth in count(2))
    there = next(to / one for one in chain([name], numbered) if not (to / one).exists())
    (folder / "in" / name).rename(there)
    if refusals:
        write_whole(to, f"{there.name}.txt", "\n".join(refusals).encode() + b"\n")

"""Files of tickets in a dossier: each under `files/`, and all in files.json with the hashes that their events tell."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from psycopg import Connection

from domain.files import MediaType
from papers.dossier.bundle import DossierWriter
from papers.dossier.lines import DossierAudience
from store.tickets.file_contents import FileMissing, FileStore
from store.tickets.file_rows import TicketFileRow

# What is beyond is listed with its hashes, and not inside.
MOST_INSIDE = 500
MOST_INSIDE_BYTES = 512 << 20


def listed(
    rows: Sequence[TicketFileRow], numbers: Mapping[int, str], view: DossierAudience
) -> list[tuple[TicketFileRow, dict[str, Any]]]:
    """Return files with what files.json tells of them; `name` is where it is in the dossier, null if it is not."""
    told, inside, size = list[tuple[TicketFileRow, dict[str, Any]]](), 0, 0
    for row in rows:
        fits = inside < MOST_INSIDE and size + row.size <= MOST_INSIDE_BYTES
        inside, size = inside + fits, size + row.size * fits
        told.append((row, _told(row, numbers[row.ticket_id], fits, view)))
    return told


def _told(row: TicketFileRow, number: str, fits: bool, view: DossierAudience) -> dict[str, Any]:
    name = f"files/{number}-{row.file_id}.{MediaType(row.media_type).suffix}"
    by = "user" if row.by_user else "staff"
    return {
        "ticket": number,
        "file": row.file_id,
        "name": name if fits else None,
        "kind": row.kind,
        "for_user": row.for_user,
        "media_type": row.media_type,
        "size": row.size,
        "sha256": row.digest,
        "original_size": row.original_size,
        "original_sha256": row.original,
        "at": row.at,
        "actor": row.actor if view is DossierAudience.STAFF else by,
    }


def add(bundle: DossierWriter, conn: Connection, store: FileStore, name: str, digest: bytes) -> None:
    """Write the bytes of a file.

    Raises:
        FileMissing: they cannot be read.
    """
    bundle.add(name, _blocks(conn, store, digest), packed=False)


def _blocks(conn: Connection, store: FileStore, digest: bytes) -> Iterator[bytes]:
    try:
        yield from store.blocks(conn, digest)
    except OSError as error:
        raise FileMissing(digest.hex()) from error

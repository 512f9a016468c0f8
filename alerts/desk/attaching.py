"""Attaching a file to a ticket: its row, its bytes, and the event that tells their hashes, in one transaction."""

from datetime import datetime

from psycopg import Connection

from alerts.desk.late_moves import kept_data
from alerts.tickets.work import record
from domain.files import DAY, MOST_DAY_BYTES, MOST_FILES, MOST_TICKET_BYTES, NewAttachment
from domain.move_times import MADE_AT
from domain.policy import Policy
from domain.tickets import EventKind, MoveRefused, NewEvent, TicketClass, TicketState
from store.notices import outbox
from store.tickets import file_rows, ticket_rows
from store.tickets.file_contents import FileStore
from store.tickets.file_rows import TicketFileRow
from store.tickets.ticket_rows import TicketRow

CASES = (TicketClass.COMPLAINT, TicketClass.REPORT)


class NoRoom(Exception):
    """A ticket has as many files, or as many bytes of them, as it may."""


class SentTooMuch(Exception):
    """A sender has sent as much within a day as one may."""


class AttachedBefore(Exception):
    """The same file is there, and the sender may not see it."""


def attach(
    conn: Connection, policy: Policy, store: FileStore, wanted: NewAttachment, now: datetime, actor: str
) -> tuple[TicketFileRow, bool]:
    """Attach a file to a ticket; return it, and whether it is new. The caller owns the transaction.

    Raises:
        MoveRefused: the ticket takes no files, or none by its user any more.
        NoRoom, SentTooMuch, AttachedBefore: nothing was changed.
        NotMadeThen: the time at which it was made is out of bounds.
        OSError: the store cannot be reached.
    """
    rows = ticket_rows.lock(conn, [wanted.ticket_id])
    _check_ticket(rows[wanted.ticket_id], wanted)
    if found := file_rows.same(conn, wanted):
        return found, False
    _check_room(conn, wanted, now, actor)
    number = file_rows.insert(conn, wanted, now, actor)
    made = file_rows.file(conn, wanted.ticket_id, number, for_user=wanted.for_user) if number else None
    if made is None:
        raise AttachedBefore
    for content in (wanted.file.content, wanted.file.thumbnail):
        if content is not None:
            store.keep(conn, content)
    told = kept_data(conn, rows[wanted.ticket_id], EventKind.ATTACHED, _told(made, wanted.made_at), now)
    event = NewEvent(wanted.ticket_id, EventKind.ATTACHED, told)
    outbox.put(conn, record(conn, policy, rows, [event], now, actor), now)
    return made, True


def _check_ticket(row: TicketRow, wanted: NewAttachment) -> None:
    reason = None
    if row.ticket_class in CASES:
        reason = "who has complained is kept apart: a file would tell"
    elif wanted.by_user and row.state == TicketState.CLOSED:
        reason = "it is closed: report it once more"
    if reason:
        raise MoveRefused(row.number, row.state, EventKind.ATTACHED, reason)


def _check_room(conn: Connection, wanted: NewAttachment, now: datetime, actor: str) -> None:
    files, size = file_rows.room(conn, wanted.ticket_id)
    if files >= MOST_FILES or size + len(wanted.file.content) > MOST_TICKET_BYTES:
        raise NoRoom
    if file_rows.sent(conn, actor, now - DAY) + wanted.file.original_size > MOST_DAY_BYTES:
        raise SentTooMuch


def _told(file: TicketFileRow, made_at: datetime | None) -> dict[str, object]:
    made = {MADE_AT: made_at.isoformat()} if made_at else {}
    return {
        **made,
        "file": file.file_id,
        "kind": file.kind,
        "for_user": file.for_user,
        "by_user": file.by_user,
        "media_type": file.media_type,
        "size": file.size,
        "sha256": file.digest.hex(),
        "original_sha256": file.original.hex(),
    }

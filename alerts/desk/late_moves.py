"""Moves that are recorded after they were made: by a phone that had no network, or told by telephone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection

from domain.move_times import MADE_AT, recorded_time
from domain.tickets import UNDOING, EventKind, MoveRefused, changes_course
from store.tickets import ticket_rows
from store.tickets.ticket_rows import TicketRow


def kept_data(
    conn: Connection, row: TicketRow, kind: EventKind, data: Mapping[str, Any], now: datetime
) -> Mapping[str, Any]:
    """Return the data of a move on a locked ticket; the time at which it was made, if it says one, as it is kept.

    Raises:
        NotMadeThen: the time is out of bounds.
        MoveRefused: the work was undone since, so the move is not about the work that is to be done now.
    """
    if MADE_AT not in data:
        return data
    made_at = recorded_time(datetime.fromisoformat(data[MADE_AT]), row.opened_at, now)
    if changes_course(kind) and ticket_rows.happened_since(conn, row.ticket_id, UNDOING, made_at):
        raise MoveRefused(row.number, row.state, kind, "the work was undone after that")
    return {**data, MADE_AT: made_at.isoformat()}


def is_outdated(conn: Connection, row: TicketRow, data: Mapping[str, Any]) -> bool:
    """Return whether the work was done after a user has said something, which is recorded only now."""
    if MADE_AT not in data:
        return False
    return ticket_rows.happened_since(conn, row.ticket_id, {EventKind.DONE}, datetime.fromisoformat(data[MADE_AT]))

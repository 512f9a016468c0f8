"""Public numbers without gaps: a rollback returns the numbers that its transaction took.

Taking numbers locks their kind until the transaction ends. Take them last, so that a transaction that holds numbers
never waits for a home or a ticket.
"""

from enum import StrEnum

from psycopg import Connection

TAKE = "SELECT take_numbers(%(kind)s, %(many)s)"


class NumberKind(StrEnum):
    """Kinds of numbered objects. Stored in `numbering.kind`."""

    TICKET = "ticket"
    FLAG = "flag"
    INCIDENT = "incident"
    OUTAGE = "outage"
    MEASUREMENT = "measurement"
    HEAT_NOTICE = "heat_notice"


def ticket_number(ticket_id: int) -> str:
    """Return the number by which people know a ticket, as the column `ticket.number` has it."""
    return f"T{ticket_id:08}"


def take(conn: Connection, kind: NumberKind, many: int) -> range:
    """Take consecutive numbers."""
    return _numbers(conn, kind, many) if many else range(0)


def give_back(conn: Connection, kind: NumberKind, many: int) -> None:
    """Return unused numbers, the last ones that this transaction took."""
    if many:
        _numbers(conn, kind, -many)


def _numbers(conn: Connection, kind: NumberKind, many: int) -> range:
    row = conn.execute(TAKE, {"kind": kind.value, "many": many}).fetchone()
    assert row is not None
    return range(row[0], row[0] + many)

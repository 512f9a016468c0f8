"""Numbers that people see, without gaps: what is rolled back has taken none.

Whoever has taken some keeps others from taking of the same kind until the transaction is over. So they are taken last:
nobody who has some waits for a home or a ticket.
"""

from enum import StrEnum

from psycopg import Connection

TAKE = "SELECT take_numbers(%(kind)s, %(many)s)"


class NumberKind(StrEnum):
    """What is numbered. Stored in `numbering.kind`."""

    TICKET = "ticket"
    FLAG = "flag"
    INCIDENT = "incident"
    OUTAGE = "outage"
    MEASUREMENT = "measurement"


def take(conn: Connection, kind: NumberKind, many: int) -> range:
    """Take so many numbers that follow each other."""
    return _numbers(conn, kind, many) if many else range(0)


def give_back(conn: Connection, kind: NumberKind, many: int) -> None:
    """Give the last numbers back that this transaction has taken and not used."""
    if many:
        _numbers(conn, kind, -many)


def _numbers(conn: Connection, kind: NumberKind, many: int) -> range:
    row = conn.execute(TAKE, {"kind": kind.value, "many": many}).fetchone()
    assert row is not None
    return range(row[0], row[0] + many)

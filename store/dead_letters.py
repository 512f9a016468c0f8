"""Messages that could not be stored, with the reason."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection

COPY = "COPY dead_letter (received_at, topic, payload, payload_bytes, reason, detail) FROM STDIN"


class DeadLetter(NamedTuple):
    """One letter; `payload` may be cut, `payload_bytes` is the size as received."""

    received_at: datetime
    topic: str
    payload: bytes
    payload_bytes: int
    reason: str
    detail: str


def insert(conn: Connection, letters: Sequence[DeadLetter]) -> None:
    """Store letters in order."""
    with conn.cursor() as cur, cur.copy(COPY) as copy:
        for letter in letters:
            copy.write_row(letter)

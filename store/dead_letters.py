"""Messages that could not be stored, with the reason: kept, found again, and in the end forgotten."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

COPY = "COPY dead_letter (received_at, topic, payload, payload_bytes, reason, detail) FROM STDIN"

# A letter is of a sensor if its topic has the code as a level, or its payload has it in quotes.
_WANTED: LiteralString = """
  replayed_at IS NULL
  AND (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
  AND (%(ids)s::bigint[] IS NULL OR dead_letter_id = ANY (%(ids)s))
  AND (
    %(sensor)s::text IS NULL OR %(sensor)s = ANY (string_to_array(topic, '/'))
    OR position(convert_to(to_json(%(sensor)s::text)::text, 'UTF8') IN payload) > 0
  )
"""
_COLUMNS: LiteralString = "dead_letter_id, received_at, topic, payload, payload_bytes, reason, detail"
SELECT_NEWEST = f"SELECT {_COLUMNS} FROM dead_letter WHERE {_WANTED} ORDER BY dead_letter_id DESC LIMIT %(most)s"
COUNT_WAITING = f"SELECT count(*) FROM dead_letter WHERE {_WANTED}"
SELECT_LAST = "SELECT coalesce(max(dead_letter_id), 0) FROM dead_letter"
# Skipped: letters that somebody else replays at this moment.
TAKE = f"""
SELECT {_COLUMNS} FROM dead_letter
WHERE {_WANTED} AND dead_letter_id > %(after)s AND dead_letter_id <= %(last)s
ORDER BY dead_letter_id
LIMIT %(most)s
FOR UPDATE SKIP LOCKED
"""
MARK = "UPDATE dead_letter SET replayed_at = %(now)s WHERE dead_letter_id = ANY (%(ids)s)"
REFRESH = """
UPDATE dead_letter AS d SET reason = x.reason, detail = x.detail
FROM unnest(%(ids)s::bigint[], %(reasons)s::text[], %(details)s::text[]) AS x (dead_letter_id, reason, detail)
WHERE d.dead_letter_id = x.dead_letter_id
"""
PURGE = """
DELETE FROM dead_letter WHERE dead_letter_id IN (
  SELECT dead_letter_id FROM dead_letter
  WHERE received_at < %(before)s
  ORDER BY received_at
  LIMIT %(most)s
  FOR UPDATE SKIP LOCKED
)
"""


class DeadLetter(NamedTuple):
    """One letter; `payload` may be cut, `payload_bytes` is the size as received."""

    received_at: datetime
    topic: str
    payload: bytes
    payload_bytes: int
    reason: str
    detail: str


@dataclass(frozen=True)
class Waiting:
    """A letter that has not been replayed."""

    dead_letter_id: int
    received_at: datetime
    topic: str
    payload: bytes
    payload_bytes: int
    reason: str
    detail: str

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning of the message was kept."""
        return len(self.payload) < self.payload_bytes


class Refusal(NamedTuple):
    """Why a letter still cannot be stored."""

    dead_letter_id: int
    reason: str
    detail: str


@dataclass(frozen=True)
class Wanted:
    """Which of the waiting letters are meant; None: whatever they are."""

    reason: str | None = None
    since: datetime | None = None
    sensor: str | None = None
    ids: list[int] | None = None


def insert(conn: Connection, letters: Sequence[DeadLetter]) -> None:
    """Store letters in order."""
    with conn.cursor() as cur, cur.copy(COPY) as copy:
        for letter in letters:
            copy.write_row(letter)


def newest(conn: Connection, wanted: Wanted, most: int) -> list[Waiting]:
    """Waiting letters, the newest first."""
    with conn.cursor(row_factory=class_row(Waiting)) as cur:
        return cur.execute(SELECT_NEWEST, {**asdict(wanted), "most": most}).fetchall()


def waiting(conn: Connection, wanted: Wanted) -> int:
    """How many letters wait."""
    return _number(conn, COUNT_WAITING, wanted)


def last(conn: Connection) -> int:
    """The id of the latest letter there is; 0: there is none."""
    return _number(conn, SELECT_LAST, Wanted())


def take(conn: Connection, wanted: Wanted, after: int, last: int, most: int) -> list[Waiting]:
    """Lock waiting letters with ids above `after` up to `last`, in order, until the transaction ends."""
    span = {"after": after, "last": last, "most": most}
    with conn.cursor(row_factory=class_row(Waiting)) as cur:
        return cur.execute(TAKE, {**asdict(wanted), **span}).fetchall()


def mark_replayed(conn: Connection, ids: Sequence[int], now: datetime) -> None:
    """These letters are stored: they wait no longer."""
    conn.execute(MARK, {"ids": list(ids), "now": now})


def refresh(conn: Connection, refusals: Sequence[Refusal]) -> None:
    """Note why these letters go on waiting."""
    names = ("ids", "reasons", "details")
    conn.execute(REFRESH, dict(zip(names, map(list, zip(*refusals, strict=True)), strict=True)))


def purge(conn: Connection, before: datetime, most: int) -> int:
    """Delete up to `most` letters received before an instant, replayed or not, the oldest first; how many it were."""
    return conn.execute(PURGE, {"before": before, "most": most}).rowcount


def _number(conn: Connection, statement: LiteralString, wanted: Wanted) -> int:
    row = conn.execute(statement, asdict(wanted)).fetchone()
    return int(row[0]) if row else 0

"""Dead letters: messages that could not be stored, with the reason; listed, replayed, and eventually purged."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

COPY = """
COPY dead_letter (received_at, topic, payload, payload_bytes, reason, detail, faults, reasons) FROM STDIN
"""

# A letter belongs to a sensor if its topic has the code as a level, or its payload contains it in quotes.
_WANTED: LiteralString = """
  replayed_at IS NULL
  AND (%(reason)s::text IS NULL OR reasons ? %(reason)s)
  AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
  AND (%(ids)s::bigint[] IS NULL OR dead_letter_id = ANY (%(ids)s))
  AND (
    %(sensor)s::text IS NULL OR %(sensor)s = ANY (string_to_array(topic, '/'))
    OR position(convert_to(to_json(%(sensor)s::text)::text, 'UTF8') IN payload) > 0
  )
"""
_COLUMNS: LiteralString = "dead_letter_id, received_at, topic, payload, payload_bytes, faults, reasons"
SELECT_NEWEST = f"SELECT {_COLUMNS} FROM dead_letter WHERE {_WANTED} ORDER BY dead_letter_id DESC LIMIT %(most)s"
COUNT_WAITING = f"SELECT count(*) FROM dead_letter WHERE {_WANTED}"
SELECT_LAST = "SELECT coalesce(max(dead_letter_id), 0) FROM dead_letter"
# SKIP LOCKED: letters that another replay is processing.
TAKE = f"""
SELECT {_COLUMNS} FROM dead_letter
WHERE {_WANTED} AND dead_letter_id > %(after)s AND dead_letter_id <= %(last)s
ORDER BY dead_letter_id
LIMIT %(most)s
FOR UPDATE SKIP LOCKED
"""
MARK = "UPDATE dead_letter SET replayed_at = %(now)s WHERE dead_letter_id = ANY (%(ids)s)"
REFRESH = """
UPDATE dead_letter AS d SET reason = x.reason, detail = x.detail, faults = x.faults, reasons = x.reasons
FROM unnest(%(ids)s::bigint[], %(reason)s::text[], %(detail)s::text[], %(faults)s::jsonb[], %(reasons)s::jsonb[])
  AS x (dead_letter_id, reason, detail, faults, reasons)
WHERE d.dead_letter_id = x.dead_letter_id
"""
SELECT_HEALTH = "SELECT waiting, bytes, dropped, dropped_faults, dropped_bytes, dropped_at FROM dead_letter_health"
SELECT_BYTES = "SELECT coalesce(sum(bytes), 0) FROM dead_letter"
# The letters that make up the excess bytes: replayed ones first, then the oldest.
TRIM = """
WITH first AS (
  SELECT dead_letter_id, bytes, replayed_at IS NULL AS waits FROM dead_letter
  ORDER BY replayed_at IS NULL, dead_letter_id
  LIMIT %(most)s
  FOR UPDATE SKIP LOCKED
), chosen AS (
  SELECT dead_letter_id, sum(bytes) OVER (ORDER BY waits, dead_letter_id) - bytes AS before FROM first
), gone AS (
  DELETE FROM dead_letter WHERE dead_letter_id IN (SELECT dead_letter_id FROM chosen WHERE before < %(excess)s)
  RETURNING
    replayed_at IS NULL AS waits, bytes, (SELECT sum(v::bigint) FROM jsonb_each_text(reasons) AS r (k, v)) AS faults
), noted AS (
  UPDATE dead_letter_dropped AS d
  SET letters = d.letters + s.letters, faults = d.faults + s.faults, bytes = d.bytes + s.bytes, last_at = %(now)s
  FROM (SELECT count(*) AS letters, sum(faults) AS faults, sum(bytes) AS bytes FROM gone WHERE waits) AS s
  WHERE s.letters > 0
)
SELECT count(*) FROM gone
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


class LetterFault(NamedTuple):
    """One fault in a message."""

    reason: str
    detail: str
    sensor: str | None = None  # code of the sensor, if known
    at: int | None = None  # index of the element in the message, from 0


class DeadLetter(NamedTuple):
    """A dead letter; `payload` may be truncated, `payload_bytes` is the size as received."""

    received_at: datetime
    topic: str
    payload: bytes
    payload_bytes: int
    faults: Sequence[LetterFault]  # the first of them, at least one
    reasons: Mapping[str, int]  # all of them


@dataclass(frozen=True)
class WaitingLetter:
    """A dead letter that has not been replayed."""

    dead_letter_id: int
    received_at: datetime
    topic: str
    payload: bytes
    payload_bytes: int
    faults: list[dict[str, Any]]  # the first of them, as in `Fault`
    reasons: dict[str, int]  # all of them

    @property
    def is_cut(self) -> bool:
        """True if the stored payload is truncated."""
        return len(self.payload) < self.payload_bytes


class ReplayRefusal(NamedTuple):
    """Reasons why a letter could not be stored on replay."""

    dead_letter_id: int
    faults: Sequence[LetterFault]
    reasons: Mapping[str, int]


@dataclass(frozen=True)
class LetterFilter:
    """Filter for waiting letters; None: any."""

    reason: str | None = None
    since: datetime | None = None
    sensor: str | None = None
    ids: list[int] | None = None


@dataclass(frozen=True)
class Health:
    """Count and size of waiting letters, and the count dropped for lack of space."""

    waiting: int
    bytes: int
    dropped: int
    dropped_faults: int
    dropped_bytes: int
    dropped_at: datetime | None


def insert(conn: Connection, letters: Sequence[DeadLetter]) -> None:
    """Store letters in order."""
    with conn.cursor() as cur, cur.copy(COPY) as copy:
        for letter in letters:
            at, topic, *said = letter[:4]
            copy.write_row((at, _clean(topic), *said, *_why(letter.faults, letter.reasons)))


def newest(conn: Connection, wanted: LetterFilter, most: int) -> list[WaitingLetter]:
    """Return waiting letters, newest first."""
    with conn.cursor(row_factory=class_row(WaitingLetter)) as cur:
        return cur.execute(SELECT_NEWEST, {**asdict(wanted), "most": most}).fetchall()


def waiting(conn: Connection, wanted: LetterFilter) -> int:
    """Count the waiting letters."""
    return _number(conn, COUNT_WAITING, wanted)


def last(conn: Connection) -> int:
    """Return the highest letter id; 0: none."""
    return _number(conn, SELECT_LAST, LetterFilter())


def take(conn: Connection, wanted: LetterFilter, after: int, last: int, most: int) -> list[WaitingLetter]:
    """Lock waiting letters with ids in (after, last], in order, until the transaction ends."""
    span = {"after": after, "last": last, "most": most}
    with conn.cursor(row_factory=class_row(WaitingLetter)) as cur:
        return cur.execute(TAKE, {**asdict(wanted), **span}).fetchall()


def mark_replayed(conn: Connection, ids: Sequence[int], now: datetime) -> None:
    """Mark letters as replayed."""
    conn.execute(MARK, {"ids": list(ids), "now": now})


def refresh(conn: Connection, refusals: Sequence[ReplayRefusal]) -> None:
    """Record why letters could not be stored."""
    rows = [(refusal.dead_letter_id, *_why(refusal.faults, refusal.reasons)) for refusal in refusals]
    names = ("ids", "reason", "detail", "faults", "reasons")
    conn.execute(REFRESH, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def purge(conn: Connection, before: datetime, most: int) -> int:
    """Delete up to `most` letters received before an instant, replayed or not, oldest first; returns the count."""
    return conn.execute(PURGE, {"before": before, "most": most}).rowcount


def trim(conn: Connection, most_bytes: int, now: datetime, most: int) -> int:
    """Delete up to `most` letters until the rest take at most `most_bytes`; returns the count.

    Letters that were still waiting are counted as dropped.
    """
    (row,) = conn.execute(SELECT_BYTES)
    if row[0] <= most_bytes:
        return 0
    (row,) = conn.execute(TRIM, {"excess": row[0] - most_bytes, "now": now, "most": most})
    return int(row[0])


def health(conn: Connection) -> Health:
    """Return count and size of letters."""
    with conn.cursor(row_factory=class_row(Health)) as cur:
        (found,) = cur.execute(SELECT_HEALTH)
        return found


def _why(faults: Sequence[LetterFault], reasons: Mapping[str, int]) -> tuple[str, str, str, str]:
    """Return the columns reason, detail, faults and reasons."""
    listed = [{name: _clean(v) for name, v in fault._asdict().items() if v is not None} for fault in faults]
    return faults[0].reason, _clean(faults[0].detail), json.dumps(listed, ensure_ascii=False), json.dumps(reasons)


def _clean(value: Any) -> Any:
    """Replace what no text of PostgreSQL holds: NUL, halves of characters. A letter that is refused stops a worker."""
    if not isinstance(value, str):
        return value
    return value.encode(errors="replace").decode().replace("\0", "␀")


def _number(conn: Connection, statement: LiteralString, wanted: LetterFilter) -> int:
    row = conn.execute(statement, asdict(wanted)).fetchone()
    return int(row[0]) if row else 0

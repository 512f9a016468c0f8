"""Counters of ingest, updated in the transaction that stores the batch."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg import Connection

ADD = """
INSERT INTO ingest_worker AS w (
  worker, batches, messages, stored, duplicates, conflicts, late, retained, not_a_reading, last_batch_at,
  batch_messages, queue_messages, last_measured_at, last_received_at, measured_lag_s, received_lag_s
)
VALUES (
  %(worker)s, 1, %(messages)s, %(stored)s, %(duplicates)s, %(conflicts)s, %(late)s, %(retained)s,
  %(not_a_reading)s, %(now)s, %(messages)s, %(queued)s, %(newest_measured)s, %(newest_received)s,
  extract(epoch FROM %(now)s::timestamptz - %(oldest_measured)s::timestamptz),
  extract(epoch FROM %(now)s::timestamptz - %(oldest_received)s::timestamptz)
)
ON CONFLICT (worker) DO UPDATE SET
  batches = w.batches + 1, messages = w.messages + excluded.messages, stored = w.stored + excluded.stored,
  duplicates = w.duplicates + excluded.duplicates, conflicts = w.conflicts + excluded.conflicts,
  late = w.late + excluded.late, retained = w.retained + excluded.retained,
  not_a_reading = w.not_a_reading + excluded.not_a_reading, last_batch_at = excluded.last_batch_at,
  batch_messages = excluded.batch_messages, queue_messages = excluded.queue_messages,
  last_measured_at = greatest(w.last_measured_at, excluded.last_measured_at),
  last_received_at = greatest(w.last_received_at, excluded.last_received_at),
  measured_lag_s = coalesce(excluded.measured_lag_s, w.measured_lag_s), received_lag_s = excluded.received_lag_s
"""
ADD_DEAD = """
INSERT INTO ingest_dead AS d (worker, reason, count)
SELECT %(worker)s, x.reason, x.count
FROM unnest(%(reasons)s::text[], %(counts)s::bigint[]) AS x (reason, count)
ON CONFLICT (worker, reason) DO UPDATE SET count = d.count + excluded.count
"""
ADD_VOID = """
INSERT INTO ingest_void AS v (worker, quantity, reason, count, sensor, value, at)
SELECT %(worker)s, x.quantity, x.reason, x.count, x.sensor, x.value, %(now)s
FROM unnest(
  %(quantities)s::text[], %(reasons)s::text[], %(counts)s::bigint[], %(sensors)s::text[], %(values)s::float8[]
) AS x (quantity, reason, count, sensor, value)
ON CONFLICT (worker, quantity, reason) DO UPDATE SET
  count = v.count + excluded.count, sensor = excluded.sensor, value = excluded.value, at = excluded.at
"""
ADD_EXCESS = """
INSERT INTO ingest_excess AS e (sender, since, last_at, deferred, put_by, unkept)
SELECT x.sender, %(now)s, %(now)s, x.deferred, x.put_by, x.unkept
FROM unnest(%(senders)s::text[], %(deferred)s::bigint[], %(put_by)s::bigint[], %(unkept)s::bigint[])
  AS x (sender, deferred, put_by, unkept)
ORDER BY x.sender
ON CONFLICT (sender) DO UPDATE SET
  last_at = excluded.last_at, deferred = e.deferred + excluded.deferred,
  put_by = e.put_by + excluded.put_by, unkept = e.unkept + excluded.unkept
"""
SELECT_EXCESS = """
SELECT sender, deferred, put_by, unkept FROM ingest_excess
WHERE last_at >= %(since)s
ORDER BY last_at DESC
LIMIT %(most)s
"""
DELETE_EXCESS = "DELETE FROM ingest_excess WHERE last_at < %(before)s"
INSERT_SAMPLES = """
INSERT INTO ingest_sample (
  worker, at, messages, stored, duplicates, conflicts, late, dead, queue_messages, measured_lag_s, received_lag_s
)
SELECT
  worker, %(now)s, messages, stored, duplicates, conflicts, late, dead, queue_messages, measured_lag_s, received_lag_s
FROM ingest_health
ON CONFLICT DO NOTHING
"""
SELECT_LATEST = "SELECT count(*), max(last_batch_at) FROM ingest_worker"
DELETE_SAMPLES = "DELETE FROM ingest_sample WHERE at < %(before)s"
SAMPLES_KEPT = timedelta(days=14)
SENDER_LETTERS = 200  # of its name: a topic may be longer than an index takes


@dataclass(frozen=True)
class Ages:
    """Time span that a batch covers. Without a reading there is no measured time."""

    oldest_received: datetime
    newest_received: datetime
    oldest_measured: datetime | None = None
    newest_measured: datetime | None = None


class NoValueCount(NamedTuple):
    """Count of missing values of one quantity and reason in a batch, and the last case."""

    quantity: str
    reason: str  # domain.reasons.NoValue
    times: int
    sensor: str
    value: float


@dataclass(frozen=True)
class Excess:
    """A sender's excess over its limits, by its fate."""

    deferred: int = 0  # messages that were delayed
    put_by: int = 0  # messages that were deferred unread
    unkept: int = 0  # dead letters and messages that were counted but not kept

    def plus(self, more: "Excess") -> "Excess":
        """Return the sum of two."""
        return Excess(self.deferred + more.deferred, self.put_by + more.put_by, self.unkept + more.unkept)


@dataclass(frozen=True)
class BatchCounts:
    """Outcome of a batch.

    Args:
        fates: counts of messages, stored, duplicates, conflicts, late, retained, not_a_reading.
        dead: dead letters by reason.
        queued: messages in the queue behind the batch.
    """

    fates: Mapping[str, int]
    dead: Mapping[str, int]
    ages: Ages
    queued: int


def add(conn: Connection, worker: str, batch: BatchCounts, now: datetime) -> None:
    """Add a batch to the counters of a worker."""
    conn.execute(ADD, {"worker": worker, "now": now, "queued": batch.queued, **asdict(batch.ages), **batch.fates})
    if batch.dead:
        counts = {"reasons": list(batch.dead), "counts": list(batch.dead.values())}
        conn.execute(ADD_DEAD, {"worker": worker, **counts})


def add_voids(conn: Connection, worker: str, voids: Sequence[NoValueCount], now: datetime) -> None:
    """Add the missing values of a batch; one entry per quantity and reason."""
    names = ("quantities", "reasons", "counts", "sensors", "values")
    columns = dict(zip(names, map(list, zip(*voids, strict=True)), strict=True))
    conn.execute(ADD_VOID, {"worker": worker, "now": now, **columns})


def add_excess(conn: Connection, excess: Mapping[str, Excess], now: datetime) -> None:
    """Add the excess of senders; those whose names are alike as far as names are kept are one."""
    sums: dict[str, Excess] = {}
    for sender, more in excess.items():
        kept = sender[:SENDER_LETTERS]
        sums[kept] = sums.get(kept, Excess()).plus(more)
    columns = {name: [getattr(one, name) for one in sums.values()] for name in ("deferred", "put_by", "unkept")}
    conn.execute(ADD_EXCESS, {"senders": list(sums), "now": now, **columns})


def excess(conn: Connection, since: datetime, most: int) -> dict[str, Excess]:
    """Return up to `most` senders with an excess since an instant, latest first."""
    rows = conn.execute(SELECT_EXCESS, {"since": since, "most": most})
    return {sender: Excess(*counts) for sender, *counts in rows}


def sample(conn: Connection, now: datetime) -> None:
    """Sample the counters of each worker, and delete samples older than two weeks.

    It runs in the caller's transaction.
    """
    conn.execute(INSERT_SAMPLES, {"now": now})
    conn.execute(DELETE_SAMPLES, {"before": now - SAMPLES_KEPT})
    conn.execute(DELETE_EXCESS, {"before": now - SAMPLES_KEPT})


def latest(conn: Connection) -> tuple[int, datetime | None]:
    """Return the number of workers, and when one last stored a batch."""
    (found,) = conn.execute(SELECT_LATEST)
    return found[0], found[1]

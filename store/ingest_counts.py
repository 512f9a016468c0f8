"""Fates of messages and readings, counted in the transaction that decided them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection

ADD = """
INSERT INTO ingest_worker AS w (
  worker, batches, messages, stored, duplicates, conflicts, late, retained, last_batch_at, last_measured_at
)
VALUES (
  %(worker)s, 1, %(messages)s, %(stored)s, %(duplicates)s, %(conflicts)s, %(late)s, %(retained)s, %(now)s, %(measured)s
)
ON CONFLICT (worker) DO UPDATE SET
  batches = w.batches + 1, messages = w.messages + excluded.messages, stored = w.stored + excluded.stored,
  duplicates = w.duplicates + excluded.duplicates, conflicts = w.conflicts + excluded.conflicts,
  late = w.late + excluded.late, retained = w.retained + excluded.retained, last_batch_at = excluded.last_batch_at,
  last_measured_at = greatest(w.last_measured_at, excluded.last_measured_at)
"""
ADD_DEAD = """
INSERT INTO ingest_dead AS d (worker, reason, count)
SELECT %(worker)s, x.reason, x.count
FROM unnest(%(reasons)s::text[], %(counts)s::bigint[]) AS x (reason, count)
ON CONFLICT (worker, reason) DO UPDATE SET count = d.count + excluded.count
"""


def add(
    conn: Connection,
    worker: str,
    fates: Mapping[str, int],
    dead: Mapping[str, int],
    now: datetime,
    measured: Any,
) -> None:
    """Add a batch's fates (messages, stored, duplicates, conflicts, late, retained) and dead letters by reason.

    Args:
        measured: the newest `measured_at` of the batch, None if it stored nothing.
    """
    conn.execute(ADD, {"worker": worker, "now": now, "measured": measured, **fates})
    if dead:
        conn.execute(ADD_DEAD, {"worker": worker, "reasons": list(dead), "counts": list(dead.values())})

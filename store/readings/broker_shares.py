"""Shared subscriptions of brokers: whether a broker keeps them across a restart, by probe and by experience."""

from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg import Connection

SELECT_MARK = "SELECT mark FROM broker_share WHERE broker = %(broker)s AND kept AND withdrawn_at IS NULL"
SELECT_MARK_EVER = "SELECT mark FROM broker_share WHERE broker = %(broker)s"
UPSERT = """
INSERT INTO broker_share (broker, kept, published, received, probed_at, told)
VALUES (
  %(broker)s, %(received)s::integer >= %(published)s::integer, %(published)s::integer, %(received)s::integer, %(now)s,
  %(told)s
)
ON CONFLICT (broker) DO UPDATE SET
  kept = excluded.kept, published = excluded.published, received = excluded.received, probed_at = excluded.probed_at,
  told = excluded.told, withdrawn_at = NULL, withdrawn_why = NULL
"""
WITHDRAW = """
UPDATE broker_share SET withdrawn_at = %(now)s, withdrawn_why = %(why)s
WHERE broker = %(broker)s AND kept AND withdrawn_at IS NULL
"""


@dataclass(frozen=True)
class Probe:
    """Result of a broker probe: messages acknowledged while the subscriber was away, and messages delivered."""

    broker: str
    published: int
    received: int
    told: str

    @property
    def kept(self) -> bool:
        """True if the shared subscription lost nothing."""
        return self.received >= self.published > 0


def mark(conn: Connection, broker: str, ever: bool = False) -> str | None:
    """Return the word in the names of workers that share, if a probe found that a broker keeps shared subscriptions.

    None if it does not, or if a worker has contradicted it since; with `ever` also what it was before.
    """
    row = conn.execute(SELECT_MARK_EVER if ever else SELECT_MARK, {"broker": broker}).fetchone()
    return row[0] if row else None


def record(conn: Connection, probe: Probe, now: datetime) -> None:
    """Store a probe's result in place of the previous one."""
    conn.execute(UPSERT, {**asdict(probe), "now": now})


def withdraw(conn: Connection, broker: str, why: str, now: datetime) -> None:
    """Mark a broker as losing shared subscriptions; the first reason is kept."""
    conn.execute(WITHDRAW, {"broker": broker, "why": why, "now": now})

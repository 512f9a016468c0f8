"""Whether a broker keeps shared subscriptions over a restart: what a probe found, and what a worker found later."""

from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg import Connection

SELECT_KEPT = "SELECT kept AND withdrawn_at IS NULL FROM broker_share WHERE broker = %(broker)s"
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
    """What a probe of a broker counted: messages that it acknowledged while the subscriber was away, and came."""

    broker: str
    published: int
    received: int
    told: str

    @property
    def kept(self) -> bool:
        """Whether the shared subscription lost nothing."""
        return self.received >= self.published > 0


def kept(conn: Connection, broker: str) -> bool:
    """Whether a broker was seen to keep shared subscriptions, and nobody has found otherwise since."""
    row = conn.execute(SELECT_KEPT, {"broker": broker}).fetchone()
    return bool(row and row[0])


def record(conn: Connection, probe: Probe, now: datetime) -> None:
    """Note what a probe found, in place of what was known."""
    conn.execute(UPSERT, {**asdict(probe), "now": now})


def withdraw(conn: Connection, broker: str, why: str, now: datetime) -> None:
    """Believe a broker no longer; the first reason stays."""
    conn.execute(WITHDRAW, {"broker": broker, "why": why, "now": now})

"""Today's ledger, kept up to date shard by shard."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from psycopg import Connection

from alerts.judging.by_clock import keep_ledger
from alerts.judging.history import History
from store.judging import ledger_rows


@dataclass
class LedgerCursor:
    """Progress through the shards of homes."""

    history: History
    shards: deque[int] = field(default_factory=deque)

    def advance(self, conn: Connection, now: datetime) -> bool:
        """Update some days of the next shard; False at the end of a round."""
        if not self.shards:
            self.shards.extend(ledger_rows.shards(conn))
        if self.shards and keep_ledger(conn, self.history, self.shards[0], now):
            self.shards.popleft()
        return bool(self.shards)

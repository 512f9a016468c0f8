"""Messages in, and what they left: drives the one transaction in tests of it."""

import json
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.rows import dict_row

from alerts.judging.judge import Judge
from domain import policy_file
from ingest.batch import Fates, Intake, store_batch
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.validate import Limits
from store.base.stage import open_stages
from store.judging import state_rows

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 1, 15, 12, 0, tzinfo=ZONE)
MINUTE = timedelta(minutes=1)
MID = count(1)


class Desk:
    """Drives the transaction and reads what it left."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.judge = Judge(policy_file.builtin("seed"))
        self.intake = Intake("test", Limits(65_536, 300_000_000), self.judge.readings, SensorPlaces())
        open_stages(conn)

    def say(self, *said: tuple[str, datetime, float], now: datetime | None = None) -> Fates:
        """Store one batch of (sensor, measured_at, celsius)."""
        now = now or max(at for _, at, _ in said)
        return self.send(
            *((code, {"ts": at.isoformat(), "temperature": celsius}) for code, at, celsius in said), now=now
        )

    def send(self, *said: tuple[str, Any], now: datetime) -> Fates:
        """Store one batch of (device, payload)."""
        messages = [message(device, payload, now) for device, payload in said]
        return store_batch(self.conn, self.intake, messages, now)

    def clock(self, now: datetime) -> None:
        """Let the clock work on every home that is due."""
        with self.conn.transaction():
            self.judge.clock(self.conn, state_rows.due(self.conn, now, 1000), now)

    def flags(self) -> list[dict[str, Any]]:
        """Return all flags in order."""
        return self.rows("SELECT * FROM flag ORDER BY home_id, cold_since")

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return rows of a query."""
        with self.conn.cursor(row_factory=dict_row) as cur:
            return cur.execute(statement.encode()).fetchall()


def message(device: str, payload: Any, now: datetime) -> Message:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(f"hearth/v1/{device}/telemetry", raw, int(now.timestamp() * 1e6), next(MID), 1, 1, False)

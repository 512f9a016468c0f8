"""A writer on a real database and what it has written, and a source that brings again what is not acknowledged."""

import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from alerts.judging.judge import Judge
from domain import policy_file
from ingest.address import Address
from ingest.batch import Fates, Intake
from ingest.inbox import Inbox
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.senders import Allowance, Senders
from ingest.validate import Limits
from ingest.writer import Writer
from store.base.stage import open_stages
from tests import registry_rows as town

NOON = datetime(2026, 1, 15, 4, tzinfo=UTC)
LIMITS = Limits(65_536, 300_000_000)
US = timedelta(microseconds=1)


class Work:
    """A writer, and what it has written."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.fates: list[Fates] = []
        self.writer = self.made()
        open_stages(conn)

    def made(self, limits: Limits = LIMITS, allowance: Allowance | None = None, most_by_bytes: int = 10**9) -> Writer:
        senders = Senders(allowance or Allowance())
        judge = Judge(policy_file.builtin("seed")).readings
        self.writer = Writer(
            Intake("w", limits, judge, SensorPlaces(), senders=senders), lambda: NOON, most_by_bytes, self.fates.append
        )
        return self.writer

    def store(self, messages: list[Message]) -> int:
        """Store the first messages, as a worker does; returns how many of them were dealt with."""
        batch = self.writer.intake.sort(messages)
        if not self.writer.store(self.conn, batch):
            self.writer.sift(self.conn, batch.taken)
        return len(batch.taken)

    def register(self, *codes: str) -> None:
        for code in codes:
            town.sensor(self.conn, code, town.home(self.conn, f"home of {code}"))

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with self.conn.cursor(row_factory=dict_row) as cur:
            return cur.execute(statement.encode()).fetchall()

    def one(self, statement: str) -> Any:
        (row,) = self.rows(statement)
        return next(iter(row.values()))

    def fates_in_all(self) -> int:
        return int(self.one("SELECT sum(stored + duplicates + conflicts + dead)::bigint FROM ingest_health"))


def said(device: str, payload: Any, nth: int = 0) -> Message:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(f"hearth/v1/{device}/telemetry", raw, int((NOON + nth * US).timestamp() * 1e6), nth, 1, 1, False)


class Repeating:
    """A source that brings again what it was not told of, as often as it is permitted."""

    epoch = takeovers = 0
    refusal: str | None = None
    forgotten: str | None = None

    def __init__(self, inbox: Inbox, messages: Sequence[Message]) -> None:
        self.inbox, self.left = inbox, list(messages)
        self.ended, self.connected, self.waits = threading.Event(), threading.Event(), True

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def permit(self, _address: Address) -> None:
        self.waits = False
        self.inbox.put(self.left)

    def drop(self) -> None:
        self.waits = True

    def acknowledge(self, batch: Sequence[Message]) -> None:
        self.left = [message for message in self.left if message not in batch]
        if not self.left:
            self.ended.set()

    def publish(self, _requests: Sequence[tuple[str, bytes]]) -> None:
        pass

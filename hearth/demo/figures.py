"""Figures of a running demo, read from the database periodically."""

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from hearth.wiring import now
from store.base import access
from store.base.rows import Row
from store.figures import overview
from store.tickets import ticket_pages

RATE_SPAN_S = 10.0
LIVE_S = 180.0  # so near to the present the history counts as caught up


@dataclass(frozen=True)
class DemoFigures:
    """A look at the whole."""

    at: datetime
    states: dict[str, int]
    intake: overview.IntakeCounts
    judged: overview.FlagTotals
    flags: list[Row]  # newest first
    tickets: list[Row]  # newest first
    readings_per_s: float

    @property
    def behind_s(self) -> float | None:
        """Lag of the newest measurement in seconds; None before the first."""
        return (self.at - self.intake.reached).total_seconds() if self.intake.reached else None

    @property
    def live(self) -> bool:
        """True once the simulator has caught up with the present."""
        return self.behind_s is not None and self.behind_s < LIVE_S


@dataclass
class Gauge:
    """Reads figures, and keeps the last seconds of them for the rate."""

    conn: Connection
    _seen: deque[tuple[float, int]] = field(default_factory=deque)
    fastest_per_s: float = 0.0

    def read(self, rows: int = 0) -> DemoFigures:
        """Read current figures, with some of the newest flags and tickets."""
        at = now()
        intake = overview.intake(self.conn)
        rate = self._rate(intake.readings)
        self.fastest_per_s = max(self.fastest_per_s, rate)
        return DemoFigures(
            at,
            overview.states(self.conn),
            intake,
            overview.judged(self.conn),
            ticket_pages.flags(self.conn, access.EVERYWHERE, limit=rows),
            ticket_pages.tickets(self.conn, access.EVERYWHERE, ticket_pages.TicketFilter(now=at), limit=rows),
            rate,
        )

    def _rate(self, readings: int) -> float:
        self._seen.append((time.monotonic(), readings))
        while self._seen[-1][0] - self._seen[0][0] > RATE_SPAN_S:
            self._seen.popleft()
        (began, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end - began) if end > began else 0.0


def summary(figures: DemoFigures, fastest_per_s: float) -> dict[str, Any]:
    """Return the totals of the folder's lifetime, for the end of a demo."""
    return {
        "readings": figures.intake.readings,
        "homes": sum(figures.states.values()),
        "flags": figures.judged.flags,
        "tickets": figures.judged.tickets,
        "cold_spells": figures.judged.cold_spells,
        "dead_letters": figures.intake.dead_letters,
        "messages": figures.intake.messages,
        "duplicates": figures.intake.duplicates,
        "open_flags": figures.judged.open_flags,
        "open_tickets": figures.judged.open_tickets,
        "states": figures.states,
        "fastest_readings_per_second": round(fastest_per_s),
        "caught_up": figures.live,
    }

"""A company in tests of the repair desk: its homes speak, people act, the clock runs."""

from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from alerts.desk import recovery
from alerts.desk.moves import UNSAID, ReportTarget, act, take_in
from alerts.judging.history import History
from alerts.tickets import clocks
from alerts.tickets.docket import Docket, Opening
from domain import policy, policy_file
from domain.priority import Cold, priority
from domain.tickets import EventKind, NewEvent, TicketClass, TicketSource
from tests.store.desk import MINUTE, NOON, Desk

SEED = policy_file.builtin("seed")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CALENDAR_2027 = policy_file.load(
    policy_file.builtin_text("seed") + "\n[calendar]\nyears = [2027]\nholidays = [2027-01-01]\n", "x"
)


class Company(Desk):
    """Judges, works tickets, and lets the clock work."""

    def __init__(self, conn: Connection, rules: policy.Policy = SEED) -> None:
        super().__init__(conn)
        self.rules = rules
        self.history = History(rules)

    def let(self, ticket: int, kind: EventKind, now: datetime, **data: Any) -> None:
        """Record a move."""
        with self.conn.transaction():
            act(self.conn, self.rules, NewEvent(ticket, kind, data), now, "somebody")

    def phoned(
        self,
        now: datetime,
        kind: TicketClass = TicketClass.REPAIR,
        home: int | None = 1,
        belongs: ReportTarget = UNSAID,
        **said: Any,
    ) -> int:
        """Take a phone call; return the ticket."""
        usual = priority(kind, Cold(), None)
        opening = Opening(ticket_class=kind, source=TicketSource.PHONE, priority=usual, home_id=home, **said)
        with self.conn.transaction():
            return take_in(self.conn, self.rules, opening, now, "somebody", belongs)

    def two_undated(self) -> datetime:
        """Open two tickets whose clocks end in a year that the calendar of the rules does not know; return when."""
        start = datetime(2026, 12, 28, 10, tzinfo=NOON.tzinfo)
        docket = Docket(self.conn, self.rules, start)
        with self.conn.transaction():
            for _ in range(2):
                docket.open(Opening(ticket_class=TicketClass.COMPLAINT, source=TicketSource.PHONE, priority=3))
            docket.write()
        return start

    def watch(self, now: datetime) -> None:
        """Run all rounds of watch that have to do with the desk."""
        self.clock(now)
        while clocks.run_out(self.conn, self.rules, now):
            pass
        recovery.look(self.conn, self.history, now)

    def ticket(self, number: int = 1) -> dict[str, Any]:
        return self.rows(f"SELECT * FROM ticket WHERE ticket_id = {number}")[0]

    def kinds(self, number: int = 1) -> list[str]:
        told = self.rows(f"SELECT kind FROM ticket_event WHERE ticket_id = {number} ORDER BY seq")
        return [row["kind"] for row in told]

    def clocks(self, number: int = 1, nth: int = 1) -> dict[str, dict[str, Any]]:
        rows = self.rows(f"SELECT * FROM clock WHERE ticket_id = {number} AND round = {nth}")
        return {row["name"]: row for row in rows}

    def warm_up(self, since: datetime, minutes: int, celsius: float = 19.0) -> datetime:
        """Warm readings every five minutes, and the clock at the end."""
        for minute in range(0, minutes + 1, 5):
            self.say(("s1", since + minute * MINUTE, celsius))
        end = since + minutes * MINUTE
        self.watch(end)
        return end


def closed(desk: Company) -> datetime:
    """Return a cold ticket worked to its end; when it was done."""
    desk.say(("s1", NOON, 17.0))
    end = desk.warm_up(NOON + 5 * MINUTE, 70)
    desk.let(1, EventKind.DONE, end)
    desk.let(1, EventKind.REPLIED, end, text="x", channel="phone")
    desk.let(1, EventKind.CALLED_BACK, end + 48 * HOUR, satisfied=True)
    desk.let(1, EventKind.CLOSED, end + 48 * HOUR)
    return end

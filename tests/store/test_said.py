"""Words and numbers of users: the desk finds each of them again, however and in whatever order they came."""

from itertools import count
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.desk.moves import HomeHasTicket, NotThere, OpenThere, ReportTarget, say
from alerts.tickets.docket import UserStatement
from domain.tickets import EventKind, MoveRefused, TicketClass
from store.base.access import EVERYWHERE
from store.tickets import ticket_pages, ticket_rows
from tests import registry_rows as town
from tests.conftest import Servers, fresh_database
from tests.store.company import SEED, Company
from tests.store.desk import MINUTE, NOON

Step: TypeAlias = tuple[str, Any]
CLASSES = (TicketClass.COLD, TicketClass.LEAK, TicketClass.REPAIR)
STEPS = st.one_of(
    st.tuples(st.just("call"), st.sampled_from(CLASSES)),
    st.tuples(st.just("call new"), st.sampled_from(CLASSES)),
    st.tuples(st.just("add"), st.integers(0, 5)),
    st.tuples(st.just("say"), st.integers(0, 5)),
    st.tuples(st.just("read"), st.sampled_from([15.0, 17.0, 19.0])),
    st.tuples(st.just("close"), st.integers(0, 5)),
    st.tuples(st.just("reopen"), st.integers(0, 5)),
    st.tuples(st.just("hours"), st.sampled_from([1, 47, 60])),
)


class Town:
    """A home whose users speak; each time they say something else, and leave another number."""

    def __init__(self, company: Company) -> None:
        self.company, self.conn = company, company.conn
        self.now, self.numbers = NOON, count(1)
        self.said: list[tuple[str, str]] = []

    def step(self, what: str, how: Any) -> None:
        """Let something happen; what is refused was not taken, and the caller knows."""
        self.now += MINUTE
        number = next(self.numbers)
        words, contact = f"words {number};", f"024-{number:07}"
        try:
            if self._tell(what, how, words, contact):
                self.said.append((words, contact))
        except (MoveRefused, OpenThere, NotThere, HomeHasTicket):
            return

    def _tell(self, what: str, how: Any, words: str, contact: str) -> bool:
        told = {"description": words, "contact": contact}
        tickets = [row["ticket_id"] for row in self.company.rows("SELECT ticket_id FROM ticket ORDER BY ticket_id")]
        one = tickets[how % len(tickets)] if isinstance(how, int) and tickets else None
        match what:
            case "call" | "call new":
                self.company.phoned(self.now, how, 1, ReportTarget(new=what == "call new"), **told)
                return True
            case "add" if there := ticket_rows.open_at(self.conn, ticket_rows.TicketPlace(home=1)):
                to = there[how % len(there)]
                self.company.phoned(self.now, TicketClass.LEAK, 1, ReportTarget(add_to=to.number), **told)
                return True
            case "say" if one:
                with self.conn.transaction():
                    say(self.conn, SEED, one, UserStatement({"text": words}, contact), self.now, "somebody")
                return True
            case "read":
                self.company.say(("s1", self.now, how), now=self.now)
            case "hours":
                self.now += how * 60 * MINUTE
                self.company.watch(self.now)
            case "close" | "reopen" if one:
                self._work(one, what)
        return False

    def _work(self, ticket: int, what: str) -> None:
        if what == "reopen":
            return self.company.let(ticket, EventKind.REOPENED, self.now, reason="x")
        self.company.let(ticket, EventKind.DONE, self.now)
        self.company.let(ticket, EventKind.REPLIED, self.now, text="x", channel="phone")
        if self.company.ticket(ticket)["state"] == "verifying":
            self._measure(ticket)
        self.now += 48 * 60 * MINUTE
        self.company.let(ticket, EventKind.CALLED_BACK, self.now, satisfied=True)
        return self.company.let(ticket, EventKind.CLOSED, self.now)

    def _measure(self, ticket: int) -> None:
        for minute in range(0, 100, 5):
            self.company.say(("s1", self.now + minute * MINUTE, 19.0))
        self.now += 100 * MINUTE
        self.company.watch(self.now)

    def found(self) -> list[tuple[str, str | None]]:
        """Return what the desk is shown, with how to reach the caller."""
        wanted = ticket_pages.TicketFilter(now=self.now)
        found = []
        for ticket in ticket_pages.tickets(self.conn, EVERYWHERE, wanted, limit=1000):
            for event in ticket["events"]:
                words = ticket["description"] if event["kind"] == "opened" else event["data"].get("text")
                if event["kind"] in ("opened", "user_said"):
                    found.append((words, event["contact"]))
        return found


def check_calls(servers: Servers, steps: list[Step]) -> None:
    databases = fresh_database(servers.of("plain"), "plain")
    try:
        with next(databases).connect(autocommit=True) as conn:
            town.sensor(conn, "s1", town.home(conn, "H1"))
            there = Town(Company(conn))
            for step in steps:
                there.step(*step)
            assert set(there.said) <= set(there.found())
            numbers = "SELECT count(*) FROM ticket_event WHERE data::text LIKE '%024-%'"
            assert conn.execute(numbers).fetchone() == (0,)  # personal data are in no event
            last = {ticket["contact"] for ticket in ticket_pages.tickets(
                conn, EVERYWHERE, ticket_pages.TicketFilter(now=there.now), limit=1000
            )}  # fmt: skip
            assert last <= {contact for _, contact in there.said} | {None}
    finally:
        next(databases, None)


AGAIN: list[Step] = [
    ("call", TicketClass.COLD), ("close", 0), ("hours", 1), ("call", TicketClass.COLD), ("add", 0), ("say", 0),
]  # fmt: skip


def test_a_home_that_is_cold_again_keeps_both_calls(servers: Servers) -> None:
    """The one case that used to lose the second caller's words and number."""
    check_calls(servers, AGAIN)


@pytest.mark.slow
def test_every_word_and_every_number_is_found_again(servers: Servers) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEPS, max_size=14))
    def check(steps: list[Step]) -> None:
        check_calls(servers, steps)

    check()

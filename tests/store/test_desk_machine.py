"""A state machine of the desk: after any moves in any order, at the same time, every invariant holds.

A state machine on a real database drives readings, the clock, people and two workers at once, and looks after each step
at the tables by ways of its own.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from alerts.desk import recovery
from alerts.desk.moves import HomeHasTicket, ReportTarget
from alerts.evidence import chain
from alerts.judging.rejudge import judge_again
from alerts.tickets import clocks
from domain.tickets import EventKind, MoveRefused, TicketClass
from store.evidence import invariants
from tests import registry_rows as town
from tests.conftest import Servers, fresh_database
from tests.store.company import SEED, Company
from tests.store.desk import MINUTE, NOON

HOMES = st.integers(1, 3)
CELSIUS = st.sampled_from([15.0, 17.0, 18.0, 18.1, 19.0])
MOVES: dict[EventKind, dict[str, Any]] = {
    EventKind.ASSIGNED: {"responsible": "Wang"},
    EventKind.ACCEPTED: {},
    EventKind.CONTACTED: {},
    EventKind.TRIED: {},
    EventKind.ARRIVED: {},
    EventKind.DELAYED: {"reason": "parts", "explanation": "x"},
    EventKind.RESPONSIBILITY: {"responsibility": "user", "paid": False},
    EventKind.CONFIRMED: {"confirmation": "1"},
    EventKind.DONE: {},
    EventKind.REWORK: {"reason": "x"},
    EventKind.REPLIED: {"text": "x", "channel": "phone"},
    EventKind.CALLED_BACK: {"satisfied": True},
    EventKind.CLOSED: {},
    EventKind.REOPENED: {"reason": "x"},
}
TO_THE_END = (EventKind.DONE, EventKind.CONFIRMED, EventKind.REPLIED, EventKind.CALLED_BACK, EventKind.CLOSED)
TAMPER = [
    "UPDATE ticket_event SET at = at + interval '1 s' WHERE event_id = {event}",
    "UPDATE ticket_event SET data = data || '{{\"x\": 1}}' WHERE event_id = {event}",
    "UPDATE ticket_event SET state = CASE state WHEN 'closed' THEN 'open' ELSE 'closed' END WHERE event_id = {event}",
    "DELETE FROM ticket_event WHERE event_id = {event}",
]


class DeskMachine(RuleBasedStateMachine):
    """Three homes, a desk, and two workers that may act at the same time."""

    servers: Servers

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        databases = fresh_database(self.servers.of("plain"), "plain")
        database = next(databases)
        self.stack.callback(next, databases, None)
        conn = self.stack.enter_context(database.connect(autocommit=True))
        self.other = self.stack.enter_context(database.connect(autocommit=True))
        self.third = self.stack.enter_context(database.connect(autocommit=True))
        for home in (1, 2, 3):
            town.sensor(conn, f"s{home}", town.home(conn, f"H{home}"))
        self.desk = Company(conn)
        self.worker = Company(self.other)
        self.clerk = Company(self.third)
        self.now = NOON
        self.broken: set[tuple[int, int, str, datetime]] = set()

    def teardown(self) -> None:
        """Forge one event at the end."""
        try:
            self.tamper()
        finally:
            self.stack.close()

    def tamper(self) -> None:
        conn = self.desk.conn
        for _ in range(2):
            chain.seal(conn, self.now)
        assert chain.verify(conn).told == []
        events = [row["event_id"] for row in self.desk.rows("SELECT event_id FROM ticket_event ORDER BY event_id")]
        if not events:
            return
        conn.execute("ALTER TABLE ticket_event DISABLE TRIGGER USER")
        for nth, statement in enumerate(TAMPER):
            event = events[(len(events) * nth) // len(TAMPER)]
            with conn.transaction(force_rollback=True):
                conn.execute(statement.format(event=event).encode())
                report = chain.ChainReport()
                chain.check(conn, report, None)
            assert report.faults, statement

    def at_once(self, *work: Callable[[], object]) -> None:
        """Do things at the same time; what one of them may not do now it does not."""
        with ThreadPoolExecutor(len(work)) as pool:
            for done in [pool.submit(one) for one in work]:
                done.result(timeout=30)

    def tickets(self) -> list[int]:
        return [row["ticket_id"] for row in self.desk.rows("SELECT ticket_id FROM ticket ORDER BY ticket_id")]

    def attempt(self, by: Company, ticket: int, kind: EventKind) -> None:
        try:
            by.let(ticket, kind, self.now, **MOVES[kind])
        except MoveRefused:
            return

    @rule(home=HOMES, celsius=CELSIUS, minutes=st.sampled_from([0, 1, 5, 5, 12]))
    def a_reading(self, home: int, celsius: float, minutes: int) -> None:
        self.now += minutes * MINUTE
        self.desk.say((f"s{home}", self.now, celsius), now=self.now)

    @rule(homes=st.sets(HOMES, min_size=1), celsius=st.sampled_from([18.2, 19.0]), minutes=st.sampled_from([35, 95]))
    def some_warm_time(self, homes: set[int], celsius: float, minutes: int) -> None:
        for _ in range(0, minutes, 5):
            self.now += 5 * MINUTE
            self.desk.say(*((f"s{home}", self.now, celsius) for home in sorted(homes)), now=self.now)
        self.desk.watch(self.now)

    @rule(hours=st.sampled_from([0, 1, 3, 24, 49]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.desk.watch(self.now)

    @rule()
    def a_seal(self) -> None:
        chain.seal(self.desk.conn, self.now)

    @rule(kind=st.sampled_from(list(MOVES)), nth=st.integers(0, 20))
    def a_move(self, kind: EventKind, nth: int) -> None:
        if tickets := self.tickets():
            self.attempt(self.desk, tickets[nth % len(tickets)], kind)

    @rule(nth=st.integers(0, 20))
    def worked_to_the_end(self, nth: int) -> None:
        if tickets := self.tickets():
            for kind in TO_THE_END:
                if kind is EventKind.CALLED_BACK:
                    self.now += timedelta(hours=48)
                    self.desk.watch(self.now)
                self.attempt(self.desk, tickets[nth % len(tickets)], kind)

    @rule(homes=st.sets(HOMES, min_size=1), spoilt=st.sampled_from([-9.0, -1.5, 0.0, 3.0]))
    def what_was_measured_means_something_else(self, homes: set[int], spoilt: float) -> None:
        """Correct offsets, and judge all of the past again: flags end, begin, open again."""
        conn = self.desk.conn
        conn.execute("UPDATE point SET offset_k = %s WHERE home_id = ANY(%s)", (spoilt, list(homes)))
        conn.execute("UPDATE registry_version SET version = version + 1")
        with conn.transaction():
            judge_again(conn, self.desk.history, sorted(homes), NOON.date(), self.now)

    @rule(home=HOMES, kind=st.sampled_from([TicketClass.COLD, TicketClass.LEAK, TicketClass.REPAIR]))
    def a_phone_call(self, home: int, kind: TicketClass) -> None:
        self.call(self.desk, kind, home)

    def call(self, by: Company, kind: TicketClass, home: int) -> None:
        try:
            by.phoned(self.now, kind, home, ReportTarget(new=True))
        except HomeHasTicket:
            return

    @rule(home=HOMES, celsius=st.sampled_from([17.0, 18.0, 20.0]))
    def a_measurement(self, home: int, celsius: float) -> None:
        with self.desk.conn.transaction():
            signed = recovery.SignedMeasurement("M", celsius, limit=18.0)
            recovery.measured(self.desk.conn, SEED, home, signed, self.now, "crew")

    @rule(home=HOMES, celsius=CELSIUS, kind=st.sampled_from(list(MOVES)), nth=st.integers(0, 20), call=st.booleans())
    def two_workers_and_a_clerk_at_once(self, home: int, celsius: float, kind: EventKind, nth: int, call: bool) -> None:
        tickets = self.tickets()
        self.now += MINUTE
        work: list[Callable[[], object]] = [
            lambda: self.desk.say((f"s{home}", self.now, celsius), now=self.now),
            lambda: clocks.run_out(self.worker.conn, SEED, self.now),
        ]
        if call:
            work.append(lambda: self.call(self.clerk, TicketClass.COLD, home))
        elif tickets:
            work.append(lambda: self.attempt(self.clerk, tickets[nth % len(tickets)], kind))
        self.at_once(*work)

    @invariant()
    def one_open_cold_ticket_at_most(self) -> None:
        open_ones = (
            "SELECT home_id FROM ticket WHERE class = 'cold' AND state <> 'closed' GROUP BY 1 HAVING count(*) > 1"
        )
        assert self.desk.rows(open_ones) == []

    @invariant()
    def every_open_flag_has_its_open_ticket_whatever_anybody_measured(self) -> None:
        lost = self.desk.rows(
            "SELECT f.flag_id FROM flag AS f JOIN ticket AS t USING (ticket_id) "
            "WHERE f.cleared_at IS NULL AND t.state IN ('done', 'closed')"
        )
        assert lost == []

    @invariant()
    def nothing_is_against_the_rules(self) -> None:
        assert not any(invariants.violations(self.desk.conn).values())

    @invariant()
    def closed_tickets_have_their_proof_in_their_events(self) -> None:
        for ticket in self.desk.rows("SELECT * FROM ticket WHERE state = 'closed' AND NOT retrospective"):
            since: set[str] = set()
            for kind in self.desk.kinds(ticket["ticket_id"]):
                since = set() if kind in ("relapsed", "reopened", "rework") else since | {kind}
            assert {"done", "replied", "closed"} <= since, since
            assert ticket["class"] != "cold" or "proven" in since
            assert "called_back" in since or ticket["proof"] == "withdrawn"

    @invariant()
    def no_breach_is_lost(self) -> None:
        rows = self.desk.rows("SELECT * FROM clock")
        broken = {(r["ticket_id"], r["round"], r["name"], r["due_at"]) for r in rows if r["breached_at"]}
        assert self.broken <= broken
        self.broken = broken
        late = [
            row for row in rows
            if row["due_at"] and not row["breached_at"]
            and min(row["met_at"] or self.now, row["void_at"] or self.now) > row["due_at"]
            and (row["met_at"] or row["void_at"])
        ]  # fmt: skip
        assert late == []

    @invariant()
    def each_ticket_has_its_next_clock(self) -> None:
        running: dict[int, tuple[datetime, str]] = {}
        for clock in self.desk.rows("SELECT * FROM clock"):
            if clock["due_at"] and not clock["met_at"] and not clock["void_at"]:
                own = clock["ticket_id"]
                running[own] = min(
                    running.get(own, (datetime.max.replace(tzinfo=UTC), "")), (clock["due_at"], clock["name"])
                )
        kept = {row["ticket_id"]: (row["due_at"], row["clock"]) for row in self.desk.rows("SELECT * FROM ticket_next")}
        assert kept == running

    @invariant()
    def the_chain_holds(self) -> None:
        assert chain.verify(self.desk.conn).told == []


@pytest.fixture
def machine(servers: Servers) -> type[DeskMachine]:
    """The machine with servers to make databases on."""
    DeskMachine.servers = servers
    return DeskMachine


@pytest.mark.slow
def test_whatever_happens(machine: type[DeskMachine]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=15, stateful_step_count=25, suppress_health_check=list(HealthCheck)),
    )

"""Call-outs: new tickets are told to those on call, then to the lead, then to dispatch, each step once."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from alerts.desk import rota
from alerts.desk.moves import ReportTarget
from alerts.notices import on_call
from alerts.notices.expand import expand, write
from alerts.notices.recipients import load
from alerts.tickets.endings import void
from domain.errors import UsageError
from domain.rota import ShiftSpan
from domain.tickets import EventKind, TicketClass
from store.base.access import Role
from store.base.halves import AGAIN_AFTER
from store.notices import notice_rows
from store.staff import person_rows
from store.staff.person_rows import StaffEntry
from tests.api import town
from tests.conftest import Database
from tests.store.at_once import at_once
from tests.store.company import SEED, Company
from tests.store.desk import MINUTE, NOON

pytestmark = pytest.mark.plain_only

ANOTHER = ReportTarget(new=True)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEAD_AFTER, DISPATCH_AFTER = timedelta(seconds=600), timedelta(seconds=600)  # of the policy


def person(conn: Connection, name: str, station: str = "North", telephone: str | None = "13800000000") -> int:
    entry = StaffEntry(
        name=name,
        role=Role.CREW,
        station=station,
        sign_in_name=f"{name}.x",
        telephone=telephone,
        active_from=NOON - DAY,
    )
    return person_rows.add(conn, entry)


@dataclass
class Station:
    """The station North with a rota, and people with telephones: a is on call from noon, lead is the lead."""

    desk: Company
    people: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, **more: Any) -> int:
        self.people[name] = person(self.desk.conn, name, **more)
        return self.people[name]

    def plan(self, name: str, starts_at: datetime, ends_at: datetime) -> None:
        rota.plan(self.desk.conn, "North", self.people[name], [ShiftSpan(starts_at, ends_at)], NOON - DAY)

    def step(self, now: datetime) -> None:
        on_call.set_people(self.desk.conn, ["sms"], now)
        on_call.call_out(self.desk.conn, self.desk.rules, now)

    def told(self) -> list[tuple[int, str, str | None, datetime]]:
        """Return who was told of which ticket, at which step and when."""
        names = {number: name for name, number in self.people.items()}
        rows = self.desk.rows(
            "SELECT c.ticket_id, d.step, d.staff_id, d.at FROM call_out_told AS d "
            "JOIN call_out AS c USING (call_out_id) ORDER BY d.at, c.ticket_id, d.staff_id"
        )
        return [(row["ticket_id"], row["step"], names.get(row["staff_id"]), row["at"]) for row in rows]

    def outbox(self) -> list[tuple[str, str, int | None]]:
        """Return what the staff is to be told of."""
        return [
            (row["kind"], row["audience"], row["staff_id"])
            for row in self.desk.rows("SELECT * FROM outbox WHERE audience <> 'user' ORDER BY outbox_id")
        ]


@pytest.fixture
def station(plain_database: Database) -> Iterator[Station]:
    """The station, in autocommit mode as the processes have it."""
    with plain_database.connect(autocommit=True) as conn:
        for nth in range(1, 4):
            town.home(conn, f"B1-10{nth}")
        town.home(conn, "B2-101", building="B2", station="South")
        made = Station(Company(conn))
        made.add("lead")
        made.add("a")
        rota.keep(conn, "North", made.people["lead"], NOON - DAY)
        made.plan("a", NOON, NOON + 8 * HOUR)
        yield made


def test_a_ticket_goes_from_those_on_call_to_the_lead_to_dispatch(station: Station) -> None:
    ticket = station.desk.phoned(NOON)
    assert station.outbox() == []  # neither the whole station nor dispatch
    for minute in range(60):
        station.step(NOON + minute * MINUTE)
    assert station.told() == [
        (ticket, "on_call", "a", NOON),
        (ticket, "lead", "lead", NOON + LEAD_AFTER),
        (ticket, "dispatch", None, NOON + LEAD_AFTER + DISPATCH_AFTER),
    ]
    assert station.outbox() == [
        ("ticket_opened", "person", station.people["a"]),
        ("ticket_unanswered", "person", station.people["lead"]),
        ("ticket_unanswered", "dispatch", None),
    ]


def test_nobody_else_is_told_once_it_is_accepted(station: Station) -> None:
    ticket = station.desk.phoned(NOON)
    station.step(NOON)
    station.desk.let(ticket, EventKind.ACCEPTED, NOON + MINUTE, responsible="a", opinion="x")
    for minute in range(2, 60):
        station.step(NOON + minute * MINUTE)
    assert [step for _, step, _, _ in station.told()] == ["on_call"]
    assert station.desk.rows("SELECT ending, due_at FROM call_out") == [{"ending": "accepted", "due_at": None}]


def test_a_step_that_cannot_be_taken_stops_no_other(station: Station) -> None:
    first, second = (station.desk.phoned(NOON, home=home) for home in (1, 2))
    station.desk.conn.execute("ALTER TABLE call_out_told ADD CONSTRAINT no_luck CHECK (call_out_id <> 1)")
    station.step(NOON)
    assert station.told() == [(second, "on_call", "a", NOON)]
    station.desk.conn.execute("ALTER TABLE call_out_told DROP CONSTRAINT no_luck")
    station.step(NOON + AGAIN_AFTER)
    assert station.told()[1:] == [(first, "on_call", "a", NOON + AGAIN_AFTER)]


@pytest.mark.parametrize("why", ["gap", "no telephone", "ended", "moved", "cancelled"])
def test_where_nobody_is_on_call_the_lead_is_told_at_once(station: Station, why: str) -> None:
    conn, a = station.desk.conn, station.people["a"]
    at = NOON + 9 * HOUR if why == "gap" else NOON
    match why:
        case "no telephone":
            conn.execute("UPDATE staff SET telephone = NULL WHERE staff_id = %s", (a,))
        case "ended":
            conn.execute("UPDATE staff SET active_to = %s WHERE staff_id = %s", (NOON - HOUR, a))
        case "moved":
            conn.execute("UPDATE staff SET station = 'South' WHERE staff_id = %s", (a,))
        case "cancelled":
            rota.cancel(conn, station.desk.rows("SELECT shift_id FROM shift")[0]["shift_id"], NOON - HOUR)
    ticket = station.desk.phoned(at)
    station.step(at)
    assert station.told() == [(ticket, "lead", "lead", at)]


def test_a_station_without_a_rota_is_told_as_ever(station: Station) -> None:
    station.desk.phoned(NOON, home=4)
    assert station.outbox() == [("ticket_opened", "dispatch", None), ("ticket_opened", "crew", None)]
    station.step(NOON)
    assert station.told() == []


def test_without_rules_in_the_policy_all_is_told_as_ever(station: Station) -> None:
    off = replace(SEED, versions=tuple(replace(v, call_out=None) for v in SEED.versions))
    first = station.desk.phoned(NOON)
    station.desk.rules = off
    station.desk.phoned(NOON, home=2)
    assert station.outbox() == [("ticket_opened", "dispatch", None), ("ticket_opened", "crew", None)]
    station.step(NOON)  # what began under rules is not forgotten
    assert station.told() == [(first, "dispatch", None, NOON)]


def test_what_is_no_new_ticket_of_a_crew_is_told_as_ever(station: Station) -> None:
    station.desk.phoned(NOON, TicketClass.DEVICE)
    assert station.outbox() == [("ticket_opened", "dispatch", None), ("ticket_opened", "crew", None)]


def test_a_cold_home_waits_for_an_incident_and_an_incident_speaks_for_it(station: Station) -> None:
    conn = station.desk.conn
    town.sensor(conn, 1, "s1")
    station.desk.say(("s1", NOON, 17.0))
    (ticket,) = station.desk.rows("SELECT ticket_id, home_id FROM ticket")
    held = timedelta(seconds=180)  # the incident rule's settle_s, and a minute
    station.step(NOON + held - timedelta(seconds=1))
    assert station.told() == []
    joined = (
        "WITH made AS (INSERT INTO incident (kind, substation_id, station, ticket_id, why, opened_at) "
        "SELECT 'cold_homes', substation_id, 'North', %s, '{}', %s FROM substation WHERE station = 'North' "
        "RETURNING incident_id) INSERT INTO incident_ticket (incident_id, ticket_id, joined_at) "
        "SELECT incident_id, %s, %s FROM made"
    )
    conn.execute(joined, (ticket["ticket_id"], NOON, ticket["ticket_id"], NOON))
    for minute in range(3, 30):
        station.step(NOON + minute * MINUTE)
    assert station.told() == []
    conn.execute("UPDATE incident_ticket SET left_at = %s, left_reason = 'stayed_cold'", (NOON + 30 * MINUTE,))
    for minute in range(30, 42):
        station.step(NOON + minute * MINUTE)
    assert [(step, name) for _, step, name, _ in station.told()] == [("on_call", "a")]


def test_a_ticket_that_opens_again_or_goes_to_another_station_calls_out_again(station: Station) -> None:
    desk, conn = station.desk, station.desk.conn
    station.add("s", station="South")
    rota.keep(conn, "South", station.people["s"], NOON - DAY)
    ticket = desk.phoned(NOON)
    station.step(NOON)
    desk.let(ticket, EventKind.ASSIGNED, NOON + MINUTE, station="South")
    desk.let(ticket, EventKind.ASSIGNED, NOON + MINUTE, station="South", responsible="s")  # once is enough
    for minute in range(1, 5):
        station.step(NOON + minute * MINUTE)
    desk.let(ticket, EventKind.ACCEPTED, NOON + 5 * MINUTE, responsible="s", opinion="x")
    with conn.transaction():
        void(conn, SEED, ticket, {"reason": "x"}, NOON + 6 * MINUTE, "somebody")
    desk.let(ticket, EventKind.REOPENED, NOON + 7 * MINUTE, reason="x")
    station.step(NOON + 7 * MINUTE)
    assert station.told() == [
        (ticket, "on_call", "a", NOON),
        (ticket, "lead", "s", NOON + MINUTE),
        (ticket, "lead", "s", NOON + 7 * MINUTE),
    ]
    assert [kind for kind, _, _ in station.outbox()].count("ticket_assigned") == 2


def test_a_message_goes_to_the_telephone_that_the_person_has_now(station: Station) -> None:
    conn = station.desk.conn
    notice_rows.set_staff(conn, [], NOON)
    station.desk.phoned(NOON)
    station.step(NOON)
    expand(conn, SEED, NOON)
    write(conn, SEED, NOON)
    conn.execute("UPDATE staff SET telephone = '+86 (24) 555-0101' WHERE name = 'a'")
    notice_rows.set_staff(conn, [], NOON)  # the file of recipients has no people
    (message,) = notice_rows.claim(conn, NOON, HOUR, 10)
    assert (message.is_person, message.channel, message.address) == (True, "sms", "+86 (24) 555-0101")
    recipients = load('[people]\nsms = "jsons://sms.example/{to}"', "test")
    found = recipients.of_person("sms", message.address or "")
    assert found is not None
    assert found.url == "jsons://sms.example/%2B86245550101"
    told = conn.execute("SELECT recipient, audience FROM notice_told").fetchall()
    assert told == [(f"staff {station.people['a']} (a)", "person")]
    conn.execute("UPDATE staff SET active_to = %s WHERE name = 'a'", (NOON + MINUTE,))
    (late,) = notice_rows.claim(conn, NOON + 2 * HOUR, HOUR, 10)
    assert late.address is None  # nobody is told after the time with the company is over


@pytest.mark.parametrize(
    "text",
    ['[people]\nsms = "jsons://sms.example"', '[people]\nsms = "no address {to}"', "people = 1",
     '[[recipient]]\nname = "staff 7 (x)"\naudience = "dispatch"\nlanguage = "zh"\nchannels = {a = "json://x"}'],
)  # fmt: skip
def test_a_file_that_could_not_reach_people_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"test: (people|recipient)"):
        load(text, "test")


def test_a_rollback_takes_its_call_out_along(station: Station) -> None:
    with station.desk.conn.transaction(force_rollback=True):
        station.desk.phoned(NOON)
        assert len(station.desk.rows("SELECT * FROM call_out")) == 1
    assert station.desk.rows("SELECT * FROM call_out") == []


def test_several_processes_take_each_step_once(station: Station, plain_database: Database) -> None:
    tickets = [station.desk.phoned(NOON, home=1 + nth % 3, belongs=ANOTHER) for nth in range(12)]
    on_call.set_people(station.desk.conn, ["sms"], NOON)

    def work() -> None:
        with plain_database.connect(autocommit=True) as conn:
            for minute in range(0, 40, 2):
                on_call.call_out(conn, SEED, NOON + minute * MINUTE)

    assert at_once(work, work, work) == []
    told = [(ticket, step) for ticket, step, _, _ in station.told()]
    assert sorted(told) == sorted((t, step) for t in tickets for step in ("on_call", "lead", "dispatch"))
    assert len(station.outbox()) == 3 * len(tickets)


@dataclass(frozen=True)
class Told:
    """The world as the oracle knows it of the world, in minutes from noon."""

    shifts: list[tuple[str, int, int]]
    reachable: set[str]
    lead: str | None

    def of(self, opened: int, accepted: int) -> set[tuple[str, str | None, int]]:
        """Return who hears of a ticket at which step and when: minute by minute, from the words of the rule."""
        heard: set[tuple[str, str | None, int]] = set()
        waits, stage = 0, 0
        for minute in range(opened, 600):
            if waits > 0:
                waits -= 1
            if minute >= accepted:
                break
            if waits or stage > 2:
                continue
            names = {name for _, name, _ in heard}
            on_duty = {
                who for who, begin, end in self.shifts if begin <= minute < end and who in self.reachable
            } - names
            the_lead = {self.lead} & self.reachable - names
            if stage == 0 and on_duty:
                heard |= {("on_call", who, minute) for who in on_duty}
                stage, waits = 1, 10
            elif stage <= 1 and the_lead:
                heard |= {("lead", who, minute) for who in the_lead}
                stage, waits = 2, 10
            else:
                heard.add(("dispatch", None, minute))
                stage = 3
        return heard


@pytest.mark.parametrize("seed", range(6))
def test_who_is_told_when_is_what_the_rule_says(station: Station, seed: int) -> None:
    """Days at random: overlaps, gaps, people without a telephone, a lead who is on call, late answers."""
    desk, chance = station.desk, random.Random(seed)
    rota.cancel(desk.conn, desk.rows("SELECT shift_id FROM shift")[0]["shift_id"], NOON - HOUR)
    reachable = {"a", "lead"}
    for name in ("b", "c", "d"):
        telephone = chance.choice(["13900000000", None])
        station.add(name, telephone=telephone)
        reachable |= {name} if telephone else set()
    lead = chance.choice(["lead", "a", "b", None])
    rota.keep(desk.conn, "North", station.people[lead] if lead else None, NOON)
    shifts = list[tuple[str, int, int]]()
    for name in station.people:
        begin = chance.randrange(0, 200)
        for _ in range(chance.randrange(3)):
            end = begin + chance.randrange(1, 120)
            station.plan(name, NOON + begin * MINUTE, NOON + end * MINUTE)
            shifts.append((name, begin, end))
            begin = end + chance.choice([0, 0, 30])
    tickets: dict[int, tuple[int, int]] = {}
    plan = sorted((opened, opened + chance.choice([0, 3, 10, 15, 20, 500])) for opened in chance.sample(range(240), 10))
    answers = list[tuple[int, int]]()
    on_call.set_people(desk.conn, ["sms"], NOON)
    for minute in range(300):
        now = NOON + minute * MINUTE
        for opened, accepted in plan:
            if opened == minute:
                ticket = desk.phoned(now, home=1 + len(tickets) % 3, belongs=ANOTHER)
                tickets[ticket] = (opened, accepted)
                answers.append((accepted, ticket))
        for ticket in [t for at, t in answers if at == minute]:
            desk.let(ticket, EventKind.ACCEPTED, now, responsible="x", opinion="x")
        on_call.call_out(desk.conn, SEED, now)
    world = Told(shifts, reachable, lead)
    told: dict[int, set[tuple[str, str | None, int]]] = {ticket: set() for ticket in tickets}
    for ticket, step, who, at in station.told():
        told[ticket].add((step, who, (at - NOON) // MINUTE))
    assert told == {ticket: world.of(*times) for ticket, times in tickets.items()}

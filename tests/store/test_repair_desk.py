"""Clocks, proof, relapse and the chain of the repair desk on real databases."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
import pytest

from alerts.desk import recovery
from alerts.desk.moves import HomeHasTicket, OpenThere, ReportTarget, act
from alerts.evidence import chain
from alerts.tickets import clocks
from alerts.tickets.docket import Docket, Opening
from domain.tickets import EventKind, MoveRefused, NewEvent, TicketClass, TicketSource, TooEarly
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.company import CALENDAR_2027, DAY, HOUR, SEED, Company, closed
from tests.store.desk import MINUTE, NOON

pytestmark = pytest.mark.plain_only


@pytest.fixture
def desk(database: Database) -> Iterator[Company]:
    with database.connect(autocommit=True) as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        yield Company(conn)


def test_clocks_warn_and_break_once_and_at_the_second(desk: Company) -> None:
    desk.phoned(NOON, TicketClass.LEAK)
    due = NOON + 30 * MINUTE
    assert desk.clocks()["on_site"]["warn_at"] == NOON + 22.5 * MINUTE
    for now in (
        NOON + 22 * MINUTE,
        NOON + 23 * MINUTE,
        NOON + 24 * MINUTE,
        due,
        due + timedelta(seconds=1),
        due + HOUR,
    ):
        desk.watch(now)
    # Of the answer of the station, which ran out between two looks, nobody is warned any more.
    assert desk.kinds() == ["opened", "clock_warned", "clock_breached", "clock_breached"]
    on_site = desk.clocks()["on_site"]
    assert (on_site["warned_at"], on_site["breached_at"]) == (NOON + 23 * MINUTE, due)
    told = desk.rows("SELECT kind, audience FROM outbox WHERE kind LIKE 'clock%' ORDER BY outbox_id LIMIT 4")
    assert [tuple(row.values()) for row in told] == [
        ("clock_warning", "dispatch"), ("clock_warning", "crew"),
        ("clock_breached", "dispatch"), ("clock_breached", "supervisor"),
    ]  # fmt: skip


def test_exactly_in_time_is_in_time_and_a_second_later_is_not(desk: Company) -> None:
    first = desk.phoned(NOON, TicketClass.LEAK)
    second = desk.phoned(NOON, TicketClass.LEAK, belongs=ReportTarget(new=True))
    desk.let(first, EventKind.ARRIVED, NOON + 30 * MINUTE)
    desk.let(second, EventKind.ARRIVED, NOON + 30 * MINUTE + timedelta(seconds=1))
    assert desk.clocks(first)["on_site"]["breached_at"] is None
    assert desk.clocks(second)["on_site"]["breached_at"] == NOON + 30 * MINUTE
    assert desk.kinds(second) == ["opened", "clock_breached", "arrived"]


def test_events_do_not_go_back_in_time_whoever_had_to_wait(desk: Company) -> None:
    ticket = desk.phoned(NOON, TicketClass.LEAK)
    desk.let(ticket, EventKind.REMARK, NOON + MINUTE, remark="first")
    desk.let(ticket, EventKind.ACCEPTED, NOON + MINUTE - timedelta(milliseconds=20))
    said = [row["at"] for row in desk.rows("SELECT at FROM ticket_event ORDER BY seq")]
    assert said == [NOON, NOON + MINUTE, NOON + MINUTE]


def test_what_broke_while_watch_was_down_is_noted_when_it_comes_back(desk: Company) -> None:
    ticket = desk.phoned(NOON, TicketClass.LEAK)
    desk.let(ticket, EventKind.ARRIVED, NOON + 2 * HOUR)
    desk.watch(NOON + 2 * DAY)
    broken = {name: row["breached_at"] for name, row in desk.clocks().items() if row["breached_at"]}
    assert broken == {
        "on_site": NOON + 30 * MINUTE, "station_reply": NOON + HOUR, "done": NOON + DAY
    }  # fmt: skip
    assert desk.kinds().count("clock_breached") == 3


def test_a_cold_home_is_done_when_it_has_been_warm_for_long_enough(desk: Company) -> None:
    desk.say(("s1", NOON, 17.0))
    desk.let(1, EventKind.DONE, NOON + HOUR)
    assert desk.ticket()["state"] == "verifying"
    assert desk.rows("SELECT number, flagged FROM ticket_verifying") == [{"number": "T00000001", "flagged": True}]
    # Warm for 55 minutes; the flag has cleared after 30.
    end = desk.warm_up(NOON + HOUR, 55)
    assert (desk.ticket()["state"], desk.flags()[0]["clear_reason"]) == ("verifying", "recovered")
    desk.warm_up(end + 5 * MINUTE, 10)
    assert (desk.ticket()["state"], desk.ticket()["proof"]) == ("done", "readings")
    assert desk.kinds()[-2:] == ["recovered", "proven"]
    now = NOON + 3 * HOUR
    for kind, data in (("replied", {"text": "x", "channel": "phone"}), ("called_back", {"satisfied": True})):
        with pytest.raises(MoveRefused, match="closing still needs"):
            desk.let(1, EventKind.CLOSED, now)
        now = NOON + 2 * DAY + HOUR  # two days after the work
        desk.let(1, EventKind(kind), now, **data)
    desk.let(1, EventKind.CLOSED, now)
    assert desk.ticket()["closed_at"] == now


def test_a_home_that_wavers_over_the_limit_is_proven_by_its_readings(desk: Company) -> None:
    desk.say(("s1", NOON, 17.0))
    desk.warm_up(NOON + 5 * MINUTE, 40)
    start = NOON + 50 * MINUTE
    for n in range(30):  # never an hour in one and the same state, always at the limit or above
        desk.say(("s1", start + 5 * n * MINUTE, 18.0 if n % 2 else 18.3))
    now = start + 146 * MINUTE
    desk.let(1, EventKind.DONE, now)
    assert desk.ticket()["state"] == "verifying"
    desk.watch(now)
    assert (desk.ticket()["state"], desk.ticket()["proof"]) == ("done", "readings")


def test_silence_proves_nothing_and_the_desk_hears_of_it_once(desk: Company) -> None:
    desk.say(("s1", NOON, 17.0))
    end = desk.warm_up(NOON + 5 * MINUTE, 40)
    desk.let(1, EventKind.DONE, end)
    for hours in (1, 5, 6, 7, 12):
        desk.watch(end + hours * HOUR)
    assert desk.ticket()["state"] == "verifying"
    assert desk.kinds().count("still_cold") == 1
    assert desk.rows("SELECT count(*) AS n FROM outbox WHERE kind = 'still_cold'") == [{"n": 2}]


def test_a_signed_measurement_proves_what_no_sensor_can(desk: Company) -> None:
    ticket = desk.phoned(NOON, TicketClass.COLD)
    for celsius, state in ((17.5, "verifying"), (18.0, "done")):
        if celsius < 18:
            desk.let(ticket, EventKind.DONE, NOON + HOUR)
        with desk.conn.transaction():
            signed = recovery.SignedMeasurement("M1", celsius, limit=18.0)
            told = recovery.measured(desk.conn, SEED, 1, signed, NOON + HOUR, "crew")
        assert (told, desk.ticket()["state"]) == (ticket, state)
    assert desk.ticket()["proof"] == "measurement"


def test_a_measurement_before_the_work_was_marked_done_counts_too(desk: Company) -> None:
    ticket = desk.phoned(NOON, TicketClass.COLD)
    with desk.conn.transaction():
        signed = recovery.SignedMeasurement("M1", celsius=20, limit=18)
        recovery.measured(desk.conn, SEED, 1, signed, NOON + HOUR, "crew")
    desk.let(ticket, EventKind.DONE, NOON + HOUR)
    assert desk.ticket()["state"] == "done"


@pytest.mark.parametrize(("later", "same"), [(49 * HOUR, True), (72 * HOUR, True), (73 * HOUR, False)])
def test_a_relapse_within_the_call_back_time_opens_the_ticket_again(
    desk: Company, later: timedelta, same: bool
) -> None:
    done = closed(desk)
    desk.say(("s1", done + later, 17.0))
    flags = desk.flags()
    assert [flag["ticket_id"] for flag in flags] == ([1, 1] if same else [1, 2])
    again = desk.ticket(1 if same else 2)
    assert (again["state"], again["round"], again["follows"]) == ("open", 2 if same else 1, None if same else 1)
    assert again["proof"] is None
    fresh = desk.clocks(1, 2) if same else desk.clocks(2)
    assert fresh["contact"]["due_at"] == done + later + 30 * MINUTE
    if same:
        assert desk.kinds()[-1] == "relapsed"
        assert all(row["met_at"] for row in desk.clocks(1, 1).values())  # the first round stays as it was


def test_cold_again_before_the_proof_is_the_same_round_and_its_clock_runs_on(desk: Company) -> None:
    desk.say(("s1", NOON, 17.0))
    end = desk.warm_up(NOON + 5 * MINUTE, 40)
    desk.let(1, EventKind.DONE, end)
    assert desk.clocks()["done"]["met_at"] == end
    desk.say(("s1", end + 5 * MINUTE, 17.0))
    ticket, done = desk.ticket(), desk.clocks()["done"]
    assert (ticket["state"], ticket["round"], ticket["done_at"]) == ("open", 1, None)
    assert (done["met_at"], done["due_at"]) == (None, NOON + DAY)
    assert desk.clocks()["call_back"]["due_at"] is None
    desk.watch(NOON + DAY + MINUTE)
    assert desk.clocks()["done"]["breached_at"] == NOON + DAY


def test_severe_while_marked_done_opens_it_again_urgently(desk: Company) -> None:
    desk.say(("s1", NOON, 17.0))
    desk.let(1, EventKind.DONE, NOON + MINUTE)
    desk.say(("s1", NOON + 5 * MINUTE, 15.0))
    assert (desk.ticket()["state"], desk.ticket()["priority"]) == ("open", 1)
    assert desk.kinds()[-2:] == ["severe", "relapsed"]


def test_rework_undoes_the_done(desk: Company) -> None:
    ticket = desk.phoned(NOON)
    desk.let(ticket, EventKind.DONE, NOON + HOUR)
    desk.let(ticket, EventKind.REPLIED, NOON + HOUR, text="x", channel="phone")
    desk.let(ticket, EventKind.REWORK, NOON + 30 * HOUR, reason="it knocks again")
    row, mine = desk.ticket(), desk.clocks()
    assert (row["state"], row["done_at"], row["replied_at"]) == ("working", None, None)
    desk.watch(NOON + 30 * HOUR)
    assert (mine["done"]["met_at"], desk.clocks()["done"]["breached_at"]) == (None, NOON + DAY)


def test_a_broken_call_back_stays_broken_whatever_comes_after(desk: Company) -> None:
    ticket = desk.phoned(NOON)
    desk.let(ticket, EventKind.DONE, NOON)
    desk.watch(NOON + 73 * HOUR)
    desk.let(ticket, EventKind.REWORK, NOON + 74 * HOUR, reason="x")
    desk.let(ticket, EventKind.DONE, NOON + 75 * HOUR)
    with pytest.raises(TooEarly) as early:
        desk.let(ticket, EventKind.CALLED_BACK, NOON + 76 * HOUR, satisfied=True)
    assert early.value.allowed_from == NOON + (75 + 48) * HOUR
    desk.let(ticket, EventKind.CALLED_BACK, NOON + (75 + 48) * HOUR, satisfied=True)
    call_back = desk.clocks()["call_back"]
    assert (call_back["breached_at"], call_back["met_at"]) == (NOON + 72 * HOUR, NOON + (75 + 48) * HOUR)


def test_a_call_back_is_refused_by_the_database_before_its_time(desk: Company) -> None:
    ticket = desk.phoned(NOON)
    desk.let(ticket, EventKind.DONE, NOON)
    call_back = desk.clocks()["call_back"]
    assert (call_back["started_at"], call_back["due_at"]) == (NOON + 48 * HOUR, NOON + 72 * HOUR)
    assert call_back["warn_at"] == NOON + 66 * HOUR  # three quarters of its own time
    with pytest.raises(psycopg.errors.CheckViolation, match="clock_begun"):
        desk.conn.execute("UPDATE clock SET met_at = %s WHERE name = 'call_back'", (NOON + HOUR,))


def test_a_flag_that_late_data_takes_away_closes_after_an_answer_without_a_call_back(desk: Company) -> None:
    desk.say(("s1", NOON, 17.0))
    desk.conn.execute("UPDATE flag SET cleared_at = %s, clear_reason = 'withdrawn'", (NOON,))
    desk.let(1, EventKind.DONE, NOON + MINUTE)
    assert (desk.ticket()["state"], desk.ticket()["proof"]) == ("done", "withdrawn")
    with pytest.raises(MoveRefused, match=r"closing still needs reply$"):
        desk.let(1, EventKind.CLOSED, NOON + MINUTE)
    desk.let(1, EventKind.REPLIED, NOON + MINUTE, text="a sensor was wrong", channel="phone")
    desk.let(1, EventKind.CLOSED, NOON + MINUTE)
    call_back = desk.clocks()["call_back"]  # nobody has to call, and nobody has
    assert (call_back["met_at"], call_back["void_at"]) == (None, NOON + MINUTE)


def test_long_cold_becomes_urgent_by_itself_once(desk: Company) -> None:
    desk.say(("s1", NOON, 17.0))
    for hours in (1, 24, 25):
        desk.say(("s1", NOON + hours * HOUR, 17.0))
        desk.watch(NOON + hours * HOUR)
    assert desk.ticket()["priority"] == 1
    assert desk.kinds().count("priority") == 1


def test_a_cold_home_that_was_phoned_in_takes_the_flag_that_comes_later(desk: Company) -> None:
    ticket = desk.phoned(NOON, TicketClass.COLD)
    with pytest.raises(OpenThere):
        desk.phoned(NOON, TicketClass.COLD)
    with pytest.raises(HomeHasTicket):
        desk.phoned(NOON, TicketClass.COLD, belongs=ReportTarget(new=True))
    desk.say(("s1", NOON + MINUTE, 17.0))
    assert [flag["ticket_id"] for flag in desk.flags()] == [ticket]
    assert desk.kinds() == ["opened", "flag_joined"]


def test_past_the_known_year_the_ticket_is_kept_and_its_clock_dated_later(desk: Company) -> None:
    start = datetime(2026, 12, 28, 10, tzinfo=NOON.tzinfo)
    docket = Docket(desk.conn, SEED, start)
    with desk.conn.transaction():
        ticket = docket.open(Opening(ticket_class=TicketClass.COMPLAINT, source=TicketSource.PHONE, priority=3))
        docket.write()
    (answer,) = desk.clocks().values()
    assert (answer["due_at"], answer["started_at"]) == (None, start)
    (undated,) = desk.rows("SELECT data FROM ticket_event WHERE kind = 'clock_undated'")
    assert undated["data"]["year"] == 2027
    assert "2027: list them in the policy under [calendar]" in undated["data"]["what"]
    assert desk.rows("SELECT kind, data FROM outbox") == [{"kind": "calendar_missing", "data": {"year": 2027}}]
    clocks.date_undated(desk.conn, SEED, start + DAY)
    assert desk.clocks()["answer"]["due_at"] is None
    desk.let(ticket, EventKind.REPLIED, start + 30 * DAY, text="x", channel="letter")
    clocks.date_undated(desk.conn, CALENDAR_2027, start + 31 * DAY)
    answer = desk.clocks()["answer"]
    # 29, 30, 31 December, 4 and 5 January; and it had been answered too late.
    due = datetime(2027, 1, 6, tzinfo=NOON.tzinfo)
    assert (answer["due_at"], answer["breached_at"]) == (due, due)
    assert desk.kinds()[-2:] == ["clock_dated", "clock_breached"]
    assert chain.verify(desk.conn).faults == 0


def test_a_ticket_whose_clocks_cannot_be_dated_stops_no_other(desk: Company) -> None:
    start = desk.two_undated()
    desk.conn.execute("ALTER TABLE clock ADD CONSTRAINT no_luck CHECK (ticket_id > 1 OR due_at IS NULL)")
    dated = "SELECT DISTINCT ticket_id FROM clock WHERE due_at IS NOT NULL"
    clocks.date_undated(desk.conn, CALENDAR_2027, start + DAY)
    assert desk.rows(dated) == [{"ticket_id": 2}]


REFUSED = [
    "UPDATE ticket_event SET data = '{}'",
    "DELETE FROM ticket_event",
    "TRUNCATE ticket_event",
    "DELETE FROM ticket",
    "TRUNCATE ticket CASCADE",
    "DELETE FROM clock",
    "DELETE FROM flag",
    "UPDATE clock SET breached_at = NULL WHERE name = 'on_site'",
    "UPDATE clock SET due_at = due_at + interval '1 day', breached_at = breached_at + interval '1 day'",
    "UPDATE ticket SET opened_at = opened_at + interval '1 day'",
    "UPDATE ticket SET class = 'repair'",
    "DELETE FROM chain_seal",
]


@pytest.mark.parametrize("statement", REFUSED)
@pytest.mark.parametrize("replica", [False, True])
def test_not_even_the_owner_takes_anything_away(desk: Company, statement: str, replica: bool) -> None:
    desk.phoned(NOON, TicketClass.LEAK)
    desk.watch(NOON + 40 * MINUTE)
    if replica:
        desk.conn.execute("SET session_replication_role = replica")
    with pytest.raises(psycopg.errors.RestrictViolation, match="records are kept"):
        desk.conn.execute(statement.encode())


def test_a_cold_ticket_cannot_be_closed_without_proof_by_whatever_way(desk: Company) -> None:
    desk.say(("s1", NOON, 17.0))
    with pytest.raises(psycopg.errors.CheckViolation, match="ticket_closed_for_good"):
        desk.conn.execute("UPDATE ticket SET state = 'closed', closed_at = now(), done_at = now(), replied_at = now()")


# Each with triggers off, as the owner of the machine might do it; `%` is the ticket.
TAMPERINGS = [
    ("UPDATE ticket_event SET data = '{}' WHERE seq = 1", "event 1 is not what was written"),
    ("UPDATE ticket_event SET at = at + interval '1 us' WHERE seq = 2", "event 2 is not what was written"),
    ("UPDATE ticket_event SET actor = 'me' WHERE seq = 2", "event 2 is not what was written"),
    ("DELETE FROM ticket_event WHERE seq = 2", "event 2 is missing"),
    ("DELETE FROM ticket_event WHERE seq = (SELECT max(seq) FROM ticket_event)", "there were 1 events under it"),
    (
        "UPDATE ticket SET state = 'closed', closed_at = now(), retrospective = true",
        "is closed, its last event left it",
    ),
    ("UPDATE clock SET breached_at = NULL", "is told by its events and not by the clock"),
    (
        "UPDATE clock SET due_at = due_at + interval '1 d', breached_at = NULL WHERE breached_at IS NOT NULL",
        "is told by its events and not by",
    ),
    ("DELETE FROM outbox; DELETE FROM clock; DELETE FROM ticket_event; DELETE FROM ticket", "and now there are others"),
    ("UPDATE chain_seal SET digest = sha256('x')", "is not what was written"),
    ("DELETE FROM chain_seal WHERE chain_seal_id = 1", "seal 1 is missing"),
]


@pytest.mark.parametrize(("statement", "told"), TAMPERINGS)
def test_tampering_is_found(desk: Company, statement: str, told: str) -> None:
    ticket = desk.phoned(NOON, TicketClass.LEAK)
    desk.let(ticket, EventKind.ACCEPTED, NOON + MINUTE)
    for minute in (24, 40, 50):
        desk.watch(NOON + minute * MINUTE)
        chain.seal(desk.conn, NOON + minute * MINUTE)
    assert chain.verify(desk.conn).faults == 0
    assert chain.verify(desk.conn).sealed == 4
    for table in ("ticket_event", "ticket", "clock", "chain_seal"):
        desk.conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
    desk.conn.execute(statement.encode())
    found = chain.verify(desk.conn)
    assert found.faults
    assert any(told in what for what in found.told), found.told


def test_whoever_forges_every_hash_is_found_by_a_seal_noted_elsewhere(desk: Company) -> None:
    desk.phoned(NOON, TicketClass.LEAK)
    for minute in (1, 2):
        chain.seal(desk.conn, NOON + minute * MINUTE)
    noted = chain.verify(desk.conn).last_seal
    assert noted is not None
    assert chain.verify(desk.conn, noted).faults == 0
    for table in ("ticket_event", "chain_seal"):
        desk.conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
    desk.conn.execute(
        "UPDATE ticket_event SET actor = 'me', "
        "hash = ticket_event_hash('', ticket_id, seq, at, kind, 'me', state, data)"
    )
    desk.conn.execute("DELETE FROM chain_seal")
    for minute in (3, 4):
        chain.seal(desk.conn, NOON + minute * MINUTE)
    assert chain.verify(desk.conn).faults == 0
    assert chain.verify(desk.conn, noted).faults == 1


def test_a_seal_waits_for_transactions_that_may_still_add_below_it(database: Database, desk: Company) -> None:
    desk.phoned(NOON)
    with database.connect() as slow:
        act(slow, SEED, NewEvent(1, EventKind.REMARK, {"remark": "x"}), NOON, "somebody")  # event 2, not committed
        desk.phoned(NOON, belongs=ReportTarget(new=True))  # event 3
        assert [chain.seal(desk.conn, NOON + n * MINUTE) for n in range(3)] == [0, 0, 0]
        slow.commit()
    assert chain.seal(desk.conn, NOON + 4 * MINUTE) == 3
    assert chain.verify(desk.conn).sealed == 3

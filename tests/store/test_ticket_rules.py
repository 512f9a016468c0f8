"""Rules of the desk that the database holds against every writer: open flags, closing, numbers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product
from typing import Any

import psycopg
import pytest
from psycopg import Connection, errors

from alerts.evidence import chain
from alerts.judging.history import History
from alerts.judging.rejudge import Rejudging, judge_again
from alerts.tickets.docket import Docket
from domain.closing import TicketStanding, missing
from domain.tickets import EventKind, MoveRefused, Proof, TicketClass, TicketSource
from store.base import numbers
from store.evidence import invariants
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.company import HOUR, SEED, Company, closed
from tests.store.desk import MINUTE, NOON

pytestmark = pytest.mark.plain_only

DAY = timedelta(days=1)
CLOSE = "UPDATE ticket SET state = 'closed', closed_at = now() WHERE ticket_id = 1"
IN_ORDER = (
    "UPDATE ticket SET done_at = now(), proven_at = now(), proof = 'measurement', replied_at = now(), "
    "called_back_at = now()"
)
OPEN_AGAIN = "UPDATE flag SET cleared_at = NULL, clear_reason = NULL WHERE flag_id = 1"
COLUMNS = (
    "ticket_class", "source", "retrospective", "flagged", "done", "proof", "replied", "call_back_asked", "called_back",
    "responsibility", "paid", "confirmed",
)  # fmt: skip
NO_YES = (False, True)


@pytest.fixture
def desk(plain_database: Database) -> Iterator[Company]:
    with plain_database.connect(autocommit=True) as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        yield Company(conn)


def test_the_database_and_the_rule_say_the_same_of_whatever_there_is(desk: Company) -> None:
    everything = list(
        product(
            list(TicketClass), list(TicketSource), NO_YES, NO_YES, NO_YES, [None, *Proof], NO_YES, NO_YES, NO_YES,
            [None, "company", "user"], NO_YES, NO_YES,
        )
    )  # fmt: skip
    types = ["text", "text", *["boolean"] * 3, "text", *["boolean"] * 3, "text", *["boolean"] * 2]
    given = ", ".join(f"%s::{kind}[]" for kind in types)
    names = ", ".join(COLUMNS)
    query = f"SELECT closing_needs({names}) FROM unnest({given}) WITH ORDINALITY AS x ({names}, nth) ORDER BY nth"
    columns = [[str(v) if isinstance(v, str) else v for v in column] for column in zip(*everything, strict=True)]
    said = [row[0] for row in desk.conn.execute(query.encode(), columns).fetchall()]
    assert len(said) == len(everything) == 241_920
    for case, needs in zip(everything, said, strict=True):
        assert missing(TicketStanding(**dict(zip(COLUMNS, case, strict=True)))) == needs, case


def refused(conn: Connection, *statements: str, constraint: str = "ticket_closed_for_good") -> None:
    """Assert that a transaction of these statements fails when it ends, and not before."""
    conn.execute("BEGIN")
    for statement in statements:
        conn.execute(statement.encode())
    with pytest.raises(errors.CheckViolation) as caught:
        conn.execute("COMMIT")
    assert caught.value.diag.constraint_name == constraint


def test_no_ticket_closes_over_an_open_flag_whatever_is_written_in_which_order(desk: Company) -> None:
    desk.say(("s1", NOON, 13.3))
    refused(desk.conn, IN_ORDER, CLOSE)
    refused(desk.conn, CLOSE, IN_ORDER)
    desk.conn.execute("UPDATE flag SET suspended_at = now()")
    refused(desk.conn, IN_ORDER, CLOSE)
    with desk.conn.transaction():
        desk.conn.execute(CLOSE.encode())
        desk.conn.execute(IN_ORDER.encode())
        desk.conn.execute("UPDATE flag SET cleared_at = now(), clear_reason = 'recovered'")
    # Neither the flag that is over, nor a new one, opens on a ticket that is closed.
    refused(desk.conn, OPEN_AGAIN, constraint="flag_has_ticket")
    new = (
        "INSERT INTO flag (home_id, severity, cold_since, confirmed_at, raised_at, lowest, limit_celsius, policy, why, "
        "ticket_id) SELECT home_id, 1, now(), now(), now(), 17, 18, policy, why, {} FROM flag WHERE flag_id = 1"
    )
    for ticket in (1, desk.phoned(NOON, TicketClass.REPAIR), 99):
        with pytest.raises(errors.CheckViolation) as caught:
            desk.conn.execute(new.format(ticket).encode())
        assert caught.value.diag.constraint_name == "flag_has_ticket"
    with desk.conn.transaction():
        desk.conn.execute(OPEN_AGAIN.encode())
        desk.conn.execute("UPDATE ticket SET state = 'open', closed_at = NULL WHERE ticket_id = 1")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO clock (ticket_id, name) VALUES (1, 'x'), (99, 'done')",
        "INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state) VALUES (99, 0, now(), 'x', 'x', 'open')",
        "INSERT INTO outbox (at, kind, audience, urgent, ticket_id) VALUES (now(), 'x', 'crew', false, 99)",
        "UPDATE clock SET ticket_id = 99",
        "UPDATE outbox SET ticket_id = 99",
    ],
)
def test_nothing_is_of_a_ticket_that_is_not_there(desk: Company, statement: str) -> None:
    desk.say(("s1", NOON, 17.0))
    with pytest.raises((errors.ForeignKeyViolation, errors.RestrictViolation)):
        desk.conn.execute(statement.encode())


@pytest.mark.parametrize("first", ["ticket", "flag"])
def test_nor_when_two_transactions_do_half_of_it_each(desk: Company, plain_database: Database, first: str) -> None:
    desk.say(("s1", NOON, 13.3))
    with desk.conn.transaction():
        desk.conn.execute(IN_ORDER.encode())
        desk.conn.execute("UPDATE flag SET cleared_at = now(), clear_reason = 'recovered'")
    halves = {"ticket": CLOSE, "flag": OPEN_AGAIN}
    (second,) = halves.keys() - {first}
    with plain_database.connect() as one, plain_database.connect() as two, ThreadPoolExecutor(1) as pool:
        one.execute(halves[first].encode())
        one.execute("SET CONSTRAINTS ALL IMMEDIATE")  # has looked already, and not committed

        def other() -> None:
            two.execute(halves[second].encode())
            two.commit()

        waits = pool.submit(other)
        with pytest.raises(TimeoutError):
            waits.result(timeout=0.5)
        one.commit()
        with pytest.raises(errors.CheckViolation):
            waits.result(timeout=30)
    assert invariants.violations(desk.conn)["open_flag_closed_ticket"] == []


def test_nor_at_an_isolation_that_does_not_see_the_other_one(desk: Company, plain_database: Database) -> None:
    desk.say(("s1", NOON, 17.0))
    with plain_database.connect() as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.execute("UPDATE flag SET cleared_at = now(), clear_reason = 'recovered'")
        conn.execute(IN_ORDER.encode())
        conn.execute(CLOSE.encode())
        with pytest.raises(errors.InvalidTransactionState):
            conn.commit()


def test_the_desk_is_told_that_a_flag_is_open(desk: Company) -> None:
    desk.say(("s1", NOON, 13.3))
    desk.let(1, EventKind.DONE, NOON)
    desk.let(1, EventKind.REPLIED, NOON, text="x", channel="phone")
    # As a proof of before the rule may have left it.
    desk.conn.execute("UPDATE ticket SET state = 'done', proven_at = now(), proof = 'measurement'")
    with pytest.raises(MoveRefused, match="closing still needs proof, call_back"):
        desk.let(1, EventKind.CLOSED, NOON + HOUR)


def test_a_flag_that_late_data_opens_again_opens_its_closed_ticket_too(desk: Company) -> None:
    end = closed(desk)
    desk.conn.execute("UPDATE point SET offset_k = -9")
    with desk.conn.transaction():
        judge_again(desk.conn, History(SEED), [1], NOON.date(), end + HOUR)
    (flag,) = desk.flags()
    assert (flag["cleared_at"], flag["ticket_id"]) == (None, 1)
    assert desk.ticket()["state"] == "open"
    assert chain.verify(desk.conn).told == []


def test_a_flag_found_over_that_is_not_gets_a_ticket_in_work(desk: Company) -> None:
    """Its own is evidence only, born closed."""
    for minute in range(0, 300, 5):
        desk.say(("s1", NOON + minute * MINUTE, 19.0))
    end = NOON + 300 * MINUTE
    desk.conn.execute("UPDATE reading SET temperature = 16.5 WHERE measured_at < %s", (NOON + 2 * HOUR,))
    with desk.conn.transaction():
        judge_again(desk.conn, History(SEED), [1], NOON.date(), end)
    assert desk.rows("SELECT state, retrospective FROM ticket") == [{"state": "closed", "retrospective": True}]
    desk.conn.execute("UPDATE reading SET temperature = 16.5")
    with desk.conn.transaction():
        judge_again(desk.conn, History(SEED), [1], NOON.date(), end)
    (flag,) = desk.flags()
    assert (flag["cleared_at"], flag["ticket_id"]) == (None, 2)
    assert desk.ticket(2)["state"] == "open"
    assert not any(invariants.violations(desk.conn).values())


@pytest.mark.parametrize(("worked", "ticket"), [(True, 1), (False, 2)])
def test_a_flag_whose_ticket_was_closed_over_it_before_the_rule_gets_one_in_work(
    desk: Company, worked: bool, ticket: int
) -> None:
    desk.say(("s1", NOON, 13.3))
    desk.conn.execute("ALTER TABLE ticket DISABLE TRIGGER USER")
    desk.conn.execute(CLOSE.encode())
    if worked:
        desk.conn.execute("UPDATE ticket SET done_at = %s", (NOON,))
    desk.conn.execute("ALTER TABLE ticket ENABLE TRIGGER USER")
    desk.watch(NOON + HOUR)
    assert (desk.flags()[0]["ticket_id"], desk.ticket(ticket)["state"]) == (ticket, "open")
    assert desk.clocks(ticket, 2 if worked else 1)["contact"]["due_at"] == NOON + HOUR + 30 * MINUTE
    assert invariants.violations(desk.conn)["open_flag_closed_ticket"] == []


FORGOTTEN = "UPDATE home_state SET flag_id = NULL; DELETE FROM flag"
OVER = "UPDATE flag SET cleared_at = now(), clear_reason = 'recovered'"
VIOLATIONS = [
    ("open_flag_closed_ticket", "UPDATE ticket SET retrospective = true; " + CLOSE, "ticket T00000001"),
    ("flag_without_ticket", "UPDATE ticket SET class = 'repair'", "flag 1"),
    ("closed_without_need", f"{OVER}; {CLOSE}", "needs done and proof"),
    ("flag_gone", FORGOTTEN, "flag 1"),
    ("number_gone", FORGOTTEN, "kind flag, number 1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "forgery", "told"), VIOLATIONS)
def test_verify_finds_what_got_around_the_database(desk: Company, name: str, forgery: str, told: str) -> None:
    desk.say(("s1", NOON, 13.3))
    assert chain.verify(desk.conn).told == []
    for table in ("ticket", "flag"):
        desk.conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
    desk.conn.execute(forgery.encode())
    assert invariants.violations(desk.conn)[name]
    assert any(line.startswith(f"{name}: ") and told in line for line in chain.verify(desk.conn).told)


def sequences(conn: Connection) -> dict[str, Any]:
    rows = conn.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall()
    return dict(rows) | dict(conn.execute("SELECT kind, last FROM numbering").fetchall())


def test_what_is_rolled_back_takes_no_number(desk: Company) -> None:
    for _ in range(3):
        with desk.conn.transaction(force_rollback=True):
            desk.say(("s1", NOON, 13.3))
    desk.say(("s1", NOON, 13.3))
    assert [desk.ticket()["number"], desk.flags()[0]["flag_id"]] == ["T00000001", 1]


def test_a_dry_run_tells_the_same_and_touches_no_sequence(desk: Company) -> None:
    for minute in range(0, 300, 5):
        desk.say(("s1", NOON + minute * MINUTE, 19.0))
    desk.conn.execute("UPDATE reading SET temperature = 16.5 WHERE measured_at < %s", (NOON + 2 * HOUR,))
    before, told = sequences(desk.conn), []
    for dry in (True, False):
        with desk.conn.transaction(force_rollback=dry):
            rejudging = Rejudging(desk.conn, History(SEED), NOON + 6 * HOUR, dry)
            outcome = rejudging.days([1], NOON.date(), NOON.date() + DAY)
        told.append((outcome.days, outcome.changes))
        assert (sequences(desk.conn) == before) == dry
    assert told[0] == told[1]
    assert len(told[0][1]) == 1


def test_numbers_that_were_reserved_and_not_used_go_back(desk: Company) -> None:
    docket = Docket(desk.conn, SEED, NOON)
    with desk.conn.transaction():
        docket.reserve(10)
        docket.write()
    assert list(numbers.take(desk.conn, numbers.NumberKind.TICKET, 2)) == [1, 2]


@pytest.mark.parametrize("number", [1, 99_999_999, 100_000_000, 1_234_567_890])
def test_a_number_is_the_same_text_everywhere(desk: Company, number: int) -> None:
    row = desk.conn.execute("SELECT number_text('T', %s)", (number,)).fetchone()
    assert row == (f"T{number:08}",)

"""Applications for heat from the first word to a warm home, and what the database refuses on the way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import pytest
from psycopg.errors import CheckViolation, RestrictViolation, UniqueViolation

from alerts.desk.applications import Applicant, AppliedBefore, apply, bars, sign
from domain.applications import ApplicationKind, Document, NewApplication
from domain.tickets import EventKind, MoveRefused, TicketSource
from store.evidence import invariants
from store.tickets import application_rows
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.company import DAY, HOUR, Company
from tests.store.desk import NOON

CONNECT, STOP, RESUME = ApplicationKind.CONNECT, ApplicationKind.STOP, ApplicationKind.RESUME
MINUTE = timedelta(minutes=1)
Step: TypeAlias = tuple[EventKind, dict[str, Any]]
PASSED = {"stage": "completion", "passed": True, "findings": "all tight", "persons": "Li, Wang"}
ON = {"filled": True, "no_leaks": True, "confirmation": "A-1"}
OFF = {
    "own_branches": True, "pipe_removed": True, "ends_insulated": True, "drained": True, "no_leaks": True,
    "confirmation": "A-2",
}  # fmt: skip


@pytest.fixture
def desk(plain_database: Database) -> Iterator[Company]:
    """A company with a home whose heat is stopped (1, H1) and a neighbour that has heat (2, H2)."""
    with plain_database.connect(autocommit=True) as conn:
        place = town.building(conn)
        town.sensor(conn, "s1", town.home(conn, "H1", building_id=place, status=((None, "stopped"),)))
        town.sensor(conn, "s2", town.home(conn, "H2", building_id=place))
        yield Company(conn)


def applied(desk: Company, kind: ApplicationKind, now: datetime, home: int = 1) -> int:
    """Receive an application."""
    new = NewApplication(kind=kind, documents=(Document.IDENTITY, Document.OWNERSHIP), home_id=home)
    with desk.conn.transaction():
        return apply(desk.conn, desk.rules, new, Applicant(TicketSource.USER, "please", "13900000000"), now, "user")


def through(desk: Company, ticket: int, now: datetime, *moves: Step) -> datetime:
    """Make moves, a minute apart; returns when the last one was made."""
    for kind, data in moves:
        now += MINUTE
        desk.let(ticket, kind, now, **data)
    return now


TO_NOTICE: tuple[Step, ...] = (
    (EventKind.PLAN_ANSWERED, {"plan": "a valve"}),
    (EventKind.INSPECTED, PASSED),
    (EventKind.CONTRACT_OFFERED, {"contract": "C-7", "terms": "18 degrees"}),
    (EventKind.CONTRACT_SIGNED, {"confirmation": "paper 7"}),
    (EventKind.HEAT_NOTICE, {}),
)


def heat(desk: Company, home: int = 1) -> list[tuple[str, bool]]:
    """Return the heat status of a home, and whether each was taken over."""
    rows = desk.rows(f"SELECT status, taken_over FROM home_status WHERE home_id = {home} ORDER BY since")
    return [(row["status"], row["taken_over"]) for row in rows]


def test_a_family_applies_and_is_warm(desk: Company) -> None:
    ticket = applied(desk, CONNECT, NOON)
    assert desk.ticket(ticket)["class"] == "application"
    assert set(desk.clocks(ticket)) == {"plan_answer", "heat_at_once"}
    # Thursday noon: Friday, Monday and Tuesday count.
    assert desk.clocks(ticket)["plan_answer"]["due_at"] == datetime(2026, 1, 20, 16, tzinfo=UTC)
    desk.say(("s1", NOON, 12.0))
    assert desk.rows("SELECT state FROM home_state WHERE home_id = 1") == [{"state": 0}]  # stopped: not judged
    now = through(desk, ticket, NOON, *TO_NOTICE)
    assert desk.clocks(ticket)["plan_answer"]["met_at"] == NOON + MINUTE
    clock = desk.clocks(ticket)["heat_at_once"]
    assert (clock["started_at"], clock["due_at"]) == (now, now + DAY)
    assert heat(desk) == [("stopped", False)]  # a notice is no heat yet
    now = through(desk, ticket, now, (EventKind.HEAT_ON, ON))
    assert heat(desk) == [("stopped", False), ("on", False)]
    assert desk.ticket(ticket)["state"] == "done"
    assert desk.rows("SELECT from_at FROM rejudge WHERE home_id = 1") == [{"from_at": now}]
    told = desk.rows(f"SELECT data ->> 'notice' AS n FROM ticket_event WHERE ticket_id = {ticket} AND kind = 'heat_on'")
    assert told == [{"n": "N00000001"}]
    through(desk, ticket, now, (EventKind.REPLIED, {"text": "warm", "channel": "phone"}), (EventKind.CLOSED, {}))
    assert all(not found for found in invariants.violations(desk.conn, invariants.HOUSE).values())
    assert all(not found for found in invariants.violations(desk.conn).values())


def test_steps_wait_for_each_other_and_are_taken_once(desk: Company) -> None:
    ticket = applied(desk, CONNECT, NOON)
    for kind, data in ((EventKind.HEAT_ON, ON), (EventKind.HEAT_NOTICE, {}), (EventKind.INSPECTED, PASSED)):
        with pytest.raises(MoveRefused, match="it needs"):
            desk.let(ticket, kind, NOON, **data)
    with pytest.raises(MoveRefused, match="no such step"):
        desk.let(ticket, EventKind.HEAT_OFF, NOON, **OFF)
    now = through(desk, ticket, NOON, *TO_NOTICE)
    with pytest.raises(MoveRefused, match="on record already"):
        desk.let(ticket, EventKind.HEAT_NOTICE, now)
    assert desk.rows("SELECT number FROM heat_notice") == [{"number": "N00000001"}]
    with pytest.raises(MoveRefused, match="before the company's notice"):
        desk.let(ticket, EventKind.HEAT_ON, now + HOUR, **ON, made_at=(now - MINUTE).isoformat())
    assert [kind for kind, bar in bars(desk.conn, ticket).items() if bar is None and kind.startswith("heat")] == [
        EventKind.HEAT_ON
    ]


def test_an_application_is_there_once(desk: Company) -> None:
    applied(desk, CONNECT, NOON)
    with pytest.raises(AppliedBefore, match="T00000001"):
        applied(desk, CONNECT, NOON)
    applied(desk, ApplicationKind.CHANGE_NAME, NOON)


def test_who_is_refused_is_answered(desk: Company) -> None:
    ticket = applied(desk, CONNECT, NOON)
    desk.let(ticket, EventKind.PLAN_REFUSED, NOON + 6 * DAY, reason="the network ends before the street")
    assert desk.clocks(ticket)["plan_answer"]["breached_at"] is not None  # late is late
    desk.let(ticket, EventKind.CLOSED, NOON + 6 * DAY)
    assert desk.ticket(ticket)["state"] == "closed"


def test_a_stop_follows_its_execution_and_its_end_needs_a_notice(desk: Company) -> None:
    ticket = applied(desk, STOP, NOON, home=2)
    settled: tuple[Step, ...] = (
        (EventKind.PLAN_ANSWERED, {"plan": "in May"}),
        (EventKind.FEES_SETTLED, {"reference": "F-1"}),
        (EventKind.APPROVED, {}),
    )
    now = through(desk, ticket, NOON, *settled)
    # The approver is shown the stopped home beside it, and that is on record.
    assert application_rows.neighbours(desk.conn, 2, now) == [("H1", "1", True, False)]
    told = desk.rows(f"SELECT data FROM ticket_event WHERE ticket_id = {ticket} AND kind = 'approved'")
    assert (told[0]["data"]["stopped"], told[0]["data"]["cold"]) == (1, 0)
    assert heat(desk, 2) == [("on", True)]  # the wish stops nothing
    made = now + MINUTE
    with pytest.raises(MoveRefused, match="before the company"):
        desk.let(ticket, EventKind.HEAT_OFF, now + HOUR, **OFF, made_at=(now - MINUTE).isoformat())
    for early in (f"'{now - MINUTE}'", "'-infinity'"):
        with pytest.raises(CheckViolation, match="approved"):
            desk.conn.execute(f"SELECT put_heat({ticket}, {early}, now())".encode())
    desk.let(ticket, EventKind.HEAT_OFF, now + HOUR, **OFF, made_at=made.isoformat())
    rows = desk.rows("SELECT status, since FROM home_status WHERE home_id = 2 ORDER BY since DESC LIMIT 1")
    assert rows == [{"status": "stopped", "since": made}]
    again = applied(desk, RESUME, now + DAY, home=2)
    now = through(desk, again, now + DAY, *settled, (EventKind.HEAT_NOTICE, {}), (EventKind.HEAT_ON, ON))
    assert heat(desk, 2) == [("on", True), ("stopped", False), ("on", False)]
    desk.conn.execute("INSERT INTO home_status (home_id, since, status) VALUES (2, %s, 'stopped')", [now + DAY])
    with pytest.raises(UniqueViolation, match="home_status_notice_once"):  # an old notice begins nothing again
        desk.conn.execute(
            "INSERT INTO home_status (home_id, since, status, heat_notice_id) VALUES (2, %s, 'on', 1)", [now + 2 * DAY]
        )
    assert all(not found for found in invariants.violations(desk.conn, invariants.HOUSE).values())


def test_a_stop_that_a_phone_brings_late_lies_before_the_heat_that_came_after_it(desk: Company) -> None:
    settled: tuple[Step, ...] = (
        (EventKind.PLAN_ANSWERED, {"plan": "at once"}),
        (EventKind.FEES_SETTLED, {"reference": "F-1"}),
        (EventKind.APPROVED, {}),
    )
    stop = applied(desk, STOP, NOON, home=2)
    stopped = through(desk, stop, NOON, *settled) + MINUTE
    resume = applied(desk, RESUME, stopped, home=2)
    warm = through(desk, resume, stopped, *settled, (EventKind.HEAT_NOTICE, {}), (EventKind.HEAT_ON, ON))
    desk.let(stop, EventKind.HEAT_OFF, warm + HOUR, **OFF, made_at=stopped.isoformat())
    rows = desk.rows("SELECT status, since FROM home_status WHERE home_id = 2 ORDER BY since OFFSET 1")
    assert rows == [{"status": "stopped", "since": stopped}, {"status": "on", "since": warm}]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE home_status SET since = 'infinity' WHERE home_id = 1",
        "UPDATE home_status SET recorded_at = 'infinity' WHERE home_id = 1",
        "UPDATE home_status SET home_id = 1 WHERE home_id = 2",
    ],
)
def test_no_stop_is_moved_away_and_no_heat_to_another_home(desk: Company, statement: str) -> None:
    with pytest.raises(RestrictViolation, match="records are kept"):
        desk.conn.execute(statement.encode())


def test_a_new_load_is_of_a_building(desk: Company) -> None:
    building = desk.rows("SELECT building_id FROM home WHERE home_id = 1")[0]["building_id"]
    new = NewApplication(
        kind=ApplicationKind.NEW_LOAD, documents=(Document.DRAWINGS,), building_id=building, area_m2=Decimal(900)
    )
    with desk.conn.transaction():
        ticket = apply(desk.conn, desk.rules, new, Applicant(TicketSource.LETTER, ""), NOON, "desk")
    assert set(desk.clocks(ticket)) == {"plan_answer", "heat_on"}
    now = through(
        desk, ticket, NOON, *TO_NOTICE[:2], (EventKind.FEES_SETTLED, {"reference": "F-1"}),
        (EventKind.AREA_NOTICE, {"area_m2": "900"}), *TO_NOTICE[2:],
    )  # fmt: skip
    assert desk.clocks(ticket)["heat_on"]["due_at"] == datetime(2026, 1, 22, 16, tzinfo=UTC)  # five working days
    through(desk, ticket, now, (EventKind.HEAT_ON, ON))
    assert heat(desk) == [("stopped", False), ("on", False)]
    assert heat(desk, 2) == [("on", True), ("on", False)]  # it rests on the notice from then on


def test_a_user_signs_what_was_read(desk: Company) -> None:
    ticket = applied(desk, CONNECT, NOON)
    through(desk, ticket, NOON, *TO_NOTICE[:3], (EventKind.CONTRACT_OFFERED, {"contract": "C-8", "terms": "20"}))
    for offer, fault in ((3, "changed"), (4, "changed"), (5, None)):
        with desk.conn.transaction():
            if fault:
                with pytest.raises(MoveRefused, match=fault):
                    sign(desk.conn, desk.rules, ticket, offer, NOON + HOUR, "user")
            else:
                sign(desk.conn, desk.rules, ticket, offer, NOON + HOUR, "user")
    told = desk.rows(f"SELECT data FROM ticket_event WHERE ticket_id = {ticket} AND kind = 'contract_signed'")
    assert told[0]["data"] == {"contract": "C-8", "confirmation": "online T00000001/5", "by_user": True}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO home_status (home_id, since, status) VALUES (1, now(), 'on')",
        "INSERT INTO home_status (home_id, since, status) VALUES (1, '2026-01-01', 'on')",
        "UPDATE home_status SET status = 'on' WHERE home_id = 1",
        "INSERT INTO home_status (home_id, since, status, taken_over) VALUES (1, now(), 'on', true)",
        "INSERT INTO home_status (home_id, since, status, heat_notice_id) VALUES (1, now(), 'on', 1)",
        "INSERT INTO home_status (home_id, since, status) VALUES (1, '-infinity', 'on') "
        "ON CONFLICT (home_id, since) DO UPDATE SET status = excluded.status",
        "SELECT put_heat(1, now(), now())",
    ],
)
def test_no_heat_without_a_notice(desk: Company, statement: str) -> None:
    applied(desk, CONNECT, NOON)
    with pytest.raises(CheckViolation) as refused:
        desk.conn.execute(statement.encode())
    assert refused.value.diag.constraint_name == "home_status_has_notice"
    assert heat(desk) == [("stopped", False)]


def test_a_stop_that_came_meanwhile_is_no_past_that_is_brought_along(desk: Company, plain_database: Database) -> None:
    with plain_database.connect() as loading:
        loading.execute("SELECT 1")  # an import has begun
        desk.conn.execute("INSERT INTO home_status (home_id, since, status) VALUES (2, %s, 'stopped')", [NOON])
        with pytest.raises(CheckViolation, match="is stopped"):
            loading.execute("INSERT INTO home_status (home_id, since, status) VALUES (2, %s, 'on')", [NOON + HOUR])
    assert heat(desk, 2)[-1] == ("stopped", False)


def test_a_notice_is_of_its_home_and_stays(desk: Company) -> None:
    ticket = applied(desk, CONNECT, NOON)
    with pytest.raises(CheckViolation, match="of an application"):
        desk.conn.execute(
            "INSERT INTO heat_notice (ticket_id, kind, home_id, issued_at, issued_by) "
            "VALUES (%s, 'heat', 2, now(), 'x')",
            [ticket],
        )
    through(desk, ticket, NOON, *TO_NOTICE)
    for change in (
        "UPDATE heat_notice SET home_id = 2",
        "DELETE FROM heat_notice",
        "UPDATE application SET kind = 'stop'",
    ):
        with pytest.raises(RestrictViolation):
            desk.conn.execute(change.encode())
    with pytest.raises(CheckViolation):  # not the other home's, and not before it was issued
        desk.conn.execute("INSERT INTO home_status (home_id, since, status, heat_notice_id) VALUES (2, now(), 'on', 1)")


def test_what_the_registry_brings_along_is_taken_over(desk: Company) -> None:
    """A home that comes with its past, and a line that says once more what is on record, with a notice or without."""
    with desk.conn.transaction():
        home = town.home(desk.conn, "H3", status=((None, "stopped"), (NOON - 30 * DAY, "on")))
    assert heat(desk, home) == [("stopped", False), ("on", True)]
    ticket = applied(desk, CONNECT, NOON)
    through(desk, ticket, NOON, *TO_NOTICE, (EventKind.HEAT_ON, ON))
    told = "SELECT home_id, since::text, status, heat_notice_id, taken_over FROM home_status ORDER BY 1, 2"
    before = desk.rows(told)
    desk.conn.execute(
        "INSERT INTO home_status (home_id, since, status) SELECT home_id, since, status FROM home_status "
        "ON CONFLICT DO NOTHING"
    )
    assert desk.rows(told) == before

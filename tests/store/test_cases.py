"""Complaints and reports on real databases: clocks in working days, follow-ups once each, and no name anywhere."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from alerts.desk.cases import CaseStep, NotNow, follow_up, open_case
from alerts.desk.moves import act
from domain import policy_file
from domain.cases import CaseChannel, FollowUp, NewCase, Subject
from domain.tickets import EventKind, NewEvent
from store.base.access import Scope
from store.tickets import case_rows
from tests.conftest import Database
from tests.store.desk import ZONE, Desk

pytestmark = pytest.mark.plain_only

SEED = policy_file.builtin("seed")
FRIDAY = datetime(2026, 1, 16, 15, 0, tzinfo=ZONE)
DAY = timedelta(days=1)
EVERYWHERE = Scope(True, None, [])


def new(case_class: str = "complaint", **other: Any) -> NewCase:
    filled = {
        "subject": Subject.CONDUCT,
        "channel": CaseChannel.PHONE,
        "text": "Nobody came.",
        "about_station": "North",
    }
    return NewCase(case_class=case_class, name="Wang Wu", phone="024-4711", **{**filled, **other})


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with database.connect(autocommit=True) as conn:
        yield Desk(conn)


def opened(conn: Connection, case: NewCase | None = None) -> tuple[int, str]:
    """Key and number of a new case."""
    with conn.transaction():
        ticket = open_case(conn, SEED, case or new(), FRIDAY, "the desk")
    return ticket, f"T{ticket:08}"


@pytest.mark.parametrize(("case_class", "due"), [("complaint", 23), ("report", 30)])
def test_a_case_is_a_ticket_whose_answer_is_due_in_working_days(desk: Desk, case_class: str, due: int) -> None:
    ticket, _ = opened(desk.conn, new(case_class))
    (row,) = desk.rows("SELECT class, state, home_id, station, source FROM ticket")
    assert row == {"class": case_class, "state": "open", "home_id": None, "station": "North", "source": "phone"}
    (clock,) = desk.rows("SELECT name, due_at FROM clock")
    assert clock["name"] == "answer"
    assert (clock["due_at"] - timedelta(microseconds=1)).astimezone(ZONE).date() == FRIDAY.replace(day=due).date()
    (file,) = desk.rows("SELECT ticket_id, subject, channel, about_station, anonymous FROM case_file")
    assert file == {"ticket_id": ticket, "subject": "conduct", "channel": "phone", "about_station": "North",
                    "anonymous": False}  # fmt: skip


def test_the_station_complained_about_hears_nothing_and_nobody_hears_of_a_name(desk: Desk) -> None:
    opened(desk.conn)
    opened(desk.conn, new("report"))
    told = desk.rows("SELECT kind, audience, ticket_id FROM outbox ORDER BY outbox_id")
    assert [(row["audience"], row["ticket_id"]) for row in told] == [
        ("dispatch", 1),
        ("supervisor", 1),
        ("supervisor", 2),
    ]
    for table in ("ticket", "ticket_event", "outbox", "case_file"):
        for row in desk.rows(f"SELECT t::text AS said FROM {table} AS t"):
            assert "Wang" not in row["said"]
            assert "4711" not in row["said"]
    assert desk.rows("SELECT name FROM identity.complainant ORDER BY ticket_id") == [{"name": "Wang Wu"}] * 2


def test_each_follow_up_is_made_once_and_stands_in_the_chain(desk: Desk) -> None:
    ticket, number = opened(desk.conn)
    for what in (FollowUp.ESCALATED, FollowUp.SUPERVISED, FollowUp.PUBLISHED):
        with desk.conn.transaction():
            assert follow_up(desk.conn, SEED, CaseStep(number, what, "because"), FRIDAY + DAY, "a leader")
        with pytest.raises(NotNow, match="already been done"), desk.conn.transaction():
            follow_up(desk.conn, SEED, CaseStep(number, what, "because"), FRIDAY + DAY, "a leader")
    with pytest.raises(NotNow, match="only a closed case"), desk.conn.transaction():
        follow_up(desk.conn, SEED, CaseStep(number, FollowUp.EXAMPLE), FRIDAY + DAY, "a leader")
    kinds = [row["kind"] for row in desk.rows("SELECT kind FROM ticket_event ORDER BY seq")]
    assert kinds == ["opened", "escalated", "supervised", "published"]
    assert desk.rows("SELECT audience FROM outbox WHERE kind = 'case_escalated'") == [{"audience": "supervisor"}]
    (shown,) = case_rows.cases(desk.conn, EVERYWHERE, case_rows.CaseFilter(), limit=10)
    assert (shown["escalated_at"], shown["example_at"]) == (FRIDAY + DAY, None)
    with desk.conn.transaction():
        assert not follow_up(desk.conn, SEED, CaseStep("T00000099", FollowUp.ESCALATED), FRIDAY, "a leader")
    assert ticket == 1


def test_a_closed_case_can_be_an_example(desk: Desk) -> None:
    ticket, number = opened(desk.conn)
    steps: list[tuple[EventKind, dict[str, Any]]] = [
        (EventKind.DONE, {"result": "talked to"}),
        (EventKind.REPLIED, {"text": "we are sorry", "channel": "phone"}),
        (EventKind.CLOSED, {}),
    ]
    for nth, (kind, data) in enumerate(steps):
        with desk.conn.transaction():
            act(desk.conn, SEED, NewEvent(ticket, kind, data), FRIDAY + nth * timedelta(hours=1), "the desk")
    assert desk.rows("SELECT met_at IS NOT NULL AS met FROM clock WHERE name = 'answer'") == [{"met": True}]
    with desk.conn.transaction():
        follow_up(desk.conn, SEED, CaseStep(number, FollowUp.EXAMPLE, "how to say sorry"), FRIDAY + DAY, "a leader")
    with pytest.raises(NotNow, match="is closed"), desk.conn.transaction():
        follow_up(desk.conn, SEED, CaseStep(number, FollowUp.ESCALATED), FRIDAY + DAY, "a leader")
    assert [
        row["number"] for row in case_rows.cases(desk.conn, EVERYWHERE, case_rows.CaseFilter(is_open=False), limit=9)
    ] == [number]


def test_cases_are_chosen_and_a_crew_gets_none(desk: Desk) -> None:
    _, first = opened(desk.conn)
    _, second = opened(desk.conn, new("report", subject=Subject.WRONGDOING, about_station="South"))

    def numbers(**wanted: Any) -> list[str]:
        return [
            row["number"] for row in case_rows.cases(desk.conn, EVERYWHERE, case_rows.CaseFilter(**wanted), limit=9)
        ]

    assert numbers() == [second, first]
    assert numbers(case_class="report") == [second]
    assert numbers(station="North") == [first]
    assert numbers(subject="wrongdoing") == [second]
    assert numbers(is_open=False) == []
    assert case_rows.cases(desk.conn, Scope(False, "North", []), case_rows.CaseFilter(), limit=9) == []

"""Tickets that end without work: merged into another, or void."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from alerts.evidence import chain
from domain.kpi import Month
from store.figures import kpi_rows
from tests.api import town
from tests.api.conftest import POLICY, Api
from tests.api.desk import HOUR, Answer, Desk
from tests.api.town import NOW


@pytest.fixture
def desk(plain_api: Api) -> Desk:
    return Desk(plain_api)


def merge(desk: Desk, one: Answer, into: Answer | str, status: int = 201, token: str | None = None) -> Answer:
    number = into if isinstance(into, str) else into["number"]
    return desk.move(one, "merged", token, status, into=number, reason="the same leak")


def two(desk: Desk, **body: Any) -> tuple[Answer, Answer]:
    return desk.opened("leak", new=True, **body), desk.opened("leak", new=True, contact="024-2")


def test_a_ticket_goes_on_as_another_and_both_say_so(desk: Desk) -> None:
    one, other = two(desk, contact="024-1")
    desk.api.clock.now = NOW + HOUR  # the clock of 30 minutes is broken by then
    ended = merge(desk, one, other)
    assert (ended["state"], ended["ending"], ended["merged_into"]) == ("closed", "merged", other["number"])
    assert (ended["needs"], ended["contact"], ended["description"]) == ([], "024-1", "the radiator knocks")
    clocks = desk.clocks(ended)
    assert clocks["on_site"]["breached_at"] == "2026-01-15T04:30:00Z"
    assert all(clock["void_at"] == "2026-01-15T05:00:00Z" and not clock["met_at"] for clock in clocks.values())
    assert [event["kind"] for event in ended["events"]] == ["opened", "clock_breached", "merged"]
    target = desk.api.get(f"/v1/tickets/{other['number']}", desk.user).json()
    assert (target["merged"], target["events"][-1]["data"]) == ([one["number"]], {"ticket": one["number"]})
    shown = desk.api.get(f"/v1/tickets/{one['number']}", desk.user).json()
    assert shown["events"][-1]["data"] == {"into": other["number"], "reason": "the same leak"}
    lines = desk.api.get(f"/v1/tickets/{one['number']}/receipt", desk.user).json()["lines"]
    assert {"label": "Merged into", "value": other["number"]} in lines
    assert chain.verify(desk.api.conn).told == []


def test_what_the_user_was_to_get_passes_over(desk: Desk) -> None:
    one, other = two(desk)
    desk.move(one, "responsibility", responsibility="user", paid=True)
    desk.move(other, "done")
    desk.move(other, "replied", text="x", channel="phone")
    desk.api.clock.now = NOW + 49 * HOUR
    assert desk.move(other, "called_back", satisfied=True)["needs"] == []
    merge(desk, one, other)
    target = desk.api.get(f"/v1/tickets/{other['number']}", desk.dispatcher).json()
    assert target["needs"] == ["reply", "call_back", "confirmation"]
    assert (target["responsibility"], target["paid"]) == ("user", True)


def test_a_ticket_opened_by_mistake_is_void_and_its_user_told_why(desk: Desk) -> None:
    ticket = desk.opened(contact="1")
    ended = desk.move(ticket, "void", reason="the wrong home", remark="typed 101 for 110")
    assert (ended["state"], ended["ending"], ended["needs"]) == ("closed", "void", [])
    assert ended["events"][-1]["data"] == {"reason": "the wrong home", "remark": "typed 101 for 110"}
    seen = desk.api.get(f"/v1/tickets/{ticket['number']}", desk.user).json()
    assert seen["events"][-1]["data"] == {"reason": "the wrong home"}
    told = desk.api.conn.execute("SELECT data FROM outbox WHERE kind = 'ticket_answered'").fetchall()
    assert told == [({"answer": "the wrong home"},)]
    again = desk.move(ticket, "reopened", reason="it was not wrong")
    assert (again["state"], again["ending"], again["round"]) == ("open", None, 2)
    assert chain.verify(desk.api.conn).told == []
    desk.opened("cold", new=True)


def test_a_void_ticket_is_no_earlier_one_of_its_home(desk: Desk) -> None:
    ticket = desk.opened("cold")
    desk.move(ticket, "done")
    desk.move(ticket, "void", reason="the wrong home")
    fresh = desk.opened("cold")
    assert (fresh["number"] != ticket["number"], fresh["follows"]) == (True, None)


def test_not_everything_ends_so(desk: Desk) -> None:
    api = desk.api
    one, other = two(desk)
    town.home(api.conn, "B2-1", building="B2", station="South")
    elsewhere = api.post("/v1/homes/B2-1/tickets", desk.dispatcher, **{"class": "leak", "description": "x"}).json()
    _, complaint = town.ticket(api.conn, None, kind="complaint")
    key, flagged = town.ticket(api.conn, desk.home)
    town.flag(api.conn, desk.home, key, cleared_at=NOW - HOUR)
    for number, reason in (
        (one["number"], "it is the same ticket"), (elsewhere["number"], "about another place"),
        (complaint, "of a kind that takes no merged tickets"),
    ):  # fmt: skip
        assert reason in merge(desk, one, number, 409)["detail"]
    assert merge(desk, one, "T99999999", 422)["errors"][0]["parameter"] == "into"
    for number, reason in ((complaint, "a case must be answered"), (flagged, "it has a flag")):
        assert reason in desk.move({"number": number}, "void", status=409, reason="x")["detail"]
        assert reason in merge(desk, {"number": number}, other, 409)["detail"]
    for kind, body in (("void", {"reason": "x"}), ("merged", {"into": other["number"], "reason": "x"})):
        desk.move(one, kind, desk.crew, status=403, **body)
        desk.move(one, kind, desk.user, status=403, **body)
    merge(desk, one, other)
    assert "is closed" in merge(desk, other, one, 409)["detail"]  # no circles


def test_a_cold_home_needs_a_proof_of_its_own(desk: Desk) -> None:
    cold, leak = desk.opened("cold"), desk.opened("leak", new=True)
    assert "its own proof" in merge(desk, cold, leak, 409)["detail"]


def test_two_that_are_merged_into_each_other_at_once(desk: Desk) -> None:
    one, other = two(desk)
    desk.api.conn.commit()
    headers = {"Authorization": f"Bearer {desk.dispatcher}"}

    def send(pair: tuple[Answer, Answer]) -> int:
        body = {"kind": "merged", "into": pair[1]["number"], "reason": "x"}
        return desk.api.client.post(f"/v1/tickets/{pair[0]['number']}/events", json=body, headers=headers).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, [(one, other), (other, one)])) == [201, 409]


AGAINST = [
    "UPDATE ticket SET ending = 'void', state = 'closed', closed_at = now() WHERE ticket_id = %(flagged)s",
    "UPDATE ticket SET ending = 'merged', merged_into = ticket_id, state = 'closed', closed_at = now() "
    "WHERE ticket_id = %(one)s",
    "UPDATE ticket SET ending = 'merged', merged_into = %(elsewhere)s, state = 'closed', closed_at = now() "
    "WHERE ticket_id = %(one)s",
    "UPDATE ticket SET ending = 'void' WHERE ticket_id = %(one)s",
    "UPDATE ticket SET merged_into = %(elsewhere)s WHERE ticket_id = %(one)s",
]


@pytest.mark.parametrize("statement", AGAINST)
def test_the_database_refuses_it_as_well(desk: Desk, statement: str) -> None:
    conn = desk.api.conn
    one, _ = town.ticket(conn, desk.home, kind="leak")
    elsewhere, _ = town.ticket(conn, town.home(conn, "B1-102"), kind="leak")
    flagged, _ = town.ticket(conn, desk.home)
    town.flag(conn, desk.home, flagged, cleared_at=NOW)
    conn.commit()
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(statement, {"one": one, "elsewhere": elsewhere, "flagged": flagged})
    conn.rollback()


def test_an_ending_behind_the_back_of_the_events_is_found(desk: Desk) -> None:
    desk.opened()
    conn = desk.api.conn
    conn.execute("UPDATE ticket SET ending = 'void', state = 'closed', closed_at = now()")
    conn.commit()
    assert "T00000001: ended in another way than its events tell of" in chain.verify(conn).told


def test_what_ended_so_is_in_no_figure_and_is_counted_beside_them(desk: Desk) -> None:
    one, other = two(desk)
    wrong = desk.opened(new=True)
    desk.api.clock.now = NOW + timedelta(hours=1)
    merge(desk, one, other)
    desk.move(wrong, "void", reason="x")
    conn, month = desk.api.conn, Month.of(NOW, POLICY.zone)
    kpi_rows.count_desk(conn, month.first, *month.span(POLICY.zone), NOW + timedelta(days=10))
    (company, *_) = kpi_rows.figures(conn, month.first, None)
    assert (company.desk.tickets, company.desk.merged, company.desk.void, company.desk.closed) == (1, 1, 1, 0)
    assert {clock.name: clock.due for clock in company.clocks if clock.ticket_class == "leak"}["on_site"] == 1
    assert all(clock.ticket_class != "repair" for clock in company.clocks)

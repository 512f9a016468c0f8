"""Cover the moves that a user alone makes: agreeing to pay for a repair, and rating one that was done."""

from datetime import timedelta
from typing import Any

import pytest
from psycopg.errors import CheckViolation
from psycopg.types.json import Jsonb

from tests.api import town
from tests.api.conftest import Api
from tests.api.desk import Answer, Desk
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only


@pytest.fixture
def desk(plain_api: Api) -> Desk:
    """The repair desk of a home of North."""
    return Desk(plain_api)


def tell(desk: Desk, ticket: Answer, what: str, token: str | None = None, status: int = 201, **body: object) -> Answer:
    """Rate a ticket, or answer its terms, as its customer."""
    answer = desk.api.post(f"/v1/tickets/{ticket['number']}/{what}", token or desk.user, **body)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def offered(desk: Desk, ticket: Answer, **terms: Any) -> int:
    """Tell the terms of a repair; returns the event that the user reads."""
    moved = desk.move(ticket, "responsibility", responsibility="user", paid=True, **terms)
    return int(moved["events"][-1]["seq"])


def test_a_user_agrees_to_the_terms_that_were_read(desk: Desk) -> None:
    ticket = desk.opened("leak")
    tell(desk, ticket, "agreement", status=409, offer=1, agreed=True)  # nothing is paid for
    first = offered(desk, ticket, for_what="a valve", amount="120.50")
    second = offered(desk, ticket, for_what="a valve", amount="180")
    assert "changed" in tell(desk, ticket, "agreement", status=409, offer=first, agreed=True)["detail"]
    desk.api.conn.execute("DELETE FROM outbox")
    mine = tell(desk, ticket, "agreement", offer=second, agreed=True)
    assert mine["confirmation"] == f"online {ticket['number']}/{second}"
    event = mine["events"][-1]
    assert (event["kind"], event["actor"]) == ("confirmed", "user")
    assert event["data"] == {
        "confirmation": mine["confirmation"], "agreed": True, "for_what": "a valve", "amount": "180",
        "before_work": True,
    }  # fmt: skip
    assert "confirmation" not in mine["needs"]
    told = desk.api.conn.execute("SELECT kind, audience FROM outbox ORDER BY outbox_id").fetchall()
    assert told == [("user_said", "dispatch"), ("user_said", "crew")]
    tell(desk, ticket, "agreement", status=409, offer=second, agreed=True)  # once
    # What was agreed to was for that price: another one is to be agreed to again.
    third = offered(desk, ticket, for_what="a valve", amount="200")
    assert desk.api.get(f"/v1/tickets/{ticket['number']}", desk.user).json()["confirmation"] is None
    desk.move(ticket, "arrived")
    late = tell(desk, ticket, "agreement", offer=third, agreed=True)
    assert late["events"][-1]["data"]["before_work"] is False


def test_a_user_who_does_not_agree_is_heard(desk: Desk) -> None:
    ticket = desk.opened("leak")
    offer = offered(desk, ticket, amount="99.90")
    mine = tell(desk, ticket, "agreement", offer=offer, agreed=False, text="too much")
    assert (mine["confirmation"], mine["events"][-1]["data"]) == (None, {"text": "too much", "agreed": False})
    tell(desk, ticket, "agreement", offer=offer, agreed=True)  # after a talk
    unpaid = {"kind": "responsibility", "responsibility": "user", "paid": False, "amount": "5"}
    assert desk.api.post(f"/v1/tickets/{ticket['number']}/events", desk.dispatcher, **unpaid).status_code == 422


def test_a_user_is_told_once_of_terms_that_wait_for_an_answer(desk: Desk) -> None:
    ticket = desk.opened("leak")

    def told() -> list[Any]:
        desk.api.conn.commit()
        rows = desk.api.conn.execute("SELECT kind, data FROM outbox WHERE kind = 'terms_told' ORDER BY outbox_id")
        found = rows.fetchall()
        desk.api.conn.execute("DELETE FROM outbox")
        desk.api.conn.commit()
        return found

    desk.move(ticket, "responsibility", responsibility="company", paid=False)
    assert told() == []
    offered(desk, ticket, for_what="a valve", amount="120.50")
    assert told() == [("terms_told", {"for_what": "a valve", "amount": "120.50"})]
    second = offered(desk, ticket)
    assert told() == [("terms_told", {"for_what": "not_told", "amount": "not_told"})]
    tell(desk, ticket, "agreement", offer=second, agreed=True)
    desk.move(ticket, "responsibility", responsibility="user", paid=True)  # the same once more: it is agreed to
    assert told() == []
    refused = {"kind": "responsibility", "responsibility": "user", "paid": True, "made_at": "2025-01-01T00:00:00Z"}
    assert desk.api.post(f"/v1/tickets/{ticket['number']}/events", desk.dispatcher, **refused).status_code == 422
    assert told() == []


def test_work_that_was_done_is_rated_and_changed_for_a_day(desk: Desk) -> None:
    ticket = desk.opened("leak")
    tell(desk, ticket, "rating", status=409, stars=5)
    desk.move(ticket, "done")
    for stars in (0, 6, "many"):
        tell(desk, ticket, "rating", status=422, stars=stars)
    tell(desk, ticket, "rating", stars=2, text="slow")
    desk.api.clock.now = NOW + timedelta(hours=23)
    mine = tell(desk, ticket, "rating", stars=4)
    assert (mine["events"][-1]["actor"], mine["events"][-1]["data"]) == ("user", {"stars": 4})
    supervisor = desk.api.token("supervisor")
    told = desk.api.get("/v1/supervision", supervisor, month="2026-01").json()["ratings"]
    assert told == [{"station": "North", "ratings": 1, "mean": 4.0, "low": 0}]
    desk.api.clock.now = NOW + timedelta(hours=25)
    tell(desk, ticket, "rating", status=409, stars=1)
    desk.move(ticket, "rework", reason="it drips")
    desk.move(ticket, "done")
    tell(desk, ticket, "rating", stars=3)  # it is other work


def test_work_is_not_rated_after_a_month_nor_by_others(desk: Desk) -> None:
    ticket = desk.opened("leak")
    desk.move(ticket, "done")
    town.home(desk.api.conn, "B1-102")
    for what, body in (("rating", {"stars": 1}), ("agreement", {"offer": 1, "agreed": True})):
        tell(desk, ticket, what, desk.api.token("customer", "B1-102"), 404, **body)
        tell(desk, ticket, what, desk.dispatcher, 403, **body)
    desk.api.clock.now = NOW + timedelta(days=31)
    tell(desk, ticket, "rating", status=409, stars=5)


def test_the_database_keeps_no_other_stars(desk: Desk) -> None:
    ticket, _ = town.ticket(desk.api.conn, desk.home, kind="leak")
    for data in ({"stars": 6}, {}):
        with pytest.raises(CheckViolation), desk.api.conn.transaction():
            desk.api.conn.execute(town.INSERT_EVENT, (ticket, 2, NOW, "rated", Jsonb(data)))

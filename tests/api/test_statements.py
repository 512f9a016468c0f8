"""Cover what customers say about an open ticket: the notices, what follows, and what is refused."""

from datetime import timedelta

import pytest

from domain.states import HomeState
from store.base import access
from store.base.access import Role
from tests.api import town
from tests.api.conftest import Api
from tests.api.desk import HOUR, Answer, Desk
from tests.api.staff import browser, member, session_of
from tests.api.town import NOW

TOLD = "SELECT kind, audience FROM outbox WHERE ticket_id = %s ORDER BY outbox_id"
SET_STATE = "UPDATE home_state SET state = %s WHERE home_id = %s"


@pytest.fixture
def desk(plain_api: Api) -> Desk:
    """The repair desk of a home of North."""
    return Desk(plain_api)


def said(desk: Desk, ticket: Answer, token: str | None = None, status: int = 201, **body: object) -> Answer:
    """Say something on a ticket as its customer."""
    answer = desk.api.post(f"/v1/tickets/{ticket['number']}/statements", token or desk.user, **body)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def told(desk: Desk, ticket: Answer) -> list[tuple[str, str]]:
    """Return who was told of what, and forget it."""
    rows = desk.api.conn.execute(TOLD, (int(ticket["number"][1:]),)).fetchall()
    desk.api.conn.execute("DELETE FROM outbox")
    desk.api.conn.commit()
    return rows


def test_the_staff_hears_what_is_said_and_the_user_sees_it(desk: Desk) -> None:
    ticket = desk.opened("cold")
    told(desk, ticket)
    times = [{"day": "2026-01-16", "part": "morning"}, {"day": "2026-01-17", "part": "evening"}]
    mine = said(desk, ticket, text="the bedroom, too", times=times, contact="13800001111", says="persists")
    assert told(desk, ticket) == [("user_said", "dispatch"), ("user_said", "crew")]
    event = mine["events"][-1]
    assert (event["actor"], event["contact"], mine["contact"]) == ("user", None, None)
    assert event["data"] == {"text": "the bedroom, too", "times": times, "says": "persists"}
    seen = desk.api.get(f"/v1/tickets/{ticket['number']}", desk.crew).json()
    assert (seen["contact"], seen["state"]) == ("13800001111", "open")
    assert seen["events"][-1]["data"]["source"] == "user"
    audit = desk.api.conn.execute("SELECT action, detail::text FROM audit ORDER BY audit_id DESC LIMIT 1").fetchone()
    assert audit is not None
    assert audit[0] == "POST /v1/tickets/{number}/statements"
    assert "13800001111" not in audit[1]


def test_a_number_alone_is_a_statement_and_nothing_is_none(desk: Desk) -> None:
    ticket = desk.opened("leak")
    said(desk, ticket, contact="13800001111")
    assert desk.api.get(f"/v1/tickets/{ticket['number']}", desk.dispatcher).json()["contact"] == "13800001111"
    said(desk, ticket, status=422)
    said(desk, ticket, status=422, says="perhaps")
    for day, part in (("2026-01-14", "morning"), ("2026-01-30", "morning"), ("2026-01-16", "night")):
        said(desk, ticket, status=422, times=[{"day": day, "part": part}])
    twice = [{"day": "2026-01-16", "part": "morning"}] * 2
    assert "twice" in said(desk, ticket, status=422, times=twice)["detail"]
    # At four in the morning in London it is noon here: days are those of the utility.
    said(desk, ticket, times=[{"day": "2026-01-15", "part": "evening"}])


@pytest.mark.parametrize("state", [HomeState.COLD, HomeState.UNKNOWN])
def test_still_cold_after_the_work_opens_the_ticket_again_in_the_same_round(desk: Desk, state: HomeState) -> None:
    desk.api.conn.execute(SET_STATE, (state, desk.home))
    ticket = desk.opened("cold")
    assert desk.move(ticket, "done", result="aired")["state"] == "verifying"
    told(desk, ticket)
    mine = said(desk, ticket, says="persists")
    assert (mine["state"], mine["round"], mine["done_at"]) == ("open", 1, None)
    assert [event["kind"] for event in mine["events"]][-2:] == ["user_said", "relapsed"]
    assert mine["events"][-2]["data"]["reaction"] == "again"
    assert desk.clocks(mine)["done"]["met_at"] is None
    assert told(desk, ticket) == [(kind, who) for kind in ["ticket_reopened"] for who in ("dispatch", "crew", "user")]
    assert said(desk, ticket, says="persists")["state"] == "open"  # once more changes nothing


def test_still_cold_in_a_warm_home_is_for_the_desk_to_decide(desk: Desk) -> None:
    desk.api.conn.execute(SET_STATE, (HomeState.WARM, desk.home))
    ticket = desk.opened("cold")
    desk.move(ticket, "done")
    mine = said(desk, ticket, says="persists")
    assert (mine["state"], mine["events"][-1]["data"]["reaction"]) == ("verifying", "contradicted")
    assert desk.move(ticket, "rework", reason="measured 16")["state"] == "working"


def test_a_leak_that_was_not_stopped_has_clocks_again(desk: Desk) -> None:
    ticket = desk.opened("leak")
    assert desk.move(ticket, "done")["state"] == "done"
    mine = said(desk, ticket, says="persists")
    assert (mine["state"], mine["round"]) == ("open", 2)
    assert desk.clocks(mine)["on_site"]["due_at"] == "2026-01-15T04:30:00Z"
    # The staff that hears it on the telephone notes the same, with the same outcome.
    desk.move(ticket, "done")
    assert desk.move(ticket, "user_said", says="persists")["round"] == 3


def test_that_it_is_warm_closes_nothing(desk: Desk) -> None:
    ticket = desk.opened("cold")
    assert said(desk, ticket, says="solved")["state"] == "open"
    desk.api.conn.execute(SET_STATE, (HomeState.UNKNOWN, desk.home))
    desk.move(ticket, "done")
    mine = said(desk, ticket, says="solved")
    assert (mine["state"], mine["proof"], "proof" in mine["needs"]) == ("verifying", None, True)


def test_nobody_else_speaks_here_nor_on_a_complaint(desk: Desk) -> None:
    ticket = desk.opened("cold")
    town.home(desk.api.conn, "B1-102")
    said(desk, ticket, desk.api.token("customer", "B1-102"), 404, says="persists")
    for token in (desk.dispatcher, desk.crew):
        said(desk, ticket, token, 403, says="persists")
    case = desk.api.post("/v1/cases", desk.user, **{"class": "complaint"}, subject="conduct", text="Nobody came.")
    said(desk, case.json(), status=409, text="and rude")
    named = desk.api.conn.execute("SELECT count(*) FROM ticket_event WHERE actor LIKE 'token%' AND kind = 'user_said'")
    assert named.fetchone() == (0,)


def test_a_resident_says_nothing_on_a_ticket_from_before(desk: Desk) -> None:
    _, before = town.ticket(desk.api.conn, desk.home, kind="leak")
    since = access.Since(NOW - timedelta(hours=1), NOW.date())
    grant = access.TokenGrant(Role.CUSTOMER, homes=["B1-101"], since=since)
    moved_in = access.create(desk.api.conn, grant, NOW)
    desk.api.conn.commit()
    said(desk, {"number": before}, moved_in, 404, says="persists")
    said(desk, {"number": before}, says="persists")


def test_a_closed_ticket_takes_no_word_and_a_flood_is_stopped(desk: Desk) -> None:
    _, closed = town.ticket(desk.api.conn, desk.home, kind="leak", state="closed")
    said(desk, {"number": closed}, status=409, says="persists")
    ticket = desk.opened("leak")
    for _ in range(29):
        said(desk, ticket, text="more")
    said(desk, ticket, status=429, text="more")


def test_who_comes_is_told_while_on_the_way(desk: Desk) -> None:
    ticket = desk.opened("leak")

    def responsible() -> str | None:
        name: str | None = desk.api.get(f"/v1/tickets/{ticket['number']}", desk.user).json()["responsible"]
        return name

    desk.move(ticket, "assigned", responsible="Wang")
    assert responsible() is None  # nobody has accepted it
    desk.move(ticket, "accepted")
    assert responsible() == "Wang"
    desk.move(ticket, "done")
    assert responsible() is None


def test_the_queue_says_which_users_wait_for_an_answer(desk: Desk) -> None:
    first, other = desk.opened("leak"), desk.opened("repair", new=True)
    notice = "User message unanswered"

    def waiting() -> dict[str, str | None]:
        return {
            one["number"]: one["unanswered_since"] for one in desk.api.get("/v1/tickets", desk.crew).json()["items"]
        }

    nobody = {first["number"]: None, other["number"]: None}
    with browser(desk.api, session_of(desk.api.conn, member(desk.api.conn))) as client:
        desk.move(first, "accepted")
        desk.move(first, "user_said", text="the caller says it drips")  # the staff has heard that itself
        assert waiting() == nobody
        assert notice not in client.get("/desk").text
        said(desk, first, text="now in two rooms")
        desk.api.clock.now = NOW + HOUR
        mine = said(desk, first, times=[{"day": "2026-01-16", "part": "morning"}])
        assert mine["unanswered_since"] == "2026-01-15T04:00:00Z"
        assert waiting() == nobody | {first["number"]: "2026-01-15T04:00:00Z"}
        page = client.get("/desk").text
        assert page.count(notice) == 1
        assert f'{notice} (<time datetime="2026-01-15T12:00+08:00">12:00</time>)' in page
        desk.move(first, "appointment", appointment_at="2026-01-16T09:30:00+08:00")
        assert waiting() == nobody
        assert notice not in client.get("/desk/rows").text

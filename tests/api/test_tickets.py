"""The work on tickets over HTTP: from the phone call to the receipt."""

from datetime import timedelta

import pytest

from tests.api import town
from tests.api.conftest import Api
from tests.api.desk import HOUR, MINUTE, Answer, Desk
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only


@pytest.fixture
def desk(plain_api: Api) -> Desk:
    return Desk(plain_api)


def test_a_repair_from_the_phone_call_to_the_receipt(api: Api) -> None:
    desk = Desk(api)
    ticket = desk.opened(contact="010-5555 1234")
    assert (ticket["state"], ticket["source"], ticket["station"], ticket["priority"]) == ("open", "phone", "North", 3)
    assert set(desk.clocks(ticket)) == {"station_reply", "contact", "on_site", "done", "call_back"}
    desk.move(ticket, "assigned", responsible="Wang")
    api.clock.now = NOW + 10 * MINUTE
    assert desk.move(ticket, "accepted", desk.crew, opinion="vent the radiator")["state"] == "accepted"
    desk.move(ticket, "contacted", desk.crew, appointment_at="2026-01-15T13:00:00+08:00")
    api.clock.now = NOW + HOUR
    assert desk.move(ticket, "arrived", desk.crew)["state"] == "working"
    desk.move(ticket, "responsibility", desk.crew, responsibility="user", paid=True)
    api.clock.now = NOW + 2 * HOUR
    done = desk.move(ticket, "done", desk.crew, result="vented")
    assert (done["state"], done["needs"]) == ("done", ["reply", "call_back", "confirmation"])
    call_back = desk.clocks(done)["call_back"]
    assert (call_back["started_at"], call_back["due_at"]) == ("2026-01-17T06:00:00Z", "2026-01-18T06:00:00Z")
    assert all(clock["met_at"] or name == "call_back" for name, clock in desk.clocks(done).items())
    refused = desk.move(ticket, "closed", status=409)
    assert refused["detail"].endswith("closing still needs reply, call_back, confirmation")
    desk.move(ticket, "confirmed", desk.crew, confirmation="paper 17")
    desk.move(ticket, "replied", text="the radiator was vented", channel="phone")
    for early in (2 * HOUR + timedelta(seconds=1), 50 * HOUR - timedelta(microseconds=1)):
        api.clock.now = NOW + early
        refused = desk.move(ticket, "called_back", satisfied=True, status=409)
        assert refused["allowed_from"] == "2026-01-17T06:00:00Z"
        assert "it is allowed from 2026-01-17T06:00:00" in refused["detail"]
    api.clock.now = NOW + 50 * HOUR
    desk.move(ticket, "called_back", satisfied=True)
    closed = desk.move(ticket, "closed")
    assert (closed["state"], closed["needs"], closed["closed_at"]) == ("closed", [], "2026-01-17T06:00:00Z")
    assert desk.clocks(closed)["call_back"]["breached_at"] is None
    path = f"/v1/tickets/{ticket['number']}/receipt"
    text = api.get(path, desk.dispatcher, language="zh", **{"as": "text"}).text
    assert text.startswith(
        "用户报修处理意见回执单\n编号: T00000001\n用户: B1-101\n类别: 报修\n受理时间: 2026-01-15 12:00\n"
    )
    lines = api.get(path, desk.dispatcher).json()["lines"]
    assert {"label": "Contact", "value": "010-5555 1234"} in lines
    assert {"label": "Confirmed by the user", "value": "paper 17"} in lines
    assert {"label": "User satisfied", "value": "yes"} in lines


def test_a_cold_home_marked_done_is_verifying_until_it_is_proven_warm(desk: Desk) -> None:
    api = desk.api
    ticket, number = town.ticket(api.conn, desk.home)
    town.flag(api.conn, desk.home, ticket)
    marked = desk.move({"number": number}, "done")
    assert (marked["state"], marked["needs"]) == ("verifying", ["proof", "reply"])
    verifying = api.get("/v1/tickets", desk.dispatcher, state="verifying").json()["items"]
    assert [item["number"] for item in verifying] == [number]
    desk.move(marked, "replied", text="repaired", channel="app")
    refused = desk.move(marked, "closed", status=409)
    assert "ticket T00000001 is verifying, closed is refused: it allows" in refused["detail"]
    assert (refused["status"], refused["type"]) == (409, "/v1/problems/conflict")
    # What the user reads is what was meant for them.
    seen = api.get(f"/v1/tickets/{number}", desk.user).json()
    assert [event["kind"] for event in seen["events"]] == ["opened", "done", "replied"]
    assert {event["actor"] for event in seen["events"]} == {"hearth", "staff"}


def test_an_attempt_without_success_stops_no_clock_and_the_user_sees_it(desk: Desk) -> None:
    ticket = desk.opened()
    before, again = desk.clocks(ticket), "2026-01-15T05:00:00Z"
    tried = desk.move(ticket, "tried", desk.crew, again_at=again, remark="no answer")
    assert (tried["state"], desk.clocks(tried)) == ("open", before)
    mine = desk.api.get(f"/v1/tickets/{ticket['number']}", desk.user).json()["events"][-1]
    assert (mine["kind"], mine["actor"], mine["data"]) == ("tried", "staff", {"again_at": again})
    assert desk.clocks(desk.move(ticket, "contacted", desk.crew))["contact"]["met_at"] is not None


def test_a_move_that_is_not_possible_names_those_that_are(desk: Desk) -> None:
    ticket = desk.opened()
    refused = desk.move(ticket, "called_back", satisfied=True, status=409)
    assert refused["detail"] == (
        "ticket T00000001 is open, called_back is refused: it allows assigned, accepted, contacted, tried, "
        "appointment, arrived, cause_found, part_used, delayed, responsibility, confirmed, done, replied, remark, "
        "user_said, merged, void"
    )
    assert len(desk.api.get(f"/v1/tickets/{ticket['number']}", desk.dispatcher).json()["events"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "explode"}, "body"),
        ({"kind": "delayed", "reason": "rain", "explanation": "x"}, "delayed.reason"),
        ({"kind": "delayed", "reason": "parts"}, "delayed.explanation"),
        ({"kind": "replied", "text": " ", "channel": "phone"}, "replied.text"),
        ({"kind": "remark", "remark": "x" * 2001}, "remark.remark"),
        ({"kind": "remark", "remark": "a\x00b"}, "remark.remark"),
        ({"kind": "appointment", "appointment_at": "tomorrow"}, "appointment.appointment_at"),
        ({"kind": "accepted", "station": "South"}, "accepted.station"),
        ({"kind": "assigned"}, "assigned"),
        ({"kind": "assigned", "station": "Nowhere"}, "station"),
    ],
)
def test_what_a_move_says_is_checked(desk: Desk, body: Answer, field: str) -> None:
    ticket = desk.opened()
    answer = desk.api.post(f"/v1/tickets/{ticket['number']}/events", desk.dispatcher, **body)
    assert answer.status_code == 422, answer.text
    assert field in answer.json()["errors"][0]["parameter"]


def test_a_crew_works_and_does_not_close(desk: Desk) -> None:
    ticket = desk.opened()
    for kind, body in (
        ("closed", {}),
        ("called_back", {"satisfied": True}),
        ("replied", {"text": "x", "channel": "phone"}),
        ("assigned", {"responsible": "me"}),
    ):
        refused = desk.move(ticket, kind, desk.crew, status=403, **body)
        assert refused["type"].endswith("/forbidden"), kind
    done = desk.move(ticket, "done", desk.api.token("crew", station="North"))
    assert done["state"] == "done"
    assert [event["kind"] for event in done["events"]] == ["opened", "done"]  # what was refused left nothing


def test_users_report_for_their_own_home_and_not_without_end(desk: Desk) -> None:
    for _ in range(5):
        assert desk.opened("leak", desk.user, source="superior", new=True)["source"] == "user"
    wanted = {"class": "leak", "description": "again", "new": True}
    answer = desk.api.post("/v1/homes/B1-101/tickets", desk.user, **wanted)
    assert (answer.status_code, "too many" in answer.json()["detail"]) == (409, True)
    desk.opened("leak", new=True)


def test_a_cold_home_has_one_open_ticket(desk: Desk) -> None:
    first = desk.opened("cold")
    wanted = {"class": "cold", "description": "I freeze", "new": True}
    answer = desk.api.post("/v1/homes/B1-101/tickets", desk.user, **wanted)
    assert (answer.status_code, first["number"] in answer.json()["detail"]) == (409, True)


def test_a_leak_in_no_home_is_its_station_s(desk: Desk) -> None:
    body = {"class": "leak", "building": "B1", "description": "water in the cellar", "source": "walk_in"}
    made = desk.api.post("/v1/tickets", desk.dispatcher, **body).json()
    assert (made["home"], made["building"], made["substation"], made["station"]) == (None, "B1", "S-North", "North")
    assert (made["priority"], set(desk.clocks(made))) == (1, {"station_reply", "on_site", "done", "call_back"})
    assert desk.api.get(f"/v1/tickets/{made['number']}", desk.crew).status_code == 200
    assert desk.api.get(f"/v1/tickets/{made['number']}", desk.user).status_code == 404
    nowhere = desk.api.post("/v1/tickets", desk.dispatcher, **{**body, "building": "B9"})
    assert (nowhere.status_code, nowhere.json()["errors"][0]["parameter"]) == (422, "building")


def test_a_ticket_given_to_another_station_is_its_own(desk: Desk) -> None:
    town.home(desk.api.conn, "B2-1", building="B2", station="South")
    ticket = desk.opened()
    desk.move(ticket, "assigned", station="South")
    south = desk.api.token("crew", station="South")
    given = desk.api.get(f"/v1/tickets/{ticket['number']}", south).json()
    assert (given["station"], given["home"]) == ("South", "B1-101")  # it has to know where to go
    assert desk.api.get("/v1/homes/B1-101/readings", south).status_code == 404
    assert desk.api.get(f"/v1/tickets/{ticket['number']}", desk.crew).status_code == 404


def test_what_may_be_about_a_crew_is_not_for_a_crew(desk: Desk) -> None:
    _, number = town.ticket(desk.api.conn, desk.home, kind="complaint")
    assert desk.api.get(f"/v1/tickets/{number}", desk.crew).status_code == 404
    assert desk.api.get("/v1/tickets", desk.crew).json()["items"] == []
    assert desk.api.get(f"/v1/tickets/{number}", desk.dispatcher).status_code == 200


def test_paying_again_asks_for_a_new_signature(desk: Desk) -> None:
    ticket = desk.opened()
    desk.move(ticket, "responsibility", responsibility="user", paid=False)
    assert desk.move(ticket, "confirmed", confirmation="1")["confirmation"] == "1"
    assert desk.move(ticket, "responsibility", responsibility="user", paid=False)["confirmation"] == "1"
    assert desk.move(ticket, "responsibility", responsibility="user", paid=True)["confirmation"] is None


def test_what_is_late_is_late_for_ever(desk: Desk) -> None:
    ticket = desk.opened("leak")
    desk.api.clock.now = NOW + 31 * MINUTE
    arrived = desk.move(ticket, "arrived")
    assert desk.clocks(arrived)["on_site"] == {
        "name": "on_site",
        "round": 1,
        "started_at": "2026-01-15T04:00:00Z",
        "due_at": "2026-01-15T04:30:00Z",
        "met_at": "2026-01-15T04:31:00Z",
        "breached_at": "2026-01-15T04:30:00Z",
        "void_at": None,
    }
    assert [event["kind"] for event in arrived["events"]] == ["opened", "clock_breached", "arrived"]
    seen = desk.api.get(f"/v1/tickets/{ticket['number']}", desk.user).json()
    assert [event["kind"] for event in seen["events"]] == ["opened", "arrived"]


def test_what_is_open_there_is_offered_first(desk: Desk) -> None:
    first = desk.opened("leak", contact="1")
    path, again = "/v1/homes/B1-101/tickets", {"class": "leak", "description": "water again", "contact": "2"}
    for token in (desk.dispatcher, desk.user):
        asked = desk.api.post(path, token, **again)
        assert asked.status_code == 409
        assert asked.json()["open_tickets"] == [
            {"number": first["number"], "class": "leak", "state": "open", "since": "2026-01-15T04:00:00Z"}
        ]
    added = desk.opened("leak", add_to=first["number"], description="water again", contact="2")
    assert (added["number"], added["contact"], added["description"]) == (first["number"], "2", "the radiator knocks")
    assert [(e["kind"], e["contact"]) for e in added["events"]] == [("opened", "1"), ("user_said", "2")]
    assert added["events"][1]["data"] == {"text": "water again", "source": "phone"}
    mine = desk.opened("leak", desk.user, add_to=first["number"], description="still", contact="3")
    assert (mine["contact"], [event["contact"] for event in mine["events"]]) == (None, [None] * 3)
    assert mine["events"][2]["actor"] == "user"
    other = desk.opened("leak", new=True)
    assert other["number"] != first["number"]
    both = desk.api.post(path, desk.dispatcher, **again, add_to=first["number"], new=True)
    assert both.status_code == 422


def test_nothing_is_added_to_what_is_open_elsewhere_or_closes_by_itself(desk: Desk) -> None:
    town.home(desk.api.conn, "B2-1", building="B2", station="South")
    elsewhere = desk.api.post("/v1/homes/B2-1/tickets", desk.dispatcher, **{"class": "leak", "description": "x"}).json()
    _, device = town.ticket(desk.api.conn, desk.home, kind="device")
    desk.api.conn.execute(
        "ALTER TABLE ticket DISABLE TRIGGER USER; UPDATE ticket SET source = 'device' WHERE class = 'device'"
    )
    for number in (elsewhere["number"], device, "T99999999"):
        body = {"class": "leak", "description": "x", "add_to": number}
        assert desk.api.post("/v1/homes/B1-101/tickets", desk.dispatcher, **body).status_code == 409
    assert desk.opened("leak")["state"] == "open"  # what machines have opened asks nobody


def test_the_desk_notes_what_a_user_says_and_how_to_reach_this_user(desk: Desk) -> None:
    ticket = desk.opened(contact="1")
    for token, number in ((desk.crew, "2"), (desk.dispatcher, "3")):
        said = desk.move(ticket, "user_said", token, text="it got worse", contact=number)
        assert (said["contact"], said["events"][-1]["contact"]) == (number, number)
        assert "contact" not in said["events"][-1]["data"]
    _, complaint = town.ticket(desk.api.conn, None, kind="complaint")
    refused = desk.move({"number": complaint}, "user_said", text="again", contact="4", status=409)
    assert "leave the contact out" in refused["detail"]
    desk.move({"number": complaint}, "user_said", text="again")

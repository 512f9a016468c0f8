"""Words of peers, over HTTP: proven, once, in order; two numbers of one case; clocks and rates beside ours."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from alerts.exchange import outgoing, peers_file
from api.exchange.incoming_routes import PeerDoors
from store.exchange import case_rows
from tests.api import town
from tests.api.conftest import Api, served_town
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW
from tests.conftest import Servers
from tests.peer_process import KEYS, SECRETS

# As the desks send them; the shapes are those of their descriptions.
CASE = {
    "workOrderNo": "SJ20260115000123",
    "operation": "派单",
    "operateTime": "2026-01-15 11:58:00",
    "categoryName": "室温不达标",
    "householdCode": "H-1",
    "address": "幸福路1号1单元101",
    "content": "家中只有15度",
    "callerPhone": "13800000000",
    "responseDeadline": "2026-01-15 16:00:00",
    "handleDeadline": "2026-01-18T12:00:00+08:00",
}
ZAMMAD = {
    "ticket": {
        "id": 81,
        "number": "96081",
        "title": "No heat",
        "state": "open",
        "group": {"id": 1, "name": "Users"},
        "customer": {"id": 3, "firstname": "Chris", "phone": "+49 30 1"},
        "article_ids": [104],
        "updated_at": "2026-01-15T04:00:00.282Z",
        "first_response_escalation_at": "2026-01-15T06:00:00.000Z",
        "close_escalation_at": None,
    },
    "article": {"id": 104, "body": "The radiator leaks.", "type": "phone", "internal": False},
}
FRAPPE = {
    "name": 217,
    "subject": "Cold",
    "status": "Open",
    "modified": "2026-01-15 12:00:00.123456",
    "ticket_type": "Incident",
    "description": "It is cold.",
    "response_by": "2026-01-15 14:00:00",
    "resolution_by": "2026-01-16 12:00:00",
    "feedback_rating": 0.0,
}
TOKEN = "as-the-desk-signs"
FILE = f"""
desk = "heat.example"
[[peer]]
name = "city"
mapping = "hotline-12345"
url = "https://city.example"
keys = ["{SECRETS[0]}"]
their_keys = ["{SECRETS[0]}", "{SECRETS[1]}"]
[[peer]]
name = "zammad"
mapping = "zammad"
url = "https://zammad.example"
keys = ["{SECRETS[0]}"]
their_keys = ["{TOKEN}"]
[[peer]]
name = "frappe"
mapping = "frappe-helpdesk"
url = "https://frappe.example"
keys = ["{SECRETS[0]}"]
their_keys = ["{TOKEN}"]
limit = "2/minute"
"""


@pytest.fixture(scope="module")
def desk(servers: Servers) -> Iterator[Api]:
    with served_town(servers) as api:
        peers = peers_file.load(FILE, "peers")
        api.app.state.peer_doors = PeerDoors.of(peers)
        for nth in range(1, 9):
            town.home(api.conn, f"H-{nth}")
        api.conn.commit()
        outgoing.set_peers(api.conn, api.app.state.surroundings.policy, peers, NOW)
        api.conn.commit()
        yield api


def event(data: dict[str, Any], *, source: str = "/12345.city", nth: str = "1") -> dict[str, Any]:
    return {"specversion": "1.0", "id": nth, "source": source, "type": "12345.workorder", "data": data}


def signed(message: str, body: bytes, *, key: bytes = KEYS[1], at: datetime = NOW) -> dict[str, str]:
    seconds = str(int(at.timestamp()))
    made = hmac.new(key, f"{message}.{seconds}.".encode() + body, hashlib.sha256).digest()
    old = "v1," + base64.b64encode(b"0" * 32).decode()
    signature = f"{old} v1,{base64.b64encode(made).decode()}"
    return {"webhook-id": message, "webhook-timestamp": seconds, "webhook-signature": signature}


def tell(api: Api, message: str, data: dict[str, Any], **how: Any) -> httpx.Response:
    body = json.dumps(event(data)).encode()
    return post(api, "city", body, signed(message, body, **how))


def post(api: Api, peer: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    api.conn.commit()
    return api.client.post(f"/v1/exchange/{peer}", content=body, headers=headers)


def test_one_case_two_numbers_and_their_clocks(desk: Api) -> None:
    number = "SJ-1"
    answer = tell(desk, "a1", {**CASE, "workOrderNo": number})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "opened")
    ticket = answer.json()["ticket"]
    token = desk.token("dispatcher")
    assert desk.get(f"/v1/tickets/{ticket}", token).json()["class"] == "cold"
    (case,) = desk.get(f"/v1/tickets/{ticket}/peers", token).json()
    assert (case["peer"], case["their_number"], case["is_theirs"]) == ("city", number, True)
    assert (case["respond_by"], case["resolve_by"]) == ("2026-01-15T08:00:00Z", "2026-01-18T04:00:00Z")
    # The same message again is the same answer and no second ticket; another one of its number is refused.
    assert tell(desk, "a1", {**CASE, "workOrderNo": number}).json() == answer.json()
    assert tell(desk, "a1", {**CASE, "workOrderNo": number, "content": "another"}).status_code == 409
    urged = tell(desk, "a2", {**CASE, "workOrderNo": number, "operation": "催办", "content": "快一点"})
    assert urged.json() == {"outcome": "noted", "ticket": ticket}
    texts = [one["data"].get("text") for one in desk.get(f"/v1/tickets/{ticket}", token).json()["events"]]
    assert texts.count("快一点") == 1
    # Nothing of it goes back; what the desk does then, goes.
    desk.clock.now = NOW + timedelta(minutes=10)
    moved = desk.post(f"/v1/tickets/{ticket}/events", token, kind="accepted")
    assert moved.status_code == 201, moved.text
    desk.clock.now = NOW
    told = (
        "SELECT data ->> 'seq' FROM outbox WHERE audience = 'peer' AND ticket_id = (SELECT max(ticket_id) FROM ticket)"
    )
    assert len(desk.conn.execute(told.encode()).fetchall()) == 1
    (case,) = desk.get(f"/v1/tickets/{ticket}/peers", token).json()
    assert case["responded_at"] == "2026-01-15T04:10:00Z"


def test_a_second_case_of_a_home_is_linked(desk: Api) -> None:
    first = tell(desk, "b1", {**CASE, "workOrderNo": "SJ-2", "householdCode": "H-2"}).json()
    second = tell(desk, "b2", {**CASE, "workOrderNo": "SJ-3", "householdCode": "H-2"}).json()
    assert second == {"outcome": "linked", "ticket": first["ticket"]}


def test_a_leak_is_not_swallowed_by_a_ticket_for_a_cold_room(desk: Api) -> None:
    cold = tell(desk, "b3", {**CASE, "workOrderNo": "SJ-5", "householdCode": "H-3"}).json()["ticket"]
    leak = {**CASE, "workOrderNo": "SJ-6", "householdCode": "H-3", "categoryName": "暖气漏水"}
    answer = tell(desk, "b4", leak).json()
    assert answer["outcome"] == "opened"
    assert answer["ticket"] != cold
    assert desk.get(f"/v1/tickets/{answer['ticket']}", desk.token("dispatcher")).json()["class"] == "leak"


@pytest.mark.parametrize(
    ("how", "change"),
    [
        ({"key": b"x" * 32}, b""),
        ({"at": NOW - timedelta(minutes=6)}, b""),
        ({"at": NOW + timedelta(minutes=6)}, b""),
        ({}, b" "),
    ],
)
def test_what_proves_nothing_is_refused(desk: Api, how: dict[str, Any], change: bytes) -> None:
    body = json.dumps(event({**CASE, "workOrderNo": "SJ-none"})).encode()
    answer = post(desk, "city", body + change, signed("c1", body, **how))
    assert (answer.status_code, answer.json()["type"]) == (401, "/v1/problems/unauthorised")
    assert post(desk, "nobody", body, signed("c1", body)).status_code == 401


@pytest.mark.parametrize(
    ("data", "status", "why"),
    [
        ({**CASE, "workOrderNo": "SJ-unknown", "operation": "催办"}, 404, "not known"),
        ({**CASE, "workOrderNo": ""}, 422, "number is missing"),
        ({**CASE, "workOrderNo": "n" * 101}, 422, "number is longer"),
        ({**CASE, "workOrderNo": ["n"]}, 422, "number is no text"),
        ({**CASE, "operateTime": "yesterday"}, 422, "at is no time"),
        ({**CASE, "content": "\ud800"}, 422, "text has half a character"),
        ({**CASE, "responseDeadline": "9999-01-01 00:00:00"}, 422, "respond_by is no time"),
    ],
)
def test_what_is_not_understood_names_the_field_and_may_be_sent_again(
    desk: Api, data: dict[str, Any], status: int, why: str
) -> None:
    answer = tell(desk, f"d-{why}", data)
    assert answer.status_code == status
    assert why in answer.text
    assert desk.get("/v1/peers/refused", desk.token("dispatcher")).json()[0]["message"] == f"d-{why}"
    good = {**CASE, "workOrderNo": f"SJ-{why}", "householdCode": "nobody"}
    assert tell(desk, f"d-{why}", good).json()["outcome"] == "opened"


def test_our_own_events_are_no_new_cases(desk: Api) -> None:
    body = json.dumps(event({**CASE, "workOrderNo": "SJ-echo"}, source="/heat.example")).encode()
    assert post(desk, "city", body, signed("e1", body)).json() == {"outcome": "ignored", "ticket": None}


def test_what_comes_late_changes_no_clock(desk: Api) -> None:
    data = {**CASE, "workOrderNo": "SJ-4", "householdCode": "H-4"}
    ticket = tell(desk, "f1", data).json()["ticket"]
    tell(desk, "f2", {**data, "operation": "回访", "operateTime": "2026-01-15 12:00:00", "satisfaction": "满意"})
    late = {**data, "operation": "回访", "operateTime": "2026-01-15 11:59:00", "satisfaction": "不满意"}
    assert tell(desk, "f3", late).json()["outcome"] == "noted"
    (case,) = desk.get(f"/v1/tickets/{ticket}/peers", desk.token("dispatcher")).json()
    assert (case["satisfied"], case["rated_at"]) == (True, "2026-01-15T04:00:00Z")


def test_their_clocks_run_from_the_opening_and_no_word_starts_them_again(desk: Api) -> None:
    data = {key: value for key, value in CASE.items() if not key.endswith("Deadline")}
    data |= {"workOrderNo": "SJ-7", "householdCode": "H-5"}
    ticket = tell(desk, "g1", data).json()["ticket"]
    # The second is told by a clock that is fast, and what is told after it is not late for that.
    for nth, at in enumerate(("11:59:00", "13:59:00")):
        tell(desk, f"g2-{nth}", {**data, "operation": "催办", "operateTime": f"2026-01-15 {at}"})
    tell(desk, "g3", {**data, "operation": "回访", "operateTime": "2026-01-15 12:00:00", "satisfaction": "满意"})
    (case,) = desk.get(f"/v1/tickets/{ticket}/peers", desk.token("dispatcher")).json()
    assert (case["respond_by"], case["resolve_by"]) == ("2026-01-16T03:58:00Z", "2026-01-20T03:58:00Z")
    assert case["satisfied"] is True


def zammad(api: Api, delivery: str, article: str, **ticket: Any) -> dict[str, Any]:
    body = json.dumps({"ticket": {**ZAMMAD["ticket"], **ticket}, "article": {"body": article}}).encode()
    made = hmac.new(TOKEN.encode(), body, hashlib.sha1).hexdigest()
    answer = post(api, "zammad", body, {"X-Zammad-Delivery": delivery, "X-Hub-Signature": f"sha1={made}"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_delivery_that_is_sent_again_under_another_number_counts_once(desk: Api) -> None:
    ticket = zammad(desk, "y-1", "It drips.", number="96082")["ticket"]
    for delivery in ("y-2", "y-3"):  # the number is no part of what is signed
        zammad(desk, delivery, "It still drips.", number="96082")
    events = desk.get(f"/v1/tickets/{ticket}", desk.token("dispatcher")).json()["events"]
    assert [one["data"].get("text") for one in events].count("It still drips.") == 1


def test_what_ends_a_case_that_nobody_knows_begins_none(desk: Api) -> None:
    assert zammad(desk, "y-4", "", number="96083", state="closed") == {"outcome": "ignored", "ticket": None}


def test_zammad_and_frappe_sign_in_their_own_way(desk: Api) -> None:
    body = json.dumps(ZAMMAD).encode()
    made = hmac.new(TOKEN.encode(), body, hashlib.sha1).hexdigest()
    headers = {"X-Zammad-Delivery": "x-1", "X-Hub-Signature": f"sha1={made}"}
    opened = post(desk, "zammad", body, headers).json()
    assert opened["outcome"] == "opened"
    assert post(desk, "zammad", body, headers).json() == opened
    wrong = {**headers, "X-Hub-Signature": f"sha1={made[::-1]}"}
    assert post(desk, "zammad", body, wrong).status_code == 401
    (case,) = desk.get(f"/v1/tickets/{opened['ticket']}/peers", desk.token("dispatcher")).json()
    assert (case["their_number"], case["respond_by"], case["resolve_by"]) == ("96081", "2026-01-15T06:00:00Z", None)

    body = json.dumps(FRAPPE).encode()
    made = base64.b64encode(hmac.new(TOKEN.encode(), body, hashlib.sha256).digest()).decode()
    answers = [post(desk, "frappe", body, {"X-Frappe-Webhook-Signature": made}) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[0].json() == answers[1].json()


def test_what_we_wrote_there_is_no_news_and_no_new_case(desk: Api) -> None:
    _, number = town.ticket(desk.conn, town.home(desk.conn, "H-echo"), kind="leak")
    token = desk.token("dispatcher")
    assert desk.post(f"/v1/tickets/{number}/peers", token, peer="zammad").status_code == 204
    before = desk.get(f"/v1/tickets/{number}", token).json()["events"]
    # Zammad tells of the ticket that we have just made, before it has answered us.
    ticket = {**ZAMMAD["ticket"], "number": "96099"}
    place = desk.conn.execute(
        "SELECT concat_ws(' ', b.name, h.unit) FROM home AS h JOIN building AS b USING (building_id) "
        "WHERE h.code = 'H-echo'"
    ).fetchone()
    assert place is not None
    body = json.dumps({"ticket": ticket, "article": {"body": f" [{number}] {place[0]}"}}).encode()
    made = hmac.new(TOKEN.encode(), body, hashlib.sha1).hexdigest()
    answer = post(desk, "zammad", body, {"X-Zammad-Delivery": "x-echo", "X-Hub-Signature": f"sha1={made}"})
    assert answer.json() == {"outcome": "ignored", "ticket": number}
    assert desk.get(f"/v1/tickets/{number}", token).json()["events"] == before
    (case,) = desk.get(f"/v1/tickets/{number}/peers", token).json()
    assert (case["their_number"], case["is_theirs"]) == ("96099", False)
    desk.post(f"/v1/tickets/{number}/events", token, kind="replied", text="We come\ntomorrow.", channel="phone")
    assert zammad(desk, "x-ours", f"answered We come tomorrow. [{number}]", number="96099")["outcome"] == "ignored"
    # Who quotes what we wrote says something.
    for nth, quoted in enumerate((f"It floods!\n> answered We come tomorrow. [{number}]", f"[{number}] It floods!")):
        assert zammad(desk, f"x-{nth}", quoted, number="96099")["outcome"] == "noted"
    texts = [one["data"].get("text", "") for one in desk.get(f"/v1/tickets/{number}", token).json()["events"]]
    assert sum("It floods!" in text for text in texts) == 2


def test_numbers_are_forgotten_where_a_time_guards_them(desk: Api) -> None:
    tell(desk, "h1", {**CASE, "workOrderNo": "SJ-8", "householdCode": "H-8"})
    zammad(desk, "y-9", "It drips.", number="96089")
    kept = "SELECT count(*) FROM peer_received WHERE is_timed = %s"
    timed, untimed = (desk.conn.execute(kept, (one,)).fetchone() for one in (True, False))
    assert timed is not None
    assert case_rows.forget(desk.conn, NOW, 10_000) == 0  # as old as that, and no older
    assert case_rows.forget(desk.conn, NOW + timedelta(seconds=1), 1) == 1
    assert case_rows.forget(desk.conn, NOW + timedelta(seconds=1), 10_000) == timed[0] - 1
    assert [desk.conn.execute(kept, (one,)).fetchone() for one in (True, False)] == [(0,), untimed]
    assert tell(desk, "h1", CASE, at=NOW - timedelta(minutes=6)).status_code == 401


def test_the_three_rates_have_their_counts(desk: Api) -> None:
    desk.conn.execute(
        "INSERT INTO peer_case (peer_id, ticket_id, is_theirs, number, linked_at, respond_by, responded_at, "
        "resolve_by, resolved_at, satisfied, rated_at) "
        "SELECT p.peer_id, (SELECT min(ticket_id) FROM ticket), true, 'r' || v.n, at, at, at + late, at, "
        "at + late, v.n = 1, at FROM peer AS p, (VALUES (1, interval '0'), (2, interval '1 s'), (3, NULL)) "
        "AS v (n, late), (VALUES ('2025-12-10T00:00Z'::timestamptz)) AS t (at) WHERE p.name = 'zammad'"
    )
    rates = {one["peer"]: one for one in desk.get("/v1/peers/rates", desk.token("supervisor"), month="2025-12").json()}
    got = rates["zammad"]
    assert (got["response_met"], got["response_due"], got["solution_met"], got["solution_due"]) == (1, 3, 1, 3)
    assert (got["satisfied"], got["rated"], got["satisfaction"]) == (1, 3, pytest.approx(1 / 3))
    assert rates["city"]["response"] is None


def test_a_ticket_is_passed_on_once_and_a_complaint_never(desk: Api) -> None:
    home = town.home(desk.conn, "H-passed")
    _, number = town.ticket(desk.conn, home, kind="leak")
    token = desk.token("dispatcher")
    assert desk.post(f"/v1/tickets/{number}/peers", token, peer="zammad").status_code == 204
    assert desk.post(f"/v1/tickets/{number}/peers", token, peer="zammad").status_code == 409
    assert desk.post(f"/v1/tickets/{number}/peers", token, peer="nobody").status_code == 409
    applied = desk.post("/v1/homes/H-passed/applications", token, kind="resume", documents=["identity"]).json()[
        "number"
    ]
    assert desk.post(f"/v1/tickets/{applied}/peers", token, peer="zammad").status_code == 409
    assert outgoing.write(desk.conn, desk.app.state.surroundings.policy, NOW) is False
    desk.conn.commit()
    waiting = desk.get("/v1/peers/messages", token, peer="zammad", state="waiting").json()["items"]
    (key,) = [one["key"] for one in waiting if (one["ticket"], one["event"]) == (number, "opened")]
    assert desk.post(f"/v1/peers/messages/{key}/again", token).status_code == 409  # it has not failed
    desk.conn.execute("UPDATE message SET state = 'failed', due_at = NULL, finished_at = now(), reason = 'refused'")
    assert desk.post(f"/v1/peers/messages/{key}/pass-over", token).status_code == 204
    assert desk.post(f"/v1/peers/messages/{key}/again", token).status_code == 204
    peers = {one["name"]: one for one in desk.get("/v1/peers", token).json()}
    assert peers["zammad"]["waiting"] == 1  # the others have failed with it


def test_the_desk_sees_what_failed_and_passes_tickets_on(desk: Api) -> None:
    _, number = town.ticket(desk.conn, town.home(desk.conn, "H-page"), kind="leak")
    token = session_of(desk.conn, member(desk.conn, "supervisor"))
    desk.conn.commit()
    with browser(desk, token) as client:
        passed = client.post("/desk/peers/zammad/tickets", data=sealed(token, ticket=number))
        assert passed.headers["location"] == "/desk/peers?done=true"
        outgoing.write(desk.conn, desk.app.state.surroundings.policy, NOW)
        desk.conn.execute("UPDATE message SET state = 'failed', due_at = NULL, finished_at = now(), reason = 'refused'")
        desk.conn.commit()
        again = client.post("/desk/peers/zammad/tickets", data=sealed(token, ticket=number))
        assert again.status_code == 409
        assert "it is not passed on" in again.text
        page = client.get("/desk/peers").text
        found = re.search(rf"{number}.*?/desk/peers/messages/([\w-]+)/again", page, re.DOTALL)
        assert found
        assert "The three rates" in page
        assert client.post(f"/desk/peers/messages/{found[1]}/again", data=sealed(token)).status_code == 303
        assert "number not told" in client.get(f"/desk/tickets/{number}").text

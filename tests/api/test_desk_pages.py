"""The pages of the desk over HTTP: who gets in, what the queue shows, what forms do and what they never do."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import httpx
import pytest
from psycopg import Cursor

from api.pages.visit import LANGUAGE_COOKIE
from api.words.problems import CHANGED_SINCE
from domain.tickets import EventKind, TicketClass
from store.base import access
from store.base.access import Right, Role
from tests.api import town
from tests.api.conftest import Api
from tests.api.desk import HOUR, MINUTE, Desk
from tests.api.operations import INSERT_CASE
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

EVENTS = "SELECT kind, actor FROM ticket_event JOIN ticket USING (ticket_id) WHERE number = %s ORDER BY seq"
AUDITED = "SELECT actor, action, target, detail FROM audit ORDER BY audit_id"
OF_INCIDENT = """
WITH crew AS (
  INSERT INTO ticket (class, state, priority, home_id, source, station, opened_at)
  VALUES ('repair', 'open', 1, %s, 'incident', 'North', %s) RETURNING ticket_id
), told AS (
  INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data)
  SELECT ticket_id, 1, %s, 'opened', 'hearth', 'open', '{"incident": "I00000003"}' FROM crew
)
SELECT ticket_id FROM crew
"""
SET = """
UPDATE ticket SET state = %s, priority = %s, responsible = %s, station = %s, done_at = %s, replied_at = %s
WHERE ticket_id = %s
"""
INSERT_CONTACT = """
WITH told AS (
  INSERT INTO addressee (audience, home_id, channel, language) VALUES ('user', %s, %s, 'zh') RETURNING addressee_id
)
INSERT INTO person.contact (addressee_id, address, consent_at) SELECT addressee_id, %s, %s FROM told
"""


class Dispatcher:
    """A person at the desk, in a browser without any looks."""

    def __init__(self, api: Api, client: httpx.Client, token: str) -> None:
        self.api, self.client, self.token = api, client, token

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        self.api.conn.commit()
        return self.client.get(path)

    def version(self, number: str) -> str:
        """Return the version that the forms of a ticket's page carry."""
        found = re.findall(r'name="version" value="(\d+)"', self.get(f"/desk/tickets/{number}").text)
        return str(found[0])

    def form(self, number: str, kind: str, **fields: str) -> dict[str, str]:
        """Return the form of a move as the page has it now, filled in."""
        return sealed(self.token, version=self.version(number), move=kind, **fields)

    def send(self, number: str, form: dict[str, str]) -> httpx.Response:
        """Send a form."""
        self.api.conn.commit()
        return self.client.post(f"/desk/tickets/{number}", data=form)

    def move(self, number: str, kind: str, **fields: str) -> httpx.Response:
        """Make a move by its form."""
        return self.send(number, self.form(number, kind, **fields))


@pytest.fixture
def desk(plain_api: Api) -> Desk:
    return Desk(plain_api)


def person(api: Api, role: str = "dispatcher", name: str = "Li Na") -> Iterator[Dispatcher]:
    sign_in = name.lower().replace(" ", ".")
    token = session_of(api.conn, member(api.conn, role, sign_in, name=name))
    with browser(api, token) as client:
        client.cookies.set(LANGUAGE_COOKIE, "en")
        yield Dispatcher(api, client, token)


@pytest.fixture
def li(plain_api: Api) -> Iterator[Dispatcher]:
    yield from person(plain_api)


@pytest.fixture
def wang(plain_api: Api) -> Iterator[Dispatcher]:
    yield from person(plain_api, name="Wang Wei")


@pytest.fixture
def leader(plain_api: Api) -> Iterator[Dispatcher]:
    yield from person(plain_api, "supervisor", "Zhao Min")


def kinds(api: Api, number: str) -> list[str]:
    api.conn.commit()
    return [kind for kind, _ in api.conn.execute(EVENTS, (number,)).fetchall()]


def shown_numbers(page: str) -> list[str]:
    return re.findall(r'id="open-(T\d+)"', page)


# who gets in

PATHS = ("/desk", "/desk/rows", "/desk/find?number=1", "/desk/tickets/T00000001")


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_in_without_a_session_of_the_desk(desk: Desk, path: str) -> None:
    api = desk.api
    desk.opened()
    crew = session_of(api.conn, member(api.conn, "crew", "crew", station="North"))
    for token, status in ((None, 303), (desk.dispatcher, 303), (desk.user, 403), (crew, 403)):
        with browser(api, token) as client:
            answer = client.get(path)
        assert answer.status_code == status, (path, token)
        assert "the radiator knocks" not in answer.text
        assert 'id="live"' not in answer.text
        assert status == 403 or answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("role", ["dispatcher", "supervisor", "admin"])
def test_the_desk_gets_in(plain_api: Api, role: str) -> None:
    Desk(plain_api).opened()
    for one in person(plain_api, role):
        for path in ("/desk", "/desk/rows", "/desk/tickets/T00000001"):
            answer = one.get(path)
            assert (answer.status_code, "T00000001" in answer.text) == (200, True)
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert answer.headers["cache-control"] == "no-store"


def test_other_pages_have_no_script(plain_api: Api) -> None:
    for path in ("/", "/status", "/sign-in"):
        assert "script-src" not in plain_api.client.get(path).headers["content-security-policy"]


def test_a_session_that_may_only_read_is_offered_nothing(desk: Desk, li: Dispatcher) -> None:
    desk.opened(contact="010-5555")
    desk.api.conn.execute("UPDATE token SET rights = '{read}' WHERE staff_id IS NOT NULL")
    text = li.get("/desk/tickets/T00000001").text
    assert '<form method="post" action="/desk/tickets' not in text
    refused = li.send("T00000001", sealed(li.token, version="1", move="remark", remark="x"))
    assert refused.status_code == 403
    assert kinds(desk.api, "T00000001") == ["opened"]


# the queue


def town_of_tickets(api: Api, seed: int, many: int = 40) -> list[dict[str, Any]]:
    """Store tickets of all kinds; returns what the queue has to say of them."""
    rng, told = Random(seed), []
    for number in range(many):
        station = rng.choice(["North", "South"])
        home = town.home(api.conn, f"{station}-{number}", building=f"B-{station}", station=station)
        kind = rng.choice(["cold", "leak", "repair", "device", "complaint"])
        ticket, name = town.ticket(api.conn, home if kind != "complaint" else None, kind=kind)
        states = ["open", "accepted", "working"] + (["verifying"] if kind == "cold" else ["done"])
        state, priority, replied = rng.choice(states), rng.randint(1, 4), rng.choice([None, NOW])
        mine = rng.choice([None, "Li Na", "Somebody"])
        done = NOW if state in ("verifying", "done") else None
        api.conn.execute(SET, (state, priority, mine, station, done, replied, ticket))
        due: datetime | None = None
        for clock in rng.sample(["station_reply", "on_site", "done", "contact"], rng.randint(0, 3)):
            at = NOW + timedelta(minutes=rng.randint(-300, 300))
            met = rng.random() < 0.3
            town.clock(api.conn, ticket, clock, at, NOW - timedelta(hours=9) if met else None)
            due = at if not met and (due is None or at < due) else due
        told.append({
            "number": name, "class": kind, "state": state, "priority": priority, "station": station, "due": due,
            "late": due is not None and due <= NOW, "mine": mine == "Li Na", "still_cold": state == "verifying",
            "unanswered": state == "open" or (kind == "complaint" and replied is None), "urgent": priority == 1,
            "leaks": kind == "leak", "cases": kind == "complaint", "all": True, "key": ticket,
        })  # fmt: skip
    return sorted(
        told, key=lambda one: (one["due"] is None, one["due"], one["key"]) if one["due"] else (True, NOW, one["key"])
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_queue_is_what_a_list_by_hand_would_be(plain_api: Api, li: Dispatcher, seed: int) -> None:
    """Every view and every filter: the same tickets in the same order, and the number that stands beside the view."""
    tickets = town_of_tickets(plain_api, seed)
    for station in ("", "North"):
        here = [one for one in tickets if station in ("", one["station"])]
        page = li.get(f"/desk?station={station}").text
        counts = re.findall(r'id="view-(\w+)".*?<span class="count">(\d+)</span>', page)
        assert {view: int(count) for view, count in counts} == {
            view: sum(one[view] for one in here)
            for view in ("all", "late", "unanswered", "mine", "still_cold", "urgent", "leaks", "cases")
        }
        for view, _ in counts:
            shown = shown_numbers(li.get(f"/desk?view={view}&station={station}").text)
            assert shown == [one["number"] for one in here if one[view]], view
    for key, value in (("class", "cold"), ("state", "working"), ("priority", "2"), ("state", "closed"), ("class", "x")):
        shown = shown_numbers(li.get(f"/desk?{key}={value}").text)
        known = value not in ("closed", "x")
        assert shown == [one["number"] for one in tickets if not known or str(one[key]) == value], (key, value)


def test_pages_follow_each_other_without_gap_or_repetition(plain_api: Api, li: Dispatcher) -> None:
    tickets = town_of_tickets(plain_api, 7, 120)
    seen, path = [], "/desk"
    for _ in range(10):
        page = li.get(path).text
        seen += shown_numbers(page)
        following = re.findall(r'rel="next" href="([^"]+)"', page)
        if not following:
            break
        path = following[0].replace("&amp;", "&")
        assert "Back to the first page" in li.get(path).text
    assert seen == [one["number"] for one in tickets]


@pytest.mark.parametrize("query", ["cursor=x", "cursor=MjAyNg", "view=nothing", "station=%00"])
def test_a_wrong_address_is_no_fault_of_ours(li: Dispatcher, query: str) -> None:
    assert li.get(f"/desk?{query}").status_code in (404, 500 - 500 or 404, 422)


def test_a_row_says_in_words_what_its_colour_says(desk: Desk, li: Dispatcher) -> None:
    ticket, _ = town.ticket(desk.api.conn, desk.home, kind="leak")
    town.clock(desk.api.conn, ticket, "on_site", NOW - HOUR)
    town.clock(desk.api.conn, ticket, "done", NOW + HOUR)
    page = li.get("/desk").text
    assert "1 h late" in page
    assert "arrival on site" in page
    assert "urgency-late" in page
    assert 'data-due="2026-01-15T03:00:00+00:00"' in page


def test_a_view_without_tickets_says_so(li: Dispatcher) -> None:
    for view in ("all", "late", "unanswered", "mine", "still_cold", "urgent", "leaks", "cases"):
        page = li.get(f"/desk?view={view}").text
        assert 'id="empty"' in page
        assert "<table" not in page
    assert "No tickets match the filters" in li.get("/desk?class=leak").text


def test_a_ticket_with_its_home_takes_a_handful_of_statements(
    desk: Desk, li: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = desk.opened("leak")["number"]
    assert li.get(f"/desk/tickets/{number}").status_code == 200
    sent: list[object] = []
    real = Cursor.execute

    def counting(self: Cursor[Any], query: Any, *args: Any, **named: Any) -> Any:
        sent.append(query)
        return real(self, query, *args, **named)

    monkeypatch.setattr(Cursor, "execute", counting)
    assert number in li.get(f"/desk/tickets/{number}").text
    assert 0 < len(sent) <= 12


def test_a_ticket_is_opened_by_its_number(desk: Desk, li: Dispatcher) -> None:
    desk.opened()
    for typed in ("T00000001", "t00000001", " 1 ", "00000001"):
        answer = li.client.get("/desk/find", params={"number": typed})
        assert (answer.status_code, answer.headers.get("location")) == (303, "/desk/tickets/T00000001")
    for typed in ("2", "nothing", "", "<script>", "1\x00"):
        answer = li.client.get("/desk/find", params={"number": typed})
        assert (answer.status_code, "<script>" in answer.text) == (404, False)


# the ticket


def test_a_repair_is_worked_by_forms_alone(desk: Desk, li: Dispatcher) -> None:
    api, number = desk.api, desk.opened(contact="010-5555 1234")["number"]
    api.conn.execute("UPDATE token SET idle = '7 days' WHERE staff_id IS NOT NULL")
    for minutes, kind, fields in (
        (1, "assigned", {"responsible": "Wang"}),
        (2, "accepted", {"opinion": "vent the radiator"}),
        (3, "contacted", {"appointment_at": "2026-01-15T13:00"}),
        (60, "arrived", {}),
        (70, "responsibility", {"responsibility": "user", "paid": "yes"}),
        (80, "done", {"result": "vented"}),
        (90, "confirmed", {"confirmation": "paper 17"}),
        (91, "replied", {"text": "it was vented", "channel": "phone"}),
        (50 * 60 + 80, "called_back", {"satisfied": "yes"}),
        (50 * 60 + 81, "closed", {}),
    ):
        api.clock.now = NOW + minutes * MINUTE
        answer = li.move(number, kind, **fields)
        assert (answer.status_code, answer.headers.get("location")) == (303, f"/desk/tickets/{number}?done={kind}")
    ticket = api.get(f"/v1/tickets/{number}", desk.dispatcher).json()
    assert (ticket["state"], ticket["paid"], ticket["confirmation"]) == ("closed", True, "paper 17")
    assert ticket["appointment_at"] == "2026-01-15T05:00:00Z"  # the form has local time
    assert {event["actor"] for event in ticket["events"][1:]} == {"staff 1 (Li Na)"}
    audited = [(actor, action) for actor, action, _, _ in api.conn.execute(AUDITED).fetchall()][1:]
    assert set(audited) == {("staff 1 (Li Na)", "POST /desk/tickets/{number}")}
    page = li.get(f"/desk/tickets/{number}?done=closed").text
    assert "Saved: Close." in page
    assert re.findall(r'id="move-(\w+)"', page) == ["remark", "reopened"]
    assert "vent the radiator" in page


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(desk: Desk, li: Dispatcher) -> None:
    number = desk.opened()["number"]
    answer = li.move(number, "replied", text="it was <b>vented</b>")
    assert answer.status_code == 422
    assert 'id="replied-channel-fault"' in answer.text
    assert "it was &lt;b&gt;vented&lt;/b&gt;" in answer.text
    assert '<details class="move" id="move-replied" name="move" open>' in answer.text
    assert li.move(number, "assigned", station="Nowhere").status_code == 422
    assert li.move(number, "assigned").status_code == 422
    assert li.move(number, "explode").status_code == 400
    assert kinds(desk.api, number) == ["opened"]


def test_a_refused_move_says_why(desk: Desk, li: Dispatcher) -> None:
    number = desk.opened()["number"]
    answer = li.send(number, sealed(li.token, version="1", move="closed"))
    assert (answer.status_code, 'id="refused"' in answer.text) == (409, True)
    assert "it allows" in answer.text
    assert kinds(desk.api, number) == ["opened"]


def test_two_at_one_ticket_overwrite_nothing(desk: Desk, li: Dispatcher, wang: Dispatcher) -> None:
    api, number = desk.api, desk.opened()["number"]
    mine = li.form(number, "assigned", responsible="Team 1", remark="call first")
    assert wang.move(number, "assigned", responsible="Team 2").status_code == 303
    answer = li.send(number, mine)
    assert answer.status_code == 409
    conflict = answer.text.partition('id="conflict"')[2].partition("</section>")[0]
    assert "Wang Wei" in conflict
    assert "Team 2" in conflict
    assert "Team 1" in conflict
    assert "call first" in conflict
    assert kinds(api, number) == ["opened", "assigned"]
    assert api.get(f"/v1/tickets/{number}", desk.dispatcher).json()["responsible"] == "Team 2"
    version = re.findall(r'name="version" value="(\d+)"', answer.text)[0]
    assert li.send(number, {**mine, **sealed(li.token), "version": version}).status_code == 303
    assert kinds(api, number) == ["opened", "assigned", "assigned"]


def test_a_conflict_over_a_move_that_is_gone_keeps_what_was_written(
    desk: Desk, li: Dispatcher, wang: Dispatcher
) -> None:
    number = desk.opened()["number"]
    mine = li.form(number, "void", reason="called by mistake")
    wang.move(number, "void", reason="twice")
    answer = li.send(number, mine)
    assert (answer.status_code, kinds(desk.api, number)) == (409, ["opened", "void"])
    conflict = answer.text.partition('id="conflict"')[2].partition("</section>")[0]
    assert "does not take this move any more" in conflict
    assert "called by mistake" in conflict


def test_what_the_clock_writes_is_no_conflict(desk: Desk, li: Dispatcher) -> None:
    api, opened = desk.api, desk.opened()
    mine = li.form(opened["number"], "accepted")
    api.clock.now = NOW + 2 * HOUR  # two clocks run out meanwhile, which the first move notes
    assert li.send(opened["number"], mine).status_code == 303
    assert EventKind.CLOCK_BREACHED in kinds(api, opened["number"])


def test_a_form_is_taken_once(desk: Desk, li: Dispatcher) -> None:
    number = desk.opened()["number"]
    form = li.form(number, "remark", remark="seen")
    assert [li.send(number, form).status_code for _ in range(3)] == [303, 303, 303]
    assert kinds(desk.api, number) == ["opened", "remark"]


def test_a_form_of_another_site_is_refused(desk: Desk, li: Dispatcher, wang: Dispatcher) -> None:
    number = desk.opened()["number"]
    good = li.form(number, "remark", remark="x")
    unsealed = {key: value for key, value in good.items() if key not in ("key", "code")}
    theirs = {**good, **sealed(wang.token)}
    for form, headers in ((unsealed, {}), (theirs, {}), (good, {"Origin": "https://elsewhere.example"})):
        answer = li.client.post(f"/desk/tickets/{number}", data=form, headers=headers)
        assert answer.status_code == 403, form
    assert kinds(desk.api, number) == ["opened"]


def test_the_api_takes_a_version_too(desk: Desk) -> None:
    api, number = desk.api, desk.opened()["number"]
    path = f"/v1/tickets/{number}/events"
    headers = {"Authorization": f"Bearer {desk.dispatcher}"}
    remark = {"kind": "remark", "remark": "x"}
    assert api.client.post(f"{path}?version=1", json=remark, headers=headers).status_code == 201
    answer = api.client.post(f"{path}?version=1", json=remark, headers=headers)
    assert answer.status_code == 409
    assert answer.json()["detail"] == CHANGED_SINCE.fill(number=number).en
    assert [(event["seq"], event["kind"]) for event in answer.json()["events"]] == [(2, "remark")]
    assert api.client.post(path, json=remark, headers=headers).status_code == 201


def test_a_ticket_is_merged_into_one_of_its_place(desk: Desk, li: Dispatcher) -> None:
    first, second = desk.opened(), desk.opened(new=True)
    page = li.get(f"/desk/tickets/{second['number']}").text
    assert f'<option value="{first["number"]}">' in page.partition('id="merged-into"')[2].partition("</select>")[0]
    assert li.move(second["number"], "merged", into=first["number"], reason="the same").status_code == 303
    page = li.get(f"/desk/tickets/{second['number']}").text
    assert f'<a href="/desk/tickets/{first["number"]}">' in page
    assert 'id="move-merged"' not in li.get(f"/desk/tickets/{first['number']}").text


# personal data


def test_a_number_is_shown_against_a_reason_that_is_kept(desk: Desk, li: Dispatcher) -> None:
    api, number = desk.api, desk.opened(contact="010-5555 1234")["number"]
    api.conn.execute(INSERT_CONTACT, (desk.home, "phone", "139-0000 7777", NOW))
    api.conn.execute(INSERT_CONTACT, (desk.home, "email", "li@example.org", NOW))
    path = f"/desk/tickets/{number}"
    assert not re.search("5555|7777|example.org", li.get(path).text)
    for reason in ("", "because"):
        assert li.client.post(f"{path}/contact", data=sealed(li.token, reason=reason)).status_code == 422
    api.conn.commit()
    before = len(api.conn.execute(AUDITED).fetchall())
    answer = li.client.post(f"{path}/contact", data=sealed(li.token, reason="visit"))
    assert answer.status_code == 200
    assert 'href="tel:01055551234"' in answer.text
    assert 'href="tel:13900007777"' in answer.text
    assert "example.org" not in answer.text
    api.conn.commit()
    ((actor, action, target, detail),) = api.conn.execute(AUDITED).fetchall()[before:]
    assert (actor, action) == ("staff 1 (Li Na)", "POST /desk/tickets/{number}/contact")
    assert (target, detail) == ({"number": number}, {"reason": "visit"})
    assert not re.search("5555|7777", li.get(path).text)


def test_a_former_resident_is_not_called(desk: Desk, li: Dispatcher) -> None:
    api, number = desk.api, desk.opened()["number"]
    api.conn.execute(INSERT_CONTACT, (desk.home, "phone", "139-0000 7777", NOW - 100 * HOUR))
    api.conn.execute(
        "INSERT INTO residence (home_id, resident, starts_at, first_day, ends_at) VALUES "
        "(%s, 'old', '-infinity', '-infinity', %s), (%s, 'new', %s, %s, NULL)",
        (desk.home, NOW - 50 * HOUR, desk.home, NOW - 50 * HOUR, NOW.date()),
    )
    answer = li.client.post(f"/desk/tickets/{number}/contact", data=li.form(number, "x", reason="visit"))
    assert (answer.status_code, "7777" in answer.text) == (200, False)
    assert "No number was left" in answer.text


def test_who_complained_is_shown_to_leaders_alone(desk: Desk, li: Dispatcher, leader: Dispatcher) -> None:
    api = desk.api
    case = api.post(
        "/v1/cases", desk.dispatcher, **{"class": "complaint"}, subject="conduct", channel="phone", text="Nobody came.",
        name="Sun Li", phone="024-4711",
    ).json()["number"]  # fmt: skip
    path = f"/desk/tickets/{case}/contact"
    assert "Nobody came." in li.get(f"/desk/tickets/{case}").text
    assert li.client.post(path, data=sealed(li.token, reason="to call them back")).status_code == 403
    assert leader.client.post(path, data=sealed(leader.token, reason="short")).status_code == 422
    answer = leader.client.post(path, data=sealed(leader.token, reason="to call them back"))
    assert answer.status_code == 200
    assert "Sun Li" in answer.text
    api.conn.commit()
    looked = api.conn.execute("SELECT actor, reason, outcome FROM identity.reveal").fetchall()
    assert looked == [("staff 2 (Zhao Min)", "to call them back", "shown")]
    assert not any("Sun" in str(entry) for entry in api.conn.execute(AUDITED).fetchall())


def test_a_session_without_the_right_reveals_nothing(desk: Desk, li: Dispatcher) -> None:
    number = desk.opened(contact="010-5555 1234")["number"]
    desk.api.conn.execute("UPDATE token SET rights = '{read,write}' WHERE staff_id IS NOT NULL")
    assert 'id="reveal"' not in li.get(f"/desk/tickets/{number}").text
    answer = li.client.post(f"/desk/tickets/{number}/contact", data=sealed(li.token, reason="visit"))
    assert (answer.status_code, "5555" in answer.text) == (403, False)


def test_a_complaint_takes_no_number_by_the_form(desk: Desk, li: Dispatcher) -> None:
    (case,) = desk.api.conn.execute(INSERT_CASE, {"station": "North", "at": NOW}).fetchone() or ("",)
    town.home(desk.api.conn, "x-1")
    page = li.get(f"/desk/tickets/{case}").text
    assert 'id="user_said-text"' in page
    assert 'id="user_said-contact"' not in page


# prepared answers


def test_prepared_answers_suit_the_ticket_and_work_without_script(desk: Desk, li: Dispatcher) -> None:
    number = desk.opened()["number"]
    page = li.get(f"/desk/tickets/{number}").text
    offered = set(re.findall(r"\?answer=(\w+)&amp;in=(\w+)", page))
    assert offered == {(name, language) for name in ("repaired", "in_home") for language in ("zh", "en")}
    begun = li.get(f"/desk/tickets/{number}?answer=repaired&in=zh").text
    assert '<details class="move" id="move-replied" name="move" open>' in begun
    assert f"您反映的问题（工单 {number}）已处理完毕" in begun
    assert 'role="alert"><p><strong>' not in begun


@pytest.mark.parametrize("ticket_class", [TicketClass.COLD, TicketClass.LEAK, TicketClass.DEVICE])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_ticket_of_each_class_has_a_page_in_both_languages(
    desk: Desk, li: Dispatcher, ticket_class: str, language: str
) -> None:
    ticket, number = town.ticket(desk.api.conn, desk.home, kind=ticket_class)
    if ticket_class == TicketClass.COLD:
        town.flag(desk.api.conn, desk.home, ticket)
    li.client.cookies.set(LANGUAGE_COOKIE, language[:2])
    page = li.get(f"/desk/tickets/{number}").text
    assert f'<html lang="{language}">' in page
    assert ("cold since" in page or "起偏低" in page) == (ticket_class == TicketClass.COLD)


def test_the_actor_of_a_machine_is_no_person_of_the_pages(desk: Desk) -> None:
    """A token of a machine in the cookie is no session."""
    token = access.create(desk.api.conn, access.TokenGrant(Role.ADMIN, rights=frozenset(Right)), NOW)
    with browser(desk.api, token) as client:
        assert client.get("/desk").status_code == 303


def test_a_caller_wishes_times_and_agrees_to_terms_by_forms(desk: Desk, li: Dispatcher) -> None:
    number = desk.opened("leak")["number"]
    page = li.get(f"/desk/tickets/{number}").text
    assert 'value="2026-01-15 morning"' not in page  # it is noon
    assert page.count('type="checkbox" name="times"') == 2 + 14 * 3
    wished = {"times": ["2026-01-16 morning", "2026-01-29 evening"]}
    form = {**li.form(number, "user_said"), **wished}
    assert li.send(number, form).status_code == 303  # type: ignore[arg-type]
    page = li.get(f"/desk/tickets/{number}").text
    assert "Fri 16 Jan, morning; Thu 29 Jan, evening" in page
    refused = li.send(number, {**li.form(number, "user_said"), "times": "2026-01-30 morning"})
    assert refused.status_code == 422
    assert 'id="user_said-times-fault"' in refused.text
    assert "What is agreed to" not in page
    assert 'name="declined"' not in page
    assert li.move(number, "user_said", declined="yes").status_code == 409  # nothing is paid for
    li.move(number, "responsibility", responsibility="user", paid="yes", for_what="a valve", amount="120.50")
    assert "What is agreed to: For: a valve; Amount: 120.50 yuan" in li.get(f"/desk/tickets/{number}").text
    assert 'name="declined"' in li.get(f"/desk/tickets/{number}").text
    assert li.move(number, "user_said", declined="yes", text="too much").status_code == 303
    refusal = desk.api.get(f"/v1/tickets/{number}", desk.dispatcher).json()["events"][-1]["data"]
    assert refusal == {"text": "too much", "agreed": False}
    assert li.move(number, "confirmed", confirmation="by telephone, 15 January").status_code == 303
    ticket = desk.api.get(f"/v1/tickets/{number}", desk.dispatcher).json()
    assert ticket["confirmation"] == "by telephone, 15 January"
    assert "confirmation" not in ticket["needs"]
    assert "What is agreed to" not in li.get(f"/desk/tickets/{number}").text


def test_a_ticket_that_closes_by_itself_says_so_and_leads_to_its_incident(desk: Desk, li: Dispatcher) -> None:
    conn = desk.api.conn
    home = town.home(conn, "B1-909")
    number = f"T{town.one(conn, OF_INCIDENT, (home, NOW, NOW)):08}"
    page = li.get(f"/desk/tickets/{number}").text
    assert "Nothing: it closes by itself, with its incident or sensor." in page
    assert "it can be closed" not in page
    assert '<a href="/desk/incidents/I00000003">I00000003</a>' in page

"""The pages of complaints and reports: views by due time, filing one, follow-ups, and what nobody may read there."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api import town
from tests.api.case_files import DAY, case
from tests.api.conftest import Api
from tests.api.staff import browser, member, sealed, session_of

pytestmark = pytest.mark.plain_only

LINES = re.compile(r'id="open-(T\d+)"')
COUNT = re.compile(r'id="view-(\w+)".*?<span class="count">(\d+)</span>')
EVENTS = "SELECT kind, actor FROM ticket_event JOIN ticket USING (ticket_id) WHERE number = %s ORDER BY seq"
STORY = {"class": "complaint", "subject": "conduct", "channel": "phone", "text": "Nobody came."}
WHO = {"name": "Wang Wu", "phone": "024-4711", "home": "B1-101"}


@pytest.fixture
def desk(plain_api: Api) -> Iterator[tuple[httpx.Client, str]]:
    """The browser of a dispatcher in a town of one home, and the token of the session."""
    town.home(plain_api.conn, station="North")
    town.home(plain_api.conn, "B2-101", building="B2", station="South")
    token = session_of(plain_api.conn, member(plain_api.conn))
    with browser(plain_api, token) as client:
        yield client, token


def test_views_are_ordered_and_counted_as_the_api_has_them(plain_api: Api, desk: tuple[httpx.Client, str]) -> None:
    api, (client, _) = plain_api, desk
    far, soon, late = case(api, 4 * DAY), case(api, DAY), case(api, -DAY)
    answered = case(api, -DAY, answered=True)
    closed = case(api, DAY, "closed", "South")
    api.conn.execute("UPDATE case_file SET escalated_at = case_file.opened_at FROM ticket WHERE number = %s "
                     "AND ticket.ticket_id = case_file.ticket_id", (soon,))  # fmt: skip
    wanted = {
        "open": [late, answered, soon, far], "unanswered": [late, soon, far], "late": [late], "serious": [soon],
        "closed": [closed], "examples": [], "all": [closed, answered, late, soon, far],
    }  # fmt: skip
    token = api.token("supervisor")
    api.conn.commit()
    for view, numbers in wanted.items():
        page = client.get("/desk/cases", params={"view": view})
        assert LINES.findall(page.text) == numbers, view
        assert dict(COUNT.findall(page.text)) == {name: str(len(those)) for name, those in wanted.items()}
        sort = "newest" if view in ("closed", "examples", "all") else "due"
        told = api.get("/v1/cases", token, view=view, sort=sort).json()["items"]
        assert [one["number"] for one in told] == numbers
    assert LINES.findall(client.get("/desk/cases?view=all&station=South").text) == [closed]
    assert "1 day late" in client.get("/desk/cases").text or "24 h late" in client.get("/desk/cases").text
    assert "answered" in client.get("/desk/cases").text


def test_a_list_by_due_time_is_paged_without_loss(plain_api: Api) -> None:
    api = plain_api
    made = [case(api, DAY * (nth % 3)) for nth in range(7)]
    token, cursor, seen = api.token("supervisor"), None, []
    while True:
        query: dict[str, Any] = {"sort": "due", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.get("/v1/cases", token, **query).json()
        seen += [one["number"] for one in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == sorted(made, key=lambda number: (made.index(number) % 3, number))


def test_a_callers_words_do_not_turn_what_stands_beside_them(plain_api: Api, desk: tuple[httpx.Client, str]) -> None:
    client, token = desk
    said = "Nobody \u202eca\u2067me\u2066."
    client.post("/desk/cases", data=sealed(token, **{**STORY, "text": said}, about_station="North", **WHO))
    shown = client.get("/desk/tickets/T00000001").text
    assert "Nobody came." in shown
    assert not set("\u202e\u2066\u2067") & set(shown)
    kept = plain_api.get("/v1/cases/T00000001", plain_api.token("supervisor")).json()
    assert said in json.dumps(kept, ensure_ascii=False)  # as it was said


def test_a_case_is_filed_once_and_who_made_it_is_kept_apart(plain_api: Api, desk: tuple[httpx.Client, str]) -> None:
    api, (client, token) = plain_api, desk
    page = client.get("/desk/cases/new")
    assert page.status_code == 200
    form = sealed(token, **STORY, about_station="North", **WHO)
    answers = [client.post("/desk/cases", data=form) for _ in range(2)]
    assert {answer.headers["location"] for answer in answers} == {"/desk/tickets/T00000001"}
    ticket = client.get("/desk/tickets/T00000001")
    for shown in (ticket, client.get("/desk/cases")):
        assert "Nobody came." in shown.text
        assert not [word for word in ("Wang", "4711", "B1-101") if word in shown.text]
    assert "Supervisors alone" in ticket.text or "Only supervisors may see who complained." in ticket.text
    audit = api.conn.execute("SELECT string_agg(a::text, ' ') FROM audit AS a").fetchone() or ("",)
    assert "Wang" not in audit[0]
    assert client.get("/desk/cases/T00000001").headers["location"] == "/desk/tickets/T00000001"
    assert client.get("/desk/cases/T00000009").status_code == 404


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"text": ""}, "case-text-fault"),
        ({"channel": ""}, "case-channel-fault"),
        ({"subject": "weather"}, "case-subject-fault"),
        ({"about_station": "Nowhere"}, "case-about_station-fault"),
        ({"home": "B9-999"}, "case-home-fault"),
        ({"anonymous": "yes", "name": "Wang"}, "refused"),
        ({"text": "\x00"}, "case-text-fault"),
    ],
)
def test_what_is_wrong_with_a_case_is_said_beside_its_field(
    plain_api: Api, desk: tuple[httpx.Client, str], fields: dict[str, str], fault: str
) -> None:
    client, token = desk
    answer = client.post("/desk/cases", data=sealed(token, **{**STORY, **fields}))
    assert answer.status_code == 422
    assert f'id="{fault}"' in answer.text
    assert town.one(plain_api.conn, "SELECT count(*) FROM ticket", ()) == 0


def test_follow_ups_are_made_once_from_the_ticket_s_page(plain_api: Api, desk: tuple[httpx.Client, str]) -> None:
    api, (client, token) = plain_api, desk
    number = case(api, DAY)
    api.conn.commit()
    page = client.get(f"/desk/tickets/{number}").text
    assert re.findall(r'id="follow-(\w+)"', page) == ["escalated", "supervised", "published"]
    form = sealed(token, what="escalated", note="to the manager")
    for _ in range(2):
        answer = client.post(f"/desk/tickets/{number}/follow-ups", data=form)
        assert answer.headers["location"] == f"/desk/tickets/{number}?done=escalated"
    assert "Saved: Escalate to management." in client.get(answer.headers["location"]).text
    other = client.post(f"/desk/tickets/{number}/follow-ups", data=sealed(token, what="escalated", note="again"))
    assert (other.status_code, "already been done" in other.text) == (409, True)
    empty = client.post(f"/desk/tickets/{number}/follow-ups", data=sealed(token, what="supervised"))
    assert (empty.status_code, 'id="follow-supervised-note-fault"' in empty.text) == (422, True)
    unknown = client.post(f"/desk/tickets/{number}/follow-ups", data=sealed(token, what="burnt", note="x"))
    assert unknown.status_code == 422
    assert client.post("/desk/tickets/T9/follow-ups", data=form).status_code == 404
    events = api.conn.execute(EVENTS, (number,)).fetchall()
    assert [(kind, actor.endswith("(Li Na)")) for kind, actor in events] == [("escalated", True)]


def test_other_tickets_have_no_follow_ups(plain_api: Api, desk: tuple[httpx.Client, str]) -> None:
    _, number = town.ticket(plain_api.conn, town.home(plain_api.conn, "B1-102"), kind="leak")
    plain_api.conn.commit()
    client, token = desk
    assert "follow-" not in client.get(f"/desk/tickets/{number}").text
    form = sealed(token, what="escalated", note="x")
    assert client.post(f"/desk/tickets/{number}/follow-ups", data=form).status_code == 404

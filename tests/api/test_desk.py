"""Flags and tickets of all homes."""

from datetime import timedelta

import pytest

from tests.api import town
from tests.api.answers import everything
from tests.api.conftest import Api
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only

HOUR = timedelta(hours=1)


def test_a_ticket_with_its_clocks_and_events(api: Api) -> None:
    home = town.home(api.conn)
    ticket, number = town.ticket(api.conn, home)
    flag = town.flag(api.conn, home, ticket)
    town.clock(api.conn, ticket, "done", NOW + 22 * HOUR)
    town.clock(api.conn, ticket, "contact", NOW - HOUR, met_at=NOW - 2 * HOUR)
    shown = {
        "number": number,
        "class": "cold",
        "state": "open",
        "priority": 2,
        "home": "B1-101",
        "building": "B1",
        "substation": "S-North",
        "station": "North",
        "source": "flag",
        "description": "",
        "contact": None,
        "responsible": None,
        "appointment_at": None,
        "responsibility": None,
        "paid": False,
        "confirmation": None,
        "follows": None,
        "round": 1,
        "flags": [flag],
        "opened_at": "2026-01-15T02:00:00Z",
        "done_at": None,
        "proof": None,
        "closed_at": None,
        "retrospective": False,
        "ending": None,
        "merged_into": None,
        "merged": [],
        "unanswered_since": None,
        "needs": ["done", "proof", "reply"],
        "clocks": [
            {
                "name": "contact",
                "round": 1,
                "started_at": "2026-01-01T00:00:00Z",
                "due_at": "2026-01-15T03:00:00Z",
                "met_at": "2026-01-15T02:00:00Z",
                "breached_at": None,
                "void_at": None,
            },
            {
                "name": "done",
                "round": 1,
                "started_at": "2026-01-01T00:00:00Z",
                "due_at": "2026-01-16T02:00:00Z",
                "met_at": None,
                "breached_at": None,
                "void_at": None,
            },
        ],
        "events": [
            {
                "seq": 1,
                "round": 1,
                "at": "2026-01-15T02:00:00Z",
                "kind": "opened",
                "actor": "hearth",
                "data": {"by": "flag"},
                "contact": None,
            }
        ],
    }
    assert api.get(f"/v1/tickets/{number}", api.token()).json() == shown
    assert api.get("/v1/tickets", api.token()).json() == {"items": [shown], "next": None}


def test_clocks_and_events_stay_with_their_ticket(api: Api) -> None:
    for code in ("B1-101", "B1-102", "B1-103"):
        ticket, _ = town.ticket(api.conn, town.home(api.conn, code))
        town.clock(api.conn, ticket, code, NOW)
    for item in api.get("/v1/tickets", api.token()).json()["items"]:
        assert [clock["name"] for clock in item["clocks"]] == [item["home"]]
        assert len(item["events"]) == 1


@pytest.mark.parametrize(
    ("wanted", "homes"),
    [
        ({}, ["closed", "met", "late", "leak", "south"]),
        ({"state": "closed"}, ["closed"]),
        ({"state": "open"}, ["met", "late", "leak", "south"]),
        ({"class": "leak"}, ["leak"]),
        ({"station": "South"}, ["south"]),
        ({"overdue": "true"}, ["late"]),
        ({"overdue": "false"}, ["closed", "met", "leak", "south"]),
        ({"overdue": "true", "station": "South"}, []),
    ],
)
def test_tickets_are_chosen_by(api: Api, wanted: dict[str, str], homes: list[str]) -> None:
    town.ticket(api.conn, town.home(api.conn, "south", building="B2", station="South"))
    town.ticket(api.conn, town.home(api.conn, "leak"), kind="leak")
    late, _ = town.ticket(api.conn, town.home(api.conn, "late"))
    town.clock(api.conn, late, "done", NOW)
    met, _ = town.ticket(api.conn, town.home(api.conn, "met"))
    town.clock(api.conn, met, "contact", NOW - HOUR, met_at=NOW - HOUR)
    town.clock(api.conn, met, "done", NOW + HOUR)
    closed, _ = town.ticket(api.conn, town.home(api.conn, "closed"), state="closed")
    town.clock(api.conn, closed, "done", NOW - HOUR)
    items = api.get("/v1/tickets", api.token(), **wanted).json()["items"]
    assert [item["home"] for item in items] == homes


@pytest.mark.parametrize(
    ("state", "homes"),
    [
        (None, ["cleared", "suspended", "open"]),
        ("open", ["open"]),
        ("suspended", ["suspended"]),
        ("cleared", ["cleared"]),
    ],
)
def test_flags_are_chosen_by_state(api: Api, state: str | None, homes: list[str]) -> None:
    ends = {"open": (None, None), "suspended": (NOW, None), "cleared": (NOW, NOW)}
    for code, (suspended_at, cleared_at) in ends.items():
        home = town.home(api.conn, code)
        ticket, _ = town.ticket(api.conn, home)
        town.flag(api.conn, home, ticket, suspended_at=suspended_at, cleared_at=cleared_at)
    items = api.get("/v1/flags", api.token(), **({"state": state} if state else {})).json()["items"]
    assert [(item["home"], item["state"]) for item in items] == [(home, home) for home in homes]


@pytest.mark.parametrize("path", ["/v1/flags", "/v1/tickets"])
def test_pages_lose_and_double_nothing(api: Api, path: str) -> None:
    for unit in range(7):
        home = town.home(api.conn, f"B1-{unit}")
        town.flag(api.conn, home, town.ticket(api.conn, home)[0])
    token = api.token()
    whole = api.get(path, token).json()
    assert len(whole["items"]) == 7
    assert whole["next"] is None
    for limit in (1, 3, 7):
        assert everything(api, path, token, limit) == whole["items"]


def test_what_is_new_does_not_shift_the_pages(api: Api) -> None:
    for unit in range(3):
        town.ticket(api.conn, town.home(api.conn, f"B1-{unit}"))
    token = api.token()
    first = api.get("/v1/tickets", token, limit=2).json()
    town.ticket(api.conn, town.home(api.conn, "B1-9"))
    second = api.get("/v1/tickets", token, limit=2, cursor=first["next"]).json()
    assert [item["home"] for item in first["items"] + second["items"]] == ["B1-2", "B1-1", "B1-0"]


@pytest.mark.parametrize("path", ["/v1/flags", "/v1/tickets", "/v1/homes/B1-0/flags", "/v1/homes/B1-0/tickets"])
def test_the_oldest_first_is_the_same_list_turned_round(api: Api, path: str) -> None:
    for unit in range(5):
        home = town.home(api.conn, f"B1-{unit}")
        town.flag(api.conn, home, town.ticket(api.conn, home, state="closed")[0], cleared_at=NOW)
    token = api.token()
    newest = api.get(path, token).json()["items"]
    assert len(newest) == (1 if "homes" in path else 5)
    assert everything(api, path, token, 2, sort="oldest") == newest[::-1]

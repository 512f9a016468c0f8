"""The rows that each role sees."""

import pytest

from tests.api import town
from tests.api.conftest import Api

pytestmark = pytest.mark.plain_only

HOMES = {"mine": "North", "neighbour": "North", "far": "South"}


@pytest.fixture
def numbers(api: Api) -> dict[str, str]:
    """Ticket numbers by home: three homes with a flag and a ticket each, and a ticket of no home."""
    found = {}
    for code, station in HOMES.items():
        home = town.home(api.conn, code, building=f"B-{station}", station=station)
        ticket, found[code] = town.ticket(api.conn, home)
        town.flag(api.conn, home, ticket)
    _, found["none"] = town.ticket(api.conn, None, kind="complaint")
    return found


def token_of(api: Api, role: str) -> str:
    if role == "customer":
        return api.token(role, "mine")
    return api.token(role, station="North" if role == "crew" else None)


SEEN = {
    "customer": {"mine"},
    "crew": {"mine", "neighbour"},
    "dispatcher": {"mine", "neighbour", "far"},
    "supervisor": {"mine", "neighbour", "far"},
    "admin": {"mine", "neighbour", "far"},
}


@pytest.mark.parametrize("role", SEEN)
def test_lists_hold_what_the_role_may_see(api: Api, numbers: dict[str, str], role: str) -> None:
    token = token_of(api, role)
    everywhere = {None} if SEEN[role] == set(HOMES) else set()
    flags = api.get("/v1/flags", token).json()["items"]
    tickets = api.get("/v1/tickets", token).json()["items"]
    assert {flag["home"] for flag in flags} == SEEN[role]
    assert {ticket["home"] for ticket in tickets} == SEEN[role] | everywhere


@pytest.mark.parametrize("role", SEEN)
def test_a_home_out_of_scope_looks_like_none(api: Api, numbers: dict[str, str], role: str) -> None:
    token = token_of(api, role)
    for suffix in ("", "/readings", "/readings?every=P1D", "/flags", "/tickets"):
        absent = api.get(f"/v1/homes/nobody{suffix}", token)
        assert absent.status_code == 404
        for code in HOMES:
            answer = api.get(f"/v1/homes/{code}{suffix}", token)
            if code in SEEN[role]:
                assert answer.status_code == 200
            else:
                assert (answer.status_code, answer.content) == (404, absent.content)


@pytest.mark.parametrize("role", SEEN)
def test_a_ticket_out_of_scope_looks_like_none(api: Api, numbers: dict[str, str], role: str) -> None:
    token = token_of(api, role)
    absent = api.get("/v1/tickets/T99999999", token)
    assert absent.status_code == 404
    for code in HOMES:
        answer = api.get(f"/v1/tickets/{numbers[code]}", token)
        if code in SEEN[role]:
            assert answer.json()["home"] == code
        else:
            assert (answer.status_code, answer.content) == (404, absent.content)


def test_the_station_filter_does_not_widen_the_scope(api: Api, numbers: dict[str, str]) -> None:
    assert api.get("/v1/tickets", token_of(api, "crew"), station="South").json()["items"] == []


def test_several_homes_on_one_token(api: Api, numbers: dict[str, str]) -> None:
    flags = api.get("/v1/flags", api.token("customer", "mine", "far")).json()["items"]
    assert {flag["home"] for flag in flags} == {"mine", "far"}

"""Pages of the staff: each role with each page, invitations, and the list of people."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.pages.visit import LANGUAGE_COOKIE
from api.staff.door import DoorRoute
from api.staff.session import COOKIE, StaffRoute
from store.base import access
from store.base.access import Role
from store.staff import credential_rows, person_rows, session_rows
from tests.api import town
from tests.api.conftest import Api
from tests.api.operations import ADMINS, DESK, LEADERS, OPERATIONS, STAFF
from tests.api.staff import PASSWORD, browser, member, sealed, session_of
from tests.api.town import NOW
from tests.api.ways import WAYS

pytestmark = pytest.mark.plain_only

CREWS = frozenset({Role.CREW})
TOP_PAGE = re.compile("GET (/(?:desk|crew|account)(?:/[a-z-]+)?)")
PARTS = {"/account/codes", "/desk/rows", "/desk/events", "/desk/find", "/crew/begin", "/crew/state"}  # of pages
# Every page and form of the staff, and the roles that it is for.
PAGES = {
    "POST /sign-out": STAFF,
    "GET /account": STAFF,
    "POST /account/sessions/end": STAFF,
    "POST /account/sessions/end-others": STAFF,
    "POST /account/password": STAFF,
    "GET /account/codes": STAFF,
    "POST /account/codes": STAFF,
    "POST /account/codes/off": STAFF,
    "GET /desk": DESK,
    "GET /desk/rows": DESK,
    "GET /desk/events": DESK,
    "GET /desk/find": DESK,
    "GET /desk/tickets/{number}": DESK,
    "POST /desk/tickets/{number}": DESK,
    "POST /desk/tickets/{number}/contact": DESK,
    "POST /desk/tickets/{number}/files": DESK,
    "GET /desk/tickets/{number}/files/{id}": DESK,
    "GET /desk/tickets/{number}/files/{id}/thumbnail": DESK,
    "GET /crew": CREWS,
    "GET /crew/begin": CREWS,
    "GET /crew/state": CREWS,
    "GET /crew/jobs/{number}": CREWS,
    "POST /crew/jobs/{number}": CREWS,
    "POST /crew/jobs/{number}/contact": CREWS,
    "POST /crew/jobs/{number}/measurements": CREWS,
    "POST /crew/tickets/{number}/files": CREWS,
    "GET /crew/tickets/{number}/files/{id}": CREWS,
    "GET /crew/tickets/{number}/files/{id}/thumbnail": CREWS,
    "GET /desk/call": DESK,
    "POST /desk/call": DESK,
    "GET /desk/call/panel": DESK,
    "POST /desk/call/take": DESK,
    "POST /desk/call/attempt": DESK,
    "GET /desk/call/place": DESK,
    "POST /desk/call/place": DESK,
    "GET /desk/unknown-sensors": DESK,
    "GET /desk/unknown-sensors/sensors.csv": DESK,
    "GET /desk/unknown-sensors/place": DESK,
    "POST /desk/tickets/{number}/follow-ups": DESK,
    "GET /desk/cases": DESK,
    "GET /desk/cases/new": DESK,
    "POST /desk/cases": DESK,
    "GET /desk/cases/{number}": DESK,
    "GET /desk/applications": DESK,
    "GET /desk/applications/new": DESK,
    "POST /desk/applications": DESK,
    "GET /desk/warnings": DESK,
    "GET /desk/substations": DESK,
    "GET /desk/peers": DESK,
    "POST /desk/peers/messages/{key}/again": DESK,
    "POST /desk/peers/messages/{key}/pass-over": DESK,
    "POST /desk/peers/{peer}/tickets": DESK,
    "GET /desk/figures": LEADERS,
    "GET /desk/figures/package.zip": LEADERS,
    "GET /desk/measurements": DESK,
    "POST /desk/measurements": DESK,
    "GET /desk/measurements/home": DESK,
    "POST /desk/measurements/home": DESK,
    "POST /desk/measurements/request": DESK,
    "GET /desk/measurements/where": DESK,
    "POST /desk/measurements/where": DESK,
    "GET /desk/measurements/plan": LEADERS,
    "GET /desk/measurements/plan/plan.csv": LEADERS,
    "POST /desk/measurements/plan": LEADERS,
    "GET /desk/map": DESK,
    "GET /desk/map/areas": DESK,
    "GET /desk/map/unmeasured": DESK,
    "GET /desk/map/style": DESK,
    "GET /desk/map/ground/{name}": DESK,
    "GET /desk/map/homes": DESK,
    "POST /desk/map/homes": DESK,
    "POST /desk/map/crew": DESK,
    "POST /desk/map/crew/send": DESK,
    "GET /desk/incidents": DESK,
    "GET /desk/incidents/{number}": DESK,
    "GET /desk/outages": DESK,
    "POST /desk/outages": DESK,
    "GET /desk/outages/new": DESK,
    "POST /desk/outages/draft": DESK,
    "GET /desk/outages/{number}": DESK,
    "POST /desk/outages/{number}": DESK,
    "POST /desk/outages/{number}/draft": DESK,
    "GET /desk/outages/{number}/notices": DESK,
    "GET /desk/registry/uploads": LEADERS,
    "POST /desk/registry/uploads": LEADERS,
    "POST /desk/registry/uploads/{sha256}/apply": LEADERS,
    "GET /desk/rules/trial": LEADERS,
    "POST /desk/rules/trial": LEADERS,
    "GET /desk/rota": STAFF,
    "POST /desk/rota/plan": LEADERS,
    "POST /desk/rota/shifts/{number}/cancel": LEADERS,
    "POST /desk/rota/stations": LEADERS,
    "POST /desk/rota/stations/end": LEADERS,
    "POST /desk/rota/swaps": STAFF,
    "POST /desk/rota/swaps/{number}/{answer}": STAFF,
    "POST /desk/rota/calendar": STAFF,
    "POST /desk/rota/calendar/end": STAFF,
    "GET /desk/registry": DESK,
    "POST /desk/registry": DESK,
    "GET /desk/homes/{code}": DESK,
    "POST /desk/homes/{code}/facts": LEADERS,
    "POST /desk/homes/{code}/heat": LEADERS,
    "POST /desk/homes/{code}/sensors": DESK,
    "POST /desk/homes/{code}/sensors/end": DESK,
    "POST /desk/homes/{code}/contacts/reveal": DESK,
    "POST /desk/homes/{code}/contacts": DESK,
    "POST /desk/homes/{code}/wechat": DESK,
    "POST /desk/homes/{code}/wechat/end": DESK,
    "GET /desk/homes/{code}/refund": DESK,
    "POST /desk/homes/{code}/refund/facts": DESK,
    "POST /desk/homes/{code}/refund/sheets": LEADERS,
    "GET /desk/refunds": LEADERS,
    "POST /desk/refunds/approvals": LEADERS,
    "POST /desk/refunds/payments": LEADERS,
    "GET /desk/refunds/payments/{id}.csv": LEADERS,
    "GET /desk/refunds/{number}": DESK,
    "GET /desk/refunds/{number}/paper": DESK,
    "POST /desk/refunds/{number}/approval": LEADERS,
    "GET /desk/rules": DESK,
    "POST /desk/rules": LEADERS,
    "POST /desk/rules/policy.toml": LEADERS,
    "GET /desk/tokens": ADMINS,
    "POST /desk/tokens": ADMINS,
    "POST /desk/tokens/{id}/end": ADMINS,
    "GET /desk/staff": ADMINS,
    "POST /desk/staff": ADMINS,
    "GET /desk/staff/{number}": ADMINS,
    "POST /desk/staff/{number}": ADMINS,
    "POST /desk/staff/{number}/invitation": ADMINS,
    "POST /desk/staff/{number}/reset": ADMINS,
    "POST /desk/staff/{number}/sessions/end": ADMINS,
    "POST /desk/staff/{number}/end": ADMINS,
}
# What each form needs beside its seal, so that it gets as far as the role.
FIELDS = {
    "POST /desk/rota/plan": {
        "station": "North",
        "person": "1",
        "first": "2026-01-15",
        "last": "2026-01-16",
        "opens": "08:00",
        "closes": "08:00",
        "weekdays": "3",
    },
    "POST /desk/rota/stations": {"station": "North"},
    "POST /desk/rota/stations/end": {"station": "North"},
    "POST /desk/rota/swaps": {"shift": "1", "colleague": "2"},
    "POST /account/sessions/end": {"number": "1"},
    "POST /crew/jobs/{number}": {"move": "remark", "remark": "x", "version": "1"},
    "POST /desk/tickets/{number}": {"move": "remark", "remark": "x", "version": "1"},
}
SHEET = "R00000001"  # a refused approval is shown on the page of its sheet, so there is one
NEW = "another four unrelated words"


def routes() -> list[APIRoute]:
    """Return every route of the app."""
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def path_of(path: str) -> str:
    """Fill a path in: the first of each kind, and the home of the town."""
    path = path.replace("/refunds/{number}", f"/refunds/{SHEET}")
    filled = re.sub(r"{(number|id)}", "1", path).replace("{code}", "B1-101").replace("{answer}", "agreed")
    return filled.replace("{sha256}", "0" * 64).replace("{key}", str(UUID(int=0))).replace("{peer}", "city")


def ask(client: httpx.Client, name: str, token: str | None) -> httpx.Response:
    method, _, path = name.partition(" ")
    fields = {**FIELDS.get(name, {}), **(sealed(token) if token else {})}
    data = fields if method == "POST" else None
    return client.request(method, path_of(path), data=data)


def test_every_page_has_its_line() -> None:
    inside = [one for one in routes() if isinstance(one, StaffRoute) and not isinstance(one, DoorRoute)]
    assert {f"{method} {route.path}" for route in inside for method in route.methods or ()} == set(PAGES)


def test_each_page_is_in_the_documents() -> None:
    said = (Path(__file__).parents[2] / "docs/pages.md").read_text(encoding="utf-8")
    pages = {found[1] for name in PAGES if (found := TOP_PAGE.fullmatch(name))}
    assert len(pages) > 20
    assert [path for path in sorted(pages - PARTS) if f"`{path}`" not in said] == []


def test_pages_of_the_desk_need_a_session() -> None:
    """A page under these paths that is no StaffRoute would be open to everybody, its forms without a seal."""
    inside = re.compile(r"/(desk|crew|account)(/|$)")
    open_to_all = [one for one in routes() if not isinstance(one, StaffRoute) or isinstance(one, DoorRoute)]
    assert len(open_to_all) > 40
    assert [route.path for route in open_to_all if inside.match(route.path)] == []


@pytest.mark.parametrize("role", [*sorted(STAFF), None])
def test_a_role_opens_its_pages_and_no_others(plain_api: Api, role: Role | None) -> None:
    assert town.refund(plain_api.conn, town.home(plain_api.conn, station="North")) == SHEET
    member(plain_api.conn, "admin", "the.first", name="The First")
    station = "North" if role is Role.CREW else None
    staff_id = member(plain_api.conn, role, "li.na", station=station) if role else None
    for name, roles in PAGES.items():
        token = session_of(plain_api.conn, staff_id) if staff_id else None
        with browser(plain_api, token) as client:
            answer = ask(client, name, token)
        if role is None and answer.status_code == 401:  # a form: it is kept
            assert name.startswith("POST"), name
            assert 'href="/sign-in' in answer.text, name
        elif role is None:
            assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in"), name
        else:
            assert (answer.status_code == 403) == (role not in roles), (name, answer.text)
            assert answer.status_code < 500, (name, answer.text)


def test_no_form_is_taken_without_its_seal(plain_api: Api) -> None:
    token = session_of(plain_api.conn, member(plain_api.conn, "admin"))
    forms = [name for name in PAGES if name.startswith("POST")]
    with browser(plain_api, token) as client:
        for name in forms:
            answer = client.post(path_of(name.partition(" ")[2]), data=FIELDS.get(name, {}))
            assert answer.status_code == 403, name
    assert len(forms) > 40


@pytest.fixture
def admin(plain_api: Api) -> Iterator[tuple[httpx.Client, str]]:
    """The browser of an administrator, and the token of the session."""
    with ExitStack() as stack:
        token = session_of(plain_api.conn, member(plain_api.conn, "admin", "the.admin", name="The Admin"))
        yield stack.enter_context(browser(plain_api, token)), token


def link_on(page: httpx.Response) -> str:
    """Return the path of the invitation that a page shows."""
    (path,) = re.findall(r"http://127\.0\.0\.1:\d+(/invitation/[\w-]{32})<", page.text)
    return str(path)


def test_a_person_is_added_invited_and_signs_in(plain_api: Api, admin: tuple[httpx.Client, str]) -> None:
    town.home(plain_api.conn, station="North")
    plain_api.conn.commit()
    client, token = admin
    fields = {"name": "Wang Wei", "role": "crew", "station": "North", "sign_in_name": " Wang.Wei ", "language": "en"}
    path = link_on(client.post("/desk/staff", data=sealed(token, **fields)))
    assert "Wang Wei" in client.get("/desk/staff").text
    with browser(plain_api) as theirs:
        page = theirs.get(path)
        assert (page.status_code, page.headers["referrer-policy"]) == (200, "strict-origin")
        assert "Welcome, Wang Wei" in page.text
        for first, second in (("short", "short"), (NEW, NEW + "x")):
            assert theirs.post(path, data={"new": first, "again": second}).status_code == 422
        answer = theirs.post(path, data={"new": NEW, "again": NEW})
        assert answer.headers["location"] == "/sign-in?notice=password_set_says"
        assert COOKIE not in theirs.cookies
        for again in (theirs.get(path), theirs.post(path, data={"new": NEW, "again": NEW})):
            assert again.status_code == 404
        answer = theirs.post("/sign-in", data={"name": "wang.wei", "password": NEW})
        assert answer.headers["location"].startswith("/crew/begin?person=")
    audited = plain_api.conn.execute("SELECT actor, action, target FROM audit ORDER BY audit_id").fetchall()
    actions = [(actor.partition(" (")[2][:-1], action) for actor, action, _ in audited]
    assert actions == [
        ("The Admin", "POST /desk/staff"),
        ("Wang Wei", "POST /invitation/{code}"),
        ("Wang Wei", "POST /sign-in"),
    ]
    assert path.rpartition("/")[2] not in str(audited)


@pytest.mark.parametrize("form", ["invitation", "reset"])
def test_a_page_that_showed_an_invitation_may_be_reloaded(
    plain_api: Api, admin: tuple[httpx.Client, str], form: str
) -> None:
    client, token = admin
    number = member(plain_api.conn, password=PASSWORD)
    plain_api.conn.commit()
    sent = sealed(token)
    path = link_on(client.post(f"/desk/staff/{number}/{form}", data=sent))
    with browser(plain_api) as theirs:
        assert theirs.post(path, data={"new": NEW, "again": NEW}).status_code == 303
        reloaded = client.post(f"/desk/staff/{number}/{form}", data=sent)
        assert (reloaded.status_code, reloaded.headers["location"]) == (303, f"/desk/staff/{number}")
        assert theirs.post("/sign-in", data={"name": "li.na", "password": NEW}).status_code == 303


def test_an_invitation_is_taken_by_a_form_of_this_site_alone(plain_api: Api) -> None:
    code = credential_rows.invite(plain_api.conn, member(plain_api.conn), NOW)
    with browser(plain_api) as client:
        client.headers["Origin"] = "https://evil.example"
        assert client.post(f"/invitation/{code}", data={"new": NEW, "again": NEW}).status_code == 403
        for wrong in ("x", code[:-1], "%00", "é"):
            assert client.get(f"/invitation/{wrong}").status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": " "}, "The name must have"),
        ({"role": "crew"}, "A crew needs a heat station"),
        ({"role": "crew", "station": "Nowhere"}, "There is no such heat station"),
        ({"telephone": "call me"}, "A telephone number has"),
        ({"name": "Wang\x01Wei"}, "characters that cannot be shown"),
        ({"sign_in_name": "李娜"}, "A sign-in name has"),
        ({"sign_in_name": "the.admin"}, "Somebody has this sign-in name"),
        ({"sign_in_name": ""}, "A sign-in name is needed"),
    ],
)
def test_what_is_wrong_with_a_person_is_said(
    plain_api: Api, admin: tuple[httpx.Client, str], fields: dict[str, str], said: str
) -> None:
    client, token = admin
    usual = {"name": "Wang Wei", "role": "dispatcher", "sign_in_name": "wang.wei"}
    answer = client.post("/desk/staff", data=sealed(token, **{**usual, **fields}))
    assert (answer.status_code, said in answer.text) == (422, True)
    assert len(person_rows.everybody(plain_api.conn)) == 1


def test_a_person_who_gets_another_role_signs_in_again(plain_api: Api, admin: tuple[httpx.Client, str]) -> None:
    client, token = admin
    staff_id = member(plain_api.conn)
    theirs = session_of(plain_api.conn, staff_id)
    plain_api.conn.commit()
    fields = {"name": "Li Na", "role": "dispatcher", "sign_in_name": "li.na", "telephone": "+86 24 1234"}
    for role, is_in in (("dispatcher", True), ("supervisor", False)):
        answer = client.post(f"/desk/staff/{staff_id}", data=sealed(token, **{**fields, "role": role}))
        assert answer.headers["location"] == f"/desk/staff/{staff_id}?done=person_changed"
        plain_api.conn.rollback()
        assert (access.find(plain_api.conn, theirs, NOW) is not None) == is_in


def test_a_reset_ends_password_codes_and_sessions(plain_api: Api, admin: tuple[httpx.Client, str]) -> None:
    client, token = admin
    staff_id = member(plain_api.conn, password=PASSWORD)
    credential_rows.set_totp(plain_api.conn, staff_id, b"0" * 20, 1, NOW)
    theirs = session_of(plain_api.conn, staff_id)
    plain_api.conn.commit()
    path = link_on(client.post(f"/desk/staff/{staff_id}/reset", data=sealed(token)))
    plain_api.conn.rollback()
    assert access.find(plain_api.conn, theirs, NOW) is None
    assert credential_rows.known(plain_api.conn, "li.na", NOW) is None
    assert client.get(path).status_code == 200


def test_an_administrator_ends_others_and_not_the_own_access(plain_api: Api, admin: tuple[httpx.Client, str]) -> None:
    client, token = admin
    staff_id = member(plain_api.conn, password=PASSWORD)
    theirs = session_of(plain_api.conn, staff_id)
    plain_api.conn.commit()
    assert client.post(f"/desk/staff/{staff_id}/sessions/end", data=sealed(token)).status_code == 303
    plain_api.conn.rollback()
    assert session_rows.sessions(plain_api.conn, staff_id, NOW) == []
    assert client.post(f"/desk/staff/{staff_id}/end", data=sealed(token)).status_code == 303
    assert "ended" in client.get(f"/desk/staff/{staff_id}").text
    plain_api.clock.now = NOW + timedelta(minutes=1)
    with browser(plain_api) as other:
        assert other.post("/sign-in", data={"name": "li.na", "password": PASSWORD}).status_code == 401
    (own,) = re.findall(r'href="/desk/staff/(\d+)">The Admin<', client.get("/desk/staff").text)
    assert client.post(f"/desk/staff/{own}/end", data=sealed(token)).status_code == 422
    assert client.get("/desk/staff").status_code == 200
    assert client.get("/desk/staff/99").status_code == 404
    assert theirs


def test_who_is_refused_is_told_so_in_the_own_language(plain_api: Api) -> None:
    town.home(plain_api.conn, station="North")
    number = member(plain_api.conn, "crew", station="North")
    token = session_of(plain_api.conn, number)
    with browser(plain_api, token) as client:
        client.cookies.delete(LANGUAGE_COOKIE)
        for language, browsers in (("zh", "en"), ("en", "zh")):
            plain_api.conn.execute("UPDATE staff SET language = %s WHERE staff_id = %s", (language, number))
            plain_api.conn.commit()
            for path in ("/desk", "/desk/rota?week=%00"):
                answer = client.get(path, headers={"Accept-Language": browsers})
                assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text, path
        client.cookies.set(LANGUAGE_COOKIE, "zh", domain="127.0.0.1")
        assert '<html lang="zh' in client.get("/desk").text  # what was chosen in this browser comes first


def test_a_form_is_there_for_each_role_that_has_the_operation() -> None:
    for operation, ways in WAYS.items():
        roles = (OPERATIONS[operation].roles or frozenset[Role]()) & STAFF
        assert roles <= frozenset[Role]().union(*(PAGES[form] for form in ways)), operation

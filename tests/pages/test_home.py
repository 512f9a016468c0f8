"""The page of a home: who gets in, what is shown, what may be sent."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from zipfile import ZipFile

import httpx
import pytest
from playwright.sync_api import expect

from api.pages.visit import form_token
from domain.states import HomeState
from store.base import access
from store.base.access import Role
from tests.api import town
from tests.api.conftest import Api
from tests.api.town import NOW
from tests.conftest import ANSWER_S, PLAIN_HTTP
from tests.pages import flat
from tests.pages.conftest import DESKTOP, Visitor, Visitors

HOME = "/home"
Opener: TypeAlias = Callable[[str], httpx.Client]
COUNT_TICKETS = "SELECT count(*) FROM ticket"


def inside(api: Api, person: Visitor, *homes: str) -> str:
    """Open the page by a link; returns the token."""
    token = api.token("customer", *(homes or ("B1-101",)))
    api.conn.commit()
    person.go(f"/home?token={token}")
    return token


@pytest.fixture
def client_with(api: Api) -> Iterator[Callable[[str], httpx.Client]]:
    """Makes browsers without any looks, with the cookie of a token."""
    with ExitStack() as clients:

        def make(token: str) -> httpx.Client:
            client = clients.enter_context(
                httpx.Client(base_url=api.client.base_url, trust_env=False, timeout=ANSWER_S, verify=PLAIN_HTTP)
            )
            api.conn.commit()
            client.get("/home", params={"token": token})
            return client

        yield make


def form_of(client: httpx.Client, kind: str = "leak", **other: str) -> dict[str, str]:
    """Return what a form on the page would send."""
    text = client.get("/home").text
    found = {name: re.findall(rf'name="{name}" value="([^"]*)"', text)[0] for name in ("home", "key", "token")}
    return {**found, "kind": kind, "words": "it drips", **other}


def tickets(api: Api) -> int:
    api.conn.commit()
    return town.one(api.conn, COUNT_TICKETS, None)


# the link


def test_a_link_becomes_a_cookie_and_leaves_no_trace(api: Api, visitor: Visitors) -> None:
    town.home(api.conn)
    person = visitor()
    token = inside(api, person)
    assert urlsplit(person.page.url).query == "opened=1"
    cookies = {cookie["name"]: cookie for cookie in person.page.context.cookies()}
    assert (cookies["hearth-open"]["value"], cookies["hearth-open"]["sameSite"]) == ("1", "Lax")
    cookie = cookies["hearth"]
    assert (cookie["value"], cookie["path"]) == (token, "/home")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    person.page.click("footer a[href='/status']")
    with_token = [request.url for request in person.requests if token in request.url]
    assert len(with_token) == 1  # the link itself
    assert person.page.evaluate("document.referrer").count("token") == 0


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_link_over_another_page_asks_first(api: Api, visitor: Visitors, elsewhere: bool, language: str) -> None:
    """So that nobody writes to a page that somebody else has put in the place of one's own."""
    town.home(api.conn, "MINE", building="Mine")
    town.home(api.conn, "THEIRS", building="Theirs")
    person = visitor(language)
    mine, theirs = inside(api, person, "MINE"), api.token("customer", "THEIRS")
    api.conn.commit()
    link = f"{person.base}/home?token={theirs}"
    if elsewhere:
        body = f'<a href="{link}">a nice page</a>'
        person.page.route("http://mail.example/", lambda route: route.fulfill(body=body, content_type="text/html"))
        person.page.goto("http://mail.example/")
        person.page.click("a")
        person.page.wait_for_url("**opened=1")
    else:
        person.page.goto(link)
    said = person.page.inner_text("main")
    assert "Mine 1" in said
    assert "Theirs 1" in said
    held = {cookie["name"]: cookie["value"] for cookie in person.page.context.cookies()}
    assert held["hearth"] == mine
    person.keep(f"another-{language}-{elsewhere}")
    assert all(theirs not in (request.header_value("referer") or "") for request in person.requests)
    person.page.click("main button")
    assert "Theirs 1" in person.page.inner_text("h1")
    assert "token" not in person.page.url
    person.go(f"/home?token={mine}")
    person.page.click("main a.button")
    assert "Theirs 1" in person.page.inner_text("h1")


def test_only_a_form_of_this_site_changes_over(api: Api, client_with: Opener) -> None:
    town.home(api.conn, "MINE")
    town.home(api.conn, "THEIRS")
    client, theirs = client_with(api.token("customer", "MINE")), api.token("customer", "THEIRS")
    api.conn.commit()
    asked = client.get("/home", params={"token": theirs})
    assert (asked.status_code, "set-cookie" in asked.headers) == (200, False)
    form = {name: re.findall(rf'name="{name}" value="([^"]*)"', asked.text)[0] for name in ("link", "key", "code")}
    forged = {**form, "code": form_token("", f"{form['key']} {theirs}")}
    own = str(client.base_url).rstrip("/")
    assert client.post(HOME + "/another", data=forged).status_code == 403
    assert client.post(HOME + "/another", data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    # From elsewhere the cookie does not come along, and neither does any of our content.
    for origin in ({}, {"Origin": "null"}, {"Origin": "https://evil.example"}):
        sent = httpx.post(f"{own}{HOME}/another", data=forged, headers=origin, trust_env=False, timeout=ANSWER_S)
        assert (sent.status_code, "set-cookie" in sent.headers) == (403, False)
        left = httpx.post(
            f"{own}{HOME}/leave",
            headers={**origin, "Origin": "https://evil.example"},
            trust_env=False,
            timeout=ANSWER_S,
        )
        assert (left.status_code, "set-cookie" in left.headers) == (403, False)
    # A mark without a cookie, as from elsewhere: it is asked for by ourselves, and a claim that it was changes nothing.
    for opened in ({}, {"opened": "1"}):
        marked = {"Cookie": "hearth-open=1"}
        seen = httpx.get(
            f"{own}/home", params={"token": theirs, **opened}, headers=marked, trust_env=False, timeout=ANSWER_S
        )
        assert (seen.status_code, "set-cookie" in seen.headers) == (200, False)
    assert client.post(HOME + "/another", data=form, headers={"Origin": own}).status_code == 303
    assert client.cookies["hearth"] == theirs


def test_a_page_that_holds_no_more_is_replaced_without_a_question(api: Api, client_with: Opener) -> None:
    town.home(api.conn)
    client, fresh = client_with(api.token("customer", "B1-101")), api.token("customer", "B1-101")
    access.revoke(api.conn, 1, NOW)
    api.conn.commit()
    assert client.get("/home", params={"token": fresh}).status_code == 303
    assert client.cookies["hearth"] == fresh


def test_over_tls_the_cookie_is_for_tls_alone(api: Api) -> None:
    town.home(api.conn)
    token = api.token("customer", "B1-101")
    api.conn.commit()
    answer = api.client.get("/home", params={"token": token}, headers={"Host": "heat.example"})
    said = answer.headers.get_list("set-cookie")[0]
    assert said.startswith(f"__Secure-hearth={token};")
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/home"} <= set(said.split("; "))
    assert (answer.status_code, answer.headers["location"]) == (303, "/home?opened=1")
    assert token not in answer.text + answer.headers["location"]


def test_a_link_in_a_message_elsewhere_leads_to_the_page(api: Api, visitor: Visitors) -> None:
    """A strict cookie is not sent along when another site's link redirects: the page goes on by itself."""
    town.home(api.conn)
    token = api.token("customer", "B1-101")
    api.conn.commit()
    person = visitor()
    link = f'<a href="{person.base}/home?token={token}">my home</a>'
    person.page.route("http://mail.example/", lambda route: route.fulfill(body=link, content_type="text/html"))
    person.page.goto("http://mail.example/")
    person.page.click("a")
    person.page.wait_for_url(f"{person.base}/home")
    assert "B1 1" in person.page.inner_text("h1")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("case", ["none", "unknown", "expired", "revoked", "staff"])
def test_who_has_no_link_that_holds_gets_a_page_that_says_so(
    api: Api, visitor: Visitors, case: str, language: str
) -> None:
    town.home(api.conn)
    past = NOW - timedelta(days=1)
    token = {
        "none": None,
        "unknown": "hearth_nobody",
        "expired": access.create(api.conn, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"], expires_at=past), past),
        "revoked": api.token("customer", "B1-101"),
        "staff": api.token("dispatcher"),
    }[case]
    if case == "revoked":
        access.revoke(api.conn, 2, NOW)
    api.conn.commit()
    person = visitor(language)
    answer = person.go("/home" if token is None else f"/home?token={token}")
    assert answer.status == (403 if case == "staff" else 401)
    says = {
        "none": {"zh": "专用链接", "en": "with your personal link"},
        "staff": {"zh": "供用户使用", "en": "for customers"},
    }.get(case, {"zh": "已失效", "en": "no longer valid"})
    assert says[language] in person.page.inner_text("h1")
    assert "96777" in person.page.inner_text("footer")
    assert person.page.context.cookies() == []
    assert all("token=" not in (request.header_value("referer") or "") for request in person.requests)
    person.errors = [error for error in person.errors if "Failed to load resource" not in error]  # its status
    person.keep(f"{case}-{language}")
    person.is_well()
    person.page.click("main a")  # no page is without a way on
    assert person.page.url == f"{person.base}{'/sign-in' if case == 'staff' else '/'}"
    assert person.page.locator("h1").count() == 1


def test_a_link_that_is_withdrawn_ends_what_was_open(api: Api, visitor: Visitors) -> None:
    town.home(api.conn)
    person = visitor()
    inside(api, person)
    assert person.go("/home").status == 200
    access.revoke(api.conn, 1, NOW)
    api.conn.commit()
    assert person.go("/home").status == 401


def test_who_tries_one_link_after_the_other_waits_ever_longer(api: Api) -> None:
    took = []
    for number in range(6):
        begun = time.monotonic()
        assert api.client.get("/home", params={"token": f"hearth_{number}"}).status_code == 401
        took.append(time.monotonic() - begun)
    assert took[-1] > 0.7  # 0.2, 0.4, 0.8 s


def test_signing_out(api: Api, visitor: Visitors) -> None:
    town.home(api.conn)
    person = visitor()
    inside(api, person)
    person.page.click(".leave button")
    assert person.page.context.cookies() == []
    assert person.go("/home").status == 401


# what is shown


def test_another_s_home_is_never_shown(api: Api, client_with: Opener) -> None:
    town.home(api.conn, "mine-1")
    town.home(api.conn, "theirs-1")
    client = client_with(api.token("customer", "mine-1"))
    absent = client.get("/home", params={"home": "nobody-1"})
    for path in ("/home", HOME + "/readings/season.csv", HOME + "/evidence/season.zip"):
        path += "?home=theirs-1"
        answer = client.get(path)
        assert (answer.status_code, "theirs" in answer.text) == (404, False)
    foreign = client.get("/home", params={"home": "theirs-1"})
    assert (foreign.status_code, foreign.text) == (404, absent.text)
    sent = client.post("/home", data=form_of(client, home="theirs-1"))
    assert (sent.status_code, tickets(api)) == (404, 0)


@pytest.mark.parametrize("role", [Role.CREW, Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN])
def test_no_staff_token_opens_or_sends_anything(api: Api, role: Role) -> None:
    town.home(api.conn)
    token = api.token(role, station="North" if role is Role.CREW else None)
    api.conn.commit()
    cookie = {"Cookie": f"hearth={token}"}
    for path in ("/home", "/home?home=B1-101", HOME + "/readings/season.csv", HOME + "/evidence/season.zip"):
        answer = api.client.get(path, headers=cookie)
        assert (answer.status_code, "B1-101" in answer.text) == (403, False)
    assert "set-cookie" not in api.client.get("/home", params={"token": token}).headers
    assert api.client.get("/v1/homes/B1-101", headers=cookie).status_code == 401  # the API knows no cookies


def test_several_homes_on_one_link(api: Api, visitor: Visitors) -> None:
    town.home(api.conn, "B1-101", state=HomeState.WARM)
    town.home(api.conn, "B1-102", state=HomeState.UNKNOWN)
    person = visitor()
    inside(api, person, "B1-101", "B1-102")
    assert "Warm enough" in person.page.inner_text("main")
    person.page.click("nav a >> nth=1")
    assert "No current reading" in person.page.inner_text("main")
    assert "home=B1-102" in person.page.url
    assert person.page.get_attribute("nav a >> nth=1", "aria-current") == "page"


@pytest.mark.parametrize(
    ("state", "days", "status", "says"),
    [
        (HomeState.WARM, 0, "on", "The current limit is 18.0 °C."),
        (HomeState.COLD, 0, "on", "below the current limit of 18.0 °C"),
        (HomeState.SEVERE, 0, "on", "below the minimum of 16.0 °C"),
        (HomeState.UNKNOWN, 0, "on", "has sent no new data"),
        (HomeState.NOT_JUDGED, 120, "on", "not the heating season"),
        (HomeState.NOT_JUDGED, 0, "stopped", "suspended for this home"),
    ],
)
def test_how_the_home_is_in_plain_words(
    api: Api, visitor: Visitors, state: HomeState, days: int, status: str, says: str
) -> None:
    home = flat.flat(api.conn, state=state)
    api.conn.execute("UPDATE home_status SET status = %s WHERE home_id = %s", (status, home))
    api.clock.now = NOW + timedelta(days=days)
    person = visitor()
    inside(api, person)
    assert says in person.page.inner_text(".now")
    person.is_well()


def test_in_the_dark_it_can_be_read_as_well(api: Api, visitor: Visitors) -> None:
    home = flat.flat(api.conn, state=HomeState.COLD, celsius=16.6)
    flat.days(api.conn, home)
    flat.cold_ticket(api.conn, home)
    person = visitor("en", color_scheme="dark")
    inside(api, person)
    for kind in ("cold", "leak", "complaint"):
        person.page.click(f"#form-{kind} summary")
    person.is_well()


def test_by_night_the_limit_is_that_of_the_night(api: Api, visitor: Visitors) -> None:
    flat.flat(api.conn)
    api.clock.now = NOW + timedelta(hours=10)  # 22:00
    person = visitor()
    inside(api, person)
    assert "The limit is 16.0 °C at night and 18.0 °C by day." in person.page.inner_text(".now")


def test_clocks_are_told_as_they_are(api: Api, visitor: Visitors) -> None:
    home = flat.flat(api.conn, state=HomeState.COLD, celsius=16.6)
    number = flat.cold_ticket(api.conn, home)
    flat.past_ticket(api.conn, home)
    person = visitor("en", DESKTOP)
    inside(api, person)
    told = person.page.locator(f"#{number} .promises li").all_inner_texts()
    assert told == [
        "Our call to you: 10:15, on time",
        "The heat station's plan of action: 12:00, late (due by 11:00)",
        "Our visit is late: it was due by 11:30",
        "It will be repaired by 10:00 tomorrow",
    ]
    person.page.click("details.past > summary")
    assert "已更换阀门密封圈" in person.page.inner_text("section:has(#past)")


def test_a_day_of_which_something_is_not_known(api: Api, visitor: Visitors) -> None:
    home = flat.flat(api.conn)
    flat.days(api.conn, home)
    person = visitor("en", DESKTOP)
    inside(api, person)
    today, season = person.page.locator("svg.chart").all()
    assert today.locator("path.line").count() == 4  # two rooms, before and after
    assert today.locator("rect.box-gap").count() == 1
    assert season.locator("rect.box-severe").count() == 1
    assert season.locator("rect.box-cold").count() == 5
    assert person.page.locator("dl.figures dd").all_inner_texts() == ["6 of 59 days with readings", "19 h"]
    person.page.click("section:has(#today) details summary")
    rows = person.page.locator("section:has(#today) tbody th").all_inner_texts()
    assert rows == [f"{hour:02}:00" for hour in (0, 1, 2, 3, 4, 5, 6, 9, 10, 11)]
    person.page.click("section:has(#season) details summary")
    assert person.page.locator("section:has(#season) tbody tr").count() == 61
    person.is_well()


def test_a_reading_that_still_holds_is_no_gap(api: Api, visitor: Visitors) -> None:
    """A thermometer that speaks once in an hour."""
    home = town.home(api.conn)
    sensor = town.sensor(api.conn, home)
    api.conn.execute("UPDATE point SET interval_s = 3600")
    for hour in range(1, 12):
        if hour not in (3, 4, 5, 6, 7):
            town.reading(api.conn, sensor, flat.MIDNIGHT + timedelta(hours=hour), 20.0)
    person = visitor("en", DESKTOP)
    inside(api, person)
    chart = person.page.locator("svg.chart").first
    (gap,) = chart.locator("rect.box-gap").all()
    share = [float(gap.get_attribute(name) or 0) for name in ("x", "width")]
    hour_wide = (360 - 30 - 6) / 24
    begins, lasts = (share[0] - 30) / hour_wide, share[1] / hour_wide
    assert (round(begins), round(lasts)) == (5, 3)  # 02:00 and three intervals, until 08:00
    assert chart.locator("path.line").count() == 2


def test_a_season_is_drawn_from_the_first_day_that_was_watched(api: Api, visitor: Visitors) -> None:
    home = flat.flat(api.conn)
    flat.days(api.conn, home)
    api.conn.execute("ALTER TABLE ledger DISABLE TRIGGER USER")  # records stay, else
    api.conn.execute("DELETE FROM ledger WHERE day < '2026-01-12'")
    person = visitor("en", DESKTOP)
    inside(api, person)
    season = person.page.locator("svg.chart").nth(1)
    assert season.locator("rect.box-fine").count() + season.locator("rect.box-cold").count() == 3
    assert season.locator("rect.box-gap").count() == 1  # today, of which the ledger has nothing yet
    assert season.locator("text.axis").all_text_contents()[-2:] == ["12 Jan", "19 Jan"]


def test_the_language_that_was_chosen_stays(api: Api, visitor: Visitors) -> None:
    town.home(api.conn)
    person = visitor("zh")
    inside(api, person)
    assert person.page.get_attribute("html", "lang") == "zh-CN"
    person.page.click("text=English")
    assert person.page.get_attribute("html", "lang") == "en"
    assert "lang=" not in person.page.url
    person.go("/status")
    assert person.page.get_attribute("html", "lang") == "en"


def test_readings_to_take_away(api: Api, visitor: Visitors) -> None:
    flat.flat(api.conn)
    person = visitor()
    inside(api, person)
    with person.page.expect_download() as download:
        person.page.click("text=All readings of the season")
    assert download.value.suggested_filename == "B1-101-readings.csv"
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 1 + 2 * (72 - 12)
    with person.page.expect_download() as download:
        person.page.click("text=Evidence of the season")
    assert download.value.suggested_filename == "evidence-B1-101-2025-11-15-2026-01-16.zip"
    with ZipFile(download.value.path()) as dossier:
        assert {"manifest.json"} <= set(dossier.namelist())


# what may be sent


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_leak_is_reported_and_its_ticket_seen(api: Api, visitor: Visitors, language: str, script: bool) -> None:
    town.home(api.conn)
    person = visitor(language, java_script_enabled=script)
    inside(api, person)
    person.page.click("#form-leak summary")
    assert "96777" in person.page.inner_text("#form-leak .advice")
    if script:
        person.keep(f"leak-{language}")
        person.is_well()
    person.page.fill("#leak-words", "厨房漏水 <script>alert(1)</script>")
    person.page.fill("#leak-contact", "024-4711")
    person.page.click("#form-leak button")
    ((number, contact, source),) = api.conn.execute(
        "SELECT number, contact, source FROM ticket JOIN ticket_contact USING (ticket_id)"
    ).fetchall()
    assert (contact, source) == ("024-4711", "user")
    assert number in person.page.inner_text("#sent")
    assert "厨房漏水 <script>alert(1)</script>" in person.page.inner_text(f"#{number}")
    expect(person.page.locator(f"#{number} .promise-running")).to_have_count(3)
    person.page.reload()
    assert tickets(api) == 1
    if script:
        person.keep(f"sent-{language}")
        person.is_well()


def test_a_cold_home_has_one_ticket_and_what_comes_later_is_added(api: Api, visitor: Visitors) -> None:
    town.home(api.conn, state=HomeState.COLD)
    person = visitor()
    inside(api, person)
    for words, contact in (("The bedroom is at 16.", "024-1"), ("Now it is at 15.", "024-2")):
        person.page.click("#form-cold summary")
        person.page.fill("#cold-words", words)
        person.page.fill("#cold-contact", contact)
        person.page.click("#form-cold button")
    assert tickets(api) == 1
    assert "Ticket T00000001 is already open for this." in (person.page.text_content("#form-cold") or "")
    shown = person.page.inner_text("#T00000001")
    assert "The bedroom is at 16." in shown
    assert "Now it is at 15." in shown
    events = api.get("/v1/tickets/T00000001", api.token()).json()["events"]
    assert (events[-1]["kind"], events[-1]["data"]) == ("user_said", {"text": "Now it is at 15.", "source": "user"})
    assert [event["contact"] for event in events] == ["024-1", "024-2"]
    told = api.conn.execute("SELECT audience, data FROM outbox WHERE kind = 'user_said' ORDER BY audience").fetchall()
    assert [audience for audience, _ in told] == ["crew", "dispatch"]
    assert "15" not in str(told)
    person.is_well()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_open_is_offered_before_another_ticket_is_opened(
    api: Api, visitor: Visitors, client_with: Opener, language: str
) -> None:
    town.home(api.conn)
    person = visitor(language)
    token = inside(api, person)
    client = client_with(token)
    form = form_of(client)  # of a page on which nothing was open yet
    person.page.click("#form-leak summary")
    person.page.fill("#leak-words", "it drips")
    person.page.click("#form-leak button")
    asked = client.post("/home", data=form | {"words": "it drips in the hall", "contact": "024-9"})
    assert (asked.status_code, tickets(api)) == (409, 1)
    for kept in ("it drips in the hall", "024-9", 'value="T00000001"', 'value="new"'):
        assert kept in asked.text
    person.page.click("#form-leak summary")
    assert person.page.locator("#form-leak input[name=about]:checked").count() == 0
    person.keep(f"belongs-{language}")
    person.is_well()
    for words, about, count in (("more of it", "T00000001", 1), ("in the kitchen", "new", 2)):
        if not person.page.is_visible("#leak-words"):
            person.page.click("#form-leak summary")
        person.page.check(f"#leak-about-{about}")
        person.page.fill("#leak-words", words)
        person.page.click("#form-leak button")
        assert tickets(api) == count
    assert "more of it" in person.page.inner_text("#T00000001")
    assert "in the kitchen" in person.page.inner_text("#T00000002")


def test_an_answer_stands_under_the_round_that_it_was_given_in(api: Api, visitor: Visitors) -> None:
    """Cold again within the call-back time: the ticket comes back, with the words and the number of this time."""
    town.home(api.conn)
    person, desk = visitor(), api.token()
    inside(api, person)

    def send(words: str, contact: str) -> None:
        person.page.click("#form-cold summary")
        person.page.fill("#cold-words", words)
        person.page.fill("#cold-contact", contact)
        person.page.click("#form-cold button")

    send("cold since noon", "024-1")
    path = "/v1/tickets/T00000001/events"
    assert api.post(path, desk, kind="done", result="a valve was opened").status_code == 201
    assert api.post(path, desk, kind="replied", text="It is repaired.", channel="phone").status_code == 201
    api.conn.execute(
        "UPDATE ticket SET state = 'closed', closed_at = %(now)s, proven_at = %(now)s, called_back_at = %(now)s, "
        "proof = 'readings'",
        {"now": NOW},
    )
    api.conn.commit()
    person.go("/home")
    send("cold again", "024-2")
    assert tickets(api) == 1
    card = person.page.locator("#T00000001")
    assert "cold again" in card.inner_text()
    for old in ("cold since noon", "It is repaired.", "a valve was opened"):
        assert old not in card.inner_text()
    card.locator("details summary").first.click()
    for old in ("cold since noon", "It is repaired.", "a valve was opened"):
        assert old in card.locator("details").first.inner_text()
    told = api.get("/v1/tickets/T00000001", desk).json()
    said = [(e["round"], e["data"].get("text"), e["contact"]) for e in told["events"] if e["kind"] == "user_said"]
    assert (told["contact"], told["round"], said) == ("024-2", 2, [(2, "cold again", "024-2")])
    outbox = api.conn.execute("SELECT kind, audience FROM outbox WHERE kind IN ('user_said', 'ticket_reopened')")
    assert sorted(outbox.fetchall()) == [("ticket_reopened", who) for who in ("crew", "dispatch", "user")]
    person.is_well()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_how_a_ticket_ended_without_work_is_told_with_the_reason(
    api: Api, visitor: Visitors, client_with: Opener, language: str
) -> None:
    town.home(api.conn)
    person, desk = visitor(language), api.token()
    client = client_with(inside(api, person))
    for _ in range(3):
        assert client.post("/home", data=form_of(client, about="new")).status_code == 303
    for number, body in (
        ("T00000001", {"kind": "merged", "into": "T00000002", "reason": "the same leak"}),
        ("T00000003", {"kind": "void", "reason": "sent twice"}),
    ):
        assert api.post(f"/v1/tickets/{number}/events", desk, **body).status_code == 201
    person.go("/home")
    past = person.page.text_content("section:has(#past)") or ""
    says = {"zh": ("已并入工单 T00000002", "作废"), "en": ("merged into ticket T00000002", "opened by mistake")}
    for words in (*says[language], "the same leak", "sent twice"):
        assert words in past
    assert person.page.locator("article.ticket").count() == 1
    person.is_well()


def test_a_complaint_and_its_answer(api: Api, visitor: Visitors) -> None:
    town.home(api.conn)
    person = visitor()
    inside(api, person)
    person.page.click("#form-complaint summary")
    person.page.select_option("#complaint-subject", "conduct")
    person.page.fill("#complaint-words", "Nobody called back.")
    person.page.click("#form-complaint button")
    ((about,),) = api.conn.execute("SELECT about_station FROM case_file").fetchall()
    assert about == "North"
    assert "We will answer you by" in person.page.inner_text("#T00000001")
    api.post("/v1/tickets/T00000001/events", api.token(), kind="replied", text="We are sorry.", channel="phone")
    person.page.reload()
    shown = person.page.inner_text("#T00000001")
    assert "We are sorry." in shown
    assert "Nobody called back." in shown
    person.is_well()


def test_an_anonymous_complaint_gives_a_number_and_nothing_that_leads_back(api: Api, visitor: Visitors) -> None:
    town.home(api.conn)
    person = visitor()
    inside(api, person)
    person.page.click("#form-complaint summary")
    person.page.select_option("#complaint-subject", "fees")
    person.page.fill("#complaint-words", "The bill is wrong.")
    person.page.check("#anonymous")
    person.page.click("#form-complaint button")
    assert "T00000001" in person.page.inner_text("#sent")
    assert person.page.locator("#T00000001").count() == 0
    api.conn.commit()
    log = api.conn.execute("SELECT actor, address, target, detail FROM audit").fetchall()
    assert log == [("unknown", None, {}, {"anonymous": True})]
    assert api.conn.execute("SELECT anonymous, opened_by FROM case_file").fetchall() == [(True, "user")]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_wrong_in_a_form_is_said_beside_it(api: Api, visitor: Visitors, language: str) -> None:
    town.home(api.conn)
    person = visitor(language)
    inside(api, person)
    person.page.click("#form-complaint summary")
    person.page.fill("#complaint-contact", "024-4711")
    person.page.check("#anonymous")
    person.page.eval_on_selector("#form-complaint form", "form => { form.noValidate = true }")
    with person.page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        person.page.click("#form-complaint button")
    assert answered.value.status == 422
    person.page.wait_for_selector("[role=alert]")
    for field in ("subject", "words", "contact"):
        told = person.page.get_attribute(f"#complaint-{field}", "aria-describedby") or ""
        assert f"complaint-{field}-fault" in told.split()
        assert person.page.locator(f"#complaint-{field}-fault").is_visible()
        assert person.page.get_attribute(f"#complaint-{field}", "aria-invalid") == "true"
    assert person.page.input_value("#complaint-contact") == "024-4711"  # what was typed stays
    assert tickets(api) == 0
    person.errors = [error for error in person.errors if "422" not in error]
    person.keep(f"faults-{language}")
    person.is_well()


def test_a_form_that_is_sent_twice_is_taken_once(api: Api, client_with: Opener) -> None:
    town.home(api.conn)
    token = api.token("customer", "B1-101")
    client = client_with(token)
    form = form_of(client)

    def send(_: int) -> Any:
        with httpx.Client(base_url=client.base_url, cookies=client.cookies, trust_env=False, timeout=ANSWER_S) as other:
            return other.post("/home", data=form)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(6)))
    assert [answer.status_code for answer in answers] == [303] * 6
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert tickets(api) == 1


def test_what_was_changed_meanwhile_and_another_form_are_taken_too(api: Api, client_with: Opener) -> None:
    """After going back in the browser: all forms of a page have the same key."""
    town.home(api.conn)
    client = client_with(api.token("customer", "B1-101"))
    form = form_of(client)
    new = {"about": "new"}
    for other in ({}, {}, {"words": "it drips still", **new}, {"kind": "cold", **new}, {"kind": "cold", **new}):
        assert client.post("/home", data=form | other).status_code == 303
    kinds = api.conn.execute("SELECT class, description FROM ticket ORDER BY ticket_id").fetchall()
    assert kinds == [("leak", "it drips"), ("leak", "it drips still"), ("cold", "it drips")]


@pytest.mark.parametrize(
    "change",
    [{"token": "0" * 64}, {"token": ""}, {"key": "A" * 32}, {"key": "short"}, {"kind": "repair"}],
    ids=["wrong token", "no token", "other key", "no key", "no such form"],
)
def test_a_form_that_is_not_ours_is_not_taken(api: Api, change: dict[str, str], client_with: Opener) -> None:
    town.home(api.conn)
    client = client_with(api.token("customer", "B1-101"))
    assert client.post("/home", data=form_of(client) | change).status_code in (400, 403)
    assert tickets(api) == 0


def test_a_form_from_elsewhere_is_not_taken(api: Api, client_with: Opener) -> None:
    town.home(api.conn)
    client = client_with(api.token("customer", "B1-101"))
    form = form_of(client)
    for origin in ("https://evil.example", "null"):
        assert client.post("/home", data=form, headers={"Origin": origin}).status_code == 403
    other = client_with(api.token("customer", "B1-101"))
    assert other.post("/home", data=form).status_code == 403  # another's form, with one's own cookie
    assert httpx.post(f"{client.base_url}/home", data=form, trust_env=False, timeout=ANSWER_S).status_code == 401
    assert tickets(api) == 0


def test_a_token_that_only_reads_sends_nothing(api: Api, client_with: Opener) -> None:
    town.home(api.conn)
    token = access.create(api.conn, access.TokenGrant(Role.CUSTOMER, homes=["B1-101"], rights={access.Right.READ}), NOW)
    client = client_with(token)
    assert "<textarea" not in client.get("/home").text
    form = form_of(client_with(api.token("customer", "B1-101")))
    assert client.post("/home", data=form | {"token": form_token(token, form["key"])}).status_code == 403
    assert tickets(api) == 0


def test_more_than_is_worked_at_a_time_is_refused_in_words(api: Api, client_with: Opener) -> None:
    town.home(api.conn)
    client = client_with(api.token("customer", "B1-101"))
    answers = [client.post("/home", data=form_of(client, about="new")) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [303] * 5 + [409]
    assert "the home has too many open tickets" in answers[-1].text
    assert tickets(api) == 5


def test_pages_may_load_nothing_but_their_own(api: Api, client_with: Opener) -> None:
    town.home(api.conn)
    client = client_with(api.token("customer", "B1-101"))
    for path in ("/home", "/home?home=none", "/status"):
        answer = client.get(path)
        is_live = path == "/home"
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; "
            "base-uri 'none'" + ("; script-src 'self'; connect-src 'self'" if is_live else "")
        )
        scripts = re.findall(r"<script[^>]*>[^<]*", answer.text)
        assert scripts == (['<script src="/pages/home.js" type="module">'] if is_live else [])
        assert not re.search(r'\s(style|on\w+)="', answer.text)
        assert answer.headers["cache-control"] in ("no-store", "private, max-age=30")

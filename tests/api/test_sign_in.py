"""Signing in: who gets in, who does not, and that both take as long; what a session in a cookie can be used for."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from types import SimpleNamespace

import httpx
import psycopg
import pytest
from argon2 import PasswordHasher

from api.http import callers, limits
from api.staff import passwords
from api.staff.account import described
from api.staff.session import COOKIE, local_path
from api.staff.sign_in import PENDING, PENDING_COOKIE
from domain import totp
from store.base import access
from store.staff import credential_rows, session_rows
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import CHEAP, PASSWORD, browser, member, sealed, session_of
from tests.api.town import NOW
from tests.conftest import ANSWER_S, Database

pytestmark = pytest.mark.plain_only

SECRET = b"12345678901234567890"
AUDITED = "SELECT actor, action, detail FROM audit ORDER BY audit_id"


@pytest.fixture
def api(plain_api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API, which answers wrong tries at once."""
    monkeypatch.setattr(limits, "PATIENT", 1_000)
    return plain_api


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    """A browser in which nobody is signed in."""
    with browser(api) as client:
        yield client


def sign_in(client: httpx.Client, name: str = "li.na", password: str = PASSWORD, **other: str) -> httpx.Response:
    return client.post("/sign-in", data={"name": name, "password": password, **other})


def code_of(api: Api, steps: int = 0) -> str:
    return totp.code(SECRET, totp.counter_at(api.clock.now) + steps)


def with_code(api: Api) -> int:
    staff_id = member(api.conn, password=PASSWORD)
    credential_rows.set_totp(api.conn, staff_id, SECRET, 0, NOW)
    api.conn.commit()
    return staff_id


def hidden(page: str) -> dict[str, str]:
    """Return the first seal on a page."""
    return {name: re.findall(rf'name="{name}" value="([^"]*)"', page)[0] for name in ("key", "code")}


def test_name_and_password_open_a_session(api: Api, client: httpx.Client) -> None:
    staff_id = member(api.conn, password=PASSWORD)
    api.conn.commit()
    assert "Staff sign-in" in client.get("/sign-in").text
    answer = sign_in(client, name=" LI.na ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    told = answer.headers["set-cookie"]
    assert re.match(rf"{COOKIE}=hearth_[\w-]{{43}}; HttpOnly; Max-Age=604800; Path=/; SameSite=lax$", told)
    page = client.get("/account")
    assert page.status_code == 200
    assert "Li Na" in page.text
    assert client.get("/sign-in").headers["location"] == "/desk"
    assert api.conn.execute(AUDITED).fetchall() == [(f"staff {staff_id} (Li Na)", "POST /sign-in", {})]


def test_over_tls_the_cookie_is_of_this_host_alone(api: Api) -> None:
    member(api.conn, password=PASSWORD)
    with browser(api) as client:
        client.headers.update({"Host": "hearth.example", "Origin": "https://hearth.example"})
        told = sign_in(client).headers["set-cookie"]
    assert told.startswith("__Host-hearth-staff=")
    assert "Secure" in told


@pytest.mark.parametrize(
    ("name", "password"), [("li.na", "wrong"), ("nobody", PASSWORD), ("", ""), ("li.na", ""), ("\x00", "\x00")]
)
def test_what_is_wrong_gets_one_answer(api: Api, client: httpx.Client, name: str, password: str) -> None:
    member(api.conn, password=PASSWORD)
    member(api.conn, sign_in_name="unset")  # invited, without a password yet
    api.conn.commit()
    answer, other = sign_in(client, name, password), sign_in(client, "unset")
    assert (answer.status_code, other.status_code) == (401, 401)
    assert answer.text.replace(name, "") == other.text.replace("unset", "")
    assert "set-cookie" not in answer.headers
    assert [entry[2] for entry in api.conn.execute(AUDITED)] == [{"refused": "password"}] * 2
    assert PASSWORD not in str(api.conn.execute(AUDITED).fetchall())


@pytest.mark.parametrize("name", ["li.na", "nobody"])
def test_a_name_without_a_person_costs_the_same_work(
    api: Api, client: httpx.Client, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    member(api.conn, password=PASSWORD)
    api.conn.commit()
    checked: list[str] = []
    real = passwords._HASHER.verify

    def counted(known: str, said: str) -> bool:
        checked.append(known)
        return real(known, said)

    monkeypatch.setattr(passwords, "_HASHER", SimpleNamespace(verify=counted))
    sign_in(client, name, "wrong")
    assert [CHEAP.check_needs_rehash(known) for known in checked] == [False]  # once, with the same parameters


def test_a_hash_of_older_parameters_is_made_again(api: Api, client: httpx.Client) -> None:
    staff_id = member(api.conn)
    old = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)
    credential_rows.set_password(api.conn, staff_id, old, NOW)
    api.conn.commit()
    for _ in range(2):
        assert sign_in(client).status_code == 303
        known = credential_rows.known(api.conn, "li.na", NOW)
        assert known is not None
        assert not CHEAP.check_needs_rehash(known.hash)
        api.conn.rollback()


def test_many_wrong_tries_lock_a_name_at_an_address(api: Api, client: httpx.Client) -> None:
    member(api.conn, password=PASSWORD)
    member(api.conn, sign_in_name="wang", password=PASSWORD)
    api.conn.commit()
    for _ in range(limits.MOST_TRIES["tries of at"]):
        assert sign_in(client, password="wrong").status_code == 401
    assert sign_in(client).status_code == 401  # the right one comes too late
    assert sign_in(client, "wang").status_code == 303
    assert api.conn.execute(AUDITED).fetchall()[-2][2] == {"refused": "too many tries"}


def test_an_address_that_tries_many_names_is_told_to_wait_without_work(
    api: Api, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.MOST_TRIES, limits.BY_ADDRESS, 3)
    assert [sign_in(client, f"nobody{number}").status_code for number in range(3)] == [401] * 3
    monkeypatch.setattr(passwords, "_HASHER", None)
    answer = sign_in(client, "nobody4")
    assert (answer.status_code, "Please try again later" in answer.text) == (429, True)
    assert 0 < int(answer.headers["retry-after"]) <= limits.TRIES_S


def test_many_at_once_leave_threads_for_others(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAIT_S", 0.05)
    places = passwords.AT_ONCE + passwords.MOST_WAITING
    with ExitStack() as held:
        for _ in range(passwords.AT_ONCE):
            held.enter_context(passwords._slot())
        assert sign_in(client).status_code == 503  # waited for a turn
        for _ in range(places - passwords.AT_ONCE):
            passwords._PLACES.acquire()
        monkeypatch.setattr(passwords, "_SLOTS", None)
        assert sign_in(client).status_code == 503  # was not even let wait
        monkeypatch.undo()
        for _ in range(places - passwords.AT_ONCE):
            passwords._PLACES.release()
    assert sign_in(client).status_code == 401


def test_right_passwords_lock_nobody_out(api: Api, client: httpx.Client) -> None:
    member(api.conn, password=PASSWORD)
    api.conn.commit()
    for _ in range(limits.MOST_TRIES["tries of at"] + 2):
        assert sign_in(client).status_code == 303


def test_wrong_tries_are_answered_ever_later() -> None:
    limiter = limits.Limiter()
    delays = [limiter.try_password("192.0.2.1", "li.na").delay_s for _ in range(8)]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (0.0, 3.2)
    assert limiter.try_password("192.0.2.2", "li.na").delay_s > 0  # by the name, wherever from


def test_one_address_cannot_lock_a_name_everywhere() -> None:
    limiter = limits.Limiter()
    for _ in range(500):
        limiter.try_password("192.0.2.1", "li.na")
    assert limiter.try_password("192.0.2.2", "li.na").allowed
    for number in range(100):
        limiter.try_password(f"198.51.100.{number}", "li.na")
    assert not limiter.try_password("192.0.2.3", "li.na").allowed


def test_a_session_begins_with_a_token_that_nobody_knew(api: Api) -> None:
    """Session fixation: a cookie that was there before is worth nothing after signing in."""
    mine, other = member(api.conn, password=PASSWORD), member(api.conn, sign_in_name="mallory")
    planted = session_of(api.conn, other)
    with browser(api, planted) as client:
        sign_in(client)
        now = {cookie.value for cookie in client.cookies.jar if cookie.name == COOKIE} - {planted}
        assert len(now) == 1
    api.conn.rollback()
    assert access.find(api.conn, planted, NOW) is None
    found = access.find(api.conn, now.pop() or "", NOW)
    assert found is not None
    assert found.person is not None
    assert found.person.staff_id == mine


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
def test_another_site_signs_nobody_in(api: Api, client: httpx.Client, origin: str | None) -> None:
    member(api.conn, password=PASSWORD)
    api.conn.commit()
    del client.headers["Origin"]
    if origin:
        client.headers["Origin"] = origin
    answer = sign_in(client)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["https://evil.example/desk", "//evil.example/desk", "/\\evil.example", "/desk\\..", "\t/desk", "/desk\n", "desk",
     "javascript:alert(1)", "/deskx", "/home", "https:/desk", "", "/desk" + "x" * 3_000,
     "/desk/../home?token=x", "/desk/../..//evil.example", "/desk/%2E./home", "/account/."],
)  # fmt: skip
def test_nobody_is_led_elsewhere(api: Api, client: httpx.Client, path: str) -> None:
    member(api.conn, password=PASSWORD)
    api.conn.commit()
    assert local_path(path) is None
    if len(path) < 2_000:
        assert sign_in(client, next=path).headers["location"] == "/desk"


def test_one_is_led_back_to_the_page_asked_for(api: Api, client: httpx.Client) -> None:
    member(api.conn, password=PASSWORD)
    api.conn.commit()
    asked = client.get("/account/codes?a=1&b=%E4%B8%80")
    assert (asked.status_code, asked.headers["location"]) == (
        303,
        "/sign-in?next=/account/codes%3Fa%3D1%26b%3D%25E4%25B8%2580",
    )
    page = client.get(asked.headers["location"]).text
    (onward,) = re.findall('name="next" value="([^"]*)"', page)
    assert sign_in(client, next=onward.replace("&amp;", "&")).headers["location"] == "/account/codes?a=1&b=%E4%B8%80"


def test_a_code_is_asked_for_where_one_is_set_up(api: Api, client: httpx.Client) -> None:
    staff_id = with_code(api)
    answer = sign_in(client, next="/account")
    assert answer.headers["location"] == "/sign-in/code?next=%2Faccount"
    assert COOKIE not in client.cookies
    assert "SameSite=strict" in answer.headers["set-cookie"]
    assert client.get("/account").headers["location"].startswith("/sign-in")
    form = hidden(client.get("/sign-in/code").text)
    wrong = client.post("/sign-in/code", data={**form, "digits": "000000"})
    assert wrong.status_code == 401
    answer = client.post("/sign-in/code", data={**form, "digits": code_of(api), "next": "/account"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert client.get("/account").status_code == 200
    assert PENDING_COOKIE.name not in client.cookies
    details = [entry[1:] for entry in api.conn.execute(AUDITED)]
    assert details == [("POST /sign-in/code", {"refused": "code"}), ("POST /sign-in/code", {"code": True})]
    assert staff_id


def test_a_code_is_good_once(api: Api) -> None:
    with_code(api)
    said = code_of(api)
    for expected in (303, 401):
        with browser(api) as client:
            sign_in(client)
            form = hidden(client.get("/sign-in/code").text)
            assert client.post("/sign-in/code", data={**form, "digits": said}).status_code == expected


def test_a_code_alone_opens_nothing(api: Api, client: httpx.Client) -> None:
    with_code(api)
    stranger = sealed("hearth_x")
    client.cookies.set(PENDING_COOKIE.name, "hearth_x")
    assert client.get("/sign-in/code").headers["location"] == "/sign-in"
    answer = client.post("/sign-in/code", data={**stranger, "digits": code_of(api)})
    assert answer.headers["location"] == "/sign-in"
    client.cookies.clear()
    sign_in(client)
    answer = client.post("/sign-in/code", data={**stranger, "digits": code_of(api)})
    assert answer.status_code == 403


def test_codes_are_not_guessed(api: Api, client: httpx.Client) -> None:
    with_code(api)
    sign_in(client)
    form = hidden(client.get("/sign-in/code").text)
    for _ in range(limits.MOST_CODES):
        assert client.post("/sign-in/code", data={**form, "digits": "000000"}).status_code == 401
    answer = client.post("/sign-in/code", data={**form, "digits": code_of(api)})
    assert answer.headers["location"] == "/sign-in"
    assert client.get("/account").status_code == 303


def test_the_password_is_good_for_a_code_for_five_minutes(api: Api, client: httpx.Client) -> None:
    with_code(api)
    sign_in(client)
    form = hidden(client.get("/sign-in/code").text)
    api.clock.now = NOW + timedelta(minutes=5)
    answer = client.post("/sign-in/code", data={**form, "digits": code_of(api)})
    assert answer.headers["location"] == "/sign-in"


def test_signing_out_ends_the_session(api: Api) -> None:
    token = session_of(api.conn, member(api.conn))
    with browser(api, token) as client:
        assert client.post("/sign-out", data={"key": "x", "code": "y"}).status_code == 403
        answer = client.post("/sign-out", data=sealed(token))
        assert answer.headers["location"] == "/sign-in?notice=signed_out_says"
        assert f'{COOKIE}=""' in answer.headers["set-cookie"]
        assert "You have signed out." in client.get(answer.headers["location"]).text
    api.conn.rollback()
    assert access.find(api.conn, token, NOW) is None


def test_a_form_of_another_session_or_site_does_nothing(api: Api) -> None:
    mine, theirs = session_of(api.conn, member(api.conn)), session_of(api.conn, member(api.conn, sign_in_name="wang"))
    with browser(api, mine) as client:
        for data in ({}, {"key": "k"}, sealed(theirs), {**sealed(mine), "key": "another"}):
            assert client.post("/account/sessions/end-others", data=data).status_code == 403
        client.headers["Origin"] = "https://evil.example"
        assert client.post("/account/sessions/end-others", data=sealed(mine)).status_code == 403


def test_who_is_ended_is_out_at_the_next_page(api: Api) -> None:
    staff_id = member(api.conn)
    token = session_of(api.conn, staff_id)
    with browser(api, token) as client:
        assert client.get("/account").status_code == 200
        api.conn.execute("UPDATE staff SET active_to = %s WHERE staff_id = %s", (NOW, staff_id))
        api.conn.commit()
        assert client.get("/account").headers["location"] == "/sign-in?next=/account"
        assert COOKIE not in client.cookies
        answer = client.post("/account/sessions/end-others", data=sealed(token))
        assert answer.headers["location"].startswith("/sign-in")


def test_a_script_is_told_that_the_session_is_over(api: Api, client: httpx.Client) -> None:
    answer = client.get("/account", headers={"Sec-Fetch-Dest": "empty"})
    assert (answer.status_code, "Your session has ended" in answer.text) == (401, True)


def test_routes_of_the_api_read_no_cookies_and_take_the_session_as_a_token(api: Api) -> None:
    staff_id = member(api.conn)
    token = session_of(api.conn, staff_id)
    town.home(api.conn)
    with browser(api, token) as client:
        assert client.get("/v1/flags").status_code == 401
    assert api.get("/v1/flags", token).status_code == 200
    made = api.post("/v1/homes/B1-101/tickets", token, **{"class": "leak", "description": "it drips"})
    assert made.status_code == 201
    actors = api.conn.execute("SELECT DISTINCT actor FROM ticket_event").fetchall()
    assert actors == [(f"staff {staff_id} (Li Na)",)]


def test_streams_of_a_person_end_with_the_role_and_not_with_being_used(api: Api) -> None:
    staff_id = member(api.conn)
    token = session_of(api.conn, staff_id)
    asker = access.find(api.conn, token, NOW)
    assert asker is not None
    assert asker.person is not None
    later = NOW + timedelta(hours=1)
    session_rows.use(api.conn, asker.person, later)
    assert callers.gone(api.conn, None, {token: asker}, later) == set()
    api.conn.execute("UPDATE staff SET role = 'supervisor'")
    assert callers.gone(api.conn, None, {token: asker}, later) == {token}


@pytest.mark.parametrize("token", ["machine", "customer"])
def test_a_machine_s_or_a_customer_s_token_opens_no_page_of_the_staff(api: Api, token: str) -> None:
    town.home(api.conn)
    made = api.token("customer", "B1-101") if token == "customer" else api.token("admin")
    with browser(api, made) as client:
        assert client.get("/account").status_code in (303, 403)


def test_use_is_recorded_now_and_then_and_not_of_what_refreshes_itself(api: Api) -> None:
    token = session_of(api.conn, member(api.conn))

    def used() -> timedelta:
        api.conn.rollback()
        ((at,),) = api.conn.execute("SELECT used_at FROM token").fetchall()
        return timedelta(seconds=(at - NOW).total_seconds())

    with browser(api, token) as client:
        for minutes, headers, expected in (
            (4, {}, 0),
            (5, {"Sec-Fetch-Dest": "empty"}, 0),
            (6, {"Sec-Fetch-Dest": "document"}, 6),
            (10, {}, 6),
            (700, {}, 700),
        ):
            api.clock.now = NOW + timedelta(minutes=minutes)
            assert client.get("/account", headers=headers).status_code == 200
            assert used() == timedelta(minutes=expected)


def test_a_new_password_ends_all_other_sessions(api: Api) -> None:
    staff_id = member(api.conn, password=PASSWORD)
    token, other = session_of(api.conn, staff_id), session_of(api.conn, staff_id)
    new = "quite another set of words"
    with browser(api, token) as client:
        for old, first, second in (("wrong", new, new), (PASSWORD, "short", "short"), (PASSWORD, new, new + "x")):
            answer = client.post("/account/password", data=sealed(token, old=old, new=first, again=second))
            assert answer.status_code == 422
        answer = client.post("/account/password", data=sealed(token, old=PASSWORD, new=new, again=new))
        assert answer.headers["location"] == "/account?done=password_changed"
        assert client.get("/account").status_code == 200
    api.conn.rollback()
    assert access.find(api.conn, other, NOW) is None
    with browser(api) as client:
        assert sign_in(client).status_code == 401
        assert sign_in(client, password=new).status_code == 303


def test_a_password_that_is_changed_while_it_is_checked_opens_nothing(api: Api, client: httpx.Client) -> None:
    """A check takes a while, and waits for its turn: somebody with the old password is in it when it is changed."""
    staff_id = member(api.conn, password=PASSWORD)
    api.conn.commit()
    with ThreadPoolExecutor(1) as another:
        for _ in range(passwords.AT_ONCE):
            passwords._SLOTS.acquire()
        try:
            trying = another.submit(sign_in, client)
            until = time.monotonic() + ANSWER_S
            while passwords._PLACES._value == passwords.AT_ONCE + passwords.MOST_WAITING:
                assert time.monotonic() < until
                time.sleep(0.005)
            credential_rows.set_password(api.conn, staff_id, CHEAP.hash("another password altogether"), NOW)
            session_rows.end_all(api.conn, staff_id, NOW)
            api.conn.commit()
        finally:
            for _ in range(passwords.AT_ONCE):
                passwords._SLOTS.release()
        assert trying.result().status_code == 401
    assert session_rows.sessions(api.conn, staff_id, NOW) == []
    assert sign_in(client, password="another password altogether").status_code == 303


def test_a_session_that_begins_holds_the_password_until_it_can_be_ended(api: Api, plain_database: Database) -> None:
    staff_id = member(api.conn, password=PASSWORD)
    api.conn.commit()
    with api.conn.transaction():
        assert credential_rows.hold(api.conn, staff_id)
        with plain_database.connect() as other:
            other.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                credential_rows.set_password(other, staff_id, CHEAP.hash("another password altogether"), NOW)


def test_codes_are_set_up_with_a_picture_and_ended_with_the_password(api: Api) -> None:
    staff_id = member(api.conn, password=PASSWORD)
    token = session_of(api.conn, staff_id)
    with browser(api, token) as client:
        page = client.get("/account/codes").text
        assert "<svg" in page
        (written,) = re.findall('name="secret" value="([^"]*)"', page)
        secret = totp.read(written)
        assert secret is not None
        wrong = client.post("/account/codes", data=sealed(token, secret=written, digits="000000"))
        assert (wrong.status_code, written in wrong.text) == (422, True)
        said = totp.code(secret, totp.counter_at(NOW))
        answer = client.post("/account/codes", data=sealed(token, secret=written, digits=said))
        assert answer.headers["location"] == "/account?done=codes_on"
        assert written not in client.get("/account").text
        assert client.post("/account/codes/off", data=sealed(token, password="wrong")).status_code == 422
        # An open page alone does not get round the password by codes of its own.
        own = totp.new_secret()
        theirs = sealed(token, secret=totp.written(own), digits=totp.code(own, totp.counter_at(NOW)))
        for answer in (client.post("/account/codes", data=theirs), client.get("/account/codes")):
            assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        credential_rows.set_totp(api.conn, staff_id, own, 0, NOW)
        known = credential_rows.known(api.conn, "li.na", NOW)
        pending = session_rows.begin_pending(api.conn, staff_id, "a test", PENDING, NOW) or ""
        owing = credential_rows.owing(api.conn, pending, NOW)
        assert known and known.has_totp and owing  # noqa: PT018
        assert bytes(owing.secret) == secret
    with browser(api) as another:
        assert sign_in(another).headers["location"] == "/sign-in/code"
        form = hidden(another.get("/sign-in/code").text)
        assert another.post("/sign-in/code", data={**form, "digits": said}).status_code == 401  # it proved the set-up
    with browser(api, token) as client:
        answer = client.post("/account/codes/off", data=sealed(token, password=PASSWORD))
        assert answer.headers["location"] == "/account?done=codes_off"


@pytest.mark.parametrize(
    ("password", "name", "expected"),
    [
        ("nine char", "li", "fault_password_length"),
        ("x" * 201, "li", "fault_password_length"),
        ("password123", "li", "fault_password_easy"),
        ("PassWord123", "li", "fault_password_easy"),
        ("ababababab", "li", "fault_password_easy"),
        ("zhang.wei1", "zhang.wei", "fault_password_easy"),
        ("four unrelated words", "four", None),
        ("暖气片在北站第五换热站", "li", None),
    ],
)
def test_what_a_password_has_to_be(password: str, name: str, expected: str | None) -> None:
    assert passwords.fault(password, name) == expected


def test_a_password_is_the_same_however_a_keyboard_composes_it() -> None:
    known = passwords.hashed("Ångström heats it")
    assert passwords.is_right(known, "A\u030angstro\u0308m heats it")
    assert not passwords.is_right(known, "Angstrom heats it")
    assert not passwords.is_right("no hash", "x")
    assert not passwords.is_right(None, "the password of nobody")


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 MicroMessenger/8.0", "WeChat, Android"),
        ("curl/8.5", "curl/8.5"),
        ("", "–"),
    ],
)
def test_devices_are_told_in_short(device: str, expected: str) -> None:
    assert described(device) == expected

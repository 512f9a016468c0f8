"""A home asked for by many at once is answered as by its route, byte for byte, each within its own reach."""

from datetime import timedelta

import pytest

from api.http import limits
from api.http.guard import Guard
from api.http.limits import Limiter
from store.base import access
from store.base.access import Right, Role
from store.registry import home_rows
from tests.api import town
from tests.api.at_one_moment import by_route, together, told
from tests.api.conftest import Api, served_database
from tests.api.staff import browser, member, session_of
from tests.api.town import NOW
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

REVOKE = "UPDATE token SET revoked_at = %s WHERE hash = %s"
END_STAFF = "UPDATE staff SET active_to = %s WHERE staff_id = %s"


@pytest.fixture
def homes(plain_api: Api) -> list[int]:
    """Six homes of two stations; the second is cold and flagged, the third has no reading, the fifth an odd code."""
    conn, made = plain_api.conn, []
    for n, code in enumerate(("B1-1", "B1-2", "B1-3", "B2-4", "B2 五 5%", "B2-6"), 1):
        station = "North" if n < 4 else "South"
        made.append(town.home(conn, code, building=code[:2], station=station, state=5 if n == 2 else 2))
        if n != 3:
            town.sensor_now(conn, town.sensor(conn, made[-1], f"s{n}"), made[-1], 17.006 + n)
    ticket, _ = town.ticket(conn, made[1])
    town.flag(conn, made[1], ticket)
    conn.commit()
    return made


HOME = "/v1/homes/{}"
READINGS = "/v1/homes/{}/readings"
CODES = ("B1-1", "B1-2", "B1-3", "B2-4", "B2 五 5%", "B2-6", "B9", "x" * 200, "x" * 201)


def test_answers_are_those_of_the_route_for_every_role_and_home(plain_api: Api, homes: list[int]) -> None:
    tokens = [
        plain_api.token("admin"),
        plain_api.token("crew", station="South"),
        plain_api.token("customer", "B1-2"),
        plain_api.token("customer", "B1-2", "B2-4"),
        access.create(plain_api.conn, access.TokenGrant(Role.ADMIN, rights=[Right.WRITE]), NOW),
    ]
    plain_api.conn.commit()
    asked = [(HOME.format(code.replace("%", "%25")), token) for token in tokens for code in CODES]
    asked.append((HOME.format("B1-1"), "hearth_unknown"))  # once: more of them are answered late
    answers = together(plain_api, asked)
    expected = [by_route(plain_api, *one) for one in asked]
    assert [told(answer) for answer in answers] == [told(answer) for answer in expected]
    assert {answer.status_code for answer in answers} == {200, 401, 403, 404, 422}


def test_ordinary_questions_do_not_reach_the_route(
    plain_api: Api, homes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without this the two could be the same for another reason."""
    monkeypatch.setattr(home_rows, "find", lambda *_: None)
    token = plain_api.token("admin")
    assert plain_api.get("/v1/homes/B1-2", token).json()["flag"]["ticket"]
    assert by_route(plain_api, "/v1/homes/B1-2", token).status_code == 404


def test_a_customer_is_not_told_of_the_tenancy_before(plain_api: Api, homes: list[int]) -> None:
    plain_api.conn.execute(
        "INSERT INTO residence (home_id, resident, starts_at, first_day) VALUES (%s, 'A', %s, %s)",
        (homes[1], NOW - timedelta(hours=1), NOW.date()),
    )
    token = plain_api.token("customer", "B1-2")
    answer = plain_api.get("/v1/homes/B1-2", token)
    assert told(answer) == told(by_route(plain_api, "/v1/homes/B1-2", token))
    assert answer.json()["flag"] is None


def test_an_unchanged_answer_is_not_sent_again(plain_api: Api, homes: list[int]) -> None:
    token = plain_api.token("admin")
    tag = plain_api.get("/v1/homes/B1-1", token).headers["etag"]
    headers = {"Authorization": f"Bearer {token}", "If-None-Match": tag}
    assert plain_api.client.get("/v1/homes/B1-1", headers=headers).status_code == 304


def test_a_revoked_token_is_out_on_the_very_next_request(
    plain_api: Api, homes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PATIENT", 100)
    for path in ("/v1/homes/B1-1", "/v1/homes/B1-1/readings", "/v1/homes/B1-1/flags"):
        for _ in range(10):
            token = plain_api.token("admin")
            assert plain_api.get(path, token).status_code == 200
            plain_api.conn.execute(REVOKE, (NOW, access.digest(token)))
            assert plain_api.get(path, token).status_code == 401


def test_a_home_is_out_of_reach_as_soon_as_somebody_else_lives_there(plain_api: Api, homes: list[int]) -> None:
    conn = plain_api.conn
    lives = "INSERT INTO residence (home_id, resident, starts_at, first_day) VALUES (%s, %s, %s, '2026-01-01')"
    conn.execute(lives, (homes[0], "A", NOW - timedelta(days=9)))
    token = plain_api.token("customer", "B1-1", "B2-4")
    asked = [path.format(code) for path in (HOME, READINGS) for code in ("B1-1", "B2-4")]
    assert [plain_api.get(path, token).status_code for path in asked] == [200, 200, 200, 200]
    conn.execute("UPDATE residence SET ends_at = %s", (NOW,))
    conn.execute(lives, (homes[0], "B", NOW))
    assert [plain_api.get(path, token).status_code for path in asked] == [404, 200, 404, 200]


def test_a_session_is_over_as_soon_as_its_person_is(plain_api: Api, homes: list[int]) -> None:
    staff_id = member(plain_api.conn)
    token = session_of(plain_api.conn, staff_id)
    with browser(plain_api, token) as client:
        assert client.get("/desk/rows").status_code == 200
        assert plain_api.get("/v1/homes/B1-1", token).status_code == 200
        plain_api.conn.execute(END_STAFF, (NOW, staff_id))
        plain_api.conn.commit()
        assert client.get("/desk/rows").status_code == 303
        assert plain_api.get("/v1/homes/B1-1", token).status_code == 401


@pytest.mark.parametrize("path", [HOME, READINGS])
def test_each_answer_counts_against_the_limit_of_its_token_once(plain_database: Database, path: str) -> None:
    with served_database(plain_database, guard=Guard(limiter=Limiter("3/minute"))) as api:
        town.home(api.conn, "B1-1")
        token = api.token("admin")
        api.conn.commit()
        answers = together(api, [(path.format("B1-1"), token)] * 5)
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429, 429]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json() == by_route(api, path.format("B1-1"), token).json()


@pytest.mark.parametrize("path", [HOME, READINGS])
def test_metrics_count_it_as_the_route(plain_api: Api, homes: list[int], path: str) -> None:
    assert plain_api.get(path.format("B1-1"), plain_api.token("admin")).status_code == 200
    counted = f'hearth_api_request_seconds_count{{route="{path.format("{code}")}",status="200"}} 1.0'
    assert counted in plain_api.client.get("/metrics").text

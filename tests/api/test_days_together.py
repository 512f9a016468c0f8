"""Readings asked for by many at once are answered as by their route, byte for byte, each within its own reach."""

from datetime import timedelta

import pytest

from api.homes import days_together
from api.http.paging import Paging
from store.base import access
from store.base.access import Right, Role
from store.registry import home_rows
from tests.api import town
from tests.api.at_one_moment import by_route, together, told
from tests.api.conftest import Api
from tests.api.town import NOW

MINUTE = timedelta(minutes=1)
SPAN = "from=2026-01-15T09:00:00%2B08:00&to=2026-01-15T03:40:00Z"
QUERIES = ("", f"{SPAN}&limit=1000", "from=2026-01-11T00:00:00Z", "limit=7", "limit=7&cursor={}")
ODD = (
    *("limit=0", "limit=1001", "limit=0x1", "limit=+7", "limit=007", "limit=", "limit=1&limit=2", "from=", "from=bad"),
    *("to=2026-01-15T03:40:00", "to=0001-01-01T00:00:00Z", "cursor=", "cursor=bad", "unknown=1", "every=PT1H"),
    *("tz=Asia/Shanghai", "from=2026-01-15T05:00:00Z", "from=2026-01-15T09:00:00+08:00", f"cursor={'x' * 201}"),
)
RAISE = """
CREATE OR REPLACE FUNCTION reached_point(of_point integer)
RETURNS TABLE (sensor_id integer, since timestamptz, until timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1 AS $$
BEGIN
  IF of_point = (SELECT min(p.point_id) FROM point AS p) THEN
    RAISE insufficient_privilege; -- which ends no connection
  END IF;
  RETURN QUERY SELECT p.sensor_id, p.valid_from, p.valid_to FROM point AS p WHERE p.point_id = of_point;
END
$$
"""


@pytest.fixture
def city(api: Api) -> Api:
    """Four homes of two stations: of two rooms, of a sensor that came from another home, without one, of odd values."""
    conn = api.conn
    first, second = town.home(conn, "B1-1"), town.home(conn, "B1-2")
    town.home(conn, "B1-3")
    south = town.home(conn, "B2 五 5%", building="B2", station="South")
    rooms = [town.sensor(conn, first, name, room=name, offset_k=0.25) for name in ("a", "b")]
    moved = town.sensor(conn, first, "c", valid_to=NOW - 60 * MINUTE)
    town.sensor(conn, second, "c", valid_from=NOW - 60 * MINUTE)
    odd = town.sensor(conn, south, "d")
    for n in range(9):
        for sensor in (*rooms, moved, odd):
            town.reading(conn, sensor, NOW - n * 20 * MINUTE - timedelta(microseconds=n % 2), 17.0 + n / 7, n % 3)
    said = "UPDATE reading SET temperature = %s, humidity = %s, battery = %s WHERE sensor_id = %s AND measured_at = %s"
    conn.execute(said, (None, 41.125, 1e30, odd, NOW - 40 * MINUTE))
    conn.execute(said, ("NaN", "Infinity", -0.001, odd, NOW - 80 * MINUTE))
    lives = "INSERT INTO residence (home_id, resident, starts_at, first_day) VALUES (%s, 'A', %s, %s)"
    conn.execute(lives, (second, NOW - 30 * MINUTE, NOW.date()))
    conn.commit()
    return api


def tokens_of(api: Api) -> list[str]:
    """Return tokens of all kinds of reach."""
    tokens = [
        api.token("admin"),
        api.token("crew", station="South"),
        api.token("customer", "B1-2", "B2 五 5%"),
        access.create(api.conn, access.TokenGrant(Role.ADMIN, rights=[Right.WRITE]), NOW),
    ]
    api.conn.commit()
    return tokens


def test_answers_are_those_of_the_route_for_every_role_home_and_query(city: Api) -> None:
    tokens = tokens_of(city)
    cursor = by_route(city, "/v1/homes/B1-1/readings?limit=7", tokens[0]).json()["next"]
    homes = ("B1-1", "B1-2", "B1-3", "B2 五 5%25", "B9")
    queries = [query.format(cursor) for query in QUERIES]
    asked = [(f"/v1/homes/{home}/readings?{query}", token) for token in tokens for home in homes for query in queries]
    asked += [(f"/v1/homes/B1-1/readings?{query}", tokens[0]) for query in ODD]
    asked.append(("/v1/homes/B1-1/readings", "hearth_unknown"))  # once: more of them are answered late
    answers = together(city, asked)
    assert [told(answer) for answer in answers] == [told(by_route(city, *one)) for one in asked]
    assert {answer.status_code for answer in answers} == {200, 401, 403, 404, 422}


def test_one_transaction_answers_all_of_them_each_within_its_own_reach(city: Api) -> None:
    """And leaves to the route what it is not sure of."""
    tokens = [*tokens_of(city), "hearth_unknown"]
    codes = ("B1-1", "B1-2", "B1-3", "B2 五 5%", "B9")
    paged = Paging(None, 100)
    questions = [days_together.DayQuestion(token, code, None, None, paged) for code in codes for token in tokens]
    answers = days_together.answer_all(city.app.state.surroundings, questions)
    for question, answer in zip(questions, answers, strict=True):
        path = f"/v1/homes/{question.code.replace('%', '%25')}/readings"
        expected = by_route(city, path, question.token) if question.token != "hearth_unknown" else None
        told_to = expected.content if expected is not None and expected.status_code == 200 else None
        assert getattr(answer, "body", None) == told_to
    assert sum(answer is not None for answer in answers) == 4 + 1 + 2


def test_ordinary_questions_do_not_reach_the_route(city: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this the two could be the same for another reason."""
    monkeypatch.setattr(home_rows, "id_of", lambda *_: None)
    token = city.token("admin")
    assert len(city.get("/v1/homes/B1-1/readings", token, limit=3).json()["items"]) == 3
    assert by_route(city, "/v1/homes/B1-1/readings", token).status_code == 404


def test_a_question_that_fails_takes_no_other_with_it(plain_api: Api) -> None:
    conn, path = plain_api.conn, "/v1/homes/{}/readings"
    for n in range(4):
        town.reading(conn, town.sensor(conn, town.home(conn, f"h{n}"), f"s{n}"), NOW - MINUTE, 18.0)
    token = plain_api.token("admin")
    conn.execute(RAISE)
    conn.commit()
    codes = [f"h{n % 4}" for n in range(24)]
    answers = together(plain_api, [(path.format(code), token) for code in codes])
    assert [answer.status_code for answer in answers] == [403 if code == "h0" else 200 for code in codes]
    right = [answer.json()["items"][0]["sensor"] for answer in answers if answer.status_code == 200]
    assert right == [code.replace("h", "s") for code in codes if code != "h0"]

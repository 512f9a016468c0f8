"""Something too large for the database is refused as such: psycopg has it among the errors of one that is away."""

import re

import pytest

from tests.api import town
from tests.api.answers import check
from tests.api.at_one_moment import by_route, together
from tests.api.conftest import Api
from tests.api.staff import browser, member, session_of

LEAK = {"class": "leak", "description": "it drips"}
SEAL = re.compile(r'name="key" value="([^"]+)".*?name="code" value="([^"]+)"', re.DOTALL)
REFUSING = """
CREATE FUNCTION refuse_size() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RAISE 'index row size 2712 exceeds btree version 4 maximum' USING ERRCODE = 'program_limit_exceeded';
END $$;
"""
READING = "CREATE POLICY too_large ON home AS RESTRICTIVE FOR SELECT USING (refuse_size());"
WRITING = "ALTER TABLE ticket ADD CONSTRAINT too_large CHECK (refuse_size()) NOT VALID;"
DETAIL = "larger than the database takes"


@pytest.fixture
def refused(plain_api: Api) -> Api:
    town.home(plain_api.conn)
    plain_api.conn.execute(REFUSING)
    return plain_api


def test_what_is_sent_and_too_large_is_no_database_that_is_away(refused: Api) -> None:
    refused.conn.execute(WRITING)
    answer = refused.post("/v1/homes/B1-101/tickets", refused.token("dispatcher"), **LEAK)
    body = check(answer, 413)
    assert (body["type"], body["detail"]) == ("/v1/problems/too-large", DETAIL)
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/homes/B1-101", "/v1/homes/B1-101/readings"])
def test_a_question_is_refused_by_its_route_and_with_others_alike(refused: Api, path: str) -> None:
    refused.conn.execute(READING)
    token = refused.token()
    refused.conn.commit()
    for answer in (by_route(refused, path, token), *together(refused, [(path, token)] * 3)):
        assert check(answer, 413)["detail"] == DETAIL


def test_a_form_that_is_too_large_says_so(refused: Api) -> None:
    refused.conn.execute(WRITING)
    with browser(refused, session_of(refused.conn, member(refused.conn))) as desk:
        key, code = SEAL.findall(desk.get("/desk/call").text)[-1]
        form = {"home": "B1-101", "kind": "leak", "words": "it drips", "about": "new", "key": key, "code": code}
        answer = desk.post("/desk/call/take", data=form)
    assert answer.status_code == 413
    assert "Please shorten it and send it again." in answer.text

"""The plan of measurements on site by the API and on its page: compared, applied as compared, kept to one's reach."""

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import browser, member, sealed, session_of

pytestmark = pytest.mark.plain_only
PLAN = "/desk/measurements/plan"
HEAD = "room,room_kind,home,building,every_days,from,to\n"
POINTS = """
SELECT
  h.code, room, every_days, (starts_at AT TIME ZONE 'Asia/Shanghai')::date::text,
  (ends_at AT TIME ZONE 'Asia/Shanghai')::date::text
FROM measuring_point JOIN home AS h USING (home_id)
ORDER BY 1, 2
"""


class Planner:
    """A supervisor at a browser, and by the API."""

    def __init__(self, api: Api, client: httpx.Client, token: str) -> None:
        self.api, self.client, self.token = api, client, token
        self.bearer = api.token("supervisor")
        api.conn.commit()

    def send(self, text: str) -> httpx.Response:
        """Send a table by the API."""
        headers = {"Authorization": f"Bearer {self.bearer}", "Content-Type": "application/octet-stream"}
        return self.api.client.post("/v1/registry/uploads?name=plan.csv", content=text.encode(), headers=headers)

    def fill_in(self, **fields: str) -> httpx.Response:
        """Send the form of a point."""
        return self.client.post(PLAN, data=sealed(self.token, **{"room": "living", "room_kind": "living", **fields}))

    def apply(self, page: str) -> httpx.Response:
        """Apply what a page compares."""
        action = re.findall(r'action="(/desk/registry/uploads/\w+/apply)"', page)[0]
        (version,) = re.findall(r'name="version" value="(\w+)"', page)
        return self.client.post(action, data=sealed(self.token, version=version, reason="autumn"))

    def points(self) -> list[tuple[object, ...]]:
        """Return the points on record."""
        self.api.conn.rollback()
        return self.api.conn.execute(POINTS).fetchall()


@pytest.fixture
def planner(plain_api: Api) -> Iterator[Planner]:
    """Two homes of the building B1, one of B2."""
    for code, building in (("H1", "B1"), ("H2", "B1"), ("H3", "B2")):
        town.home(plain_api.conn, code, building=building)
    token = session_of(plain_api.conn, member(plain_api.conn, "supervisor"))
    with browser(plain_api, token) as client:
        yield Planner(plain_api, client, token)


def test_a_plan_is_compared_and_applied(planner: Planner) -> None:
    text = HEAD + "living,living,,B1,14,2025-11-15,\nbedroom,bedroom,H3,,30,,\n"
    told = planner.send(text).json()
    assert told["plan"] == {"rows": 2, "added": 3, "changed": 0, "unchanged": 0}
    assert [one["code"] for one in told["added"]] == ["H1 living", "H2 living", "H3 bedroom"]
    assert planner.points() == []
    path = f"/v1/registry/uploads/{told['sha256']}/apply"
    done = planner.api.post(path, planner.bearer, version=told["version"], reason="autumn")
    assert done.status_code == 200, done.text
    assert [point[:3] for point in planner.points()] == [
        ("H1", "living", 14), ("H2", "living", 14), ("H3", "bedroom", 30)
    ]  # fmt: skip
    before = planner.points()
    planner.api.clock.now += timedelta(minutes=5)
    again = planner.send(text).json()
    assert (again["plan"]["unchanged"], again["changes"]) == (3, [])
    taken = planner.client.get(f"{PLAN}/plan.csv").text
    assert taken.splitlines()[-1] == "living,living,H1,,14,2025-11-14T16:00:00Z,"
    changed = planner.fill_in(home="H1", every_days="7", to="2026-03-16").text
    for said in ("H1 living", '<span class="was">14</span>', "2026-03-16"):
        assert said in changed
    assert planner.points() == before
    answer = planner.apply(changed)
    assert answer.headers["location"] == f"{PLAN}?done=true"
    assert planner.points()[0] == ("H1", "living", 7, "2025-11-15", "2026-03-16")
    told = planner.api.get("/v1/measurements/plan", planner.bearer, home="H1").json()["items"]
    assert [(one["every_days"], one["from"], one["to"]) for one in told] == [
        (7, "2025-11-14T16:00:00Z", "2026-03-15T16:00:00Z")
    ]
    shown = planner.client.get(answer.headers["location"]).text
    assert "The plan is in force" in shown
    number = re.findall(r"point=(\d+)#change", shown)[-1]
    assert 'value="7"' in planner.client.get(f"{PLAN}?point={number}").text
    (reason,) = planner.api.conn.execute(
        "SELECT detail ->> 'reason' FROM audit WHERE action LIKE 'POST /desk/registry%' ORDER BY audit_id DESC LIMIT 1"
    ).fetchone() or ("",)
    assert reason == "autumn"


def test_an_ended_point_begins_where_it_comes_again_and_no_other_change_is_overwritten(planner: Planner) -> None:
    ended = {"home": "H1", "every_days": "7", "to": "2026-01-10"}
    planner.apply(planner.fill_in(**ended, **{"from": "2025-11-15"}).text)
    assert "The file changes nothing" in planner.fill_in(**ended).text
    assert planner.points() == [("H1", "living", 7, "2025-11-15", "2026-01-10")]
    page = planner.fill_in(home="H1", every_days="7").text
    planner.api.conn.execute("UPDATE measuring_point SET every_days = 9")
    planner.api.conn.commit()
    answer = planner.apply(page)
    assert (answer.status_code, "has changed since the comparison" in answer.text) == (409, True)
    planner.api.clock.now += timedelta(minutes=5)  # between looking at it and applying it
    assert planner.apply(answer.text).status_code == 303
    assert planner.points() == [("H1", "living", 7, "2026-01-15", None)]


def test_a_fault_stands_beside_its_field(planner: Planner) -> None:
    span = {"from": "2026-02-01", "to": "2026-01-01"}
    for fields, fault in (
        ({"home": "H9"}, "home"),
        ({"home": "H1", "room": "<b>", **span}, "to"),
    ):
        answer = planner.fill_in(**{"every_days": "7", **fields})
        page = answer.text
        assert (answer.status_code, f'id="point-{fault}-fault"' in page, "<b>" in page) == (422, True, False), page
    assert planner.points() == []

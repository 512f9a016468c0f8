"""Public figures: no token, no home, no figure of a few."""

from datetime import timedelta
from typing import Any

import pytest

from domain.states import HomeState
from tests.api import town
from tests.api.conftest import Api
from tests.api.people import INSERT_OUTAGE, INSERT_PLACE, people
from tests.api.town import NEVER, NOW

pytestmark = pytest.mark.plain_only


def asked(api: Api) -> dict[str, Any]:
    answer = api.get("/v1/status")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_shares_of_many_homes_together(api: Api) -> None:
    people(api.conn, "North", warm=20, cold=4, unknown=1)
    people(api.conn, "South", warm=15, cold=5)
    people(api.conn, "East", cold=6)
    people(api.conn, "West", warm=3)
    found = asked(api)["figures"]
    assert (found["least_homes"], found["counted_at"]) == (20, "2026-01-15T04:00:00Z")
    assert found["company"] == {"homes": 50, "warm": 0.7, "cold": 0.3, "unknown": 0.0}
    # East and West are too few even together, so South, the smallest of the others, is told with them.
    assert [(area["name"]["en"], area["substations"], area["homes"]) for area in found["areas"]] == [
        ("S-North", ["S-North"], 20),
        ("Other areas", ["S-East", "S-South", "S-West"], 30),
    ]
    assert found["areas"][0] | {"warm": 0.8, "cold": 0.15, "unknown": 0.05} == found["areas"][0]
    assert found["areas"][1]["name"]["zh"] == "其他片区"


def test_of_a_few_homes_nothing_is_told(plain_api: Api) -> None:
    people(plain_api.conn, "North", warm=10, cold=9)
    town.home(plain_api.conn, "summer", state=HomeState.NOT_JUDGED)  # is no judged home
    found = asked(plain_api)["figures"]
    assert (found["company"], found["areas"]) == (None, [])


def test_outages_by_area_and_none_of_a_single_home(plain_api: Api) -> None:
    api = plain_api
    people(api.conn, "North", warm=1)
    people(api.conn, "South", warm=1)
    hour = timedelta(hours=1)
    for station, begins, ends, announced in (
        ("North", NOW - 2 * hour, NOW - hour, None),
        ("South", NOW + hour, NOW + 10 * hour, NOW),
        ("South", NEVER - 2 * hour, NEVER - hour, None),  # planned, and not announced
    ):
        kind = "planned" if begins > NOW else "fault"
        outage = town.one(api.conn, INSERT_OUTAGE, (kind, begins, ends, announced))
        api.conn.execute(INSERT_PLACE, (outage, station))
    single = town.one(api.conn, INSERT_OUTAGE, ("fault", NOW - hour, None, NOW))
    api.conn.execute("INSERT INTO outage_area (outage_id, home_id) SELECT %s, min(home_id) FROM home", (single,))
    found = asked(api)["outages"]
    assert [(outage["state"], outage["areas"]) for outage in found] == [
        ("late", [{"kind": "substation", "name": "S-North"}]),
        ("planned", [{"kind": "substation", "name": "S-South"}]),
    ]
    assert found[0]["expected_end"] == "2026-01-15T03:00:00Z"
    assert "home-" not in api.get("/v1/status").text


def test_it_is_looked_up_once_in_a_while_and_may_be_cached(plain_api: Api) -> None:
    api = plain_api
    people(api.conn, "North", warm=20)
    first = api.get("/v1/status")
    assert first.headers["cache-control"] == "public, max-age=30"
    again = api.client.get("/v1/status", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    people(api.conn, "South", cold=20)
    api.clock.now = NOW + timedelta(minutes=9)  # outages are looked up again, and figures are not
    later = asked(api)
    assert (later["at"], later["figures"]) == ("2026-01-15T04:09:00Z", first.json()["figures"])
    api.clock.now = NOW + timedelta(minutes=10)
    assert len(asked(api)["figures"]["areas"]) == 2

"""Early signs of substations over HTTP and on their page, the furthest off leading."""

import pytest

from tests.api import town
from tests.api.conftest import Api
from tests.api.insight_rows import INSERT_SIGNS
from tests.api.staff import browser, member, session_of
from tests.api.town import NOW

pytestmark = pytest.mark.plain_only


def test_signs_are_ranked_with_their_reason(plain_api: Api) -> None:
    for station in ("North", "South", "West"):
        town.home(plain_api.conn, f"{station}-1", building=f"B-{station}", station=station)
    plain_api.conn.execute(INSERT_SIGNS, {"now": NOW})
    plain_api.conn.commit()
    token = plain_api.token("dispatcher")
    found = plain_api.get("/v1/insight/substations", token).json()
    assert (found["looked_at"], found["learned"]) == (3, 2)
    assert [(one["substation"], one["quantity"]) for one in found["signs"]] == [
        ("S-South", "return"),
        ("S-North", "flow"),
    ]
    assert found["signs"][0]["en"] == (
        "Return temperature 47.3 °C over the last 12 h, usually 43.1 °C in such weather (5.1 deviations): "
        "too much circulates: a bypass or a short circuit."
    )
    assert found["signs"][1]["zh"].startswith("流量近 12 小时为 24.0 m³/h，按室外温度通常为 30.0 m³/h")
    of_one = plain_api.get("/v1/insight/substations", token, station="North").json()
    assert ([one["station"] for one in of_one["signs"]], of_one["looked_at"]) == (["North"], 1)
    assert plain_api.get("/v1/insight/substations", plain_api.token("crew", station="North")).status_code == 403
    with browser(plain_api, session_of(plain_api.conn, member(plain_api.conn, "dispatcher"))) as client:
        shown = client.get("/desk/substations").text
    assert shown.index("S-South") < shown.index("S-North")
    assert "3 substations were looked at; 2 have enough of a past" in shown

"""Estimates of homes without a sensor, and who sees them."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from psycopg import Connection

from alerts.insight import packing
from store.insight import foresight_rows
from store.insight.foresight_rows import Seen
from tests.api import town
from tests.api.conftest import Api
from tests.api.insight_rows import network_of
from tests.api.staff import browser, member, sealed, session_of
from tests.api.town import NOW


def test_homes_without_a_sensor_are_estimated_for_the_desk(api: Api) -> None:
    homes = [town.home(api.conn, code) for code in ("e1", "e2", "e3", "e4")]
    api.conn.execute(
        "UPDATE home SET riser = 'R1', floor = home_id - %s + 1, exposure = 'inner' WHERE home_id = ANY (%s)",
        (homes[0], homes),
    )
    for code, home, celsius in (("se1", homes[0], 17.0), ("se2", homes[1], 17.4)):
        town.sensor_now(api.conn, town.sensor(api.conn, home, code), home, celsius)
    (substation,) = api.conn.execute("SELECT substation FROM home_now WHERE home_id = %s", (homes[0],)).fetchone() or (
        "",
    )
    found = api.get("/v1/insight/unmeasured", api.token("dispatcher"), substation=substation).json()
    estimates = {one["home"]: one for one in found["estimates"]}
    assert "e1" not in estimates
    assert estimates["e3"]["low"] < estimates["e3"]["celsius"] < estimates["e3"]["high"]
    assert found["estimates"][0]["gain"] == 1
    assert found["measured"] + len(estimates) == found["homes"]
    assert api.get("/v1/insight/unmeasured", api.token("dispatcher"), substation="nowhere").status_code == 404
    assert api.get("/v1/insight/unmeasured", api.token("customer", "e1"), substation=substation).status_code == 403
    token = session_of(api.conn, member(api.conn, "dispatcher"))
    with browser(api, token) as client:
        page = f"/desk/measurements/where?substation={substation}"
        first = found["estimates"][0]["home"]
        shown = client.get(page).text
        assert shown.index(f"row-{first}") < shown.index("row-e4" if first == "e3" else "row-e3")
        assert f"Put {first} on today's plan" in shown
        client.post("/desk/measurements/where", data=sealed(token, at=first, substation=substation))
        assert f"Put {first} on" not in client.get(page).text
    again = api.get("/v1/insight/unmeasured", api.token("dispatcher"), substation=substation).json()
    assert [one["home"] for one in again["estimates"] if one["due_at"]] == [first]
    (task,) = api.get("/v1/measurements/due", api.token("dispatcher"), within=1).json()["items"]
    assert task["home"] == first


def has_seen(conn: Connection, homes: list[int], celsius: list[list[float]]) -> None:
    """Keep what watch saw of homes at each quarter of an hour up to now, as it does."""
    network, ids = network_of(conn, homes[0]), packing.homes(np.array(homes, np.int32))
    for nth, step in enumerate(zip(*celsius, strict=True)):
        at: datetime = NOW - timedelta(minutes=15 * (len(celsius[0]) - 1 - nth))
        foresight_rows.add_seen(conn, network, Seen(at, ids, packing.hundredths(np.array(step)), None, None, None))


@pytest.mark.parametrize("fell_together", [False, True])
def test_a_riser_that_fell_of_late_is_cold_in_its_other_homes_too(api: Api, fell_together: bool) -> None:
    homes = [town.home(api.conn, f"e{nth}") for nth in range(8)]
    for nth, home in enumerate(homes):
        place = (f"R{nth // 4}", nth % 4 + 1, home)
        api.conn.execute("UPDATE home SET riser = %s, floor = %s, exposure = 'inner' WHERE home_id = %s", place)
    measured = [0, 1, 4, 5, 6]
    now = [15.0, 15.0 if fell_together else 21.0, 21.0, 21.0, 21.0]
    past = [[21.0] * 150 + [celsius] * 40 for celsius in now]
    for nth, celsius in zip(measured, now, strict=True):
        town.sensor_now(api.conn, town.sensor(api.conn, homes[nth], f"se{nth}"), homes[nth], celsius)

    def estimates() -> dict[str, float]:
        found = api.get("/v1/insight/unmeasured", api.token("dispatcher"), substation="S-North").json()
        return {one["home"]: one["celsius"] for one in found["estimates"]}

    before = estimates()
    has_seen(api.conn, [homes[nth] for nth in measured], past)
    after = estimates()
    assert after["e7"] == pytest.approx(21.0, abs=0.3)
    if fell_together:
        assert after["e2"] == pytest.approx(15.0, abs=0.5)
        assert after["e2"] < before["e2"] - 0.3
    else:
        assert after["e2"] == pytest.approx(21.0, abs=0.3)
        assert after["e2"] > before["e2"]

"""Estimates of homes without a sensor, and who sees them."""

from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import browser, member, sealed, session_of


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

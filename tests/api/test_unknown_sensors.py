"""Unknown sensors over HTTP: what staff who place them see."""

from datetime import timedelta

from store.sensors import unknown_rows
from store.sensors.unknown_rows import HeardSensor
from tests.api.conftest import Api
from tests.api.town import NOW

PATH = "/v1/unknown-sensors"


def test_the_latest_come_first_and_pages_follow(plain_api: Api) -> None:
    unknown_rows.note(
        plain_api.conn,
        [
            HeardSensor(
                f"s{n}", f"zigbee2mqtt/s{n}", "zigbee", {"temperature": 20.5 + n}, None, NOW + timedelta(minutes=n)
            )
            for n in range(3)
        ],
    )
    token = plain_api.token("dispatcher")
    first = plain_api.get(PATH, token, limit=2).json()
    assert [(item["sensor"], item["said"]) for item in first["items"]] == [
        ("s2", {"temperature": 22.5}),
        ("s1", {"temperature": 21.5}),
    ]
    last = plain_api.get(PATH, token, limit=2, cursor=first["next"]).json()
    (item,) = last["items"]
    assert last["next"] is None
    assert {name: item[name] for name in ("sensor", "topic", "device", "said", "alike")} == {
        "sensor": "s0",
        "topic": "zigbee2mqtt/s0",
        "device": "zigbee",
        "said": {"temperature": 20.5},
        "alike": None,
    }

"""Unknown sensors over HTTP: what staff who place them see."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from registry.importing import import_folder
from store.sensors import unknown_rows
from store.sensors.unknown_rows import HeardSensor
from tests.api import town
from tests.api.conftest import Api
from tests.api.staff import browser, member, session_of
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


def heard(api: Api, *sensors: HeardSensor) -> None:
    unknown_rows.note(api.conn, sensors)
    api.conn.commit()


def meter(sensor: str, device: str = "gw-01", **other: Any) -> HeardSensor:
    said = {"temperature": 20.5, "battery": 87.0}
    return HeardSensor(sensor, f"hearth/{device}/up", device, said, other.get("alike"), NOW - timedelta(minutes=5))


def test_a_part_of_a_name_finds_sensor_and_gateway(plain_api: Api) -> None:
    heard(plain_api, meter("A81758FFFE0346F5"), meter("x_7"), meter("x%7", device="GW-99"))
    token = plain_api.token("dispatcher")
    for sought, found in (
        ("346f5", {"A81758FFFE0346F5"}), ("gw-99", {"x%7"}), (" x_ ", {"x_7"}), ("%", {"x%7"}),
        ("gw", {"A81758FFFE0346F5", "x_7", "x%7"}),
        ("\\", set()), ("İ", set()),
    ):  # fmt: skip
        items = plain_api.get(PATH, token, q=sought).json()["items"]
        assert {item["sensor"] for item in items} == found, sought
    assert plain_api.get(PATH, token, q="\x00").status_code == 422


def test_the_page_shows_what_was_heard_and_a_file_that_places_it(plain_api: Api, tmp_path: Path) -> None:
    heard(plain_api, meter("s<1>", alike="S1"), meter("=cmd|1"), meter("own", device="own"))
    town.home(plain_api.conn, "H1")
    token = session_of(plain_api.conn, member(plain_api.conn))
    with browser(plain_api, token) as client:
        shown = client.get("/desk/unknown-sensors")
        assert shown.status_code == 200
        for text in (
            "s&lt;1&gt;",
            "temperature 20.5\xa0°C",
            "battery 87\xa0%",
            "gw-01",
            "S1, which differs only",
            "5 min ago",
        ):
            assert text in shown.text
        assert "speaks itself" in shown.text
        assert "No sensor without a place is named" in client.get("/desk/unknown-sensors?q=nobody").text
        file = client.get("/desk/unknown-sensors/sensors.csv?q=s%3C")
        whole = client.get("/desk/unknown-sensors/sensors.csv").text
    assert "'=cmd|1" in whole  # no formula
    assert "\r\nown,,,,,,\r\n" in whole  # it speaks itself: no gateway
    assert file.headers["content-disposition"] == 'attachment; filename="sensors.csv"'
    lines = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [(line["id"], line["gateway"]) for line in lines] == [("s<1>", "gw-01")]
    for line in lines:
        line |= {"home": "H1", "room": "Living room", "room_kind": "living", "interval_s": "900"}
    with (tmp_path / "sensors.csv").open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    import_folder(plain_api.conn, tmp_path, ZoneInfo("Asia/Shanghai"), NOW)
    plain_api.conn.commit()
    assert plain_api.get(PATH, plain_api.token("dispatcher"), q="s<1>").json()["items"] == []


def test_the_page_leafs_through_many(plain_api: Api) -> None:
    heard(plain_api, *(meter(f"s{n:03}") for n in range(103)))
    token = session_of(plain_api.conn, member(plain_api.conn))
    with browser(plain_api, token) as client:
        first = client.get("/desk/unknown-sensors?q=s").text
        (following,) = re.findall(r'rel="next" href="([^"]+)"', first)
        last = client.get(following.replace("&amp;", "&")).text
    seen = [re.findall(r'class="at-place">(s\d+)<', page) for page in (first, last)]
    assert [len(page) for page in seen] == [100, 3]
    assert len(set(seen[0] + seen[1])) == 103
    assert 'rel="next"' not in last

"""Learning: for messages of the field a table is proposed that reads them, in bounded memory, whatever they are."""

import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from hearth.cli import app
from ingest.learning import groups
from ingest.learning.groups import Heardings
from ingest.learning.words import channel_of
from ingest.learning.writing import table
from ingest.source_table import load
from tests.unit.ingest.field_cases import FOLDER, cases
from tests.unit.ingest.samples import SAMPLES

ZONE = ZoneInfo("Asia/Shanghai")
RECEIVED_US = 1_795_831_260_000_000
DECODE = app(["decode"])
# What cannot be known from a message alone: the unit of a flow, parts of a name, the one probe that is meant.
ASKED = (
    "Tasmota, one probe of several",
    "libmbus2mqtt, hundredths as text",
    "A PLC in bar and tenths",
    "A collector with a list",
    "A number on a topic",
)
FAMILIES = sorted({sample.family for sample in SAMPLES if sample.readings})


def learned(*messages: tuple[str, bytes | dict[str, Any] | list[Any]], beside: str = "") -> str:
    """Return what is proposed for some messages."""
    heard = Heardings()
    for topic, said in messages:
        heard.hear(topic, said if isinstance(said, bytes) else json.dumps(said).encode())
    return table(heard, beside, ZONE, RECEIVED_US)


def sources(text: str) -> list[dict[str, Any]]:
    """Return the sources of a table, as plain values."""
    return msgspec.toml.decode(text, type=dict[str, list[dict[str, Any]]]).get("source", [])


@pytest.mark.parametrize("family", FAMILIES)
def test_decode_reads_by_the_proposal_what_was_heard(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = [sample for sample in SAMPLES if sample.family == family]
    file = tmp_path / "sources.toml"
    file.write_text(learned(*((sample.topic, sample.payload) for sample in samples)), encoding="utf-8")
    monkeypatch.setenv("HEARTH_SOURCES", str(file))
    for sample in samples:
        done = CliRunner().invoke(DECODE, ["decode", "--topic", sample.topic], input=sample.payload)
        said = json.loads(done.stdout)
        if sample.readings:
            assert (done.exit_code, said["faults"]) == (0, [])
        if family not in ASKED:
            assert said["readings"] == sample.readings


def test_of_all_messages_of_the_field_one_table_is_made() -> None:
    heard, messages = Heardings(), []
    for case in cases():
        topic = (FOLDER / f"{case.name}.topic").read_text().strip()
        messages.append((topic, (FOLDER / f"{case.name}.payload").read_bytes()))
        heard.hear(*messages[-1])
    made = load(table(heard, "", ZONE, RECEIVED_US), "proposed", ZONE)
    assert len(made.origins) > 25
    # Several cases share topics and have other shapes there, which no one table can read.
    assert sum(bool(made.decode(*message, RECEIVED_US).uplinks) for message in messages) > 60


def test_levels_that_name_devices_become_wildcards() -> None:
    said = {"sn": "A", "t": 21.5}
    (one,) = sources(learned(*((f"town/{room}/box-{n}/data", said) for room in ("hall", "attic") for n in (1, 2))))
    assert one["filter"] == "town/+/+/data"


def test_a_codec_with_names_of_its_own_is_its_preset_with_these_names() -> None:
    uplink = {"deviceInfo": {"devEui": "24e124136b502217"}, "object": {"TempC_SHT": 21.5, "Hum_SHT": 40}}
    (one,) = sources(learned(("application/17/device/24e124136b502217/event/up", uplink)))
    assert one == {
        "name": "chirpstack",
        "preset": "chirpstack",
        "values": {"temperature": "TempC_SHT", "humidity": "Hum_SHT"},
    }


def test_a_preset_on_topics_of_a_bridge_names_these() -> None:
    uplink = {"deviceInfo": {"devEui": "24e124136b502217"}, "object": {"temperature": 21.5}}
    (one,) = sources(learned(("site4/application/17/device/24e124136b502217/event/up", uplink)))
    assert (one["preset"], one["filter"]) == ("chirpstack", "site4/application/+/device/+/event/up")


def test_a_number_for_each_topic_is_read_by_the_name_of_the_topic() -> None:
    text = learned(("home/r1/temp", b"21.5"), ("home/r2/temp", b"19"), ("home/r1/hum", b"40"), ("home/r1/rssi", b"-60"))
    (one,) = sources(text)
    assert one["filter"] == ["home/+/temp", "home/+/hum"]
    assert (one["sensor"], one["label"]) == (["topic[2]"], "topic[3]")
    assert one["values"] == {"temperature": "temp", "humidity": "hum"}


@pytest.mark.parametrize(
    ("key", "said", "value"),
    [
        ("温度F", 55.5, {"path": "温度F", "unit": "F"}),
        ("室温C", 70.5, "室温C"),
        ("室温_C", 70.5, "室温_C"),
    ],
)
def test_a_unit_at_the_end_of_a_name_is_taken_at_its_word(key: str, said: float, value: object) -> None:
    text = learned(("a/b", {"sn": "A", key: said}))
    assert sources(text)[0]["values"] == {"temperature": value}
    assert "values.temperature: unit" not in text


def test_what_cannot_be_known_is_marked() -> None:
    text = learned(("box/1", {"sn": "R1", "temp_a": 21.5, "temp_b": 22.5, "humidity": 0.4}))
    asked = "\n".join(line for line in text.splitlines() if line.startswith("# ? "))
    assert "values.temperature: or temp_b? which is the room's, is not to be told" in asked
    assert "time: no field looks like one, so that of receipt is taken" in asked
    assert "values.temperature: unit: °C is meant" in asked
    assert "values.humidity: unit: likely to be a ratio" in asked


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"t": 215}, {"path": "t", "scale": 0.1}),
        ({"t": 2150}, {"path": "t", "scale": 0.01}),
        ({"temp_f": 70.7}, {"path": "temp_f", "unit": "F"}),
        ({"temp": 294.6}, {"path": "temp", "unit": "K"}),
        ({"temperature": {"value": 70.7, "unit": "°F"}}, {"path": "temperature.value", "unit_at": ".temperature.unit"}),
        ({"室温": "21,5"}, "室温"),
    ],
)
def test_units_and_scales_are_told_from_names_and_sizes(said: dict[str, Any], value: Any) -> None:
    text = learned(("box/1", {"sn": "R1", **said}))
    (one,) = sources(text)
    assert one["values"]["temperature"] == value
    (uplink,) = load(text, "proposed", ZONE).decode("box/1", json.dumps({"sn": "R1", **said}).encode(), 0).uplinks
    assert 21 < (uplink.temperature or 0) < 22


@pytest.mark.parametrize(
    "name", ["setpoint_temp", "attempts", "temp_offset", "cpu_temp", "battery_low", "rssi", "uptime"]
)
def test_names_alike_are_no_quantities(name: str) -> None:
    assert channel_of(name) is None


def test_three_samples_of_each_field_are_shown_and_nothing_private() -> None:
    texts = [{"sn": "R1", "temperature": 20 + n, "owner_phone": f"1390000000{n}"} for n in range(9)]
    text = learned(*(("box/1", said) for said in texts))
    assert re.search(r"^#   temperature +20 \| 21 \| 22  → temperature$", text, re.MULTILINE)
    assert "139000" not in text
    assert re.search(r"^#   owner_phone +\(not shown\)$", text, re.MULTILINE)


def test_what_stands_in_the_table_already_is_not_proposed_again() -> None:
    beside = '[[source]]\nname = "zigbee2mqtt"\npreset = "zigbee2mqtt"\n'
    text = learned(("zigbee2mqtt/r1", {"temperature": 21.5}), ("x/zigbee/1", {"id": 7, "temp": 21}), beside=beside)
    assert [one["name"] for one in sources(text)] == ["x"]
    assert "# is read by zigbee2mqtt above" in text
    load(beside + text, "together", ZONE)


def test_memory_is_bounded_whatever_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST_GROUPS", 20)
    monkeypatch.setattr(groups, "MOST_KEPT_BYTES", 10_000)
    heard = Heardings()
    for n in range(2_000):
        key = "".join(chr(97 + n // 26**place % 26) for place in range(3))
        heard.hear(f"{key}/{key[::-1]}/{'z' * (n % 7)}", json.dumps({key: n, "more": [key * 50] * 9}).encode())
    found = heard.groups()
    assert len(found) <= 20
    assert sum(len(payload) for group in found for _, payload in group.messages) <= 10_000
    assert all(len(group.fields) <= groups.MOST_FIELDS and len(group.topics) <= groups.MOST_TOPICS for group in found)
    assert heard.count == 2_000 == heard.beyond + sum(group.count for group in found)


KEYS = st.one_of(
    st.sampled_from(["temperature", "t", "id", "value", "name", "ts", "list", '"', "a.b", "[0]", "*"]),
    st.text(max_size=5),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["21.5", "21,5 °C", "temp", "\x7f\n#"])
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
TOPICS = st.lists(
    st.one_of(st.sampled_from(["temp", "r1", "+", "#", "", "$oc", "spBv1.0"]), st.text(max_size=4)),
    min_size=1,
    max_size=5,
)


@given(st.lists(st.tuples(TOPICS, VALUES | st.binary(max_size=20)), max_size=6))
@settings(max_examples=50, deadline=None)
def test_whatever_is_heard_the_proposal_is_a_table_of_sources(heard: list[tuple[list[str], Any]]) -> None:
    messages = [
        ("/".join(levels), said if isinstance(said, bytes) else json.dumps(said).encode()) for levels, said in heard
    ]
    load(learned(*messages), "proposed", ZONE)

"""The table of sources: what is wrong is named by file and key, and each message has one source."""

import re
from zoneinfo import ZoneInfo

import pytest

from domain.errors import UsageError
from ingest import topics
from ingest.source_entry import presets
from ingest.source_table import load
from ingest.sources import NATIVE, Sources
from tests.unit.ingest.golden import OWN

ZONE = ZoneInfo("Asia/Shanghai")


def table(*sources: str) -> Sources:
    return load("\n".join(f"[[source]]\n{text}" for text in sources), "sources.toml", ZONE)


ZIGBEE = 'name = "z"\npreset = "zigbee2mqtt"\n'
JSON = 'name = "j"\npreset = "json"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[source]\n", "sources.toml: Expected"),
        ("[sources]\n", "sources.toml: sources: there is nothing but"),
        ("source = 1\n", "sources.toml: source: there is nothing but"),
        ("source = [1]\n", "sources.toml: source[0].preset: must be one of json, plain"),
        ('[[source]]\nname = "z"\n', "source[0].preset: must be one of"),
        ('[[source]]\nname = "z"\npreset = ["json"]\n', "source[0].preset: must be one of"),
        (f"[[source]]\n{ZIGBEE}fliter = 'a/+'\n", "source[0]: Object contains unknown field `fliter`"),
        (f"[[source]]\n{ZIGBEE}filter = 1\n", "source[0].filter: Expected `array`, got `int`"),
        (f"[[source]]\n{ZIGBEE}filter = ['a#']\n", "source[0].filter: 'a#' has + or #"),
        (f"[[source]]\n{ZIGBEE}filter = '$share/x/a'\n", "source[0].filter: '$share/x/a' begins with $"),
        (f"[[source]]\n{ZIGBEE}filter = 'a/b'\n", "source[0].sensor: is the topic, but"),
        (f"[[source]]\n{ZIGBEE}sensor = 'a[b'\n", "source[0].sensor: 'a[b' is not a path from its letter 2 on"),
        (f"[[source]]\n{ZIGBEE}sensor = 'list[*].id'\n", "source[0].sensor: 'list[*].id' goes into a list: its body"),
        (f"[[source]]\n{ZIGBEE}body = 'topic'\n", "source[0].body: is a path into the message"),
        (f"[[source]]\n{ZIGBEE}values.temperature = {{path = 't', unit = 'Kelvins'}}\n",
         "source[0].values.temperature.unit: must be one of C, Cel, °C, F, K"),
        (f"[[source]]\n{ZIGBEE}values.supply_pressure = {{path = 'p', unit = 'C'}}\n",
         "source[0].values.supply_pressure.unit: must be one of MPa, kPa"),
        (f"[[source]]\n{ZIGBEE}values.supply_pressure = 'p1_bar'\n",
         "source[0].values.supply_pressure.unit: is missing: 'p1_bar' looks like bar, and without it MPa is meant"),
        (f"[[source]]\n{ZIGBEE}values.temperature = {{path = 't', scale = 'x'}}\n",
         "source[0].values.temperature.scale: Expected `float`, got `str`"),
        (f"[[source]]\n{ZIGBEE}values.temperature = {{path = 't', scale = 0}}\n",
         "source[0].values.temperature.scale: must be a number other than 0"),
        (f"[[source]]\n{ZIGBEE}values.temperature = {{paht = 't'}}\n",
         "source[0].values.temperature: Object contains unknown field `paht`"),
        (f"[[source]]\n{ZIGBEE}values.temperature = 'topic[1]'\n", "source[0].values.temperature: is in the topic"),
        (f"[[source]]\n{ZIGBEE}good = {{values = [1]}}\n", "source[0].good[0]: Object missing required field `path`"),
        (f"[[source]]\n{ZIGBEE}split = '{{sensor}}_{{label}}'\n", "source[0].split: is {sensor}, what parts them"),
        (f"[[source]]\n{ZIGBEE}not_before = 20\n", "source[0].not_before: must be a year from 1971"),
        (f"[[source]]\n{ZIGBEE}decimal = ';'\n", "source[0].decimal: Invalid enum value ';'"),
        (f"[[source]]\n{ZIGBEE}decoder = 'senml'\n", "source[0].decoder: is the preset's"),
        (f"[[source]]\n{ZIGBEE}zone = 'Asia/Nowhere'\n", "source[0].zone: 'Asia/Nowhere' is not"),
        (f"[[source]]\n{ZIGBEE}unit = 'R'\n", "source[0].unit: must be one of C, Cel"),
        (f"[[source]]\n{ZIGBEE}time_unit = 'h'\n", "source[0].time_unit: Invalid enum value 'h'"),
        (f"[[source]]\n{ZIGBEE}values = 1\n", "source[0].values: must be a table"),
        (f"[[source]]\n{ZIGBEE}values.warmth = 'a'\n", "source[0].values.warmth: is none of temperature"),
        (f"[[source]]\n{ZIGBEE}values = {{temperature = [], humidity = [], battery = []}}\n", "says of no channel"),
        ("[[source]]\nname = 'a b'\npreset = 'zigbee2mqtt'\n", "source[0].name: must be what the gateway column"),
        (f"[[source]]\n{JSON}", "source[0].filter: is missing"),
        (f"[[source]]\n{JSON}filter = 'a/+'\n", "source[0].sensor: is missing"),
        (f"[[source]]\n{ZIGBEE}[[source]]\n{ZIGBEE}", "name 'z' is there twice"),
        (f"[[source]]\n{ZIGBEE}[[source]]\n{JSON}filter='zigbee2mqtt/x'\nsensor='id'\n", "j gets nothing, z has all"),
        (f"[[source]]\n{ZIGBEE}[[source]]\n{JSON}filter='+/x'\nsensor='id'\n", "share topics, and neither"),
        (f"[[source]]\n{JSON}filter='hearth/+/s1/telemetry'\nsensor='id'\n", "share topics, and neither"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)) as caught:
        load(text, "sources.toml", ZONE)
    assert str(caught.value).startswith("sources.toml: ")
    assert "\n" not in str(caught.value)


def test_all_presets_together() -> None:
    # These share topics with another, or their first level may be anything: beside others their filters are narrower.
    twice = ("chirpstack_protobuf", "chirpstack_v3", "tasmota_probes", "esphome", "shelly")
    names = [name for name in presets() if name not in twice]
    sources = table(*(f"name = '{name}'\npreset = '{name}'\n{OWN.get(name, '')}" for name in names))
    assert set(sources.filters()) == {NATIVE, *(text for origin in sources.origins for text in origin.filters)}
    assert len(sources.every_worker()) == 4


def test_the_first_source_has_a_message_and_the_wider_filter_is_subscribed_to() -> None:
    sources = table(f"{JSON}filter = 'zigbee2mqtt/box'\nsensor = 'id'\n", ZIGBEE)
    assert sources.filters() == [NATIVE, "zigbee2mqtt/+"]
    assert [getattr(sources.origin_of(f"zigbee2mqtt/{name}"), "name", None) for name in ("box", "a", "a/b")] == [
        "j",
        "z",
        None,
    ]


@pytest.mark.parametrize(
    ("text", "topic", "wild"),
    [
        ("a/+", "a/b", ("b",)),
        ("a/+", "a/", ("",)),
        ("a/+", "a", None),
        ("a/+", "a/b/c", None),
        ("a/#", "a/b/c", ("b/c",)),
        ("a/#", "a", (None,)),
        ("#", "a/b", ("a/b",)),
        ("#", "$SYS/x", None),
        ("+/x", "$SYS/x", None),
        ("+/b/+", "a/b/c\n", ("a", "c\n")),
        ("a.c", "abc", None),
    ],
)
def test_filters_match_as_mqtt_says(text: str, topic: str, wild: tuple[str | None, ...] | None) -> None:
    match = topics.compiled(text).fullmatch(topic)
    assert (match and match.groups()) == wild


@pytest.mark.parametrize(
    ("one", "other", "covered", "meet"),
    [
        ("a/+", "a/b", True, True),
        ("a/b", "a/+", False, True),
        ("a/#", "a", True, True),
        ("a/#", "a/+/c", True, True),
        ("a/+", "a/#", False, True),
        ("a/+", "a", False, False),
        ("a/+/c", "a/b/+", False, True),
        ("a/b", "a/c", False, False),
        ("#", "a/#", True, True),
        ("a/b/c", "a/#", False, True),
    ],
)
def test_how_two_filters_relate(one: str, other: str, covered: bool, meet: bool) -> None:
    assert topics.covers(one, other) is covered
    assert topics.overlap(one, other) is topics.overlap(other, one) is meet

"""Paths into messages, bodies and what is bound to them, smallest examples first."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError
from ingest.decoders.path import Path, Pick, Wildcard, find, spelled
from ingest.decoders.work import MessageBounds, Work
from ingest.source_table import load
from ingest.sources import Decoded

SAID = {
    "a": {"b": 1, "none": None},
    "x.y": {"z": 2},
    "list": [{"Id": 3, "t": 20}, {"Id": "4", "t": 21}],
    "text": '{"t": 22}',
    "odd": {'["q"]': 5},
    "0": 6,
}


def path(text: str) -> Any:
    return find(SAID, Path.of(text).steps, Work())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", SAID),
        ("a.b", 1),
        ("a.c", None),
        ("a.none", None),
        ("a.b.c", None),
        ('"x.y".z', 2),
        ("x.y", {"z": 2}),
        ("list[0].t", 20),
        ("list[-1].t", 21),
        ("list[7].t", None),
        ("list.1.t", 21),
        ("list[Id=3].t", 20),
        ("list[Id=4].t", 21),
        ("list[Id=5].t", None),
        ('list["Id"="4"].t', 21),
        ("text.t", 22),
        (r'odd."[\"q\"]"', 5),
        ("0", 6),
        ("a.*", 1),
    ],
)
def test_a_path_leads_to_a_value(text: str, found: Any) -> None:
    assert path(text) == found


@pytest.mark.parametrize("text", ["list[*].t", "*"])
def test_where_one_value_is_expected_there_may_not_be_two(text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        path(text)
    assert caught.value.reason == RejectReason.AMBIGUOUS


@pytest.mark.parametrize(
    "text", ["a..b", "a.", "a[", "a[b", "a]b", 'a"b', "[*]a", "a[*]b", "*~.a", "a[=b]", "a[1", ".."]
)
def test_what_is_no_path_says_from_where_on(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a path from its letter|has something behind"):
        Path.of(text)


@pytest.mark.parametrize("text", ["a.b", '"a.b".c', "[*].a[0]", "*.a", "list[id=3].t", "a.*"])
def test_steps_are_spelled_as_they_are_written(text: str) -> None:
    assert spelled(Path.of(text).steps) == text


def test_what_a_path_is_made_of() -> None:
    assert Path.of(".a[*][k=V].b").steps == ("a", Wildcard.ELEMENT, Pick("k", "v"), "b")
    assert [Path.of(text).level for text in ("topic", "topic[2]", "topic[-1]", '"topic"', "topic.a")] == [
        0,
        2,
        -1,
        None,
        None,
    ]


def read(source: str, said: Any, bounds: MessageBounds | None = None) -> Decoded:
    """Read a message by a source that says so much more than `json`."""
    table = f'[[source]]\nname = "s"\npreset = "json"\nfilter = "a/+/#"\n{source}'
    sources = load(table, "test", ZoneInfo("Asia/Shanghai"))
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    return sources.decode("a/b/c", payload, 0, *([bounds] if bounds else []))


def readings(said: Decoded) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(uplink) for uplink in said.uplinks]


DAY_AND_TIME = 'sensor = "id"\nday = "date"\ntime = "time"\nvalues = {temperature = "temp"}'
LISTS = """
body = "devices[*].channels[*]"
sensor = ["devices[*].id", "devices[*].channels[*].nr"]
values = {temperature = "t"}
"""


@pytest.mark.parametrize(
    ("day", "clock"),
    [
        ("2026-11-28", "09:30:00"),
        ("2026/11/28 ", "9:30"),
        ("20261128", "093000"),
        (20261128, 93000),
        (20261128, "9:30:00"),
        (None, "2026-11-28 09:30:00"),
        ("", "2026-11-28T01:30:00Z"),
        ("2026-11-28", "09:30:00+08:00"),
    ],
)
def test_a_day_may_be_a_field_of_its_own(day: Any, clock: Any) -> None:
    (one,) = readings(read(DAY_AND_TIME, {"id": "A", "temp": 20, "date": day, "time": clock}))
    at = one["ts"] if isinstance(one["ts"], int) else datetime.fromisoformat(one["ts"]).timestamp() * 1000
    assert at == 1_795_829_400_000


@pytest.mark.parametrize(("day", "clock"), [([], "9:30"), ("28", "9:30"), (True, True)])
def test_what_is_no_day_and_time_of_day_is_a_fault(day: Any, clock: Any) -> None:
    found = read(DAY_AND_TIME, {"id": "A", "temp": 20, "date": day, "time": clock})
    assert [fault.reason for fault in found.faults] == [RejectReason.WRONG_TYPE]


def test_without_a_time_its_day_says_nothing() -> None:
    (one,) = readings(read(DAY_AND_TIME, {"id": "A", "temp": 20, "date": "2026-11-28"}))
    assert "ts" not in one


def test_lists_within_lists_stay_at_their_elements() -> None:
    two = {"id": "A", "channels": [{"nr": 1, "t": 20}, {"nr": 2, "t": 21, "ts": 5e9}]}
    one = {"id": "B", "channels": [{"nr": 1, "t": 22}]}
    found = readings(read(LISTS, {"ts": 1_700_000_000, "devices": [two, one]}))
    assert [(one["id"], one["ts"], one["temperature"]) for one in found] == [
        ("A:1", 1_700_000_000_000, 20.0),
        ("A:2", 5_000_000_000_000, 21.0),
        ("B:1", 1_700_000_000_000, 22.0),
    ]


def test_an_element_without_its_name_does_not_take_that_of_another() -> None:
    said = {"id": "G", "devices": [{"channels": [{"nr": 1, "t": 20}]}, {"id": "B", "channels": [{"nr": 1, "t": 22}]}]}
    found = read(LISTS, said)
    assert [one["id"] for one in readings(found)] == ["B:1"]
    assert [(fault.reason, fault.at) for fault in found.faults] == [(RejectReason.NO_SENSOR, 0)]


def test_one_element_that_is_ambiguous_or_wrong_leaves_the_others() -> None:
    source = 'body = "list[*]"\nsensor = ".id"\nvalues = {temperature = "*.t"}'
    good, two, bad = (
        {"id": "A", "x": {"t": 20}},
        {"id": "B", "x": {"t": 1}, "y": {"t": 2}},
        {"id": "C", "x": {"t": "?"}},
    )
    found = read(source, {"list": [two, good, bad, 7, None]})
    assert [one["id"] for one in readings(found)] == ["A"]
    assert [(fault.reason, fault.at) for fault in found.faults] == [
        (RejectReason.AMBIGUOUS, 0),
        (RejectReason.WRONG_TYPE, 2),
    ]
    top = read('sensor = "id"\nvalues = {temperature = "*.t"}', [two, good, bad, 7])
    assert [one["id"] for one in readings(top)] == ["A"]
    assert [fault.at for fault in top.faults] == [0, 2, 3]


def test_many_values_that_cannot_be_read_do_not_refuse_their_readings() -> None:
    said = [{"id": f"s{n}", "temperature": 20, "humidity": "wet"} for n in range(50)]
    found = read('sensor = "id"', said, MessageBounds(readings=100, faults=10))
    assert len(found.uplinks) == len(found.faults) == 50
    assert {fault.reason for fault in found.faults} == {RejectReason.UNREAD_VALUE}


def test_a_message_with_more_elements_than_are_read_is_refused_whole() -> None:
    source = 'body = "list[*]"\nsensor = ".id"\nvalues = {temperature = "t"}'
    said = {"list": [{"id": "s", "t": 20}] * 102}
    found = read(source, said, MessageBounds(readings=100, faults=10))
    assert found.uplinks == []
    assert [fault.reason for fault in found.faults] == [RejectReason.TOO_MANY_READINGS]


def test_paths_are_followed_no_further_than_a_message_is_worth() -> None:
    source = 'body = "[*]"\nsensor = "[0].*[a=b].c"\nvalues = {temperature = "t"}'
    wide = {str(n): {"a": n} for n in range(2_000)}
    found = read(source, [wide, *[{"t": 20}] * 90], MessageBounds(readings=100, faults=10))
    assert [fault.reason for fault in found.faults] == [RejectReason.TOO_MANY_READINGS]


@pytest.mark.parametrize(
    ("source", "said", "temperature"),
    [
        ('good = {path = "q", values = [192, "good"]}', {"q": "Good"}, 20.0),
        ('good = {path = "q", values = [192, "good"]}', {"q": 192}, 20.0),
        ('good = {path = "q", values = [192, "good"]}', {"q": "192"}, 20.0),
        ('good = {path = "q", values = [192, "good"]}', {"q": 0}, "withheld"),
        ('good = {path = "q", values = [192, "good"]}', {}, 20.0),
        ('good = {path = "q"}', {"q": False}, "withheld"),
        ('bad = {path = "broken"}', {"broken": True}, "withheld"),
        ('bad = {path = "broken"}', {"broken": False}, 20.0),
        ('bad = [{path = "broken"}, {path = "e", values = [1, 2]}]', {"e": 2}, "withheld"),
        ('bad = {path = "broken"}', {}, 20.0),
        ('ignore = {path = "type", values = ["status"]}', {"type": "STATUS"}, None),
        ('ignore = {path = "type", values = ["status"]}', {"type": "data"}, 20.0),
        ('values.temperature = {path = "t", none = [20, "ERR"]}', {}, None),
        ('values.temperature = {path = "t", unit_at = "u"}', {"u": "K"}, -253.15),
        ('values.temperature = {path = "t", unit_at = "u"}', {"u": ""}, 20.0),
        ('values.temperature = {path = "t", scale = 0.1, offset = -4, unit = "F"}', {}, -18.888888889),
    ],
)
def test_what_a_source_says_of_a_value(source: str, said: dict[str, Any], temperature: float | str | None) -> None:
    values = "" if "values.t" in source else 'values.temperature = "t"'
    found = read(f'sensor = "id"\n{values}\n{source}', {"id": "s", "t": 20, **said})
    shown = [one["temperature"] for one in readings(found)]
    assert ["withheld" if value == float("inf") else value for value in shown] == (
        [] if temperature is None else [temperature]
    )
    assert found.faults == []


def test_a_unit_that_is_not_known_is_told_with_those_that_are() -> None:
    found = read('sensor = "id"\nvalues.temperature = {path = "t", unit_at = "u"}', {"id": "s", "t": 20, "u": "R"})
    (fault,) = found.faults
    assert fault.detail.startswith("temperature in the unit 'R', which is none of C, Cel, °C, F, K, ")


@pytest.mark.parametrize("trail", [b"\0", b"\0" * 30, b"\x1a", b"\r\n", b" \0\n"])
@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf"])
def test_padding_around_a_message_is_not_of_it(head: bytes, trail: bytes) -> None:
    assert len(read('sensor = "id"', head + b'{"id": "s", "temperature": 20}' + trail).uplinks) == 1


@pytest.mark.parametrize("token", ["NaN", "nan", "-nan", "Infinity", "-inf", "nan(ind)"])
def test_a_bare_nan_is_no_value_and_a_text_that_looks_like_it_stays(token: str) -> None:
    said = f'{{"id": "a NaN,\\"NaN ", "temperature": 20, "humidity": {token}}}'.encode()
    assert readings(read('sensor = "id"', said)) == [{"id": 'a_NaN,"NaN_', "temperature": 20.0}]


@pytest.mark.parametrize("coding", ["gb18030", "utf-16"])
def test_names_in_chinese_come_as_they_were_written(coding: str) -> None:
    said = '{"id": "客厅", "temperature": 20}'.encode(coding)
    assert [one["id"] for one in readings(read('sensor = "id"', said))] == ["客厅"]


def test_quotes_without_an_end_take_no_time() -> None:
    assert read('sensor = "id"', b'{"a": "' + b'\\"' * 30_000).faults[0].reason == RejectReason.MALFORMED


def test_what_looks_like_a_value_is_named_also_where_only_its_parent_tells() -> None:
    found = read('sensor = "id"', {"id": "s", "temperatureSensor": {"1": 22.5}})
    assert "there is temperatureSensor.1" in found.faults[0].detail

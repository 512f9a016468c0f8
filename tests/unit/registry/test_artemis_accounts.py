"""The accounts and rights of ActiveMQ Artemis, as files; a real one reads them in tests/acceptance/test_artemis.py."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from domain.errors import UsageError
from registry import mosquitto
from registry.artemis import memory_gb, rights, write_accounts

SPACE = "{urn:activemq:core}"


def everything(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def granted(folder: Path) -> dict[str, dict[str, str]]:
    """Return filter → permission → roles, as the broker reads them."""
    root = ElementTree.fromstring((folder / "rights.xml").read_text(encoding="utf-8"))
    return {
        setting.attrib["match"]: {p.attrib["type"]: p.attrib["roles"] for p in setting}
        for setting in root.iter(f"{SPACE}security-setting")
    }


def test_a_second_call_changes_nothing_and_who_is_gone_is_removed(tmp_path: Path) -> None:
    first = write_accounts(tmp_path, {"a:b", "温 1", "back\\slash"}, "hearth")
    assert first.added == sorted(["a:b", "温 1", "back\\slash"])
    files = everything(tmp_path)
    assert write_accounts(tmp_path, {"a:b", "温 1", "back\\slash"}, "hearth").kept == first.added
    assert everything(tmp_path) == files
    assert write_accounts(tmp_path, {"a:b"}, "hearth").removed == sorted(["温 1", "back\\slash"])
    assert (tmp_path / "certificates.properties").read_text() == "a\\:b=CN=a:b\nhearth=CN=hearth\n"


def test_what_was_handed_out_for_mosquitto_holds_here(tmp_path: Path) -> None:
    mosquitto.write_accounts(tmp_path, {"s1"}, "hearth")
    told = (tmp_path / "new-devices.csv").read_text()
    write_accounts(tmp_path, {"s1"}, "hearth")
    assert [line for line in told.splitlines() if line.startswith("s1")] == (
        tmp_path / "new-devices.csv"
    ).read_text().splitlines()[1:]


def test_each_says_what_is_its_own_and_hearth_alone_hears(tmp_path: Path) -> None:
    networks = {"plant": ["spBv1.0/plant/#"], 'a"<': ["x/+/y"]}
    write_accounts(tmp_path, {"s1"}, "reader", networks)
    found = granted(tmp_path)
    figures = {text for text in found if text.startswith("mops.")}
    assert len(figures) == 7
    assert all(found.pop(text) == {"view": "reader"} for text in figures)
    assert found.pop("activemq.management") == dict.fromkeys(("send", "createAddress", "manage"), "reader")
    assert {text: told.get("send") for text, told in found.items()} == {
        "hearth/v1/#": None,
        "hearth/v1/reader/#": "reader",
        "spBv1.0/plant/#": "plant",
        "x/+/y": 'a"<',
        "spBv1.0/+/NCMD/#": "reader",
        "hearth/v1/s1/telemetry": "s1",
    }
    assert {told["consume"] for told in found.values() if "consume" in told} == {"reader"}
    assert "consume" not in found["hearth/v1/s1/telemetry"]


def test_who_would_be_somebody_else_is_left_out(tmp_path: Path) -> None:
    assert write_accounts(tmp_path, {"a,b", "hearth-ingest-9", "s1"}, "hearth").impossible == ["a,b", "hearth-ingest-9"]
    with pytest.raises(UsageError, match="--reader"):
        write_accounts(tmp_path, {"hearth"}, "hearth")


def test_of_two_filters_that_are_one_both_have_their_right() -> None:
    assert rights([], "r", {"a": ["t/#"], "b": ["t/#"]})["t/#"]["send"] == ["a", "b"]


def test_more_devices_than_the_shipped_memory_carries() -> None:
    assert [memory_gb(topics) for topics in (0, 80_000, 80_001, 200_000)] == [None, None, 3, 6]

"""Every format: what messages become, case by case."""

import json
from pathlib import Path

import pytest

from ingest.decoders import sparkplug
from ingest.decoders.sparkplug import ASK_AGAIN_US, MOST_ALIASES, Metric, SparkplugBirths
from tests.unit.ingest.golden import CASES, GOLDEN, RECEIVED_US, decoded, messages, sources

NODE = ("plant", "edge7")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_messages_become_what_is_expected(case: Path) -> None:
    assert decoded(case) == json.loads((case / "expected.json").read_text())


def test_a_node_is_asked_for_its_birth_once_a_minute() -> None:
    case = GOLDEN / "sparkplug" / "alias_without_birth"
    reader, (topic, payload) = sources(case), messages(case)[0]
    asked = [
        len(reader.decode(topic, payload, RECEIVED_US + us).requests) for us in (0, ASK_AGAIN_US - 1, ASK_AGAIN_US)
    ]
    assert asked == [1, 0, 1]


def test_births_are_bounded_and_the_oldest_forgotten() -> None:
    births = SparkplugBirths()
    many = {alias: Metric("Temperature", 9) for alias in range(MOST_ALIASES // 4)}
    for nth in range(5):
        births.born(("plant", str(nth)), "thermo", dict(many), None)
    assert births.metric(("plant", "0"), "thermo", 1) is None
    assert births.metric(("plant", "4"), "thermo", 1) == Metric("Temperature", 9)


def test_the_birth_of_a_node_ends_the_lives_of_its_devices() -> None:
    births = SparkplugBirths()
    births.born(NODE, "thermo", {1: Metric("Temperature", 9)}, None)
    births.born(NODE, "", {2: Metric("bdSeq", 4)}, 1)
    assert births.metric(NODE, "thermo", 1) is None
    assert births.metric(NODE, "", 2) == Metric("bdSeq", 4)


def test_nodes_that_were_asked_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparkplug, "MOST_NODES", 2)
    births = SparkplugBirths()
    assert [births.may_ask(("plant", node), 0) for node in ("a", "b", "c", "c", "a")] == [True, True, True, False, True]

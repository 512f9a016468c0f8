"""Messages that people in the field have become readings, or are refused by name."""

import csv
import re
from pathlib import Path

import pytest

from tests.unit.ingest.field_cases import FOLDER, FieldCase, cases, elsewhere

ROOT = Path(__file__).parents[3]
CASES = cases()
# What takes several messages, or more than a message, is held elsewhere.
ELSEWHERE = elsewhere()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_message_becomes_what_is_expected(case: FieldCase) -> None:
    readings, faults = case.outcome()
    assert readings == case.readings
    assert faults == case.faults


def test_all_cases_are_here() -> None:
    with (FOLDER / "cases.tsv").open(encoding="utf-8", newline="") as file:
        known = {row["id"] for row in csv.DictReader(file, delimiter="\t")}
    messages = {name for name in known if not name.startswith("registry_")}
    assert messages == {name for name in known if name in ELSEWHERE} | {c.name for c in CASES if c.name in known}
    assert {case.name for case in CASES} == {path.stem for path in FOLDER.glob("*.payload")}


@pytest.mark.parametrize("held_by", sorted(set(ELSEWHERE.values())))
def test_what_is_held_elsewhere_is_there(held_by: str) -> None:
    file, _, name = held_by.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)

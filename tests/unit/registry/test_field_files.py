"""Files that companies really have are read, or refused by name: tests/golden/registry."""

import csv
from pathlib import Path

import pytest

from tests.unit.registry.field_files import CASES, GOLDEN, outcome


@pytest.mark.parametrize("case", CASES)
def test_a_file_of_the_field(case: str, tmp_path: Path) -> None:
    assert outcome(case, tmp_path) == (GOLDEN / case / "expected.txt").read_text(encoding="utf-8")


def test_each_case_says_where_it_was_seen() -> None:
    with (GOLDEN / "cases.tsv").open(encoding="utf-8", newline="") as lines:
        seen = {row["case"]: row["seen"] for row in csv.DictReader(lines, delimiter="\t")}
    assert sorted(seen) == CASES
    assert all(seen.values())

"""Every line of docs/samples.md: the message, its source, and what `hearth decode` makes of it."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hearth.cli import app
from ingest.source_entry import presets
from tests.unit.ingest.samples import DOCS, SAMPLES, FamilySample, families

LINE = re.compile(r"^\| \[([^\]]+)\]\(samples\.md#([^)]+)\) \| `(\w+)` \| (.+) \|$", re.MULTILINE)
DECODE = app(["decode"])


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.family)
def test_decode_makes_of_a_sample_what_the_document_says(
    sample: FamilySample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "sources.toml"
    table.write_text(sample.source, encoding="utf-8")
    monkeypatch.setenv("HEARTH_SOURCES", str(table))
    done = CliRunner().invoke(DECODE, ["decode", "--topic", sample.topic], input=sample.payload)
    said = json.loads(done.stdout)
    assert (said["readings"], said["faults"]) == (sample.readings, [])
    assert done.exit_code == (0 if sample.readings else 2)
    assert ("nothing" in said) == (not sample.readings)


def test_the_table_of_families_has_a_line_for_each_sample_and_each_preset() -> None:
    lines = LINE.findall((DOCS / "formats.md").read_text(encoding="utf-8"))
    parts = families()
    assert [family for family, *_ in lines] == list(parts)
    for family, anchor, preset, besides in lines:
        toml = parts[family].split("```toml\n")[1].split("```")[0].splitlines()
        assert f'preset = "{preset}"' in toml
        count = len(toml) - toml.index(f'preset = "{preset}"') - 1
        assert besides == ("nothing" if not count else "1 line" if count == 1 else f"{count} lines")
        assert count <= 10
        assert anchor == re.sub(r"[^\w\- ]", "", family.lower()).replace(" ", "-")
    assert {preset for _, _, preset, _ in lines} == set(presets())

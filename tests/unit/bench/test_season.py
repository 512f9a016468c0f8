"""The benchmark of a season can be cut short and taken up again: at full size it takes half an hour."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archives import manifest
from archives.place import ArchivePlace
from bench import season, sowing
from bench.judging import SEED
from bench.sowing import UTILITY, Field, rooms, sow
from bench.town import policy_text
from domain import policy_file

FIELD = Field(5, date(2026, 1, 30), 31, interval_s=3_600)  # in three months


@pytest.fixture(autouse=True)
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sowing, "ProcessPoolExecutor", lambda workers, _: ThreadPoolExecutor(workers))
    monkeypatch.setattr(sowing, "SENSORS_OF_SHARD", 2)


def sown(folder: Path) -> list[tuple[str, str, int]]:
    archive = sow(ArchivePlace(folder.as_uri()), FIELD, lambda *_: None)
    return [(file.path, file.sha256, file.rows) for file in archive.files()]


def test_sowing_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, add = sown(tmp_path / "whole"), manifest.add

    def add_one(place: ArchivePlace, utility: str, entry: Any) -> None:
        if entry.number == 2:
            raise KeyboardInterrupt
        add(place, utility, entry)

    with monkeypatch.context() as patched:
        patched.setattr(manifest, "add", add_one)
        with pytest.raises(KeyboardInterrupt):
            sown(tmp_path / "parts")
    assert sown(tmp_path / "parts") == whole
    told = np.concatenate([rooms(FIELD, low, min(low + 2, 6), span) for span in FIELD.spans() for low in (1, 3, 5)])
    archive = sow(ArchivePlace((tmp_path / "parts").as_uri()), FIELD, lambda *_: None)
    begin = datetime.combine(FIELD.first, datetime.min.time(), UTC)
    kept = archive.read(range(1, 6), begin, begin + timedelta(days=FIELD.days))
    assert np.array_equal(kept, told[np.lexsort((told["measured_at"], told["sensor_id"]))])
    assert len({entry.number for entry in manifest.entries(archive.place, UTILITY)}) == 3


def test_a_kept_season_is_taken_on_a_later_day_and_no_other_one(tmp_path: Path) -> None:
    assert season.field_in(tmp_path, FIELD) == FIELD
    later = Field(5, date(2026, 2, 3), 31, interval_s=3_600)
    assert season.field_in(tmp_path, later) == FIELD
    with pytest.raises(SystemExit, match="another season is there"):
        season.field_in(tmp_path, Field(6, FIELD.first, 31, interval_s=3_600))


def test_all_days_of_the_field_are_in_the_season() -> None:
    text = policy_text(SEED, FIELD.first, FIELD.end)
    policy = policy_file.load(text, "test")
    assert [(one.first, one.end) for one in policy.seasons] == [(FIELD.first, FIELD.end)]


def test_what_is_known_when_it_is_interrupted_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: season.Run) -> season.Figures:
        raise KeyboardInterrupt

    parts = {"whole": lambda _: {"a": 1}, "left out": lambda _: {"b": 2}, "again": interrupted, "never": lambda _: {}}
    monkeypatch.setattr(season, "PARTS", parts)
    nothing: Any = None
    season.take(season.Run(nothing, nothing, 0), ["whole", "again", "never"])
    out, err = capsys.readouterr()
    assert json.loads(out) == {"a": 1}
    first, *_ = err.splitlines()
    assert json.loads(first)["a"] == 1

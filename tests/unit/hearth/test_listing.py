"""Lists on a terminal: a table if it fits, else blocks; never wider than 80 columns."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from hearth.listing import NUMBER, WORDS, listing, local

COLUMNS = [("home", WORDS), ("cold for", NUMBER), ("why", WORDS)]


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_what_fits_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    listing(COLUMNS, [("B1-101", 3, "valve"), ("B1-102", 12, None)], "Homes")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].rstrip() == "Homes"
    assert [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "B1-" in line] == [
        ["B1-101", "3", "valve"],
        ["B1-102", "12", ""],
    ]


def test_what_is_wider_is_told_row_by_row(capsys: pytest.CaptureFixture[str]) -> None:
    long = "楼上暖气不热，" * 12
    listing(COLUMNS, [("B1-101", 3, long), ("B1-102", 12, None)], "Homes", "Since noon.")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["Homes", "B1-101", "  cold for: 3"]
    assert lines[-3:] == ["B1-102", "  cold for: 12", "Since noon."]
    assert max(map(cell_len, lines)) <= 80
    assert "".join(lines).replace(" ", "").count("楼上暖气不热，") == 12


def test_times_are_those_of_the_utility() -> None:
    assert local(datetime(2026, 1, 1, 22, 0, tzinfo=UTC), ZoneInfo("Asia/Shanghai")) == "2026-01-02 06:00"
    assert local(None, UTC) == ""

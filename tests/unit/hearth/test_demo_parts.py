from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from domain import policy_file
from domain.errors import UsageError
from hearth.demo.figures import DemoFigures, summary
from hearth.demo.stand import policy_for_today, wishes_for
from hearth.demo.view import ROWS, DemoPage, line
from store.figures.overview import FlagTotals, IntakeCounts

AT = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


def figures(homes: int = 500, rows: int = ROWS) -> DemoFigures:
    flag = {"home": "B0019-2-302", "severity": "severe", "cold_since": AT, "lowest": 15.96, "state": "suspended"}
    clocks = [{"due_at": None, "met_at": None}, {"due_at": AT + timedelta(hours=1), "met_at": None}]
    ticket = {"number": "T00000113", "home": "B0019-2-302", "priority": 1, "state": "closed", "clocks": clocks}
    states = {"compliant": homes - 1, "severe": 1}
    intake = IntakeCounts(9, 123_456_789, 1, 0, 13, AT - timedelta(hours=2))
    return DemoFigures(AT, states, intake, FlagTotals(3, 2, 1, 1, 1), [flag] * rows, [ticket] * rows, 23_456.7)


def screen(told: DemoFigures) -> list[str]:
    page = DemoPage("http://127.0.0.1:8080", "demo-data", "Mosquitto", ZoneInfo("Asia/Shanghai"))
    page.tokens = {who: f"hearth_{'x' * 43}" for who in ("admin", "dispatcher", "customer of B0019-2-302")}
    console = Console(width=100, height=30, file=StringIO(), force_terminal=False)
    with console.capture() as capture:
        console.print(page.render(told))
    return capture.get().splitlines()


@pytest.mark.parametrize("rows", [0, 1, ROWS, ROWS + 5])
def test_the_page_fits_the_terminal_and_never_jumps(rows: int) -> None:
    seen = screen(figures(homes=100_000, rows=rows))
    assert len(seen) == len(screen(figures()))
    assert len(seen) == 26
    assert all(len(row) <= 100 for row in seen)
    assert "…" not in "".join(row for row in seen if "Bearer" not in row)


def test_the_page_says_what_there_is() -> None:
    seen = "\n".join(screen(figures()))
    for words in ("123,456,789", "23,457", "history at 14:00:00", "16:00:00", "15.96 °C", "17:00", "x" * 43):
        assert words in seen


def test_one_cold_home_among_thousands_is_to_be_seen() -> None:
    assert next(row for row in screen(figures(homes=100_000)) if " severe  " in row and "█" in row)


def test_the_line_says_the_same() -> None:
    assert line(figures()) == (
        "123,456,789 readings (23,457/s, history), homes: 499 compliant, 1 severe; 3 flags, 1 tickets, 13 dead letters"
    )


def test_the_summary_counts_homes_by_state() -> None:
    told = summary(figures(), 30_000.4)
    assert (told["homes"], told["fastest_readings_per_second"], told["caught_up"]) == (500, 30_000, False)
    assert (told["flags"], told["tickets"], told["cold_spells"], told["dead_letters"]) == (3, 1, 1, 13)


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 7, 1), date(2026, 12, 31), date(2031, 1, 1)])
def test_the_demo_is_always_in_season(day: date) -> None:
    (season,) = policy_file.load(policy_for_today(day.year), "demo").seasons
    assert season.first <= day - timedelta(days=1)
    assert day + timedelta(days=1) < season.end


def test_a_folder_keeps_its_town(tmp_path: Path) -> None:
    assert (wishes_for(tmp_path, None, None, None).homes, wishes_for(tmp_path, 60, 0, None).seed) == (500, 0)
    (tmp_path / "town.json").write_text('{"town": {"homes": 60, "seed": 7}}')
    kept = wishes_for(tmp_path, None, None, None)
    assert (kept.homes, kept.seed) == (60, 7)
    with pytest.raises(UsageError, match="a town of 60 homes with seed 7 lives here"):
        wishes_for(tmp_path, 61, None, None)

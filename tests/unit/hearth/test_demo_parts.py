import json
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console, RenderableType

from domain import policy_file
from domain.errors import UsageError
from hearth.demo.door_paths import PATHS
from hearth.demo.figures import DemoFigures, summary
from hearth.demo.note import DemoNote
from hearth.demo.room import enough_room, free_mb, named_faults
from hearth.demo.stand import note_for, policy_for_today
from hearth.demo.view import DemoView, Starting, line
from store.figures.overview import FlagTotals, IntakeCounts

AT = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
URL = "http://127.0.0.1:65535/"
SIZES = [(80, 24), (100, 30), (132, 43)]
VIEW = DemoView(URL, "demo-data", "Mosquitto", ZoneInfo("Asia/Shanghai"))


def figures(homes: int = 500, rows: int = 12) -> DemoFigures:
    flag = {"home": "B0019-2-302", "severity": "severe", "cold_since": AT, "lowest": 15.96, "state": "suspended"}
    clocks = [{"due_at": None, "met_at": None}, {"due_at": AT + timedelta(hours=1), "met_at": None}]
    place = {"home": "B0019-2-302", "building": None, "substation": None}
    ticket = {"number": "T00000113", "class": "complaint", "state": "verifying", "clocks": clocks, **place}
    states = {"compliant": homes - 1, "severe": 1}
    intake = IntakeCounts(9, 123_456_789, 1, 0, 13, AT - timedelta(hours=2))
    return DemoFigures(AT, states, intake, FlagTotals(3, 2, 1, 1, 1), [flag] * rows, [ticket] * rows, 23_456.7)


def screen(told: RenderableType, size: tuple[int, int] = (100, 30)) -> list[str]:
    console = Console(width=size[0], height=size[1], file=StringIO(), force_terminal=False)
    with console.capture() as capture:
        console.print(told)
    return capture.get().splitlines()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rows", [0, 1, 40])
def test_the_page_fits_the_terminal_and_never_jumps(size: tuple[int, int], rows: int) -> None:
    seen = screen(VIEW.render(figures(homes=100_000, rows=rows), *size), size)
    assert len(seen) == len(screen(VIEW.render(figures(), *size), size)) <= size[1]
    assert all(len(row) <= size[0] for row in seen)
    assert "…" not in "".join(seen)  # nothing is cut


@pytest.mark.parametrize("size", SIZES)
def test_the_page_says_what_there_is(size: tuple[int, int]) -> None:
    seen = "\n".join(screen(VIEW.render(figures(), *size), size))
    for words in ("123,456,789", "23,457", "history at 14:00:00", "16:00:00", "15.9 °C", "17:00", URL, *PATHS):
        assert words in seen


@pytest.mark.parametrize(
    ("away", "words", "late"),
    [
        (timedelta(minutes=20), " 16:20 ", False),
        (-timedelta(minutes=30), " 15:30 ", True),
        (timedelta(hours=10), " Sun ", False),
        (timedelta(days=7), " 02-07 ", False),
    ],
)
def test_what_is_due_on_another_day_is_no_time_of_today_and_what_is_late_is_red(
    away: timedelta, words: str, late: bool
) -> None:
    told = figures()
    told.tickets[0]["clocks"][1]["due_at"] = AT + away
    console = Console(width=80, height=24, file=StringIO(), force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(VIEW.render(told, 80, 24))
    (row,) = {line for line in capture.get().splitlines() if "case" in line}
    assert words in re.sub(r"\x1b\[[\d;]*m", "", row)
    assert (f"\x1b[31m{words.strip()}" in row) is late


def test_doors_are_links_of_the_terminal() -> None:
    console = Console(width=80, height=24, file=StringIO(), force_terminal=True)
    with console.capture() as capture:
        console.print(VIEW.render(figures(), 80, 24))
    for path in ("", *(path[1:] for path in PATHS.values()), "status"):
        assert f";{URL}{path}\x1b\\" in capture.get()  # OSC 8


def test_one_cold_home_among_thousands_is_to_be_seen() -> None:
    seen = screen(VIEW.render(figures(homes=100_000), 80, 24), (80, 24))
    assert next(row for row in seen if " severe  " in row and "█" in row)


def test_the_start_shows_its_steps_the_past_and_the_address() -> None:
    starting = Starting()
    starting.step("starting PostgreSQL")
    starting.step("living through a month")
    starting.url, starting.share = URL, 0.42
    seen = "\n".join(screen(starting, (80, 24)))
    for words in ("✓", "starting PostgreSQL", "living through a month", "42%", URL):
        assert words in seen


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
    assert season.first <= day - timedelta(days=90)
    assert day + timedelta(days=1) < season.end


def test_a_folder_keeps_its_town(tmp_path: Path) -> None:
    fresh = note_for(tmp_path, {"homes": None, "seed": 0})
    assert (fresh.homes, fresh.seed, fresh.pace_s, fresh.days, fresh.story) == (500, 0, 60, 30, None)
    DemoNote(AT, homes=60, seed=7, story=AT).write(tmp_path)
    kept = note_for(tmp_path, {"homes": None, "seed": 7, "days": None})
    assert (kept.homes, kept.seed, kept.began, kept.story) == (60, 7, AT, AT)
    assert (tmp_path / "demo.json").stat().st_mode & 0o77 == 0  # it holds the key
    with pytest.raises(UsageError, match="a town of 60 homes with seed 7, pace 60 and 30 days behind it lives here"):
        note_for(tmp_path, {"homes": 61})


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"homes": 1}), json.dumps({"began": "soon", "story": None})])
def test_a_damaged_note_is_named_with_a_way_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "demo.json").write_text(text)
    with pytest.raises(UsageError, match="is damaged; delete the folder, or take another --folder"):
        note_for(tmp_path, {})


def test_a_disk_without_room_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"\d+ MB free, a demo needs \d+ MB; free some space, or take another --folder"
    ):
        enough_room(tmp_path / "town", free_mb(tmp_path) + 1_000)
    enough_room(tmp_path / "town", 0)
    assert not (tmp_path / "town").exists()


def test_other_faults_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="something else"), named_faults(tmp_path):
        raise OSError("something else")

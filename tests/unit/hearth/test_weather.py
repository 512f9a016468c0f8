"""The weather forecast: what Open-Meteo answers is read, what is wrong is named, and nothing waits for it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from domain.errors import UsageError
from hearth.weather import MOST_BYTES, WeatherSource, parse
from insight.forecast import LEADS_H

HOURS = [f"2026-01-15T{hour:02}:00" for hour in range(24)]
ANSWER = {"utc_offset_seconds": 28_800, "hourly": {"time": HOURS, "temperature_2m": [-10.0 + h / 2 for h in range(24)]}}
AT = datetime(2026, 1, 14, 16, 0, tzinfo=UTC)  # midnight where it is


def told(**hourly: object) -> bytes:
    """Return the answer with other hourly values."""
    return json.dumps({**ANSWER, "hourly": {**ANSWER["hourly"], **hourly}}).encode()  # type: ignore[dict-item]


def test_local_times_of_a_file_become_leads(tmp_path: Path) -> None:
    file = tmp_path / "weather.json"
    file.write_bytes(told())
    leads = WeatherSource(str(file), 1)(AT)
    expected = [-10 + lead / 2 if lead <= 23 else np.nan for lead in LEADS_H]
    assert leads.tolist() == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"", "hourly"),
        (b"[]", "hourly"),
        (b'{"hourly": {"time": []}}', "hourly"),
        (told(time=HOURS[:3]), "3 times and 24 temperatures"),
        (told(time=HOURS[::-1]), "does not rise"),
        (told(time=["noon", *HOURS[1:]]), "'noon' is no time"),
        (told(temperature_2m=["warm", *range(23)]), "'warm' is no temperature"),
        (told(temperature_2m=[1000, *range(23)]), "'1000' is no temperature"),
    ],
)
def test_what_is_wrong_is_named(text: bytes, names: str) -> None:
    with pytest.raises(ValueError, match=names):
        parse(text)


def test_hours_that_are_not_told_are_passed_over() -> None:
    instants, celsius = parse(told(temperature_2m=[None, *range(23)]))
    assert len(instants) == 24
    assert np.isnan(celsius[0])


def test_what_is_away_or_too_long_says_so_and_is_not_waited_for(tmp_path: Path) -> None:
    for place in (tmp_path / "none.json", tmp_path / "long.json"):
        (tmp_path / "long.json").write_bytes(b" " * (MOST_BYTES + 1))
        source = WeatherSource(str(place), 1)
        with pytest.raises(UsageError, match=r"^HEARTH_WEATHER: [^\n]+$"):
            source.read()
        assert np.isnan(source(AT)).all()

"""The weather forecast: a file, or an address, in the shape that Open-Meteo answers in.

Without it, or while it is away, the air outside is expected as by persistence and the daily cycle; nothing waits for
it.
"""

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from domain.errors import UsageError
from insight.forecast import LEADS_H
from insight.window import Floats

MOST_BYTES = 1_000_000
MOST_HOURS = 24 * 20
AGAIN_S = 1_800.0  # a forecast is asked for no more often, whether it came or not
COLDEST, WARMEST = -90.0, 60.0
SHAPE = 'has to be {"hourly": {"time": […], "temperature_2m": […]}} as Open-Meteo answers'
log = structlog.get_logger()


def parse(text: bytes) -> tuple[Floats, Floats]:
    """Return instants (Unix seconds, rising) and °C.

    Raises:
        ValueError: what is wrong with it.
    """
    try:
        told = json.loads(text)
        hourly, offset_s = told["hourly"], int(told.get("utc_offset_seconds", 0))
        times, celsius = list(hourly["time"]), list(hourly["temperature_2m"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(SHAPE) from None
    if not 0 < len(times) == len(celsius) <= MOST_HOURS:
        raise ValueError(f"{SHAPE}; there are {len(times)} times and {len(celsius)} temperatures")
    instants = np.array([_seconds(each, offset_s) for each in times])
    degrees = np.array([np.nan if each is None else _celsius(each) for each in celsius])
    if (np.diff(instants) <= 0).any():
        raise ValueError("hourly.time does not rise")
    return instants, degrees


def _seconds(told: Any, offset_s: int) -> float:
    """Return Unix seconds: a number, or local time by `utc_offset_seconds` without a zone of its own."""
    if isinstance(told, int | float) and not isinstance(told, bool):
        return float(told)
    try:
        at = datetime.fromisoformat(told)
        return at.timestamp() if at.tzinfo else at.replace(tzinfo=UTC).timestamp() - offset_s
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"hourly.time: {str(told)[:40]!r} is no time") from None


def _celsius(told: Any) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float) or not COLDEST <= told <= WARMEST:
        raise ValueError(f"hourly.temperature_2m: {str(told)[:40]!r} is no temperature outside in °C")
    return float(told)


class WeatherSource:
    """A weather forecast at an address or in a file, asked for now and then."""

    def __init__(self, place: str, timeout_s: float) -> None:
        self._place, self._timeout_s = place, timeout_s
        self._kept: tuple[Floats, Floats] | None = None
        self._asked_s = float("-inf")

    def read(self) -> tuple[Floats, Floats]:
        """Read it now.

        Raises:
            UsageError: it is away, too long, or of another shape.
        """
        try:
            return parse(self._bytes())
        except (OSError, ValueError) as error:
            what = getattr(error, "reason", None) or error
            raise UsageError(f"HEARTH_WEATHER: {str(what)[:200]}") from None

    def _bytes(self) -> bytes:
        if self._place.startswith("/"):
            with Path(self._place).open("rb") as file:
                text = file.read(MOST_BYTES + 1)
        else:
            request = urllib.request.Request(self._place, headers={"Accept": "application/json"})
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:
                text = answer.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ValueError(f"is longer than {MOST_BYTES} bytes")
        return bytes(text)

    def __call__(self, at: datetime) -> Floats:
        """Return what is expected outside at each lead after an instant, °C; NaN: not known."""
        if time.monotonic() - self._asked_s >= AGAIN_S:
            self._asked_s = time.monotonic()
            try:
                self._kept = self.read()
            except UsageError as error:
                log.warning("no weather forecast", error=str(error))
        if self._kept is None:
            return np.full(len(LEADS_H), np.nan)
        instants, celsius = self._kept
        known = np.isfinite(celsius)
        leads = np.array([(at + timedelta(hours=lead)).timestamp() for lead in LEADS_H])
        if not known.any():
            return np.full(len(LEADS_H), np.nan)
        return np.asarray(np.interp(leads, instants[known], celsius[known], left=np.nan, right=np.nan))

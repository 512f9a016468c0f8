"""An entry of the table of sources, on top of its preset. docs/formats.md explains the keys."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

USUAL_VALUES = {"temperature": "temperature", "humidity": "humidity", "battery": "battery"}
LISTS = ("filter", "every_worker", "time", "day", "label", "value", "unit_at")
TABLES = ("good", "bad", "ignore")
PROBLEM = " - at `$"
# Parts of which each may have alternatives.
Parts = list[str | list[str]]


class ConditionEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A place in the message, and what it says there."""

    path: str | list[str]
    values: list[str | int | float | bool] = []


class ValueEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A quantity: where it is, in which unit, and when it is none."""

    path: str | list[str]
    unit: str | None = None
    unit_at: str | list[str] = []
    scale: float = 1.0
    offset: float = 0.0
    none: list[str | int | float] = []
    good: list[ConditionEntry] = []
    bad: list[ConditionEntry] = []


class SourceEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A source as the table has it, completed by its preset."""

    name: str
    preset: str
    decoder: str
    filter: list[str] = []
    every_worker: list[str] = []
    sensor: Parts = []
    time: list[str] = []
    day: list[str] = []
    time_unit: Literal["auto", "ms", "s", "us", "ns"] = "auto"
    not_before: int | None = None
    zone: str | None = None
    body: Parts = msgspec.field(default_factory=lambda: [""])
    label: list[str] = []
    split: str | None = None
    value: list[str] = msgspec.field(default_factory=lambda: [""])
    values: dict[str, str | list[str] | ValueEntry]
    unit: str = "C"
    unit_at: list[str] = []
    good: list[ConditionEntry] = []
    bad: list[ConditionEntry] = []
    ignore: list[ConditionEntry] = []
    text_numbers: bool = False
    decimal: Literal[".", ","] = "."
    plain: bool = False
    expects_value: bool = False


class WrongKey(Exception):
    """A key of an entry that says nothing that can be done."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


@cache
def presets() -> dict[str, dict[str, Any]]:
    """Return the built-in presets by name, each with lists where lists are wanted."""
    table = tomllib.loads((files("ingest") / "presets.toml").read_text(encoding="utf-8"))
    return {name: _with_lists(preset) for name, preset in table.items()}


def completed(given: Any) -> SourceEntry:
    """Complete an entry by its preset.

    Raises:
        WrongKey: one of its keys is unknown or of a wrong type.
    """
    known = presets()
    if not isinstance(given, dict) or given.get("preset") not in list(known):
        raise WrongKey(".preset", f"must be one of {', '.join(known)}")
    if "decoder" in given:
        raise WrongKey(".decoder", "is the preset's to say")
    preset, values = known[given["preset"]], given.get("values", {})
    if not isinstance(values, dict):
        raise WrongKey(".values", "must be a table of channels")
    merged = preset | _with_lists(given)
    if "body" in given:  # paths of the preset into lists of its own body are of no use to another
        merged |= {
            key: _outside_lists(merged[key])
            for key in ("sensor", "time", "day", "label")
            if key in preset.keys() - given
        }
    merged["values"] = {
        channel: _with_lists(value) for channel, value in (preset.get("values", USUAL_VALUES) | values).items()
    }
    try:
        return msgspec.convert(merged, SourceEntry)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(PROBLEM)
        place = place.rstrip("`")
        if place.startswith(".values[...]"):
            place = f".values.{_wrong_channel(merged['values'])}"
        raise WrongKey(place, reason) from None


def _wrong_channel(values: dict[str, Any]) -> str:
    """Return the first channel that cannot be read: msgspec does not say which one it is."""
    for channel, value in values.items():
        try:
            msgspec.convert(value, str | list[str] | ValueEntry)
        except msgspec.ValidationError as error:
            return channel + str(error).partition(PROBLEM)[2].rstrip("`")
    return "…"


def _listed(key: str, value: Any) -> Any:
    """Make one of a list of it, where a list is wanted."""
    if key in ("sensor", "body", *LISTS) and isinstance(value, str):
        return [value]
    return [value] if key in TABLES and isinstance(value, dict) else value


def _outside_lists(paths: Any) -> Any:
    if isinstance(paths, str):
        return paths
    kept = [_outside_lists(path) for path in paths if not (isinstance(path, str) and "[*]" in path)]
    return [path for path in kept if path]


def _with_lists(value: Any) -> Any:
    return {key: _listed(key, inner) for key, inner in value.items()} if isinstance(value, dict) else value

"""Messages that people in the field have (tests/golden/field_cases): what they become, and what is refused of them."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from domain.quality import Quality
from ingest.source_table import load
from ingest.sources import Sources
from ingest.uplink import WITHHELD, Uplink
from ingest.validate import Limits, instant
from ingest.worth import quality
from tests.unit.ingest.golden import GOLDEN

FOLDER = GOLDEN / "field_cases"
ZONE = ZoneInfo("Asia/Shanghai")
RECEIVED_US = 1_795_831_260_000_000  # 2026-11-28T02:01:00Z
LIMITS = Limits(65_536, 300_000_000)


class FieldCase(msgspec.Struct, forbid_unknown_fields=True):
    """A message of the field and its outcome.

    Args:
        source: the entry of its source, where the one that was tried first could not say it.
        readings: as decoded; with `refused`, why its time is none, and `no_value`, quantities that are none.
        faults: reason and words.
    """

    name: str
    source: str = ""
    readings: list[dict[str, Any]] = msgspec.field(default_factory=list)
    faults: list[tuple[str, str]] = msgspec.field(default_factory=list)

    def sources(self) -> Sources:
        """Return what reads it."""
        own = FOLDER / f"{self.name}.toml"
        text = f"[[source]]\n{self.source}" if self.source else own.read_text() if own.exists() else ""
        return load(text, self.name, ZONE)

    def outcome(self) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
        """Return the readings and faults that it becomes now."""
        topic = (FOLDER / f"{self.name}.topic").read_text().strip()
        said = self.sources().decode(topic, (FOLDER / f"{self.name}.payload").read_bytes(), RECEIVED_US)
        return list(map(reading, said.uplinks)), [(fault.reason.value, fault.detail) for fault in said.faults]


def reading(uplink: Uplink) -> dict[str, Any]:
    """Return a reading in plain values, and what validation makes of it."""
    said: dict[str, Any] = msgspec.to_builtins(uplink)
    values = {name: value for name, value in said.items() if name not in ("id", "ts")}
    out = said | {name: "withheld" for name, value in values.items() if value == WITHHELD}
    worth = {name: quality(name, np.array([value], np.float32))[0] for name, value in values.items()}
    if none := [name for name, code in worth.items() if code != Quality.GOOD and values[name] != WITHHELD]:
        out["no_value"] = none
    if not isinstance(at := instant(uplink.ts, RECEIVED_US, LIMITS), int):
        out["refused"] = at[0].value
    return out


def cases() -> list[FieldCase]:
    """Read all cases."""
    return msgspec.toml.decode((FOLDER / "expected.toml").read_text(), type=dict[str, list[FieldCase]])["case"]


def elsewhere() -> dict[str, str]:
    """Return the tests that hold the cases which take several messages, or more than a message."""
    return msgspec.toml.decode((FOLDER / "elsewhere.toml").read_text(), type=dict[str, str])

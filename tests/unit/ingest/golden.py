"""Golden folders: tests/golden/FORMAT/CASE/ with a topic and a payload, or several in order, and what they become.

`source.toml` holds what the case's source says on top of the preset that is named like the format.
"""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ingest.source_entry import presets
from ingest.source_table import load
from ingest.sources import Sources

GOLDEN = Path(__file__).parents[2] / "golden"
RECEIVED_US = 1_768_449_660_000_000  # 2026-01-15T04:01:00Z
FORMATS = ("native", *presets())
CASES = sorted(path.parent for name in FORMATS for path in (GOLDEN / name).glob("*/topic"))
# What the presets that say nothing about filter and sensor need, each under topics of its own.
WITHOUT_FILTER = ("grm", "senml", "milesight", "chn_das", "aep", "onenet_datastreams")
OWN = {name: f'filter = "{name}/+"\n' for name in WITHOUT_FILTER}
OWN |= {name: f'filter = "{name}/+"\nsensor = "topic"\n' for name in ("json", "plain")}


def sources(case: Path) -> Sources:
    """Return those of a case."""
    if case.parent.name == "native":
        return Sources()
    own = case / "source.toml"
    table = f'[[source]]\nname = "net"\npreset = "{case.parent.name}"\n' + (own.read_text() if own.exists() else "")
    return load(table, str(own), ZoneInfo("Asia/Shanghai"))


def by_preset(name: str) -> Sources:
    """Return a source of a preset, and what it has to say itself."""
    table = f'[[source]]\nname = "net"\npreset = "{name}"\n{OWN.get(name, "")}'
    return Sources() if name == "native" else load(table, name, ZoneInfo("Asia/Shanghai"))


def topic_of(reader: Sources) -> str:
    """Return a topic that a source has."""
    filters = reader.origins[0].filters if reader.origins else reader.filters()
    return filters[0].replace("+", "a").replace("#", "a/b")


def messages(case: Path) -> list[tuple[str, bytes]]:
    """Return topics and payloads of a case."""
    topics = (case / "topic").read_text().splitlines()
    return list(zip(topics, (p.read_bytes() for p in sorted(case.glob("payload.*"))), strict=True))


def decoded(case: Path) -> dict[str, Any]:
    """Return what the messages of a case become, as plain values."""
    reader = sources(case)
    out: dict[str, Any] = {"devices": [], "readings": [], "faults": [], "requests": []}
    for topic, payload in messages(case):
        said = reader.decode(topic, payload, RECEIVED_US)
        out["devices"].append(said.device)
        out["readings"] += msgspec.to_builtins(said.uplinks)
        out["faults"] += [fault.reason.value for fault in said.faults]
        out["requests"] += [[topic, payload.hex()] for topic, payload in said.requests]
    return out

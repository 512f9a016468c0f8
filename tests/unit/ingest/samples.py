"""Messages of all families, as docs/samples.md has them."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

DOCS = Path(__file__).parents[3] / "docs"
COMMAND = re.compile(
    r"\$ (?:xxd -r -p <<< (?P<hex>\w+) \| )?hearth decode --topic '(?P<topic>[^']+)'(?: <<< '(?P<text>.*)')?"
)


class FamilySample(NamedTuple):
    """A message of a family, its source, and its readings, as the document has them."""

    family: str
    source: str
    topic: str
    payload: bytes
    readings: list[dict[str, Any]]


def families() -> dict[str, str]:
    """Return the sections of the document by their headings."""
    text = (DOCS / "samples.md").read_text(encoding="utf-8")
    return {part.partition("\n")[0]: part for part in text.split("\n## ")[1:]}


def samples() -> list[FamilySample]:
    """Read all samples."""
    found = []
    for family, part in families().items():
        source, shell = re.findall(r"```(?:toml|sh)\n(.*?)```", part, re.DOTALL)
        for chunk in re.split(r"^(?=\$ )", shell, flags=re.MULTILINE)[1:]:
            command, *lines = chunk.strip().split("\n")
            said = COMMAND.fullmatch(command)
            assert said, command
            payload = bytes.fromhex(said["hex"]) if said["hex"] else said["text"].encode()
            readings = [json.loads(line) for line in lines if not line.startswith("#")]
            found.append(FamilySample(family, source, said["topic"], payload, readings))
    return found


SAMPLES = samples()

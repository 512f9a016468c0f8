"""Reads compose files as Docker does: anchors, merge keys, overlays with !override and !reset."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMMANDS = ("command", "entrypoint", "test")


class Override:
    """A value that replaces what it would otherwise be merged with."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Loader(yaml.SafeLoader):
    """YAML with the tags of the compose specification (13-merge)."""


def _override(loader: Loader, node: yaml.Node) -> Override:
    if isinstance(node, yaml.SequenceNode):
        return Override(loader.construct_sequence(node, deep=True))
    if isinstance(node, yaml.MappingNode):
        return Override(loader.construct_mapping(node, deep=True))
    return Override(loader.construct_object(node))


Loader.add_constructor("!override", _override)


def load(name: str) -> dict[str, Any]:
    """Return a compose file alone, as written: the tags make no difference to a file alone."""
    loaded: dict[str, Any] = plain(yaml.load((ROOT / name).read_text(encoding="utf-8"), Loader))
    return loaded


def merged(*names: str) -> dict[str, Any]:
    """Compose files laid one over the other."""
    result: Any = {}
    for name in names:
        result = merge(result, yaml.load((ROOT / name).read_text(encoding="utf-8"), Loader))
    whole: dict[str, Any] = plain(result)
    return whole


def merge(below: Any, above: Any) -> Any:
    """Return mappings are merged, sequences are appended, everything else is replaced, and so is what is run."""
    if isinstance(above, Override):
        return above.value
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {k: v if k in COMMANDS else merge(below.get(k), v) for k, v in above.items()}
    if isinstance(below, list) and isinstance(above, list):
        return below + [value for value in above if value not in below]
    # Lists of names may be written as mappings, as networks are where one has an alias.
    if isinstance(below, list) and isinstance(above, dict):
        return merge({name: None for name in below}, above)
    return above


def plain(value: Any) -> Any:
    """Strip the tags."""
    if isinstance(value, Override):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value

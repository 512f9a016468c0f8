"""The options that are used: what of the boards, rules and contact points Grafana reads, by dotted names."""

from collections.abc import Iterator
from typing import Any

# Not options: what is asked, what it is called, and where it stands.
CONTENT = ("gridPos", "id", "title", "description", "targets", "datasource", "type", "fieldConfig", "options", "panels")
OF_PANEL = ("timeFrom", "hideTimeOverride", "transparent", "repeatDirection")


def leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the dotted name of each value in JSON, with the value."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{name}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{name}[]")
    else:
        yield name, value


def of_panel(panel: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the options of a panel."""
    kind = panel["type"]
    for override in panel.get("fieldConfig", {}).get("overrides", []):
        for entry in override["properties"]:
            yield f"override.{entry['id']}", entry["value"]
    yield from leaves(panel.get("options", {}), f"{kind}.options")
    yield from leaves(panel.get("fieldConfig", {}).get("defaults", {}), f"{kind}.fieldConfig.defaults")
    for key, value in panel.items():
        if key in OF_PANEL:
            yield f"panel.{key}", value
        elif key not in CONTENT:
            yield from leaves(value, f"{kind}.{key}")


def of_board(board: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the options of a dashboard and of all that is in it."""
    yield from leaves({key: value for key, value in board.items() if key != "panels"}, "board")
    for panel in board["panels"]:
        yield from of_panel(panel)
        for inner in panel.get("panels") or []:
            yield from of_panel(inner)

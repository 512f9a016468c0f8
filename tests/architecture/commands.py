"""Commands that documents show."""

from typing import Any

import typer

from hearth.cli import app

CLI = typer.main.get_command(app())


def commands(group: Any = CLI, before: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return every command by its words."""
    found: dict[tuple[str, ...], Any] = {}
    for name, command in group.commands.items():
        here = (*before, name)
        found |= commands(command, here) if hasattr(command, "commands") else {here: command}
    return found

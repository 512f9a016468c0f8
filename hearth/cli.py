"""The command line: every command is a file in hearth/commands."""

import gc
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

from alerts.judging.pool import get_ready
from domain.errors import UsageError

HELP = "Hearth watches the heat in every home, from the thermometer to the repair ticket."
WORKED_BY_MANY = ("recheck", "refunds")  # their workers get ready while the command itself is imported
COMPLETED = "_HEARTH_COMPLETE"  # set by a shell that wants a line completed
# In the order of the help. Each is a module whose function of the same name is the command, or whose `app` has several.
COMMANDS = (
    "demo",
    "check",
    "decode",
    "sources",
    "migrate",
    "registry",
    "ingest",
    "kafka",
    "broker",
    "watch",
    "notify",
    "notices",
    "exporter",
    "api",
    "up",
    "recheck",
    "refunds",
    "archive",
    "deadletters",
    "tickets",
    "verify",
    "seals",
    "evidence",
    "measurements",
    "staff",
    "token",
    "policy",
    "dashboards",
    "report",
    "simulate",
)


def app(names: Sequence[str] = COMMANDS) -> typer.Typer:
    """Build the command line from the named commands."""
    line = typer.Typer(
        no_args_is_help=True, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
    )
    line.callback(help=HELP)(_hearth)
    for name in names:
        module = import_module(f"hearth.commands.{name}")
        if hasattr(module, "app"):
            line.add_typer(module.app, name=name)
        else:
            line.command()(getattr(module, name))
    return line


def loaded(names: Sequence[str]) -> typer.Typer:
    """Build the command line without looking for garbage: modules are none, and the looks are a quarter of a start."""
    gc.disable()
    try:
        return app(names)
    finally:
        gc.freeze()
        gc.enable()


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hearth {version('hearth')}")
        raise typer.Exit


# A callback also keeps command names: without one typer would run a single command without its name.
def _hearth(
    _: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    pass


def words_asked_for() -> list[str]:
    """Return the words after `hearth`: of the command, or of the line that a shell wants completed.

    What is asked for is imported alone: all of them take a second or two, in each process that a command starts.
    """
    if COMPLETED not in os.environ:
        return sys.argv[1:]
    # Bash puts each word on a line, other shells all on one. The last one is not yet complete.
    *whole, _ = re.split(r"\s", os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", ""))
    return whole[1:]


def main() -> None:
    """Run a command; an operator's error is one line on stderr and exit code 2."""
    named = [name for name in COMMANDS if name in words_asked_for()[:1]]
    if named and named[0] in WORKED_BY_MANY and COMPLETED not in os.environ:
        get_ready(f"hearth.commands.{named[0]}")
    try:
        sys.exit(loaded(named or COMMANDS)(standalone_mode=False))
    except UsageError as error:
        print(f"hearth: {error}", file=sys.stderr)
        sys.exit(2)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:
        # Typer may carry a click of its own, whose errors are no others' classes: they are known by what they can do.
        if not hasattr(error, "format_message"):
            raise
        if message := " ".join(error.format_message().split()):  # none, when the help was shown instead
            print(f"hearth: {message}", file=sys.stderr)
        sys.exit(2)

"""The command line: every command is a file in hearth/commands."""

import sys

import typer

from domain.errors import UsageError
from hearth.commands import (
    api,
    check,
    dashboards,
    deadletters,
    decode,
    demo,
    ingest,
    migrate,
    notices,
    notify,
    policy,
    recheck,
    registry,
    report,
    simulate,
    token,
    up,
    watch,
)

app = typer.Typer(
    help="Hearth watches the heat in every home, from the thermometer to the repair ticket.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(demo.demo)
app.command()(check.check)
app.command()(decode.decode)
app.command()(migrate.migrate)
app.add_typer(registry.app, name="registry")
app.command()(ingest.ingest)
app.command()(watch.watch)
app.command()(notify.notify)
app.add_typer(notices.app, name="notices")
app.command()(api.api)
app.command()(up.up)
app.command()(recheck.recheck)
app.add_typer(deadletters.app, name="deadletters")
app.add_typer(token.app, name="token")
app.add_typer(policy.app, name="policy")
app.add_typer(dashboards.app, name="dashboards")
app.add_typer(report.app, name="report")
app.command()(simulate.simulate)


def main() -> None:
    """Run a command; what the operator can mend is one line on stderr and exit code 2."""
    try:
        sys.exit(app(standalone_mode=False))
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

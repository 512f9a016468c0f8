"""`hearth broker`: what the MQTT broker can be trusted with. docs/flow.md says what for."""

import json
import subprocess
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from domain.errors import UsageError
from hearth.ingesting import broker_address, broker_tls
from hearth.settings import Settings, load
from hearth.wiring import now, open_database
from ingest.probe import Bound, ProbeOutcome, probe
from store.readings import broker_shares

UNBOUND = (
    "this listener gives every connection of an account one client id, so that only one can be there; "
    "give Hearth a listener of its own (docs/security.md)"
)

app = typer.Typer(help="What the MQTT broker can be trusted with.", no_args_is_help=True)


@app.command("probe")
def probe_(
    restart_command: Annotated[
        str | None, typer.Option(metavar="COMMAND", help="Restarts the broker; without it you are asked to.")
    ] = None,
    wait: Annotated[float, typer.Option(min=5, help="Seconds that the restart may take.")] = 600,
    account: Annotated[
        str | None, typer.Option(help="Our account, if it is that of a certificate and not `hearth`.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was counted as JSON.")] = False,
) -> None:
    """Try whether shared subscriptions survive a restart of the broker, and note it: only then do workers share."""
    settings = load()
    broker_tls(settings)
    address = broker_address(settings, "hearth-probe")
    name = account or unquote(urlsplit(address.url).username or "") or "hearth"
    try:
        found = probe(address, name, lambda: _restart(restart_command), wait)
    except Bound:
        raise UsageError(f"HEARTH_MQTT_URL: {UNBOUND}") from None
    except OSError as error:
        raise UsageError(f"HEARTH_MQTT_URL: {error}") from None
    if found.plain < found.published:
        raise UsageError(
            f"a plain subscription got {found.plain} of {found.published} messages: the broker keeps nothing over a "
            f"restart, or the account may not read hearth/v1/{name}/#"
        )
    seen = _record(settings, address.broker, found)
    _tell(seen, as_json)
    if not seen.kept:
        raise typer.Exit(1)


def _restart(command: str | None) -> None:
    if command is None:
        typer.echo("restart the broker now, as an upgrade or a power cut would; this goes on when it is back", err=True)
    elif code := subprocess.run(command, shell=True, check=False).returncode:
        raise UsageError(f"--restart-command ended with code {code}")


def _record(settings: Settings, broker: str, found: ProbeOutcome) -> broker_shares.Probe:
    seen = broker_shares.Probe(broker, found.published, found.shared, found.told)
    with open_database(settings, "broker") as conn, conn.transaction():
        broker_shares.record(conn, seen, now())
    return seen


def _tell(seen: broker_shares.Probe, as_json: bool) -> None:
    if as_json:
        told = {"broker": seen.broker, "kept": seen.kept, "published": seen.published, "received": seen.received}
        typer.echo(json.dumps(told))
        return
    typer.echo(f"{seen.broker}: of {seen.published} messages a shared subscription got {seen.received} after a restart")
    typer.echo("kept: workers share" if seen.kept else "lost: one worker works, the others stand by")

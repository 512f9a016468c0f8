"""`hearth check`: whether everything that Hearth needs is there, and what to do where it is not."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated
from urllib.parse import urlsplit

import typer
from psycopg import Connection

from domain.errors import UsageError
from hearth.settings import Settings, load
from hearth.wiring import broker_tls, chosen_policy, chosen_recipients, chosen_sources, open_database
from sim.publish import PORTS, Publisher
from store.access import may_serve
from store.readiness import unapplied

REACH_S = 3.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at: in order, or what to do about it."""

    name: str
    ok: bool
    detail: str


def check(as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Look at settings, what they point to, database and broker: a line each. Exit code 2 if something is wrong."""
    found = list(findings())
    if as_json:
        typer.echo(json.dumps({"ok": all(f.ok for f in found), "checks": [asdict(f) for f in found]}))
    else:
        typer.echo("\n".join(f"{f.name:<10} {'ok   ' if f.ok else 'WRONG'}  {f.detail}" for f in found))
    if not all(f.ok for f in found):
        raise typer.Exit(2)


def findings() -> Iterator[Finding]:
    """Look at one thing after the other; without valid settings there is nothing else to look at."""
    try:
        settings = load()
    except UsageError as error:
        yield Finding("settings", False, str(error))
        return
    yield Finding("settings", True, "all HEARTH_* variables are valid")
    looks = {
        "policy": policy_in_force,
        "sources": sources_read,
        "recipients": recipients_read,
        "database": database_migrated,
        "broker": broker_reached,
    }
    for name, look in looks.items():
        yield _finding(name, look, settings)


def _finding(name: str, look: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(name, True, look(settings))
    except UsageError as error:
        return Finding(name, False, str(error))


def policy_in_force(settings: Settings) -> str:
    """Raises UsageError when the policy cannot be read."""
    policy = chosen_policy(settings)
    return f"{policy.name}, {len(policy.versions)} version(s), zone {policy.zone.key}"


def sources_read(settings: Settings) -> str:
    """Raises UsageError when the table of sources is wrong."""
    sources = chosen_sources(settings)
    names = ", ".join(f"{origin.name} ({origin.decoder})" for origin in sources.origins)
    return f"Hearth's own devices and {names}; hearth decode shows samples" if names else "Hearth's own devices"


def recipients_read(settings: Settings) -> str:
    """Raises UsageError when the file of recipients is wrong. Nobody is written to."""
    chosen = chosen_recipients(settings)
    channels = sum(len(recipient.channels) for recipient in chosen.staff)
    users = ", ".join([*chosen.users, "webhook"])
    return f"{len(chosen.staff)} on the staff by {channels} channel(s); users by {users}"


def database_migrated(settings: Settings) -> str:
    """Raises UsageError when the database cannot be reached or lacks migrations."""
    with open_database(settings, "check") as conn:
        if missing := unapplied(conn):
            raise UsageError(f"{len(missing)} migration(s) missing: run hearth migrate")
        note = "" if may_serve(conn) else "; hearth api cannot serve, the account is no member of hearth_api"
        return f"{_server(conn)}, all migrations applied{note}"


def broker_reached(settings: Settings) -> str:
    """Raises UsageError when nobody listens there, or the broker will not have us."""
    url = settings.mqtt_url.get_secret_value()
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or PORTS[parts.scheme])
    try:
        # Asked first by itself: it says in a moment what an MQTT client would go on trying.
        socket.create_connection(address, REACH_S).close()
        Publisher(url, "hearth-check", broker_tls(settings)).close()
    except OSError as error:
        raise UsageError(f"HEARTH_MQTT_URL: {address[0]}:{address[1]}: {error.strerror or error}") from None
    return f"{address[0]}:{address[1]} takes us in"


def _server(conn: Connection) -> str:
    return f"PostgreSQL {conn.info.server_version // 10_000}"

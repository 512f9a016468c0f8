"""`hearth token`: keys to the API."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

import psycopg
import typer
from psycopg import Connection

from domain.errors import UsageError
from hearth.days import FORMATS, checked
from hearth.listing import NUMBER, WORDS, listing, local
from hearth.settings import load
from hearth.wiring import chosen_policy, now, open_database
from store.base import access, token_rows
from store.base.rows import Row

app = typer.Typer(help="Keys to the API.", no_args_is_help=True)


@app.callback()
def token() -> None:
    """Manage API tokens."""


# Eight parameters: typer makes an option of each.
@app.command()
def create(
    role: Annotated[access.Role, typer.Option(help="What the bearer is.")],
    home: Annotated[list[str] | None, typer.Option(help="A home of a customer; may be repeated.")] = None,
    station: Annotated[str | None, typer.Option(help="The station of a crew.")] = None,
    resident: Annotated[
        str | None, typer.Option(help="Whose it is, as in residents.csv. Default: of who lives in the home now.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=FORMATS, callback=checked, help="Nothing older than this day is reached."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Valid for so long.")] = None,
    label: Annotated[str | None, typer.Option(help="Whose it is; stands in the audit log.")] = None,
    right: Annotated[
        list[access.Right] | None, typer.Option(help="What it is good for; may be repeated. Default: all of the role.")
    ] = None,
) -> None:
    """Make a token and print it, this once and alone; only its hash is kept. A customer's page is named on stderr."""
    settings = load()
    made_at = now()
    expires_at = made_at + timedelta(days=days) if days else None
    rights = right or access.ALL_RIGHTS
    with _database() as conn:
        made = access.create(
            conn,
            access.TokenGrant(
                role,
                homes=home or (),
                station=station,
                resident=resident,
                since=_begins(since, chosen_policy(settings).zone),
                expires_at=expires_at,
                label=label,
                rights=rights,
            ),
            made_at,
        )
    typer.echo(made)
    if role is access.Role.CUSTOMER:
        typer.echo(f"page: {settings.public_url.rstrip('/')}/home?token={made}", err=True)


def _begins(day: datetime | None, zone: ZoneInfo) -> access.Since | None:
    return access.Since(day.replace(tzinfo=zone), day.date()) if day else None


@app.command("list")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False) -> None:
    """List all tokens ever created, with their numbers. The tokens themselves are not kept."""
    settings, at = load(), now()
    with _database() as conn:
        found = token_rows.tokens(conn)
    if as_json:
        typer.echo(json.dumps([{**token, "state": _state(token, at, UTC)} for token in found], default=str))
        return
    if found:
        zone = chosen_policy(settings).zone
        columns = [("no", NUMBER), *((name, WORDS) for name in ("role", "reaches", "rights", "state", "label"))]
        rows = [
            (token["token_id"], token["role"], _reach(token, zone), ",".join(token["rights"]),
             _state(token, at, zone), token["label"])
            for token in found
        ]  # fmt: skip
        listing(columns, rows)


@app.command()
def revoke(number: Annotated[int, typer.Argument(help="As `hearth token list` shows it.")]) -> None:
    """Make a token worthless, from the next request on."""
    with _database() as conn:
        if not access.revoke(conn, number, now()):
            raise UsageError(f"there is no token {number} that is not revoked already")


@contextmanager
def _database() -> Iterator[Connection]:
    """Open a transaction on the migrated database."""
    try:
        with open_database(load(), "token") as conn, conn.transaction():
            yield conn
    except psycopg.errors.UndefinedTable:
        raise UsageError("the database is not migrated: run hearth migrate") from None


def _reach(token: Row, zone: tzinfo) -> str:
    """Format a token's reach: station, or homes with resident and lower bound."""
    since = [f"from {token['from_at'].astimezone(zone):%Y-%m-%d}"] if token["from_at"] else []
    of = [f"of {resident}" for resident in token["residents"]]
    return token["station"] or " ".join([*token["homes"], *of, *since]) or "everywhere"


def _state(token: Row, at: datetime, zone: tzinfo) -> str:
    if token["revoked_at"]:
        return "revoked"
    if token["expires_at"] and token["expires_at"] <= at:
        return "expired"
    return f"valid until {local(token['expires_at'], zone)}" if token["expires_at"] else "valid"

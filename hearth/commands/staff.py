"""`hearth staff`: the company's people who sign in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Annotated, Literal

import psycopg
import typer
from psycopg import Connection

from domain.errors import UsageError
from hearth.days import FORMATS, checked
from hearth.listing import NUMBER, WORDS, listing, local
from hearth.settings import Settings, load
from hearth.wiring import chosen_policy, now, open_database
from store.base.access import Role
from store.base.rows import Row
from store.staff import credential_rows, person_rows
from store.staff.person_rows import StaffEntry

app = typer.Typer(help="The company's people who sign in.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(help="The sign-in name, or the number by `hearth staff list`.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")]


@app.callback()
def staff() -> None:
    """Manage the people who sign in."""


# Eight parameters: typer makes an option of each.
@app.command()
def add(
    sign_in_name: Annotated[
        str, typer.Argument(help="The name to sign in with: a-z, 0-9, dot, underscore, hyphen, @.")
    ],
    name: Annotated[str, typer.Option(help="The name as it stands in tickets and the audit log.")],
    role: Annotated[Role, typer.Option(help="What the person does; no customer.")],
    station: Annotated[str | None, typer.Option(help="The station of a member of a crew.")] = None,
    telephone: Annotated[str | None, typer.Option(help="How colleagues reach the person.")] = None,
    language: Annotated[Literal["zh", "en"], typer.Option(help="The language of the pages.")] = "zh",
    begins: Annotated[
        datetime | None,
        typer.Option("--from", formats=FORMATS, callback=checked, help="The first day. Default: from now on."),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Add a person, and print the link with which the person sets a password."""
    settings, at = load(), now()
    entry = StaffEntry(
        name=name,
        role=role,
        sign_in_name=sign_in_name.lower(),
        station=station,
        telephone=telephone,
        language=language,
        active_from=begins.replace(tzinfo=chosen_policy(settings).zone) if begins else at,
    )
    with _database(settings, dry_run) as conn:
        code = credential_rows.invite(conn, person_rows.add(conn, entry), at)
    if dry_run:
        typer.echo(f"would add {name} as {role.value} and make an invitation")
        return
    _say_link(settings, code)


@app.command("list")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False) -> None:
    """List all people: those who are with the company, then those who have left."""
    settings, at = load(), now()
    with _database(settings) as conn:
        found = person_rows.everybody(conn)
    if as_json:
        typer.echo(json.dumps([{**row, "state": _state(row, at)} for row in found], default=str, ensure_ascii=False))
        return
    zone = chosen_policy(settings).zone
    columns = [("no", NUMBER), *((name, WORDS) for name in ("sign-in", "name", "role", "state", "codes", "last seen"))]
    rows = [_line(row, at, zone) for row in found]
    if rows:
        listing(columns, rows)


def _line(row: Row, at: datetime, zone: tzinfo) -> tuple[object, ...]:
    role = f"{row['role']} of {row['station']}" if row["station"] else row["role"]
    codes = "on" if row["totp_set_at"] else ""
    return (
        row["staff_id"],
        row["sign_in_name"],
        row["name"],
        role,
        _state(row, at),
        codes,
        local(row["used_at"], zone),
    )


def _state(row: Row, at: datetime) -> str:
    if row["active_to"] and row["active_to"] <= at:
        return "ended"
    if row["active_from"] > at:
        return "to come"
    if row["password_set_at"] or row["subject"]:
        return "active"
    return "invited" if row["invited_until"] and row["invited_until"] > at else "not invited"


@app.command()
def end(key: Key, dry_run: DryRun = False) -> None:
    """End a person's access, from the next request on. What the person did keeps the name."""
    settings = load()
    with _database(settings, dry_run) as conn:
        person = person_rows.named(conn, key)
        if not person_rows.end(conn, person["staff_id"], now()):
            raise UsageError(f"{person['name']} has no access that could end")
    typer.echo(f"{'would end' if dry_run else 'ended'}: {person['name']} ({person['role']})")


@app.command()
def invite(
    key: Key,
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget the password and the codes first, and end all sessions.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Print a link with which a person sets a password, once and within seven days."""
    settings, at = load(), now()
    with _database(settings, dry_run) as conn:
        person = person_rows.named(conn, key)
        if _state(person, at) == "ended":
            raise UsageError(f"{person['name']} has no access any more")
        if person["sign_in_name"] is None:
            raise UsageError(f"{person['name']} signs in by the identity provider and has no name for a password")
        if reset:
            credential_rows.forget(conn, person["staff_id"], at)
        code = credential_rows.invite(conn, person["staff_id"], at)
    if dry_run:
        typer.echo(f"would {'reset and ' if reset else ''}invite {person['name']} ({person['role']})")
        return
    _say_link(settings, code)


def _say_link(settings: Settings, code: str) -> None:
    typer.echo(f"{settings.public_url.rstrip('/')}/invitation/{code}")


@contextmanager
def _database(settings: Settings, dry_run: bool = False) -> Iterator[Connection]:
    """Open a transaction on the migrated database; one of a dry run is rolled back."""
    try:
        with open_database(settings, "staff") as conn, conn.transaction(force_rollback=dry_run):
            yield conn
    except psycopg.errors.UndefinedTable:
        raise UsageError("the database is not migrated: run hearth migrate") from None

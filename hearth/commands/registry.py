"""`hearth registry`: what stands where, as CSV files or workbooks. docs/registry.md describes them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from psycopg import Connection, Rollback, errors
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from domain.errors import UsageError
from domain.words.text import Text
from hearth.ingesting import chosen_sources
from hearth.settings import Settings, load
from hearth.wiring import chosen_policy, now, open_database
from registry import artemis
from registry.contacts import import_contacts
from registry.emqx import write_users
from registry.exporting import export_folder
from registry.fees import import_fees
from registry.importing import ImportCount, ImportReport, import_folder, preview_folder
from registry.mosquitto import NEW, Accounts, devices, write_accounts
from registry.preview import ValueChange, losses
from registry.residents import import_residents
from registry.tables import FileReading
from store.registry import resident_rows
from store.registry.contact_rows import ContactChanges
from store.registry.registry_lines import whole

MOST_NAMED = 20
MOST_CHANGES = 200

app = typer.Typer(help="What stands where: substations, buildings, homes, sensors.", no_args_is_help=True)

Reader = Annotated[str, typer.Option(help="The account that reads all telemetry: that of HEARTH_MQTT_URL.")]
Json = Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")]


@app.command("import")
def import_(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Holds substations.csv, buildings.csv, …; or one .xlsx with all.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would change, home by home; write nothing.")
    ] = False,
    encoding: Annotated[
        str | None, typer.Option(help="Of CSV files that do not show theirs: gb18030, windows-1252, …")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring the registry up to the CSV files or workbooks of a folder: all or nothing. What they do not name stays."""
    settings = load()
    policy, at = chosen_policy(settings), now()
    changes: list[ValueChange] | None = None
    understood: dict[str, Text] = {}
    with _telling(understood, encoding, as_json) as reading, _transaction(settings) as conn:
        if dry_run:
            limited = {limit.home_class for limit in policy.rules_at(at).limits}
            report, changes = preview_folder(conn, folder, policy.zone, at, limited, reading)
        else:
            report = import_folder(conn, folder, policy.zone, at, reading)
        lived = import_residents(conn, folder, policy.zone, reading)
        fees = import_fees(conn, folder, policy.zone, reading)
        people = import_contacts(conn, folder, policy.zone, at, reading)
        if dry_run:
            raise Rollback
    if as_json:
        told = {
            **_as_dict(report, lived, people, changes),
            **({} if fees is None else {"fees": {"changed": fees}}),
            "understood": {file: how.en for file, how in understood.items()},
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    _show(report)
    if lived:
        typer.echo(f"residents: {lived.added} added, {lived.removed} removed")
    if fees is not None:
        typer.echo(f"fees: {fees} changed")
    if people:
        typer.echo(f"contacts: {people.added} added, {people.changed} changed, {people.ended} ended")
    if changes is not None:
        _show_changes(changes)


@contextmanager
def _telling(understood: dict[str, Text], encoding: str | None, as_json: bool) -> Iterator[FileReading]:
    """Show the progress of an import on a terminal, then how each file was understood, also if it is refused."""
    console = Console(stderr=True)
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bars = Progress(*shown, console=console, transient=True, disable=as_json or not console.is_terminal)
    tasks: dict[str, TaskID] = {}

    def progress(file: str, done: int, lines: int) -> None:
        if file not in tasks:
            tasks[file] = bars.add_task(file)
        bars.update(tasks[file], completed=done, total=lines)

    try:
        with bars:
            yield FileReading(encoding, progress=progress, understood=understood.__setitem__)
    finally:
        if not as_json:
            for file, how in understood.items():
                typer.echo(f"{file}: {how.en}")


def _as_dict(
    report: ImportReport,
    lived: resident_rows.TenancyChanges | None,
    people: ContactChanges | None,
    changes: Sequence[ValueChange] | None,
) -> dict[str, Any]:
    told: dict[str, Any] = {kind: count._asdict() for kind, count in report._asdict().items()}
    if lived:
        told["residents"] = lived._asdict()
    if people:
        told["contacts"] = people._asdict()
    if changes is not None:
        told["changes"] = [change._asdict() for change in changes]
        told["losses"] = losses(changes)._asdict()
    return told


def _show_changes(changes: Sequence[ValueChange]) -> None:
    """Print what a dry run found: a line each up to MOST_CHANGES, then the sums."""
    for change in changes[:MOST_CHANGES]:
        typer.echo(f"{change.code}: {change.field} {change.before or 'none'} → {change.after or 'none'}")
    if len(changes) > MOST_CHANGES:
        typer.echo(f"… and {len(changes) - MOST_CHANGES:,} more; --json lists all of them")
    lost = losses(changes)
    typer.echo(
        f"{lost.contracts_lost} contracts lost, {lost.not_judged} homes no longer judged, "
        f"{lost.sensors_moved} sensors moved, {lost.sensors_ended} sensors ended"
    )
    typer.echo("nothing was written: this was a dry run")


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it is not there; the files are replaced.")],
    contacts: Annotated[bool, typer.Option("--contacts", help="Also how users can be told: personal data.")] = False,
    as_json: Json = False,
) -> None:
    """Write the registry as CSV files that an import reads. Times are in UTC."""
    with _transaction(load()) as conn:
        lines = export_folder(conn, folder, contacts)
    if as_json:
        typer.echo(json.dumps({kind: {"rows": count} for kind, count in lines.items()}))
    else:
        typer.echo("\n".join(f"{kind}.csv: {count} rows" for kind, count in lines.items()))


@app.command("mosquitto")
def mosquitto(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds the broker's files passwords and acl.")],
    reader: Reader = "hearth",
    as_json: Json = False,
) -> None:
    """Bring the accounts of a Mosquitto broker up to the registry. New passwords are in new-devices.csv, once."""
    accounts, _ = _accounts(folder, reader)
    if as_json:
        typer.echo(json.dumps(accounts._asdict()))
        return
    _tell(folder, accounts)
    typer.echo("the broker takes them over at SIGHUP")


@app.command("artemis")
def artemis_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds the broker's accounts and its rights.xml.")],
    reader: Reader = "hearth",
) -> None:
    """Bring the accounts of an ActiveMQ Artemis up to the registry. New passwords are in new-devices.csv, once."""
    speaking, networks = _speaking()
    _tell(folder, artemis.write_accounts(folder, speaking, reader, networks))
    if memory := artemis.memory_gb(len(speaking)):
        typer.echo(f"{len(speaking):,} topics: each node needs -Xmx{memory}g in ARTEMIS_MEMORY (docs/operations.md)")
    typer.echo("the broker takes them over within seconds")


@app.command("emqx")
def emqx(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds EMQX's users.csv and acl.conf.")],
    reader: Reader = "hearth",
) -> None:
    """Write the same accounts and rights for EMQX. It adds new users at its start; removed ones are deleted there."""
    accounts, networks = _accounts(folder, reader)
    users = write_users(folder, reader, networks)
    _tell(folder, accounts)
    typer.echo(f"{len(users.written):,} in users.csv")
    if users.impossible:
        typer.echo(f"need a new password for EMQX: {_some(users.impossible)}")


def _accounts(folder: Path, reader: str) -> tuple[Accounts, dict[str, tuple[str, ...]]]:
    """Bring the accounts up to the registry; returns what became of them, and the filters of foreign networks."""
    speaking, networks = _speaking()
    return write_accounts(folder, speaking, reader, networks), networks


def _speaking() -> tuple[set[str], dict[str, tuple[str, ...]]]:
    """Return the devices that publish, and the filters of foreign networks."""
    settings = load()
    networks = {origin.name: (*origin.filters, *origin.every_worker) for origin in chosen_sources(settings).origins}
    with _transaction(settings) as conn:
        return devices(whole(conn).sensors, now()), networks


def _tell(folder: Path, accounts: Accounts) -> None:
    typer.echo(f"{len(accounts.kept):,} kept, {len(accounts.added):,} added, {len(accounts.removed):,} removed")
    if accounts.added:
        typer.echo(f"their passwords: {folder / NEW} (hand them out, then delete the file)")
    for title, names in (
        ("removed", accounts.removed),
        ("left out for their name (a colon, or a session of Hearth)", accounts.impossible),
    ):
        if names:
            typer.echo(f"{title}: {_some(names)}")


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:MOST_NAMED])}{' …' if len(names) > MOST_NAMED else ''}"


@contextmanager
def _transaction(settings: Settings) -> Iterator[Connection]:
    """Open a connection in one transaction, committed on success."""
    try:
        with open_database(settings, "registry") as conn, conn.transaction():
            yield conn
    except errors.UndefinedTable:
        raise UsageError("the database is not migrated: run hearth migrate") from None


def _show(report: ImportReport) -> None:
    table = Table("file", *ImportCount._fields)
    for kind, count in report._asdict().items():
        table.add_row(f"{kind}.csv", *map(str, count))
    Console().print(table)
    added, changed, unchanged = (sum(count[at] for count in report) for at in (1, 2, 3))
    typer.echo(f"{added} added, {changed} changed, {unchanged} unchanged")

"""`hearth dashboards`: what dispatchers see in Grafana, pushed there or written as files."""

import json
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from dashboards.bundle import GrafanaBundle, bundle
from dashboards.change import GrafanaChange
from dashboards.city_map import MAP_SIZE
from dashboards.ground import NO_TILES, MapGround, over
from dashboards.look import Look
from dashboards.render import PASSWORD_VARIABLE, render, withdraw
from domain.errors import UsageError
from hearth.settings import Settings, load
from hearth.wiring import chosen_policy, now, open_database
from store.figures import map_rows

app = typer.Typer(help="Grafana: dashboards, alert rules, data source, contact points.", no_args_is_help=True)


@app.command("push")
def push(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change, line by line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the changes as JSON.")] = False,
) -> None:
    """Bring the Grafana at HEARTH_GRAFANA_URL up to date; what is there beside Hearth's own stays as it is."""
    # Only here: its HTTP client takes longer to load than most commands to run.
    from dashboards.connection import check_source, connect
    from dashboards.push import Push

    settings = load()
    wanted = _bundle(settings)
    if settings.grafana_url is None:
        raise UsageError("HEARTH_GRAFANA_URL is not set: where is Grafana?")
    token = settings.grafana_token.get_secret_value() if settings.grafana_token else None
    with connect(settings.grafana_url, token) as grafana:
        push = Push(grafana, token or "", dry_run)
        changes = push.run(wanted)
        if as_json:
            typer.echo(json.dumps([change._asdict() for change in changes], ensure_ascii=False))
        else:
            _show(changes, dry_run)
        if not dry_run:
            check_source(grafana.api, changed=push.changed_source)
    _refuse(push.wrong)
    _note_fit(wanted)


@app.command("render")
def render_files(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Grafana's provisioning folder; made if missing.")],
    seen_as: Annotated[str, typer.Option(help="Where Grafana sees that folder.")] = "/etc/grafana/provisioning",
    password_file: Annotated[
        str | None,
        typer.Option(help=f"Where Grafana finds the password of its database; else in its ${PASSWORD_VARIABLE}."),
    ] = None,
    away: Annotated[
        bool, typer.Option("--withdraw", help="Write files that take all of it away at Grafana's next start.")
    ] = False,
) -> None:
    """Write the same as files from which Grafana provisions itself at its start."""
    wanted = _bundle(load())
    try:
        written = withdraw(wanted, folder) if away else render(wanted, folder, seen_as.rstrip("/"), password_file)
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from None
    typer.echo(f"{len(written)} files in {folder}")
    _refuse(wanted.wrong)
    if not away:
        _note_fit(wanted)


def _bundle(settings: Settings) -> GrafanaBundle:
    url = settings.public_url.rstrip("/")
    look = Look(settings.grafana_language, chosen_policy(settings), now(), url, ground=_ground(settings))
    database = settings.grafana_database_url.get_secret_value() if settings.grafana_database_url else None
    contacts = settings.grafana_contacts.get_secret_value() if settings.grafana_contacts else ""
    addresses = [address.strip() for address in contacts.split(",") if address.strip()]
    return bundle(look, database, settings.grafana_prometheus_url, addresses)


def _refuse(wrong: list[str]) -> None:
    """Say what could not be used of the contact points, after all else is done."""
    if wrong:
        raise UsageError(f"all else is done, but {'; '.join(wrong)}")


def _ground(settings: Settings) -> MapGround:
    """Return what the map stands on: as it is set, or over the buildings of the registry where a database answers."""
    centre = None
    if settings.map_centre:
        lat, lon = map(float, settings.map_centre.split(","))
        centre = (lat, lon)
    # Grafana's map draws no MapLibre styles: they are for the map of the desk.
    tiles = NO_TILES if settings.map_style.endswith(".json") else settings.map_style
    ground = MapGround(tiles, settings.map_attribution or "", centre, settings.map_zoom)
    extent = None if centre else _city(settings)
    return over(extent, MAP_SIZE, ground) if extent else ground


def _city(settings: Settings) -> map_rows.MapExtent | None:
    try:
        with open_database(settings, "dashboards") as conn:
            return map_rows.extent(conn)
    except (UsageError, psycopg.Error):
        return None


def _note_fit(wanted: GrafanaBundle) -> None:
    if not wanted.map_stays:
        typer.echo(
            "note: the city map fits its buildings at every refresh; to let it stay where a viewer moved it, set "
            "HEARTH_MAP_CENTRE, or run this where HEARTH_DATABASE_URL has a registry",
            err=True,
        )


def _show(changes: list[GrafanaChange], dry: bool) -> None:
    for change in changes:
        typer.echo(f"{change.action} {change.kind} {change.name}")
        if dry and change.action == "update":
            typer.echo(change.diff)
    would = "would change" if dry else "changed"
    typer.echo(f"{len(changes)} {would}" if changes else "nothing to change")

"""`hearth check`: whether everything that Hearth needs is there, and what to do where it is not."""

import json
import shlex
import shutil
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Annotated

import typer
from psycopg import Connection, errors

from alerts.tickets.calendar import missing_years
from domain.errors import UsageError, without_address
from domain.printable import printable
from hearth.commands.broker import UNBOUND
from hearth.ingesting import broker_address, broker_tls, chosen_pushes, chosen_sources, push_address
from hearth.listing import local
from hearth.settings import Settings, load
from hearth.wiring import (
    chosen_files,
    chosen_peers,
    chosen_policy,
    chosen_recipients,
    chosen_seal_key,
    chosen_wechat,
    now,
    open_database,
)
from ingest.address import Address
from ingest.publisher import ACCOUNT
from ingest.visitor import Visitor
from store.base import condition
from store.base.access import may_serve
from store.base.migrate import refuse_old_server
from store.base.readiness import migrated_for, unapplied
from store.evidence import chain_rows
from store.figures import building_rows
from store.readings import dead_letter_rows, deferred, ingest_counts
from store.tickets.file_contents import FolderFiles

REACH_S = 3.0
CLOCKS_APART = timedelta(seconds=5)  # readings from the future are refused, clocks of tickets are measured against ours
MOST_NAMED = 5
WATCH_SILENT = timedelta(minutes=2)
JOB_OVERDUE = timedelta(hours=2)


@dataclass(frozen=True)
class CheckResult:
    """One thing looked at: in order, or what to do about it."""

    name: str
    ok: bool
    detail: str


def check(
    parts: Annotated[
        list[str] | None, typer.Argument(metavar="[PART]...", help="Only these, by the names that it prints.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look at settings, what they point to, and what is running: a line each. Exit code 2 if something is wrong."""
    wanted = set(parts or ())
    if unknown := wanted - LOOKS.keys() - {"settings"}:
        raise UsageError(f"no such part: {', '.join(sorted(unknown))}; there are settings, {', '.join(LOOKS)}")
    found = list(findings(wanted))
    if as_json:
        typer.echo(json.dumps({"ok": all(f.ok for f in found), "checks": [asdict(f) for f in found]}))
    else:
        typer.echo("\n".join(f"{f.name:<10} {'ok   ' if f.ok else 'WRONG'}  {f.detail}" for f in found))
    if not all(f.ok for f in found):
        raise typer.Exit(2)


def findings(wanted: Collection[str] = ()) -> Iterator[CheckResult]:
    """Look at one thing after the other; without valid settings there is nothing else to look at.

    Args:
        wanted: names of parts; empty: all of them. That no process is running is wrong only if it is asked for by name,
            as all else has to be in order before one is started.
    """
    try:
        settings = load()
    except UsageError as error:
        yield CheckResult("settings", False, str(error))
        return
    if not wanted or "settings" in wanted:
        yield CheckResult("settings", True, "all HEARTH_* variables are valid")
    no_database = False
    for name, look in LOOKS.items():
        if (wanted and name not in wanted) or (no_database and name in IN_DATABASE):
            continue
        found = _finding(name, look, settings, may_be_missing=not wanted and name in PROCESSES)
        no_database |= name == "database" and not found.ok
        yield found


def _finding(name: str, look: Callable[[Settings], str], settings: Settings, *, may_be_missing: bool) -> CheckResult:
    try:
        return CheckResult(name, True, look(settings))
    except UsageError as error:
        return CheckResult(name, may_be_missing, str(error))


def policy_in_force(settings: Settings) -> str:
    """Raise UsageError when the policy cannot be read."""
    policy = chosen_policy(settings)
    missing = missing_years(policy, now().astimezone(policy.zone).date())
    return "; ".join([f"{policy.name}, {len(policy.versions)} version(s), zone {policy.zone.key}", *missing])


def sources_read(settings: Settings) -> str:
    """Raise UsageError when the table of sources is wrong."""
    sources = chosen_sources(settings)
    names = ", ".join(f"{origin.name} ({origin.decoder})" for origin in sources.origins)
    return f"Hearth's own devices and {names}; hearth decode shows samples" if names else "Hearth's own devices"


def pushes_taken(settings: Settings) -> str:
    """Raise UsageError when the table of platforms that push by HTTP is wrong, or its account at the broker is."""
    entries = chosen_pushes(settings)
    if not entries:
        if settings.push_mqtt_url:
            raise UsageError("HEARTH_PUSH_MQTT_URL: is of no use without HEARTH_PUSH")
        return "nobody pushes by HTTP"
    variable = "HEARTH_PUSH_MQTT_URL" if settings.push_mqtt_url else "HEARTH_MQTT_URL"
    where = _reached(settings, push_address(settings), variable, ACCOUNT)
    names = ", ".join(f"{name} ({entry.sign})" for name, entry in entries.items())
    return f"{names}; {where} accepts the connection"


def recipients_read(settings: Settings) -> str:
    """Raise UsageError when the file of recipients is wrong. Nobody is written to."""
    chosen = chosen_recipients(settings)
    channels = sum(len(recipient.channels) for recipient in chosen.staff)
    users = ", ".join([*chosen.users, "webhook", *(["wechat"] if chosen_wechat(settings) else [])])
    return f"{len(chosen.staff)} on the staff by {channels} channel(s); users by {users}"


def peers_read(settings: Settings) -> str:
    """Raise UsageError when the file of peers, or a mapping that it names, is wrong. Nobody is written to."""
    peers = chosen_peers(settings)
    return ", ".join(f"{name} by {'HTTP' if peer.url else 'files'}" for name, peer in peers.items()) or "no peers"


def files_kept(settings: Settings) -> str:
    """Raise UsageError when the folder of HEARTH_FILES does not take and give files, or their check is not there."""
    command = shlex.split(settings.file_check or "")
    if command and shutil.which(command[0]) is None:
        raise UsageError(f"HEARTH_FILE_CHECK: {printable(command[0], 80)}: no such command")
    checked = "each looked at by HEARTH_FILE_CHECK" if command else "HEARTH_FILE_CHECK is not set"
    files = chosen_files(settings)
    if not isinstance(files, FolderFiles):
        return f"kept in the database; {checked}"
    try:
        files.try_out()
    except OSError as error:
        raise UsageError(f"HEARTH_FILES: cannot be written and read: {without_address(error)}") from None
    return f"HEARTH_FILES takes and gives files; {checked}"


def database_migrated(settings: Settings) -> str:
    """Raise UsageError when the database cannot be reached, lacks migrations, or its clock is not ours."""
    with open_database(settings, "check") as conn:
        before = now()
        server = condition.server(conn)
        apart = abs(server.clock - before) - (now() - before)
        refuse_old_server(conn)
        if server.is_read_only:
            raise UsageError("it is read-only, a standby perhaps: nothing can be stored, every process waits")
        if migrated_for(conn) == "timescale_community" and server.licence != "timescale":
            raise UsageError(
                "it was migrated for TimescaleDB's Community edition, and the server offers the "
                f"{server.licence or 'plain'} one now: set timescaledb.license = 'timescale'"
            )
        if missing := unapplied(conn):
            raise UsageError(f"{len(missing)} migration(s) missing: run hearth migrate")
        if apart > CLOCKS_APART:
            raise UsageError(f"its clock and ours are {apart.total_seconds():.0f} s apart: set both by NTP")
        return f"{_server(server)}, all migrations applied{_better(conn, server)}{_tireless(conn)}"


def _server(server: condition.ServerCondition) -> str:
    if server.timescale is None:
        return f"PostgreSQL {server.version.split()[0]}"
    edition = "Community" if server.licence == "timescale" else "Apache"
    return f"PostgreSQL {server.version.split()[0]} with TimescaleDB {server.timescale} ({edition} edition)"


def _better(conn: Connection, server: condition.ServerCondition) -> str:
    """Return a hint where the server has more to offer than the database was migrated for."""
    if server.licence == "timescale" and migrated_for(conn) != "timescale_community":
        return "; run hearth migrate to use what this edition offers"
    return ""


def _tireless(conn: Connection) -> str:
    """Return a hint where dashboards may keep the server busy without end."""
    accounts = condition.tireless(conn)
    return f"; no statement_timeout on {', '.join(accounts)}: run hearth migrate" if accounts else ""


def jobs_run(settings: Settings) -> str:
    """Raise UsageError when a background job of TimescaleDB fails, or none is run at all."""
    with _migrated(settings) as conn:
        if migrated_for(conn) != "timescale_community":
            return "this edition has none"
        dead = condition.dead_jobs(conn, now() - JOB_OVERDUE)
    if dead:
        told = ", ".join(f"{job.procedure} of {job.relation} ({'failed' if job.failed else 'not run'})" for job in dead)
        raise UsageError(
            f"TimescaleDB's jobs: {told}; see timescaledb_information.job_errors and its workers' settings"
        )
    return "TimescaleDB's jobs are run"


def api_may_serve(settings: Settings) -> str:
    """Raise UsageError when the account cannot take the role in which the API reads and writes."""
    with _migrated(settings) as conn:
        if not may_serve(conn):
            raise UsageError("hearth api cannot serve: the account of HEARTH_DATABASE_URL is no member of hearth_api")
    return "the account may serve hearth api"


def disk_looked_after(settings: Settings) -> str:
    """Raise UsageError when the database's log piles up because it cannot be archived."""
    with _migrated(settings) as conn:
        server, archive = condition.server(conn), condition.archive(conn)
    if archive.fails:
        raise UsageError(
            f"the log cannot be archived (last {archive.failed}) and will fill the disk: see the server's log"
        )
    kept = f"readings kept for {settings.reading_days} days" if settings.reading_days else "readings kept for ever"
    log = "log archived" if archive.is_on else "log not archived: no recovery of an instant"
    return f"database {server.bytes / 1e9:,.2f} GB, {kept}, {log}"


def archive_kept(settings: Settings) -> str:
    """Raise UsageError when the archive of readings is not in order."""
    # Imported late, as Grafana's client below: a container asks about one process each minute, and needs neither.
    from hearth.archive_check import archive_in_order

    with _migrated(settings) as conn:
        return archive_in_order(conn, settings, now())


def watch_alive(settings: Settings) -> str:
    """Raise UsageError when nobody does what has to happen by the clock."""
    with _migrated(settings) as conn:
        counted_at = building_rows.counted_at(conn)
    if counted_at is None or now() - counted_at > WATCH_SILENT:
        since = f"since {local(counted_at, chosen_policy(settings).zone)}" if counted_at else "yet"
        raise UsageError(f"no hearth watch has worked {since}")
    return f"at work {_ago(counted_at, settings)}"


def ingest_seen(settings: Settings) -> str:
    """Raise UsageError when nobody has stored a message yet."""
    with _migrated(settings) as conn:
        workers, last = ingest_counts.latest(conn)
        letters = dead_letter_rows.health(conn)
        put_by = deferred.waiting_bytes(conn)
        loud = ingest_counts.excess(conn, now() - timedelta(days=1), MOST_NAMED + 1)
    if last is None:
        raise UsageError("no hearth ingest has stored a message yet")
    noted = f"{_letters(letters, settings)}{_excess(put_by, loud)}"
    return f"{workers} worker(s), last batch {_ago(last, settings)}, {noted}"


def _excess(put_by: int, loud: Mapping[str, ingest_counts.Excess]) -> str:
    """Return what waits because its sender sent too much, and who that was in the last day."""
    waits = f"; {put_by / 1e6:,.1f} MB put by until there is time" if put_by else ""
    if not loud:
        return waits
    names = ", ".join(printable(name, 80) for name in list(loud)[:MOST_NAMED])
    more = " and others" if len(loud) > MOST_NAMED else ""
    return f"{waits}; beyond their bounds in the last day: {names}{more}"


def _letters(health: dead_letter_rows.Health, settings: Settings) -> str:
    """Return what is kept of messages that could not be stored, and what had to go."""
    kept = f"{health.waiting:,} dead letter(s) waiting, all of them {health.bytes / 1e6:,.1f} MB"
    if health.dropped_at is None:
        return kept
    return f"{kept}; {health.dropped:,} dropped for HEARTH_DEAD_LETTER_MB, last {_ago(health.dropped_at, settings)}"


def seals_made(settings: Settings) -> str:
    """Raise UsageError when the key that seals are signed with cannot be read."""
    key = chosen_seal_key(settings)
    with _migrated(settings) as conn:
        last = chain_rows.last_seal(conn)
    state = f"seal {last.chain_seal_id} made {_ago(last.at, settings)}" if last else "no seal yet"
    if key is None:
        return f"{state}; seals and dossiers are NOT signed: HEARTH_SEAL_KEY_FILE is not set (hearth seals key --new)"
    return f"{state}; signed with the key {key.key_id}"


def grafana_reached(settings: Settings) -> str:
    """Raise UsageError when there is no Grafana where one is named, or it does not reach the database."""
    if settings.grafana_url is None:
        return "HEARTH_GRAFANA_URL is not set: no Grafana to look at"
    from dashboards.connection import check_source, connect

    token = settings.grafana_token.get_secret_value() if settings.grafana_token else None
    with connect(settings.grafana_url, token) as grafana:
        if token is None:
            return f"{settings.grafana_url} answers"
        check_source(grafana.api, changed=False, patience_s=0)
    return f"{settings.grafana_url} answers, and reaches the database"


@contextmanager
def _migrated(settings: Settings) -> Iterator[Connection]:
    with open_database(settings, "check") as conn:
        try:
            yield conn
        except (errors.UndefinedTable, errors.UndefinedColumn):
            raise UsageError("the database is not migrated: run hearth migrate") from None
        except errors.InsufficientPrivilege as error:
            raise UsageError(f"the account of HEARTH_DATABASE_URL may not look: {error.diag.message_primary}") from None


def _ago(instant: datetime, settings: Settings) -> str:
    seconds = (now() - instant).total_seconds()
    return f"{max(seconds, 0):.0f} s ago" if seconds < 120 else f"at {local(instant, chosen_policy(settings).zone)}"


def broker_reached(settings: Settings) -> str:
    """Raise UsageError when nobody listens there, or the broker will not have us."""
    where = _reached(settings, broker_address(settings, "hearth-check"), "HEARTH_MQTT_URL", "hearth-check", alone=True)
    return f"{where} accepts the connection"


def _reached(settings: Settings, address: Address, variable: str, name: str, *, alone: bool = False) -> str:
    """Connect to the broker once and return where it is.

    Args:
        name: what the client id begins with.
        alone: it is wrong if the broker gives us the session of another.
    Raises:
        UsageError: nobody listens there, or the broker refuses us.
    """
    host, port = address.host, address.port
    try:
        # Asked first by itself: it says in a moment what an MQTT client would go on trying.
        socket.create_connection((host, port), REACH_S).close()
        broker_tls(settings)
        with Visitor(address, f"{name}-{token_hex(4)}") as visitor:
            if alone and visitor.present:
                raise UsageError(f"{variable}: {UNBOUND}")
    except OSError as error:
        raise UsageError(f"{variable}: {host}:{port}: {error.strerror or error}") from None
    return f"{host}:{port}"


LOOKS: dict[str, Callable[[Settings], str]] = {
    "policy": policy_in_force,
    "sources": sources_read,
    "push": pushes_taken,
    "recipients": recipients_read,
    "peers": peers_read,
    "files": files_kept,
    "database": database_migrated,
    "jobs": jobs_run,
    "disk": disk_looked_after,
    "archive": archive_kept,
    "api": api_may_serve,
    "broker": broker_reached,
    "ingest": ingest_seen,
    "watch": watch_alive,
    "seals": seals_made,
    "grafana": grafana_reached,
}
PROCESSES = ("ingest", "watch")
IN_DATABASE = ("jobs", "disk", "archive", "api", "ingest", "watch", "seals")  # not to be seen without it

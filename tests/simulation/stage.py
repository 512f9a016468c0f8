"""The database of a run: a server in memory, a migrated database with the town's registry, put back for each seed.

A copy of a database takes a tenth of a second, and new sessions on it as much again. Here sessions stay, and what a
seed has written is deleted table by table by one function of the server.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import make_conninfo

from local.host import MEMORY
from local.postgres import Postgres
from store.base import access
from store.base.access import Role, TokenGrant
from tests import conftest
from tests.simulation import backends, town
from tests.simulation.backends import VIRTUAL_NOW, Pool

SETTINGS = {
    **conftest.SETTINGS,
    "autovacuum": "off",  # it would take locks when it likes to
    "deadlock_timeout": "1h",  # the simulation looks for circles itself
    "max_parallel_workers_per_gather": "0",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "256MB",
    # What a statement costs here is its parse, its plan and its way; there are no rows to speak of.
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "track_activities": "off",
    "track_counts": "off",
    "update_process_title": "off",
}
FOUNDED = datetime(2025, 11, 1, tzinfo=UTC)
TOKENS = (("desk", TokenGrant(Role.DISPATCHER)), ("crew", TokenGrant(Role.CREW, station="East")))
VACUUM_EVERY = 60  # seeds
# Triggers that guard records, and foreign keys, are off for the session that does this. It is one of its own: a session
# that changes this setting forgets all plans.
AS_REPLICA = "-c session_replication_role=replica"
RESET = """
CREATE FUNCTION simulated.reset() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
{lines}
END $$
"""
TABLES = """
SELECT c.oid::regclass::text, n.nspname, c.relname
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'simulated') AND n.nspname !~ '^pg_'
ORDER BY c.oid
"""
# Some triggers hold for every role, and for the one that resets, too; here they hold for all others.
SELECT_ALWAYS = """
SELECT format('ALTER TABLE %s ENABLE TRIGGER %I', tgrelid::regclass, tgname) FROM pg_trigger
WHERE tgenabled = 'A' AND NOT tgisinternal
"""
COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
SEQUENCES = "SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value, 0) FROM pg_sequences ORDER BY 1"
CONSTANT = {"schema_migration"}


@dataclass
class Stage:
    """A database that seeds are played on, one after the other."""

    url: str
    homes: list[int]
    tokens: dict[str, str]
    played: int = 0

    def __post_init__(self) -> None:
        """Open its own sessions."""
        self.admin, self.cleaner = backends.session(self.url), backends.session(self.url, AS_REPLICA)
        self.pool = Pool(self.admin)

    def url_as(self, process: str) -> str:
        """Return the address for the account of a process: one of tests.conftest.ACCOUNTS."""
        return make_conninfo(self.url, user=f"the_{process}", password=conftest.ACCOUNT)

    def close(self) -> None:
        """Leave it."""
        self.pool.close()
        self.admin.close()
        self.cleaner.close()

    def clear(self) -> None:
        """End all connections of processes."""
        for connection in list(self.pool.lent.values()):
            connection.cut()

    def reset(self) -> None:
        """Put everything back to what the registry says, and nothing else."""
        self.clear()
        self.pool.circles.clear()
        self.cleaner.execute("SELECT simulated.reset()")
        self.played += 1
        if self.played % VACUUM_EVERY == 0:
            self.admin.execute("VACUUM")


def make(server: Postgres, name: str) -> Stage:
    """Make the database of a stage on a server that has the template."""
    conftest.administer(server, f"CREATE DATABASE {name} TEMPLATE {conftest.TEMPLATE}")
    conftest.administer(server, f"GRANT TEMPORARY ON DATABASE {name} TO hearth_ingest, hearth_watch, hearth_office")
    url = make_conninfo(server.url(name), host=str(server.place))  # a socket of the file system is the shorter way
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(VIRTUAL_NOW)
        homes = town.found(admin)
        with admin.transaction():
            tokens = {label: access.create(admin, grant, FOUNDED) for label, grant in TOKENS}
            grant = TokenGrant(Role.CUSTOMER, homes=["H0"])
            tokens["customer"] = access.create(admin, grant, FOUNDED)
        _keep(admin)
    return Stage(url, homes, tokens)


class Doorway(NamedTuple):
    """Everything by which another process enters a stage: a connection cannot be handed over."""

    number: int  # among those that are played on at once
    url: str
    homes: list[int]
    tokens: dict[str, str]

    def enter(self) -> Stage:
        """Open the stage, on a processor of its own where there are several: its sessions come to the same one."""
        usable = sorted(os.sched_getaffinity(os.getppid()))
        os.sched_setaffinity(0, {usable[self.number % len(usable)]})
        return Stage(self.url, self.homes, self.tokens)


def left(one: Stage, number: int) -> Doorway:
    """Close a stage here, for another process to enter."""
    one.close()
    return Doorway(number, one.url, one.homes, one.tokens)


def _keep(admin: psycopg.Connection) -> None:
    """Keep what every table holds now, and make the function that puts it back."""
    for (usual,) in admin.execute(SELECT_ALWAYS).fetchall():
        admin.execute(usual.encode())
    admin.execute("CREATE SCHEMA simulated")
    lines = []
    for table, _, name in admin.execute(TABLES).fetchall():
        if name in CONSTANT:
            continue
        lines.append(f"DELETE FROM {table};")
        (held,) = admin.execute(f"SELECT EXISTS (SELECT FROM {table})".encode()).fetchone() or (False,)
        if held:
            (columns,) = admin.execute(COLUMNS, (table,)).fetchone() or ("",)
            kept = f"simulated.{table.replace('.', '_')}"
            admin.execute(f"CREATE TABLE {kept} AS SELECT {columns} FROM {table}".encode())
            lines.append(f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {kept};")
    for sequence, last in admin.execute(SEQUENCES).fetchall():
        value = f"{last}, true" if last else "1, false"
        lines.append(f"PERFORM setval('{sequence}', {value});")
    admin.execute(RESET.format(lines="\n".join(lines)).encode())


def start(server: Postgres) -> None:
    """Start a server with a migrated template."""
    server.start()
    conftest.administer(server, f"ALTER ROLE postgres PASSWORD '{urlsplit(server.url()).password}'")
    conftest.make_template(server)


@contextmanager
def server(start: Callable[[Postgres], None] = start) -> Iterator[Postgres]:
    """Start a server in memory, by a function that gives it a migrated template."""
    folder = Path(tempfile.mkdtemp(prefix="hearth-simulation-", dir=MEMORY if MEMORY.is_dir() else None))
    folder.chmod(0o711)
    settings = {**conftest.SETTINGS_OF["plain"], **SETTINGS, "unix_socket_directories": str(folder / "server")}
    made = Postgres(folder / "server", settings=settings)
    try:
        start(made)
        yield made
    finally:
        made.remove()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def apart(number: int, start: Callable[[Postgres], None] = start) -> Iterator[list[Doorway]]:
    """Make stages that are played on at once, each on a server of its own.

    A snapshot knows of the transactions of all databases of a server, and what is sealed waits for those.
    """
    with ExitStack() as servers:
        started = [servers.enter_context(server(start)) for _ in range(number)]
        yield [left(make(one, f"simulation_{n}"), n) for n, one in enumerate(started)]

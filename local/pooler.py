"""PgBouncer as a process, between clients and a PostgreSQL server."""

from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from local.host import account_in
from local.port import LOOPBACK
from local.server import Server
from local.trixie import POOLER, with_part


class PgBouncer(Server):
    """A pooler with a configuration of its own.

    `files` gets the folder as the pooler sees it and its port, and returns texts by the name of their file there, among
    them `pgbouncer.ini`. `account` is an address that it must answer: user, password and database are taken from it.
    """

    def __init__(self, folder: Path, files: Callable[[str, int], dict[str, str]], account: str) -> None:
        super().__init__(folder, None, account_in(with_part(POOLER), "postgres"))
        self.files = files
        self.account = account

    def url(self) -> str:
        """Return the address of the account's database, through the pooler."""
        known = conninfo_to_dict(self.account)
        return f"postgresql://{known['user']}:{known['password']}@{LOOPBACK}:{self.port}/{known['dbname']}"

    def _prepare(self) -> None:
        for name, text in self.files(self.host.inside(self.place), self.port).items():
            file = self.place / name
            file.write_text(text)
            self.host.own(file)

    def _command(self) -> list[str]:
        return [POOLER.program, self.host.inside(self.place / "pgbouncer.ini")]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

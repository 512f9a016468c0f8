"""Every statement of the room `store`, taken by a real server of each flavour. docs/decisions/0005 says why."""

import ast
import re
from pathlib import Path

import psycopg

import store
from tests import shape
from tests.architecture.statements import numbered, offer, refused, statements
from tests.conftest import Database


def test_a_server_takes_every_statement(database: Database) -> None:
    assert refused(database) == {}


def test_the_statements_are_found() -> None:
    names = statements()
    assert len(names) > 80
    assert {"state_rows.LOCK", "ticket_pages.SELECT_TICKETS", "stage.OPEN", "overview.SELECT_JUDGED"} <= set(names)


def test_a_wrong_statement_is_noticed(plain_database: Database) -> None:
    with plain_database.connect() as conn:
        for statement in ("SELECT nothing FROM home", "COPY home (nothing) FROM STDIN", "SET no_such = 1; SET x = 2"):
            try:
                with conn.transaction():
                    offer(conn, statement)
            except psycopg.Error:
                continue
            raise AssertionError(statement)


def test_placeholders_are_numbered_by_name() -> None:
    assert numbered("SELECT %(a)s, %(b)s, %(a)s, 'x%%'") == "SELECT $1, $2, $1, 'x%'"
    assert numbered("SELECT %s, %s") == "SELECT $1, $2"
    assert numbered("SELECT 'a%' LIKE 'b%'") == "SELECT 'a%' LIKE 'b%'"


# The queries of dashboards are tested by tests/dashboards.
ROOMS_WITHOUT_SQL = ("hearth", "sim", "api", "alerts", "ingest", "registry", "archives", "insight", "domain")
SQL_TEXT = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|COPY|CREATE|ALTER|DROP|SET|LOCK)\s[\w(*]")


def test_no_other_room_speaks_sql() -> None:
    root = Path(store.__path__[0]).parent
    found = []
    for path in (path for room in ROOMS_WITHOUT_SQL for path in (root / room).rglob("*.py")):
        for node in shape.said(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_TEXT.match(node.value):
                found.append(f"{path.relative_to(root)}:{node.lineno}")
    assert found == []

"""Every statement of the room `store`, and how a server is offered it."""

import pkgutil
import re
from importlib import import_module
from itertools import count

import psycopg
from psycopg import Connection

import store
from tests.conftest import Database

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "COPY", "CREATE", "SET", "ANALYZE", "TRUNCATE", "LOCK", "DROP")
PREPARED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
EMPTY_BINARY = b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\xff\xff"
NUMBERS = count(1)


def statements() -> dict[str, str]:
    """Module and name of every constant that is SQL; those that create tables first, as others read these."""
    found = {}
    for module in pkgutil.walk_packages(store.__path__, "store."):
        for name, value in vars(import_module(module.name)).items():
            if name.isupper() and not name.startswith("_") and isinstance(value, str) and value.split()[:1]:
                found[f"{module.name.rpartition('.')[2]}.{name}"] = value.strip()
    sql = {name: text for name, text in found.items() if text.split()[0] in VERBS}
    return dict(sorted(sql.items(), key=lambda item: not item[1].startswith("CREATE")))


def numbered(statement: str) -> str:
    """Write psycopg's placeholders as PostgreSQL's: equal names get equal numbers, `%s` the next one."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match["name"] or f"nth {len(names)}"
        if match[0] == "%%":
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    # A statement without parameters goes to the server as it is, with its single percent signs.
    has_parameters = re.search(r"%(\(\w+\))?s", statement)
    return re.sub(r"%%|%\((?P<name>\w+)\)s|%s", number, statement) if has_parameters else statement


def offer(conn: Connection, statement: str) -> None:
    """Have the server take a statement in the way its kind allows."""
    verb = statement.split()[0]
    copied = re.fullmatch(r"COPY \((.*)\) TO STDOUT.*", statement, re.DOTALL)
    if copied or verb in PREPARED:
        inner = copied[1] if copied else statement
        conn.execute(f"PREPARE p{next(NUMBERS)} AS {numbered(inner)}".encode())
    elif verb == "COPY":
        with conn.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            copy.write(EMPTY_BINARY if "BINARY" in statement else b"")
    else:
        conn.execute(statement.encode())


def is_for(flavour: str, name: str) -> bool:
    """Return whether a statement is for a flavour: TIMESCALE_… are never sent to plain PostgreSQL."""
    return flavour != "plain" or not name.partition(".")[2].startswith("TIMESCALE_")


def refused(database: Database) -> dict[str, str]:
    """Return the statements that a migrated database does not take, with what it says."""
    wrong = {}
    with database.connect() as conn:
        for name, statement in statements().items():
            if not is_for(database.flavour, name):
                continue
            try:
                with conn.transaction():
                    offer(conn, statement)
            except psycopg.Error as error:
                wrong[name] = str(error)
        conn.rollback()
    return wrong

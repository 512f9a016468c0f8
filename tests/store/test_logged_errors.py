"""A logged error says where it happened and of which kind it is, never the rows that the database quotes."""

import logging

import psycopg
import pytest

from hearth.logs import LibraryFormatter, traceback_of
from tests.conftest import Database

NAME = "Wang Xiaohong"
ROWS = "CREATE TEMP TABLE person (name text UNIQUE, phone text CHECK (length(phone) < 5), born date)"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("INSERT INTO person (phone) VALUES (%(name)s)", "check constraint"),
        ("INSERT INTO person (name) VALUES (%(name)s), (%(name)s)", "duplicate key"),
        ("INSERT INTO person (born) VALUES (%(name)s::text::date)", "SQLSTATE 22007"),
        ("COPY", "SQLSTATE 22007"),
    ],
)
def test_values_of_rows_are_not_logged(plain_database: Database, statement: str, said: str) -> None:
    with plain_database.connect() as conn:
        conn.execute(ROWS)
        with pytest.raises(RuntimeError) as caught:
            _fail(conn, statement)
    for text in (traceback_of(caught.value), _by_a_library(caught.value), traceback_of(_in_a_group(caught.value))):
        assert NAME not in text
        assert said in text
        assert "_fail" in text
        assert "no page" in text


def _fail(conn: psycopg.Connection, statement: str) -> None:
    try:
        if statement == "COPY":
            with conn.cursor().copy("COPY person (born) FROM STDIN") as copy:
                copy.write_row((NAME,))
        else:
            conn.execute(statement.encode(), {"name": NAME})
    except psycopg.Error as error:
        raise RuntimeError("no page") from error


def _by_a_library(error: Exception) -> str:
    record = logging.LogRecord("any", logging.ERROR, "", 0, "failed", None, (type(error), error, error.__traceback__))
    return LibraryFormatter().format(record)


def _in_a_group(error: Exception) -> Exception:
    try:
        raise ExceptionGroup("several", [error])
    except ExceptionGroup as group:
        return group

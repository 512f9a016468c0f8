"""Codes that the registry has in other than their plain form: files that name them so mean them so."""

from dataclasses import replace

from psycopg import Connection

from registry.tables import FileReading
from store.registry import registry_rows


def of_registry(conn: Connection, reading: FileReading) -> FileReading:
    """Return how files are read, with the codes that the registry knows in other than their plain form."""
    return replace(reading, known=registry_rows.written_otherwise(conn))

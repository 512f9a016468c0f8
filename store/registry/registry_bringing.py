"""Bring the registry up to lines, by the statements of an import, as far as the caller reaches."""

from datetime import datetime

from psycopg import Connection
from psycopg.errors import ExclusionViolation, InsufficientPrivilege, UniqueViolation

from domain.registry import Registry
from store.registry import registry_rows
from store.registry.registry_rows import Differences

# Of lines that were checked: row-level security hides a sensor, or a place of one.
HIDDEN = ("sensor_code", "point_one_place")


class OutOfReach(Exception):
    """A line is about something that is there and that the transaction does not reach; the transaction has failed."""


def bring(conn: Connection, registry: Registry, now: datetime) -> Differences:
    """Bring the registry up to lines that were checked, and return what was different; to be locked before.

    Raises:
        OutOfReach: row-level security hides from the caller what a line is about.
    """
    found = compared(conn, registry, now)
    if any(difference.added or difference.changed for difference in found):
        try:
            registry_rows.write(conn, now)
        except (ExclusionViolation, InsufficientPrivilege, UniqueViolation) as error:
            if isinstance(error, InsufficientPrivilege) or error.diag.constraint_name in HIDDEN:
                raise OutOfReach from error
            raise
    return found


def compared(conn: Connection, registry: Registry, now: datetime) -> Differences:
    """Compare lines that were checked with the registry, which stays as it is; to be locked before."""
    registry_rows.stage(conn, registry)
    return registry_rows.differences(conn, now)

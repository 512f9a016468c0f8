"""Errors that say something about the message that was to be stored, and those that lie elsewhere."""

import psycopg

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeFault
from ingest.doubt import Doubt
from store.base.away import TOO_LARGE
from store.base.halves import kind_of, place_of

# Errors that lie in the database: another version of it, or rights that are not given. `hearth migrate` sets both.
NOT_MIGRATED = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InsufficientPrivilege,
)
# Errors that lie in what was sent: trying again would not help.
OF_CONTENT = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, *TOO_LARGE, ValueError)


class Superseded(Exception):
    """Another worker reads the partitions of a batch by now: nothing of it is stored."""


def is_of_one(error: Exception) -> bool:
    """Return whether an error may lie in one message, so that all others can be stored without it.

    So may each that nobody has thought of, besides those of a database that is away or is not as it should be.
    """
    if isinstance(error, NOT_MIGRATED):
        return False
    return isinstance(error, OF_CONTENT) or not isinstance(error, (psycopg.Error, Superseded, Doubt))


def told(error: Exception) -> str:
    """Return the kind of an error and where it came up, without its words: these may quote what was sent."""
    return f"{kind_of(error)} at {place_of(error)}"


def failure(error: Exception) -> DecodeFault:
    """Return the fault of a message at which Hearth failed."""
    return DecodeFault(RejectReason.FAILED, told(error))


def refusal(error: Exception) -> DecodeFault:
    """Return the fault of a message that cannot be stored although nothing else is stored with it."""
    return DecodeFault(RejectReason.REFUSED, str(error)) if isinstance(error, OF_CONTENT) else failure(error)

"""Readings on record, chosen by the settings: of the table, and of the archive behind it."""

from alerts.judging.history import STRETCH_READINGS, History
from archives.history import OneHistory
from archives.place import ArchivePlace
from archives.reading import ReadingArchive
from domain.errors import UsageError
from domain.policy import Policy
from hearth.settings import Settings


def chosen_archive(settings: Settings) -> ReadingArchive | None:
    """Return the archive at HEARTH_ARCHIVE, whose manifest is not read yet; None: there is none.

    Raises:
        UsageError: it is no folder of a file system that is known.
    """
    if settings.archive is None:
        return None
    try:
        return ReadingArchive(ArchivePlace(settings.archive.get_secret_value()), settings.archive_utility)
    except (ValueError, OSError) as error:
        raise UsageError(f"HEARTH_ARCHIVE: is no folder, such as file:///… or s3://…: {type(error).__name__}") from None


def chosen_history(settings: Settings) -> OneHistory:
    """Return all readings on record: of the table, and of the archive behind it."""
    return OneHistory(chosen_archive(settings))


def history_of(settings: Settings, policy: Policy, at_once: int = STRETCH_READINGS) -> History:
    """Return what judges readings on record by a policy, about so many at once."""
    return History(policy, chosen_history(settings), at_once)

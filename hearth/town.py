"""The simulated town as registry files."""

from pathlib import Path

from domain.errors import UsageError
from sim.registry import Slower, write_registry
from sim.town import Town


def write_town(town: Town, folder: Path, slower: Slower | None = None) -> None:
    """Write the registry files of the town and of the recordings.

    Raises:
        UsageError: the folder cannot be written.
    """
    try:
        write_registry(town, folder, recordings=True, slower=slower)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from None

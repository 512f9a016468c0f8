"""Writes that have to outlast a power cut."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem  # slow to import


def settle(place: "FileSystem", path: str) -> None:
    """Have a disk of this machine keep what was written at a path, also through a power cut.

    Args:
        path: a file, or a folder whose names have changed. Other file systems keep what they have taken.
    """
    if place.type_name == "local":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

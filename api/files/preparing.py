"""Files on their way in: the operator's check, then the reading in a process of its own.

What decodes a hostile file has no connection, no secret and no more memory than `api.files.reading` gives it; if it
dies, one file is refused.
"""

import json
import subprocess
import sys
from collections.abc import Sequence

import structlog

from api.files.reading import REFUSED
from domain.files import FileFault, FileRefused, MediaType, PreparedFile, digest

READ_S = 30.0
CHECK_S = 60.0
CLEAN, UNCLEAN = 0, 1  # exit codes of the operator's check
READER = (sys.executable, "-I", "-m", "api.files.reading")
log = structlog.get_logger()


class CheckAway(Exception):
    """The operator's check gave no verdict, so nothing is kept."""


def prepare(content: bytes, check: Sequence[str] = ()) -> PreparedFile:
    """Return a file as it is kept.

    Args:
        check: the command of HEARTH_FILE_CHECK; empty: there is none.
    Raises:
        FileRefused: it is not kept.
        CheckAway: the check failed.
    """
    if check:
        _check(content, check)
    try:
        done = subprocess.run(READER, input=content, capture_output=True, timeout=READ_S, env={})
    except subprocess.TimeoutExpired:
        raise FileRefused(FileFault.BROKEN) from None
    if done.returncode == REFUSED:
        raise FileRefused(FileFault(done.stdout.decode()))
    if done.returncode:
        log.warning("file_reader_died", code=done.returncode, size=len(content))
        raise FileRefused(FileFault.BROKEN)
    return _told(content, done.stdout)


def _check(content: bytes, command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=CHECK_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.error("file_check_failed", error=type(error).__name__)
        raise CheckAway from None
    if done.returncode == UNCLEAN:
        raise FileRefused(FileFault.CHECKED)
    if done.returncode != CLEAN:
        log.error("file_check_failed", code=done.returncode)
        raise CheckAway


def _told(content: bytes, told: bytes) -> PreparedFile:
    line, _, rest = told.partition(b"\n")
    head = json.loads(line)
    media, size = MediaType(head["media_type"]), head["size"]
    kept = content if media is MediaType.PDF else rest[:size]
    thumbnail = rest[size:] or None
    return PreparedFile(media, kept, digest(content), len(content), head["width"], head["height"], thumbnail)

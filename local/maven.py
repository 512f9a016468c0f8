"""Programs that no Debian has and Maven Central does: fetched by name and hash with mvn, which keeps a copy."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from local import trixie
from local.server import ServerError

NEEDED = ("java", "mvn")
RUN_SECONDS = 300  # a repository that does not answer is tried for longer by Maven


def why_not(place: Path, name: str) -> str | None:
    """Say why what is to be at a place is not there; None when it is."""
    if missing := [program for program in NEEDED if shutil.which(program) is None]:
        return f"{name} needs {' and '.join(missing)} (apt-get install default-jre-headless maven)"
    return None if place.exists() else f"{place} is not built (make trixie)"


def ensure(place: Path, build: Callable[[Path], Path], said: str, progress: Callable[[str], object]) -> Path | None:
    """Build what is to be at a place if it is missing and there is Java; None without Java, else raise ServerError.

    `build` gets a folder to build in and returns the one in it that becomes the place: half of it is never taken for
    the whole.
    """
    if not place.exists() and all(map(shutil.which, NEEDED)):
        with trixie.locked(place):
            if not place.exists():
                progress(said)
                unfinished = place.with_name(f"{place.name}.unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir(parents=True)
                build(unfinished).rename(place)
                shutil.rmtree(unfinished, ignore_errors=True)
    return place if place.exists() else None


def fetched(artifact: str, sha256: str, folder: Path) -> Path:
    """Fetch one artifact (group:name:version:type:classifier) into a folder; raise ServerError."""
    into = folder / "fetched"
    run(["mvn", "--batch-mode", "--quiet", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={into}"])
    (archive,) = into.iterdir()
    if (found := digest(archive)) != sha256:
        raise ServerError(f"{artifact} is not what it should be: its SHA-256 is {found}")
    return archive


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def run(command: Sequence[str], variables: Mapping[str, Any] | None = None) -> None:
    """Run a command to its end; raise ServerError with what it said."""
    told = {**os.environ, **(variables or {})}
    try:
        done = subprocess.run(
            command, env=told, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ServerError(f"{command[0]} has not ended within {RUN_SECONDS} s") from None
    if done.returncode != 0:
        raise ServerError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")

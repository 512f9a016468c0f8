"""Programs that no Debian has: built by Go from their modules, once."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local import trixie
from local.server import ServerError


@dataclass(frozen=True)
class GoProgram:
    """A program by its module and version."""

    name: str
    module: str
    version: str

    def path(self) -> Path:
        """Return where it is or will be."""
        return trixie.folder().with_name(f"{self.name}-{self.version}") / self.name

    def why_not(self) -> str | None:
        """Say why there is none here; None when there is."""
        if self.path().exists():
            return None
        if shutil.which("go"):
            return f"{self.path()} is not built (make trixie)"
        return f"{self.name} is built by Go, which is not here"

    def ensure(self, progress: Callable[[str], object] = print) -> Path | None:
        """Build it if it is missing and there is Go (some minutes); raise ServerError."""
        place = self.path()
        if not place.exists() and shutil.which("go"):
            with trixie.locked(place.parent):
                if not place.exists():
                    progress(f"building {self.name} {self.version} in {place.parent}, once; some minutes")
                    self._build(place.parent)
        return place if place.exists() else None

    def _build(self, folder: Path) -> None:
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        environment = {**os.environ, "GOBIN": str(unfinished), "GOFLAGS": "-trimpath"}
        command = ["go", "install", f"{self.module}@{self.version}"]
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise ServerError(f"{self.name} cannot be built:\n{done.stderr[-2000:]}")
        unfinished.rename(folder)

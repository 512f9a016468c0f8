"""Helm, which no Debian has: built by Go from its module, once."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from local import trixie
from local.server import ServerError

MODULE = "helm.sh/helm/v3/cmd/helm"
VERSION = "v3.22.0"


def program() -> Path:
    """Return where it is or will be."""
    return trixie.folder().with_name(f"helm-{VERSION}") / "helm"


def why_not() -> str | None:
    """Say why there is none here; None when there is."""
    if program().exists():
        return None
    return f"{program()} is not built (make trixie)" if shutil.which("go") else "Helm is built by Go, which is not here"


def ensure(progress: Callable[[str], object] = print) -> Path | None:
    """Build it if it is missing and there is Go (some minutes); raise ServerError."""
    place = program()
    if not place.exists() and shutil.which("go"):
        with trixie.locked(place.parent):
            if not place.exists():
                progress(f"building Helm {VERSION} in {place.parent}, once; some minutes")
                unfinished = place.parent.with_name(f"{place.parent.name}.unfinished")
                command = ["go", "install", f"{MODULE}@{VERSION}"]
                environment = {**os.environ, "GOBIN": str(unfinished), "GOFLAGS": "-trimpath"}
                done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
                if done.returncode != 0:
                    raise ServerError(f"Helm cannot be built:\n{done.stderr[-2000:]}")
                unfinished.rename(place.parent)
    return place if place.exists() else None


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with a home that is nobody's."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(program().parent)}
    return subprocess.run([program(), *arguments], env=environment, capture_output=True, text=True)

"""Docker Compose as Debian 13 has it: what the program itself makes of compose files. It needs no daemon for that."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.host import MACHINE, SHOWN_AT
from local.server import ServerError, environment
from local.trixie import COMPOSE, command

SEEN_AS = str(MACHINE / SHOWN_AT)


def config(project: Path, *names: str, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return what `docker compose config` says of files laid one over the other; raise ServerError where it refuses.

    Args:
        project: folder of the files; it is seen as `SEEN_AS` in what comes out.
        names: names of the files in it, the lowest first.
        variables: those that the files refer to, in addition to the environment.
    """
    files = [word for name in names for word in ("--file", name)]
    inside = command(COMPOSE, project, *files, "--profile", "*", "config", "--format", "json")
    done = subprocess.run(
        inside, env={**environment(), **(variables or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise ServerError(f"docker compose config refuses {', '.join(names)}:\n{done.stderr}")
    whole: dict[str, Any] = json.loads(done.stdout)
    return whole

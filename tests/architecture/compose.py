"""The compose files as Docker Compose itself reads them."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local.compose import config
from local.trixie import COMPOSE
from tests.conftest import no_trixie

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "docker-compose.scale.yml", "docker-compose.standby.yml")
ONE, MANY, PAIR = "one of each", "more than one", "with a standby"


@cache
def stacks() -> dict[str, dict[str, Any]]:
    """Return what `docker compose config` prints of each stack; skip the calling module where there is no Compose."""
    if reason := no_trixie(COMPOSE):
        if os.environ.get("CI") == "true":
            raise RuntimeError(reason)
        pytest.skip(f"NOT TESTED WITH DOCKER COMPOSE: {reason}", allow_module_level=True)
    return {ONE: config(ROOT, FILES[0]), MANY: config(ROOT, *FILES[:2]), PAIR: config(ROOT, FILES[0], FILES[2])}

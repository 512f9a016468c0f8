"""A copy of the warm process is waited for as any process is."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.acceptance import warm

pytestmark = pytest.mark.plain_only
MOST_S = 30


def test_several_threads_wait_for_one_copy(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out, ThreadPoolExecutor(4) as pool:
        copy = warm.start(["weather"], {**os.environ, "HEARTH_DATABASE_URL": "postgresql://127.0.0.1:1/none"}, out, out)
        waiting = [pool.submit(copy.wait, MOST_S) for _ in range(4)]
        copy.kill()
        assert {one.result(MOST_S) for one in waiting} == {-signal.SIGKILL}

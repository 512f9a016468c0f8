"""README.md followed on a bare Debian 13, as it is written, to the first flag."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.server import ServerError
from local.trixie import PYTHON
from tests.acceptance import bare
from tests.conftest import memory_with_room, no_trixie, unavailable

README = (bare.ROOT / "README.md").read_text(encoding="utf-8")
LONGEST_S = 600  # installation and first flag, on cores that others share
FLAG = re.compile(r"^ +B\d{4}-\d-\d{3} +\| (?:cold|severe) +\| +\d+\.\d+ \| T\d+", re.MULTILINE)
# The reader looks again, as long as there is no flag.
AGAIN = """
for _ in $(seq 60); do
  sleep 0.5
  {look} | grep '^ B' && break
done
hearth check
kill %1 %2
wait
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for the files of a bare machine, 1.3 GB: in memory where there is room."""
    if reason := no_trixie(PYTHON):
        unavailable(f"README.md NOT FOLLOWED: {reason}")
    with tempfile.TemporaryDirectory(prefix="hearth-bare-", dir=memory_with_room()) as name:
        yield Path(name)


def block() -> str:
    """Return the commands under the heading "Running it"."""
    (found,) = re.findall(
        r"^<!-- run by tests/acceptance/test_readme\.py -->\n```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL
    )
    return str(found)


@pytest.mark.slow
def test_running_it_as_the_readme_says_leads_to_a_flag(place: Path) -> None:
    look = block().splitlines()[-1]
    assert "FROM flag_open" in look
    try:
        done = bare.run(place, block() + AGAIN.format(look=look), LONGEST_S)
    except ServerError as error:
        unavailable(f"README.md NOT FOLLOWED: {error}")
    assert done.returncode == 0, done.stdout
    assert FLAG.search(done.stdout), done.stdout
    assert re.search(r"^page: http://127.0.0.1:8080/home\?token=hearth_", done.stdout, re.MULTILINE)
    assert re.search(r"^ingest +ok +1 worker", done.stdout, re.MULTILINE), done.stdout

"""A port that was chosen stays its chooser's, although nothing listens on it yet."""

import subprocess
import sys

import pytest

from local import port

CHOSEN = """
import sys
from local import port
port.CHOICE, port.is_free = range(*map(int, sys.argv[1:])), bool
print(port.free_port(), flush=True)
sys.stdin.read()
"""


def test_nobody_else_is_given_a_port_while_its_chooser_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    two = range(port.CHOICE.stop, port.CHOICE.stop + 2)  # that no other test chooses
    monkeypatch.setattr(port, "CHOICE", two)
    monkeypatch.setattr(port, "is_free", bool)
    with subprocess.Popen(
        [sys.executable, "-c", CHOSEN, str(two.start), str(two.stop)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        theirs = int(other.stdout.readline())
        assert {theirs, port.free_port()} == set(two)
        with pytest.raises(OSError, match="no free port"):
            port.free_port()
        other.communicate()
    assert port.free_port() == theirs

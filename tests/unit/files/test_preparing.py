"""Files are read by a process of their own after the operator's check; whatever becomes of either is a verdict."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from api.files import preparing
from api.files.preparing import CheckAway, prepare
from api.files.reading import read
from domain.files import FileFault, FileRefused
from tests.pictures import drawn, encoded, pdf, telling

CLEAN, UNCLEAN = ("sh", "-c", "cat >/dev/null"), ("sh", "-c", "exit 1")


def fault(content: bytes) -> FileFault:
    with pytest.raises(FileRefused) as refused:
        prepare(content)
    return refused.value.fault


@pytest.mark.parametrize("content", [telling("JPEG", 6), encoded(drawn(500, 10), "PNG"), telling("WEBP"), pdf()])
def test_another_process_says_the_same(content: bytes) -> None:
    assert prepare(content) == read(content)


def test_a_refusal_names_its_reason() -> None:
    assert fault(b"<svg/>") is FileFault.UNKNOWN
    assert fault(encoded()[:-100]) is FileFault.BROKEN
    assert fault(b"") is FileFault.EMPTY


@pytest.mark.parametrize("end", ["kill -9 $$", "exit 7", "sleep 60"])
def test_a_reader_that_dies_or_never_ends_refuses_one_file(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setattr(preparing, "READER", ("/bin/sh", "-c", f"exec 2>/dev/null; {end}"))
    monkeypatch.setattr(preparing, "READ_S", 0.3)
    assert fault(encoded()) is FileFault.BROKEN


def test_the_reader_has_limits_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import api.files.reading as r, json, os, resource, sys\n"
        "r.read = lambda content: (print(json.dumps([len(os.environ), resource.getrlimit(resource.RLIMIT_AS)[0], "
        "resource.getrlimit(resource.RLIMIT_CPU)[0]])), sys.exit(0))\n"
        "r.main()"
    )
    monkeypatch.setattr(preparing, "READER", (sys.executable, "-I", "-c", program))
    monkeypatch.setattr(preparing, "_told", lambda _, told: json.loads(told))
    monkeypatch.setenv("HEARTH_DATABASE_URL", "postgresql://secret")
    told: Any = prepare(encoded())
    assert told[0] <= 1  # LC_CTYPE, which the interpreter sets
    assert told[1:] == [1 << 30, 20]


def test_the_check_sees_what_was_sent_and_decides(tmp_path: Path) -> None:
    seen, content = tmp_path / "seen", encoded()
    made = prepare(content, ("sh", "-c", f"cat >{seen}"))
    assert seen.read_bytes() == content
    assert made == prepare(content, CLEAN) == prepare(content)
    with pytest.raises(FileRefused) as refused:
        prepare(content, UNCLEAN)
    assert refused.value.fault is FileFault.CHECKED


@pytest.mark.parametrize(
    "command", [("sh", "-c", "exit 2"), ("sh", "-c", "kill -9 $$"), ("no-such-command",), ("sleep", "9")]
)
def test_a_check_without_a_verdict_keeps_nothing(monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.setattr(preparing, "CHECK_S", 0.3)
    with pytest.raises(CheckAway):
        prepare(encoded(), command)

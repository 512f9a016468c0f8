"""An operator's mistake is one line on standard error that names the variable, and exit code 2."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.port import LOOPBACK, free_port
from tests.acceptance import processes
from tests.acceptance.world import seed

NOBODY = f"postgresql://hearth@{LOOPBACK}:{free_port()}/hearth"


def complaint(variable: str, value: str, *arguments: str) -> str:
    """Run a command with one wrong variable and return its only line."""
    done = processes.run({"HEARTH_DATABASE_URL": NOBODY, variable: value}, *arguments)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert variable in line
    assert done.stdout == ""
    return line


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HEARTH_MQTT_URL", "localhost"),
        ("HEARTH_MQTT_URL", "http://localhost:1883"),
        ("HEARTH_MQTT_URL", "mqtt://localhost:moscow"),
        ("HEARTH_API_PORT", "http"),
        ("HEARTH_API_PORT", "65536"),
        ("HEARTH_POLICY", "/nowhere/policy.toml"),
        ("HEARTH_TIMEZONE", "Asia/Atlantis"),
        ("HEARTH_TIMEZONE", "Asia"),
        ("HEARTH_DATABASE_URL", "mysql://localhost"),
        ("HEARTH_DATABASE_URL", "postgresql://localhost:moscow/hearth"),
        ("HEARTH_BATCH_MESSAGES", "0"),
    ],
)
def test_a_wrong_setting(variable: str, value: str) -> None:
    assert complaint(variable, value, "ingest").startswith(f"hearth: {variable}")


def test_a_policy_without_a_number(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(seed().replace("deadband_k = 0.2\n", ""))
    line = complaint("HEARTH_POLICY", str(file), "watch")
    assert "deadband_k" in line
    assert "missing" in line


def test_a_policy_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes(b"\xff\xfe")
    line = complaint("HEARTH_POLICY", str(file), "watch")
    assert line == f"hearth: HEARTH_POLICY: {file} is not UTF-8 text"


def test_a_password_is_not_repeated() -> None:
    assert "open sesame" not in complaint("HEARTH_MQTT_URL", "http://hearth:open sesame@localhost", "ingest")


def test_a_database_that_is_not_there() -> None:
    for arguments in (["migrate"], ["token", "create", "--role", "admin"]):
        line = complaint("HEARTH_DATABASE_URL", NOBODY, *arguments)
        assert "Connection refused" in line
        assert str(urlsplit(NOBODY).port) in line


def test_a_command_that_does_not_exist() -> None:
    done = processes.run({}, "ignite")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr

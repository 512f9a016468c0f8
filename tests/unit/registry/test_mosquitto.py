"""The accounts of a broker: kept, made and taken away, so that a second call changes nothing."""

import csv
import hashlib
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import UsageError
from domain.registry import RegisteredSensor
from registry.fields import device
from registry.mosquitto import Accounts, acl, devices, password_hash, write_accounts

NOW = datetime(2026, 1, 15, tzinfo=UTC)
DAY = timedelta(days=1)
SHIPPED = Path(__file__).parents[3] / "deploy/mosquitto/acl"


def sensor(
    code: str, gateway: str | None = None, until: datetime | None = None, since: datetime | None = None
) -> RegisteredSensor:
    return RegisteredSensor(code, "H1", None, gateway, "living", "living", 300, 0.0, since, until)


def accounts(folder: Path, *names: str) -> Accounts:
    return write_accounts(folder, set(names), "hearth")


def told(folder: Path) -> dict[str, str]:
    with (folder / "new-devices.csv").open(encoding="utf-8", newline="") as lines:
        return {row["user"]: row["password"] for row in csv.DictReader(lines)}


def users(folder: Path) -> set[str]:
    """Return who has an account: what stands before the first colon, as Mosquitto reads it."""
    lines = (folder / "passwords").read_text(encoding="utf-8").splitlines()
    return {line.partition(":")[0] for line in lines}


def opens(folder: Path, user: str, password: str) -> bool:
    """Return whether Mosquitto would take a user in: the digest is made again with the salt that is stored."""
    lines = (folder / "passwords").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith(f"{user}:"))
    _, scheme, iterations, salt, digest = line.split("$")
    assert scheme == "7"
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), b64decode(salt), int(iterations))
    return made == b64decode(digest)


def everything(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_who_speaks_is_a_sensor_alone_or_its_gateway() -> None:
    assert devices([sensor("alone"), sensor("a", "g"), sensor("b", "g")], NOW) == {"alone", "g"}


def test_who_is_gone_speaks_no_more_and_who_is_to_come_does() -> None:
    gone, leaving, coming = (
        sensor("gone", until=NOW),
        sensor("leaving", until=NOW + DAY),
        sensor("coming", since=NOW + DAY),
    )
    assert devices([gone, leaving, coming], NOW) == {"leaving", "coming"}
    assert devices([sensor("s", until=NOW - DAY), sensor("s", "g", since=NOW - DAY)], NOW) == {"g"}


def test_new_devices_are_told_the_password_that_opens(tmp_path: Path) -> None:
    assert accounts(tmp_path, "s1", "室2") == Accounts([], ["hearth", "s1", "室2"], [], [])
    passwords = told(tmp_path)
    assert passwords.keys() == {"hearth", "s1", "室2"}
    assert len(set(passwords.values())) == 3
    assert all(opens(tmp_path, user, password) for user, password in passwords.items())
    assert not opens(tmp_path, "s1", passwords["室2"])


def test_what_is_pushed_by_http_is_written_by_the_account_of_the_api_alone(tmp_path: Path) -> None:
    networks = {"aep": ["hearth/push/v1/aep"], "lora": ["application/#"]}
    write_accounts(tmp_path, {"aep", "lora"}, "hearth", networks)
    rights = (tmp_path / "acl").read_text(encoding="utf-8")
    assert "user hearth-push\ntopic write hearth/push/v1/aep\n" in rights
    assert "topic read hearth/push/v1/aep\n" in rights
    assert "user aep\n" not in rights
    assert "hearth-push" in users(tmp_path)
    write_accounts(tmp_path, {"lora"}, "hearth", {"lora": ["application/#"]})
    assert "hearth-push" not in users(tmp_path)
    with pytest.raises(ValueError, match="sessions of Hearth"):
        device("hearth-push")


def test_a_second_call_changes_nothing(tmp_path: Path) -> None:
    accounts(tmp_path, "s1", "s2")
    before = everything(tmp_path)
    assert accounts(tmp_path, "s1", "s2") == Accounts(["hearth", "s1", "s2"], [], [], [])
    assert everything(tmp_path) == before


def test_once_deleted_the_passwords_are_not_told_again(tmp_path: Path) -> None:
    accounts(tmp_path, "s1")
    (tmp_path / "new-devices.csv").unlink()
    accounts(tmp_path, "s1")
    assert not (tmp_path / "new-devices.csv").exists()
    accounts(tmp_path, "s1", "s2")
    assert told(tmp_path).keys() == {"s2"}


def test_who_is_gone_loses_the_account_and_others_keep_theirs(tmp_path: Path) -> None:
    accounts(tmp_path, "s1", "s2")
    password = told(tmp_path)["s1"]
    assert accounts(tmp_path, "s1").removed == ["s2"]
    assert users(tmp_path) == {"hearth", "s1"}
    assert told(tmp_path).keys() == {"hearth", "s1"}
    assert opens(tmp_path, "s1", password)


def test_a_call_that_was_interrupted_is_finished_with_the_passwords_that_were_told(tmp_path: Path) -> None:
    accounts(tmp_path, "s1")
    (tmp_path / "passwords").unlink()
    before = told(tmp_path)
    accounts(tmp_path, "s1")
    assert told(tmp_path) == before
    assert opens(tmp_path, "s1", before["s1"])


def test_nobody_else_reads_the_files(tmp_path: Path) -> None:
    accounts(tmp_path / "made", "s1")
    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "made").iterdir()}
    assert modes == dict.fromkeys(("acl", "passwords", "new-devices.csv"), 0o600)


def test_a_colon_cannot_be_in_a_password_file(tmp_path: Path) -> None:
    assert accounts(tmp_path, "00:1a:2b", "s1").impossible == ["00:1a:2b"]
    assert users(tmp_path) == told(tmp_path).keys() == {"hearth", "s1"}


@pytest.mark.parametrize("name", ["hearth-ingest", "hearth-ingest-1", "hearth-check-0a", "hearth-probe"])
def test_a_device_with_the_name_of_a_session_would_take_it_over(tmp_path: Path, name: str) -> None:
    assert accounts(tmp_path, name, "hearth-kitchen").impossible == [name]
    assert sorted(told(tmp_path)) == ["hearth", "hearth-kitchen"]
    with pytest.raises(ValueError, match="sessions of Hearth"):
        device(name)
    assert device("hearth-kitchen") == "hearth-kitchen"


def test_a_device_with_the_name_of_the_reader_would_hear_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--reader"):
        accounts(tmp_path, "hearth")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file"):
        accounts(tmp_path / "file" / "folder", "s1")


def test_the_shipped_rules_are_those_that_are_written() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == acl("hearth")


def test_a_password_hash_is_salted() -> None:
    assert password_hash("warm").startswith("$7$101$")
    assert password_hash("warm") != password_hash("warm")


def test_a_network_may_speak_under_its_filters_and_is_heard() -> None:
    text = acl("hearth", {"lora": ["application/+/device/+/event/up"], "plant": ["spBv1.0/heat/#"]})
    by_user = {part.split()[0]: part for part in text.split("user ")[1:]}
    assert "topic write application/+/device/+/event/up" in by_user["lora"]
    assert "spBv1.0" not in by_user["lora"]
    for line in ("topic read application/+/device/+/event/up", "topic read spBv1.0/heat/#"):
        assert line in by_user["hearth"]
    assert "topic write spBv1.0/+/NCMD/#" in by_user["hearth"]
    assert text.endswith("pattern write hearth/v1/%u/#\n")

"""The accounts of EMQX: the same passwords hold there as on Mosquitto."""

import base64
import csv
import hashlib
import re
from pathlib import Path

import pytest

from domain.errors import UsageError
from registry.emqx import rules, write_users
from registry.mosquitto import write_accounts

CONFIGURATION = (Path(__file__).parents[3] / "deploy/emqx/emqx.conf").read_text(encoding="utf-8")


def rows(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "users.csv").open(encoding="utf-8", newline="") as lines:
        return {row["user_id"]: row for row in csv.DictReader(lines)}


def test_a_password_that_was_handed_out_is_the_one_that_emqx_computes(tmp_path: Path) -> None:
    write_accounts(tmp_path, {"s1", "s2"}, "hearth")
    assert write_users(tmp_path, "hearth").written == ["hearth", "s1", "s2"]
    with (tmp_path / "new-devices.csv").open(encoding="utf-8", newline="") as lines:
        told = {row["user"]: row["password"] for row in csv.DictReader(lines)}
    # As the configuration has it: PBKDF2 with this hash, so often, so long, in hexadecimal.
    found = re.search(r"name = pbkdf2, mac_fun = (\w+), iterations = (\d+), dk_length = (\d+)", CONFIGURATION)
    assert found is not None
    for user, row in rows(tmp_path).items():
        digest = hashlib.pbkdf2_hmac(
            found[1], told[user].encode(), row["salt"].encode(), int(found[2]), dklen=int(found[3])
        )
        assert row["password_hash"] == digest.hex(), user
        assert row["is_superuser"] == "false"


def test_an_account_whose_salt_is_no_text_is_named(tmp_path: Path) -> None:
    write_accounts(tmp_path, {"s1"}, "hearth")
    salt = base64.b64encode(bytes(range(200, 212))).decode()
    lines = (tmp_path / "passwords").read_text(encoding="utf-8")
    old = f"old:$7$101${salt}${base64.b64encode(bytes(64)).decode()}\n"
    (tmp_path / "passwords").write_text(lines + old, encoding="utf-8")
    users = write_users(tmp_path, "hearth")
    assert (users.written, users.impossible) == (["hearth", "s1"], ["old"])
    assert "old" not in rows(tmp_path)


def test_only_their_owner_reads_the_files(tmp_path: Path) -> None:
    write_accounts(tmp_path, {"s1"}, "hearth")
    write_users(tmp_path, "hearth")
    assert {oct((tmp_path / name).stat().st_mode & 0o777) for name in ("users.csv", "acl.conf")} == {"0o600"}


def test_the_rules_of_a_plain_network() -> None:
    assert rules("hearth", {}).splitlines()[1:] == [
        '{allow, {user, "hearth"}, subscribe, ["hearth/v1/#"]}.',
        '{allow, all, publish, ["hearth/v1/${username}/#"]}.',
        "{deny, all}.",
    ]


def test_the_rules_of_foreign_networks() -> None:
    said = rules("reader", {"plant": ["spBv1.0/plant/#"], 'a"b\\': ["x/+/y"]})
    assert '{allow, {user, "reader"}, subscribe, ["hearth/v1/#", "spBv1.0/plant/#", "x/+/y"]}.' in said
    assert '{allow, {user, "reader"}, publish, ["spBv1.0/+/NCMD/#"]}.' in said
    assert '{allow, {user, "plant"}, publish, ["spBv1.0/plant/#"]}.' in said
    assert '{allow, {user, "a\\"b\\\\"}, publish, ["x/+/y"]}.' in said
    assert said.endswith("{deny, all}.\n")


def test_without_accounts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="passwords"):
        write_users(tmp_path, "hearth")

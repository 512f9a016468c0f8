"""Accounts of a Mosquitto broker from the registry: a password for each device that publishes itself.

Mosquitto reloads both files on SIGHUP and then disconnects clients without an account.
"""

import base64
import csv
import hashlib
import io
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from domain.errors import UsageError
from domain.registry import SESSIONS, RegisteredSensor

PASSWORDS, ACL, NEW = "passwords", "acl", "new-devices.csv"
SPARKPLUG = "spBv1.0/"
# What platforms push by HTTP is published here, by the account of the API alone.
PUSHED, PUSHER = "hearth/push/v1/", "hearth-push"
# Mosquitto's default. Passwords are 192 random bits, beyond brute force however fast the hash is.
ITERATIONS = 101
SALT_BYTES = 9  # random; 12 as text
PASSWORD_BYTES = 24


class Accounts(NamedTuple):
    """Result of writing the accounts, sorted."""

    kept: list[str]
    added: list[str]
    removed: list[str]
    impossible: list[str]  # a colon, which a password file cannot hold, or a name reserved for Hearth's sessions


class AccountsFile(NamedTuple):
    """A broker's file of accounts: its name, and the sign that no account can have in it."""

    name: str
    separator: str


def devices(sensors: Iterable[RegisteredSensor], now: datetime) -> set[str]:
    """Return the devices that publish now or later: sensors without a gateway, and gateways."""
    return {s.gateway or s.code for s in sensors if s.valid_to is None or s.valid_to > now}


def write_accounts(
    folder: Path, speaking: set[str], reader: str, networks: Mapping[str, Sequence[str]] | None = None
) -> Accounts:
    """Write `passwords` and `acl` for the devices and the reading account; all other accounts are removed.

    Existing accounts keep their passwords. New passwords are written once to `new-devices.csv`, for configuring the
    devices; the file may be deleted after that. Files are replaced atomically, and a second call changes nothing.

    Args:
        networks: topic filters that foreign networks publish under, by name.
    Raises:
        UsageError: a device has the reader's name, or a file cannot be read or written.
    """
    return write_for(
        folder,
        speaking,
        reader,
        AccountsFile(PASSWORDS, ":"),
        lambda possible: _write(folder, possible, speaking, reader, acl(reader, networks or {})),
    )


def write_for(
    folder: Path, speaking: set[str], reader: str, form: AccountsFile, write: Callable[[set[str]], Accounts]
) -> Accounts:
    """Write a broker's files into a folder, made where it is missing, for the devices that can have an account.

    Raises:
        UsageError: a device has the reader's name, or a file cannot be read or written.
    """
    if reader in speaking:
        raise UsageError(f"a device has the name of the reading account, {reader!r}; choose another --reader")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return write({name for name in speaking if form.separator not in name and not name.startswith(SESSIONS)})
    except UnicodeDecodeError:
        raise UsageError(f"{folder}: {form.name} or {NEW} is not UTF-8 text") from None
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from None


def _write(folder: Path, possible: set[str], speaking: set[str], reader: str, rights: str) -> Accounts:
    wanted = possible | {reader} | ({PUSHER} if f"\nuser {PUSHER}\n" in rights else set())
    known = _hashes(folder / PASSWORDS)
    hashes, added = hashed_passwords(folder, wanted, known, password_hash)
    replace(folder / ACL, rights, folder)
    replace(folder / PASSWORDS, "".join(f"{user}:{hashed}\n" for user, hashed in hashes.items()), folder)
    return Accounts(sorted(wanted & known.keys()), added, sorted(known.keys() - wanted), sorted(speaking - possible))


def hashed_passwords(
    folder: Path, wanted: set[str], known: Mapping[str, str], hashing: Callable[[str], str]
) -> tuple[dict[str, str], list[str]]:
    """Return the hash of each wanted account, and who is new; passwords of those are written to be handed out.

    A password announced but not in force comes from an interrupted call, or is that of another broker: it stays as
    announced.
    """
    told = {user: password for user, password in _told(folder / NEW).items() if user in wanted}
    added = sorted(wanted - known.keys())
    told |= {user: told.get(user) or secrets.token_urlsafe(PASSWORD_BYTES) for user in added}
    if told or (folder / NEW).exists():
        replace(folder / NEW, _csv(told), None)
    return {user: known.get(user) or hashing(told[user]) for user in sorted(wanted)}, added


def acl(reader: str, networks: Mapping[str, Sequence[str]] | None = None) -> str:
    """Render the access control file; everything it does not allow is denied."""
    heard = [text for filters in (networks or {}).values() for text in filters]
    lines = [
        "# Written by `hearth registry mosquitto`.",
        "",
        "# The account that stores readings may read from all devices, and what the broker says of itself.",
        f"user {reader}",
        "topic read hearth/v1/#",
        "topic read $SYS/#",
        *(f"topic read {text}" for text in heard),
    ]
    if any(text.startswith(SPARKPLUG) for text in heard):
        lines += ["# It asks edge nodes for a rebirth.", f"topic write {SPARKPLUG}+/NCMD/#"]
    for name, filters in writers(networks or {}).items():
        lines += [
            "",
            "# What platforms push by HTTP." if name == PUSHER else "# A network publishes for its sensors.",
            f"user {name}",
            *(f"topic write {text}" for text in filters),
        ]
    lines += ["", "# Each device publishes under its own name only and reads nothing.", "pattern write hearth/v1/%u/#"]
    return "\n".join(lines) + "\n"


def writers(networks: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the filters that each account may write under: what is pushed by HTTP is written by the API, for all."""
    found: dict[str, list[str]] = {}
    for name, filters in sorted(networks.items()):
        for text in filters:
            found.setdefault(PUSHER if text.startswith(PUSHED) else name, []).append(text)
    return found


def password_hash(password: str) -> str:
    """Hash a password as `mosquitto_passwd` does: PBKDF2 with SHA-512 (scheme 7), in base64."""
    salt = secrets.token_urlsafe(SALT_BYTES).encode()  # text, as other brokers require
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _hashes(file: Path) -> dict[str, str]:
    """Read the password file: user → hash."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {user: hashed for user, colon, hashed in (line.partition(":") for line in lines) if colon}


def _told(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        return {
            row["user"]: row["password"] for row in csv.DictReader(lines) if row.get("user") and row.get("password")
        }


def _csv(told: dict[str, str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("user", "password"), *sorted(told.items())])
    return out.getvalue()


def replace(path: Path, text: str, owner: Path | None) -> None:
    """Replace a file atomically, readable only by its owner: this process, or if root, the owner of folder `owner`."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if owner and os.geteuid() == 0:
            os.chown(part, owner.stat().st_uid, owner.stat().st_gid)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)

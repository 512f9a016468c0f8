"""The accounts of a Mosquitto broker, from the registry: a password for each device that speaks for itself.

Mosquitto reads both files anew at SIGHUP, and then parts from whoever has no account any more.
"""

import base64
import csv
import hashlib
import io
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from domain.errors import UsageError
from domain.registry import SESSIONS, RegisteredSensor

PASSWORDS, ACL, NEW = "passwords", "acl", "new-devices.csv"
SPARKPLUG = "spBv1.0/"
# The passwords are random: nobody can try 2^192 of them, however fast a hash is. It is Mosquitto's own default.
ITERATIONS = 101
SALT_BYTES = 9  # of chance; as text they are 12
PASSWORD_BYTES = 24


class Accounts(NamedTuple):
    """What became of the accounts, sorted."""

    kept: list[str]
    added: list[str]
    removed: list[str]
    impossible: list[str]  # a colon, which a password file cannot hold, or a name that Hearth's sessions have


def devices(sensors: Iterable[RegisteredSensor], now: datetime) -> set[str]:
    """Who speaks to the broker, now or later: sensors without gateway, and gateways."""
    return {s.gateway or s.code for s in sensors if s.valid_to is None or s.valid_to > now}


def write_accounts(
    folder: Path, speaking: set[str], reader: str, networks: Mapping[str, Sequence[str]] | None = None
) -> Accounts:
    """Bring `passwords` and `acl` in a folder up to the devices and the account that reads; others lose theirs.

    Who has an account keeps its password. A new one is written to `new-devices.csv`, once, for whoever sets the
    device up; that file may be deleted then. Nothing is ever half written, and a second call changes nothing.

    Args:
        networks: the topic filters under which foreign networks speak, by their name.
    Raises:
        UsageError: a device has the name of the reader, or a file cannot be read or written.
    """
    if reader in speaking:
        raise UsageError(f"a device is called {reader!r} as the account that reads all; choose another --reader")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        possible = {name for name in speaking if ":" not in name and not name.startswith(SESSIONS)}
        return _write(folder, possible, speaking, reader, acl(reader, networks or {}))
    except UnicodeDecodeError:
        raise UsageError(f"{folder}: {PASSWORDS} or {NEW} is not UTF-8 text") from None
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from None


def _write(folder: Path, possible: set[str], speaking: set[str], reader: str, rights: str) -> Accounts:
    wanted = possible | {reader}
    known = _hashes(folder / PASSWORDS)
    told = {user: password for user, password in _told(folder / NEW).items() if user in wanted}
    added = sorted(wanted - known.keys())
    # A password that was told but is not in force is one of a call that was interrupted: it stays as it was told.
    told |= {user: told.get(user) or secrets.token_urlsafe(PASSWORD_BYTES) for user in added}
    hashes = {user: known.get(user) or password_hash(told[user]) for user in sorted(wanted)}
    if told or (folder / NEW).exists():
        replace(folder / NEW, _csv(told), None)
    replace(folder / ACL, rights, folder)
    replace(folder / PASSWORDS, "".join(f"{user}:{hashed}\n" for user, hashed in hashes.items()), folder)
    return Accounts(sorted(wanted & known.keys()), added, sorted(known.keys() - wanted), sorted(speaking - possible))


def acl(reader: str, networks: Mapping[str, Sequence[str]] | None = None) -> str:
    """The text of the access control file: what is not said here is refused."""
    heard = [text for filters in (networks or {}).values() for text in filters]
    lines = [
        "# Written by `hearth registry mosquitto`.",
        "",
        "# Who stores the readings hears all devices, and nothing else.",
        f"user {reader}",
        "topic read hearth/v1/#",
        *(f"topic read {text}" for text in heard),
    ]
    if any(text.startswith(SPARKPLUG) for text in heard):
        lines += ["# It asks edge nodes for their birth.", f"topic write {SPARKPLUG}+/NCMD/#"]
    for name, filters in sorted((networks or {}).items()):
        lines += [
            "",
            "# A network speaks for its sensors.",
            f"user {name}",
            *(f"topic write {text}" for text in filters),
        ]
    lines += ["", "# Everybody speaks under his own name only, and hears nobody.", "pattern write hearth/v1/%u/#"]
    return "\n".join(lines) + "\n"


def password_hash(password: str) -> str:
    """Hash a password as `mosquitto_passwd` does: PBKDF2 with SHA-512 (scheme 7), in base64."""
    salt = secrets.token_urlsafe(SALT_BYTES).encode()  # text, as other brokers want it
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _hashes(file: Path) -> dict[str, str]:
    """User → hash, as the broker has them."""
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
    """Put a file in place that only its owner reads: we ourselves, or if we are root, who owns the folder `owner`."""
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

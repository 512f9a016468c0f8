"""The same accounts and rights as for Mosquitto, for EMQX 5: a user file and a rule file.

EMQX reads the users at start and adds new ones (`bootstrap_file`, `bootstrap_type = hash`); it never removes any. The
rules are those of `registry.mosquitto.acl` as Erlang terms.
"""

import base64
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from domain.errors import UsageError
from registry.mosquitto import ITERATIONS, PASSWORDS, SPARKPLUG, replace, writers

USERS, RULES = "users.csv", "acl.conf"
# Mosquitto's hash scheme that EMQX supports: PBKDF2 with SHA-512, if the salt is text.
SCHEME = "7"


class Users(NamedTuple):
    """Accounts in the user file, and those that cannot be in it."""

    written: list[str]
    impossible: list[str]  # their salt is not text: they need a new password


def write_users(folder: Path, reader: str, networks: Mapping[str, Sequence[str]] | None = None) -> Users:
    """Write EMQX's files next to Mosquitto's in a folder, from its password file.

    Raises:
        UsageError: a file cannot be read or written.
    """
    try:
        lines = (folder / PASSWORDS).read_text(encoding="utf-8").splitlines()
        rows, impossible = [], []
        for user, _, hashed in (line.partition(":") for line in lines):
            row = _row(user, hashed)
            rows += [row] if row else []
            impossible += [] if row else [user]
        replace(folder / USERS, _csv(rows), folder)
        replace(folder / RULES, rules(reader, networks or {}), folder)
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from None
    return Users([row[0] for row in rows], impossible)


def _row(user: str, hashed: str) -> tuple[str, str, str, str] | None:
    """Return user, hash, salt and superuser flag; None if EMQX cannot hold the salt."""
    _, scheme, iterations, salt, digest = hashed.split("$")
    raw = base64.b64decode(salt)
    if scheme != SCHEME or int(iterations) != ITERATIONS or not (raw.isascii() and raw.decode("ascii").isprintable()):
        return None
    return user, base64.b64decode(digest).hex(), raw.decode("ascii"), "false"


def _csv(rows: Iterable[tuple[str, ...]]) -> str:
    out = io.StringIO()
    head = ("user_id", "password_hash", "salt", "is_superuser")
    csv.writer(out, lineterminator="\n").writerows([head, *rows])
    return out.getvalue()


def rules(reader: str, networks: Mapping[str, Sequence[str]]) -> str:
    """Render the rule file; everything it does not allow is denied."""
    heard = ["hearth/v1/#", *(text for filters in networks.values() for text in filters)]
    lines = ["%% Written by `hearth registry emqx`.", _allow(reader, "subscribe", heard)]
    if any(text.startswith(SPARKPLUG) for text in heard):
        lines.append(_allow(reader, "publish", [f"{SPARKPLUG}+/NCMD/#"]))
    lines += [_allow(name, "publish", filters) for name, filters in writers(networks).items()]
    lines += ['{allow, all, publish, ["hearth/v1/${username}/#"]}.', "{deny, all}."]
    return "\n".join(lines) + "\n"


def _allow(user: str, action: str, topics: Iterable[str]) -> str:
    quoted = ", ".join(f'"{_escaped(topic)}"' for topic in topics)
    return f'{{allow, {{user, "{_escaped(user)}"}}, {action}, [{quoted}]}}.'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')

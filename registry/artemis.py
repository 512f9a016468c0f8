"""The accounts and rights of ActiveMQ Artemis from the registry, as deploy/artemis/ reads them.

Its hashes of passwords are others than Mosquitto's, so who moves from there needs new ones, unless what was handed out
is still in `new-devices.csv`. A certificate is an account too: the common name is that of the device.
"""

import hashlib
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from registry.mosquitto import (
    PUSHER,
    SPARKPLUG,
    Accounts,
    AccountsFile,
    hashed_passwords,
    replace,
    write_for,
    writers,
)

USERS, ROLES, CERTIFICATES, RIGHTS = "users.properties", "roles.properties", "certificates.properties", "rights.xml"
# Artemis' own scheme: PBKDF2 with SHA-1. Passwords are 192 random bits, beyond brute force however fast the hash is.
ITERATIONS = 1024
SALT_BYTES, DIGEST_BYTES = 32, 64
SEND = ("send", "createAddress")
HEAR = ("consume", "createAddress", "createDurableQueue", "deleteDurableQueue", "createNonDurableQueue")
MANAGEMENT = "activemq.management"
# What Hearth's account may look at there (ingest/artemis_figures.py), by the names of Artemis.
FIGURES = (
    "listQueues",
    "getDiskStoreUsage",
    "isReplicaSync",
    "getConnectionCount",
    "getAddressCount",
    "getAddressMemoryUsage",
    "getGlobalMaxSize",
)
# What Java needs for a topic, with as much again for all the rest (docs/operations.md, Sizing).
MEMORY_A_TOPIC = 26_000
SHIPPED_TOPICS = 80_000  # ARTEMIS_MEMORY of docker-compose.scale.yml
_LINE = re.compile(r"((?:[^\\=]|\\.)+)=(.*)")
Rights = dict[str, dict[str, list[str]]]  # filter → permission → roles


def write_accounts(
    folder: Path, speaking: set[str], reader: str, networks: Mapping[str, Sequence[str]] | None = None
) -> Accounts:
    """Write the four files for the devices and the reading account; all other accounts are removed.

    Each account is a role of its own name. Passwords are kept as `registry.mosquitto.write_accounts` keeps them; the
    reader has none, it comes in with its certificate. The broker reads changed files by itself.

    Args:
        networks: topic filters that foreign networks publish under, by name.
    Raises:
        UsageError: a device has the reader's name, or a file cannot be read or written.
    """
    form = AccountsFile(USERS, ",")
    return write_for(
        folder, speaking, reader, form, lambda possible: _write(folder, possible, speaking, reader, networks or {})
    )


def _write(
    folder: Path, possible: set[str], speaking: set[str], reader: str, networks: Mapping[str, Sequence[str]]
) -> Accounts:
    wanted = possible | ({PUSHER} if PUSHER in writers(networks) else set())
    known = _hashes(folder / USERS)
    hashes, added = hashed_passwords(folder, wanted, known, password_hash)
    everybody = sorted(wanted | {reader})
    replace(folder / RIGHTS, rights_file(rights(possible, reader, networks)), folder)
    replace(folder / ROLES, _properties((name, name) for name in everybody), folder)
    replace(folder / CERTIFICATES, _properties((name, f"CN={name}") for name in everybody), folder)
    replace(folder / USERS, _properties((user, f"ENC({hashed})") for user, hashed in hashes.items()), folder)
    return Accounts(sorted(wanted & known.keys()), added, sorted(known.keys() - wanted), sorted(speaking - possible))


def memory_gb(topics: int) -> int | None:
    """Return the gigabytes that Java needs for so many topics where what is shipped is not enough."""
    return -(-topics * MEMORY_A_TOPIC // 10**9) if topics > SHIPPED_TOPICS else None


def rights(devices: Iterable[str], reader: str, networks: Mapping[str, Sequence[str]]) -> Rights:
    """Return who may do what under which filter; what is in none of them is denied.

    Of several filters that match an address only the most exact counts, so each names everybody who has a right there.
    """
    found: Rights = defaultdict(lambda: defaultdict(list))
    heard = [text for filters in networks.values() for text in filters]
    for text in ("hearth/v1/#", f"hearth/v1/{reader}/#", *heard):
        _grant(found[text], HEAR, reader)
    _grant(found[f"hearth/v1/{reader}/#"], SEND, reader)  # where it tries what the broker keeps
    _grant(found[MANAGEMENT], (*SEND, "manage"), reader)
    for figure in FIGURES:
        _grant(found[f"mops.broker.{figure}"], ("view",), reader)
    if any(text.startswith(SPARKPLUG) for text in heard):
        _grant(found[f"{SPARKPLUG}+/NCMD/#"], SEND, reader)
    for name, filters in writers(networks).items():
        for text in filters:
            _grant(found[text], SEND, name)
    for name in sorted(devices):
        _grant(found[f"hearth/v1/{name}/telemetry"], SEND, name)
    return found


def rights_file(granted: Rights) -> str:
    """Render the rights as a part of broker.xml."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<!-- Written by `hearth registry artemis`. -->"]
    lines += ['<security-settings xmlns="urn:activemq:core">']
    for text, permissions in granted.items():
        lines += [f"   <security-setting match={quoteattr(text)}>"]
        lines += [
            f"      <permission type={quoteattr(kind)} roles={quoteattr(','.join(roles))}/>"
            for kind, roles in permissions.items()
        ]
        lines += ["   </security-setting>"]
    return "\n".join([*lines, "</security-settings>", ""])


def password_hash(password: str) -> str:
    """Hash a password as `artemis mask --hash` does: iterations, salt and PBKDF2 with SHA-1, in hexadecimal."""
    salt = secrets.token_bytes(SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, ITERATIONS, DIGEST_BYTES)
    return f"{ITERATIONS}:{salt.hex()}:{digest.hex()}"


def _grant(permissions: dict[str, list[str]], kinds: Iterable[str], role: str) -> None:
    for kind in kinds:
        if role not in permissions[kind]:
            permissions[kind].append(role)


def _hashes(file: Path) -> dict[str, str]:
    """Read the users: user → hash."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = (_LINE.fullmatch(line) for line in lines)
    return {_unescaped(line[1]): line[2].removeprefix("ENC(").removesuffix(")") for line in found if line}


def _properties(lines: Iterable[tuple[str, str]]) -> str:
    """Render a file of Java's properties, in ASCII."""
    return "".join(f"{_escaped(name)}={_escaped(value, '')}\n" for name, value in lines)


def _escaped(text: str, also: str = " :=#!") -> str:
    units = text.encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
    return "".join(
        f"\\u{code:04x}" if code > 126 else f"\\{chr(code)}" if chr(code) in "\\" + also else chr(code)
        for code in codes
    )


def _unescaped(text: str) -> str:
    units = b"".join(
        int(part[2:], 16).to_bytes(2) if part[:2] == "\\u" else part[-1].encode("utf-16-be")
        for part in re.findall(r"\\u[0-9a-f]{4}|\\.|.", text)
    )
    return units.decode("utf-16-be")

"""Passwords: what one has to be, and their hashes (argon2id, with the parameters of RFC 9106)."""

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.http.problem import unavailable
from api.words.problems import BUSY

SHORTEST, LONGEST = 10, 200
LEAST_DIFFERENT, LEAST_BESIDE_NAME = 5, 6
# What stands at the top of each list of guesses and is long enough to pass.
COMMON = frozenset(
    [
        "1234567890",
        "12345678910",
        "123456789a",
        "a123456789",
        "qwertyuiop",
        "1q2w3e4r5t",
        "1qaz2wsx3edc",
        "password123",
        "password1234",
        "administrator",
        "woaini1314",
        "woaini1314520",
        "qq123456789",
        "aa123456789",
        "hearth1234",
        "welcome123",
        "iloveyou123",
        "zxcvbnm123",
        "0987654321",
    ]
)
# Each takes 64 MiB and a tenth of a second of a core: without a bound, tries would take the memory of the machine.
AT_ONCE = 2
# Those that wait for their turn hold a thread each, of which others have need.
MOST_WAITING = 8
WAIT_S = 10.0

_HASHER = PasswordHasher()
_SLOTS = threading.BoundedSemaphore(AT_ONCE)
_PLACES = threading.BoundedSemaphore(AT_ONCE + MOST_WAITING)


def fault(password: str, sign_in_name: str | None) -> str | None:
    """Return the key of the words for what a new password lacks; None: nothing."""
    plain = _plain(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        return "fault_password_length"
    lower = plain.lower()
    beside_name = lower.replace(sign_in_name, "") if sign_in_name else lower
    if lower in COMMON or len(set(lower)) < LEAST_DIFFERENT or len(beside_name) < LEAST_BESIDE_NAME:
        return "fault_password_easy"
    return None


def hashed(password: str) -> str:
    """Return the hash to keep of a password.

    Raises:
        Problem: 503, too many are being hashed.
    """
    with _slot():
        return _HASHER.hash(_plain(password))


def is_right(known: str | None, password: str) -> bool:
    """Check a password against the hash that is known of it; None: of nobody, which takes as long.

    Raises:
        Problem: 503, too many are being checked.
    """
    with _slot():
        nobody = _of_nobody()  # whether it is needed or not: the first check takes longer for everybody
        try:
            _HASHER.verify(known or nobody, _plain(password))
        except (VerificationError, InvalidHashError):
            return False
    return known is not None


def is_outdated(known: str) -> bool:
    """Return whether a hash was made with other parameters than are used now."""
    return _HASHER.check_needs_rehash(known)


@cache
def _of_nobody() -> str:
    """Hash a password that nobody has, at the first check: no command that checks none has to wait for it."""
    return _HASHER.hash(secrets.token_urlsafe())


def _plain(password: str) -> str:
    """Return a password as it is hashed: however a keyboard composes its characters."""
    return unicodedata.normalize("NFKC", password)


@contextmanager
def _slot() -> Iterator[None]:
    """Take one of the few turns to hash, or a place among the few that wait for one."""
    if not _PLACES.acquire(blocking=False):
        raise unavailable(BUSY)
    try:
        if not _SLOTS.acquire(timeout=WAIT_S):
            raise unavailable(BUSY)
        try:
            yield
        finally:
            _SLOTS.release()
    finally:
        _PLACES.release()

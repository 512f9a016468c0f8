"""Codes by time (TOTP, RFC 6238) as authenticator apps show them: six digits by HMAC-SHA-1, new every 30 seconds."""

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20  # as long as the hash, RFC 4226 section 4
LATE_STEPS = 1  # a code of the step before or after counts, for clocks that differ


def new_secret() -> bytes:
    """Return a random secret."""
    return secrets.token_bytes(SECRET_BYTES)


def counter_at(at: datetime) -> int:
    """Return the number of the step of time that an instant is in."""
    return int(at.timestamp()) // STEP_S


def code(secret: bytes, counter: int, digits: int = DIGITS) -> str:
    """Return the code of a step (HOTP, RFC 4226 section 5.3)."""
    mac = hmac.digest(secret, counter.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching(secret: bytes, said: str, at: datetime) -> int | None:
    """Return the step that a code is of, if that is the present one or one beside it; else None."""
    present = counter_at(at)
    steps = range(present - LATE_STEPS, present + LATE_STEPS + 1)
    plain = "".join(said.split())
    matches = [n for n in steps if n >= 0 and hmac.compare_digest(code(secret, n).encode(), plain.encode())]
    return matches[-1] if matches else None


def written(secret: bytes) -> str:
    """Write a secret as people type it into an app."""
    return base64.b32encode(secret).decode()


def read(text: str) -> bytes | None:
    """Read a secret as `written` writes it; None if it is none."""
    try:
        secret = base64.b32decode(text)
    except ValueError:
        return None
    return secret if len(secret) == SECRET_BYTES else None


def address(secret: bytes, issuer: str, account: str) -> str:
    """Return the address that an app takes from a QR code."""
    label = f"{quote(issuer)}:{quote(account)}"
    return f"otpauth://totp/{label}?secret={written(secret)}&issuer={quote(issuer)}&digits={DIGITS}&period={STEP_S}"

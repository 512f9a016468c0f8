"""Proofs of messages between peers: signatures by Standard Webhooks, and those that Zammad and Frappe make.

Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, several signatures side by side while keys are changed. The two
others sign the body alone, so a message of theirs is known again by its body: the number beside it is not signed.
Sources: the specification of Standard Webhooks 1.0; admin-docs.zammad.org, "Webhook"; docs.frappe.io, "Webhooks".
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

PREFIX = "whsec_"
VERSION = "v1"
SHORTEST_KEY, LONGEST_KEY = 24, 64  # bytes
TOLERANCE = timedelta(minutes=5)  # between their clock and ours
MOST_SIGNATURES = 16
LONGEST_ID = 200
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class Proven(NamedTuple):
    """A request that is the peer's: the number of its message, and whether its proof has a time."""

    message: str
    is_timed: bool


def key_of(secret: str) -> bytes:
    """Read a key as Standard Webhooks writes it: `whsec_` and Base64.

    Raises:
        ValueError: it is none; the message does not repeat it.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        raise ValueError(f"is no key such as {PREFIX} and Base64") from None
    if not secret.startswith(PREFIX) or not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(f"is no key such as {PREFIX} and Base64 of {SHORTEST_KEY} to {LONGEST_KEY} bytes")
    return key


def signed(keys: Sequence[bytes], message: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers of a message, with a signature of each key."""
    seconds = str(int(at.timestamp()))
    made = " ".join(f"{VERSION},{_standard(key, message, seconds, body)}" for key in keys)
    return {ID: message, TIMESTAMP: seconds, SIGNATURE: made}


def proven(proof: str, keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime) -> Proven | None:
    """Return which message of the peer a request is; None: it does not prove to be one.

    Args:
        proof: standard, zammad or frappe.
        headers: by lower-case name.
    """
    match proof:
        case "zammad":
            return _by_zammad(keys, headers, body)
        case "frappe":
            return _by_frappe(keys, headers, body)
    return _by_standard(keys, headers, body, now)


def _by_standard(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime) -> Proven | None:
    message, seconds = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not 0 < len(message) <= LONGEST_ID or not seconds.isascii() or not seconds.isdecimal() or len(seconds) > 12:
        return None
    if abs(int(seconds) - now.timestamp()) > TOLERANCE.total_seconds():
        return None
    given = [one.partition(",")[2] for one in headers.get(SIGNATURE, "").split(" ") if one.startswith(f"{VERSION},")]
    made = [_standard(key, message, seconds, body) for key in keys]
    return Proven(message, is_timed=True) if _any(made, given[:MOST_SIGNATURES]) else None


def _standard(key: bytes, message: str, seconds: str, body: bytes) -> str:
    digest = hmac.new(key, f"{message}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _by_zammad(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes) -> Proven | None:
    made = ["sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest() for key in keys]
    return _by_body(body) if _any(made, [headers.get("x-hub-signature", "").lower()]) else None


def _by_frappe(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes) -> Proven | None:
    made = [base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode() for key in keys]
    return _by_body(body) if _any(made, [headers.get("x-frappe-webhook-signature", "")]) else None


def _by_body(body: bytes) -> Proven:
    return Proven(hashlib.sha256(body).hexdigest(), is_timed=False)


def _any(made: Sequence[str], given: Sequence[str]) -> bool:
    """Compare all with all, so that the time tells nothing."""
    return any([hmac.compare_digest(one.encode(), other.encode()) for one in made for other in given])

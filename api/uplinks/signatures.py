"""Proofs of the platforms that push: the signature of each, or a shared secret."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from ingest.push_table import PushEntry

# Of those that are signed by sorting, as in the header of a request.
SORTED = {"iotda": "sha256", "tencent": "sha1"}
SECRET_HEADER = "x-hearth-secret"


class Pushed(NamedTuple):
    """A request: headers by lower-case name, the secret of its query, and the body."""

    headers: Mapping[str, str]
    secret: str
    body: bytes


class OneNetBody(msgspec.Struct):
    """The body of OneNET's push: its message, as a text or as an object, and the signature."""

    msg: msgspec.Raw
    nonce: str
    signature: str = ""
    msg_signature: str = ""


def proven(entry: PushEntry, pushed: Pushed) -> bytes | None:
    """Return the message of a request that proves to be the platform's; None: it does not."""
    return PROOFS[entry.sign](entry, pushed)


def proves_address(entry: PushEntry, msg: str, nonce: str, signature: str) -> bool:
    """Return whether it is OneNET's trial of an address: signed as its messages are."""
    # A plus sign that was not encoded in the query arrives as a blank.
    return entry.sign == "onenet" and _same(_onenet(entry.token, nonce, msg.encode()), signature.replace(" ", "+"))


def _by_secret(entry: PushEntry, pushed: Pushed) -> bytes | None:
    """Check a secret: in a header, or in the query where a platform can be given nothing but an address."""
    bearer = pushed.headers.get("authorization", "").removeprefix("Bearer ")
    given = pushed.headers.get(SECRET_HEADER) or bearer or pushed.secret
    return pushed.body if _same(hashlib.sha256(given.encode()).hexdigest(), entry.secret_sha256) else None


def _by_onenet(entry: PushEntry, pushed: Pushed) -> bytes | None:
    """Check Base64(MD5(token + nonce + msg)); of a message that is an object, its text as it was sent counts."""
    try:
        body = msgspec.json.decode(pushed.body, type=OneNetBody)
        raw = bytes(body.msg)
        message = msgspec.json.decode(raw, type=str).encode() if raw.startswith(b'"') else raw
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    made = _onenet(entry.token, body.nonce, message)
    return pushed.body if _same(made, body.signature or body.msg_signature) else None


def _onenet(token: str, nonce: str, message: bytes) -> str:
    digest = hashlib.md5(token.encode() + nonce.encode() + message, usedforsecurity=False)
    return base64.b64encode(digest.digest()).decode()


def _by_sorting(entry: PushEntry, pushed: Pushed) -> bytes | None:
    """Check the hash of token, timestamp and nonce, sorted as texts and joined."""
    given = [pushed.headers.get(name, "") for name in ("timestamp", "nonce")]
    made = hashlib.new(SORTED[entry.sign], "".join(sorted([entry.token, *given])).encode()).hexdigest()
    return pushed.body if all(given) and _same(made, pushed.headers.get("signature", "").lower()) else None


def _same(made: str, given: str) -> bool:
    return hmac.compare_digest(made.encode(), given.encode())


PROOFS: dict[str, Callable[[PushEntry, Pushed], bytes | None]] = {
    "secret": _by_secret,
    "onenet": _by_onenet,
    "iotda": _by_sorting,
    "tencent": _by_sorting,
}

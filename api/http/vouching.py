"""Sessions that an identity provider vouches for: it is asked again at the first request after some minutes.

What it is asked with (its refresh token) is encrypted under a key made of the session's token, which the browser alone
has. A provider that refuses ends the session; one that does not answer leaves it for another minute.
"""

import json
import secrets
from datetime import datetime, timedelta

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from psycopg import Connection

from api.http.code_flow import CodeFlow, ProviderAway, ProviderTokens
from api.http.oidc import ProvenIdentity, TokenRefused
from store.base import access
from store.base.access import NOWHERE, Role
from store.staff import person_rows, session_rows, vouching_rows
from store.staff.credential_rows import ProvenPerson
from store.staff.person_rows import StaffEntry, StaffRefused
from store.staff.vouching_rows import UnvouchedSession

NONCE_BYTES = 12
# How long a session holds while its provider does not answer, before it is asked again.
AWAY_SPAN = timedelta(minutes=1)


def keep(conn: Connection, flow: CodeFlow, token: str, tokens: ProviderTokens, now: datetime) -> None:
    """Keep the tokens of a provider that has just vouched for a session."""
    until = now + flow.asked_every if tokens.refresh else None
    vouching_rows.vouch(conn, token, _sealed(token, tokens), until)


def tokens_of(conn: Connection, token: str, session: int) -> ProviderTokens | None:
    """Return the tokens that are kept for a session; None: it is not one of the provider."""
    sealed = vouching_rows.sealed_of(conn, session)
    return _opened(token, sealed) if sealed else None


def ask_again(conn: Connection, flow: CodeFlow, token: str, now: datetime) -> None:
    """Ask the provider about a session that lacks its word alone: it holds again then, or has ended.

    One request asks at a time; another that waited for it finds nothing left to ask.
    """
    access.enter(conn, NOWHERE)
    found = vouching_rows.unvouched(conn, token, now)
    if found is None:
        return
    tokens = _opened(token, found.sealed)
    try:
        proven, renewed = flow.renew(tokens, now)
        if proven is not None:
            _check_same(conn, flow, found, proven, now)
    except ProviderAway as error:
        structlog.get_logger().warning("provider_away", reason=str(error))
        vouching_rows.vouch(conn, token, found.sealed, now + min(AWAY_SPAN, flow.asked_every))
    except (TokenRefused, StaffRefused) as error:
        structlog.get_logger().info("session_not_vouched", staff=found.staff_id, reason=str(error))
        session_rows.end_one(conn, found.staff_id, found.session, now)
    else:
        keep(conn, flow, token, renewed, now)


def _check_same(
    conn: Connection, flow: CodeFlow, found: UnvouchedSession, proven: ProvenIdentity, now: datetime
) -> None:
    """Check that the provider vouches for the same person, and keep what it says of it now.

    Another role or station ends the person's sessions.
    """
    if _subject(flow, proven) != found.subject:
        raise TokenRefused("the provider vouches for somebody else")
    person(conn, flow, proven, now)


def person(conn: Connection, flow: CodeFlow, proven: ProvenIdentity, now: datetime) -> ProvenPerson:
    """Add or change the person that the claims make.

    Raises:
        TokenRefused: a customer.
        StaffRefused: the claims make no member of the staff.
    """
    role, station = proven.claims.role, proven.claims.station
    if role is Role.CUSTOMER:
        raise TokenRefused("a customer")
    entry = StaffEntry(
        name=proven.name,
        role=role,
        station=station if role is Role.CREW else None,
        sign_in_name=None,
        subject=_subject(flow, proven),
        active_from=now,
    )
    return ProvenPerson(person_rows.by_provider(conn, entry), entry.name, role.value)


def _subject(flow: CodeFlow, proven: ProvenIdentity) -> str:
    return f"{flow.oidc.issuer} {proven.claims.subject}"


def _sealed(token: str, tokens: ProviderTokens) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _cipher(token).encrypt(nonce, json.dumps(tokens).encode(), None)


def _opened(token: str, sealed: bytes) -> ProviderTokens:
    """Decrypt tokens; none, with which no provider vouches for anybody, where they are not of this session."""
    try:
        return ProviderTokens(*json.loads(_cipher(token).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)))
    except InvalidTag:
        return ProviderTokens(None, None)


def _cipher(token: str) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=b"provider tokens").derive(token.encode()))

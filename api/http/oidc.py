"""Bearer tokens of an identity provider (OpenID Connect): signed JWTs with identity, role and homes as claims."""

import hmac
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import jwt
from jwt import PyJWK, PyJWKClient, PyJWKClientConnectionError, PyJWKClientError, PyJWKSet
from jwt.types import Options

from store.base.access import Right, Role

# Asymmetric signatures only: a shared secret would let any verifier sign tokens, too.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LONGEST_TOKEN = 8_192
LONGEST_NAME = 100
SCOPE_PREFIX = "hearth:"
FETCH_S = 5.0


class TokenRefused(Exception):
    """The token is not valid here; the text is for the log, never for the caller."""


class KeysAway(Exception):
    """The signing keys of the provider are unavailable."""


class KeySource(Protocol):
    """A source of the provider's public keys."""

    def get_signing_key(self, kid: str) -> PyJWK:
        """Return the key with this id, or raise PyJWKClientError."""


class KeyFile:
    """Keys in a JWKS file, reloaded when it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._keys: dict[str | None, PyJWK] = {}

    def get_signing_key(self, kid: str) -> PyJWK:
        """Return the key with this id, or raise PyJWKClientError."""
        with self._lock:
            try:
                changed = self._path.stat().st_mtime
                if changed != self._read_at:
                    keys = PyJWKSet.from_json(self._path.read_text(encoding="utf-8")).keys
                    self._keys, self._read_at = {key.key_id: key for key in keys}, changed
            except (OSError, ValueError, jwt.PyJWTError) as error:
                raise PyJWKClientConnectionError(str(error)) from None
        if kid not in self._keys:
            raise PyJWKClientError("no such key")
        return self._keys[kid]


@dataclass(frozen=True)
class Claims:
    """The verified claims of a token; `subject` is the provider's own identifier of the person."""

    subject: str
    role: Role
    station: str | None
    homes: list[str]  # codes
    rights: frozenset[Right]


@dataclass(frozen=True)
class ProvenIdentity:
    """A person who has just signed in at the provider."""

    claims: Claims
    name: str


@contextmanager
def _refusing(token: str) -> Iterator[None]:
    """Turn what is wrong with a token, or with the keys, into the two errors that callers know."""
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused("too long")
    try:
        yield
    except PyJWKClientConnectionError as error:
        raise KeysAway(str(error)) from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused(str(error)) from None


@dataclass(frozen=True)
class Oidc:
    """A trusted identity provider.

    `role_claim`, `homes_claim` and `station_claim` name the claims to read; a dot descends into an object
    (`realm_access.roles`). The role claim is a role, or a list that contains exactly one of `Role`.
    """

    issuer: str
    audience: str
    keys: KeySource
    skew: timedelta = timedelta(seconds=30)
    role_claim: str = "hearth_role"
    homes_claim: str = "hearth_homes"
    station_claim: str = "hearth_station"

    def vouch(self, token: str, now: datetime) -> Claims:
        """Verify a token and return its claims.

        Raises:
            TokenRefused: signature, issuer, audience, time or claims are invalid.
            KeysAway: the signing keys are unavailable.
        """
        with _refusing(token):
            return self._claims(self._verified(token, now))

    def prove(self, token: str, nonce: str | None, now: datetime) -> "ProvenIdentity":
        """Verify an ID token that was asked for with a nonce (OpenID Connect Core, 3.1.3.7), and return its identity.

        Without a nonce: one that was given again to a refresh token (12.2).

        Raises:
            TokenRefused, KeysAway: as `vouch`; also if it was made for another request, or another client.
        """
        with _refusing(token):
            claims = self._verified(token, now)
            if nonce is not None and not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
                raise TokenRefused("the nonce is another")
            is_shared = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
            if claims.get("azp", None if is_shared else self.audience) != self.audience:
                raise TokenRefused("it was made for another client")
            names = (claims.get("name"), claims.get("preferred_username"), claims["sub"])
            name = next(name for name in names if isinstance(name, str) and name.strip())
            return ProvenIdentity(self._claims(claims), name.strip()[:LONGEST_NAME])

    def _verified(self, token: str, now: datetime) -> Mapping[str, Any]:
        claims = self._signed(token)
        self._check_times(claims, now)
        return claims

    def _signed(self, token: str) -> Mapping[str, Any]:
        key = self.keys.get_signing_key(str(jwt.get_unverified_header(token).get("kid", "")))
        # _check_times checks these against the clock of the request.
        options: Options = {
            "require": ["exp", "iss", "aud", "sub"],
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        }
        return jwt.decode(
            token, key, algorithms=ALGORITHMS, audience=self.audience, issuer=self.issuer, options=options
        )

    def _check_times(self, claims: Mapping[str, Any], now: datetime) -> None:
        at, skew = now.timestamp(), self.skew.total_seconds()
        if at >= float(claims["exp"]) + skew:
            raise TokenRefused("expired")
        if any(at < float(claims.get(name, at)) - skew for name in ("nbf", "iat")):
            raise TokenRefused("not valid yet")

    def _claims(self, claims: Mapping[str, Any]) -> Claims:
        homes, station = _at(claims, self.homes_claim), _at(claims, self.station_claim)
        codes = [homes] if isinstance(homes, str) else list(homes or ())
        if not all(isinstance(code, str) for code in codes) or not isinstance(station, str | None):
            raise TokenRefused("homes or station are no text")
        role = _role(_at(claims, self.role_claim))
        if (role is Role.CREW and not station) or (role is Role.CUSTOMER and not codes):
            raise TokenRefused("a crew without its station, or a customer without a home")
        return Claims(str(claims["sub"]), role, station, codes, _rights(claims.get("scope")))


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """Return the claim at a dotted path; a claim of that whole name goes first (`https://…/role`)."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _role(claim: object) -> Role:
    named = {claim} if isinstance(claim, str) else set(claim) if isinstance(claim, Collection) else set()
    roles = [role for role in Role if role.value in named]
    if len(roles) != 1:
        raise TokenRefused("the role claim does not name one role")
    return roles[0]


def _rights(scope: object) -> frozenset[Right]:
    """Read `hearth:read hearth:write` from the scope; a scope without either grants reading only."""
    words = scope.split() if isinstance(scope, str) else []
    named = frozenset(right for right in Right if SCOPE_PREFIX + right in words)
    return named or frozenset({Right.READ})


def provider(issuer: str, audience: str, source: str, **settings: Any) -> Oidc:
    """Make a provider from its JWKS, at a URL (https://…) or in a file."""
    if source.startswith(("https://", "http://")):
        return Oidc(issuer, audience, PyJWKClient(source, timeout=FETCH_S), **settings)
    return Oidc(issuer, audience, KeyFile(Path(source)), **settings)

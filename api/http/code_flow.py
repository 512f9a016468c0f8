"""Signing in at an identity provider: the authorization code flow of OpenID Connect, with PKCE, state and nonce."""

import base64
import hashlib
import json
import secrets
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit

from api.http.oidc import FETCH_S, KeysAway, Oidc, ProvenIdentity, TokenRefused

METADATA = "/.well-known/openid-configuration"
KEPT_S = 3_600.0
LONGEST_ANSWER = 1 << 18
SCOPE = "openid profile"


class ProviderAway(Exception):
    """The provider does not answer, or not as it should; the text is for the log."""


class Journey(NamedTuple):
    """The memory of a browser that was sent to the provider, in a cookie of its own."""

    state: str
    nonce: str
    verifier: str
    onward: str

    @classmethod
    def begin(cls, onward: str) -> "Journey":
        """Begin one, with secrets that nobody can guess."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32), onward)

    def written(self) -> str:
        """Write it as the value of a cookie."""
        return base64.urlsafe_b64encode(json.dumps(self).encode()).decode()

    @classmethod
    def read(cls, text: str) -> "Journey | None":
        """Read the value of a cookie; None if it is none of these."""
        try:
            parts = json.loads(base64.urlsafe_b64decode(text))
        except (ValueError, RecursionError):  # what a browser shows may be nested as deep as a cookie is long
            return None
        is_journey = isinstance(parts, list) and len(parts) == 4 and all(isinstance(part, str) for part in parts)
        return cls(*parts) if is_journey and all(parts[:3]) else None


class ProviderTokens(NamedTuple):
    """Tokens of a session at the provider: one to ask it again with, and the ID token, by which it is ended there."""

    refresh: str | None  # None: the provider gives none, so it cannot be asked again
    identity: str | None


@dataclass(frozen=True)
class CodeFlow:
    """A provider at which people sign in. `oidc` verifies its tokens, whose audience is `client_id` here.

    `asked_every`: after so long it has to vouch for a session again. `rests_s`: for so long it is asked about none
    after it has not answered, since each request that waits for it holds a connection.
    """

    oidc: Oidc
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    scope: str = SCOPE
    asked_every: timedelta = timedelta(minutes=5)
    rests_s: float = 10.0
    _known: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def metadata(self) -> Mapping[str, Any]:
        """Return what the provider says of itself, asked for once an hour.

        Raises:
            ProviderAway: it does not answer, or speaks for another issuer.
        """
        with self._lock:
            if self._known.get("until", 0.0) < time.monotonic():
                told = _fetched(urllib.request.Request(self.oidc.issuer.rstrip("/") + METADATA))
                if told.get("issuer") != self.oidc.issuer:
                    raise ProviderAway("its metadata are of another issuer")
                self._known.update(told=told, until=time.monotonic() + KEPT_S)
            known: Mapping[str, Any] = self._known["told"]
            return known

    def address(self, journey: Journey, back: str) -> str:
        """Return the address at which a person proves itself to the provider; `back` is where it leads afterwards.

        Raises:
            ProviderAway.
        """
        challenge = base64.urlsafe_b64encode(hashlib.sha256(journey.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": back,
            "scope": self.scope,
            "state": journey.state,
            "nonce": journey.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return _with(self._endpoint("authorization_endpoint"), asked)

    def identity(self, journey: Journey, code: str, back: str, now: datetime) -> tuple[ProvenIdentity, ProviderTokens]:
        """Exchange the code for tokens, and return the identity that they prove.

        Raises:
            ProviderAway: the provider does not answer.
            TokenRefused: it refuses the code, or the token is not valid here.
        """
        asked = {"code": code, "redirect_uri": back, "code_verifier": journey.verifier}
        given = self._given("authorization_code", asked)
        if given.identity is None:
            raise TokenRefused("the provider gave no ID token")
        return self._proven(given.identity, journey.nonce, now), given

    def renew(self, tokens: ProviderTokens, now: datetime) -> tuple[ProvenIdentity | None, ProviderTokens]:
        """Ask whether the provider still vouches for a session; the identity is None where it says no more than yes.

        Raises:
            ProviderAway: the provider does not answer.
            TokenRefused: it does not.
        """
        if tokens.refresh is None:
            raise TokenRefused("there is nothing to ask it with")
        if time.monotonic() < self._known.get("rests_until", 0.0):
            raise ProviderAway("it did not answer a moment ago")
        try:
            given = self._given("refresh_token", {"refresh_token": tokens.refresh})
        except ProviderAway:
            self._known["rests_until"] = time.monotonic() + self.rests_s
            raise
        proven = self._proven(given.identity, None, now) if given.identity else None
        return proven, ProviderTokens(given.refresh or tokens.refresh, given.identity or tokens.identity)

    def _given(self, grant: str, asked: Mapping[str, str]) -> ProviderTokens:
        form = urlencode({"grant_type": grant, **asked, "client_id": self.client_id})
        request = urllib.request.Request(self._endpoint("token_endpoint"), form.encode(), self._proof())
        told = _fetched(request)
        refresh, identity = told.get("refresh_token"), told.get("id_token")
        return ProviderTokens(
            refresh if isinstance(refresh, str) and refresh else None, identity if isinstance(identity, str) else None
        )

    def _proven(self, token: str, nonce: str | None, now: datetime) -> ProvenIdentity:
        try:
            return replace(self.oidc, audience=self.client_id).prove(token, nonce, now)
        except KeysAway as error:
            raise ProviderAway(str(error)) from None

    def way_out(self, back: str, identity: str | None = None) -> str | None:
        """Return the address at which a person signs out at the provider, too; None if there is none.

        With the ID token of the session the provider asks nobody whether that is meant.
        """
        found = self.metadata().get("end_session_endpoint")
        if not isinstance(found, str):
            return None
        meant = {"id_token_hint": identity} if identity else {}
        return _with(found, {"client_id": self.client_id, "post_logout_redirect_uri": back, **meant})

    def _endpoint(self, name: str) -> str:
        found = self.metadata().get(name)
        if not isinstance(found, str) or urlsplit(found).scheme not in ("https", urlsplit(self.oidc.issuer).scheme):
            raise ProviderAway(f"its metadata have no {name}")
        return found

    def _proof(self) -> dict[str, str]:
        if self.client_secret is None:
            return {"Accept": "application/json"}
        # RFC 6749, 2.3.1: both are encoded as in a form first.
        pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
        return {"Accept": "application/json", "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _with(address: str, fields: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(fields)}"


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would hand the code and the secret on."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Straight)


def _fetched(request: urllib.request.Request) -> Mapping[str, Any]:
    """Return the JSON object that the provider answers.

    Raises:
        ProviderAway: it does not answer, or with something else.
        TokenRefused: it refuses what was sent.
    """
    try:
        with _OPENER.open(request, timeout=FETCH_S) as answer:
            told = json.loads(answer.read(LONGEST_ANSWER))
    except HTTPError as error:
        error.close()
        if error.code in (400, 401):
            raise TokenRefused(f"the provider answered {error.code}") from None
        raise ProviderAway(f"it answered {error.code}") from None
    except (URLError, OSError, ValueError) as error:
        raise ProviderAway(str(error)) from None
    if not isinstance(told, dict):
        raise ProviderAway("it answered something else than an object")
    return told

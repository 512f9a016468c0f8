"""Resolve bearer tokens to callers."""

from collections.abc import Mapping
from datetime import datetime

from psycopg import Connection

from api.http.oidc import Claims, KeysAway, Oidc, TokenRefused
from api.http.problem import Problem, unauthorised, unavailable
from api.words.problems import KEYS_AWAY, WRONG_TOKEN
from store.base import access, many_callers
from store.base.access import EVERYWHERE, Asker


def vouched(oidc: Oidc | None, token: str, now: datetime) -> Claims | None:
    """Verify a token of the identity provider; None for one of Hearth's own. Needs no connection.

    Raises:
        Problem: 401 or 503.
    """
    if oidc is None or token.startswith(access.PREFIX):
        return None
    try:
        return oidc.vouch(token, now)
    except TokenRefused:
        raise unauthorised(WRONG_TOKEN) from None
    except KeysAway:
        raise unavailable(KEYS_AWAY) from None


def enter(conn: Connection, token: str, claims: Claims | None, now: datetime) -> Asker:
    """Resolve a bearer token to the caller, and limit the rest of the transaction to the caller's scope.

    Raises:
        Problem: 401.
    """
    found = access.enter_by(conn, token, now) if claims is None else _person(conn, claims, now)
    if found is None:
        raise unauthorised(WRONG_TOKEN)
    return found


def _person(conn: Connection, claims: Claims, now: datetime) -> Asker:
    access.enter(conn, EVERYWHERE)  # to look up home codes; the scope is narrowed before anything else is read
    homes = access.homes_now(conn, claims.homes, now)
    scope = access.reach(claims.role, claims.station, homes)
    access.enter(conn, scope, claims.role, claims.rights)
    subject = f"oidc {claims.subject}"
    return Asker(subject, subject, claims.role, scope, claims.rights)


def gone(conn: Connection, oidc: Oidc | None, held: Mapping[str, Asker], now: datetime) -> set[str]:
    """Return the tokens that are no longer valid, or whose scope has changed."""
    ours = [token for token in held if token.startswith(access.PREFIX)]
    found = many_callers.find_all(conn, ours, now)
    theirs = held.keys() - set(ours)
    return {token for token in ours if found.get(token) != held[token]} | {
        token for token in theirs if not _still_vouched(conn, oidc, token, held[token], now)
    }


def _still_vouched(conn: Connection, oidc: Oidc | None, token: str, known: Asker, now: datetime) -> bool:
    try:
        claims = vouched(oidc, token, now)
    except Problem as problem:
        return problem.status != 401  # while the provider's keys are unavailable, callers stay
    return claims is not None and _person(conn, claims, now) == known


def is_wrong_token(problem: Problem) -> bool:
    """Return whether the problem is an invalid token."""
    return problem.status == 401 and problem.detail is WRONG_TOKEN

"""Signing in at the identity provider: there and back, and the person that its claims make."""

import hmac
from datetime import timedelta
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from api.http import vouching
from api.http.code_flow import CodeFlow, Journey, ProviderAway, ProviderTokens
from api.http.oidc import ProvenIdentity, TokenRefused
from api.http.problem import no_such
from api.http.session import surroundings
from api.staff import door
from api.staff.cookies import PageCookie
from api.staff.door import DoorRoute, Next
from api.staff.session import SIGN_IN, local_path
from store.staff.person_rows import StaffRefused

PROVIDER = f"{SIGN_IN}/provider"
# Lax: the way back begins at another site.
JOURNEY_COOKIE = PageCookie("hearth-journey", "__Host-hearth-journey", "/", "lax")
JOURNEY_SPAN = timedelta(minutes=10)
Said = Annotated[str, Query(max_length=4_096)]

router = APIRouter(prefix=PROVIDER, route_class=DoorRoute, include_in_schema=False)


def _flow(request: Request) -> CodeFlow:
    flow = surroundings(request).provider
    if flow is None:
        raise no_such("provider")
    return flow


def _address(request: Request, path: str) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{path}"


@router.get("")
def there(request: Request, next: Next = None) -> Response:
    """Send a person to the provider."""
    journey = Journey.begin(local_path(next) or "")
    try:
        answer = RedirectResponse(_flow(request).address(journey, _address(request, f"{PROVIDER}/back")), 303)
    except ProviderAway as error:
        return _away(request, error)
    JOURNEY_COOKIE.keep(request, answer, journey.written(), JOURNEY_SPAN)
    return answer


@router.get("/back")
def back(request: Request, code: Said = "", state: Said = "", iss: Said | None = None) -> Response:
    """Take a person who comes back, if it is the one that was sent and the provider vouches for it."""
    flow = _flow(request)
    journey = Journey.read(JOURNEY_COOKIE.shown(request) or "")
    try:
        if journey is None or not hmac.compare_digest(journey.state.encode(), state.encode()):
            raise TokenRefused("the state is another: it was not this browser that was sent")
        if iss not in (None, flow.oidc.issuer):
            raise TokenRefused("another issuer answers")  # RFC 9207
        if not code:
            raise TokenRefused("no code")  # the person has not agreed, or the provider has not
        now = surroundings(request).clock()
        proven, tokens = flow.identity(journey, code, _address(request, f"{PROVIDER}/back"), now)
        answer = _let_in(request, flow, proven, tokens, journey.onward)
    except ProviderAway as error:
        answer = _away(request, error)
    except (TokenRefused, StaffRefused) as error:
        structlog.get_logger().warning("sign_in_refused", reason=str(error))
        answer = RedirectResponse(f"{SIGN_IN}?notice=provider_refused", 303)
    JOURNEY_COOKIE.drop(request, answer)
    return answer


def _let_in(request: Request, flow: CodeFlow, proven: ProvenIdentity, tokens: ProviderTokens, onward: str) -> Response:
    """Begin the session of the person that the claims tell of, who is added at the first time.

    Raises:
        TokenRefused: a customer, or a person whose access has ended.
        StaffRefused: the claims make no member of the staff.
    """
    if tokens.refresh is None:
        structlog.get_logger().warning("provider_gives_no_refresh_token")  # docs/security.md
    with door.outside(request, writes=True) as at:
        person = vouching.person(at.conn, flow, proven, at.now)
        answer = door.let_in(request, at, person, onward, tokens=tokens, provider=True)
    if answer is None:
        raise TokenRefused("the access has ended")
    return answer


def _away(request: Request, error: ProviderAway) -> Response:
    structlog.get_logger().warning("provider_away", reason=str(error))
    return RedirectResponse(f"{SIGN_IN}?notice=provider_away", 303)


def way_out(request: Request, identity: str) -> str | None:
    """Return where the session of an ID token ends at the provider; None: there is no such place, or it is away."""
    flow = surroundings(request).provider
    try:
        return flow.way_out(_address(request, SIGN_IN), identity) if flow else None
    except ProviderAway as error:
        structlog.get_logger().warning("provider_away", reason=str(error))
        return None


@router.get("/out")
def out(request: Request) -> Response:
    """Lead to where one signs out at the provider."""
    try:
        way = _flow(request).way_out(_address(request, SIGN_IN))
    except ProviderAway as error:
        return _away(request, error)
    return RedirectResponse(way or SIGN_IN, 303)

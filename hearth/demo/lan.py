"""The threshold of a demo: it is passed freely from this machine, from other devices with a key."""

import hmac
import socket
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hearth.words.demo import QR_ONLY

COOKIE = "hearth-demo"
KEY = "key"
WEEK_S = 7 * 86_400
LOOPBACK = frozenset({"127.0.0.1", "::1"})
HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})
ANYWHERE = ("192.0.2.1", 9)  # a documentation address: nothing is sent to it


def lan_address() -> str | None:
    """Return the address by which other devices in the network reach this machine; None: there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ANYWHERE)
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address in LOOPBACK else address


class Threshold:
    """Middleware that lets other devices in with the key alone, which becomes a cookie.

    What comes from this machine needs none, unless it asks for another name than this machine's: a page elsewhere may
    have had its own name point here.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app = app
        self.key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _from_here(scope) or self._is_key(_cookie(scope)):
            await self.app(scope, receive, send)
            return
        (shown,) = parse_qs(scope["query_string"].decode("latin-1")).get(KEY, [""])[:1]
        await self._answer(shown)(scope, receive, send)

    def _answer(self, shown: str) -> Response:
        if not self._is_key(shown):
            return PlainTextResponse(QR_ONLY, 403)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, shown, max_age=WEEK_S, httponly=True, samesite="lax")
        return answer

    def _is_key(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(), self.key.encode())


def _from_here(scope: Scope) -> bool:
    host = _header(scope, b"host").rpartition(":")
    name = host[0] if host[1] and host[2].isdigit() else "".join(host)
    return bool(scope.get("client")) and scope["client"][0] in LOOPBACK and name in HERE


def _cookie(scope: Scope) -> str:
    try:
        found = SimpleCookie(_header(scope, b"cookie")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")

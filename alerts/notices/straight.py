"""A request to the address that an operator named, and to no other."""

import ssl
import urllib.error
import urllib.request
from functools import cache
from http.client import HTTPMessage
from typing import IO

from alerts.notices.robot import of_status
from domain.notices import NotSent, SendFault

MOST_BYTES = 65_536  # of an answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An answer that sends us elsewhere is a refusal."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow nothing."""
        return None


@cache
def _opener() -> urllib.request.OpenerDirector:
    """Make what opens requests, without the proxies of the environment: they would see secrets of an address."""
    https = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect, https)


def ask(request: urllib.request.Request, timeout_s: float) -> bytes:
    """Send a request and return the beginning of its answer.

    Raises:
        NotSent: it was refused, or nobody knows.
    """
    try:
        with _opener().open(request, timeout=timeout_s) as answer:
            found: bytes = answer.read(MOST_BYTES)
            return found
    except urllib.error.HTTPError as error:
        error.close()
        raise of_status(error.code, error.headers.get("Retry-After", "")) from None
    except (OSError, ValueError) as error:
        raise NotSent(SendFault.UNREACHABLE, type(error).__name__, unsure=True) from None

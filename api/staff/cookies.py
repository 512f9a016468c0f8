"""Cookies of the staff's pages: each has a name under which browsers accept it over TLS alone."""

from datetime import timedelta
from typing import Literal, NamedTuple

from fastapi import Request
from starlette.responses import Response

from api.pages import visit


class PageCookie(NamedTuple):
    """A cookie that scripts cannot read. `safe_name`: `__Host-` or `__Secure-`, used unless it is this very machine."""

    name: str
    safe_name: str
    path: str
    same_site: Literal["lax", "strict"]

    def shown(self, request: Request) -> str | None:
        """Return the value that a browser shows."""
        return request.cookies.get(self._name(request)) or None

    def keep(self, request: Request, answer: Response, value: str, span: timedelta) -> None:
        """Have the browser keep a value."""
        answer.set_cookie(
            self._name(request),
            value,
            max_age=int(span.total_seconds()),
            path=self.path,
            secure=visit.is_secure(request),
            httponly=True,
            samesite=self.same_site,
        )

    def drop(self, request: Request, answer: Response) -> None:
        """Have the browser forget it."""
        answer.delete_cookie(
            self._name(request),
            self.path,
            secure=visit.is_secure(request),
            httponly=True,
            samesite=self.same_site,
        )

    def _name(self, request: Request) -> str:
        return self.safe_name if visit.is_secure(request) else self.name

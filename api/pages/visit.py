"""Visits to a page: the link and the cookie it becomes, the language, and readable error pages."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Coroutine, Mapping
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from api.http.form_request import FormRequest
from api.http.language import Language, preferred
from api.http.problem import Problem, is_unavailable, of_size
from api.http.session import asked_by, changed_by, surroundings
from api.pages.render import HOME, page
from api.words.problems import NO_TOKEN, WRONG_TOKEN
from store.base.access import Role
from store.base.away import TOO_LARGE

COOKIE = "hearth"
SAFE_COOKIE = "__Secure-hearth"  # browsers accept a cookie of this name over TLS only
LANGUAGE_COOKIE = "hearth-language"
CHOICES: Mapping[str | None, Language] = {"zh": "zh", "en": "en"}
# Marks that some page is open in this browser, not whose: as SameSite=Lax it is sent along from links elsewhere.
MARK_COOKIE = "hearth-open"
COOKIE_SECONDS = 400 * 86_400  # the most browsers keep; the token itself expires earlier
LONGEST_TOKEN = 4_096
LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})
TROUBLES = {403: "not_customer", 404: "not_found", 413: "too_large", 429: "too_many", 503: "away"}
CUSTOMERS = frozenset({Role.CUSTOMER})

reading = contextmanager(asked_by(CUSTOMERS))
writing = contextmanager(changed_by(CUSTOMERS))
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def shown_token(request: Request) -> str | None:
    """Return the token in the cookie."""
    return request.cookies.get(_cookie_name(request)) or None


def bearer(request: Request) -> HTTPAuthorizationCredentials | None:
    """Return the cookie as the bearer token of an API request. API routes themselves never read cookies."""
    token = shown_token(request)
    return as_bearer(token) if token else None


def let_in(request: Request, token: str) -> Response:
    """Move the token of a link into a cookie and redirect to a URL without it.

    The cookie is SameSite=Strict, so a browser that follows a link from elsewhere does not send it with the redirect;
    `opened` makes the page reload itself in that case.

    Raises:
        Problem: the token is invalid or not a customer's.
    """
    with reading(request, as_bearer(token)):
        pass
    return _in(request, token, f"{HOME}?opened=1")


def is_another(request: Request, token: str) -> bool:
    """Return whether the browser already has the page of another link open.

    Coming from elsewhere, a browser sends the mark but not the cookie itself.
    """
    shown = shown_token(request)
    return MARK_COOKIE in request.cookies if shown is None else shown != token


def marked(request: Request, answer: Response) -> Response:
    """Set the mark if it is missing: the page may have been opened before marks existed."""
    if MARK_COOKIE not in request.cookies:
        _mark(request, answer)
    return answer


def change_over(request: Request, token: str, key: str, code: str) -> Response:
    """Open the page of another link after confirmation on a page of this site.

    Raises:
        Problem: the token is invalid or not a customer's.
    """
    if not is_from_here(request, must=shown_token(request) is None):
        return sorry(request, "not_ours", 403)
    if (shown := shown_token(request)) is not None and not _same(form_token(shown, f"{key} {token}"), code):
        return sorry(request, "not_ours", 403)
    with reading(request, as_bearer(token)):
        pass
    return _in(request, token, HOME)


def as_bearer(token: str) -> HTTPAuthorizationCredentials:
    """Return a token as the bearer token of an API request."""
    return HTTPAuthorizationCredentials(scheme="Bearer", credentials=token)


def _in(request: Request, token: str, address: str) -> Response:
    answer = RedirectResponse(address, 303)
    answer.set_cookie(
        _cookie_name(request),
        token,
        max_age=COOKIE_SECONDS,
        path=HOME,
        secure=is_secure(request),
        httponly=True,
        samesite="strict",
    )
    _mark(request, answer)
    return answer


def _mark(request: Request, answer: Response) -> None:
    answer.set_cookie(
        MARK_COOKIE,
        "1",
        max_age=COOKIE_SECONDS,
        path=HOME,
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def let_out(request: Request) -> Response:
    """Delete the cookies of this device."""
    if not is_from_here(request):
        return sorry(request, "not_ours", 403)
    answer = RedirectResponse(HOME, 303)
    cookies: dict[str, Literal["strict", "lax"]] = {_cookie_name(request): "strict", MARK_COOKIE: "lax"}
    for name, same_site in cookies.items():
        answer.delete_cookie(name, HOME, secure=is_secure(request), httponly=True, samesite=same_site)
    return answer


def language_of(request: Request) -> Language:
    """Return the chosen language, or else the one the browser prefers."""
    return CHOICES.get(request.cookies.get(LANGUAGE_COOKIE)) or preferred(request.headers.get("accept-language"))


def choosing(request: Request, language: Language) -> Response:
    """Store a choice of language and redirect to the same page."""
    answer = RedirectResponse(str(request.url.remove_query_params("lang").replace(scheme="", netloc="")), 303)
    keep_language(request, answer, language)
    return answer


def keep_language(request: Request, answer: Response, language: Language) -> None:
    """Have the browser keep a language."""
    answer.set_cookie(
        LANGUAGE_COOKIE,
        language,
        max_age=COOKIE_SECONDS,
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def form_token(token: str, key: str) -> str:
    """Compute the anti-CSRF code of a form: it proves that this site issued the form to the bearer of the token."""
    return hmac.new(token.encode(), f"form {key}".encode(), hashlib.sha256).hexdigest()


def is_ours(request: Request, token: str | None, key: str, shown: str) -> bool:
    """Return whether this site issued a submitted form to the bearer of a token, who sends it."""
    return is_from_here(request) and token is not None and _same(form_token(token, key), shown)


def is_from_here(request: Request, *, must: bool = False) -> bool:
    """Return whether a form is from this site by its Origin header; `must`: the header is required."""
    origin = request.headers.get("origin")
    return not must if origin is None else urlsplit(origin).netloc == request.headers.get("host")


def _same(ours: str, shown: str) -> bool:
    return hmac.compare_digest(ours.encode(), shown.encode())


class PageRoute(APIRoute):
    """A route that answers errors with pages."""

    def get_route_handler(self) -> Handler:
        """Wrap the handler so that forms are read in one way and errors become readable pages."""
        handle = super().get_route_handler()

        async def handle_readably(received: Request) -> Response:
            request = FormRequest(received.scope, received.receive)
            try:
                await self.admit(request)
                return await handle(request)
            except Problem as problem:
                if problem.delay_s:
                    await asyncio.sleep(problem.delay_s)
                return self.explain(request, problem)
            except HTTPException as error:
                return self.sorry(request, "not_ours", error.status_code)
            except RequestValidationError:
                return self.sorry(request, "not_found", 404)
            except TOO_LARGE as error:
                return self.explain(request, of_size(error))
            except Exception as error:
                if is_unavailable(error):
                    return self.sorry(request, "away", 503)
                structlog.get_logger().error("page_failed", page=request.scope["route"].path, exc_info=error)
                return self.sorry(request, "fault", 500)
            finally:
                await request.close()  # the files of its form

        return handle_readably

    async def admit(self, request: Request) -> None:
        """Check a request before it is handled; raises Problem."""

    def explain(self, request: Request, problem: Problem) -> Response:
        """Answer a problem."""
        return self.sorry(request, _trouble(problem), problem.status, problem.headers)

    def sorry(self, request: Request, trouble: str, status: int, headers: dict[str, str] | None = None) -> Response:
        """Explain what went wrong and what to do."""
        return sorry(request, trouble, status, headers)


def sorry(request: Request, trouble: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """Render a page that explains a problem and what to do; `trouble` is a key of api.pages.words."""
    answer = page(
        "message.html",
        language_of(request),
        trouble=trouble,
        hotline=surroundings(request).company.hotline,
        here=f"{request.url.path}?",
    )
    answer.status_code = status
    if "token" in request.query_params:
        answer.headers["Referrer-Policy"] = "no-referrer"  # not even to this site: the URL contains the token
    if headers and "Retry-After" in headers:
        answer.headers["Retry-After"] = headers["Retry-After"]
    return answer


def _trouble(problem: Problem) -> str:
    if problem.detail is NO_TOKEN:
        return "no_link"
    if problem.detail is WRONG_TOKEN:
        return "bad_link"
    return TROUBLES.get(problem.status, "fault")


def is_secure(request: Request) -> bool:
    """Return whether cookies are marked Secure: always, except over plain HTTP on the local machine (or in a demo)."""
    host = request.url.hostname
    return request.url.scheme == "https" or not (host in LOCAL or host in request.app.state.plain_hosts)


def _cookie_name(request: Request) -> str:
    return SAFE_COOKIE if is_secure(request) else COOKIE

"""Sessions of people in the browser: the cookie, who may open a page, and forms that only our own pages can send.

A session is a token in a cookie. Routes of the API never read cookies; a page opens the same `Session` as they do, so
scope, rights, row-level security and the audit log are the same. Every POST to a StaffRoute has to carry the seal of a
form that this site issued to the session (`seal`, templates/staff/parts.html).
"""

import asyncio
import re
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Annotated, NamedTuple
from urllib.parse import quote, unquote, urlencode, urlsplit

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from api.http.form_request import FormRequest
from api.http.language import Language
from api.http.problem import Problem, forbidden, unauthorised
from api.http.session import STAFF, Session, asked_by, changed_by, surroundings
from api.pages import visit
from api.pages.render import page
from api.staff.cookies import PageCookie
from api.words.problems import NO_TOKEN, NOT_SEALED
from store.base.access import Asker, Person, Right, Role
from store.staff import session_rows

COOKIE = "hearth-staff"
# Lax: a link from elsewhere, as from Grafana, arrives signed in.
SESSION = PageCookie(COOKIE, "__Host-hearth-staff", "/", "lax")
SIGN_IN = "/sign-in"
START = {Role.CREW: "/crew"}  # where a person lands after signing in
USUAL_START = "/desk"
# Where `next` may lead.
TROUBLES = {403: "not_for_role", 404: "not_found", 413: "too_large", 429: "too_many", 503: "away"}
AREAS = ("/desk", "/crew", "/account")
Opening = Callable[[Request], Iterator[Session]]
FILE_OF = "file-of-"  # begins the name of a field that has the name of a file to be chosen once more
LONGEST_FILENAME = 200
KEY = re.compile(r"[A-Za-z0-9_-]{20,64}")
CODED = re.compile(r"[\w.:+-]*", re.ASCII)  # keys, numbers and choices, which say nothing to anybody who reads them


def shown_token(request: Request) -> str | None:
    """Return the token in the cookie."""
    return SESSION.shown(request)


def keep_session(request: Request, answer: Response, token: str, role: Role) -> None:
    """Put a session into the cookie."""
    SESSION.keep(request, answer, token, surroundings(request).spans.of(role).longest)


def signed_in(roles: Collection[Role], right: Right = Right.READ) -> Opening:
    """Make a dependency that opens the session of a person of these roles; with Right.WRITE one that commits.

    As a context manager: `contextmanager(signed_in(DESK))`. It raises Problem, which a StaffRoute answers with a page:
    401 leads to the page for signing in and back.
    """
    opening = contextmanager(changed_by(roles) if right is Right.WRITE else asked_by(roles))

    def open_session(request: Request) -> Iterator[Session]:
        token = shown_token(request)
        with opening(request, visit.as_bearer(token) if token else None) as session:
            person_of(session)
            yield session
        _record_use(request, session)

    return open_session


def person_of(session: Session) -> Person:
    """Return the person whose session it is.

    Raises:
        Problem: 401, it is the token of a machine.
    """
    if session.asker.person is None:
        raise unauthorised(NO_TOKEN)
    return session.asker.person


def _record_use(request: Request, session: Session) -> None:
    """Record now and then that a session is in use; a page that refreshes itself is not."""
    person = person_of(session)
    by_itself = request.method == "GET" and request.headers.get("sec-fetch-dest") == "empty"
    if not by_itself and session_rows.is_to_be_written(person, session.now):
        with surroundings(request).pool.connection() as conn:
            conn.read_only = False
            session_rows.use(conn, person, session.now)


def start_of(role: Role) -> str:
    """Return the page at which a role begins."""
    return START.get(role, USUAL_START)


def way_in(role: Role, person: int, onward: str | None) -> str:
    """Return where somebody who has signed in is led. A crew's phone hears whose pages it keeps from then on."""
    path = local_path(onward) or start_of(role)
    if role is not Role.CREW:
        return path
    return f"{START[role]}/begin?{urlencode({'person': person, 'next': path})}"


def local_path(text: str | None) -> str | None:
    """Return a path within the pages of the staff as it is; None for all else, such as another site."""
    if not text or any(ord(letter) < 33 or letter == "\\" for letter in text) or len(text) > 2_000:
        return None
    parts = urlsplit(text)
    if any(unquote(step) in (".", "..") for step in parts.path.split("/")):  # which leads out of them again
        return None
    is_inside = any(parts.path == area or parts.path.startswith(f"{area}/") for area in AREAS)
    return text if is_inside and not parts.scheme and not parts.netloc else None


def page_before(request: Request) -> str:
    """Return the page to come back to: the one asked for, or that of the form that was sent."""
    if request.method in ("GET", "HEAD"):
        return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    parts = urlsplit(request.headers.get("referer", ""))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


class StaffRoute(visit.PageRoute):
    """A route for people who are signed in: its errors are pages, and its forms are sealed.

    A form that came without a session, or with a seal of another one, is shown again with all that was written, to be
    sent as the person who is signed in by then.
    """

    may_come_again = True

    def get_route_handler(self) -> visit.Handler:
        """Wrap the handler so that a choice of language is taken, and answers can be delayed."""
        handle = super().get_route_handler()

        async def handle_here(request: Request) -> Response:
            chosen = visit.CHOICES.get(request.query_params.get("lang"))
            if request.method == "GET" and chosen:
                return visit.choosing(request, chosen)
            answer = await handle(request)
            if delay_s := getattr(request.state, "delay_s", 0.0):
                await asyncio.sleep(delay_s)
            return answer

        return handle_here

    async def admit(self, request: Request) -> None:
        """Refuse a form that is not one of this session."""
        if request.method in ("GET", "HEAD"):
            return
        token = shown_token(request)
        if token is None:
            if self.may_come_again:
                await request.form()
            raise unauthorised(NO_TOKEN)
        await check_seal(request, token)

    def explain(self, request: Request, problem: Problem) -> Response:
        """Answer a problem: without a session, lead to signing in and back; what was written is kept."""
        if problem.status == 401:
            return self._to_sign_in(request)
        token, written = shown_token(request), self._written(request)
        if problem.detail is NOT_SEALED and written and token:
            # It is from this site, of an earlier session: one of this session has a new seal, once it was looked at.
            return _again(request, _sealed_again(written, token), 403)
        trouble = TROUBLES.get(problem.status, "fault")
        if problem.detail is NOT_SEALED:
            trouble = "not_ours"
        return self.sorry(request, trouble, problem.status, problem.headers)

    def _to_sign_in(self, request: Request) -> Response:
        # Browsers of before 2023 do not say what a request is for; the crew's script says what it accepts.
        if request.headers.get("sec-fetch-dest") == "empty" or request.headers.get("accept") == "application/json":
            answer = self.sorry(request, "signed_out", 401)  # a script asked, which a redirect would not help
        elif written := self._written(request):
            answer = _again(request, written, 401)
        else:
            back = local_path(page_before(request))
            answer = RedirectResponse(f"{SIGN_IN}?next={quote(back, safe='/')}" if back else SIGN_IN, 303)
        SESSION.drop(request, answer)
        return answer

    def _written(self, request: Request) -> list[tuple[str, str]]:
        """Return the fields of a form of this site; of a file its name, since no page can fill it in again."""
        form = request.read_form if isinstance(request, FormRequest) else None
        if not self.may_come_again or not form or not visit.is_from_here(request, must=True):
            return []
        fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        files = [
            (name, file.filename) for name, file in form.multi_items() if isinstance(file, UploadFile) and file.filename
        ]
        return [*fields, *((f"{FILE_OF}{name}", filename[:LONGEST_FILENAME]) for name, filename in files)]

    def sorry(self, request: Request, trouble: str, status: int, headers: dict[str, str] | None = None) -> Response:
        """Explain what went wrong, with the way back: `/sign-in` leads those who are signed in to where they begin."""
        answer = page(
            "staff/message.html",
            _language_of(request),
            trouble=trouble,
            here=f"{request.url.path}?",
        )
        answer.status_code = status
        if headers and "Retry-After" in headers:
            answer.headers["Retry-After"] = headers["Retry-After"]
        return answer


class SecretRoute(StaffRoute):
    """A route whose forms hold passwords and codes, or nothing worth keeping: they are on no page again."""

    may_come_again = False


def _sealed_again(written: list[tuple[str, str]], token: str) -> list[tuple[str, str]]:
    """Return a form with the seal of another session; by its key it is still taken once."""
    sealed = [(name, value) for name, value in written if name not in ("key", "code")]
    key = next((value for name, value in written if name == "key" and KEY.fullmatch(value)), None)
    return [*seal(token, key)._asdict().items(), *sealed]


def _again(request: Request, fields: list[tuple[str, str]], status: int) -> Response:
    """Show a form again that was not taken, with what was written."""
    back = local_path(page_before(request))
    files = [(name.removeprefix(FILE_OF), value) for name, value in fields if name.startswith(FILE_OF)]
    if status == 403:  # from here on there is a field for each
        fields = [(name, value) for name, value in fields if not name.startswith(FILE_OF)]
    answer = page(
        "staff/again.html",
        _language_of(request),
        is_signed_in=status == 403,
        action=f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
        sign_in=f"{SIGN_IN}?next={quote(back, safe='/')}" if back else SIGN_IN,
        fields=fields,
        texts=[value for name, value in fields if not CODED.fullmatch(value) and not name.startswith(FILE_OF)],
        files=files,
        is_multipart=request.headers.get("content-type", "").startswith("multipart/form-data"),
        here=None,  # another language would be another page, without what was written
    )
    answer.status_code = status
    return answer


def _language_of(request: Request) -> Language:
    """Return the language chosen in this browser, or else that of the person who was found, or of the browser."""
    asker: Asker | None = getattr(request.state, "asker", None)
    own = asker.person.language if asker and asker.person else None
    chosen = visit.CHOICES.get(request.cookies.get(visit.LANGUAGE_COOKIE)) or visit.CHOICES.get(own)
    return chosen or visit.language_of(request)


class FormSeal(NamedTuple):
    """The two hidden fields that prove that this site issued a form to the session; templates/staff/parts.html."""

    key: str  # random; a form that must be taken once is known by it
    code: str


def seal(token: str, key: str | None = None) -> FormSeal:
    """Seal a form for the bearer of a token."""
    key = key or secrets.token_urlsafe(24)
    return FormSeal(key, visit.form_token(token, key))


async def check_seal(request: Request, token: str) -> None:
    """Check that this site issued the form to the bearer of a token.

    Raises:
        Problem: 403.
    """
    form = await request.form()
    key, code = form.get("key"), form.get("code")
    if not isinstance(key, str) or not isinstance(code, str) or not visit.is_ours(request, token, key, code):
        raise forbidden(NOT_SEALED)


AskingPerson = Annotated[Session, Depends(signed_in(STAFF), scope="function")]
ChangingPerson = Annotated[Session, Depends(signed_in(STAFF, Right.WRITE), scope="function")]

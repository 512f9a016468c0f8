"""The frame of every page of the staff: who is signed in, and the language."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from starlette.responses import Response

from api.http.language import Language
from api.http.session import Session
from api.pages import visit
from api.pages.render import Times, page
from api.staff.session import local_path, page_before, person_of, seal, shown_token


def language_of(request: Request, session: Session) -> Language:
    """Return the language chosen in this browser, or else the person's own."""
    chosen = visit.CHOICES.get(request.cookies.get(visit.LANGUAGE_COOKIE))
    return chosen or visit.CHOICES[person_of(session).language]


def here(request: Request) -> str:
    """Return the address of a page, or the one a form was on, to which the choice of a language can be added."""
    path, query = request.url.path, request.url.query
    if request.method == "POST" and (before := local_path(page_before(request))):
        path, _, query = before.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "lang"]
    return f"{path}?{urlencode(kept)}&" if kept else f"{path}?"


def staff_page(request: Request, session: Session, template: str, **context: Any) -> Response:
    """Render a page for the person who is signed in; its template extends `staff/base.html`."""
    language = language_of(request, session)
    return page(
        template,
        language,
        me=person_of(session),
        role=session.asker.role.value,
        seal=seal(shown_token(request) or ""),
        here=here(request),
        times=Times(language, session.policy.zone, session.now),
        **context,
    )

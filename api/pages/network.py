"""The public page of the network status."""

from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.figures.status import CACHED, posted
from api.http.problem import no_such
from api.http.session import surroundings
from api.pages import visit
from api.pages.libraries import NAMES, fetched_version, library_answer
from api.pages.render import AT, STATIC, Times, page, static, static_at

router = APIRouter(route_class=visit.PageRoute, include_in_schema=False)


@router.get("/status")
def network(request: Request, lang: Literal["zh", "en"] | None = None) -> Response:
    """Show outages and how many homes are warm."""
    if lang is not None:
        return visit.choosing(request, lang)
    given, language = surroundings(request), visit.language_of(request)
    answer = page(
        "status.html",
        language,
        status=posted(request),
        times=Times(language, given.policy.zone, given.clock()),
        hotline=given.company.hotline,
        zone=given.policy.zone.key,
        here="/status?",
    )
    answer.headers["Cache-Control"] = CACHED.replace("public", "private")  # the page depends on the visitor's language
    return answer


@router.get("/pages/{name}")
def file(name: str) -> Response:
    """Serve a static file of the pages."""
    if name not in STATIC:
        raise no_such("file")
    return static(name)


@router.get(AT + "{version}/{name}")
def file_at(version: str, name: str) -> Response:
    """Serve a static file of a version of the pages."""
    if name not in STATIC:
        raise no_such("file")
    return static_at(version, name)


@router.get("/pages/lib/{version}/{name}")
def script(request: Request, version: str, name: str) -> Response:
    """Serve a library that was fetched at set-up."""
    if name not in NAMES or version != fetched_version():
        raise no_such("file")
    return library_answer(request, name, surroundings(request).basemap.origins)

"""The front page: a door for everybody who comes without knowing an address.

It holds no token. Only a demo puts further doors there (`app.state.front_doors`), and serves what they lead to itself:
there is no setting for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.session import surroundings
from api.pages import visit
from api.pages.render import page

router = APIRouter(route_class=visit.PageRoute, include_in_schema=False)


@dataclass(frozen=True)
class FrontDoors:
    """The doors of a demo: addresses by role, and the picture of a code that brings a telephone here."""

    roles: Mapping[str, str]
    phone: str | None = None


@router.get("/")
def front(request: Request, lang: Literal["zh", "en"] | None = None) -> Response:
    """Show the doors."""
    if lang is not None:
        return visit.choosing(request, lang)
    doors: FrontDoors | None = request.app.state.front_doors
    return page(
        "front.html",
        visit.language_of(request),
        doors=doors,
        hotline=surroundings(request).company.hotline,
        here="/?",
    )

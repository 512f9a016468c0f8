"""Files of tickets on the pages of the staff: as the API gives them, for a session in a cookie."""

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.desk.desk_routes import Number
from api.files import file_routes
from api.files.file_routes import FileId, IfNoneMatch
from api.http.session import Session
from api.staff.file_form import FileFormRoute
from api.staff.session import signed_in
from store.base.access import Role


def files_router(prefix: str, roles: Collection[Role]) -> APIRouter:
    """Make the routes that show the files of a ticket to some roles; the caller adds the one that takes a file.

    Args:
        prefix: ends with `/tickets/{number}/files`, where bodies may be as long as files (api/http/guard.py).
    """
    router = APIRouter(prefix=prefix, route_class=FileFormRoute, include_in_schema=False)
    asking_of = Depends(signed_in(roles), scope="function")

    @router.get("/{id}")
    def file(
        request: Request,
        number: Number,
        id: FileId,
        asking: Annotated[Session, asking_of],
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Show a file."""
        return file_routes.file(request, number, id, asking, if_none_match)

    @router.get("/{id}/thumbnail")
    def thumbnail(
        request: Request,
        number: Number,
        id: FileId,
        asking: Annotated[Session, asking_of],
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Show the small picture of a file."""
        return file_routes.thumbnail(request, number, id, asking, if_none_match)

    return router

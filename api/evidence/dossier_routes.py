"""The evidence dossier of a home, to take to a supervisor or a court (papers/dossier/compose.py says what is in it)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response

from api.homes.exports import place_for_export
from api.homes.home_routes import Code, FromDay, ToDay, home_id, today
from api.http.download import Download, file_for
from api.http.problem import FieldFault, forbidden, invalid, unavailable
from api.http.session import Asking, Session, names_of, surroundings
from api.words import problems
from papers.dossier.compose import DossierMeans, DossierRequest, compose
from papers.dossier.lines import DossierAudience
from papers.dossier.readings import MOST_READINGS, TooMuch
from store.base.access import Role
from store.tickets.file_contents import FileMissing

DEFAULT_SPAN = timedelta(days=30)
LONGEST_SPAN = timedelta(days=400)  # a heating season, or a whole year
DAY = timedelta(days=1)
ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The dossier; its root digest is the ETag",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "Not changed since the ETag in If-None-Match"},
}

router = APIRouter(prefix="/v1", tags=["evidence"])


def place(request: Request) -> Iterator[None]:
    """Take an export slot for writing a dossier."""
    with place_for_export(request):
        yield


Place = Annotated[None, Depends(place, scope="function")]
For = Annotated[
    DossierAudience | None,
    Query(alias="for", description="audience; default: by the caller's role. Customers get the user's version only"),
]


@dataclass(frozen=True)
class DossierQuery:
    """The query keys of a dossier: its span and its audience."""

    begin: FromDay = None
    end: ToDay = None
    view: For = None


@router.get("/homes/{code}/evidence", response_class=Download, status_code=200, responses=ZIP)
def evidence(
    request: Request,
    code: Code,
    place: Place,
    asking: Asking,
    query: Annotated[DossierQuery, Depends()],
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Get all evidence on a home for a span of local days, as one self-verifying ZIP."""
    wanted = _wanted(asking, code, query)
    asking.conn.rollback()  # the caller is known; the dossier is read in a transaction of its own
    given = surroundings(request)
    means = DossierMeans(given.company.key, given.attachments.store, given.history)
    with file_for(given.downloads, names_of(request, asking)) as sheet:
        try:
            tag = f'"{compose(asking.conn, asking.scope, asking.policy, wanted, sheet.file, means)}"'
        except TooMuch:
            raise invalid(FieldFault("from", problems.TOO_MUCH.fill(most=MOST_READINGS))) from None
        except FileMissing:
            raise unavailable(problems.FILE_STORE_AWAY) from None
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", f"evidence-{code}-{wanted.first}-{wanted.end}")
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in (if_none_match or ""):
        sheet.close()
        return Response(status_code=304, headers=headers)
    headers |= {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return Download(sheet, headers, "application/zip")


def _wanted(asking: Session, code: str, query: DossierQuery) -> DossierRequest:
    """Check what is requested against the caller's rights.

    Raises:
        Problem: 403, 404, 422.
    """
    customer = asking.asker.role is Role.CUSTOMER
    if customer and query.view is DossierAudience.STAFF:
        raise forbidden(problems.STAFF_ONLY)
    tomorrow = today(asking) + DAY
    end = query.end or tomorrow
    first = query.begin or end - DEFAULT_SPAN
    if end > tomorrow:
        raise invalid(FieldFault("to", problems.FUTURE))
    home = home_id(asking, code)
    if since := asking.scope.since.get(home):
        first = max(first, since.day)  # earlier records belong to a previous resident
    if first >= end:
        raise invalid(FieldFault("from", problems.NO_SPAN))
    if end - first > LONGEST_SPAN:
        raise invalid(FieldFault("from", problems.LONGER_THAN.fill(days=LONGEST_SPAN.days)))
    audience = query.view or (DossierAudience.USER if customer else DossierAudience.STAFF)
    return DossierRequest(home, code, first, end, audience)

"""The evidence dossier of a home, to take to a supervisor or a court (api/dossier.py says what is in it)."""

import re
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from typing import IO, Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from api.dossier import MOST_READINGS, TooMuch, Wanted, compose
from api.dossier_rows import View
from api.exports import place_for_export
from api.homes import Code, FromDay, ToDay, home_id, today
from api.problem import Fault, forbidden, invalid
from api.session import Asking, Session
from domain.reasons import Text
from store.access import Role

DEFAULT_SPAN = timedelta(days=30)
LONGEST_SPAN = timedelta(days=400)  # a heating season, or a whole year
DAY = timedelta(days=1)
IN_MEMORY = 8 << 20  # bytes of a dossier; what is more is on disk
BLOCK = 1 << 16
TOO_LONG = Text(f"早于 to 超过 {LONGEST_SPAN.days} 天", f"is more than {LONGEST_SPAN.days} days before `to`")
NO_SPAN = Text("须早于 to", "must be before `to`")
FUTURE = Text("晚于明天", "is later than tomorrow")
TOO_MUCH = Text(f"该时段读数超过 {MOST_READINGS} 条", f"there are more than {MOST_READINGS} readings in the span")
STAFF_ONLY = Text("内部版本仅供供热单位", "that view is for the company's people")
ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The dossier; its root digest is the ETag",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "Nothing has changed since the ETag in If-None-Match"},
}

router = APIRouter(prefix="/v1", tags=["evidence"])


def sheet(request: Request) -> Iterator[IO[bytes]]:
    """Where a dossier is written, until the last byte is on its way; so many at once and no more."""
    with place_for_export(request), tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        yield file


Sheet = Annotated[IO[bytes], Depends(sheet, scope="request")]
For = Annotated[
    View | None,
    Query(alias="for", description="whom it is made for; default: what the asker is. A customer gets the user's only"),
]


@router.get("/homes/{code}/evidence", response_class=StreamingResponse, responses=ZIP)
def evidence(
    code: Code,
    file: Sheet,
    asking: Asking,
    begin: FromDay = None,
    end: ToDay = None,
    view: For = None,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Everything on record of a home for a span of local days, in one ZIP that proves itself."""
    wanted = _wanted(asking, code, begin, end, view)
    asking.conn.rollback()  # who asks is known; all that follows is read in a transaction of its own
    try:
        tag = f'"{compose(asking.conn, asking.scope, asking.policy, wanted, file)}"'
    except TooMuch:
        raise invalid(Fault("from", TOO_MUCH)) from None
    size = file.tell()
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", f"evidence-{code}-{wanted.first}-{wanted.end}")
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in (if_none_match or ""):
        return Response(status_code=304, headers=headers)
    headers |= {"Content-Disposition": f'attachment; filename="{name}.zip"', "Content-Length": str(size)}
    return StreamingResponse(_blocks(file), headers=headers, media_type="application/zip")


def _wanted(asking: Session, code: str, begin: FromDay, end: ToDay, view: View | None) -> Wanted:
    """What is asked for, if it may be.

    Raises:
        Problem: 403, 404, 422.
    """
    customer = asking.asker.role is Role.CUSTOMER
    if customer and view is View.STAFF:
        raise forbidden(STAFF_ONLY)
    tomorrow = today(asking) + DAY
    end = end or tomorrow
    first = begin or end - DEFAULT_SPAN
    if end > tomorrow:
        raise invalid(Fault("to", FUTURE))
    home = home_id(asking, code)
    if since := asking.scope.since.get(home):
        first = max(first, since.day)  # what is older is not this resident's
    if first >= end:
        raise invalid(Fault("from", NO_SPAN))
    if end - first > LONGEST_SPAN:
        raise invalid(Fault("from", TOO_LONG))
    return Wanted(home, code, first, end, view or (View.USER if customer else View.STAFF))


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(BLOCK):
        yield block

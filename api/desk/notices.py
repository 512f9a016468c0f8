"""Routes for notices: recipients, channels and delivery results."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from api.desk.outages import OutageNotice, told_page
from api.http.paging import Page, Paged
from api.http.session import AskingDesk
from store.notices import notice_rows

Number = Annotated[str | None, Query(max_length=40, pattern=r"^[^\x00]+$")]

router = APIRouter(prefix="/v1", tags=["notices"])


@router.get("/notices")
def notices(
    asking: AskingDesk,
    paged: Paged,
    state: Literal["waiting", "sending", "sent", "failed"] | None = None,
    ticket: Number = None,
    home: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")] = None,
) -> Page[OutageNotice]:
    """List notices, newest first: all, or those of a ticket or to the users of a home. Addresses are not shown."""
    return told_page(asking, paged, notice_rows.NoticeFilter(state=state, ticket=ticket, home=home))

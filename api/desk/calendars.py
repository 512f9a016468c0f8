"""Calendars of people: an address with a secret that shows the person's own shifts (RFC 5545), without signing in."""

import secrets
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from starlette.responses import Response

from api.desk.rota import signed_in_person
from api.http.language import Language
from api.http.problem import no_such
from api.http.session import ChangingStaff, Session, address_of, surroundings
from api.words.rota import CALENDAR_ENTRY, CALENDAR_NAME
from domain import icalendar
from domain.icalendar import CalendarEntry
from store.base import access
from store.base.access import NOWHERE
from store.base.rows import Row
from store.staff import rota_rows

SECRET_BYTES = 24
SHOWN_BACK = timedelta(days=60)
FRESH_FOR = timedelta(hours=1)
Secret = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{32}$")]

router = APIRouter(prefix="/v1/rota", tags=["rota"])
feeds = APIRouter(include_in_schema=False)


class CalendarAddress(BaseModel):
    """The address of one's calendar, told this once."""

    address: str


@router.post("/calendar", status_code=201)
def make(request: Request, changing: ChangingStaff) -> CalendarAddress:
    """Make the address of one's calendar; one made before holds no more."""
    return CalendarAddress(address=made_address(request, changing))


def made_address(request: Request, changing: Session) -> str:
    """Make a secret for the calendar of the person who is signed in, and return the address with it."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    rota_rows.set_calendar(changing.conn, signed_in_person(changing).staff_id, access.digest(secret), changing.now)
    return f"{request.url.scheme}://{request.url.netloc}/calendar/{secret}.ics"


@router.delete("/calendar", status_code=204)
def end(changing: ChangingStaff) -> None:
    """End the address of one's calendar."""
    rota_rows.set_calendar(changing.conn, signed_in_person(changing).staff_id, None, changing.now)


@feeds.get("/calendar/{secret}.ics")
def calendar(request: Request, secret: Secret) -> Response:
    """Serve the shifts of the person whose secret it is; a wrong one is answered ever later, as a wrong token is."""
    given = surroundings(request)
    now = given.clock()
    with given.pool.connection() as conn:
        conn.read_only = True
        access.enter(conn, NOWHERE)
        owner = rota_rows.calendar_of(conn, access.digest(secret), now)
        shifts = rota_rows.calendar_shifts(conn, owner.staff_id, now - SHOWN_BACK) if owner else []
    if owner is None:
        wrong = no_such("calendar")
        wrong.delay_s = given.guard.limiter.delay_wrong(address_of(request) or "")
        raise wrong
    language: Language = "zh" if owner.language == "zh" else "en"
    host = request.url.netloc
    entries = [_entry(row, language, host) for row in shifts]
    text = icalendar.calendar(getattr(CALENDAR_NAME, language).format(name=owner.name), entries, now, FRESH_FOR)
    headers = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
    return Response(text, media_type=icalendar.MEDIA_TYPE, headers=headers)


def _entry(row: Row, language: Language, host: str) -> CalendarEntry:
    return CalendarEntry(
        key=f"shift-{row['shift_id']}@{host}",
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        changed_at=row["changed_at"],
        version=row["version"],
        summary=getattr(CALENDAR_ENTRY, language).format(station=row["station"]),
        place=row["station"],
    )

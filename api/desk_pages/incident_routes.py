"""Routes of the pages of incidents: the list, and one with its evidence, its crew's ticket and its homes."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api.desk import incidents
from api.desk.incidents import Incident, Number, State
from api.desk_pages.queue import QUEUE
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.homes.cold_cause import likely_incident
from api.http.language import Language, said
from api.http.paging import Paging
from api.http.session import Session
from api.staff.frame import language_of
from api.staff.session import StaffRoute
from domain.words.text import Text
from store.network.incident_pages import STATES
from store.tickets import queue_rows

INCIDENTS = f"{QUEUE}/incidents"
PAGE_INCIDENTS = 50
PAGE_HOMES = 100
Cursor = Annotated[str | None, Query(max_length=200)]

router = APIRouter(prefix=INCIDENTS, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True)
class IncidentListQuery:
    """The query keys of the list; a form sends empty ones for what is not chosen."""

    state: Annotated[str, Query(max_length=20)] = "open"
    station: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""
    cursor: Cursor = None

    @property
    def chosen(self) -> State | None:
        """The state that was chosen; None: any."""
        return "open" if self.state == "open" else "closed" if self.state == "closed" else None

    def address(self, **changes: str | None) -> str:
        """Return the address of the list with these keys, some of them changed."""
        kept = {name: value for name, value in {**vars(self), **changes}.items() if value is not None}
        return f"{INCIDENTS}?{urlencode(kept)}"


@router.get("")
def incident_list(
    request: Request, asking: AskingDeskPerson, query: Annotated[IncidentListQuery, Depends()]
) -> Response:
    """Show the incidents, newest first; those that are open if nothing else is asked for."""
    paged = Paging(query.cursor or None, PAGE_INCIDENTS)
    page = incidents.incidents(asking, paged, query.chosen, query.station or None)
    return desk_page(
        request,
        asking,
        "desk/incidents.html",
        query=query,
        states=STATES,
        stations=queue_rows.stations(asking.conn),
        incidents=page.items,
        following=query.address(cursor=page.next) if page.next else None,
    )


@router.get("/{number}")
def incident(request: Request, asking: AskingDeskPerson, number: Number, cursor: Cursor = None) -> Response:
    """Show an incident with its homes."""
    found = incidents.incident(number, asking)
    page = incidents.homes(number, asking, Paging(cursor or None, PAGE_HOMES))
    following = f"{INCIDENTS}/{quote(number)}?{urlencode({'cursor': page.next})}" if page.next else None
    place = {"buildings": found.building} if found.building else {"substations": found.substation}
    return desk_page(
        request,
        asking,
        "desk/incident.html",
        incident=found,
        why=_why(found, language_of(request, asking)),
        likely=_likely(asking, found, language_of(request, asking)),
        homes=page.items,
        following=following,
        announce=f"{QUEUE}/outages/new?{urlencode(place)}",
    )


def _likely(asking: Session, incident: Incident, language: Language) -> str | None:
    """Return the likely cause of an incident that is open, in words; None: there is nothing to say."""
    found = likely_incident(asking, incident.number)
    return None if found.zh is None or found.en is None else said(Text(found.zh, found.en), language)


def _why(incident: Incident, language: Language) -> str | None:
    """Return the evidence in words, if it has any."""
    return str(incident.why[language]) if isinstance(incident.why, dict) and language in incident.why else None

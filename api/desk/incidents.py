"""Routes for incidents: one fault behind many cold homes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, JsonValue

from api.homes.cold_cause import IncidentCause, likely_incident
from api.http.paging import Page, Paged
from api.http.problem import no_such
from api.http.session import AskingStaff
from api.http.values import Instant
from store.network import incident_pages

Number = Annotated[str, Path(max_length=40, pattern=r"^[^\x00]+$")]
Station = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
State = Literal["open", "closed"]

router = APIRouter(prefix="/v1", tags=["incidents"])


class Incident(BaseModel):
    """One fault behind many cold homes; `homes` counts all that ever belonged to it, `why` is the evidence."""

    number: str
    kind: Literal["cold_homes", "substation_alarm"]
    state: State
    place: str
    substation: str
    building: str | None
    riser: str | None
    station: str
    opened_at: Instant
    recovering_since: Instant | None
    closed_at: Instant | None
    close_reason: Literal["recovered", "merged", "no_policy"] | None
    merged_into: str | None
    ticket: str | None
    homes: int
    still_cold: int
    why: JsonValue


class Part(BaseModel):
    """A home that belongs or belonged to an incident. It keeps its own ticket, clocks and proof."""

    home: str
    ticket: str
    state: str
    cold: bool
    joined_at: Instant
    left_at: Instant | None
    left_reason: Literal["recovered", "stayed_cold", "moved", "no_policy"] | None
    dispatched_at: Instant | None


@router.get("/incidents")
def incidents(asking: AskingStaff, paged: Paged, state: State | None = None, station: Station = None) -> Page[Incident]:
    """List incidents, newest first."""
    wanted = incident_pages.IncidentFilter(states=incident_pages.STATES if state is None else (state,), station=station)
    rows = incident_pages.incidents(asking.conn, asking.scope, wanted, before=paged.id(), limit=paged.fetched)
    return paged.page(rows, Incident, "incident_id")


@router.get("/incidents/{number}")
def incident(number: Number, asking: AskingStaff) -> Incident:
    """Get an incident by its number."""
    found = incident_pages.incident(asking.conn, asking.scope, number)
    if found is None:
        raise no_such("incident")
    return Incident.model_validate(found)


@router.get("/incidents/{number}/cause")
def cause(number: Number, asking: AskingStaff) -> IncidentCause:
    """Explain an open incident, from two days of readings of a dozen of its cold homes and their neighbours."""
    return likely_incident(asking, incident(number, asking).number)


@router.get("/incidents/{number}/homes")
def homes(number: Number, asking: AskingStaff, paged: Paged) -> Page[Part]:
    """List the homes that belong or belonged to an incident, with their tickets."""
    if incident_pages.incident(asking.conn, asking.scope, number) is None:
        raise no_such("incident")
    rows = incident_pages.parts(asking.conn, asking.scope, number, before=paged.id(), limit=paged.fetched)
    return paged.page(rows, Part, "ticket_id")

"""What the API answers. Field names are a contract."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, JsonValue

from api.http.values import Instant, Shown, ShownFinely
from domain.quality import Quality

HomeClass = Literal["multistorey", "bungalow", "nonresidential"]
TicketClass = Literal["cold", "leak", "repair", "device", "complaint", "report"]
TicketState = Literal["open", "accepted", "working", "verifying", "done", "closed"]
FlagState = Literal["open", "suspended", "cleared"]


def quality_name(code: int) -> str:
    """good, sentinel, …"""
    return Quality(code).name.lower()


class Flag(BaseModel):
    """A cold spell of a home; `outages` are those during which it was cold: the system was not normal."""

    id: int
    home: str
    severity: Literal["cold", "severe"]
    state: FlagState
    cold_since: Instant
    raised_at: Instant
    cleared_at: Instant | None
    lowest: Shown
    limit: Shown
    policy: str
    why: JsonValue
    ticket: str
    outages: list[str]


class Home(BaseModel):
    """A home now: the temperature (°C) of its coldest judged room, and the flag that has not ended."""

    code: str
    building: str
    class_: HomeClass = Field(alias="class")
    heat_status: Literal["on", "stopped"]
    temperature: Shown
    measured_at: Instant | None
    state: Literal["compliant", "cold", "severe", "unknown", "not_judged"]
    flag: Flag | None


class Reading(BaseModel):
    """One reading: °C, raw + offset; the offset in K; humidity and battery in %."""

    sensor: str
    room: str
    measured_at: Instant
    temperature: Shown
    offset: Shown
    humidity: Shown
    battery: Shown
    quality: Annotated[str, BeforeValidator(quality_name)]


class Bucket(BaseModel):
    """The good readings of one sensor in a span of time, °C.

    `coverage` is the share of the span for which a reading held: until the next, no longer than the policy says.
    """

    sensor: str
    room: str
    start: Instant
    min: Shown
    mean: Shown
    max: Shown
    count: int
    coverage: Annotated[float, Field(ge=0, le=1)]


class LedgerDay(BaseModel):
    """How long a home was in which state on a local day; the five states add up to the length of what is counted.

    `shortfall_s` is a part of `compliant_s`. While a day is not `closed` its figures may still change.
    """

    day: date
    compliant_s: float
    cold_s: float
    severe_s: float
    unknown_s: float
    not_judged_s: float
    shortfall_s: float
    min: Shown
    mean: Shown
    kelvin_hours: ShownFinely
    policy: str
    closed: bool


class Clock(BaseModel):
    """A time by which something has to be done. Each time a ticket is opened is a round with clocks of its own.

    It is counted from `started_at`: a call-back's may lie ahead, and is when it may be made. Without `due_at` it has
    not begun, or the calendar does not know the year yet. One that is void runs no more: the ticket was opened again,
    or closed before. What it broke stays.
    """

    name: str
    round: int
    started_at: Instant | None
    due_at: Instant | None
    met_at: Instant | None
    breached_at: Instant | None
    void_at: Instant | None


class Event(BaseModel):
    """Something that happened to a ticket."""

    seq: int
    at: Instant
    kind: str
    actor: str
    data: JsonValue


class TicketEvent(Event):
    """An event as it stands in its ticket, in one of the rounds; `contact`: how to reach the user who said it."""

    round: int
    contact: str | None


class Ticket(BaseModel):
    """A repair, with all that happened; 1 is the most urgent priority.

    `needs` is what closing it still needs; `follows` the ticket that the home had before. By its `ending` it was closed
    without work: `merged_into` another one, or void; `merged` are those that this one stands for. Customers see of the
    events what is meant for them.
    """

    number: str
    class_: TicketClass = Field(alias="class")
    state: TicketState
    priority: int
    home: str | None
    building: str | None
    substation: str | None
    station: str | None
    source: str
    description: str
    contact: str | None
    responsible: str | None
    appointment_at: Instant | None
    responsibility: Literal["company", "user"] | None
    paid: bool
    confirmation: str | None
    follows: str | None
    ending: Literal["merged", "void"] | None
    merged_into: str | None
    merged: list[str]
    round: int
    flags: list[int]
    opened_at: Instant
    done_at: Instant | None
    proof: str | None
    closed_at: Instant | None
    retrospective: bool
    needs: list[str]
    clocks: list[Clock]
    events: list[TicketEvent]

"""Response models of the API. Field names are a contract."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, JsonValue

from api.http.values import Instant, Shown, ShownFinely
from domain.quality import Quality

HomeClass = Literal["multistorey", "bungalow", "nonresidential"]
TicketClass = Literal["cold", "leak", "repair", "device", "complaint", "report", "application"]
TicketState = Literal["open", "accepted", "working", "verifying", "done", "closed"]
HomeStateName = Literal["compliant", "cold", "severe", "unknown", "not_judged"]
FlagState = Literal["open", "suspended", "cleared"]


def quality_name(code: int) -> str:
    """Return the name of a quality code: good, sentinel, …"""
    return Quality(code).name.lower()


class Flag(BaseModel):
    """A cold spell of a home; `outages` are those that overlap it: the system was not operating normally."""

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
    """The current state of a home: temperature (°C) of its coldest judged room, and its open flag."""

    code: str
    building: str
    class_: HomeClass = Field(alias="class")
    heat_status: Literal["on", "stopped"]
    temperature: Shown
    measured_at: Instant | None
    state: HomeStateName
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
    """The good readings of one sensor in a time bucket, °C.

    `coverage` is the share of the bucket during which a reading held: until the next one, at most as long as the policy
    allows.
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
    """Time that a home spent in each state on a local day, in seconds; the five states add up to the time counted.

    `shortfall_s` is part of `compliant_s`. Until a day is `closed`, its figures may still change.
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
    """A deadline of a ticket. Each opening of a ticket starts a new round with its own clocks.

    A clock runs from `started_at`; for a call-back this may be in the future and is the earliest time to make it.
    Without `due_at` the clock has not started, or the calendar does not cover the year yet. A void clock no longer
    runs, because the ticket was reopened or closed before; a breach stays on record.
    """

    name: str
    round: int
    started_at: Instant | None
    due_at: Instant | None
    met_at: Instant | None
    breached_at: Instant | None
    void_at: Instant | None


class Event(BaseModel):
    """An event in the history of a ticket."""

    seq: int
    at: Instant
    kind: str
    actor: str
    data: JsonValue


class TicketEvent(Event):
    """An event within its ticket, with its round; `contact` is how to reach the user who made the statement."""

    round: int
    contact: str | None


class Ticket(BaseModel):
    """A repair ticket with its history; priority 1 is the most urgent.

    `needs` lists what closing it still requires; `follows` is the previous ticket of the home. `ending` says how it was
    closed without work: `merged_into` another ticket, or void; `merged` lists the tickets merged into this one.
    `unanswered_since`: when the user first spoke after the last answer of the staff (words, a photo, times for a visit,
    an answer to terms, a rating); null: nothing waits for an answer.
    Customers see only events meant for them.
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
    unanswered_since: Instant | None
    clocks: list[Clock]
    events: list[TicketEvent]

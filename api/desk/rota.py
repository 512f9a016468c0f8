"""Routes for the rota: who is on call at each station when, swaps between colleagues, and the load of each person."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from alerts.desk import rota
from alerts.desk.rota import MOST_SHIFTS, RotaRefused
from api.http.problem import FieldFault, Problem, forbidden, invalid, no_such
from api.http.session import LEADERS, AskingStaff, ChangingStaff, Session
from api.http.values import Asked, Instant
from api.words import problems
from api.words.rota import NOT_PLANNER, PERSON_NEEDED, REFUSALS, SPAN_TOO_LONG, TOO_MANY_SHIFTS
from domain.rota import ShiftSpan, uncovered
from store.base.access import Person
from store.base.rows import Row
from store.notices import call_out_rows
from store.staff import rota_rows
from store.staff.rota_rows import ShiftRow
from store.tickets import ticket_pages

WEEK = timedelta(days=7)
LONGEST = timedelta(days=92)
MOST_ROWS = 5_000
MOST_CALLED = 100
SOON = timedelta(days=1)
NUMBER = 2**31 - 1
Number = Annotated[int, Path(ge=1, le=NUMBER)]
PersonNumber = Annotated[int, Field(ge=1, le=NUMBER)]
StationName = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]

router = APIRouter(prefix="/v1/rota", tags=["rota"])


class OnCallPerson(BaseModel):
    """A member of the staff."""

    number: int
    name: str


class TimeSpan(BaseModel):
    """A span of time, half-open."""

    starts_at: Instant
    ends_at: Instant


class RotaStation(BaseModel):
    """A station that keeps a rota. `uncovered`: the times asked for in which nobody is on call."""

    station: str
    lead: OnCallPerson | None
    on_call: list[OnCallPerson]
    uncovered: list[TimeSpan]


class Shift(TimeSpan):
    """A person is on call at a station."""

    number: int
    station: str
    person: OnCallPerson


class Swap(BaseModel):
    """A swap that somebody asks a colleague for, not answered yet; `in_return`: the colleague's shift, or null."""

    number: int
    station: str
    shift: int
    asked_by: OnCallPerson
    asked: OnCallPerson
    starts_at: Instant
    in_return: int | None
    return_starts_at: Instant | None
    asked_at: Instant


class CallOut(BaseModel):
    """A ticket that nobody has accepted: who was told, and who is told next."""

    ticket: str
    station: str
    began_at: Instant
    told: list[str]
    next: Literal["on_call", "lead", "dispatch"]
    due_at: Instant


class Rota(BaseModel):
    """The rota of a span of time; `on_call` and the call-outs are of now."""

    stations: list[RotaStation]
    shifts: list[Shift]
    swaps: list[Swap]
    call_outs: list[CallOut]


class PersonLoad(BaseModel):
    """The load of a person: tickets that name it as responsible, and hours on call in this month."""

    person: OnCallPerson
    station: str | None
    open: int
    due: int
    late: int
    month: int
    on_call_hours: float


class StationRules(BaseModel):
    """The rota of a station; `lead`: the number of a person of the station or of the desk, null for none."""

    model_config = ConfigDict(extra="forbid")

    lead: PersonNumber | None


class NewSpan(BaseModel):
    """A span to be on call."""

    model_config = ConfigDict(extra="forbid")

    starts_at: Asked
    ends_at: Asked


class NewShifts(BaseModel):
    """Shifts of a person at a station: all of them are planned, or none."""

    model_config = ConfigDict(extra="forbid")

    station: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]+$")]
    person: PersonNumber
    spans: list[NewSpan] = Field(min_length=1)


class SwapRequest(BaseModel):
    """A swap asked of a colleague: to take one's own shift, for one of the colleague's or for none."""

    model_config = ConfigDict(extra="forbid")

    shift: PersonNumber
    colleague: PersonNumber
    in_return: PersonNumber | None = None


class SwapAnswer(BaseModel):
    """An answer to a swap."""

    model_config = ConfigDict(extra="forbid")

    agreed: bool


@dataclass(frozen=True)
class RotaQuery:
    """The query keys of the rota: a span of time, by default a week from now, and a station."""

    begin: Annotated[Asked | None, Query(alias="from")] = None
    end: Annotated[Asked | None, Query(alias="to")] = None
    station: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")] = None

    def span(self, now: datetime) -> ShiftSpan:
        """Return the span that is asked for."""
        begin = self.begin or (self.end - WEEK if self.end else now)
        end = self.end or begin + WEEK
        if begin >= end:
            raise invalid(FieldFault("from", problems.NO_SPAN))
        if end - begin > LONGEST:
            raise invalid(FieldFault("to", SPAN_TOO_LONG.fill(days=LONGEST.days)))
        return ShiftSpan(begin, end)


@contextmanager
def refusals() -> Iterator[None]:
    """Answer a refusal of a change with a conflict that says why."""
    try:
        yield
    except RotaRefused as refused:
        raise Problem(409, REFUSALS[refused.bar]) from None


@router.get("")
def read(asking: AskingStaff, query: Annotated[RotaQuery, Depends()]) -> Rota:
    """Get the rota: stations, shifts, times without anybody, swaps asked for, and tickets nobody has accepted.

    A crew sees that of its own station.
    """
    return rota_of(asking, query.span(asking.now), query.station)


def rota_of(asking: Session, span: ShiftSpan, station: str | None) -> Rota:
    """Return the rota of a span of time, as far as the caller reaches."""
    own = asking.scope.own_station or station
    shifts = rota_rows.shifts(asking.conn, *span, own, MOST_ROWS)
    now = rota_rows.shifts(asking.conn, asking.now, asking.now + timedelta(microseconds=1), own, MOST_ROWS)
    return Rota(
        stations=[_station(row, shifts, now, span) for row in rota_rows.stations(asking.conn, asking.now, own)],
        shifts=[_shift(row) for row in shifts],
        swaps=[_swap(row) for row in rota_rows.swaps(asking.conn, asking.now, own)],
        call_outs=[
            CallOut(
                ticket=row["number"], next=row["step"], **{k: row[k] for k in ("station", "began_at", "told", "due_at")}
            )
            for row in call_out_rows.running(asking.conn, own, MOST_CALLED)
        ],
    )


def _station(row: Row, shifts: Sequence[ShiftRow], now: Sequence[ShiftRow], span: ShiftSpan) -> RotaStation:
    name = row["station"]
    mine = [ShiftSpan(one.starts_at, one.ends_at) for one in shifts if one.station == name]
    return RotaStation(
        station=name,
        lead=_person(row["lead_id"], row["lead"]) if row["lead_id"] is not None else None,
        on_call=[_person(one.staff_id, one.name) for one in now if one.station == name],
        uncovered=[TimeSpan(starts_at=gap.starts_at, ends_at=gap.ends_at) for gap in uncovered(mine, *span)],
    )


def _person(number: int, name: str) -> OnCallPerson:
    return OnCallPerson(number=number, name=name)


def _shift(row: ShiftRow) -> Shift:
    return Shift(
        number=row.shift_id,
        station=row.station,
        person=_person(row.staff_id, row.name),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )


def _swap(row: Row) -> Swap:
    return Swap(
        number=row["swap_id"],
        station=row["station"],
        shift=row["shift_id"],
        asked_by=_person(row["asked_by"], row["asked_by_name"]),
        asked=_person(row["asked"], row["asked_name"]),
        starts_at=row["starts_at"],
        in_return=row["return_id"],
        return_starts_at=row["return_starts_at"],
        asked_at=row["asked_at"],
    )


@router.get("/load")
def load(
    asking: AskingStaff, station: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")] = None
) -> list[PersonLoad]:
    """Get the load of each person who can be on call: tickets open, due within a day, late and of this month."""
    own = asking.scope.own_station or station
    rows = rota_rows.load(asking.conn, month_of(asking), asking.now + SOON, own, asking.now)
    return [
        PersonLoad(
            person=_person(row["staff_id"], row["name"]),
            on_call_hours=round(row["on_call_s"] / 3600, 1),
            **{key: row[key] for key in ("station", "open", "due", "late", "month")},
        )
        for row in rows
    ]


def month_of(asking: Session) -> ShiftSpan:
    """Return the present month, in the utility's zone."""
    local = asking.now.astimezone(asking.policy.zone)
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return ShiftSpan(first, (first + timedelta(days=32)).replace(day=1))


@router.put("/stations/{station}")
def keep(changing: ChangingStaff, station: StationName, rules: StationRules) -> Rota:
    """Let a station keep a rota, or change its lead."""
    check_planner(changing, None)
    if not ticket_pages.has_station(changing.conn, station):
        raise no_such("station")
    with refusals():
        rota.keep(changing.conn, station, rules.lead, changing.now)
    return rota_of(changing, RotaQuery().span(changing.now), station)


@router.delete("/stations/{station}", status_code=204)
def end(changing: ChangingStaff, station: StationName) -> None:
    """End the rota of a station: new tickets are told to all of it again, and shifts that lie ahead are cancelled."""
    check_planner(changing, None)
    with refusals():
        rota.end(changing.conn, station, changing.now)


def check_planner(changing: Session, station: str | None) -> None:
    """Refuse to plan, but to supervisors, administrators, and (with a station) its lead.

    Raises:
        Problem: 403.
    """
    if not may_plan(changing, station):
        raise forbidden(NOT_PLANNER)


def may_plan(asking: Session, station: str | None) -> bool:
    """Return whether the caller may plan the shifts of a station; None: of any."""
    if asking.asker.role in LEADERS:
        return True
    person = asking.asker.person
    return station is not None and person is not None and rota_rows.is_lead(asking.conn, station, person.staff_id)


@router.post("/shifts", status_code=201)
def plan(changing: ChangingStaff, wanted: NewShifts) -> list[Shift]:
    """Put a person on call at a station. What has begun begins now; nobody is on call twice at once."""
    return plan_spans(
        changing, wanted.station, wanted.person, [ShiftSpan(one.starts_at, one.ends_at) for one in wanted.spans]
    )


def plan_spans(changing: Session, station: str, person: int, spans: Sequence[ShiftSpan]) -> list[Shift]:
    """Plan shifts, and return them.

    Raises:
        Problem: 403, 409 or 422.
    """
    check_planner(changing, station)
    if len(spans) > MOST_SHIFTS:
        raise invalid(FieldFault("spans", TOO_MANY_SHIFTS.fill(most=MOST_SHIFTS)))
    with refusals():
        numbers = rota.plan(changing.conn, station, person, spans, changing.now)
    changing.notes.update(station=station, person=person, shifts=len(numbers))
    return [_shift(row) for row in rota_rows.lock(changing.conn, numbers).values()]


@router.post("/shifts/{number}/cancel", status_code=204)
def cancel(changing: ChangingStaff, number: Number) -> None:
    """Cancel a shift that lies ahead, or end one that runs now."""
    found = rota_rows.lock(changing.conn, [number]).get(number)
    check_planner(changing, found.station if found else None)
    if found is None:
        raise no_such("shift")
    with refusals():
        rota.cancel(changing.conn, number, changing.now)


def signed_in_person(session: Session) -> Person:
    """Return the person who is signed in.

    Raises:
        Problem: 403, it is a token of a machine.
    """
    if session.asker.person is None:
        raise forbidden(PERSON_NEEDED)
    return session.asker.person


@router.post("/swaps", status_code=201)
def ask_swap(changing: ChangingStaff, wanted: SwapRequest) -> Swap:
    """Ask a colleague to take one's own shift, for one of the colleague's or for none. The colleague is told."""
    person = signed_in_person(changing)
    with refusals():
        number = rota.ask_swap(
            changing.conn, person.staff_id, wanted.colleague, wanted.shift, wanted.in_return, changing.now
        )
    return next(_swap(row) for row in rota_rows.swaps(changing.conn, changing.now) if row["swap_id"] == number)


@router.post("/swaps/{number}/answer", status_code=204)
def answer_swap(changing: ChangingStaff, number: Number, answer: SwapAnswer) -> None:
    """Agree to a swap that one was asked for, which makes it, or decline."""
    person = signed_in_person(changing)
    with refusals():
        rota.answer_swap(changing.conn, person.staff_id, number, agreed=answer.agreed, now=changing.now)


@router.post("/swaps/{number}/withdraw", status_code=204)
def withdraw_swap(changing: ChangingStaff, number: Number) -> None:
    """Take back a swap that one has asked for."""
    person = signed_in_person(changing)
    with refusals():
        rota.withdraw_swap(changing.conn, person.staff_id, number, changing.now)

"""Request bodies of the moves on a ticket, one model per kind of event."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.desk.application_moves import (
    Approved,
    AreaNotice,
    ContractOffered,
    ContractSigned,
    FeesSettled,
    HeatNotice,
    HeatOff,
    HeatOn,
    Inspected,
    PlanAnswered,
    PlanRefused,
)
from api.desk.move_bodies import Code, Line, Move, Short, TimedMove, Words
from api.http.values import Asked, AskedDay
from domain.statements import MOST_TIMES, DayPart, Says
from domain.tickets import DelayReason, EventKind
from domain.words.desk import DELAY_TEXTS


class Assigned(Move):
    """Assignment to a station, a person, or both."""

    kind: Literal["assigned"]
    station: Line | None = None
    responsible: Short | None = None

    @model_validator(mode="after")
    def _somebody(self) -> "Assigned":
        if self.station is None and self.responsible is None:
            raise ValueError("give a station, a responsible person, or both")
        return self


class Accepted(TimedMove):
    """Acceptance by the station, with what it is going to do (4(5))."""

    kind: Literal["accepted"]
    responsible: Short | None = None
    opinion: Words | None = None


class Contacted(TimedMove):
    """A conversation with the user, possibly with an appointment (9(10))."""

    kind: Literal["contacted"]
    appointment_at: Asked | None = None


class Tried(TimedMove):
    """An attempt to reach the user that did not succeed. The clocks keep running.

    `again_at`: when the next attempt is due, as the user asked or as the desk plans.
    """

    kind: Literal["tried"]
    again_at: Asked | None = None


class Appointment(TimedMove):
    """A new appointment."""

    kind: Literal["appointment"]
    appointment_at: Asked


class Arrived(TimedMove):
    """Arrival on site."""

    kind: Literal["arrived"]


class CauseFound(TimedMove):
    """The cause of the fault, by its code in the list of the utility (`GET /v1/causes`). The user sees it."""

    kind: Literal["cause_found"]
    cause: Code


class PartUsed(TimedMove):
    """A part that was used, and how many. The user sees it."""

    kind: Literal["part_used"]
    part: Short
    count: Annotated[int, Field(ge=1, le=999)] = 1


class Delayed(TimedMove):
    """A delay and the explanation given to the user (9(5)). The clocks keep running."""

    kind: Literal["delayed"]
    reason: DelayReason
    explanation: Words

    def data(self) -> dict[str, Any]:
        """Return the data with the text of the reason in both languages."""
        return {**super().data(), **DELAY_TEXTS[self.reason]._asdict()}


class Responsibility(TimedMove):
    """Liability for the damage, and whether the user pays (9(4), 9(6)). It voids an earlier signature.

    `amount` in the currency of the country, and `for_what`: the user reads both, and agrees or not.
    """

    kind: Literal["responsibility"]
    responsibility: Literal["company", "user"]
    paid: bool
    for_what: Line | None = None
    amount: Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=2)] | None = None

    @model_validator(mode="after")
    def _is_paid(self) -> "Responsibility":
        if self.amount is not None and not self.paid:
            raise ValueError("there is an amount, but the user does not pay")
        return self


class Confirmed(TimedMove):
    """The user's signature, by the reference of the signed paper."""

    kind: Literal["confirmed"]
    confirmation: Line


class Done(TimedMove):
    """Completion of the work; a cold home stays `verifying` until its recovery is proven."""

    kind: Literal["done"]
    result: Words | None = None


class Rework(Move):
    """Withdrawal of a completion: the work was not done after all."""

    kind: Literal["rework"]
    reason: Words


class Replied(Move):
    """The answer to the user (4(4))."""

    kind: Literal["replied"]
    text: Words
    channel: Literal["phone", "visit", "letter", "message", "app"]


class CalledBack(Move):
    """The call-back after the work (9(11))."""

    kind: Literal["called_back"]
    satisfied: bool


class Remark(TimedMove):
    """A note for the staff."""

    kind: Literal["remark"]
    remark: Words


class SuitableTime(BaseModel):
    """A time at which a visit suits the user: a local day, and a part of it."""

    model_config = ConfigDict(extra="forbid")

    day: AskedDay
    part: DayPart


class TicketStatement(BaseModel):
    """A statement of a user about an open ticket: at least one of these.

    `says`: whether the trouble persists. `times`: all at which a visit suits, in place of those before. The contact is
    stored beside the event, not in its data.
    """

    model_config = ConfigDict(extra="forbid")

    text: Words | None = None
    says: Says | None = None
    times: Annotated[list[SuitableTime], Field(min_length=1, max_length=MOST_TIMES)] | None = None
    contact: Line | None = None

    @model_validator(mode="after")
    def _something(self) -> "TicketStatement":
        if not self._says_something():
            raise ValueError("give a text, a word on the trouble, times or a contact")
        return self

    def _says_something(self) -> bool:
        return bool(self.text or self.says or self.times or self.contact)

    def said(self) -> dict[str, Any]:
        """Return the data without personal data."""
        return self.model_dump(mode="json", exclude={"kind", "contact"}, exclude_none=True)


class UserSaid(TimedMove, TicketStatement):
    """A further statement by the user, noted by the staff. `declined`: the user refuses the terms of a paid repair."""

    kind: Literal["user_said"]
    declined: bool = False

    def data(self) -> dict[str, Any]:
        """Return the data without personal data; a refusal as that of a user on the own page."""
        said = {name: value for name, value in self.said().items() if name != "declined"}
        return {**said, "agreed": False} if self.declined else said

    def _says_something(self) -> bool:
        return self.declined or super()._says_something()


class Closed(Move):
    """Closing; refused with what is missing."""

    kind: Literal["closed"]


class Merged(Move):
    """Merging into another open ticket of the same place, which takes over what the user is still owed."""

    kind: Literal["merged"]
    into: Line
    reason: Words


class Void(Move):
    """Voiding of a ticket opened by mistake. The user is told the reason."""

    kind: Literal["void"]
    reason: Words


class Reopened(Move):
    """Reopening of a closed ticket."""

    kind: Literal["reopened"]
    reason: Words


AnyMove: TypeAlias = Annotated[
    Assigned
    | Accepted
    | Contacted
    | Tried
    | Appointment
    | Arrived
    | CauseFound
    | PartUsed
    | Delayed
    | Responsibility
    | Confirmed
    | Done
    | Rework
    | Replied
    | CalledBack
    | Remark
    | UserSaid
    | Closed
    | Merged
    | Void
    | Reopened
    | PlanAnswered
    | PlanRefused
    | Inspected
    | FeesSettled
    | Approved
    | ContractOffered
    | ContractSigned
    | AreaNotice
    | HeatNotice
    | HeatOn
    | HeatOff,
    Field(discriminator="kind"),
]


def kind_of(move: AnyMove) -> EventKind:
    """Return the kind of event of a move."""
    return EventKind(move.kind)


MODELS: Mapping[EventKind, type[Move]] = {
    EventKind(get_args(model.model_fields["kind"].annotation)[0]): model for model in get_args(get_args(AnyMove)[0])
}

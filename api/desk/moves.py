"""What people may do with a ticket, as it is asked for: one shape for each kind of event."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.http.values import Asked
from domain.tickets import DELAY_TEXTS, DelayReason, EventKind

Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class Move(BaseModel):
    """What all of them share. `remark` is for the staff alone."""

    model_config = ConfigDict(extra="forbid")

    remark: Words | None = None

    def data(self) -> dict[str, Any]:
        """What the event keeps."""
        return self.model_dump(mode="json", exclude={"kind"}, exclude_none=True)


class Assigned(Move):
    """Give the ticket to a station, to a person, or both."""

    kind: Literal["assigned"]
    station: Line | None = None
    responsible: Short | None = None

    @model_validator(mode="after")
    def _somebody(self) -> "Assigned":
        if self.station is None and self.responsible is None:
            raise ValueError("needs a station or a responsible person")
        return self


class Accepted(Move):
    """The station says what it will do (4(5))."""

    kind: Literal["accepted"]
    responsible: Short | None = None
    opinion: Words | None = None


class Contacted(Move):
    """Somebody spoke with the user, and may have agreed on a time (9(10))."""

    kind: Literal["contacted"]
    appointment_at: Asked | None = None


class Appointment(Move):
    """Another time was agreed on."""

    kind: Literal["appointment"]
    appointment_at: Asked


class Arrived(Move):
    """Somebody is on site."""

    kind: Literal["arrived"]


class Delayed(Move):
    """Why it takes longer, as it was explained to the user (9(5)). The clocks go on."""

    kind: Literal["delayed"]
    reason: DelayReason
    explanation: Words

    def data(self) -> dict[str, Any]:
        """With what the reason says in both languages."""
        return {**super().data(), **DELAY_TEXTS[self.reason]._asdict()}


class Responsibility(Move):
    """Whose damage it is, and whether the user pays (9(4), 9(6)). What was signed before holds for this no more."""

    kind: Literal["responsibility"]
    responsibility: Literal["company", "user"]
    paid: bool


class Confirmed(Move):
    """The user has signed: the reference of the paper."""

    kind: Literal["confirmed"]
    confirmation: Line


class Done(Move):
    """The work is done; a cold home is `verifying` until it is proven warm."""

    kind: Literal["done"]
    result: Words | None = None


class Rework(Move):
    """It was not done after all."""

    kind: Literal["rework"]
    reason: Words


class Replied(Move):
    """The user was answered (4(4))."""

    kind: Literal["replied"]
    text: Words
    channel: Literal["phone", "visit", "letter", "message", "app"]


class CalledBack(Move):
    """The user was asked again after the work (9(11))."""

    kind: Literal["called_back"]
    satisfied: bool


class Remark(Move):
    """A note among the staff."""

    kind: Literal["remark"]
    remark: Words


class UserSaid(Move):
    """What the user has said meanwhile, by whatever way; how to reach this user stands beside the event, not in it."""

    kind: Literal["user_said"]
    text: Words
    contact: Line | None = None

    def data(self) -> dict[str, Any]:
        """Without what is personal."""
        return self.model_dump(mode="json", exclude={"kind", "contact"}, exclude_none=True)


class Closed(Move):
    """All is in order; refused with what is missing."""

    kind: Literal["closed"]


class Merged(Move):
    """Another open ticket of the same place stands for this one; what its user is still to get passes over to that."""

    kind: Literal["merged"]
    into: Line
    reason: Words


class Void(Move):
    """It was opened by mistake. The user is told the reason."""

    kind: Literal["void"]
    reason: Words


class Reopened(Move):
    """A closed ticket is not in order after all."""

    kind: Literal["reopened"]
    reason: Words


AnyMove: TypeAlias = Annotated[
    Assigned
    | Accepted
    | Contacted
    | Appointment
    | Arrived
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
    | Reopened,
    Field(discriminator="kind"),
]


def kind_of(move: AnyMove) -> EventKind:
    """The kind of event that it is."""
    return EventKind(move.kind)

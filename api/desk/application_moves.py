"""Request bodies of the steps of an application for heat (chapters 5 and 6)."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from api.desk.move_bodies import Line, Move, TimedMove, Words
from domain.applications import Stage


def _plain(number: Decimal) -> Decimal:
    """Return a number as people write it: 1000 for 1E+3."""
    return Decimal(f"{number:f}")


Plain = AfterValidator(_plain)
Area = Annotated[Decimal, Field(gt=0, lt=10_000_000, decimal_places=2), Plain]  # m², numeric(9, 2)


class PlanAnswered(Move):
    """The answer to an application: the company agrees; what is to be done, and what it costs (5(1), 5(2))."""

    kind: Literal["plan_answered"]
    plan: Words
    charges: Words | None = None


class PlanRefused(Move):
    """The answer to an application: the company does not agree (5(2)). The user reads the reason."""

    kind: Literal["plan_refused"]
    reason: Words


class Inspected(TimedMove):
    """An inspection on site (5(4)): what was found, and who was there. Photos are attached to the ticket."""

    kind: Literal["inspected"]
    stage: Stage
    passed: bool
    findings: Words
    persons: Line


class FeesSettled(Move):
    """The settlement of fees, by the reference of its paper (5(6), 6(1))."""

    kind: Literal["fees_settled"]
    reference: Line
    amount: Annotated[Decimal, Field(ge=0, le=100_000_000, decimal_places=2), Plain] | None = None


class Approved(Move):
    """The approval of the company to stop or resume heat (5(5)). How many neighbours are stopped or cold is noted."""

    kind: Literal["approved"]


class ContractOffered(Move):
    """A contract that the user may sign: its number, and its terms in words."""

    kind: Literal["contract_offered"]
    contract: Line
    terms: Words


class ContractSigned(Move):
    """The signature under the contract that was offered last, by the reference of the paper."""

    kind: Literal["contract_signed"]
    confirmation: Line


class AreaNotice(Move):
    """The notice of the company that an area has changed (增减面积通知单; 5(5), 5(6)). It gets a number."""

    kind: Literal["area_notice"]
    area_m2: Area


class HeatNotice(Move):
    """The notice of the company that heat may be given (供热通知单; 5(6)). It gets a number."""

    kind: Literal["heat_notice"]


class HeatOn(TimedMove):
    """The execution on site: heat is on, from when it was made on. `confirmation`: what the user signed."""

    kind: Literal["heat_on"]
    filled: Literal[True]
    no_leaks: Literal[True]
    confirmation: Line
    findings: Words | None = None


class HeatOff(TimedMove):
    """The execution on site: heat is off (6(4)). `pipe_removed` where the home has branches of its own."""

    kind: Literal["heat_off"]
    own_branches: bool
    pipe_removed: bool
    ends_insulated: Literal[True]
    drained: Literal[True]
    no_leaks: Literal[True]
    confirmation: Line
    findings: Words | None = None

    @model_validator(mode="after")
    def _removed(self) -> "HeatOff":
        if self.own_branches and not self.pipe_removed:
            raise ValueError("a home with branches of its own is stopped by taking them away")
        return self

"""Answers of the routes for refunds: money as decimal texts, days with why they give back what they do."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.refunds.sheets import ComputedSheet
from api.desk.move_bodies import Line, Words
from api.http.messages import UnreadableValue
from api.http.values import Asked, AskedDay, Instant
from api.words import refunds
from domain.milli import NONE_MILLI, celsius
from domain.refunds.facts import SPANS, FactKind
from domain.refunds.season import DayReason
from domain.refunds.sheet import told
from store.base.rows import Row
from store.refunds.refund_rows import SheetState

MOST_SHEETS = 1_000


class RefundDay(BaseModel):
    """A day of a season; amounts in the currency, times in seconds, °C. `would`: but for the reason, or a cap."""

    day: date
    reason: str
    percent: int
    amount: str
    would: str
    breach_s: float
    known_s: float
    unknown_s: float
    lowest: float | None
    measured: float | None
    outage_s: float


class RefundTold(BaseModel):
    """Refund of a home for the days of a season that are over, as the record says now.

    `missed` are sums by why they are not given back; `inputs` and `digest` seal what it was computed from and the days.
    """

    home: str
    season: date
    upto: date
    rules: str
    source: str
    unread: str
    fine: str | None
    currency: str
    fee: str
    total: str
    words: str
    missed: dict[str, str]
    inputs: str
    digest: str
    days: list[RefundDay]


class RefundSheet(BaseModel):
    """A sheet as it was made; `paid` is what its days were paid."""

    number: str
    home: str
    state: SheetState
    season: date
    upto: date
    rules: str
    currency: str
    fee: str
    total: str
    inputs: str
    digest: str
    corrects: str | None
    corrected_by: str | None
    reason: str | None
    made_at: Instant
    approvals: int
    paid: str
    paid_at: Instant | None


class SheetInFull(RefundSheet):
    """A sheet with its days. `agrees`: the record gives the same to the bit now; null: it cannot be computed now."""

    days: list[RefundDay]
    agrees: bool | None


class NewSheetWish(BaseModel):
    """A sheet to make; a correction names the sheet that it corrects and gives a reason."""

    model_config = ConfigDict(extra="forbid")

    season: AskedDay | None = None
    corrects: Line | None = None
    reason: Words | None = None

    @model_validator(mode="after")
    def _why(self) -> "NewSheetWish":
        if (self.corrects is None) != (self.reason is None):
            raise UnreadableValue(refunds.WHY_CORRECTED)
        return self


class NotedFact(BaseModel):
    """A fact that somebody noted of a home; `withdrawn`: a later one takes it back."""

    id: int
    kind: FactKind
    at: Instant
    until: Instant | None
    reference: str
    withdraws: int | None
    withdrawn: bool
    recorded_at: Instant


class FactWish(BaseModel):
    """A fact to note: `reference` names the paper; `withdraws` one that was wrong, which no longer counts."""

    model_config = ConfigDict(extra="forbid")

    kind: FactKind
    at: Asked
    until: Asked | None = None
    reference: Line
    withdraws: Annotated[int, Field(ge=1, le=2**62)] | None = None

    @model_validator(mode="after")
    def _span(self) -> "FactWish":
        if self.until is not None and (self.kind not in SPANS or self.until <= self.at):
            raise UnreadableValue(refunds.UNTIL)
        return self


class PaymentWish(BaseModel):
    """Sheets to pay together."""

    model_config = ConfigDict(extra="forbid")

    sheets: Annotated[list[Line], Field(min_length=1, max_length=MOST_SHEETS)]


class RefundPayment(BaseModel):
    """A file for the bank: how many sheets, their sum, and the SHA-256 of its bytes."""

    id: int
    at: Instant
    sheets: int
    total: str
    digest: str


def payment_answer(row: Row) -> RefundPayment:
    """Answer with a payment on record."""
    seal = {"total": told(row["total"]), "digest": bytes(row["digest"]).hex()}
    return RefundPayment(id=row["id"], at=row["at"], sheets=row["sheets"], **seal)


def sheet_answer(row: Row) -> RefundSheet:
    """Answer with a sheet on record."""
    kept = {name: row[name] for name in RefundSheet.model_fields if name in row}
    money = {name: told(row[name]) for name in ("fee", "total", "paid")}
    seals = {name: bytes(row[name]).hex() for name in ("inputs", "digest")}
    return RefundSheet(**(kept | money | seals | {"approvals": len(row["approved_by"])}))


def days_now(found: ComputedSheet) -> list[RefundDay]:
    """Answer with the days of a sheet that is computed."""
    first = found.days.first.toordinal()
    both = zip(found.computed, found.facts, strict=True)
    names = ("breach", "known", "unknown", "outage")
    return [
        day_answer(
            {"day": date.fromordinal(first + nth)}
            | {name: int(day[name]) for name in ("reason", "percent", "amount", "would")}
            | {f"{name}_us": int(facts[name]) for name in names}
            | {f"{name}_milli": _known(int(facts[name])) for name in ("lowest", "measured")}
        )
        for nth, (day, facts) in enumerate(both)
    ]


def _known(of_milli: int) -> int | None:
    return None if of_milli == NONE_MILLI else of_milli


def day_answer(row: Mapping[str, Any]) -> RefundDay:
    """Answer with a day of a sheet."""
    spans = ("breach", "known", "unknown", "outage")
    told_as: dict[str, Any] = {f"{name}_s": row[f"{name}_us"] / 1e6 for name in spans}
    for name in ("lowest", "measured"):
        told_as[name] = None if (at := row[f"{name}_milli"]) is None else celsius(at)
    return RefundDay(
        day=row["day"],
        reason=DayReason(row["reason"]).name.lower(),
        percent=row["percent"],
        amount=told(row["amount"]),
        would=told(row["would"]),
        **told_as,
    )

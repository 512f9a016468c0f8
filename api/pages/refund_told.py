"""A home's refund in plain words, for its customer and the desk: which days, why, and what would have changed them."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from fastapi import Request

from api.desk import refunds
from api.desk.refund_answers import RefundDay, RefundSheet, RefundTold
from api.http.language import Language, said
from api.http.problem import Problem
from api.http.session import Session, surroundings
from api.pages.render import Times, say
from api.words.refund_pages import CHANGE, WHY
from domain.words.text import Text

MOST_SHEETS = 5
NOT_COMPUTED = (409, 422)  # no rules, no season, no fee
OWED = ("cold", "measured", "deemed", "outage")


class RefundRun(NamedTuple):
    """Days in a row with one reason, as a sentence, and what would have changed them."""

    words: str
    change: str | None
    is_owed: bool


class RefundShown(NamedTuple):
    """A home's refund for a page; `why_not`: it cannot be computed, and why."""

    told: RefundTold | None
    why_not: str | None
    sum: str
    runs: Sequence[RefundRun]
    sheets: Sequence[dict[str, Any]]


def shown(request: Request, asking: Session, code: str, language: Language, season: date | None = None) -> RefundShown:
    """Gather the refund of a home.

    Raises:
        Problem: 404, it is out of reach.
    """
    times = Times(language, asking.policy.zone, asking.now)
    sheets = [sheet_line(one, language, times) for one in refunds.sheets_of_home(code, asking)[:MOST_SHEETS]]
    try:
        told = refunds.refund(code, request, asking, season, language)
    except Problem as problem:
        if problem.status not in NOT_COMPUTED:
            raise
        detail = problem.faults[0].detail if problem.faults else problem.detail
        return RefundShown(None, said(detail, language), "", (), sheets)
    return RefundShown(told, None, _sum(told, language, times), list(_runs(told, language, times)), sheets)


def of_customer(request: Request, asking: Session, code: str, language: Language) -> RefundShown | None:
    """Gather the refund of a customer's home; None: there is nothing to tell, as without rules."""
    if surroundings(request).refunds is None:
        return None
    found = shown(request, asking, code, language)
    return found if found.told or found.sheets else None


def money(amount: str, currency: str) -> str:
    """Write an amount with its currency."""
    return f"{amount} {currency}"


def sheet_line(one: RefundSheet, language: Language, times: Times) -> dict[str, Any]:
    """Show a sheet as a line: what it says, and where it stands."""
    fields = {"money": money(one.paid, one.currency), "number": one.corrected_by}
    key = f"refund_mine_{one.state}" if one.state != "settled" or one.paid_at else "refund_mine_nothing"
    return {
        **one.model_dump(),
        "says": say(language, "refund_sheet_says", upto=one.upto, money=money(one.total, one.currency)),
        "stands": say(language, key, at=times.at(one.paid_at) if one.paid_at else "", **fields),
    }


def _sum(told: RefundTold, language: Language, times: Times) -> str:
    owed = sum(Decimal(day.amount) > 0 for day in told.days)
    span = {"first": times.day(told.season), "last": times.day(told.days[-1].day)}
    if not owed:
        return say(language, "refund_sum_none", **span)
    return say(language, "refund_sum", **span, days=owed, money=money(told.total, told.currency))


def _runs(told: RefundTold, language: Language, times: Times) -> Iterable[RefundRun]:
    """Yield what is to be said of the days, in their order; nothing of warm ones and those that are not judged."""
    of_note = (day for day in told.days if day.reason in WHY and (day.reason == "unknown" or Decimal(day.would) > 0))
    for (name, _), group in groupby(of_note, key=_Following()):
        days = list(group)
        amount = sum((Decimal(day.amount) for day in days), Decimal(0))
        missed = sum((Decimal(day.would) for day in days), Decimal(0)) - amount
        fields = {"days": _span(days, language, times), "why": said(WHY[name], language)}
        told_as = say(
            language,
            "refund_run" if amount else "refund_run_none",
            **fields,
            money=money(f"{amount:.2f}", told.currency),
        )
        change = CHANGE.get("cap" if name in OWED else name) if missed or name == "unknown" else None
        yield RefundRun(told_as, _change(change, money(f"{missed:.2f}", told.currency), language), amount > 0)


class _Following:
    """The key of days in a row with one reason; a day that does not follow the one before begins another."""

    def __init__(self) -> None:
        self._before: date | None = None
        self._nth = 0

    def __call__(self, day: RefundDay) -> tuple[str, int]:
        if self._before is not None and (day.day - self._before).days != 1:
            self._nth += 1
        self._before = day.day
        return day.reason, self._nth


def _span(days: Sequence[RefundDay], language: Language, times: Times) -> str:
    first, last = (times.day(days[at].day) for at in (0, -1))
    return first if len(days) == 1 else say(language, "refund_span", first=first, last=last, n=len(days))


def _change(text: Text | None, more: str, language: Language) -> str | None:
    return said(text.fill(money=more), language) if text else None

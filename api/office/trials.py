"""The route on which another policy is tried over a span of the past. The transaction only reads."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated

import numpy as np
from fastapi import APIRouter
from psycopg.errors import QueryCanceled
from pydantic import BaseModel, ConfigDict, Field

from alerts.judging.history import History
from alerts.judging.pool import CHUNK_HOMES
from alerts.judging.what_if import WhatIfFigures, imagine, recorded
from api.http.problem import FieldFault, invalid, unavailable
from api.http.session import AskingLeaders, Session
from api.http.values import AskedDay
from api.words.trials import (
    TRIAL_BUSY,
    TRIAL_DELETED,
    TRIAL_NOTHING,
    TRIAL_SLOW,
    TRIAL_SPAN,
    TRIAL_TOO_MUCH,
)
from domain import policy_file
from domain.errors import RefusedText
from domain.policy import Limit, Policy, Version
from store.base import patience
from store.base.office_role import in_office
from store.judging import ledger_rows

MOST_DAYS = 31
MOST_HOMES = 2_000
MOST_TEXT = 60_000
MOST_VERSIONS, MOST_LIMITS, MOST_SEASONS = 20, 30, 60
WORK_S = 20.0  # after which no more homes are judged
STATEMENT_S = 15
AT_ONCE_READINGS = 300_000  # in memory
_ONE = threading.BoundedSemaphore(1)  # at a time in a process

router = APIRouter(prefix="/v1/rules", tags=["rules"])
Celsius = Annotated[float, Field(ge=0, le=40)]
Seconds = Annotated[int, Field(ge=0, le=604_800)]


class TriedNumbers(BaseModel):
    """Numbers that differ from the policy in force, in all of its versions; null: they stay.

    `cold_below` and `severe_below` are the limits of all classes that have one, in °C.
    """

    model_config = ConfigDict(extra="forbid")

    cold_below: Celsius | None = None
    severe_below: Celsius | None = None
    confirm_for_s: Seconds | None = None
    clear_for_s: Seconds | None = None
    deadband_k: Annotated[float | None, Field(ge=0, le=10)] = None
    hold_intervals: Annotated[float | None, Field(ge=1, le=100)] = None


class PolicyTrial(BaseModel):
    """A policy to try over whole local days, from the first until before the last: as TOML, or by its numbers."""

    model_config = ConfigDict(extra="forbid")

    first: Annotated[AskedDay, Field(alias="from")]
    end: Annotated[AskedDay, Field(alias="to")]
    policy: Annotated[str | None, Field(max_length=MOST_TEXT)] = None
    numbers: TriedNumbers = TriedNumbers()
    most_homes: Annotated[int, Field(ge=1, le=MOST_HOMES)] = MOST_HOMES


class TrialFigures(BaseModel):
    """Homes over a span of days. A flag that follows within the delay of a call-back is of the same ticket."""

    homes: int
    homes_cold: int
    homes_flagged: int
    flags: int
    tickets: int
    cold_hours: float
    severe_hours: float
    compliant_hours: float
    unknown_hours: float
    not_judged_hours: float


class TrialOutcome(BaseModel):
    """The figures on record beside those by the policy tried, of the same `homes_tried` of `homes_all`.

    More homes than asked for, or than there was time for, are represented by these: each one is as likely as the next.
    """

    homes_all: int
    homes_tried: int
    recorded: TrialFigures
    tried: TrialFigures


@dataclass(frozen=True)
class _Span:
    first: date
    end: datetime


@router.post("/trials")
def try_policy(asking: AskingLeaders, trial: PolicyTrial) -> TrialOutcome:
    """Try a policy over a span of the past, a month at most. Nothing is written."""
    return tried(asking, trial)


def tried(asking: Session, trial: PolicyTrial) -> TrialOutcome:
    """Judge homes by a policy, within bounds of time and memory.

    Raises:
        Problem: 422, 503.
    """
    policy = policy_of(asking.policy, trial)
    own, other = (History(one, asking.history, AT_ONCE_READINGS) for one in (asking.policy, policy))
    if not _ONE.acquire(blocking=False):
        raise unavailable(TRIAL_BUSY)
    try:
        with asking.conn.transaction(), in_office(asking.conn):
            patience.statements_at_most(asking.conn, STATEMENT_S)
            span = _span(asking, own, trial)
            homes = list(ledger_rows.homes(asking.conn, None))
            return _judged(asking, (own, other), _drawn(homes, trial.most_homes), span, len(homes))
    except QueryCanceled:
        raise unavailable(TRIAL_SLOW) from None
    finally:
        _ONE.release()


def _span(asking: Session, own: History, trial: PolicyTrial) -> _Span:
    today = own.day_of(asking.now)
    if not timedelta() < trial.end - trial.first <= timedelta(days=MOST_DAYS) or trial.end > today:
        raise invalid(FieldFault("to", TRIAL_SPAN.fill(days=MOST_DAYS)))
    since = asking.history.judged_from(asking.conn)
    if since and datetime.combine(trial.first, datetime.min.time(), asking.policy.zone) < since:
        raise invalid(FieldFault("from", TRIAL_DELETED.fill(day=own.day_of(since) + timedelta(days=1))))
    return _Span(trial.first, datetime.combine(trial.end, datetime.min.time(), asking.policy.zone))


def _drawn(homes: Sequence[int], most: int) -> list[int]:
    """Return homes in an order of chance that is the same each time."""
    order = np.random.default_rng(len(homes)).permutation(len(homes))[:most]
    return [homes[nth] for nth in order.tolist()]


def _judged(
    asking: Session, histories: tuple[History, History], homes: Sequence[int], span: _Span, homes_all: int
) -> TrialOutcome:
    on_record, imagined = WhatIfFigures(), WhatIfFigures()
    done, began = 0, time.monotonic()
    for low in range(0, len(homes), CHUNK_HOMES):
        if time.monotonic() - began > WORK_S:
            break
        ids = np.array(sorted(homes[low : low + CHUNK_HOMES]), np.int32)
        on_record.add(recorded(asking.conn, histories[0], ids, span.first, span.end))
        imagined.add(imagine(asking.conn, histories[1], ids, span.first, span.end))
        done += len(ids)
    figures = {"recorded": asdict(on_record), "tried": asdict(imagined)}
    return TrialOutcome.model_validate({"homes_all": homes_all, "homes_tried": done, **figures})


def policy_of(own: Policy, trial: PolicyTrial) -> Policy:
    """Return the policy that is tried; days begin in the company's zone.

    Raises:
        Problem: 422.
    """
    base = own
    if trial.policy is not None:
        try:
            base = policy_file.load(trial.policy, "policy", own.zone.key)
        except RefusedText as error:
            raise invalid(FieldFault("policy", error.told)) from None
    numbers = trial.numbers.model_dump(exclude_none=True)
    if trial.policy is None and not numbers:
        raise invalid(FieldFault("numbers", TRIAL_NOTHING))
    many = max(len(version.limits) for version in base.versions) > MOST_LIMITS
    if many or len(base.versions) > MOST_VERSIONS or len(base.seasons) > MOST_SEASONS:
        raise invalid(FieldFault("policy", TRIAL_TOO_MUCH))
    return replace(base, versions=tuple(_with(version, numbers) for version in base.versions), text="")


def _with(version: Version, numbers: Mapping[str, float]) -> Version:
    below = {severity: numbers.get(f"{severity}_below") for severity in ("cold", "severe")}
    limits = tuple(_limit(limit, below[limit.severity]) for limit in version.limits)
    own = {name: value for name, value in numbers.items() if not name.endswith("_below")}
    return replace(version, limits=limits, **own)  # type: ignore[arg-type]


def _limit(limit: Limit, below: float | None) -> Limit:
    return limit if below is None else replace(limit, below_celsius=round(below, 3))

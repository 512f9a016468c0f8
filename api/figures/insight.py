"""Routes for forecasts: how they came out, in public for the staff, and the homes that are likely to be cold."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.http.session import AskingDesk, AskingStaff, Session
from api.http.values import Instant, Shown
from domain.foresight import MORNING, ChillReason
from insight.score import Chances
from store.base.rows import Row
from store.insight import warning_rows

MOST_WARNINGS = 2_000
DAY = timedelta(days=1)

router = APIRouter(prefix="/v1/insight", tags=["figures"])


class ReliabilityBin(BaseModel):
    """Forecasts of a tenth of the probability: what was said on average, and how often it came true."""

    pairs: int
    said: float
    came: float


class ChanceScore(BaseModel):
    """The score of forecasts of being under a limit within some hours.

    `brier_skill` is 1 for a perfect forecast and 0 for one no better than persistence; null: nothing was to be scored.
    """

    horizon_h: int
    pairs: int
    events: int
    brier: float | None
    brier_skill: float | None
    recall: float | None
    precision: float | None
    reliability: list[ReliabilityBin]


class NetworkScore(BaseModel):
    """The scores of the homes that a substation feeds; not `shown`: its forecasts are switched off, and are scored."""

    substation: str
    station: str
    shown: bool
    scores: list[ChanceScore]


class LeadScore(BaseModel):
    """Errors of temperatures in kelvin, and the share within the 90 % interval."""

    lead_h: int
    pairs: int
    mae: float
    mae_persistence: float
    coverage: float


class ForecastScore(BaseModel):
    """The score of forecasts of the days from `since` to before `until`."""

    since: date
    until: date
    total: list[ChanceScore]
    temperatures: list[LeadScore]
    networks: list[NetworkScore]


class EarlyWarning(BaseModel):
    """A home that was likely to be under its limit by `until`, and what became of it.

    `not_helped`: it was cold, and nobody had measured there since it was warned of.
    """

    home: str
    unit: str
    building: str
    substation: str
    station: str
    at: Instant
    until: Instant
    celsius: Shown
    lowest: Shown
    limit: Shown
    chance: float
    reason: ChillReason
    told_at: Instant | None
    visited_at: Instant | None
    cold_since: Instant | None
    not_helped: bool


class EarlyWarnings(BaseModel):
    """The warnings for a morning, the surest leading."""

    day: date
    warnings: list[EarlyWarning]


Days = Annotated[int, Query(ge=1, le=366, description="so many local days, today the last one")]
Morning = Annotated[date | None, Query(description="the morning; default: the next one from 06:00 on")]
StationName = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


def next_morning(asking: Session) -> date:
    """Return the morning that warnings are for now: today's until 06:00, then tomorrow's."""
    local = asking.now.astimezone(asking.policy.zone)
    return local.date() + (DAY if local.time() >= MORNING else timedelta(0))


def warnings_of(asking: Session, day: date, station: str | None) -> list[Row]:
    """Read the warnings for a morning."""
    return warning_rows.of_day(asking.conn, day, station or None, MOST_WARNINGS)


@router.get("/warnings")
def warnings(asking: AskingDesk, day: Morning = None, station: StationName = None) -> EarlyWarnings:
    """List the homes that are likely to be cold by a morning, with the reason, and what became of them."""
    wanted = day or next_morning(asking)
    return EarlyWarnings.model_validate({"day": wanted, "warnings": warnings_of(asking, wanted, station)})


@router.get("/score")
def score(asking: AskingStaff, days: Days = 7) -> ForecastScore:
    """Get how forecasts came out: Brier score and skill against persistence, reliability, recall and precision."""
    today = asking.now.astimezone(asking.policy.zone).date()
    since, until = today - (days - 1) * DAY, today + DAY
    rows = warning_rows.scores(asking.conn, since, until)
    errors = [_lead(row) for row in warning_rows.errors(asking.conn, since, until)]
    totals = [_total(rows, horizon) for horizon in sorted({row["horizon_h"] for row in rows})]
    return ForecastScore(since=since, until=until, total=totals, temperatures=errors, networks=_networks(rows))


def _networks(rows: list[Row]) -> list[NetworkScore]:
    found: dict[str, NetworkScore] = {}
    for row in rows:
        place = {name: row[name] for name in ("substation", "station", "shown")}
        network = found.setdefault(row["substation"], NetworkScore(**place, scores=[]))
        network.scores.append(_score(row["horizon_h"], Chances.kept(row)))
    return list(found.values())


def _total(rows: list[Row], horizon: int) -> ChanceScore:
    return _score(horizon, sum((Chances.kept(row) for row in rows if row["horizon_h"] == horizon), Chances.none()))


def _score(horizon: int, chances: Chances) -> ChanceScore:
    return ChanceScore(
        horizon_h=horizon,
        pairs=chances.pairs,
        events=chances.events,
        brier=chances.brier / chances.pairs if chances.pairs else None,
        brier_skill=chances.skill,
        recall=chances.recall,
        precision=chances.precision,
        reliability=[
            ReliabilityBin(pairs=int(pairs), said=said / pairs, came=came / pairs)
            for pairs, came, said in chances.bins.tolist()
            if pairs
        ],
    )


def _lead(row: Row) -> LeadScore:
    pairs = row["pairs"]
    return LeadScore(
        lead_h=row["lead_h"],
        pairs=pairs,
        mae=row["error"] / pairs,
        mae_persistence=row["error_persistence"] / pairs,
        coverage=row["covered"] / pairs,
    )

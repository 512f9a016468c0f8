"""The likely cause of a home's cold, told from what was measured in it, around it and at its substation."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from pydantic import BaseModel

from api.homes.home_places import places_of
from api.http.session import Session
from api.http.values import Instant
from domain.words.text import Text
from insight.cause import ColdCause, HeatRecord, explain
from insight.rates import Floats
from insight.words.cause import cause_text
from store.figures import cause_rows, heat_record_rows
from store.figures.heat_record_rows import HeatSpan
from store.sensors import estimate_rows
from store.sensors.estimate_rows import PlacedHome

STEP, STEPS = timedelta(minutes=10), 288
STILL = 6  # steps that the last value is taken for what is now
MOST_BESIDE, MOST_OTHERS = 150, 60  # homes of the building, and of the rest of the substation


class HomeCause(BaseModel):
    """The likely cause of a cold home with its evidence; `sure` from 0 to 1. It is no finding: that is the crew's.

    `fell`: kelvin below its usual temperature. `beside` homes were measured around it, `beside_fell` of them fell, too,
    and `homes` names some of those.
    """

    home: str
    at: Instant
    cause: ColdCause
    sure: float
    fell: float
    beside: int
    beside_fell: int
    homes: Sequence[str]
    zh: str
    en: str


def likely_cause(asking: Session, code: str, at: datetime) -> HomeCause | None:
    """Tell the likely cause of a home's cold at an instant; None: it was not measured then, or cannot be reached."""
    substation = estimate_rows.substation_of(asking.conn, code)
    found = estimate_rows.homes(asking.conn, substation, at) if substation else []
    near = _near(found, code)
    if not near:
        return None
    read = heat_record_rows.record(asking.conn, [home.home_id for home in near], HeatSpan(at, STEP, STEPS))
    celsius = _until_now(read.celsius)
    if np.isnan(celsius[-1, 0]):
        return None
    supply, outdoor = (_until_now(column[:, None]) for column in (read.supply, read.outdoor))
    recording = HeatRecord(celsius, supply, outdoor, STEP.total_seconds() / 3600)
    (evidence,) = explain(places_of(near), recording, np.array([0]))
    homes = [near[nth].home for nth in evidence.homes]
    said: Text = cause_text(evidence, homes)
    return HomeCause(
        home=code,
        at=at,
        cause=evidence.cause,
        sure=evidence.sure,
        fell=round(evidence.fell_k, 1),
        beside=evidence.beside,
        beside_fell=evidence.beside_fell,
        homes=homes,
        zh=said.zh,
        en=said.en,
    )


def _near(found: Sequence[PlacedHome], code: str) -> list[PlacedHome]:
    """Return a home, those of its building, and others of its substation, spread over all: the ones with a sensor."""
    own = [home for home in found if home.home == code]
    measured = [home for home in found if home.celsius is not None and home.home != code]
    same = [home for home in measured if own and home.building == own[0].building]
    others = [home for home in measured if own and home.building != own[0].building]
    return [*own, *same[:MOST_BESIDE], *others[:: max(1, -(-len(others) // MOST_OTHERS))]]


def _until_now(columns: Floats) -> Floats:
    """Return columns whose last row is the last value of the last steps."""
    last = columns[-STILL:]
    at = np.where(np.isnan(last), -1, np.arange(len(last))[:, None]).max(0)
    now = np.where(at < 0, np.nan, last[np.maximum(at, 0), np.arange(columns.shape[1])])
    return np.vstack([columns[:-1], now])


def likely_of(asking: Session, ticket: int) -> dict[str, str]:
    """Return what is kept with the cause found: the likely one as the ticket was opened, of a cold home."""
    cold = cause_rows.cold_home(asking.conn, ticket)
    found = None if cold is None else likely_cause(asking, *cold)
    return {} if found is None else {"likely": found.cause.value}
